"""Exchanges that are over, as the recorder hands them on."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from addons.attempts import Attempt
from addons.heard import Heard
from addons.providers import catalogue
from addons.records.facts import Facts
from addons.records.objects import Objects
from addons.records.record import RecordMaker
from addons.redact import Redactor
from converters.events import StreamEvent, Usage
from converters.json_codec import JsonObject, loads
from converters.system_prompt import SystemPrompt
from converters.wires import WIRES

BEGAN = 1_795_400_000.25
HEADERS = [(b"host", b"127.0.0.1"), (b"content-type", b"application/json"), (b"user-agent", b"agent/1.0")]
TOOLS = [
    {
        "name": "get_weather",
        "description": "The weather in a city. " * 30,
        "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
]
ANTHROPIC_STREAM = [
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m-1",'
    b'"content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":11,"output_tokens":1}}}\n\n',
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"It rai"}}\n\n',
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"ns."}}\n\n',
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n',
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
    b'"usage":{"output_tokens":7}}\n\n',
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n',
]


def anthropic_body(**more: object) -> bytes:
    body = {
        "model": "claude-x",
        "max_tokens": 100,
        "system": "Be brief. " * 80,
        "tools": TOOLS,
        "messages": [{"role": "user", "content": "Weather in Zürich?"}],
        **more,
    }
    return json.dumps(body, ensure_ascii=False).encode()


def whole_answer(text: str = "It rains.") -> bytes:
    return json.dumps(
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": "m-1",
            "content": [{"type": "text", "text": text}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {"input_tokens": 11, "output_tokens": 7},
        }
    ).encode()


def attempt(
    body: bytes,
    answer: bytes = b"",
    chunks: Sequence[bytes] = (),
    status: int | None = 200,
    wire: str = "anthropic",
    prompt: SystemPrompt | None = None,
) -> Attempt:
    kind = b"text/event-stream" if chunks else b"application/json"
    return Attempt(
        provider="claude-custom",
        account="claude-custom:default",
        model="claude-x",
        wire=wire,
        began=BEGAN + 0.01,
        method="POST",
        url="https://api.anthropic.com/v1/messages",
        headers=HEADERS,
        body=body,
        status=status,
        answer_headers=[(b"content-type", kind)] if status else [],
        answer=answer,
        chunks=[(BEGAN + 0.1 + n / 10, chunk) for n, chunk in enumerate(chunks)],
        ended=BEGAN + 1,
        outcome="success" if status == 200 else "overloaded",
        prompt=prompt,
    )


def listened(events: Iterable[StreamEvent]) -> Heard:
    heard = Heard()
    for event in events:
        heard.add(event)
    return heard


def exchange(number: int = 0, **more: object) -> Facts:
    """A whole answer, same protocol on both sides."""
    body = anthropic_body()
    fields: dict[str, object] = {
        "id": f"req_{number:024x}",
        "wire": WIRES["anthropic"],
        "action": "generate",
        "state": "complete",
        "began": BEGAN + number,
        "ended": BEGAN + number + 1,
        "first_byte": BEGAN + number + 0.5,
        "agent": "agent/1.0",
        "thread": "session-1",
        "method": "POST",
        "path": "/v1/messages",
        "headers": [(name.decode(), value.decode()) for name, value in HEADERS],
        "body": body,
        "asked": "claude-x",
        "provider": catalogue()["claude-custom"],
        "account": "claude-custom:default",
        "target": "claude-x",
        "served": "m-1",
        "attempts": [attempt(body, whole_answer())],
        "status": 200,
        "answer_headers": [(b"content-type", b"application/json")],
        "answer": whole_answer(),
        "usage": Usage(input_total=11, output_total=7),
        "stop_reason": "stop",
        **more,
    }
    return Facts(**fields)  # type: ignore[arg-type]


def streamed(chunks: Sequence[bytes] = ANTHROPIC_STREAM, **more: object) -> Facts:
    body = anthropic_body(stream=True)
    fields = {
        "body": body,
        "attempts": [attempt(body, chunks=chunks)],
        "answer": b"",
        "answer_headers": [(b"content-type", b"text/event-stream")],
        "chunks": [(BEGAN + 0.2 + n / 10, chunk) for n, chunk in enumerate(chunks)],
        **more,
    }
    return exchange(**fields)


def maker(folder: Path, redactor: Redactor | None = None, *, media: bool = False) -> RecordMaker:
    return RecordMaker(redactor or Redactor(), Objects(folder / "objects"), b"salt" * 8, media=media)


def made(record_maker: RecordMaker, facts: Facts) -> JsonObject:
    record = loads(record_maker.line(facts))
    assert isinstance(record, dict)
    return record
