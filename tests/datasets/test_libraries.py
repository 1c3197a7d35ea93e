"""Every format read by the libraries it is for: `datasets`, trl's own loader and checks, public chat templates (as trl ships them).

What is asserted is what a model would be trained on: the very objects that were written, the number of messages in the rendered
text, the loss mask on the completion.
"""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import datasets
import pytest
import trl
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from trl import data_utils
from trl.scripts.utils import DatasetConfig, DatasetMixtureConfig, get_dataset

from addons.dataset_export.card import card, dataset_info
from addons.dataset_export.choose import Splits
from addons.dataset_export.example import Options
from addons.dataset_export.export import Order, export
from addons.dataset_export.formats.table import FORMATS
from addons.dataset_export.progress import Progress
from converters.json_codec import JsonObject
from tests.addons.dataset_export.talk import Agent, Record, assistant, call, record, result, thinking, user

READ = {
    "name": "read",
    "description": "Read a file.",
    "parameters": {"type": "object", "properties": {"path": {"type": "string"}, "lines": {"type": "integer"}}},
}
FIND = {"name": "find", "parameters": {"type": "object", "properties": {"words": {"type": ["string", "array"]}}}}
TEMPLATES = {
    # name: (what begins a message, what begins an assistant's)
    "qwen2_5": ("<|im_start|>", "<|im_start|>assistant\n"),
    "qwen3": ("<|im_start|>", "<|im_start|>assistant\n"),
    "llama3_1": ("<|start_header_id|>", "<|start_header_id|>assistant<|end_header_id|>"),
    "llama3_2": ("<|start_header_id|>", "<|start_header_id|>assistant<|end_header_id|>"),
}
QWEN = ("qwen2_5", "qwen3")  # those of Llama write a tool's result as JSON
FUNCTION = re.compile(r'\{\s*"type": "function",\s*"function": \{\s*"name": "find",\s*"parameters": \{')
CHAT_FORMATS = ("hf-messages", "hf-prompt-completion", "openai-sft", "hf-dpo")
SPLITS = Splits((("train", 0.5), ("test", 0.5)))


def records() -> list[Record]:
    """Conversations with and without tools, arguments of several types under one name, and a second model's answers."""
    found: list[Record] = []
    for number in range(12):
        agent = Agent(f"a{number}", system="Be brief." if number % 2 else "", tools=[READ, FIND] if number % 3 else [])
        if number % 3:
            words: object = "x" if number % 2 else ["x", number]
            agent.ask(f"Find {number}.", assistant(thinking("Hm."), call("find", words=words, deep={"n": number})))
            agent.ask(user(result(f"{number} found")), assistant("Looking.", call("read", path="ä", lines=number)))
            agent.ask(user(result("line one\nline two")), f"It says {number}.")
        agent.ask(f"Thanks {number}.", f"Welcome {number}.")
        found += agent.made
        reminder = {"role": "system", "parts": [{"type": "text", "text": "Be kind."}]}
        reminded = record(f"c{number}", [user(f"Remind {number}."), reminder], assistant(f"Welcome {number}."))
        found.append(reminded)
        last = agent.made[-1]
        other = record(f"b{number}", last["conversation"]["messages"], assistant(f"No {number}."), model="m-2")
        other["conversation"] |= {"system": last["conversation"]["system"], "tools": last["conversation"]["tools"]}
        found.append(other)
    return found


def written(folder: Path, format_: str, **options: Any) -> Path:
    def read(_: bool) -> Iterator[JsonObject]:
        return iter(json.loads(json.dumps(records())))

    order = Order(FORMATS[format_], Options(**options), splits=SPLITS, chosen="m-1")
    report = export(read, order, folder, Progress(io.StringIO(), lambda: 0.0))
    assert set(report.rows) == {"train", "test"}, "choose another seed"
    (folder / "README.md").write_text(card(order, report, {}, "0", "all"))
    (folder / "dataset_info.json").write_text(dataset_info(order.format, order.options, report.rows))
    return folder


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def pruned(row: dict[str, Any]) -> dict[str, Any]:
    """`datasets` has every column in every row."""
    return {name: value for name, value in row.items() if value is not None}


def calls_of(message: dict[str, Any]) -> list[str]:
    """The functions that it calls."""
    return [one["function"]["name"] for one in message.get("tool_calls") or [] if one["type"] == "function"]


