"""A client that speaks Code Assist -> the Gemini client inside it, and plain Gemini answers back in the envelope.

Source: gemini-cli, packages/core/src/code_assist/{server,converter}.ts, and what its version 0.61 sends (read 2026-11).
"""

from dataclasses import dataclass
from typing import override

from converters.errors import Kind
from converters.fields import missing, required_obj, required_string, string
from converters.gemini.names import camel
from converters.json_codec import JsonObject, dumps, loads
from converters.pipe import Around, Pipe
from converters.sse import SSEDecoder, data_frame, lines_frame


@dataclass(frozen=True, slots=True)
class Disclosed:
    """A plain Gemini request. model: without `models/`. body: as the plain API takes it. prompt_id, session_id: as the client
    named prompt and conversation, "" where it did not."""

    model: str
    body: bytes
    prompt_id: str = ""
    session_id: str = ""


def disclose_request(body: JsonObject) -> Disclosed:
    """generateContent in the envelope -> plain. `session_id` goes: the plain API does not know it. `project` is the client's
    own idea of whom to bill, and `enabled_credit_types` of how: neither is handed on.

    Raises ConversionError that names the field.
    """
    outer = camel(body)
    inner = required_obj(outer, "request")
    if "contents" not in inner:
        raise missing("request.contents")
    session = string(camel(inner), "sessionId", "request")
    plain = {name: value for name, value in inner.items() if name not in ("session_id", "sessionId", "model")}
    return Disclosed(
        required_string(outer, "model").removeprefix("models/"),
        dumps(plain),
        string(outer, "userPromptId") or "",
        session or "",
    )


def disclose_count(body: JsonObject) -> Disclosed:
    """countTokens: `{"request": {"model": "models/...", "contents": [...]}}` -> `{"contents": [...]}`."""
    inner = required_obj(body, "request")
    model = required_string(inner, "model", "request").removeprefix("models/")
    return Disclosed(model, dumps({name: value for name, value in inner.items() if name != "model"}))


def enclose_answer(body: bytes) -> bytes:
    """A whole generateContent answer in the envelope. Errors, and what is no JSON object, stay as they are."""
    try:
        payload = loads(body)
    except ValueError:
        return body
    return dumps(_enclosed(payload)) if isinstance(payload, dict) and "error" not in payload else body


def _enclosed(payload: JsonObject) -> JsonObject:
    """The client takes the trace for the id of the answer."""
    if "error" in payload:
        return payload
    trace = payload.get("responseId")
    return {"response": payload, **({"traceId": trace} if isinstance(trace, str) else {})}


class Encloser:
    """Whole frames of a plain Gemini stream -> the same in the envelope."""

    def __init__(self) -> None:
        self._sse = SSEDecoder()

    def feed(self, frames: bytes) -> bytes:
        return b"".join(_enclosed_frame(payload) for _, payload in self._sse.feed(frames))

    def close(self) -> bytes:
        return b"".join(_enclosed_frame(payload) for _, payload in self._sse.close())


def _enclosed_frame(data: bytes) -> bytes:
    """What is no JSON object passes: the client skips it."""
    try:
        payload = loads(data)
    except ValueError:
        payload = None
    return data_frame(_enclosed(payload)) if isinstance(payload, dict) else lines_frame(data)


class EnclosedPipe(Around):
    """A pipe of a plain Gemini client, whose client wants the envelope."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(pipe)
        self._encloser = Encloser()

    @override
    def feed(self, data: bytes) -> bytes:
        return self._encloser.feed(self._pipe.feed(data))

    @override
    def close(self) -> bytes:
        return self._encloser.feed(self._pipe.close()) + self._encloser.close()

    @override
    def fail(self, kind: Kind, message: str) -> bytes:
        return self._encloser.feed(self._pipe.fail(kind, message)) + self._encloser.close()
