"""Token counts, both ways (conversion rules 12)."""

from converters.events import Usage
from converters.json_codec import Json, JsonObject


def read_usage(usage: Json) -> Usage | None:
    """None for what is not a usage object."""
    if not isinstance(usage, dict):
        return None
    return Usage(
        input_total=_count(usage, "input_tokens"),
        cache_read=_count(usage.get("input_tokens_details"), "cached_tokens"),
        cache_write=_count(usage.get("input_tokens_details"), "cache_write_tokens"),
        output_total=_count(usage, "output_tokens"),
        reasoning=_count(usage.get("output_tokens_details"), "reasoning_tokens"),
    )


def write_usage(usage: Usage) -> JsonObject:
    """Every field that the client library requires; 0 where nothing is known."""
    read, written = usage.input_total or 0, usage.output_total or 0
    return {
        "input_tokens": read,
        "input_tokens_details": {
            "cached_tokens": usage.cache_read or 0,
            "cache_write_tokens": usage.cache_write or 0,
        },
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning or 0},
        "total_tokens": read + written,
    }


def _count(counts: Json, name: str) -> int | None:
    count = counts.get(name) if isinstance(counts, dict) else None
    return count if isinstance(count, int) and not isinstance(count, bool) else None
