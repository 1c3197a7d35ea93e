"""7.4, 20.5: two turns. What the first answer gave the client is all that its second request is made of, and the provider
finds its own token in it, unchanged and at its place; for each provider with tokens and each client, streamed and whole."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from converters.collect import collect
from converters.events import AnswerCall, AnswerThinking
from converters.json_codec import dumps
from converters.loss import Loss
from converters.memory import LatestSteps, Observer, ReasoningMemory
from converters.prepare import prepare
from converters.profile import DEFAULT
from converters.wires import WIRES
from tests.converters.four_wires import (
    ANTHROPIC_END,
    ANTHROPIC_MESSAGE,
    ANTHROPIC_OPENING,
    CHAT_END,
    CHAT_HEAD,
    CHAT_OPENING,
    CHAT_USAGE,
    GEMINI_CALL,
    GEMINI_END,
    GEMINI_USAGE,
    PIECES,
    RESPONSE,
    RESPONSES_USAGE,
    TEXT,
    JsonObject,
    answered,
    block,
    call_block,
    call_events,
    chat_call,
    chat_chunk,
    data,
    fold,
    gemini_chunk,
    message_events,
    new_ask,
    response_stream,
    text_block,
    through,
)

MODELS = {"chat": "own", "responses": "own", "anthropic": "claude-opus-4-6", "gemini": "gemini-3-flash-preview"}
CLIENTS = pytest.mark.parametrize("client", WIRES)
FORMS = pytest.mark.parametrize("form", ["stream", "whole"])
THOUGHT = "Hm 🤔"

# --- what each provider answers: a thought with its token, a text, and the call of `f` ---

SIGNATURE, REDACTED, ENCRYPTED, GOOGLE = "EqQBCg+/==", "b3BhcXVl", "gAAAAABo-_=", "EpwIcG9/+w=="
REASONING: JsonObject = {"id": "rs_9", "type": "reasoning"}
DONE_REASONING: JsonObject = {
    **REASONING,
    "summary": [{"type": "summary_text", "text": THOUGHT}],
    "encrypted_content": ENCRYPTED,
}
REASONING_PLACE: JsonObject = {"item_id": "rs_9", "output_index": 0, "summary_index": 0}
STREAMS: dict[str, list[bytes]] = {
    "anthropic": [
        *ANTHROPIC_OPENING,
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            {"type": "thinking_delta", "thinking": THOUGHT},
            {"type": "signature_delta", "signature": SIGNATURE},
        ),
        *block(1, {"type": "redacted_thinking", "data": REDACTED}),
        *text_block(2),
        *call_block(3),
        *ANTHROPIC_END,
    ],
    "responses": response_stream(
        [
            {"type": "output_item.added", "output_index": 0, "item": {**REASONING, "summary": []}},
            {
                "type": "reasoning_summary_part.added",
                **REASONING_PLACE,
                "part": {"type": "summary_text", "text": ""},
            },
            {"type": "reasoning_summary_text.delta", **REASONING_PLACE, "delta": THOUGHT},
            {"type": "reasoning_summary_text.done", **REASONING_PLACE, "text": THOUGHT},
            {
                "type": "reasoning_summary_part.done",
                **REASONING_PLACE,
                "part": {"type": "summary_text", "text": THOUGHT},
            },
            {"type": "output_item.done", "output_index": 0, "item": DONE_REASONING},
        ],
        message_events(1),
        call_events(2),
    ),
    "gemini": [
        data(gemini_chunk({"text": THOUGHT, "thought": True})),
        data(gemini_chunk({"text": TEXT})),
        data(gemini_chunk({**GEMINI_CALL, "thoughtSignature": GOOGLE})),
        *GEMINI_END,
    ],
    "chat": [
        *CHAT_OPENING,
        chat_chunk({"reasoning_content": THOUGHT}),
        chat_chunk({"content": TEXT}),
        chat_call(id="call_1", type="function", function={"name": "f", "arguments": '{"x":1}'}),
        *CHAT_END,
    ],
}
MESSAGE, CALL = (events[-1]["item"] for events in (message_events(1), call_events(2)))
WHOLES: dict[str, JsonObject] = {
    "anthropic": {
        **ANTHROPIC_MESSAGE,
        "content": [
            {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE},
            {"type": "redacted_thinking", "data": REDACTED},
            {"type": "text", "text": TEXT},
            {"type": "tool_use", "id": "call_1", "name": "f", "input": {"x": 1}},
        ],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 5, "output_tokens": 7},
    },
    "responses": {
        **RESPONSE,
        "status": "completed",
        "output": [DONE_REASONING, MESSAGE, CALL],
        "usage": RESPONSES_USAGE,
    },
    "gemini": {
        **gemini_chunk(
            {"text": THOUGHT, "thought": True},
            {"text": TEXT},
            {**GEMINI_CALL, "thoughtSignature": GOOGLE},
            finishReason="STOP",
        ),
        "usageMetadata": GEMINI_USAGE,
    },
    "chat": {
        **CHAT_HEAD,
        "object": "chat.completion",
        "usage": CHAT_USAGE,
        "choices": [
            {
                "index": 0,
                "finish_reason": "tool_calls",
                "message": {
                    "role": "assistant",
                    "content": TEXT,
                    "reasoning_content": THOUGHT,
                    "tool_calls": [
                        {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}
                    ],
                },
            }
        ],
    },
}

# --- what a client keeps of an answer, in its own words: the assistant's part of its next request ---


def payloads(stream: bytes) -> list[JsonObject]:
    lines = [line[6:] for line in stream.split(b"\n") if line.startswith(b"data: ") and line != b"data: [DONE]"]
    return [json.loads(line) for line in lines]


def chat_message(stream: bytes) -> JsonObject:
    """As the client libraries fold chunks: texts are joined, lists grow, calls are merged by their index."""
    message: JsonObject = {"role": "assistant", "content": ""}
    for chunk in payloads(stream):
        for name, value in (chunk["choices"] or [{"delta": {}}])[0]["delta"].items():
            if name == "tool_calls":
                calls = message.setdefault("tool_calls", [])
                for call in value:
                    if call["index"] == len(calls):
                        calls.append({k: v for k, v in call.items() if k != "index"})
                    else:
                        calls[call["index"]]["function"]["arguments"] += call["function"]["arguments"]
                        if "extra_content" in call:
                            calls[call["index"]]["extra_content"] = call["extra_content"]
            elif isinstance(value, list):
                message.setdefault(name, []).extend(value)
            elif name != "role":
                message[name] = message.get(name, "") + value
    return message


def anthropic_blocks(stream: bytes) -> list[JsonObject]:
    blocks: list[JsonObject] = []
    for event in payloads(stream):
        if event["type"] == "content_block_start":
            blocks.append({**event["content_block"], "json": ""})
        elif event["type"] == "content_block_delta":
            for name, value in event["delta"].items():
                if name in ("text", "thinking", "signature"):
                    blocks[-1][name] += value
                elif name == "partial_json":
                    blocks[-1]["json"] += value
    for made in blocks:
        text = made.pop("json")
        if made["type"] == "tool_use":
            made["input"] = json.loads(text)
    return blocks


KEPT_OF_STREAM: dict[str, Callable[[bytes], list[JsonObject]]] = {
    "chat": lambda stream: [chat_message(stream)],
    "responses": lambda stream: payloads(stream)[-1]["response"]["output"],
    "anthropic": lambda stream: [{"role": "assistant", "content": anthropic_blocks(stream)}],
    "gemini": lambda stream: [chunk["candidates"][0]["content"] for chunk in payloads(stream)],
}
KEPT_OF_WHOLE: dict[str, Callable[[JsonObject], list[JsonObject]]] = {
    "chat": lambda answer: [answer["choices"][0]["message"]],
    "responses": lambda answer: answer["output"],
    "anthropic": lambda answer: [{"role": "assistant", "content": answer["content"]}],
    "gemini": lambda answer: [answer["candidates"][0]["content"]],
}
TOOL: JsonObject = {"name": "f", "description": "d"}
SCHEMA: JsonObject = {"type": "object", "properties": {"x": {"type": "integer"}}}
REQUESTS: dict[str, JsonObject] = {
    "chat": {"tools": [{"type": "function", "function": {**TOOL, "parameters": SCHEMA}}]},
    "responses": {"tools": [{"type": "function", **TOOL, "parameters": SCHEMA}]},
    "anthropic": {
        "tools": [{**TOOL, "input_schema": SCHEMA}],
        "max_tokens": 4096,
        "thinking": {"type": "adaptive"},
    },
    "gemini": {
        "tools": [{"functionDeclarations": [{**TOOL, "parametersJsonSchema": SCHEMA}]}],
        "generationConfig": {"thinkingConfig": {"includeThoughts": True}},
    },
}
QUESTIONS: dict[str, JsonObject] = {
    "chat": {"role": "user", "content": "q"},
    "responses": {"type": "message", "role": "user", "content": "q"},
    "anthropic": {"role": "user", "content": "q"},
    "gemini": {"role": "user", "parts": [{"text": "q"}]},
}


def result(client: str, kept: list[JsonObject]) -> JsonObject:
    """The client's result for the call it was given."""
    match client:
        case "chat":
            return {"role": "tool", "tool_call_id": kept[0]["tool_calls"][0]["id"], "content": "42"}
        case "responses":
            (call,) = (item for item in kept if item["type"] == "function_call")
            return {"type": "function_call_output", "call_id": call["call_id"], "output": "42"}
        case "anthropic":
            (call,) = (block for block in kept[0]["content"] if block["type"] == "tool_use")
            return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "42"}]}
    (call,) = (part["functionCall"] for content in kept for part in content["parts"] if "functionCall" in part)
    answer = {"id": call["id"], "name": call["name"], "response": {"output": "42"}}
    return {"role": "user", "parts": [{"functionResponse": answer}]}


