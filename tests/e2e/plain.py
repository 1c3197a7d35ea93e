"""Requests and answers of the four protocols without an SDK: where a test needs the bytes, or what no SDK would send."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.samples import ANTHROPIC_KEY, CLIENT_KEY, GEMINI_KEY, OPENAI_KEY, RESPONSES_KEY
from tests.grammar import Folded, check_anthropic_stream, check_chat_stream, fold_anthropic_answer, fold_chat_answer
from tests.grammar_gemini import check_gemini_stream, fold_gemini_answer
from tests.grammar_responses import check_responses_stream, fold_responses_answer

PROTOCOLS = ("chat", "responses", "anthropic", "gemini")
PROVIDERS = {
    "openai-custom": "chat",
    "openaiResponses-custom": "responses",
    "claude-custom": "anthropic",
    "gemini-custom": "gemini",
}
PLAIN_MODEL = {
    "openai-custom": "gpt-4.1",
    "openaiResponses-custom": "gpt-4.1",
    "claude-custom": "claude-sonnet-4-5",
    "gemini-custom": "gemini-2.5-flash",
}
REASONING_MODEL = {
    "openai-custom": "gpt-5.4",
    "openaiResponses-custom": "gpt-5.4",
    "claude-custom": "claude-sonnet-4-5",
    "gemini-custom": "gemini-3.1-pro-preview",
}
KEYS = {
    "openai-custom": OPENAI_KEY,
    "openaiResponses-custom": RESPONSES_KEY,
    "claude-custom": ANTHROPIC_KEY,
    "gemini-custom": GEMINI_KEY,
}
ALL_KEYS = (CLIENT_KEY, *KEYS.values())
RIGHT = {"authorization": f"Bearer {CLIENT_KEY}"}
PAIRS = [(protocol, provider) for protocol in PROTOCOLS for provider in PROVIDERS]
PAIR_NAMES = [f"{protocol}->{PROVIDERS[provider]}" for protocol, provider in PAIRS]


def own_provider(protocol: str) -> str:
    """The provider that speaks it."""
    return next(name for name, spoken in PROVIDERS.items() if spoken == protocol)


@dataclass(frozen=True)
class Plain:
    """A request of a protocol. path: with its query, below the provider's prefix."""

    protocol: str
    path: str
    body: dict[str, Any] = field(default_factory=dict)

    @property
    def raw(self) -> bytes:
        return json.dumps(self.body, ensure_ascii=False).encode()


def plain(protocol: str, model: str, words: str = "Hi", /, *, stream: bool = False, **more: Any) -> Plain:
    """One question. more: fields of the body; None takes one away."""
    said: dict[str, Any]
    match protocol:
        case "chat":
            said = {"max_completion_tokens": 400, "messages": [{"role": "user", "content": words}]}
        case "responses":
            said = {"max_output_tokens": 400, "store": False, "input": words}
        case "anthropic":
            said = {"max_tokens": 400, "messages": [{"role": "user", "content": words}]}
        case _:
            contents = [{"role": "user", "parts": [{"text": words}]}]
            said = {"generationConfig": {"maxOutputTokens": 400}, "contents": contents}
    if protocol != "gemini":
        said |= {"model": model, "stream": stream}
    body = {name: value for name, value in {**said, **more}.items() if value is not None}
    return Plain(protocol, path_of(protocol, model, stream=stream), body)


def path_of(protocol: str, model: str, *, stream: bool = False) -> str:
    """Where a protocol's requests go; Gemini names model and manner there."""
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return {
        "chat": "/v1/chat/completions",
        "responses": "/v1/responses",
        "anthropic": "/v1/messages",
        "gemini": f"/v1beta/models/{model}:{verb}",
    }[protocol]


def checked_stream(protocol: str, raw: bytes, *, include_usage: bool = False, broken: bool = False) -> Folded:
    """include_usage: what a Chat client asked for."""
    match protocol:
        case "chat":
            return check_chat_stream(raw, include_usage=include_usage, broken=broken)
        case "responses":
            return check_responses_stream(raw, broken=broken)
        case "anthropic":
            return check_anthropic_stream(raw, broken=broken)
        case _:
            return check_gemini_stream(raw, broken=broken)


def checked_answer(protocol: str, raw: bytes) -> Folded:
    fold = {
        "chat": fold_chat_answer,
        "responses": fold_responses_answer,
        "anthropic": fold_anthropic_answer,
        "gemini": fold_gemini_answer,
    }[protocol]
    return fold(json.loads(raw))


_STATUS = {  # http -> Gemini's word
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "INVALID_ARGUMENT",
    408: "INVALID_ARGUMENT",
    413: "INVALID_ARGUMENT",
    415: "INVALID_ARGUMENT",
    426: "INVALID_ARGUMENT",
    431: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    502: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
    529: "UNAVAILABLE",  # Anthropic's, where a fake of Google plays it
}


def error_of(protocol: str, raw: bytes) -> Mapping[str, Any]:
    """The error object of a body, which must have its protocol's shape."""
    body = json.loads(raw)
    error: dict[str, Any] = body["error"]
    match protocol:
        case "chat" | "responses":
            assert set(body) == {"error"}
            assert {"message", "type", "param", "code"} <= set(error)
        case "anthropic":
            assert body["type"] == "error"
            assert {"message", "type"} <= set(error)
            assert isinstance(body["request_id"], str)
        case _:
            assert set(body) == {"error"}
            assert error["status"] == _STATUS[error["code"]], error
    assert error["message"]
    return error