@pytest.fixture(scope="module")
def tokenizers() -> dict[str, PreTrainedTokenizerFast]:
    """A tokenizer of bytes, with each of the templates."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    bare = Tokenizer(models.BPE(vocab={letter: n for n, letter in enumerate(letters)}, merges=[]))
    bare.pre_tokenizer, bare.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    folder = Path(trl.__file__).parent / "chat_templates"
    made = {}
    for name in TEMPLATES:
        tokenizer = PreTrainedTokenizerFast(tokenizer_object=bare, bos_token="<s>", eos_token="</s>")
        tokenizer.chat_template = (folder / f"{name}.jinja").read_text()
        made[name] = tokenizer
    return made


# --- datasets ---


@pytest.mark.parametrize("strings", ["none", "tools", "all"])
@pytest.mark.parametrize("format_", [*CHAT_FORMATS, "sharegpt"])
def test_datasets_reads_what_was_written(tmp_path: Path, format_: str, strings: str) -> None:
    """By its folder: the card names splits and types."""
    folder = written(tmp_path / "out", format_, strings=strings)
    found = datasets.load_dataset(str(folder))
    for split in ("train", "test"):
        assert [pruned(row) for row in found[split]] == [pruned(row) for row in lines(folder / f"data/{split}.jsonl")]


@pytest.mark.parametrize("format_", [*CHAT_FORMATS, "sharegpt"])
def test_datasets_reads_the_files_alone(tmp_path: Path, format_: str) -> None:
    """Without a card: types are found by looking at the rows, with arguments of several types under one name."""
    path = written(tmp_path / "out", format_) / "data/train.jsonl"
    found = datasets.load_dataset("json", data_files=str(path), split="train")
    assert [pruned(row) for row in found] == [pruned(row) for row in lines(path)]


def test_datasets_reads_parquet(tmp_path: Path) -> None:
    folder = written(tmp_path / "out", "parquet")
    found = datasets.load_dataset(str(folder), split="train")
    assert sorted(found["id"]) == sorted(one["id"] for one in records())
    assert set(found["input_tokens"]) == {10}
    assert all(json.loads(messages) for messages in found["messages"])


# --- trl ---


@pytest.mark.parametrize("format_", ["hf-messages", "hf-prompt-completion", "hf-dpo", "openai-sft"])
def test_trls_own_loader_and_checks_take_it(tmp_path: Path, format_: str) -> None:
    folder = written(tmp_path / "out", format_)
    asked = DatasetMixtureConfig(datasets=[DatasetConfig(path=str(folder))])
    found = get_dataset(asked)["train"]
    assert len(found) == len(lines(folder / "data/train.jsonl"))
    assert all(data_utils.is_conversational(row) for row in found)
    talks = [message for row in found for column in row.values() if isinstance(column, list) for message in column]
    assert {name for message in talks for name in calls_of(message)} == {"find", "read"}, "calls are features"


def test_trl_makes_messages_of_sharegpt(tmp_path: Path) -> None:
    folder = written(tmp_path / "out", "sharegpt")
    row = lines(folder / "data/train.jsonl")[0]
    assert data_utils.is_conversational_from_value(row)
    turns = len(row["conversations"])
    assert [set(message) for message in data_utils.maybe_convert_to_chatml(row)["messages"]] == [
        {"role", "content"}
    ] * turns


# --- chat templates ---


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("reasoning", ["drop", "reasoning_content", "think-tags"])
def test_templates_render_every_message(
    tmp_path: Path, tokenizers: dict[str, PreTrainedTokenizerFast], template: str, reasoning: str
) -> None:
    folder = written(tmp_path / "out", "hf-messages", reasoning=reasoning)
    begins, own = TEMPLATES[template]
    for row in datasets.load_dataset(str(folder))["train"]:
        given = {"messages": row["messages"]}
        text = data_utils.apply_chat_template(given, tokenizers[template], tools=row["tools"])["text"]
        said = [message for message in row["messages"] if message["role"] == "assistant"]
        assert [name for message in said for name in calls_of(message)] == (["find", "read"] if row["tools"] else [])
        assert text.count(own) == len(said)
        rest = [message for message in row["messages"] if message["role"] not in ("assistant", "system")]
        assert text.count(begins) - len(said) >= len(rest)
        for message in rest:
            assert (message["content"] if template in QWEN else json.dumps(message["content"])[1:-1]) in text
        for message in said:
            for called in message.get("tool_calls", []):
                assert json.dumps(called["function"]["arguments"], ensure_ascii=False) in text
            assert message["content"].rpartition("</think>")[2].strip() in text or message.get("tool_calls")
        assert bool(FUNCTION.search(text)) == bool(row["tools"])


@pytest.mark.parametrize("template", TEMPLATES)
def test_prompt_and_completion_are_the_two_parts_of_the_text(
    tmp_path: Path, tokenizers: dict[str, PreTrainedTokenizerFast], template: str
) -> None:
    """trl's loss is on the completion: it must begin right where the assistant does."""
    folder = written(tmp_path / "out", "hf-prompt-completion")
    rows = datasets.load_dataset(str(folder))["train"]
    assert len(rows) > 10
    for row in rows:
        given = {"prompt": row["prompt"], "completion": row["completion"]}
        found = data_utils.apply_chat_template(given, tokenizers[template], tools=row["tools"])
        (answer,) = row["completion"]
        whole = data_utils._tokenize(tokenizers[template], row["prompt"] + row["completion"], tools=row["tools"])
        prompt = data_utils._tokenize(
            tokenizers[template], row["prompt"], tools=row["tools"], add_generation_prompt=True
        )
        assert whole["input_ids"][: len(prompt["input_ids"])] == prompt["input_ids"]
        assert found["prompt"].rstrip().endswith(TEMPLATES[template][1].rstrip())
        told = answer["content"] if not answer.get("tool_calls") else answer["tool_calls"][0]["function"]["name"]
        assert told in found["completion"]


