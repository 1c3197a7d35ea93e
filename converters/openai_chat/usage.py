"""Token counts, both ways (conversion rules 12)."""

from collections.abc import Mapping

from converters.events import Usage
from converters.json_codec import Json, JsonObject


def read_usage(usage: Json) -> Usage | None:
    """None for what is not a usage object. Other vendors' names of the same counters are read as well:
    DeepSeek `prompt_cache_hit_tokens`, Kimi `cached_tokens`, DashScope `cache_creation_input_tokens`."""
    if not isinstance(usage, dict):
        return None
    prompt = _details(usage, "prompt_tokens_details")
    read = Usage(
        input_total=_count(usage, "prompt_tokens"),
        cache_read=_first(
            _count(prompt, "cached_tokens"), _count(usage, "cached_tokens"), _count(usage, "prompt_cache_hit_tokens")
        ),
        cache_write=_first(_count(prompt, "cache_write_tokens"), _count(prompt, "cache_creation_input_tokens")),
        output_total=_count(usage, "completion_tokens"),
        reasoning=_count(_details(usage, "completion_tokens_details"), "reasoning_tokens"),
    )
    total = _count(usage, "total_tokens")
    if total and read.reasoning and total == (read.input_total or 0) + (read.output_total or 0) + read.reasoning:
        # some vendors count reasoning beside completion_tokens; only the total shows it
        read.output_total = (read.output_total or 0) + read.reasoning
    return read


def write_usage(usage: Usage) -> JsonObject:
    """Zeros for what is unknown, details only for what is known."""
    prompt, completion = usage.input_total or 0, usage.output_total or 0
    written: JsonObject = {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
    }
    details: JsonObject = {}
    if usage.cache_read is not None:
        details["cached_tokens"] = usage.cache_read
    if usage.cache_write is not None:
        details["cache_write_tokens"] = usage.cache_write
    if details:
        written["prompt_tokens_details"] = details
    if usage.reasoning is not None:
        written["completion_tokens_details"] = {"reasoning_tokens": usage.reasoning}
    return written


def _details(usage: JsonObject, name: str) -> Mapping[str, Json]:
    details = usage.get(name)
    return details if isinstance(details, dict) else {}


def _count(counts: Mapping[str, Json], name: str) -> int | None:
    count = counts.get(name)
    return count if isinstance(count, int) and not isinstance(count, bool) else None


def _first(*counts: int | None) -> int | None:
    return next((count for count in counts if count is not None), None)
