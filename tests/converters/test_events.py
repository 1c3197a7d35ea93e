"""12: usage is cumulative."""

from dataclasses import astuple, fields

from hypothesis import given
from hypothesis import strategies as st

from converters.events import Usage

COUNT = st.none() | st.integers(0, 10**9)
USAGES = st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT)


@given(st.lists(USAGES, max_size=5))
def test_12_later_values_replace_field_by_field_and_absent_ones_erase_nothing(updates: list[Usage]) -> None:
    usage = Usage()
    for update in updates:
        usage.update(update)
    for field in fields(Usage):
        told = [value for update in updates if (value := getattr(update, field.name)) is not None]
        assert getattr(usage, field.name) == (told[-1] if told else None)


def test_12_values_are_never_added_up() -> None:
    usage = Usage(input_total=100, output_total=1)
    usage.update(Usage(input_total=100, output_total=50))
    assert astuple(usage) == (100, None, None, 50, None)


def test_12_zero_is_a_value() -> None:
    usage = Usage(cache_read=5)
    usage.update(Usage(cache_read=0))
    assert usage.cache_read == 0
