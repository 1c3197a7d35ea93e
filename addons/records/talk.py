"""Conversations as JSON text, redacted. An agent sends all of its conversation with every call: what stood in the last ones is
neither redacted nor written anew."""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import takewhile

from addons.records.conversation import message
from converters.json_codec import dumps
from converters.turns import ToolCall, Turn

_KEPT = 4
_FEWEST = 4  # turns that are worth keeping

type Written = tuple[Sequence[Turn], list[bytes]]


class Talk:
    """Remembers the messages of the last conversations. redact: JSON text -> the same without secrets, JSON still. media: pictures
    and files are kept. Not for several threads at once."""

    def __init__(self, redact: Callable[[bytes], bytes], *, media: bool) -> None:
        self._redact, self._media = redact, media
        self._kept: deque[Written] = deque(maxlen=_KEPT)

    def forget(self) -> None:
        """There is more to redact than there was."""
        self._kept.clear()

    def messages(self, turns: Sequence[Turn]) -> list[bytes]:
        """Each of them. turns: not changed from now on."""
        names: dict[str, str] = {}
        known, before = self._most_alike(turns)
        written = before[:known]
        for number, turn in enumerate(turns):
            names |= {part.id: part.name for part in turn.parts if type(part) is ToolCall}
            if number >= known:
                written.append(self._redact(dumps(message(turn, names, media=self._media))))
        if len(turns) >= _FEWEST:
            self._kept.appendleft((turns, written))
        return written

    def _most_alike(self, turns: Sequence[Turn]) -> tuple[int, list[bytes]]:
        """How many of the first turns were written before, and how."""
        found: tuple[int, list[bytes]] = 0, []
        for kept, written in self._kept:
            known = sum(1 for _ in takewhile(_is_same, zip(kept, turns, strict=False)))
            if known > found[0]:
                found = known, written
            if 2 * known > len(turns):  # the request before
                break
        return found


def _is_same(pair: tuple[Turn, Turn]) -> bool:
    """Also for JSON, which tells 1 from 1.0 and true, in the arguments of calls."""
    one, other = pair
    if one != other:
        return False
    for part in one.parts:
        if type(part) is ToolCall:
            return _arguments(one) == _arguments(other)
    return True


def _arguments(turn: Turn) -> list[str]:
    return [repr(part.args) for part in turn.parts if type(part) is ToolCall]
