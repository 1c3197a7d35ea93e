"""openai-sft: OpenAI's own checks of a fine-tuning file, as far as they are published."""

import json
from typing import Any

from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from pydantic import TypeAdapter

from addons.dataset_export.formats.openai_sft import OPENAI_SFT
from tests.addons.dataset_export.rig import made, written


def test_a_row() -> None:
    row, _ = written(OPENAI_SFT, made())
    assistant = row["messages"][2]
    assert assistant["weight"] == 0
    assert [(call["id"], call["function"]["arguments"]) for call in assistant["tool_calls"]] == [
        ("c1", '{"path":"a"}'),
        ("c2", '{"path":"b"}'),
    ]
    assert row["messages"][3] == {"role": "tool", "content": "one", "tool_call_id": "c1"}
    assert row["messages"][-1] == {"role": "assistant", "content": "One and two."}
    assert row["parallel_tool_calls"] is True
    assert isinstance(row["tools"], list)


def test_the_sdk_takes_the_messages_and_tools() -> None:
    row, _ = written(OPENAI_SFT, made(), strings="tools")
    messages: list[dict[str, Any]] = [{k: v for k, v in one.items() if k != "weight"} for one in row["messages"]]
    TypeAdapter(list[ChatCompletionMessageParam]).validate_python(messages, strict=False)
    TypeAdapter(list[ChatCompletionToolParam]).validate_python(row["tools"])


def test_every_result_answers_a_call_before_it() -> None:
    row, _ = written(OPENAI_SFT, made())
    known: set[str] = set()
    for message in row["messages"]:
        known |= {call["id"] for call in message.get("tool_calls", [])}
        assert message["role"] != "tool" or message["tool_call_id"] in known
    assert known == {"c1", "c2"}


def test_without_tools_their_keys_are_not_there() -> None:
    row, _ = written(OPENAI_SFT, made(tools=[]))
    assert set(row) == {"messages"}
    assert json.loads(json.dumps(row)) == row
