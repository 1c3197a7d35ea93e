"""Usage in the words of the Messages API (conversion table 12): its `input_tokens` leave the caches out, the hub's do not."""

from converters.events import Usage
from converters.json_codec import Json, JsonObject


class UsageCounter:
    """A provider's cumulative usage objects -> the hub's usage. Later numbers replace earlier ones, field by field; an
    absent or null one erases nothing, and nothing is ever added up over events."""

    __slots__ = ("_fields",)

    def __init__(self) -> None:
        self._fields: dict[str, int] = {}

    def read(self, usage: Json) -> Usage | None:
        """The usage so far; None when `usage` reports nothing."""
        if not isinstance(usage, dict):
            return None
        details = usage.get("output_tokens_details")
        found = {**usage, **details} if isinstance(details, dict) else usage
        numbers = {
            name: value for name in _READ if isinstance(value := found.get(name), int) and not isinstance(value, bool)
        }
        if not numbers:
            return None
        self._fields.update(numbers)
        known = self._fields.get
        prompt = [self._fields[name] for name in _PROMPT if name in self._fields]
        return Usage(
            input_total=sum(prompt) if prompt else None,
            cache_read=known("cache_read_input_tokens"),
            cache_write=known("cache_creation_input_tokens"),
            output_total=known("output_tokens"),
            reasoning=known("thinking_tokens"),
        )


_PROMPT = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")
_READ = (*_PROMPT, "output_tokens", "thinking_tokens")


def write_usage(usage: Usage) -> JsonObject:
    """Every field the client library requires; 0 where nothing is known."""
    read, written = usage.cache_read or 0, usage.cache_write or 0
    told: JsonObject = {
        "input_tokens": max(0, (usage.input_total or 0) - read - written),
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": read,
        "output_tokens": usage.output_total or 0,
    }
    if usage.reasoning is not None:
        told["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    return told
