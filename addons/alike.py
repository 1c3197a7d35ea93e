"""What two texts have in common at their ends: an agent sends its whole history again with every call."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress, count

_BLOCK = 1 << 14
_MOST = 16  # texts that are kept: conversations that go on side by side
_LARGEST, _MOST_BYTES = 1 << 21, 1 << 24
_OWN_WORDS = 32  # bytes
_REWRITTEN = 1 << 15  # bytes at its end in which a text may differ from the one that goes on from it

type Ends = tuple[int, int]

_last: tuple[bytes, bytes, tuple[int, int]] = b"", b"", (0, 0)


@dataclass(slots=True, eq=False, repr=False)
class _Kept[Known]:
    """at: where it began to differ from the one that it was most like: the words at that place are nearly no other's."""

    text: bytes
    known: Known
    at: int

    def may_go_on_as(self, text: bytes) -> bool:
        behind = self.at + _OWN_WORDS
        return self.text[self.at : behind] == text[self.at : behind]


class Recent[Known]:
    """The last long texts, with what is known of each. One that goes on from an earlier one takes its place. Not for several threads
    at once."""

    def __init__(self) -> None:
        self._kept: deque[_Kept[Known]] = deque()
        self._bytes = 0

    def most_alike(self, text: bytes) -> tuple[bytes, Known | None, Ends]:
        """(b"", None, (0, 0)) if there is none."""
        found: tuple[bytes, Known | None, Ends] = b"", None, (0, 0)
        enough = len(text) - min(len(text) // 8, _BLOCK)
        for kept in sorted(self._kept, key=lambda kept: not kept.may_go_on_as(text)):
            if sum(ends := alike(kept.text, text)) > sum(found[2]):
                found = kept.text, kept.known, ends
                if sum(ends) >= enough:
                    break
        return found

    def keep(self, text: bytes, known: Known, before: bytes, ends: Ends) -> None:
        """before, ends: the most alike one, as `most_alike` gave it."""
        if len(text) > _LARGEST:
            return
        last = next((kept for kept in self._kept if kept.text is before), None)
        goes_on = (
            last is not None
            and sum(ends) >= max(len(before) // 2, len(before) - _REWRITTEN)
            and last.may_go_on_as(text)  # else it goes another way from an earlier place
        )
        if last is not None and goes_on:
            self._kept.remove(last)
            self._bytes -= len(before)
        self._kept.appendleft(_Kept(text, known, ends[0]))
        self._bytes += len(text)
        while len(self._kept) > _MOST or self._bytes > _MOST_BYTES:
            self._bytes -= len(self._kept.pop().text)


def first_different[Item](one: Sequence[Item], other: Sequence[Item], differ: Callable[[Item, Item], bool]) -> int:
    """How many items both begin with that do not differ. differ: one of `operator`, so that no line of Python runs for each."""
    return next(compress(count(), map(differ, one, other)), min(len(one), len(other)))


def alike(one: bytes, other: bytes) -> Ends:
    """Lengths of the common beginning and the common end, which do not overlap. Several ask it of the same two, one after the other:
    the answer is remembered."""
    global _last
    before, behind, found = _last  # at once: there are several threads
    if before is not one or behind is not other:
        found = _alike(one, other)
        _last = one, other, found
    return found


def _alike(one: bytes, other: bytes) -> Ends:
    shorter = min(len(one), len(other))
    start = _common(one, other, 0, 0, shorter)
    left = shorter - start
    return start, left - _differing(one, other, left)


def _common(one: bytes, other: bytes, at_one: int, at_other: int, length: int) -> int:
    """How many of `length` bytes are the same from the given places on."""
    view = memoryview(other)  # `startswith` copies nothing
    done, step = 0, _BLOCK
    while done < length and step:
        size = min(step, length - done)
        if one.startswith(view[at_other + done : at_other + done + size], at_one + done):
            done += size
        else:
            step = size // 2
    return done


def _differing(one: bytes, other: bytes, length: int) -> int:
    """Of the last `length` bytes, how many stand before the common end."""
    view = memoryview(other)
    left, step = length, _BLOCK
    while left and step:
        size = min(step, left)
        a, b = len(one) - length + left, len(other) - length + left
        if one.startswith(view[b - size : b], a - size):
            left -= size
        else:
            step = size // 2
    return left
