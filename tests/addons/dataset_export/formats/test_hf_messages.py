"""hf-messages, as `datasets`, trl and axolotl read it."""

from dataclasses import replace

from addons.dataset_export.formats.hf_messages import HF_MESSAGES
from tests.addons.dataset_export.rig import made, written

FUNCTION = {
    "name": "read",
    "description": "Read a file.",
    "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
}


def called(path: str) -> dict[str, object]:
    return {"type": "function", "function": {"name": "read", "arguments": {"path": path}}}


def test_a_row() -> None:
    row, losses = written(HF_MESSAGES, made())
    assert row == {
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Read a and b."},
            {"role": "assistant", "content": "Looking.", "tool_calls": [called("a"), called("b")], "train": False},
            {"role": "tool", "content": "one", "name": "read"},
            {"role": "tool", "content": "two", "name": "read"},
            {"role": "user", "content": "Hurry."},
            {"role": "assistant", "content": "One and two."},
        ],
        "tools": [{"type": "function", "function": FUNCTION}],
    }
    assert losses == {"reasoning": 2, "mark of a tool result as an error": 1}


def test_a_turn_that_this_row_teaches_has_no_mark() -> None:
    one = made()
    taught = replace(one, prompt=[replace(said, learn=True) for said in one.prompt])
    row, _ = written(HF_MESSAGES, taught)
    assert [message for message in row["messages"] if "train" in message] == []


def test_strings_and_reasoning() -> None:
    row, _ = written(HF_MESSAGES, made(), strings="all", reasoning="reasoning_content")
    assert row["messages"][2]["tool_calls"][0]["function"]["arguments"] == '{"path":"a"}'
    assert row["messages"][-1] == {"role": "assistant", "content": "One and two.", "reasoning_content": "I see."}
    assert row["tools"].startswith('[{"type":"function","function":{"name":"read"')
    row, _ = written(HF_MESSAGES, made(), strings="tools")
    assert row["messages"][2]["tool_calls"][0]["function"]["arguments"] == {"path": "a"}
    assert isinstance(row["tools"], str)


def test_without_tools_the_column_is_null() -> None:
    assert written(HF_MESSAGES, made(tools=[]))[0]["tools"] is None
