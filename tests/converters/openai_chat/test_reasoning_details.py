"""7.4: reasoning tokens to and from Chat clients."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.envelope import seal
from converters.json_codec import Json, JsonObject
from converters.openai_chat.reasoning_details import (
    read_call_token,
    read_detail,
    read_thinking,
    write_call_token,
    write_detail,
)
from converters.turns import Thinking, Token


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (
            Token("a", "sig"),
            {"type": "reasoning.text", "text": "hm", "signature": "sig", "format": "anthropic-claude-v1", "index": 2},
        ),
        (
            Token("x", "blob"),
            {"type": "reasoning.encrypted", "data": "blob", "format": "anthropic-claude-v1", "index": 2},
        ),
        (
            Token("r", "blob", id="rs_1"),
            {
                "type": "reasoning.encrypted",
                "data": "blob",
                "format": "openai-responses-v1",
                "id": "rs_1",
                "index": 2,
            },
        ),
        (Token("g", "sig"), None),
        (
            Token("k", "sig", id="redacted"),
            {
                "type": "reasoning.text",
                "text": "hm",
                "signature": seal(Token("k", "sig", id="redacted")),
                "format": "kiro-v1",
                "index": 2,
            },
        ),
        (Token("n", ""), None),
        (None, None),
    ],
)
def test_7_4_tokens_are_written_by_their_origin(token: Token | None, expected: JsonObject | None) -> None:
    assert write_detail("hm", token, 2) == expected


@given(st.sampled_from("axrk"), st.text(min_size=1), st.none() | st.text())
def test_7_4_a_token_comes_back_exactly(origin: str, value: str, id_: str | None) -> None:
    token = Token(origin, value, id=id_)  # type: ignore[arg-type]
    assert read_detail(write_detail("hm", token, 0))[1] == token


@pytest.mark.parametrize(
    ("detail", "expected"),
    [
        ({"type": "reasoning.text", "text": "a", "signature": "s"}, ("a", Token("a", "s"))),
        ({"type": "reasoning.text", "text": "a", "signature": "s", "format": None}, ("a", Token("a", "s"))),
        ({"type": "reasoning.text", "text": "a", "signature": "s", "format": "other-v1"}, ("a", None)),
        ({"type": "reasoning.text", "text": None, "signature": None}, ("", None)),
        ({"type": "reasoning.text", "text": "a", "signature": "bare", "format": "kiro-v1"}, ("a", None)),
        ({"type": "reasoning.summary", "summary": "b"}, ("b", None)),
        ({"type": "reasoning.encrypted", "data": "d"}, ("", None)),
        ({"type": "reasoning.encrypted", "data": "d", "format": ["odd"]}, ("", None)),
        ({"type": "other"}, ("", None)),
        ("odd", ("", None)),
    ],
)
def test_7_4_the_format_decides_whose_token_it_is(detail: Json, expected: tuple[str, Token | None]) -> None:
    assert read_detail(detail) == expected


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({}, []),
        ({"reasoning_content": "a"}, [Thinking("a")]),
        ({"reasoning": "b"}, [Thinking("b")]),
        ({"reasoning_content": "a", "reasoning": "b"}, [Thinking("a")]),
        ({"reasoning_details": [{"type": "reasoning.text", "text": "c"}]}, [Thinking("c")]),
        (
            {
                "reasoning_content": "a",
                "reasoning_details": [{"type": "reasoning.text", "text": "a", "signature": "s"}],
            },
            [Thinking("a", Token("a", "s"))],
        ),
        (
            {
                "reasoning_content": "a",
                "reasoning_details": [
                    {"type": "reasoning.encrypted", "data": "d", "format": "openai-responses-v1", "id": "rs_1"}
                ],
            },
            [Thinking("a", Token("r", "d", id="rs_1"))],
        ),
        (
            {
                "reasoning_content": "a",
                "reasoning_details": [{"type": "reasoning.encrypted", "data": "d", "format": "anthropic-claude-v1"}],
            },
            [Thinking("a"), Thinking("", Token("x", "d"))],
        ),
        (
            {
                "thinking_blocks": [
                    {"type": "thinking", "thinking": "a", "signature": "s"},
                    {"type": "redacted_thinking", "data": "d"},
                    {"type": "thinking", "thinking": "b"},
                ],
                "reasoning_content": "ab",
            },
            [Thinking("a", Token("a", "s")), Thinking("", Token("x", "d")), Thinking("b")],
        ),
        (
            {"reasoning_content": "a", "extra_content": {"anthropic": {"signature": "s"}}},
            [Thinking("a", Token("a", "s"))],
        ),
        ({"extra_content": {"anthropic": {"signature": "s"}}}, []),
        ({"reasoning_content": "a", "extra_content": {"anthropic": 3}}, [Thinking("a")]),
        ({"reasoning_content": "a", "thinking_blocks": [{"thinking": "z"}]}, [Thinking("a")]),
    ],
)
def test_7_4_every_known_spelling_is_read(message: JsonObject, expected: list[Thinking]) -> None:
    assert read_thinking(message, "messages[0]") == expected


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"extra_content": {"google": {"thought_signature": "s"}}}, Token("g", "s", "call")),
        ({"function": {"name": "f", "thought_signature": "s"}}, Token("g", "s", "call")),
        ({"extra_content": {"google": {"thought_signature": ""}}}, None),
        ({"extra_content": "odd", "function": {}}, None),
    ],
)
def test_7_4_geminis_signature_on_a_call_is_read(call: JsonObject, expected: Token | None) -> None:
    assert read_call_token(call) == expected


def test_7_4_geminis_signature_is_written_raw_and_no_other() -> None:
    assert write_call_token(Token("g", "s", "call")) == {"google": {"thought_signature": "s"}}
    assert write_call_token(Token("a", "s")) is None
    assert write_call_token(None) is None
