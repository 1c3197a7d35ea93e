"""How deep JSON is nested."""

from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.json_codec import Json, loads
from converters.json_depth import DEEPEST, deeper_than

VALUES = st.recursive(
    st.none() | st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=2), inner)
)


def depth(value: Json) -> int:
    """By recursion; arrays and objects count, the outermost too."""
    match value:
        case list():
            return 1 + max(map(depth, value), default=0)
        case dict():
            return 1 + max(map(depth, value.values()), default=0)
        case _:
            return 0


@given(VALUES, st.integers(0, 8))
def test_it_says_what_a_recursion_would(value: Json, levels: int) -> None:
    assert deeper_than(value, levels) is (depth(value) > levels)


def test_the_outermost_is_counted_and_what_holds_nothing_too() -> None:
    assert not deeper_than({"a": 1}, 1)
    assert deeper_than({"a": []}, 1)
    assert not deeper_than("text", 0)


def test_no_depth_is_too_deep_for_it() -> None:
    start: list[Json] = []
    deep = reduce(lambda inner, _: [inner], range(100_000), start)
    assert deeper_than(deep, DEEPEST)
    while deep:  # taken apart here, level by level
        deep = deep.pop()  # type: ignore[assignment]


@pytest.mark.parametrize(("levels", "refused"), [(DEEPEST, False), (DEEPEST + 1, True)])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_the_deepest_is_where_the_codec_refuses_by_itself(
    opening: str, closing: str, levels: int, refused: bool
) -> None:
    text = opening * levels + "1" + closing * levels
    if refused:
        with pytest.raises(ValueError, match="recursion limit"):
            loads(text)
    else:
        assert not deeper_than(loads(text), DEEPEST)
        assert deeper_than(loads(text), DEEPEST - 1)
