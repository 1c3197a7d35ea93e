"""Conversations as JSON text, redacted. An agent sends all of its conversation with every call: what stood in the last ones is
neither redacted nor written anew, and long stretches of it are kept once, in the object store."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import is_not

from addons.alike import first_different
from addons.records.conversation import message
from addons.records.fold import turn_media
from addons.records.objects import Objects
from converters.json_codec import dumps
from converters.turns import Base64, ToolCall, Turn

STRETCH = 16 * 1024  # bytes of messages that are kept as one object
_KEPT = 16  # conversations that go on side by side
_LARGEST, _MOST = 1 << 21, 1 << 24  # bytes of a request, and of all that are remembered
_REWRITTEN = 6  # turns at its end in which a conversation may differ from the one that goes on from it
_FEWEST = 4  # turns that are worth keeping


@dataclass(slots=True, eq=False, repr=False)
class _Written:
    """messages: JSON, one for each turn. calls: the names of its calls by id, for each turn. media:
    its inline pictures and files, for each turn. stretches: (behind its last turn,
    reference), from the first turn on. size: bytes of the request, pictures and all."""

    turns: Sequence[Turn] = ()
    messages: list[bytes] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    media: list[Sequence[Base64]] = field(default_factory=list)
    stretches: list[tuple[int, str]] = field(default_factory=list)
    size: int = 0


class Talk:
    """Remembers the messages of the last conversations. redact: JSON text -> the same without secrets, JSON still. objects: None
    where all stands in the record. media: pictures and files are kept. Not for several threads at once."""

    def __init__(self, redact: Callable[[bytes], bytes], objects: Objects | None, *, media: bool) -> None:
        self._redact, self._objects, self._media = redact, objects, media
        self._kept: deque[_Written] = deque(maxlen=_KEPT)
        self._last = _Written()

    def forget(self) -> None:
        """There is more to redact than there was."""
        self._kept.clear()

    def messages(self, turns: Sequence[Turn], size: int = 0) -> list[bytes]:
        """Each of them, and references to lists of those that were written before. turns: not changed from now on. size: bytes of the
        request that they stood in."""
        known, before = self._most_alike(turns)
        written = _Written(turns, before.messages[:known], before.calls[:known], before.media[:known], size=size)
        names: dict[str, str] = {}
        for calls in written.calls:
            if calls:
                names |= calls
        for turn in turns[known:]:
            calls = {part.id: part.name for part in turn.parts if type(part) is ToolCall}
            names |= calls
            written.calls.append(calls)
            written.media.append(turn_media(turn))
            written.messages.append(self._redact(dumps(message(turn, names, media=self._media))))
        self._last = written
        if self._objects is not None:
            self._keep(written, known, before, self._objects)
        if len(turns) >= _FEWEST and size <= _LARGEST:
            if before.turns and known + _REWRITTEN >= len(before.turns):
                self._kept.remove(before)
            self._kept.appendleft(written)
            while sum(kept.size for kept in self._kept) > _MOST:
                self._kept.pop()
        shared = written.stretches[-1][0] if written.stretches else 0
        return [*(b'{"ref":"%b"}' % name.encode() for _, name in written.stretches), *written.messages[shared:]]

    def media(self, turns: Sequence[Turn]) -> list[Base64]:
        """Inline pictures and files; cheap for those whose messages were just written."""
        last, self._last = self._last, _Written()  # it may be too large to be kept
        found = last.media if last.turns is turns else map(turn_media, turns)
        return list(chain.from_iterable(found))

    def _keep(self, written: _Written, known: int, before: _Written, objects: Objects) -> None:
        """What was written before goes to the object store; where that cannot be written, it stays in the record."""
        try:
            written.stretches = [stretch for stretch in before.stretches if stretch[0] <= known]
            if not all(objects.keeps(name) for _, name in written.stretches):
                written.stretches = []
            start, size = written.stretches[-1][0] if written.stretches else 0, 0
            for number in range(start, known):
                size += len(written.messages[number])
                if size >= STRETCH:
                    name = objects.put(b"[%b]" % b",".join(written.messages[start : number + 1]))
                    written.stretches.append((number + 1, name))
                    start, size = number + 1, 0
        except OSError:
            written.stretches = []

    def _most_alike(self, turns: Sequence[Turn]) -> tuple[int, _Written]:
        """How many of the first turns were written before, and how."""
        found: tuple[int, _Written] = 0, _Written()
        for kept in self._kept:
            known = _known(kept.turns, turns)
            if known > found[0]:
                found = known, kept
            if 2 * known > len(turns):  # the request before
                break
        return found


def _known(before: Sequence[Turn], turns: Sequence[Turn]) -> int:
    """How many of the first turns are the same."""
    known, most = first_different(before, turns, is_not), min(len(before), len(turns))
    while known < most and _is_same(before[known], turns[known]):
        known += 1
    return known


def _is_same(one: Turn, other: Turn) -> bool:
    """Also for JSON, which tells 1 from 1.0 and true, in the arguments of calls."""
    if one is other:
        return True
    if one != other:
        return False
    for part in one.parts:
        if type(part) is ToolCall:
            return _arguments(one) == _arguments(other)
    return True


def _arguments(turn: Turn) -> list[str]:
    return [repr(part.args) for part in turn.parts if type(part) is ToolCall]
