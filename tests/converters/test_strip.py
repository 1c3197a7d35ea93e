"""1.2, 7.4: reasoning of another provider in a body that else passes as it is."""

import base64
import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.envelope import seal
from converters.gemini.tokens import PLACEHOLDER, write_signature
from converters.json_codec import Json, JsonObject, dumps
from converters.strip import holds_envelopes, strip_envelopes, strip_reasoning
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
@pytest.mark.parametrize("wire", ["anthropic", "chat", "responses", "gemini", "other"])
@pytest.mark.parametrize(
    "body",
    [
        *({}, {"messages": "x"}, {"messages": [1, {"role": "assistant", "content": "a"}]}),
        *({"input": "x"}, {"input": [1, {"type": "message"}]}, {"contents": "x"}, {"contents": [1, {"parts": "x"}]}),
    ],
)
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


def test_7_4_for_the_retry_googles_token_on_a_chat_call_gives_way_to_the_placeholder() -> None:
    """Google itself, behind its own Chat surface, refuses a call that has none."""

    def call(token: str) -> JsonObject:
        return {"id": "1", "function": {}, "extra_content": {"google": {"thought_signature": token}, "x": 1}}

    body = chat(tool_calls=[call("stale"), {"id": "2"}])
    assert strip_reasoning("chat", body)
    assert body == chat(tool_calls=[call(PLACEHOLDER), {"id": "2"}])
    assert not strip_reasoning("chat", body)


def test_7_4_a_native_token_on_a_chat_call_is_the_vendors_own_business() -> None:
    body = chat(tool_calls=[{"id": "1", "extra_content": {"google": {"thought_signature": "native"}}}])
    assert not strip_envelopes("chat", body)


# --- responses ---

CALL: JsonObject = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
ASKED: JsonObject = {"role": "user", "content": "q"}


def reasoning(sealed: str | None, **more: Json) -> JsonObject:
    return {"type": "reasoning", "summary": [], "encrypted_content": sealed, **more}


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        (reasoning(seal(Token("r", "gAAA", id="rs_1")), id="rs_ours"), reasoning("gAAA", id="rs_1")),
        (reasoning(seal(Token("r", "gAAA")), id="rs_ours"), reasoning("gAAA")),
        *((reasoning(seal(Token(origin, "v")), id="rs_ours"), None) for origin in ("a", "x", "g", "k", "n")),
        (reasoning("aic1.damaged"), None),
    ],
)
def test_7_4_an_envelope_is_unwrapped_for_responses_or_its_item_goes(
    item: JsonObject, expected: JsonObject | None
) -> None:
    body: JsonObject = {"input": [ASKED, item, CALL], "include": ["reasoning.encrypted_content"]}
    assert strip_envelopes("responses", body)
    rest: list[Json] = [expected] if expected else []
    assert body == {"input": [ASKED, *rest, CALL], "include": ["reasoning.encrypted_content"]}


def test_7_4_what_openai_issued_itself_is_not_touched() -> None:
    body: JsonObject = {"input": [ASKED, reasoning("gAAA", id="rs_1"), reasoning(None), {"type": "reasoning"}, CALL]}
    before = copy.deepcopy(body)
    assert not strip_envelopes("responses", body)
    assert body == before


def test_7_4_for_the_retry_all_reasoning_items_go_and_what_they_led_to_loses_its_id() -> None:
    """OpenAI: "Item 'msg_...' was provided without its required 'reasoning' item"."""
    said: JsonObject = {"type": "message", "role": "assistant", "content": []}
    result: JsonObject = {"type": "function_call_output", "id": "fco_1", "call_id": "c", "output": ""}
    asked: JsonObject = {"type": "message", "role": "user", "id": "msg_0", "content": "q"}
    body: JsonObject = {
        "input": [asked, reasoning("gAAA"), {**CALL, "id": "fc_1"}, result, reasoning(None), {**said, "id": "msg_1"}]
    }
    assert strip_reasoning("responses", body)
    assert body == {"input": [asked, CALL, result, said]}
    assert not strip_reasoning("responses", body)


# --- gemini: more in gemini/test_strip.py ---