def answer(provider: str, client: str, form: str) -> list[JsonObject]:
    if form == "stream":
        return KEPT_OF_STREAM[client](through(provider, client, b"".join(STREAMS[provider])))
    return KEPT_OF_WHOLE[client](answered(provider, client, WHOLES[provider]))


def second_request(
    provider: str, client: str, kept: list[JsonObject], memory: ReasoningMemory | None = None
) -> JsonObject:
    """The provider's body of the client's second request."""
    history = {"chat": "messages", "responses": "input", "anthropic": "messages", "gemini": "contents"}[client]
    body: JsonObject = {"model": MODELS[provider], **REQUESTS[client]}
    body[history] = [QUESTIONS[client], *kept, result(client, kept)]
    loss = Loss()
    chat = WIRES[client].parse_request(json.loads(dumps(body)), loss)
    return prepare(chat, WIRES[provider], DEFAULT, loss, memory).body


# --- where each provider wants its token ---


def tokens_for_anthropic(body: Any) -> list[JsonObject]:
    (message,) = (message for message in body["messages"] if message["role"] == "assistant")
    assert [block["type"] for block in message["content"]][-1] == "tool_use"
    return [block for block in message["content"] if "thinking" in block["type"]]


def tokens_for_responses(body: Any) -> list[JsonObject]:
    kinds = [item["type"] for item in body["input"]]
    assert kinds == ["message", "reasoning", "message", "function_call", "function_call_output"]
    return [body["input"][1]]


