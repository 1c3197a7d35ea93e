"""Kiro's answer, always a stream of frames -> stream events.

Source: models of the service in AWS's own clients, and events that other clients name (read 2026-11).
"""

from collections.abc import Callable, Iterable, Iterator

from converters.errors import Kind, UpstreamError
from converters.events import Citation, Finish, Start, StreamEvent, UsageUpdate
from converters.eventstream import EventStreamDecoder, Message
from converters.json_codec import JsonObject, dumps, loads
from converters.kiro.blocks import Blocks
from converters.kiro.cut import Cut
from converters.kiro.errors import error_in_frame, read_error
from converters.kiro.tags import QuotedTags
from converters.kiro.thinking import writes_tags
from converters.kiro.usage import estimated_usage, read_percentage, read_usage
from converters.profile import Profile
from converters.turns import Chat

_MAX_UNREADABLE = 3  # in a row


class StreamReader:
    """feed:  any slice of the body; the events it completes. Raises UpstreamError for an exception frame, a damaged one, and for
           three in a row whose payload is no JSON.
    close: the end of the body is the end of the answer. Raises UpstreamError(BROKEN_STREAM) when it comes inside a frame, inside
           a call's arguments, or before anything was said.
    chat: the request. Without it no thinking in tags is looked for, nothing is cut, and less can be estimated.
    cut: the answer ended at a stop sequence or at the most tokens, by our own decision. What follows is read for its usage
    alone; the connection may be closed. estimated: the usage was not counted by the service. skipped: frames of no use.
    """

    def __init__(self, profile: Profile, chat: Chat | None = None) -> None:
        self._chat = chat
        self._frames = EventStreamDecoder()
        self._blocks = Blocks(QuotedTags() if chat is not None and writes_tags(chat, profile) else None)
        self._cut = Cut(chat.stop, chat.max_tokens) if chat is not None else Cut([], None)
        self._started = False
        self._finished = False
        self._ending = False  # a frame came that stands at the end of answers
        self._percentage: float | None = None
        self._counted = False
        self._unreadable = 0
        self._skipped = 0
        self.estimated = False

    @property
    def cut(self) -> bool:
        return self._cut.over

    @property
    def skipped(self) -> int:
        return self._skipped + self._blocks.calls.skipped

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        try:
            for message in self._frames.feed(data):
                yield from self._limited(self._message(message))
        except UpstreamError:
            if not self._over:
                raise

    def close(self) -> Iterator[StreamEvent]:
        if not self._over:
            self._frames.close()
            if not self._blocks.found and not self._blocks.calls.found and not self._ending:
                raise UpstreamError(Kind.BROKEN_STREAM, "the provider's answer is empty")
            yield from self._limited(self._blocks.close())
        if not self._counted:
            self.estimated = True
            yield UsageUpdate(estimated_usage(self._chat, self._cut.tokens, self._percentage))
        if not self._over:
            yield Finish("tool_calls" if self._blocks.calls.found else "stop")

    @property
    def _over(self) -> bool:
        """The answer has its Finish; nothing but usage may follow."""
        return self._cut.over or self._finished

    def _limited(self, events: Iterable[StreamEvent]) -> Iterator[StreamEvent]:
        for event in events:
            yield from self._cut.feed(event)

    def _message(self, message: Message) -> Iterator[StreamEvent]:
        kind = message.text(":message-type")
        if kind == "error":
            raise error_in_frame(message.text(":error-code"), {"message": message.text(":error-message")})
        payload = self._payload(message)
        name = message.text(":exception-type") or message.text(":event-type")
        if kind == "exception" or name == "error":
            yield from self._failed(error_in_frame(name, payload or {}))
        elif payload is not None:
            yield from self._event(name, payload)

    def _payload(self, message: Message) -> JsonObject | None:
        try:
            payload = loads(message.payload or b"{}")
        except ValueError:
            payload = None
        if isinstance(payload, dict):
            self._unreadable = 0
            return payload
        self._skipped += 1
        self._unreadable += 1
        if self._unreadable >= _MAX_UNREADABLE:
            raise UpstreamError(Kind.BROKEN_STREAM, f"{_MAX_UNREADABLE} frames in a row hold no JSON objects")
        return None

    def _event(self, name: str, payload: JsonObject) -> Iterator[StreamEvent]:
        if not self._started:
            self._started = True
            yield Start(_text(payload, "utteranceId") or None, _text(payload, "modelId") or None)
        read = _EVENTS.get(name)
        if read is None:
            self._skipped += 1
        elif not self._finished or name in _USAGE:
            yield from read(self, payload)

    def _failed(self, error: UpstreamError) -> Iterator[StreamEvent]:
        """11: a window that is full ends an answer that had begun; any other error is one."""
        if error.kind is not Kind.CONTEXT_LENGTH or not (self._blocks.found or self._blocks.calls.found):
            raise error
        if not self._finished:
            yield from self._blocks.cut()
            yield Finish("length", error.code)
            self._finished = True

    # --- events ---

    def _say(self, payload: JsonObject) -> Iterator[StreamEvent]:
        return self._blocks.say(_text(payload, "content"))

    def _think(self, payload: JsonObject) -> Iterator[StreamEvent]:
        return self._blocks.think(payload)

    def _think_words(self, payload: JsonObject) -> Iterator[StreamEvent]:
        return self._blocks.think({"text": _text(payload, "content") or _text(payload, "text")})

    def _call(self, payload: JsonObject) -> Iterator[StreamEvent]:
        return self._blocks.call(payload)

    def _metadata(self, payload: JsonObject) -> Iterator[StreamEvent]:
        yield from self._context(payload)
        if (usage := read_usage(payload)) is not None:
            self._counted = True
            yield UsageUpdate(usage)

    def _context(self, payload: JsonObject) -> Iterator[StreamEvent]:
        self._ending = True
        self._percentage = read_percentage(payload) or self._percentage
        yield from ()

    def _ends(self, payload: JsonObject) -> Iterator[StreamEvent]:
        self._ending = True
        yield from ()

    def _cite(self, payload: JsonObject) -> Iterator[StreamEvent]:
        if url := _text(payload, "citationLink"):
            target = payload.get("target")
            span = target.get("range") if isinstance(target, dict) else None
            start, end = (span.get("start"), span.get("end")) if isinstance(span, dict) else (None, None)
            title = _text(payload, "citationText") or None
            yield Citation(url, title, start if isinstance(start, int) else None, end if isinstance(end, int) else None)

    def _links(self, payload: JsonObject) -> Iterator[StreamEvent]:
        links = payload.get("supplementaryWebLinks")
        for link in links if isinstance(links, list) else ():
            if isinstance(link, dict) and (url := _text(link, "url")):
                yield Citation(url, _text(link, "title") or None)

    def _ignore(self, payload: JsonObject) -> Iterator[StreamEvent]:
        yield from ()

    def _invalid(self, payload: JsonObject) -> Iterator[StreamEvent]:
        raise error_in_frame("InvalidStateException", payload)

    def _unavailable(self, payload: JsonObject) -> Iterator[StreamEvent]:
        raise error_in_frame("ServiceUnavailableException", payload)


