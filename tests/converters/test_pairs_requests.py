"""1.3, 20.3: for each pair, the same request gives the same bytes, and a longer history leaves what it began with as it was:
else no provider's prompt cache would ever hit."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.envelope import seal
from converters.gemini.tokens import write_signature
from converters.json_codec import dumps
from converters.loss import Loss
from converters.prepare import prepare
from converters.profile import DEFAULT
from converters.turns import Token
from converters.wires import WIRES
from tests.converters.four_wires import JsonObject, pairs

HISTORY = {"chat": "messages", "responses": "input", "anthropic": "messages", "gemini": "contents"}
MODELS = {"chat": "own", "responses": "own", "anthropic": "claude-opus-4-6", "gemini": "gemini-3-flash-preview"}
SCHEMA: JsonObject = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOKEN = Token("a", "c2ln")
PNG = "iVBORw0KGgo="
BODIES: dict[str, JsonObject] = {
    "chat": {
        "tools": [{"type": "function", "function": {"name": "a.b", "parameters": SCHEMA}}],
        "stream": True,
        "user": "u" * 70,
    },
    "responses": {
        "instructions": "s",
        "tools": [{"type": "namespace", "name": "a", "tools": [{"type": "function", "name": "b"}]}],
    },
    "anthropic": {
        "system": [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}],
        "tools": [{"name": "a.b", "input_schema": SCHEMA}],
        "max_tokens": 4096,
        "thinking": {"type": "adaptive"},
    },
    "gemini": {
        "systemInstruction": {"parts": [{"text": "s"}]},
        "tools": [{"functionDeclarations": [{"name": "a.b", "parameters": {"type": "OBJECT"}}]}],
        "generationConfig": {"temperature": 0, "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "LOW"}},
    },
}
KINDS = ("text", "call", "calls", "picture", "system", "thought")


def chat_exchange(kind: str, number: int) -> list[JsonObject]:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    calls = [
        {"id": f"c.{number}.{n}", "type": "function", "function": {"name": "a.b", "arguments": '{"x": 1.0}'}}
        for n in range({"call": 1, "calls": 2}.get(kind, 0))
    ]
    detail = {"type": "reasoning.text", "text": "hm", "signature": "c2ln", "format": "anthropic-claude-v1"}
    user: JsonObject = {"role": "user", "content": [image] if kind == "picture" else f"q{number}"}
    said: JsonObject = {"role": "assistant", "content": None if calls else "a"}
    said |= {"tool_calls": calls} if calls else {}
    said |= {"reasoning_details": [detail]} if kind == "thought" else {}
    late: list[JsonObject] = [{"role": "system", "content": "now brief"}] if kind == "system" else []
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "42"} for call in calls]
    return [user, *late, said, *results]


def responses_exchange(kind: str, number: int) -> list[JsonObject]:
    image = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    content: Any = [image] if kind == "picture" else f"q{number}"
    calls: list[JsonObject] = [
        {"type": "function_call", "call_id": f"c.{number}.{n}", "name": "b", "namespace": "a", "arguments": '{"x":1}'}
        for n in range({"call": 1, "calls": 2}.get(kind, 0))
    ]
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "42"} for call in calls]
    late: list[JsonObject] = [{"role": "developer", "content": "now brief"}] if kind == "system" else []
    thought = {
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": seal(TOKEN),
    }
    said = calls or [{"role": "assistant", "content": [{"type": "output_text", "text": "a"}]}]
    return [{"role": "user", "content": content}, *late, *([thought] if kind == "thought" else []), *said, *results]


def anthropic_exchange(kind: str, number: int) -> list[JsonObject]:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
    content: list[JsonObject] = [image] if kind == "picture" else [{"type": "text", "text": f"q{number}"}]
    content += [{"type": "mid_conv_system", "content": "now brief"}] if kind == "system" else []
    calls: list[JsonObject] = [
        {"type": "tool_use", "id": f"c_{number}_{n}", "name": "a.b", "input": {"x": 1}}
        for n in range({"call": 1, "calls": 2}.get(kind, 0))
    ]
    thought = {"type": "thinking", "thinking": "hm", "signature": seal(Token("g", "c2ln", "text"))}
    said = [*([thought] if kind == "thought" else []), *(calls or [{"type": "text", "text": "a"}])]
    results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "42"} for call in calls]
    made: list[JsonObject] = [{"role": "user", "content": content}, {"role": "assistant", "content": said}]
    return [*made, *([{"role": "user", "content": results}] if results else [])]


def gemini_exchange(kind: str, number: int) -> list[JsonObject]:
    """Without ids: the made ones must not change from request to request."""
    image = {"inlineData": {"mimeType": "image/png", "data": PNG}}
    count = {"call": 1, "calls": 2}.get(kind, 0)
    calls: list[JsonObject] = [{"functionCall": {"name": "a.b", "args": {"x": 1}}}] * count
    results: list[JsonObject] = [{"functionResponse": {"name": "a.b", "response": {"output": "42"}}}] * count
    thought = {"text": "hm", "thought": True, "thoughtSignature": write_signature(TOKEN)}
    said = [*([thought] if kind == "thought" else []), *(calls or [{"text": "a"}])]
    user: JsonObject = {"role": "user", "parts": [image if kind == "picture" else {"text": f"q{number}"}]}
    made: list[JsonObject] = [user, {"role": "model", "parts": said}]
    return [*made, *([{"role": "user", "parts": results}] if results else [])]


EXCHANGES = {
    "chat": chat_exchange,
    "responses": responses_exchange,
    "anthropic": anthropic_exchange,
    "gemini": gemini_exchange,
}


def built(provider: str, client: str, kinds: list[str], last: str) -> JsonObject:
    """The provider's body of a history that ends with the user's `last`."""
    body = {"model": MODELS[provider], **BODIES[client]}
    history = [message for number, kind in enumerate(kinds) for message in EXCHANGES[client](kind, number)]
    body[HISTORY[client]] = [*history, *EXCHANGES[client](last, len(kinds))[:1]]
    loss = Loss()
    chat = WIRES[client].parse_request(json.loads(json.dumps(body)), loss)
    before = deepcopy(chat)
    made = prepare(chat, WIRES[provider], DEFAULT, loss).body
    assert chat == before  # it is what goes on record
    return json.loads(dumps(made))  # type: ignore[no-any-return]


@pairs
@pytest.mark.parametrize("kind", KINDS)
def test_1_3_the_same_request_gives_the_same_bytes(provider: str, client: str, kind: str) -> None:
    first, second = (dumps(built(provider, client, [kind, "text"], "text")) for _ in range(2))
    assert first == second


@pairs
@settings(max_examples=12, deadline=None)
@given(
    kinds=st.lists(st.sampled_from(KINDS), max_size=4),
    more=st.lists(st.sampled_from(KINDS), max_size=2),
    last=st.sampled_from(["text", "picture"]),
)
def test_20_3_a_turn_added_leaves_the_earlier_part_of_the_body_as_it_was(
    provider: str, client: str, kinds: list[str], more: list[str], last: str
) -> None:
    earlier = built(provider, client, kinds, last)
    longer = built(provider, client, [*kinds, last, *more], "text")
    name = HISTORY[provider]
    kept, grown = earlier.pop(name), longer.pop(name)
    assert json.dumps(grown[: len(kept)]) == json.dumps(kept)
    assert len(grown) > len(kept)
    assert json.dumps(longer) == json.dumps(earlier)
