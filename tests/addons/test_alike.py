"""Common beginnings and ends."""

from hypothesis import given
from hypothesis import strategies as st

from addons.alike import alike

TEXTS = st.lists(st.sampled_from([b"a", b"b", b"ab" * 9000, b"x" * 20000]), max_size=6).map(b"".join)


def slow(one: bytes, other: bytes) -> tuple[int, int]:
    shorter = min(len(one), len(other))
    start = next((n for n in range(shorter) if one[n] != other[n]), shorter)
    left = shorter - start
    end = next((n for n in range(left) if one[-1 - n] != other[-1 - n]), left)
    return start, end


@given(TEXTS, TEXTS)
def test_it_finds_what_a_byte_by_byte_search_finds(one: bytes, other: bytes) -> None:
    assert slow(one, other) == alike(one, other)


def test_beginning_and_end_do_not_overlap() -> None:
    assert alike(b"aaa", b"aaaaa") == (3, 0)
    assert alike(b"ab-ba", b"ab--ba") == (3, 2)
