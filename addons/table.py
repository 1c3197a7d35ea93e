"""A table for people: columns under their names, as wide as their longest text or as the terminal allows."""

import shutil
import sys
from collections.abc import Sequence
from unicodedata import combining, east_asian_width

from addons.records.transcript import printable

_RIGHT = ("in", "out", "s", "requests", "failed", "cached")  # columns of numbers
_ELASTIC = ("model", "asked of", "client", "")  # columns whose texts may be cut where a line is too long
_NARROWEST = 12


def table(rows: Sequence[dict[str, str]], width: int | None = None, spare: Sequence[str] = ()) -> str:
    """width: of a line, None for any. spare: columns that are left out, in this order, where a line has no room for all. Numbers
    stand to the right."""
    lines = [{name: name for name in rows[0]}, *({name: _one_line(text) for name, text in row.items()} for row in rows)]
    widths = {name: max(cells(line[name]) for line in lines) for name in rows[0]}
    if width is not None:
        _fit(widths, width, spare)
    return "\n".join(
        "  ".join(_cell(line[name], widths[name], right=name in _RIGHT) for name in widths).rstrip() for line in lines
    )


def _fit(widths: dict[str, int], width: int, spare: Sequence[str]) -> None:
    """Leave columns out, then cut the widest texts; what is too wide then stays so."""

    def excess(widths: dict[str, int]) -> int:
        return sum(widths.values()) + 2 * (len(widths) - 1) - width

    def least() -> dict[str, int]:
        return {name: min(wide, _NARROWEST) if name in _ELASTIC else wide for name, wide in widths.items()}

    for name in spare:
        if excess(least()) > 0:
            widths.pop(name, None)
    elastic = [name for name in widths if name in _ELASTIC]
    while elastic and excess(widths) > 0 and widths[widest := max(elastic, key=widths.__getitem__)] > _NARROWEST:
        widths[widest] -= 1


def terminal_width() -> int | None:
    """None where the output goes to a file or a program."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def shortened(text: str, most: int) -> str:
    """At most so many cells of it, in one line."""
    text = " ".join(text.split())
    if cells(text) <= most:
        return text
    while cells(text) > most - 3:
        text = text[: min(len(text) - 1, most - 3)]
    return text + "..."


def cells(text: str) -> int:
    """How wide a terminal shows it."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def _one_line(text: str) -> str:
    return printable(text).replace("\n", " ")


def _cell(text: str, width: int, *, right: bool) -> str:
    text = shortened(text, width) if cells(text) > width else text
    space = " " * (width - cells(text))
    return space + text if right else text + space
