"""1.2, 7.4: reasoning of another provider in a body that else passes as it is."""

import copy

import pytest

from converters.envelope import seal
from converters.json_codec import Json, JsonObject
from converters.strip import strip_envelopes, strip_reasoning
from converters.turns import Token

TEXT: JsonObject = {"type": "text", "text": "t"}
OWN: JsonObject = {"type": "thinking", "thinking": "own", "signature": "EqQB"}
REDACTED: JsonObject = {"type": "redacted_thinking", "data": "blob"}


def thinking(token: Token) -> JsonObject:
    return {"type": "thinking", "thinking": "hm", "signature": seal(token)}


def anthropic(*blocks: Json) -> JsonObject:
    return {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": list(blocks)}]}


def chat(**members: Json) -> JsonObject:
    return {"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a", **members}]}


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (thinking(Token("a", "EqQB")), {"type": "thinking", "thinking": "hm", "signature": "EqQB"}),
        (thinking(Token("x", "blob")), REDACTED),
        ({"type": "redacted_thinking", "data": seal(Token("x", "blob"))}, REDACTED),
        *((thinking(Token(origin, "v")), None) for origin in ("r", "g", "k", "n")),
        ({"type": "redacted_thinking", "data": seal(Token("a", "EqQB"))}, None),
        ({"type": "thinking", "thinking": "hm", "signature": "aic1.damaged"}, None),
    ],
)
def test_7_4_an_envelope_is_unwrapped_for_anthropic_or_its_block_goes(
    block: JsonObject, expected: JsonObject | None
) -> None:
    body = anthropic(block, TEXT)
    assert strip_envelopes("anthropic", body)
    assert body == anthropic(*([expected] if expected else []), TEXT)


def test_7_4_what_anthropic_issued_itself_is_not_touched() -> None:
    body = anthropic(OWN, REDACTED, TEXT, "odd", {"type": "thinking"})
    before = copy.deepcopy(body)
    assert not strip_envelopes("anthropic", body)
    assert body == before


@pytest.mark.parametrize("strip", [strip_envelopes, strip_reasoning])
def test_7_4_a_message_left_empty_goes(strip: object) -> None:
    body = anthropic(thinking(Token("r", "v")))
    assert callable(strip)
    assert strip("anthropic", body)
    assert body == {"messages": [{"role": "user", "content": "q"}]}


def test_7_4_chat_entries_with_an_envelope_go_and_others_stay() -> None:
    text: JsonObject = {"type": "reasoning.text", "text": "hm", "signature": seal(Token("a", "s"))}
    encrypted: JsonObject = {"type": "reasoning.encrypted", "data": seal(Token("r", "v"))}
    own: JsonObject = {"type": "reasoning.encrypted", "data": "theirs"}
    body = chat(reasoning_details=[text, own, encrypted])
    assert strip_envelopes("chat", body)
    assert body == chat(reasoning_details=[own])

    body = chat(reasoning_details=[text, encrypted])
    assert strip_envelopes("chat", body)
    assert body == chat()


def test_7_4_chat_without_envelopes_is_not_touched() -> None:
    body = chat(reasoning_details=[{"type": "reasoning.text", "text": "hm"}], reasoning_content="hm")
    before = copy.deepcopy(body)
    assert not strip_envelopes("chat", body)
    assert body == before


@pytest.mark.parametrize("strip", [strip_envelopes, strip_reasoning])
@pytest.mark.parametrize("wire", ["anthropic", "chat", "other"])
@pytest.mark.parametrize("body", [{}, {"messages": "x"}, {"messages": [1, {"role": "assistant", "content": "a"}]}])
def test_a_body_of_another_shape_is_left_alone(strip: object, wire: str, body: JsonObject) -> None:
    before = copy.deepcopy(body)
    assert callable(strip)
    assert not strip(wire, body)
    assert body == before


def test_7_4_for_the_retry_all_thinking_goes() -> None:
    body = anthropic(OWN, TEXT, REDACTED)
    assert strip_reasoning("anthropic", body)
    assert body == anthropic(TEXT)
    assert not strip_reasoning("anthropic", body)


@pytest.mark.parametrize(("kind", "kept"), [("enabled", False), ("adaptive", True)])
def test_7_2_a_running_tool_loop_without_its_thinking_cannot_have_a_budget(kind: str, kept: bool) -> None:
    body = anthropic(OWN, {"type": "tool_use", "id": "1", "name": "f", "input": {}})
    body["thinking"] = {"type": kind}
    assert isinstance(body["messages"], list)
    body["messages"].append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1"}]})
    assert strip_reasoning("anthropic", body)
    assert kept is ("thinking" in body)


def test_7_2_outside_a_tool_loop_the_budget_stays() -> None:
    body = anthropic(OWN, TEXT)
    body["thinking"] = {"type": "enabled"}
    assert strip_reasoning("anthropic", body)
    assert "thinking" in body


def test_7_4_for_the_retry_chat_loses_every_spelling_of_reasoning() -> None:
    body = chat(reasoning_content="a", reasoning="b", reasoning_details=[], thinking_blocks=[], refusal=None)
    assert strip_reasoning("chat", body)
    assert body == chat(refusal=None)
