"""11, 12, 15.2: stop reasons, usage and errors, from each provider to each client."""

import json
from typing import Any

import pytest

from converters.collect import replay
from converters.errors import Kind, UpstreamError, failure_of
from converters.events import Answer, AnswerText, Finish, Start, Usage
from converters.profile import DEFAULT
from converters.wires import WIRES
from tests.converters.four_wires import (
    ANTHROPIC_MESSAGE,
    CHAT_HEAD,
    CHAT_USAGE,
    GEMINI_CALL,
    GEMINI_USAGE,
    RESPONSE,
    RESPONSES_USAGE,
    JsonObject,
    answered,
    check,
    fold,
    gemini_chunk,
    new_ask,
    pairs,
    through,
)

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FUNCTION: JsonObject = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"}
SAID: JsonObject = {"type": "output_text", "text": "x", "annotations": []}


def chat(reason: str, **message: Any) -> JsonObject:
    choice = {"index": 0, "message": {"role": "assistant", "content": "x", **message}, "finish_reason": reason}
    return {**CHAT_HEAD, "object": "chat.completion", "choices": [choice], "usage": CHAT_USAGE}


def responses(reason: str | None, *items: JsonObject, part: JsonObject = SAID) -> JsonObject:
    message: JsonObject = {"type": "message", "id": "msg_1", "role": "assistant", "content": [part]}
    ended: JsonObject = {"status": "incomplete", "incomplete_details": {"reason": reason}}
    return {
        **RESPONSE,
        **(ended if reason else {"status": "completed"}),
        "output": [message, *items],
        "usage": RESPONSES_USAGE,
    }


def anthropic(reason: str, *blocks: JsonObject, sequence: str | None = None) -> JsonObject:
    content = [{"type": "text", "text": "x"}, *blocks]
    return {**ANTHROPIC_MESSAGE, "content": content, "stop_reason": reason, "stop_sequence": sequence}


def gemini(reason: str, *parts: JsonObject) -> JsonObject:
    return {**gemini_chunk({"text": "x"}, *parts, finishReason=reason), "usageMetadata": GEMINI_USAGE}


TOOL_USE: JsonObject = {"type": "tool_use", "id": "call_1", "name": "f", "input": {}}
FILTERS = "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION LANGUAGE"
# row -> the answers of providers that end so
ENDED: dict[str, list[tuple[str, JsonObject]]] = {
    "stop": [
        ("chat", chat("stop")),
        ("responses", responses(None)),
        ("anthropic", anthropic("end_turn")),
        ("gemini", gemini("STOP")),
    ],
    "stop_sequence": [("anthropic", anthropic("stop_sequence", sequence="END"))],
    "length": [
        ("chat", chat("length")),
        ("responses", responses("max_output_tokens")),
        ("anthropic", anthropic("max_tokens")),
        ("anthropic", anthropic("model_context_window_exceeded")),
        ("gemini", gemini("MAX_TOKENS")),
    ],
    "tool_calls": [
        ("chat", chat("tool_calls", tool_calls=[CALL])),
        ("chat", chat("stop", tool_calls=[CALL])),
        ("chat", chat("function_call", function_call={"name": "f", "arguments": "{}"})),
        ("responses", responses(None, FUNCTION)),
        ("anthropic", anthropic("tool_use", TOOL_USE)),
        ("anthropic", anthropic("end_turn", TOOL_USE)),
        ("gemini", gemini("STOP", GEMINI_CALL)),
    ],
    "length with a call": [
        ("chat", chat("length", tool_calls=[CALL])),
        ("responses", responses("max_output_tokens", FUNCTION)),
        ("anthropic", anthropic("max_tokens", TOOL_USE)),
        ("gemini", gemini("MAX_TOKENS", GEMINI_CALL)),
    ],
    "content_filter": [
        ("chat", chat("content_filter")),
        ("responses", responses("content_filter")),
        ("anthropic", anthropic("refusal")),
        *(("gemini", gemini(word)) for word in FILTERS.split()),
    ],
    "refusal": [
        ("chat", chat("stop", content=None, refusal="x")),
        ("responses", responses(None, part={"type": "refusal", "refusal": "x"})),
    ],
    "pause": [("anthropic", anthropic("pause_turn"))],
    "other": [
        ("chat", chat("eos")),
        ("anthropic", anthropic("brand_new")),
        ("gemini", gemini("OTHER")),
        ("gemini", gemini("FINISH_REASON_UNSPECIFIED")),
        ("gemini", gemini("MALFORMED_FUNCTION_CALL")),
    ],
}
LENGTH = {"chat": "length", "responses": "max_output_tokens", "anthropic": "max_tokens", "gemini": "MAX_TOKENS"}
STOP = {"chat": "stop", "responses": "completed", "anthropic": "end_turn", "gemini": "STOP"}
TOLD: dict[str, dict[str, str]] = {
    "stop": STOP,
    "stop_sequence": {**STOP, "anthropic": "stop_sequence"},
    "length": LENGTH,
    "tool_calls": {**STOP, "chat": "tool_calls", "anthropic": "tool_use"},
    "length with a call": LENGTH,
    "content_filter": {
        "chat": "content_filter",
        "responses": "content_filter",
        "anthropic": "refusal",
        "gemini": "SAFETY",
    },
    "refusal": {**STOP, "anthropic": "refusal"},
    "pause": {**STOP, "anthropic": "pause_turn"},
    "other": {**STOP, "gemini": "OTHER"},
}
CASES = [
    pytest.param(row, provider, body, client, id=f"{row}-{provider}{number}-{client}")
    for row, ended in ENDED.items()
    for number, (provider, body) in enumerate(ended)
    for client in WIRES
]


