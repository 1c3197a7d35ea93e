"""2.1, 6, 7.4: contents of a Gemini client's request."""

import pytest

from converters.errors import ConversionError
from converters.gemini.parse_turns import parse_turns
from converters.gemini.tokens import write_signature
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.turns import Text, Thinking, Token, ToolCall, ToolResult, Turn


def parsed(*contents: Json) -> list[Turn]:
    return parse_turns({"contents": [*contents]}, Loss())


def content(role: str, *parts: JsonObject) -> JsonObject:
    return {"role": role, "parts": [*parts]}


@pytest.mark.parametrize(
    ("role", "expected"), [("user", "user"), ("function", "user"), ("model", "assistant"), ("", "user")]
)
def test_2_1_roles(role: str, expected: str) -> None:
    assert [turn.role for turn in parsed(content(role, {"text": "x"}))] == [expected]


def test_2_1_a_missing_role_is_the_user() -> None:
    assert parsed({"parts": [{"text": "x"}]}) == [Turn("user", [Text("x")])]


@pytest.mark.parametrize("contents", ["x", {"parts": [{"text": "x"}]}, {"parts": {"text": "x"}}])
def test_2_1_short_forms(contents: Json) -> None:
    assert parse_turns({"contents": contents}, Loss()) == [Turn("user", [Text("x")])]


@pytest.mark.parametrize(
    "contents",
    [None, [], 5, [5], [{"role": "system", "parts": []}], [{"role": "user"}], [{"role": "user", "parts": 5}]],
)
def test_17_malformed_contents_are_refused(contents: Json) -> None:
    with pytest.raises(ConversionError):
        parse_turns({"contents": contents}, Loss())


def test_6_results_are_paired_and_named_after_their_calls() -> None:
    turns = parsed(
        content("model", {"function_call": {"name": "f", "args": {}}}),
        content("user", {"function_response": {"name": "f", "response": {"output": "x"}}}),
    )
    call, result = turns[0].parts[0], turns[1].parts[0]
    assert isinstance(call, ToolCall)
    assert isinstance(result, ToolResult)
    assert (call.id, call.name) == (result.call_id, result.name)


def test_7_4_chunks_recorded_as_contents_are_one_turn_and_one_thought() -> None:
    """Two turns: what a client library kept of an answer carries the token back."""
    token = Token("a", "signed")
    signature = write_signature(token)
    assert parsed(
        content("user", {"text": "q"}),
        content("model", {"text": "Hm", "thought": True}),
        content("model", {"text": " yes", "thought": True}),
        content("model", {"text": "", "thought": True, "thought_signature": signature}),
        content("model", {"text": "A"}),
        {"role": "model"},
    )[1:] == [Turn("assistant", [Thinking("Hm yes", token), Text("A")])]


def test_7_4_a_signature_of_a_text_stays_apart_from_thought() -> None:
    (turn,) = parsed(content("model", {"text": "Hm", "thought": True}, {"text": "A", "thoughtSignature": "c2ln"}))
    assert turn.parts == [Thinking("Hm"), Thinking("", Token("g", "c2ln", "text")), Text("A")]
