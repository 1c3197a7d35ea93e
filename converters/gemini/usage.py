"""`usageMetadata` and the hub's usage (conversion table 12): Gemini counts thoughts and tool prompts apart, the hub does not."""

from converters.events import Usage
from converters.json_codec import Json, JsonObject

_PROMPT = ("promptTokenCount", "toolUsePromptTokenCount")
_OUTPUT = ("candidatesTokenCount", "thoughtsTokenCount")
_READ = (*_PROMPT, *_OUTPUT, "cachedContentTokenCount")


class UsageCounter:
    """Running counts -> the hub's usage. Later numbers replace earlier ones, field by field; nothing is added up over events."""

    __slots__ = ("_fields",)

    def __init__(self) -> None:
        self._fields: dict[str, int] = {}

    def read(self, usage: Json) -> Usage | None:
        """The usage so far; None when `usage` says nothing new."""
        if not isinstance(usage, dict):
            return None
        numbers = {
            name: value for name in _READ if isinstance(value := usage.get(name), int) and not isinstance(value, bool)
        }
        if numbers.items() <= self._fields.items():
            return None
        self._fields.update(numbers)
        known = self._fields.get
        return Usage(
            input_total=self._sum(_PROMPT),
            cache_read=known("cachedContentTokenCount"),
            output_total=self._sum(_OUTPUT),
            reasoning=known("thoughtsTokenCount"),
        )

    def _sum(self, names: tuple[str, ...]) -> int | None:
        found = [self._fields[name] for name in names if name in self._fields]
        return sum(found) if found else None


def write_usage(usage: Usage) -> JsonObject:
    """Prompt, answer and total always; caches and thoughts where there are any, as the provider itself does."""
    prompt, output, thoughts = usage.input_total or 0, usage.output_total or 0, usage.reasoning or 0
    told: JsonObject = {"promptTokenCount": prompt, "candidatesTokenCount": max(0, output - thoughts)}
    if usage.cache_read:
        told["cachedContentTokenCount"] = usage.cache_read
    if thoughts:
        told["thoughtsTokenCount"] = thoughts
    told["totalTokenCount"] = prompt + output
    return told