@pytest.mark.parametrize(("row", "provider", "body", "client"), CASES)
def test_11_each_reason_of_each_provider_for_each_client(
    row: str, provider: str, body: JsonObject, client: str
) -> None:
    told = fold(client, answered(provider, client, json.loads(json.dumps(body))))
    assert told.stop == TOLD[row][client]
    assert told.stop_sequence == ("END" if (row, client) == ("stop_sequence", "anthropic") else None)
    if row == "refusal":
        assert (told.refusal, told.text) == (("x", "") if client in ("chat", "responses") else ("", "x"))
    else:
        assert told.text == "x"


@pytest.mark.parametrize("client", WIRES)
def test_11_a_blocked_prompt_is_an_empty_answer(client: str) -> None:
    told = fold(client, answered("gemini", client, {"promptFeedback": {"blockReason": "SAFETY"}}))
    assert (told.stop, told.text) == (TOLD["content_filter"][client], "")


# --- 12 ---

COUNTED: dict[str, JsonObject] = {  # 100 read, 40 of it from a cache and 10 into one; 30 written, 20 of it reasoning
    "chat": {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 20},
    },
    "responses": {
        "input_tokens": 100,
        "output_tokens": 30,
        "total_tokens": 130,
        "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 10},
        "output_tokens_details": {"reasoning_tokens": 20},
    },
    "anthropic": {
        "input_tokens": 50,
        "cache_creation_input_tokens": 10,
        "cache_read_input_tokens": 40,
        "output_tokens": 30,
        "output_tokens_details": {"thinking_tokens": 20},
    },
    "gemini": {
        "promptTokenCount": 100,
        "cachedContentTokenCount": 40,
        "candidatesTokenCount": 10,
        "thoughtsTokenCount": 20,
        "totalTokenCount": 130,
    },
}
NO_WRITE: dict[str, JsonObject] = {  # Gemini tells of no cache writes
    "chat": {**COUNTED["chat"], "prompt_tokens_details": {"cached_tokens": 40}},
    "responses": {**COUNTED["responses"], "input_tokens_details": {"cached_tokens": 40, "cache_write_tokens": 0}},
    "anthropic": {**COUNTED["anthropic"], "input_tokens": 60, "cache_creation_input_tokens": 0},
    "gemini": COUNTED["gemini"],
}
WITH_USAGE: dict[str, JsonObject] = {
    "chat": {**chat("stop"), "usage": COUNTED["chat"]},
    "responses": {**responses(None), "usage": COUNTED["responses"]},
    "anthropic": {**anthropic("end_turn"), "usage": COUNTED["anthropic"]},
    "gemini": {**gemini("STOP"), "usageMetadata": COUNTED["gemini"]},
}


@pairs
def test_12_every_count_of_each_provider_for_each_client(provider: str, client: str) -> None:
    expected = (NO_WRITE if provider == "gemini" else COUNTED)[client]
    assert fold(client, answered(provider, client, WITH_USAGE[provider])).usage == expected


