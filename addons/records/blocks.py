"""What a body has in common with those before it, kept once: tools and system prompt, and the history that an agent sends again with
every call, in blocks. So records grow with a conversation, not with its square."""

from collections import defaultdict
from collections.abc import Iterator

from addons.alike import Recent
from addons.records.members import Members, Place
from addons.records.objects import Objects

BLOCK = 16 * 1024  # bytes

type Cut = tuple[int, int, str]  # offsets of bytes: first, behind the last; the reference to what stands there


class Blocks:
    """Remembers the last bodies. Not for several threads at once."""

    def __init__(self, objects: Objects) -> None:
        self._objects, self._members = objects, Members()
        self._recent: defaultdict[str, Recent[list[Cut]]] = defaultdict(Recent)

    def cuts(self, body: bytes, kind: str) -> list[Cut]:
        """Where parts of it are in the object store from now on, in order: what was there before, up to the first change. kind: names
        those that it is likely to begin like. Raises OSError where the store cannot be written, UnicodeDecodeError."""
        places = self._members.places(body, kind)
        if not places and len(body) < BLOCK:
            return []
        before, known, (start, end) = self._recent[kind].most_alike(body)
        shift, tail = len(body) - len(before), len(before) - end
        names = {(first, last): name for first, last, name in known or () if last <= start}
        names |= {(first + shift, last + shift): name for first, last, name in known or () if first >= tail}
        found = [
            (first, last, self._name(body, first, last, names)) for first, last in _with_blocks(body, places, start)
        ]
        self._recent[kind].keep(body, found, before, (start, end))
        return found

    def _name(self, body: bytes, first: int, last: int, names: dict[Place, str]) -> str:
        name = names.get((first, last))
        if name is not None and self._objects.keeps(name):
            return name
        content = body[first:last]
        content.decode()  # an object is text, whatever the rest of the body is
        return self._objects.put(content)


def _with_blocks(body: bytes, places: list[Place], seen: int) -> Iterator[Place]:
    """places, and between them blocks of the first `seen` bytes. Where a block ends depends on nothing that stands behind it."""
    at = 0
    for first, last in (*places, (len(body), 0)):
        while at + BLOCK <= min(first, seen):
            end = _edge(body, at + BLOCK)
            yield at, end
            at = end
        if last:
            yield first, last
            at = last


def _edge(data: bytes, at: int) -> int:
    """Where the character begins that stands there: blocks are cut between two."""
    for place in range(at, at - 4, -1):
        if place == len(data) or data[place] & 0xC0 != 0x80:
            return place
    return at  # no text
