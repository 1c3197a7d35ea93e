"""A provider's generateContent answer -> stream events, streamed or whole.

Source: Gemini API reference, "GenerateContentResponse"; type definitions of python-genai 3.4 (read 2026-11), and recorded
streams. A stream is Server-Sent Events or, without `alt=sse`, one JSON array: its first byte tells.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import Literal

from converters.errors import Kind, UpstreamError
from converters.events import (
    Citation,
    Finish,
    ImageOut,
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
from converters.gemini.array import ArrayDecoder
from converters.gemini.errors import error_in
from converters.gemini.parse_parts import fenced
from converters.gemini.tokens import read_signature, standard_base64
from converters.gemini.usage import UsageCounter
from converters.json_codec import Json, JsonObject, dumps, dumps_text, loads
from converters.profile import Profile
from converters.sse import DONE, SSEDecoder
from converters.turns import Base64, Token

_MAX_UNREADABLE = 3  # in a row
_REASONS: dict[str, StopReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    **dict.fromkeys(
        "SAFETY RECITATION BLOCKLIST PROHIBITED_CONTENT SPII IMAGE_SAFETY IMAGE_PROHIBITED_CONTENT IMAGE_RECITATION"
        " LANGUAGE MODEL_ARMOR".split(),
        "content_filter",
    ),
}
_FAILED = frozenset(  # the model produced nothing usable: worth another try while nothing was said
    "MALFORMED_FUNCTION_CALL UNEXPECTED_TOOL_CALL TOO_MANY_TOOL_CALLS NO_IMAGE IMAGE_OTHER MALFORMED_RESPONSE"
    " MISSING_THOUGHT_SIGNATURE".split()
)
_WORDS = frozenset(("text", "thought", "thoughtSignature"))
_WHITE = b" \t\r\n\xef\xbb\xbf"


class StreamReader:
    """generateContent stream -> stream events.

    feed:  any slice of the body; the events it completes. Raises UpstreamError for an error object, and for three
           unreadable frames in a row.
    close: raises UpstreamError(BROKEN_STREAM) unless a `finishReason` was seen (or the prompt was blocked): a cut stream is
           never passed off as a whole answer.
    Only candidate 0 is read. A signature on a call goes to the thinking before it and to the call's end, one on a text to
    a thinking block of its own before that text. skipped: parts and frames that are of no use.
    """

    def __init__(self, profile: Profile) -> None:
        self._sse = SSEDecoder()
        self._array: ArrayDecoder | None = None
        self._sniffed = False
        self._usage = UsageCounter()
        self._unreadable = 0
        self._started = False
        self._finished = False
        self._called = False
        self._id = ""
        self._blocks = 0
        self._open: Literal["text", "thinking"] | None = None
        self._text: int | None = None  # the open block, if it is text: the common path
        self._cited: set[str] = set()
        self.skipped = 0

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        if not self._sniffed and (first := data.lstrip(_WHITE)[:1]):
            self._sniffed = True
            if first in b"[{":
                self._array = ArrayDecoder()
        if self._array is not None:
            return self._read(self._array.feed(data))
        return self._read(payload for _, payload in self._sse.feed(data))

    def close(self) -> Iterator[StreamEvent]:
        yield from self._read([payload for _, payload in self._sse.close()])
        if not self._finished:
            raise UpstreamError(Kind.BROKEN_STREAM, "the provider's stream ended before its `finishReason`")

    def step(self, payload: JsonObject) -> Iterator[StreamEvent]:
        """One GenerateContentResponse. Raises UpstreamError if it is an error."""
        if (error := error_in(payload)) is not None:
            raise error
        if not self._started:
            yield self._start(payload)
        candidate = _candidate_0(payload)
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        for part in parts if isinstance(parts, list) else ():
            if isinstance(part, dict) and not self._finished:
                yield from self._part(part)
        yield from self._citations(candidate)
        if (usage := self._usage.read(payload.get("usageMetadata"))) is not None:
            yield UsageUpdate(usage)
        if not self._finished:
            yield from self._finish(candidate, payload)

    def _read(self, payloads: Iterable[bytes]) -> Iterator[StreamEvent]:
        for data in payloads:
            try:
                payload = loads(data)
            except ValueError:
                payload = None
            if isinstance(payload, list) and (error := error_in(payload)) is not None:
                raise error
            if not isinstance(payload, dict):
                self._skip(data)
                continue
            self._unreadable = 0
            if (block := self._text) is not None and (text := _plain_text(payload)):
                yield TextDelta(block, text)
                if (usage := self._usage.read(payload.get("usageMetadata"))) is not None:
                    yield UsageUpdate(usage)
            else:
                yield from self.step(payload)

    def _skip(self, data: bytes) -> None:
        if data == DONE:  # of the other protocol, and harmless
            return
        self.skipped += 1
        self._unreadable += 1
        if self._unreadable >= _MAX_UNREADABLE:
            raise UpstreamError(Kind.BROKEN_STREAM, f"{_MAX_UNREADABLE} frames in a row are not JSON objects")

    # --- the answer ---

    def _start(self, payload: JsonObject) -> Start:
        self._started = True
        self._id = _text(payload, "responseId")
        return Start(self._id or None, _text(payload, "modelVersion") or None)

    def _finish(self, candidate: JsonObject, payload: JsonObject) -> Iterator[StreamEvent]:
        native = _text(candidate, "finishReason")
        feedback = payload.get("promptFeedback")
        blocked = _text(feedback, "blockReason") if isinstance(feedback, dict) and not candidate else ""
        if not (native or blocked):
            return
        if native in _FAILED and self._blocks == 0:
            why = _text(candidate, "finishMessage") or f"the model ended its answer with {native}"
            raise UpstreamError(Kind.SERVER, why, status=502, code=native)
        yield from self._end_open()
        self._finished = True
        reason: StopReason = _REASONS.get(native, "other") if native else "content_filter"
        if reason == "stop" and self._called:
            reason = "tool_calls"
        yield Finish(reason, native or blocked)

    def _citations(self, candidate: JsonObject) -> Iterator[Citation]:
        """Only citations of web pages have a place elsewhere (conversion rules 13)."""
        for url, title in (*_grounding(candidate), *_cited(candidate)):
            if url and url not in self._cited:
                self._cited.add(url)
                yield Citation(url, title or None)

    # --- parts ---

    def _part(self, part: JsonObject) -> Iterator[StreamEvent]:
        signature = _text(part, "thoughtSignature")
        call, blob = part.get("functionCall"), part.get("inlineData")
        if isinstance(call, dict):
            yield from self._call(call, part, signature)
        elif part.keys() <= _WORDS:
            text = _text(part, "text")
            if part.get("thought") is True:
                yield from self._thought(text, signature)
            else:
                yield from self._words(text, signature)
        elif isinstance(blob, dict) and (mime := _text(blob, "mimeType")).startswith("image/"):
            yield from self._end_open()
            self._blocks += 1
            yield ImageOut(Base64(mime, standard_base64(_text(blob, "data"))))
        elif text := fenced(part):
            yield from self._words(text, "")
        else:
            self.skipped += 1

    def _thought(self, text: str, signature: str) -> Iterator[StreamEvent]:
        if not (text or signature):
            return
        yield from self._begin("thinking")
        if text:
            yield ThinkingDelta(self._blocks - 1, text)
        if signature:
            yield from self._end_open(read_signature(signature, "thought"))

    def _words(self, text: str, signature: str) -> Iterator[StreamEvent]:
        if signature:
            yield from self._carry(read_signature(signature, "text"))
        if text:
            yield from self._begin("text")
            yield TextDelta(self._blocks - 1, text)

    def _call(self, call: JsonObject, part: JsonObject, signature: str) -> Iterator[StreamEvent]:
        name = _text(call, "name")
        if not name:
            self.skipped += 1
            return
        token = read_signature(signature, "call") if signature else None
        id_ = _text(call, "id") or self._made_id(part)
        if token is not None:
            token.id = id_
            yield from self._carry(token)
        yield from self._end_open()
        self._called = True
        block = self._blocks
        self._blocks += 1
        args = call.get("args")
        yield ToolStart(block, id_, name)
        yield ToolArgs(block, dumps_text(args if isinstance(args, dict) else {}))
        yield ToolEnd(block, token)

    def _made_id(self, part: JsonObject) -> str:
        """6.1: unlike any other, also of an equal call in the same or another answer; the same when a recording is replayed."""
        seed: list[Json] = [self._id, self._blocks, part]
        return "call_" + hashlib.sha256(dumps(seed)).hexdigest()[:24]

    # --- blocks ---

    def _carry(self, token: Token) -> Iterator[StreamEvent]:
        """A token of the part that comes next ends the thinking before it, or is a thinking block without words."""
        if self._open != "thinking":
            yield from self._begin("thinking")
        yield from self._end_open(token)

    def _begin(self, kind: Literal["text", "thinking"]) -> Iterator[StreamEvent]:
        if self._open == kind:
            return
        yield from self._end_open()
        block = self._blocks
        self._blocks += 1
        self._open = kind
        if kind == "text":
            self._text = block
            yield TextStart(block)
        else:
            yield ThinkingStart(block)

    def _end_open(self, token: Token | None = None) -> Iterator[StreamEvent]:
        if self._open == "text":
            yield TextEnd(self._blocks - 1)
        elif self._open == "thinking":
            yield ThinkingEnd(self._blocks - 1, token)
        self._open = self._text = None


def read_answer(body: JsonObject, profile: Profile) -> Iterator[StreamEvent]:
    """The events of a whole answer. Raises UpstreamError when the body is an error, or no answer."""
    reader = StreamReader(profile)
    yield from reader.step(body)
    candidate = _candidate_0(body)
    if not _text(candidate, "finishReason"):
        if candidate:  # whole JSON: nothing was cut off
            yield from reader.step({"candidates": [{"finishReason": "STOP"}]})
        elif not isinstance(feedback := body.get("promptFeedback"), dict) or not feedback.get("blockReason"):
            raise UpstreamError(Kind.BROKEN_STREAM, "the provider's answer has no candidates")


def _plain_text(payload: JsonObject) -> str | None:
    """The text of a chunk that holds one text part and nothing else that matters: nearly all chunks are such."""
    candidates = payload.get("candidates")
    if type(candidates) is not list or len(candidates) != 1 or "error" in payload:
        return None
    candidate = candidates[0]
    if type(candidate) is not dict or "finishReason" in candidate or candidate.get("index"):
        return None
    if "groundingMetadata" in candidate or "citationMetadata" in candidate:
        return None
    content = candidate.get("content")
    parts = content.get("parts") if type(content) is dict else None
    if type(parts) is not list or len(parts) != 1 or type(part := parts[0]) is not dict or len(part) != 1:
        return None
    text = part.get("text")
    return text if type(text) is str else None


def _text(holder: JsonObject, key: str) -> str:
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def _candidate_0(payload: JsonObject) -> JsonObject:
    candidates = payload.get("candidates")
    for candidate in candidates if isinstance(candidates, list) else ():
        if isinstance(candidate, dict) and not candidate.get("index"):
            return candidate
    return {}


def _grounding(candidate: JsonObject) -> Iterator[tuple[str, str]]:
    metadata = candidate.get("groundingMetadata")
    chunks = metadata.get("groundingChunks") if isinstance(metadata, dict) else None
    for chunk in chunks if isinstance(chunks, list) else ():
        web = chunk.get("web") if isinstance(chunk, dict) else None
        if isinstance(web, dict):
            yield _text(web, "uri"), _text(web, "title")


def _cited(candidate: JsonObject) -> Iterator[tuple[str, str]]:
    metadata = candidate.get("citationMetadata")
    if not isinstance(metadata, dict):
        return
    sources = metadata.get("citations") or metadata.get("citationSources")
    for source in sources if isinstance(sources, list) else ():
        if isinstance(source, dict):
            yield _text(source, "uri"), _text(source, "title")