@pairs
def test_12_a_stream_tells_the_same_counts_at_its_end(provider: str, client: str) -> None:
    write = None if provider == "gemini" else 10
    answer = Answer(Start("x"), [AnswerText("x")], [], Usage(100, 40, write, 30, 20), Finish("stop"))
    writer = WIRES[provider].stream_writer(new_ask("chat"))
    stream = b"".join(map(writer.write, replay(answer))) + writer.end()
    expected = (NO_WRITE if provider == "gemini" else COUNTED)[client]
    assert check(client, through(provider, client, stream)).usage == expected


@pytest.mark.parametrize("client", WIRES)
def test_12_no_usage_at_all_is_zeros(client: str) -> None:
    usage = fold(client, WIRES[client].write_answer(Answer(finish=Finish("stop")), new_ask(client))).usage
    assert usage is not None
    assert {value for value in usage.values() if not isinstance(value, dict)} == {0}


# --- 15.2 ---

ERRORS: dict[str, JsonObject] = {
    "chat": {"error": {"message": "why", "type": "t", "param": None, "code": None}},
    "responses": {"error": {"message": "why", "type": "t", "param": None, "code": None}},
    "anthropic": {"type": "error", "error": {"type": "t", "message": "why"}},
    "gemini": {"error": {"code": 0, "message": "why", "status": "T"}},
}
# status of the provider -> what the client is told: (status, OpenAI's type, Anthropic's type, Google's status)
ROWS: dict[int, tuple[int, str, str, str]] = {
    400: (400, "invalid_request_error", "invalid_request_error", "INVALID_ARGUMENT"),
    402: (402, "insufficient_quota", "billing_error", "FAILED_PRECONDITION"),
    404: (404, "invalid_request_error", "not_found_error", "NOT_FOUND"),
    413: (413, "invalid_request_error", "request_too_large", "INVALID_ARGUMENT"),
    429: (429, "rate_limit_error", "rate_limit_error", "RESOURCE_EXHAUSTED"),
    500: (500, "server_error", "api_error", "INTERNAL"),
    502: (502, "server_error", "api_error", "INTERNAL"),
    503: (503, "server_error", "overloaded_error", "UNAVAILABLE"),
    504: (504, "timeout", "timeout_error", "DEADLINE_EXCEEDED"),
}


@pairs
@pytest.mark.parametrize("status", ROWS)
def test_15_2_each_status_of_each_provider_for_each_client(provider: str, client: str, status: int) -> None:
    error = WIRES[provider].read_error(status, {}, json.dumps(ERRORS[provider]).encode())
    told, body = WIRES[client].write_error(failure_of(error), "req_1")
    expected, openai, anthropics, google = ROWS[status]
    if client == "anthropic" and status == 503:
        expected = 529
    written: Any = body["error"]
    assert told == expected
    assert "why" in written["message"]
    word = {"anthropic": anthropics, "gemini": google}.get(client, openai)
    assert written["status" if client == "gemini" else "type"] == word


@pairs
@pytest.mark.parametrize("status", [401, 403])
def test_15_2_a_refused_account_of_ours_never_reaches_the_client_as_its_own(
    provider: str, client: str, status: int
) -> None:
    error = WIRES[provider].read_error(status, {}, json.dumps(ERRORS[provider]).encode())
    assert error.kind in (Kind.AUTH, Kind.FORBIDDEN)
    assert WIRES[client].write_error(failure_of(error), "req_1")[0] >= 500


@pytest.mark.parametrize("client", WIRES)
def test_15_2_an_overflow_of_the_context_in_words_that_agents_know(client: str) -> None:
    failure = failure_of(UpstreamError(Kind.CONTEXT_LENGTH, "too many tokens"))
    told, body = WIRES[client].write_error(failure, "req_1")
    error: Any = body["error"]
    assert told == 400
    if client == "anthropic":
        assert error["message"].startswith("prompt is too long")
    elif client != "gemini":
        assert error["code"] == "context_length_exceeded"


@pairs
def test_15_2_a_200_whose_body_is_an_error_is_an_error(provider: str, client: str) -> None:
    body = {**ERRORS[provider]}
    with pytest.raises(UpstreamError) as caught:
        list(WIRES[provider].read_answer(body, DEFAULT))
    assert WIRES[client].write_error(failure_of(caught.value), "r")[0] >= 400
