"""What two texts have in common at their ends: an agent sends its whole history again with every call."""

_BLOCK = 1 << 14
_last: tuple[bytes, bytes, tuple[int, int]] = b"", b"", (0, 0)


def alike(one: bytes, other: bytes) -> tuple[int, int]:
    """Lengths of the common beginning and the common end, which do not overlap. Several ask it of the same two, one after the other:
    the answer is remembered."""
    global _last
    before, behind, found = _last  # at once: there are several threads
    if before is not one or behind is not other:
        found = _alike(one, other)
        _last = one, other, found
    return found


def _alike(one: bytes, other: bytes) -> tuple[int, int]:
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
