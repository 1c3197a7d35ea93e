"""Progress on a terminal: a bar when the end is known, a count when it is not. Elsewhere it says nothing until it is done."""

from collections.abc import Callable, Iterable, Iterator
from typing import TextIO

_EVERY = 0.1  # seconds between two drawings
_WIDTH = 24


class Progress:
    """clock: seconds, monotonic."""

    def __init__(self, out: TextIO, clock: Callable[[], float]) -> None:
        self._out, self._clock = out, clock
        self._terminal = out.isatty()

    def over[T](self, items: Iterable[T], what: str, total: int | None = None) -> Iterator[T]:
        """The same items, counted. what: `records read`; total: how many there will be."""
        count, began, drawn = 0, self._clock(), float("-inf")
        for count, item in enumerate(items, 1):
            yield item
            if self._terminal and (now := self._clock()) - drawn >= _EVERY:
                drawn = now
                self._draw(_bar(count, total) + _text(count, what, now - began))
        self._draw(_text(count, what, self._clock() - began), last=True)

    def _draw(self, text: str, *, last: bool = False) -> None:
        self._out.write(("\r\x1b[K" if self._terminal else "") + text + ("\n" if last else ""))
        self._out.flush()


def _bar(count: int, total: int | None) -> str:
    if not total:
        return ""
    full = min(_WIDTH, _WIDTH * count // total)
    return f"[{'=' * full}{' ' * (_WIDTH - full)}] {min(100, 100 * count // total):>3} %  "


def _text(count: int, what: str, seconds: float) -> str:
    speed = f", {count / seconds:,.0f} a second" if seconds >= 1 else ""
    return f"{count:,} {what}{speed}"
