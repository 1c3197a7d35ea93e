"""Stop sequences and the most tokens, kept by us where the protocol has no field for them (conversion table 9)."""

from collections.abc import Iterator

from converters.count import text_tokens
from converters.events import (
    Finish,
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

type _Delta = TextDelta | ThinkingDelta | ToolArgs
type _End = TextEnd | ThinkingEnd | ToolEnd


class Cut:
    """Events in, events out, until a stop sequence appears in the text or `max_tokens` are reached: then the open blocks
    end, Finish says why, and of all that follows only usage passes (`over`). Text that may begin a stop sequence waits.

    tokens: of all that passed, an estimate. Reasoning and arguments count as well; stop sequences are looked for in text alone.
    """

    def __init__(self, stop: list[str], max_tokens: int | None) -> None:
        self._stop = [text for text in stop if text]
        self._left = float("inf") if max_tokens is None else float(max_tokens)
        self._held = ""  # end of the text so far, of the block `_text`
        self._text = 0
        self._open: dict[int, _End] = {}
        self.tokens = 0.0
        self.over = False

    def feed(self, event: StreamEvent) -> Iterator[StreamEvent]:
        if self.over:
            if type(event) is UsageUpdate:
                yield event
            return
        match event:
            case TextDelta(block, text) if self._stop:
                self._text = block
                yield from self._search(self._held + text)
            case TextDelta() | ThinkingDelta() | ToolArgs():
                yield from self._counted(event)
            case TextStart(block):
                self._open[block] = TextEnd(block)
                yield event
            case ThinkingStart(block):
                self._open[block] = ThinkingEnd(block)
                yield event
            case ToolStart(block):
                self._open[block] = ToolEnd(block)
                yield event
            case TextEnd(block) | ThinkingEnd(block) | ToolEnd(block):
                if type(event) is TextEnd and self._held:
                    held, self._held = self._held, ""
                    yield from self._counted(TextDelta(block, held))
                if self._open.pop(block, None) is not None:  # not ended by the cut just now
                    yield event
            case _:
                yield event

    def _search(self, text: str) -> Iterator[StreamEvent]:
        """The sequence that is complete first counts, the longest of several."""
        found = [(at + len(stop), at, stop) for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            _, at, stop = min(found)
            self._held = ""
            if at:
                yield from self._counted(TextDelta(self._text, text[:at]))
            if not self.over:
                yield from self._end("stop_sequence", stop)
            return
        keep = max(_begun(text, stop) for stop in self._stop)
        self._held = text[len(text) - keep :]
        if passed := text[: len(text) - keep]:
            yield from self._counted(TextDelta(self._text, passed))

    def _counted(self, event: _Delta) -> Iterator[StreamEvent]:
        text = event.fragment if isinstance(event, ToolArgs) else event.text
        tokens = text_tokens(text)
        if tokens <= self._left:
            self._left -= tokens
            self.tokens += tokens
            yield event
            return
        self.tokens += self._left
        if kept := text[: int(len(text) * self._left / tokens)]:
            yield type(event)(event.block, kept)
        yield from self._end("length", None)

    def _end(self, reason: StopReason, stop: str | None) -> Iterator[StreamEvent]:
        self.over = True
        self._held = ""
        yield from self._open.values()
        self._open.clear()
        yield Finish(reason, stop_sequence=stop)


def _begun(text: str, stop: str) -> int:
    """Length of the longest end of `text` that begins `stop` and is not all of it."""
    return next((size for size in range(min(len(text), len(stop) - 1), 0, -1) if stop.startswith(text[-size:])), 0)
