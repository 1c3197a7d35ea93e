"""Words, reasoning and calls of one answer -> blocks, each opened and closed in order (conversion rules 4.2 and 14.6 of Kiro)."""

from collections.abc import Iterator
from itertools import count

from converters.events import (
    StreamEvent,
    TextDelta,
    TextEnd,
    TextStart,
    ThinkingDelta,
    ThinkingEnd,
    ThinkingStart,
)
from converters.json_codec import JsonObject
from converters.kiro.calls import Calls
from converters.kiro.content import token_of
from converters.kiro.tags import QuotedTags
from converters.thinking_tags import Piece
from converters.turns import Token


class Blocks:
    """tags: the model was asked to think in tags, None if it was not. found: something came that makes it an answer."""

    def __init__(self, tags: QuotedTags | None) -> None:
        self._numbers = count()
        self._text: int | None = None
        self._thinking: int | None = None
        self._tags = tags
        self.calls = Calls(self._numbers)
        self.found = False

    def say(self, text: str) -> Iterator[StreamEvent]:
        if self._tags is None:
            yield from self._say(text)
            return
        yield from self._pieces(self._tags.feed(text))
        if self._tags.done:
            self._tags = None

    def think(self, payload: JsonObject) -> Iterator[StreamEvent]:
        """A reasoningContentEvent: words, their signature, or redacted reasoning, which is a block of its own."""
        text, signature, redacted = (payload.get(name) for name in ("text", "signature", "redactedContent"))
        if isinstance(text, str) and text:
            yield from self._think(text)
        if isinstance(signature, str) and signature:
            yield from self._sign(token_of(signature))
        if isinstance(redacted, str) and redacted:
            yield from self._end_open()
            yield from self._sign(token_of(redacted, redacted=True))

    def call(self, payload: JsonObject) -> Iterator[StreamEvent]:
        """Text may go on beside a call that is not complete yet, never beside reasoning."""
        yield from self._end_tags()
        yield from self._end_open()
        yield from self.calls.add(payload)

    def close(self) -> Iterator[StreamEvent]:
        """The body is over. Raises UpstreamError(BROKEN_STREAM) when that cannot be all."""
        yield from self._end_tags()
        yield from self._end_open()
        yield from self.calls.close()

    def cut(self) -> Iterator[StreamEvent]:
        """The provider gave up in the middle of its answer."""
        yield from self._end_tags()
        yield from self._end_open()
        yield from self.calls.cut()

    def _pieces(self, pieces: Iterator[Piece]) -> Iterator[StreamEvent]:
        for kind, piece in pieces:
            yield from self._think(piece) if kind == "thinking" else self._say(piece)

    def _end_tags(self) -> Iterator[StreamEvent]:
        if self._tags is not None:
            yield from self._pieces(self._tags.close())
            self._tags = None

    def _say(self, text: str) -> Iterator[StreamEvent]:
        if not text:
            return
        if self._text is None:
            yield from self._end_open()
            self._text = next(self._numbers)
            self.found = True
            yield TextStart(self._text)
        yield TextDelta(self._text, text)

    def _think(self, text: str) -> Iterator[StreamEvent]:
        yield from self._open_thinking()
        assert self._thinking is not None
        yield ThinkingDelta(self._thinking, text)

    def _sign(self, token: Token) -> Iterator[StreamEvent]:
        yield from self._open_thinking()
        yield from self._end_open(token)

    def _open_thinking(self) -> Iterator[StreamEvent]:
        if self._thinking is None:
            yield from self._end_open()
            self._thinking = next(self._numbers)
            self.found = True
            yield ThinkingStart(self._thinking)

    def _end_open(self, token: Token | None = None) -> Iterator[StreamEvent]:
        if self._text is not None:
            yield TextEnd(self._text)
        if self._thinking is not None:
            yield ThinkingEnd(self._thinking, token)
        self._text = self._thinking = None
