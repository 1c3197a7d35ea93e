"""A provider's Messages answer -> stream events.

Source: Anthropic API documentation, "Streaming messages" (read 2026-11).
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from converters.anthropic.errors import error_in
from converters.anthropic.usage import UsageCounter
from converters.errors import Kind, UpstreamError
from converters.events import (
    Citation,
    Finish,
    Start,
    StopReason,
    StreamEvent,
    TextDelta,
    TextEnd,
    TextStart,
    ThinkingDelta,
    ThinkingEnd,
    ThinkingStart,
    ToolArgs,
    ToolEnd,
    ToolStart,
    UsageUpdate,
)
from converters.json_codec import Json, JsonObject, dumps_text, loads
from converters.profile import Profile
from converters.sse import DONE, Frame, SSEDecoder
from converters.turns import Token

_MAX_UNREADABLE = 3  # in a row
_STOP_REASONS: dict[str, StopReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "pause_turn": "pause",
    "refusal": "content_filter",
}


@dataclass(slots=True)
class _Open:
    """The content block that is open. kind: text, thinking, call, or hosted for what is skipped. args: the whole input of
    a call, for providers that put it into the block's start and send no fragments."""

    index: Json
    kind: str
    block: int
    signature: str = ""
    redacted: str | None = None
    args: JsonObject | None = None


