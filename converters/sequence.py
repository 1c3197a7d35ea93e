"""Interleaved events -> strictly sequential blocks, for protocols that never have two open (conversion rules 14.6)."""

import re
from collections.abc import Sequence

from converters.events import (
    Finish,
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
)
from converters.turns import Token

type _Start = TextStart | ThinkingStart | ToolStart
type _Delta = TextDelta | ThinkingDelta | ToolArgs
type _End = TextEnd | ThinkingEnd | ToolEnd

_OUTSIDE_STRING = re.compile(r'["{}\[\]]')
_INSIDE_STRING = re.compile(r'["\\]')


class Sequencer:
    """One answer's events in, events out of which at most one block is open at any time.

    feed:  the events that one event amounts to. Blocks are numbered anew from 0 without gaps; text blocks without text,
           and thinking blocks with neither text nor token, do not exist. The first open block streams live. When another
           one starts, a live text or thinking block is closed, and so is a call whose arguments are a complete object;
           while they are not, the newcomer waits. All other events pass in place.
    close: the events are over: what is open is closed, in order. Finish does the same.
    dropped: fragments that came for a block already closed, a provider's fault.
    Events are never changed: one that needs another number is a copy.
    """

    __slots__ = ("_args", "_live", "_next", "_number", "_text", "_waiting", "dropped")

    def __init__(self) -> None:
        self.dropped = 0
        self._live: _Start | None = None
        self._number: int | None = None  # of the live block; None until its start was handed on
        self._text: int | None = None  # the live block, if it is text that was started: the common path
        self._args = _Braces()  # of the live call
        self._next = 0
        self._waiting: dict[int, list[StreamEvent]] = {}  # block -> its events, the first one is its start

    def feed(self, event: StreamEvent) -> Sequence[StreamEvent]:
        if isinstance(event, TextDelta) and event.block == self._text and event.text:
            number = self._number
            return (event,) if event.block == number or number is None else (TextDelta(number, event.text),)
        out: list[StreamEvent] = []
        match event:
            case TextDelta() | ThinkingDelta() | ToolArgs():
                self._take_delta(event, out)
            case TextStart() | ThinkingStart() | ToolStart():
                self._take_start(event, out)
            case TextEnd() | ThinkingEnd() | ToolEnd():
                self._take_end(event, out)
            case Finish():
                out.extend(self.close())
                out.append(event)
            case _:
                out.append(event)
        return out

    def close(self) -> Sequence[StreamEvent]:
        out: list[StreamEvent] = []
        while self._live is not None or self._waiting:
            self._end_live(None, out)
            self._promote(out)
        return out

    # --- what came ---

    def _take_start(self, event: _Start, out: list[StreamEvent]) -> None:
        if event.block in self._waiting or (self._live is not None and self._live.block == event.block):
            return  # started twice
        if not self._waiting:
            self._make_way(out)
        if self._live is None:
            self._go_live(event, out)
        else:
            self._waiting[event.block] = [event]

    def _take_delta(self, event: _Delta, out: list[StreamEvent]) -> None:
        if self._live is not None and event.block == self._live.block:
            self._stream(event, out)
            if self._waiting:
                self._make_way(out)
                self._promote(out)
        elif event.block in self._waiting:
            self._waiting[event.block].append(event)
        else:
            self.dropped += 1

    def _take_end(self, event: _End, out: list[StreamEvent]) -> None:
        if self._live is not None and event.block == self._live.block:
            self._end_live(None if isinstance(event, TextEnd) else event.token, out)
            self._promote(out)
        elif event.block in self._waiting:
            self._waiting[event.block].append(event)

    # --- the live block ---

    def _go_live(self, event: _Start, out: list[StreamEvent]) -> None:
        self._live = event
        if isinstance(event, ToolStart):
            self._args = _Braces()
            out.append(ToolStart(self._begin(), event.id, event.name, event.kind))

    def _begin(self) -> int:
        """The live block exists: its number."""
        self._number = number = self._next
        self._next += 1
        return number

    def _stream(self, event: _Delta, out: list[StreamEvent]) -> None:
        match event, self._live:
            case ToolArgs(fragment=text), ToolStart(kind=kind):
                if kind == "function":
                    self._args.add(text)
                if self._number is not None and text:
                    out.append(ToolArgs(self._number, text))
            case TextDelta(text=text), TextStart(block):
                if text and self._number is None:
                    out.append(TextStart(self._begin()))
                    self._text = block
                if text and self._number is not None:
                    out.append(TextDelta(self._number, text))
            case ThinkingDelta(text=text), ThinkingStart():
                if text and self._number is None:
                    out.append(ThinkingStart(self._begin()))
                if text and self._number is not None:
                    out.append(ThinkingDelta(self._number, text))
            case _:
                self.dropped += 1  # a delta of another kind than its block

    def _make_way(self, out: list[StreamEvent]) -> None:
        """Others came: the live block ends, unless it is a call that still lacks arguments."""
        if not isinstance(self._live, ToolStart) or self._args.complete():
            self._end_live(None, out)

    def _end_live(self, token: Token | None, out: list[StreamEvent]) -> None:
        live = self._live
        if isinstance(live, ThinkingStart) and self._number is None and token is not None:
            out.append(ThinkingStart(self._begin()))
        if self._number is not None:
            match live:
                case TextStart():
                    out.append(TextEnd(self._number))
                case ThinkingStart():
                    out.append(ThinkingEnd(self._number, token))
                case ToolStart():
                    out.append(ToolEnd(self._number, token))
        self._live = self._number = self._text = None

    def _promote(self, out: list[StreamEvent]) -> None:
        """The blocks that waited, until one of them stays live."""
        while self._live is None and self._waiting:
            block = next(iter(self._waiting))
            for event in self._waiting.pop(block):
                match event:
                    case TextStart() | ThinkingStart() | ToolStart():
                        self._go_live(event, out)
                    case TextDelta() | ThinkingDelta() | ToolArgs():
                        self._stream(event, out)
                    case TextEnd():
                        self._end_live(None, out)
                    case ThinkingEnd(token=token) | ToolEnd(token=token):
                        self._end_live(token, out)
            if self._waiting:
                self._make_way(out)


class _Braces:
    """Whether a JSON object that comes in fragments is complete. Fragments are looked at only when someone asks, each once."""

    __slots__ = ("_depth", "_escaped", "_in_string", "_open", "_unseen")

    def __init__(self) -> None:
        self._unseen: list[str] = []
        self._depth = 0
        self._open = False  # the first brace was seen
        self._in_string = False
        self._escaped = False  # the last fragment ended in a backslash

    def add(self, fragment: str) -> None:
        self._unseen.append(fragment)

    def complete(self) -> bool:
        text = "".join(self._unseen)
        self._unseen.clear()
        place = 0
        if self._escaped and text:
            place, self._escaped = 1, False
        while mark := (_INSIDE_STRING if self._in_string else _OUTSIDE_STRING).search(text, place):
            place = mark.end()
            self._mark(mark[0])
            if mark[0] == "\\":
                self._escaped = place == len(text)
                place += 1
        return self._open and self._depth == 0 and not self._in_string

    def _mark(self, mark: str) -> None:
        if mark == '"':
            self._in_string = not self._in_string
        elif mark in "{[":
            self._open = True
            self._depth += 1
        elif mark in "}]":
            self._depth -= 1
