"""Two bodies that mean the same are equal; two that do not, are not."""

import pytest

from addons.replay.meaning import meaning
from converters.json_codec import Json

SAME: dict[str, tuple[Json, Json]] = {
    "order of members": ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
    "ids": ({"id": "chatcmpl-1", "created": 5}, {"id": "chatcmpl-2", "created": 6}),
    "dates": ({"at": "2026-11-23T10:00:00Z"}, {"at": "2025-01-01T00:00:00.5+01:00"}),
    "spaces in arguments": ({"arguments": '{"a":1}'}, {"arguments": '{ "a": 1 }'}),
    "a text or its only part": ({"content": "Hi"}, {"content": [{"type": "text", "text": "Hi"}]}),
    "a text as the Responses API calls it": (
        {"role": "assistant", "content": [{"type": "output_text", "text": "x"}]},
        {"role": "assistant", "content": "x"},
    ),
    "nothing": ({"a": None, "b": [], "c": {}, "d": ""}, {}),
    "how an error is worded": ({"error": {"type": "x", "message": "a"}}, {"error": {"type": "x", "message": "b"}}),
    "ids that belong together": (
        [{"id": "a"}, {"tool_call_id": "a"}],
        [{"id": "b"}, {"tool_call_id": "b"}],
    ),
}
DIFFERENT: dict[str, tuple[Json, Json]] = {
    "another text": ({"content": "Hi"}, {"content": "Ho"}),
    "false is not missing": ({"store": False}, {}),
    "another argument": ({"arguments": '{"a":1}'}, {"arguments": '{"a":2}'}),
    "ids inside arguments": ({"arguments": '{"id":"a"}'}, {"arguments": '{"id":"b"}'}),
    "ids inside a tool's input": ({"input": {"id": "a"}}, {"input": {"id": "b"}}),
    "an empty member of a tool's input": ({"input": {"a": ""}}, {"input": {}}),
    "thinking is no text": ({"type": "thinking", "text": "x"}, {"type": "text", "text": "x"}),
    "another kind of error": ({"error": {"type": "x"}}, {"error": {"type": "y"}}),
    "an error without words": ({"error": {"type": "x", "message": "a"}}, {"error": {"type": "x"}}),
    "a result of another call": (
        [{"id": "a"}, {"id": "b"}, {"tool_call_id": "a"}],
        [{"id": "a"}, {"id": "b"}, {"tool_call_id": "b"}],
    ),
    "order of turns": ({"messages": [1, 2]}, {"messages": [2, 1]}),
    "no id": ({"id": "a"}, {}),
    "no date": ({"created": 5}, {}),
    "a part of no kind": ({"content": [{"text": "x"}]}, {"content": [{"type": "text", "text": "x"}]}),
    "what a user said is no output": (
        {"role": "user", "content": [{"type": "output_text", "text": "x"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "x"}]},
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_the_same(name: str) -> None:
    one, other = SAME[name]
    assert meaning(one) == meaning(other)


@pytest.mark.parametrize("name", DIFFERENT)
def test_not_the_same(name: str) -> None:
    one, other = DIFFERENT[name]
    assert meaning(one) != meaning(other)


def test_an_answer_is_spelled_as_its_client_reads_it() -> None:
    text, parts = {"content": "Hi"}, {"content": [{"type": "text", "text": "Hi"}]}
    assert meaning(text) == meaning(parts)  # of a request
    assert meaning(text, answer=True) != meaning(parts, answer=True)


def test_an_id_is_where_it_was_first() -> None:
    assert meaning({"messages": [{"id": "a"}, {"call_id": "a"}]}) == {
        "messages": [{"id": "<id>"}, {"call_id": "<id of messages[0]>"}]
    }
