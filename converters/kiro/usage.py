"""Tokens of an answer: as the service counts them, else from the share of the context window, else estimated (table 12)."""

from math import ceil

from converters.count import estimate_tokens
from converters.events import Usage
from converters.json_codec import Json, JsonObject
from converters.kiro.models import context_window
from converters.turns import Chat


def read_usage(payload: JsonObject) -> Usage | None:
    """Of a metadataEvent; None when it holds no counts."""
    counts = payload.get("tokenUsage")
    if not isinstance(counts, dict):
        return None
    uncached, read, write, output = (
        _number(counts.get(name))
        for name in ("uncachedInputTokens", "cacheReadInputTokens", "cacheWriteInputTokens", "outputTokens")
    )
    if uncached is None and output is None:
        return None
    total = None if uncached is None else uncached + (read or 0) + (write or 0)
    return Usage(total, read, write, output)


def read_percentage(payload: JsonObject) -> float | None:
    """Of a contextUsageEvent, or of a metadataEvent's counts: from 0 to 100."""
    counts = payload.get("tokenUsage")
    value = (counts if isinstance(counts, dict) else payload).get("contextUsagePercentage")
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) and value > 0 else None


def estimated_usage(chat: Chat | None, output: float, percentage: float | None) -> Usage:
    """Where the service counts nothing. output: estimated tokens of the answer. The percentage is a share of all tokens, answer
    included."""
    written = ceil(output)
    if percentage is not None and chat is not None:
        return Usage(max(0, round(context_window(chat.model) * percentage / 100) - written), output_total=written)
    return Usage(estimate_tokens(chat) if chat is not None else None, output_total=written)


def _number(value: Json) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None
