"""12: token counts."""

import pytest

from converters.events import Usage
from converters.json_codec import Json
from converters.openai_chat.usage import read_usage, write_usage


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        ({"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}, Usage(input_total=9, output_total=4)),
        (
            {
                "prompt_tokens": 9,
                "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(9, 5, 2, 4, 3),
        ),
        ({"prompt_tokens": 9, "prompt_tokens_details": None}, Usage(input_total=9)),
        ({"prompt_tokens": 9, "prompt_cache_hit_tokens": 6}, Usage(9, 6)),
        ({"prompt_tokens": 9, "cached_tokens": 7}, Usage(9, 7)),
        ({"prompt_tokens": 9, "prompt_tokens_details": {"cache_creation_input_tokens": 3}}, Usage(9, None, 3)),
        ({"prompt_tokens": True, "completion_tokens": "4"}, Usage()),
    ],
)
def test_12_usage_is_read(usage: Json, expected: Usage) -> None:
    assert read_usage(usage) == expected


@pytest.mark.parametrize(("total", "expected"), [(560, 253), (333, 26)])
def test_12_reasoning_counted_beside_completion_tokens_is_added(total: int, expected: int) -> None:
    """307 + 26 + 227 = 560: only the total shows that the vendor counts reasoning apart."""
    usage: Json = {
        "prompt_tokens": 307,
        "completion_tokens": 26,
        "total_tokens": total,
        "completion_tokens_details": {"reasoning_tokens": 227},
    }
    assert read_usage(usage) == Usage(307, None, None, expected, 227)


@pytest.mark.parametrize("usage", [None, [], "x", 3])
def test_what_is_no_usage_object_is_none(usage: Json) -> None:
    assert read_usage(usage) is None


def test_12_details_are_written_only_if_known_and_zeros_for_what_is_not() -> None:
    assert write_usage(Usage()) == {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert write_usage(Usage(9, 5, 2, 4, 0)) == {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
