"""12 Usage: cumulative numbers in, the protocol's own split out."""

import pytest

from converters.anthropic.usage import UsageCounter, write_usage
from converters.events import Usage
from converters.json_codec import Json


def test_12_the_three_input_fields_are_one_total() -> None:
    counter = UsageCounter()
    assert counter.read(
        {"input_tokens": 3, "cache_creation_input_tokens": 20, "cache_read_input_tokens": 100, "output_tokens": 1}
    ) == Usage(123, 100, 20, 1, None)


def test_12_later_numbers_replace_earlier_ones_field_by_field() -> None:
    """The vendor that first puts the whole prompt into input_tokens and splits it at the end."""
    counter = UsageCounter()
    assert counter.read({"input_tokens": 120, "output_tokens": 1}) == Usage(120, None, None, 1, None)
    assert counter.read({"input_tokens": 20, "cache_read_input_tokens": 100, "output_tokens": 9}) == Usage(
        120, 100, None, 9, None
    )


def test_12_an_absent_or_null_field_erases_nothing() -> None:
    counter = UsageCounter()
    counter.read({"input_tokens": 5, "cache_read_input_tokens": 7})
    assert counter.read({"output_tokens": 2, "input_tokens": None}) == Usage(12, 7, None, 2, None)


def test_12_reasoning_is_read_from_the_details() -> None:
    assert UsageCounter().read({"output_tokens": 9, "output_tokens_details": {"thinking_tokens": 4}}) == Usage(
        None, None, None, 9, 4
    )


@pytest.mark.parametrize(
    "usage", [None, 3, [], {}, {"service_tier": "standard"}, {"input_tokens": "3"}, {"output_tokens": True}]
)
def test_12_what_reports_nothing_is_none(usage: Json) -> None:
    assert UsageCounter().read(usage) is None


def test_12_writing_takes_the_caches_out_of_the_input() -> None:
    assert write_usage(Usage(123, 100, 20, 7, 2)) == {
        "input_tokens": 3,
        "cache_creation_input_tokens": 20,
        "cache_read_input_tokens": 100,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 2},
    }


def test_12_no_usage_at_all_is_zeros_and_never_below() -> None:
    zeros = {"input_tokens": 0, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 0}
    assert write_usage(Usage()) == zeros
    assert write_usage(Usage(5, 9)) == {**zeros, "cache_read_input_tokens": 9}