@pytest.mark.parametrize("template", TEMPLATES)
def test_pairs_render_as_two_answers_to_one_prompt(
    tmp_path: Path, tokenizers: dict[str, PreTrainedTokenizerFast], template: str
) -> None:
    folder = written(tmp_path / "out", "hf-dpo")
    rows = datasets.load_dataset(str(folder))["train"]
    for row in rows:
        given = {name: row[name] for name in ("prompt", "chosen", "rejected")}
        found = data_utils.apply_chat_template(given, tokenizers[template], tools=row["tools"])
        assert "Welcome" in found["chosen"]
        assert found["rejected"].lstrip("\n<think>/ ").startswith("No")
        assert "Thanks" in found["prompt"]


def test_the_same_tools_as_text_render_the_same(tmp_path: Path, tokenizers: dict[str, PreTrainedTokenizerFast]) -> None:
    """trl parses a column of strings before it renders."""
    plain = datasets.load_dataset(str(written(tmp_path / "a", "hf-messages")))["train"]
    texts = datasets.load_dataset(str(written(tmp_path / "b", "hf-messages", strings="tools")))["train"]
    for one, other in zip(plain, texts, strict=True):
        tools = json.loads(other["tools"]) if other["tools"] else None
        given = {"messages": one["messages"]}
        assert data_utils.apply_chat_template(given, tokenizers["qwen3"], tools=one["tools"]) == (
            data_utils.apply_chat_template({"messages": other["messages"]}, tokenizers["qwen3"], tools=tools)
        )


def test_openai_sft_renders_with_a_template_that_takes_arguments_as_text(
    tmp_path: Path, tokenizers: dict[str, PreTrainedTokenizerFast]
) -> None:
    """Qwen 3's template takes both."""
    for row in datasets.load_dataset(str(written(tmp_path / "out", "openai-sft")))["train"]:
        text = data_utils.apply_chat_template({"messages": row["messages"]}, tokenizers["qwen3"], tools=row["tools"])[
            "text"
        ]
        for message in row["messages"]:
            for called in message.get("tool_calls", []):
                assert called["function"]["arguments"] in text


def test_llamas_template_refuses_two_calls_at_once(tokenizers: dict[str, PreTrainedTokenizerFast]) -> None:
    """Documented in docs/datasets.md: such rows are for other models."""
    calls = [{"type": "function", "function": {"name": "f", "arguments": {}}}] * 2
    messages = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "", "tool_calls": calls}]
    with pytest.raises(Exception, match="single tool-calls"):
        tokenizers["llama3_1"].apply_chat_template(messages, tokenize=False)
    assert tokenizers["qwen3"].apply_chat_template(messages, tokenize=False).count("<tool_call>") == 2