def tokens_for_gemini(body: Any) -> list[JsonObject]:
    parts = body["contents"][1]["parts"]
    assert body["contents"][1]["role"] == "model"
    return [part for part in parts if "thoughtSignature" in part]


TOKENS: dict[str, Callable[[JsonObject], list[JsonObject]]] = {
    "anthropic": tokens_for_anthropic,
    "responses": tokens_for_responses,
    "gemini": tokens_for_gemini,
}
THINKING_BLOCK = {"type": "thinking", "thinking": THOUGHT, "signature": SIGNATURE}
REDACTED_BLOCK = {"type": "redacted_thinking", "data": REDACTED}
SENT_BACK: dict[str, list[JsonObject]] = {
    "anthropic": [THINKING_BLOCK, REDACTED_BLOCK],
    "responses": [{name: value for name, value in DONE_REASONING.items() if name != "id"}],
    "gemini": [{**GEMINI_CALL, "thoughtSignature": GOOGLE}],
}


@FORMS
@CLIENTS
@pytest.mark.parametrize("provider", TOKENS)
def test_7_4_the_second_request_carries_the_providers_token_unchanged(provider: str, client: str, form: str) -> None:
    body = second_request(provider, client, answer(provider, client, form))
    assert TOKENS[provider](body) == SENT_BACK[provider]
    assert "aic1." not in json.dumps(body)


