"""parquet: one row for each record."""

import json
from collections import Counter

from addons.dataset_export.example import Options, example
from addons.dataset_export.facts import facts_of
from addons.dataset_export.formats.parquet import PARQUET
from tests.addons.dataset_export.rig import TOOL_LOOP, made, written
from tests.addons.dataset_export.talk import assistant, call, record


def test_a_row() -> None:
    usage = {"input_tokens": 100, "cache_read_tokens": 90, "output_tokens": 5, "reasoning_tokens": None}
    row, losses = written(PARQUET, made(usage=usage, began=1_795_392_000.0))
    texts = {name: json.loads(row.pop(name)) for name in ("system", "tools", "messages", "answer", "loss")}
    assert row == {
        "id": "1",
        "conversation": "00ff",
        "split": "",
        "began": 1_795_392_000.0,
        "first_byte_seconds": 0.5,
        "seconds": 2.0,
        "protocol": "chat",
        "action": "generate",
        "agent": "agent/1",
        "provider": "openai-custom",
        "account": "openai-custom:default",
        "model_asked": "m-1",
        "model_served": "m-1",
        "state": "complete",
        "stop_reason": "stop",
        "input_tokens": 100,
        "cache_read_tokens": 90,
        "cache_write_tokens": None,
        "output_tokens": 5,
        "reasoning_tokens": None,
        "tool_calls": 0,
    }
    assert texts["messages"] == TOOL_LOOP
    assert texts["system"][0]["text"] == "Be brief."
    assert set(texts["loss"]) == {"dropped", "changed", "noted"}
    assert losses == {}


def test_calls_are_those_of_the_answer_and_not_of_the_history() -> None:
    one = record("1", TOOL_LOOP, assistant("It says so.", call("read")))
    row = PARQUET.write(example(one, facts_of(one), "", []), Options(), Counter())
    assert row is not None
    assert row["tool_calls"] == 1


def test_numbers_that_no_column_holds_are_null() -> None:
    row, _ = written(PARQUET, made(usage={"input_tokens": 10**30, "output_tokens": 1.5}))
    assert (row["input_tokens"], row["output_tokens"]) == (None, None)


def test_the_system_prompt_is_the_one_that_the_model_was_told() -> None:
    one = made(system="Own.")
    one.record["system_prompt"] = {"mode": "prepend", "text": "Ours.", "replacements": []}
    row, _ = written(PARQUET, one)
    assert [part["text"] for part in json.loads(row["system"])] == ["Ours.", "Own."]
