"""What the fake provider answers: real shapes, fixed sizes."""

import json
from dataclasses import dataclass

TEXT = "The quick brown fox jumps over the lazy dog. "
CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"


@dataclass(frozen=True, slots=True)
class Shape:
    """One protocol. delta: one event of a stream, as is. text_mark: stands once in each text event. last: ends a stream."""

    path: str
    whole: bytes
    opening: bytes
    delta: bytes
    closing: bytes
    text_mark: bytes
    last: bytes


def _sse(payload: object, event: str = "") -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(payload, separators=(',', ':'))}\n\n".encode()


def _chat() -> Shape:
    head = {"id": "chatcmpl-B3nch", "object": "chat.completion.chunk", "created": 1760000000, "model": "m"}

    def chunk(delta: dict[str, object], finish: str | None = None, usage: object = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _sse({**head, "system_fingerprint": "fp_1", "choices": [choice], "usage": usage})

    usage = {"prompt_tokens": 20, "completion_tokens": 200, "total_tokens": 220}
    message = {"role": "assistant", "content": TEXT * 16, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    whole = {**head, "object": "chat.completion", "choices": [choice], "usage": usage}
    return Shape(
        path=CHAT,
        whole=json.dumps(whole).encode(),
        opening=chunk({"role": "assistant", "content": ""}),
        delta=chunk({"content": " word"}),
        closing=chunk({}, "stop", usage) + b"data: [DONE]\n\n",
        text_mark=b'"content":" word"',
        last=b"data: [DONE]",
    )


def _messages() -> Shape:
    usage = {"input_tokens": 20, "output_tokens": 200}
    head = {"id": "msg_B3nch", "type": "message", "role": "assistant", "model": "m", "stop_sequence": None}
    whole = {**head, "content": [{"type": "text", "text": TEXT * 16}], "stop_reason": "end_turn", "usage": usage}

    def event(name: str, **fields: object) -> bytes:
        return _sse({"type": name, **fields}, name)

    start = event("message_start", message={**head, "content": [], "stop_reason": None, "usage": usage})
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    return Shape(
        path=MESSAGES,
        whole=json.dumps(whole).encode(),
        opening=start + event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        delta=event("content_block_delta", index=0, delta={"type": "text_delta", "text": " word"}),
        closing=event("content_block_stop", index=0)
        + event("message_delta", delta=end, usage={"output_tokens": 200})
        + event("message_stop"),
        text_mark=b'"text":" word"',
        last=b'"type":"message_stop"',
    )


SHAPES = {shape.path: shape for shape in (_chat(), _messages())}


def shape_of(path: str) -> Shape:
    """path: the client's, maybe with a provider's name before it."""
    return next(shape for shape in SHAPES.values() if path.endswith(shape.path))


def short_request(model: str, *, stream: bool) -> bytes:
    """A body that is legal in both protocols. model: what the fake provider is to do (`fake.py`)."""
    messages = [{"role": "user", "content": TEXT * 8}]
    return json.dumps({"model": model, "max_tokens": 500, "stream": stream, "messages": messages}).encode()


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
