"""AWS event-stream frames, written by hand from the format's description: for fake servers and as a judge of the decoder.

Shares no code with the product. A frame: total length, header length, CRC-32 of these eight bytes, headers, payload, CRC-32 of
all before it; integers big-endian. A header: length of its name, name, type, value.
"""

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True)
class Sized:
    """An integer of 1, 2, 4 or 8 bytes; types 2 to 5."""

    value: int
    size: int


@dataclass(frozen=True)
class Timestamp:
    """Milliseconds since 1970; type 8."""

    milliseconds: int


type HeaderValue = bool | Sized | bytes | str | Timestamp | UUID

_INTEGERS = {1: (2, ">b"), 2: (3, ">h"), 4: (4, ">i"), 8: (5, ">q")}  # size -> type, format
JSON = "application/json"


def encoded_value(value: HeaderValue) -> bytes:
    """The type byte and what follows it."""
    match value:
        case bool():
            return b"\x00" if value else b"\x01"
        case Sized(number, size):
            kind, layout = _INTEGERS[size]
            return bytes([kind]) + struct.pack(layout, number)
        case bytes():
            return b"\x06" + struct.pack(">H", len(value)) + value
        case str():
            text = value.encode()
            return b"\x07" + struct.pack(">H", len(text)) + text
        case Timestamp(milliseconds):
            return b"\x08" + struct.pack(">q", milliseconds)
        case UUID():
            return b"\x09" + value.bytes


def frame(headers: Mapping[str, HeaderValue], payload: bytes = b"") -> bytes:
    """Any frame, both checksums right."""
    head = b"".join(
        bytes([len(name.encode())]) + name.encode() + encoded_value(value) for name, value in headers.items()
    )
    prelude = struct.pack(">II", 12 + len(head) + len(payload) + 4, len(head))
    body = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + payload
    return body + struct.pack(">I", zlib.crc32(body))


def written(payload: object) -> bytes:
    """Compact JSON, unicode as it is; bytes pass as they are (for payloads that are no JSON)."""
    return (
        payload
        if isinstance(payload, bytes)
        else json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    )


def event(kind: str, payload: object = None, **more: HeaderValue) -> bytes:
    """An event frame. more: further headers, with `_` for `-` in their names."""
    headers: dict[str, HeaderValue] = {":message-type": "event", ":event-type": kind, ":content-type": JSON}
    return frame(
        headers | {k.replace("_", "-"): v for k, v in more.items()}, written({} if payload is None else payload)
    )


def exception(name: str, message: str = "", **fields: Any) -> bytes:
    """An exception frame, e.g. `exception("ThrottlingException", "slow", reason="MONTHLY_REQUEST_COUNT")`."""
    headers: dict[str, HeaderValue] = {":message-type": "exception", ":exception-type": name, ":content-type": JSON}
    return frame(headers, written({"message": message, **fields}))


def error(code: str, message: str) -> bytes:
    """An unmodelled error: all of it stands in headers, there is no payload."""
    return frame({":message-type": "error", ":error-code": code, ":error-message": message})


# --- the service's events ---


def text(content: str, model: str | None = None) -> bytes:
    return event("assistantResponseEvent", {"content": content, **({} if model is None else {"modelId": model})})


def thinking(words: str | None = None, signature: str | None = None, redacted: str | None = None) -> bytes:
    fields = {"text": words, "signature": signature, "redactedContent": redacted}
    return event("reasoningContentEvent", {name: value for name, value in fields.items() if value is not None})


def tool(id_: str, name: str, input_: object = None, stop: bool | None = None) -> bytes:
    """One toolUseEvent. input_: a fragment of the arguments' JSON text, or an object; None leaves it out."""
    fields = {"toolUseId": id_, "name": name, "input": input_, "stop": stop}
    return event("toolUseEvent", {key: value for key, value in fields.items() if value is not None})


def call(id_: str, name: str, *fragments: str) -> list[bytes]:
    """A whole call: a frame a fragment, and the one that ends it."""
    return [*(tool(id_, name, fragment) for fragment in fragments), tool(id_, name, stop=True)]


def usage(uncached: int, output: int, read: int | None = None, write: int | None = None) -> bytes:
    counts = {
        "uncachedInputTokens": uncached,
        "outputTokens": output,
        "totalTokens": uncached + output + (read or 0) + (write or 0),
        "cacheReadInputTokens": read,
        "cacheWriteInputTokens": write,
    }
    return event("metadataEvent", {"tokenUsage": {k: v for k, v in counts.items() if v is not None}})


def context(percentage: float) -> bytes:
    return event("contextUsageEvent", {"contextUsagePercentage": percentage})


def metering(credits: float = 0.42) -> bytes:
    return event("meteringEvent", {"usage": credits, "unit": "credit", "unitPlural": "credits"})


def opening(conversation: str = "c-1") -> bytes:
    return event("messageMetadataEvent", {"conversationId": conversation, "utteranceId": "u-1"})


# --- damaged on purpose ---


def with_bad_prelude(whole: bytes) -> bytes:
    """The checksum of the lengths is wrong."""
    return whole[:8] + bytes([whole[8] ^ 1]) + whole[9:]


def with_bad_checksum(whole: bytes) -> bytes:
    """The checksum of the whole frame is wrong."""
    return whole[:-1] + bytes([whole[-1] ^ 1])


def with_all_header_types(kind: str, payload: object) -> bytes:
    """An event whose frame carries a header of each of the ten types beside its own."""
    return event(
        kind,
        payload,
        x_true=True,
        x_false=False,
        x_byte=Sized(-1, 1),
        x_short=Sized(-2, 2),
        x_int=Sized(-3, 4),
        x_long=Sized(-4, 8),
        x_bytes=b"\x00\xff",
        x_string="é",
        x_time=Timestamp(1_700_000_000_000),
        x_uuid=UUID("00000000-0000-4000-8000-000000000001"),
    )