def test_7_4_gemini_is_stripped_by_its_own_rules() -> None:
    signed: JsonObject = {"functionCall": {"name": "f"}, "thoughtSignature": write_signature(Token("a", "s"))}
    body: JsonObject = {"contents": [{"role": "model", "parts": [signed]}]}
    other = copy.deepcopy(body)
    assert strip_envelopes("gemini", body, "gemini-2.5-pro")
    assert body == {"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f"}}]}]}
    assert strip_reasoning("gemini", other, "gemini-3-pro-preview")
    signed["thoughtSignature"] = PLACEHOLDER
    assert other == {"contents": [{"role": "model", "parts": [signed]}]}


# --- the test before the parse ---


@given(
    st.builds(Token, st.sampled_from("axrgkn"), st.text(max_size=40)),
    st.sampled_from(["anthropic", "chat", "responses"]),
)
def test_every_body_with_an_envelope_is_noticed(token: Token, wire: str) -> None:
    assert holds_envelopes(wire, dumps({"x": [seal(token)]}))
    assert holds_envelopes("gemini", dumps({"x": [seal(token)]}))
    assert holds_envelopes("gemini", dumps({"x": [base64.b64encode(seal(token).encode()).decode()]}))


def test_a_body_without_is_not_parsed_for_nothing() -> None:
    for wire in ("anthropic", "chat", "responses", "gemini"):
        assert not holds_envelopes(wire, b'{"signature":"EqQBYWlj","text":"aic1 aic2."}')
    assert not holds_envelopes("anthropic", b'{"data":"YWljMS5n"}')


def test_7_4_reasoning_that_no_provider_knows_by_its_id_is_left_out() -> None:
    """7.4: a chat provider's reasoning was shown under an id of ours; OpenAI answers 404 to one that it did not issue."""
    ours: JsonObject = {"type": "reasoning", "id": "rs_aic_1", "summary": [], "encrypted_content": None}
    theirs: JsonObject = {"type": "reasoning", "id": "rs_68", "summary": []}
    said: JsonObject = {"type": "message", "role": "assistant", "content": "x"}
    body: JsonObject = {"input": [ours, theirs, said]}
    assert holds_envelopes("responses", dumps(body))
    assert strip_envelopes("responses", body)
    assert body == {"input": [theirs, said]}
    assert not holds_envelopes("responses", dumps(body))


def test_7_4_kiro_gets_its_history_without_reasoning() -> None:
    asked: JsonObject = {"userInputMessage": {"content": "q"}}
    answer: JsonObject = {"content": "a"}
    signed: JsonObject = {**answer, "reasoningContent": {"reasoningText": {"text": "hm", "signature": "s"}}}
    body: JsonObject = {"conversationState": {"history": [asked, {"assistantResponseMessage": signed}]}}
    assert strip_reasoning("kiro", body)
    assert body == {"conversationState": {"history": [asked, {"assistantResponseMessage": answer}]}}
    assert not strip_reasoning("kiro", body)
    assert not strip_reasoning("kiro", {"conversationState": []})


def test_7_4_a_loop_that_another_vendor_began_goes_on_without_thinking() -> None:
    """There is no block to take out, and Claude would want one before the call."""
    call = {"type": "tool_use", "id": "t1", "name": "f", "input": {}}
    body: JsonObject = {
        "thinking": {"type": "enabled", "budget_tokens": 1024},
        "messages": [
            {"role": "user", "content": "Hi"},
            {"role": "assistant", "content": [call]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "1"}]},
        ],
    }
    assert strip_reasoning("anthropic", body)
    assert "thinking" not in body
    assert not strip_reasoning("anthropic", body), "once is enough"


def test_7_4_a_field_that_is_not_known_there_is_left_out_and_not_filled() -> None:
    def body() -> JsonObject:
        call = {"id": "c1", "extra_content": {"google": {"thought_signature": "sig"}}}
        return {"messages": [{"role": "assistant", "tool_calls": [call]}]}

    google, other = body(), body()
    assert strip_reasoning("chat", google, refusal=b"invalid thought_signature")
    assert strip_reasoning("chat", other, refusal=b"Unrecognized request argument: extra_content")
    assert "extra_content" in str(google)
    assert other == {"messages": [{"role": "assistant", "tool_calls": [{"id": "c1"}]}]}