type _Read = Callable[[StreamReader, JsonObject], Iterator[StreamEvent]]

_USAGE = frozenset(("metadataEvent", "contextUsageEvent"))
_EVENTS: dict[str, _Read] = {
    "assistantResponseEvent": StreamReader._say,
    "codeEvent": StreamReader._say,
    "reasoningContentEvent": StreamReader._think,
    "reasoningEvent": StreamReader._think_words,
    "toolUseEvent": StreamReader._call,
    "metadataEvent": StreamReader._metadata,
    "contextUsageEvent": StreamReader._context,
    "meteringEvent": StreamReader._ends,
    "citationEvent": StreamReader._cite,
    "supplementaryWebLinksEvent": StreamReader._links,
    "invalidStateEvent": StreamReader._invalid,
    "modelTemporarilyUnavailableEvent": StreamReader._unavailable,
    "modelUnavailableEvent": StreamReader._unavailable,
    **dict.fromkeys(
        "messageMetadataEvent toolResultEvent codeReferenceEvent followupPromptEvent intentsEvent interactionComponentsEvent"
        " dryRunSucceedEvent".split(),
        StreamReader._ignore,
    ),
}


def read_answer(body: JsonObject, profile: Profile) -> Iterator[StreamEvent]:
    """There are no whole answers: a JSON body is an error, whatever its status. Raises UpstreamError."""
    raise read_error(200, {}, dumps(body))


def _text(payload: JsonObject, key: str) -> str:
    value = payload.get(key)
    return value if isinstance(value, str) else ""
