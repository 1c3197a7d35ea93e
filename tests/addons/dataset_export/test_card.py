"""What lies beside the rows."""

import json
from collections import Counter
from typing import Any

import pytest
from ruamel.yaml import YAML

from addons.dataset_export.card import axolotl, card, dataset_info
from addons.dataset_export.choose import Splits
from addons.dataset_export.example import Options
from addons.dataset_export.export import Order, Report
from addons.dataset_export.facts import facts_of
from addons.dataset_export.formats.table import FORMATS
from tests.addons.dataset_export.talk import assistant, record, user

SPLITS = Splits((("train", 0.9), ("test", 0.1)))


def report() -> Report:
    made = Report(rows=Counter(train=1200, test=3), read=5000, conversations=40, forks=7, repeated=2)
    made.origins["sub-agent"] = 4
    made.losses["reasoning"] = 1234
    for id_, provider in (("1", "claude-custom"), ("2", "mine|yours")):
        made.count(
            facts_of(record(id_, [user("a")], assistant("b"), provider=provider, began=1_795_392_000.0)), "train"
        )
    return made


def text(name: str = "hf-messages", options: Options | None = None) -> str:
    order = Order(FORMATS[name], options or Options(), splits=SPLITS)
    return card(order, report(), {"claude-custom": "those you accepted"}, "9.9", "state complete")


def test_the_card_says_what_where_from_and_on_which_terms() -> None:
    page = text()
    for line in (
        "Written by aiclient 9.9 from 5,000 recorded exchanges.",
        "1,203 rows; 2 assistant turns; 40 conversations.",
        "From 2026-11-23 to 2026-11-23 (UTC).",
        "| train | 1,200 | 2 |",
        "| m-1 | 2 |",
        "| mine\\|yours | 1 |",
        "- places where a conversation went more than one way (edits, retries, side tasks): 7",
        "- conversations that began as a sub-agent: 4",
        "- records left out: the same call and answer as another: 2",
        "| reasoning | 1,234 |",
        "- claude-custom: those you accepted.",
        "- mine|yours: nothing is known.",
        "chosen by: state complete.",
    ):
        assert line in page
    assert "vanished" not in page
    assert "were gone" not in page


def head(page: str) -> dict[str, object]:
    found: dict[str, object] = YAML(typ="safe").load(page.split("---\n")[1])
    return found


def test_its_head_tells_datasets_which_files_and_types_there_are() -> None:
    found = head(text())
    assert found["configs"] == [
        {
            "config_name": "default",
            "data_files": [
                {"split": "train", "path": "data/train.jsonl"},
                {"split": "test", "path": "data/test.jsonl"},
            ],
        }
    ]
    assert found["dataset_info"] == {
        "features": [{"name": "messages", "list": "json"}, {"name": "tools", "list": "json"}]
    }


def test_tools_in_a_string_are_declared_as_one() -> None:
    features = head(text(options=Options(strings="tools")))["dataset_info"]
    assert features == {"features": [{"name": "messages", "list": "json"}, {"name": "tools", "dtype": "string"}]}
    kept = head(text("openai-sft", Options(strings="all")))["dataset_info"]
    assert {"name": "tools", "list": "json"} in kept["features"]  # type: ignore[index]


def test_without_objects_no_type_is_named_that_an_older_datasets_does_not_know() -> None:
    assert set(head(text(options=Options(strings="all")))) == {"tags", "configs"}
    pairs = [{"name": "from", "dtype": "string"}, {"name": "value", "dtype": "string"}]
    features = head(text("sharegpt"))["dataset_info"]["features"]  # type: ignore[index]
    assert features[0] == {"name": "conversations", "list": pairs}
    assert "json" not in str(features)


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_every_format_has_a_card_whose_head_is_yaml(name: str) -> None:
    assert {"tags", "configs", "dataset_info"} == set(head(text(name)))


def test_llama_factory_finds_each_split() -> None:
    found = json.loads(dataset_info(FORMATS["sharegpt"], Options(), Counter(train=1, test=1)))
    assert set(found) == {"aiclient_sharegpt_train", "aiclient_sharegpt_test"}
    assert found["aiclient_sharegpt_test"]["file_name"] == "data/test.jsonl"
    assert found["aiclient_sharegpt_test"]["formatting"] == "sharegpt"
    assert found["aiclient_sharegpt_test"]["tags"]["user_tag"] == "human"
    assert dataset_info(FORMATS["parquet"], Options(), Counter(train=1)) == ""


@pytest.mark.parametrize(("name", "strings"), [("openai-sft", "none"), ("hf-messages", "all")])
def test_llama_factory_gets_no_arguments_in_strings(name: str, strings: Any) -> None:
    """It writes what it finds there as JSON, and a string would be one in a string then."""
    options = Options(strings=strings)
    assert dataset_info(FORMATS[name], options, Counter(train=1)) == ""
    assert "LLaMA-Factory:" not in text(name, options)
    assert "LLaMA-Factory:" in text("hf-messages", Options(strings="tools"))


def test_axolotl_gets_an_entry_it_can_read() -> None:
    found = YAML(typ="safe").load(axolotl(FORMATS["openai-sft"], "train"))
    assert found == {
        "datasets": [
            {
                "path": "json",
                "data_files": "FOLDER/data/train.jsonl",
                "split": "train",
                "type": "chat_template",
                "field_messages": "messages",
                "message_field_training": "weight",
            }
        ]
    }
    assert axolotl(FORMATS["hf-dpo"], "train") == ""
    assert axolotl(FORMATS["sharegpt"], "train") == "", "it knows no `function_call`, and no tools in a string"
    assert "message_field_training: train" in text()