@FORMS
@CLIENTS
@pytest.mark.parametrize("provider", TOKENS)
@pytest.mark.parametrize("target", WIRES)
def test_7_4_a_token_is_never_sent_to_another_provider(provider: str, client: str, form: str, target: str) -> None:
    """Its thought is left out: not sent unsigned, not turned into text."""
    if target == provider:
        return
    sent = json.dumps(second_request(target, client, answer(provider, client, form)), ensure_ascii=False)
    for secret in (SIGNATURE, REDACTED, ENCRYPTED, GOOGLE, THOUGHT, "aic1.", "YWljMS"):  # the last: base64 of `aic1.`
        assert secret not in sent
    assert all(json.dumps(piece, ensure_ascii=False)[1:-1] in sent for piece in PIECES)


@FORMS
@CLIENTS
def test_7_4_thinking_without_a_token_is_marked_and_goes_back_to_nobody(client: str, form: str) -> None:
    kept = json.dumps(answer("chat", client, form), ensure_ascii=False)
    assert THOUGHT in kept
    for target in WIRES:
        sent = json.dumps(second_request(target, client, answer("chat", client, form)), ensure_ascii=False)
        assert THOUGHT not in sent
        assert "aic1." not in sent


@CLIENTS
@pytest.mark.parametrize(
    ("provider", "written"),
    [
        ("anthropic", {"chat": SIGNATURE, "responses": "aic1.a.", "anthropic": SIGNATURE, "gemini": "YWljMS5h"}),
        ("responses", {"chat": ENCRYPTED, "responses": ENCRYPTED, "anthropic": "aic1.r.", "gemini": "YWljMS5y"}),
        ("gemini", {"chat": GOOGLE, "responses": "aic1.g.", "anthropic": "aic1.g.", "gemini": GOOGLE}),
        ("chat", {"chat": None, "responses": None, "anthropic": "aic1.n.", "gemini": None}),
    ],
)
def test_7_4_how_a_token_is_written_for_each_client(provider: str, client: str, written: dict[str, str | None]) -> None:
    found = fold(client, answered(provider, client, WHOLES[provider])).signatures
    details = json.dumps(answered(provider, client, WHOLES[provider]).get("choices"))
    expected = written[client]
    if expected is None:
        assert found == []
    elif client == "chat" and provider == "responses":
        assert f'"data": "{ENCRYPTED}"' in details
    else:
        assert any(signature.startswith(expected) for signature in found)


@CLIENTS
@pytest.mark.parametrize("provider", TOKENS)
def test_7_4_what_a_client_forgot_is_remembered_by_the_id_of_its_call(provider: str, client: str) -> None:
    memory = ReasoningMemory(LatestSteps(lambda: 0.0))
    observer = Observer(memory)
    events = list(WIRES[provider].read_answer(WHOLES[provider], DEFAULT))
    for event in events:
        observer.add(event)
    observer.done()
    answer = collect(events)
    answer.parts = [
        replace(part, token=None) if isinstance(part, AnswerCall) else part
        for part in answer.parts
        if not isinstance(part, AnswerThinking)
    ]
    kept = KEPT_OF_WHOLE[client](WIRES[client].write_answer(answer, new_ask(client)))
    assert TOKENS[provider](second_request(provider, client, kept, memory)) == SENT_BACK[provider]
