"""Long texts as JSON strings. What an agent sends again with every call is escaped once."""

from collections import defaultdict, deque

from addons.alike import alike
from converters.json_codec import dumps

_BLOCK = 8192  # bytes
_WORTH_KEEPING = 4 * _BLOCK
_LARGEST_KEPT = 2 * 1024 * 1024
_KEPT = 4  # of each kind


class Strings:
    """Remembers the last long ones. Not for several threads at once."""

    def __init__(self) -> None:
        self._kept: defaultdict[str, deque[tuple[bytes, list[bytes]]]] = defaultdict(lambda: deque(maxlen=_KEPT))

    def written(self, data: bytes, kind: str) -> list[bytes]:
        """The JSON string of a text in UTF-8, in pieces. kind: names those that it is likely to begin like. Raises
        UnicodeDecodeError."""
        if not _WORTH_KEEPING <= len(data) <= _LARGEST_KEPT:
            return [dumps(data.decode())]
        start, before = 0, list[bytes]()
        for kept, blocks in self._kept[kind]:
            if (same := alike(kept, data)[0]) > start:
                start, before = same, blocks
            if start > len(data) - _WORTH_KEEPING:
                break
        blocks = before[: start // _BLOCK]
        blocks += (
            dumps(data[_edge(data, at) : _edge(data, at + _BLOCK)].decode())[1:-1]
            for at in range(len(blocks) * _BLOCK, len(data), _BLOCK)
        )
        self._kept[kind].appendleft((data, blocks))
        return [b'"', *blocks, b'"']


def _edge(data: bytes, at: int) -> int:
    """Where the character begins that stands there: blocks are cut between two."""
    at = min(at, len(data))
    while 0 < at < len(data) and data[at] & 0xC0 == 0x80:
        at -= 1
    return at
