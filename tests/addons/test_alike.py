"""Common beginnings and ends."""

from operator import ne

from hypothesis import given
from hypothesis import strategies as st

from addons.alike import Recent, alike, first_different

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


def text_of(number: int, length: int) -> bytes:
    return b"%08d" % number * (length // 8)


def kept(recent: Recent[int], *texts: bytes) -> None:
    for number, text in enumerate(texts):
        before, _, ends = recent.most_alike(text)
        recent.keep(text, number, before, ends)


def test_the_most_alike_is_found_with_what_is_known_of_it() -> None:
    recent = Recent[int]()
    assert recent.most_alike(b"anything") == (b"", None, (0, 0))
    one, other = text_of(1, 100_000), text_of(2, 100_000)
    kept(recent, one, other)
    assert recent.most_alike(one + b"more") == (one, 0, (100_000, 0))
    assert recent.most_alike(b"more" + other)[:2] == (other, 1)
    assert recent.most_alike(b"x" * 50) == (b"", None, (0, 0))


def test_a_text_that_goes_on_takes_the_place_of_the_one_before() -> None:
    recent = Recent[int]()
    others = [text_of(number, 1000) for number in range(2, 17)]
    kept(recent, *others)
    kept(recent, *(text_of(1, 100_000 + 800 * turn) for turn in range(50)))
    assert all(recent.most_alike(text)[0] is text for text in others), "fifteen others, and one that has grown"
    kept(recent, text_of(17, 1000))
    assert recent.most_alike(others[0])[0] is not others[0], "the oldest"


def test_a_text_that_is_quite_another_behind_its_beginning_stands_beside_the_one_before() -> None:
    recent = Recent[int]()
    one = text_of(1, 100_000) + text_of(2, 100_000)
    other = text_of(1, 100_000) + text_of(3, 100_000)
    kept(recent, one, other)
    assert recent.most_alike(one)[0] is one
    assert recent.most_alike(other)[0] is other


def test_what_is_kept_has_a_size() -> None:
    recent = Recent[int]()
    large = [text_of(number, 2_000_000) for number in range(1, 11)]
    kept(recent, b"x" * 3_000_000, *large)
    assert recent.most_alike(b"x" * 100)[0] == b"", "too large by itself"
    assert [recent.most_alike(text)[0] is text for text in large] == [False] * 2 + [True] * 8


def test_forks_of_one_conversation_are_not_taken_for_each_other() -> None:
    """Most of what they send is the same, at both ends."""
    recent = Recent[int]()
    beginning, end = text_of(1, 60_000), text_of(2, 40_000)
    forks = [beginning + end, beginning + end]
    for turn in range(5):
        for number in range(2):
            text = forks[number][: -len(end)] + b"[fork %d, turn %d]" % (number, turn) * 100 + end
            before, known, ends = recent.most_alike(text)
            if turn > 1:
                assert (before, known) == (forks[number], number)
            recent.keep(text, number, before, ends)
            forks[number] = text


@given(st.lists(st.integers(0, 2)), st.lists(st.integers(0, 2)))
def test_the_first_item_that_differs(one: list[int], other: list[int]) -> None:
    expected = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    assert first_different(one, other, ne) == expected