class Reader:
    """Messages stream -> stream events.

    feed:  any slice of the body; the events it completes. Raises UpstreamError for an error event, and for three frames
           in a row that are no JSON object.
    close: raises UpstreamError(BROKEN_STREAM) unless a `stop_reason` or `message_stop` was seen: a cut stream is never
           passed off as a whole answer.
    What the provider ran itself (server tools, their results, compaction) has no place in the hub and is skipped, and so
    are unknown events. Some compatible vendors leave out `event:` lines, block starts or block stops: all are done without.
    """

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._usage = UsageCounter()
        self._unreadable = 0
        self._started = False
        self._finished = False
        self._called = False
        self._message_id = ""
        self._blocks = 0
        self._open: _Open | None = None
        self._text: _Open | None = None  # the open block, if it is text: the common path
        self._steps: dict[str, Callable[[JsonObject, list[StreamEvent]], None]] = {
            "message_start": self._message_start,
            "content_block_start": self._block_start,
            "content_block_delta": self._block_delta,
            "content_block_stop": self._block_stop,
            "message_delta": self._message_delta,
            "message_stop": self._message_stop,
        }

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        return self._read(self._sse.feed(data))

    def close(self) -> Iterator[StreamEvent]:
        yield from self._read(self._sse.close())
        if not self._finished:
            raise UpstreamError(Kind.BROKEN_STREAM, "the provider's stream ended before its `stop_reason`")

    def step(self, payload: JsonObject) -> Sequence[StreamEvent]:
        """One event of the protocol. Raises UpstreamError if it is an error."""
        kind = payload.get("type")
        if (kind == "error" or kind is None) and (error := error_in(payload)) is not None:
            raise error
        out: list[StreamEvent] = []
        if not self._finished and isinstance(kind, str) and (step := self._steps.get(kind)) is not None:
            step(payload, out)
        return out

    def _read(self, frames: Iterable[Frame]) -> Iterator[StreamEvent]:
        for _, data in frames:
            try:
                payload = loads(data)
            except ValueError:
                payload = None
            if not isinstance(payload, dict):
                self._skip(data)
                continue
            self._unreadable = 0
            if (text := self._text) is not None and payload.get("type") == "content_block_delta":
                delta = payload.get("delta")
                if isinstance(delta, dict) and delta.get("type") == "text_delta" and payload.get("index") == text.index:
                    if isinstance(fragment := delta.get("text"), str) and fragment:
                        yield TextDelta(text.block, fragment)
                    continue
            yield from self.step(payload)

    def _skip(self, data: bytes) -> None:
        if data == DONE:  # of the other protocol, and harmless
            return
        self._unreadable += 1
        if self._unreadable >= _MAX_UNREADABLE:
            raise UpstreamError(Kind.BROKEN_STREAM, f"{_MAX_UNREADABLE} frames in a row are not JSON objects")

    # --- the message ---

    def _message_start(self, payload: JsonObject, out: list[StreamEvent]) -> None:
        message = payload.get("message")
        if not isinstance(message, dict) or self._started:
            return
        self._started = True
        self._message_id = _text(message, "id")
        out.append(Start(self._message_id or None, _text(message, "model") or None))
        self._count(message, out)

    def _message_delta(self, payload: JsonObject, out: list[StreamEvent]) -> None:
        self._count(payload, out)
        delta = payload.get("delta")
        if isinstance(delta, dict) and (native := _text(delta, "stop_reason")):
            self._finish(native, _text(delta, "stop_sequence") or None, out)

    def _message_stop(self, payload: JsonObject, out: list[StreamEvent]) -> None:
        self._finish(None, None, out)

    def _finish(self, native: str | None, stop_sequence: str | None, out: list[StreamEvent]) -> None:
        self._end_open(out)
        self._finished = True
        reason = "stop" if native is None else _STOP_REASONS.get(native, "other")
        if reason == "stop" and self._called:
            reason = "tool_calls"
        out.append(Finish(reason, native, stop_sequence))

    def _count(self, holder: JsonObject, out: list[StreamEvent]) -> None:
        if (usage := self._usage.read(holder.get("usage"))) is not None:
            out.append(UsageUpdate(usage))

    # --- blocks ---

    def _block_start(self, payload: JsonObject, out: list[StreamEvent]) -> None:
        content = payload.get("content_block")
        if not isinstance(content, dict):
            return
        index = payload.get("index")
        match content.get("type"):
            case "text":
                self._begin("text", index, out)
                self._take_text(content, out)
                citations = content.get("citations")
                for citation in citations if isinstance(citations, list) else ():
                    _take_citation(citation, out)
            case "thinking":
                self._begin("thinking", index, out)
                self._take_thinking(content, out)
                self._take_signature(content)
            case "redacted_thinking":
                self._begin("thinking", index, out).redacted = _text(content, "data")
            case "tool_use" if name := _text(content, "name"):
                self._called = True
                opened = self._begin("call", index, out)
                args = content.get("input")
                opened.args = args if isinstance(args, dict) else None
                id_ = _text(content, "id") or f"toolu_{self._message_id}_{opened.block}"
                out.append(ToolStart(opened.block, id_, name))
            case _:
                self._end_open(out)
                self._open = _Open(index, "hosted", -1)

    def _begin(self, kind: Literal["text", "thinking", "call"], index: Json, out: list[StreamEvent]) -> _Open:
        self._end_open(out)
        opened = self._open = _Open(index, kind, self._blocks)
        self._blocks += 1
        if kind == "text":
            self._text = opened
            out.append(TextStart(opened.block))
        elif kind == "thinking":
            out.append(ThinkingStart(opened.block))
        return opened

    def _block_stop(self, payload: JsonObject, out: list[StreamEvent]) -> None:
        if self._open is not None and payload.get("index") == self._open.index:
            self._end_open(out)

    def _end_open(self, out: list[StreamEvent]) -> None:
        ended, self._open, self._text = self._open, None, None
        match ended:
            case _Open(kind="text", block=block):
                out.append(TextEnd(block))
            case _Open(kind="thinking", block=block, redacted=str(value)):
                out.append(ThinkingEnd(block, Token("x", value)))
            case _Open(kind="thinking", block=block, signature=signature):
                out.append(ThinkingEnd(block, Token("a", signature) if signature else None))
            case _Open(kind="call", block=block, args=args):
                if args:
                    out.append(ToolArgs(block, dumps_text(args)))
                out.append(ToolEnd(block))

    # --- deltas ---

    def _block_delta(self, payload: JsonObject, out: list[StreamEvent]) -> None:
        delta = payload.get("delta")
        if not isinstance(delta, dict):
            return
        kind = delta.get("type")
        if (opened := self._open) is None or opened.index != payload.get("index"):
            begun = _BEGUN_BY.get(kind) if isinstance(kind, str) else None
            if begun is None:
                return
            opened = self._begin(begun, payload.get("index"), out)
        match kind, opened.kind:
            case "text_delta", "text":
                self._take_text(delta, out)
            case "thinking_delta", "thinking":
                self._take_thinking(delta, out)
            case "signature_delta", "thinking":
                self._take_signature(delta)
            case "input_json_delta", "call":
                if fragment := _text(delta, "partial_json"):
                    opened.args = None
                    out.append(ToolArgs(opened.block, fragment))
            case "citations_delta", "text":
                _take_citation(delta.get("citation"), out)

    def _take_text(self, holder: JsonObject, out: list[StreamEvent]) -> None:
        if (text := _text(holder, "text")) and self._open is not None:
            out.append(TextDelta(self._open.block, text))

    def _take_thinking(self, holder: JsonObject, out: list[StreamEvent]) -> None:
        if (text := _text(holder, "thinking")) and self._open is not None:
            out.append(ThinkingDelta(self._open.block, text))

    def _take_signature(self, holder: JsonObject) -> None:
        if self._open is not None:
            self._open.signature += _text(holder, "signature")


_BEGUN_BY: dict[str, Literal["text", "thinking"]] = {"text_delta": "text", "thinking_delta": "thinking"}


def _text(holder: JsonObject, key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _take_citation(citation: Json, out: list[StreamEvent]) -> None:
    """Only citations of web pages have a place elsewhere (conversion rules 13)."""
    if isinstance(citation, dict) and (url := _text(citation, "url")):
        out.append(Citation(url, _text(citation, "title") or None))


def read_answer(body: JsonObject, profile: Profile) -> Iterator[StreamEvent]:
    """A whole answer as events: as if each block had come in one piece. Raises UpstreamError for an error, and for what
    is no message."""
    if (error := error_in(body)) is not None:
        raise error
    content = body.get("content")
    if not isinstance(content, list):
        raise UpstreamError(Kind.BROKEN_STREAM, "the provider's answer is not a message: it has no `content` list")
    reader = Reader()
    yield from reader.step({"type": "message_start", "message": body})
    for index, block in enumerate(content):
        yield from reader.step({"type": "content_block_start", "index": index, "content_block": block})
        yield from reader.step({"type": "content_block_stop", "index": index})
    yield from reader.step({"type": "message_delta", "delta": body})
    yield from reader.step({"type": "message_stop"})
