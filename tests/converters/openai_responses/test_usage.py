"""12: token counts, both ways."""

import pytest

from converters.events import Usage
from converters.json_codec import Json
from converters.openai_responses.usage import read_usage, write_usage


def test_12_usage_is_read() -> None:
    assert read_usage(
        {
            "input_tokens": 50,
            "input_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 4},
            "output_tokens": 20,
            "output_tokens_details": {"reasoning_tokens": 5},
            "total_tokens": 70,
        }
    ) == Usage(50, 3, 4, 20, 5)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({}, Usage()),
        ({"input_tokens": 0, "output_tokens": True, "input_tokens_details": None}, Usage(0)),
        ({"input_tokens": "5", "input_tokens_details": {"cached_tokens": 1.5}}, Usage()),
        (None, None),
        ([], None),
    ],
)
def test_12_what_is_not_reported_stays_unknown(usage: Json, expected: Usage | None) -> None:
    assert read_usage(usage) == expected


def test_12_details_are_always_written() -> None:
    assert write_usage(Usage(3, None, None, 2)) == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": 2,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 5,
    }


def test_12_usage_comes_back_as_it_was() -> None:
    assert read_usage(write_usage(Usage(9, 1, 2, 8, 3))) == Usage(9, 1, 2, 8, 3)
