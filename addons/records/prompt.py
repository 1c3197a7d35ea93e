"""The operator's system prompt as plain JSON, in records and in the legs of flows:

{"mode": str, "text": str, "replacements": [{"old": str, "new": str}, ...]}

It stands beside what it was put into: the record (of the last attempt, or of an answer made here), and an attempt that had another.
"""

from collections.abc import Iterator

from converters.json_codec import Json, JsonObject
from converters.system_prompt import MODES, SystemPrompt

NAME = "system_prompt"


def write_prompt(prompt: SystemPrompt | None) -> JsonObject | None:
    if prompt is None:
        return None
    pairs: list[Json] = [{"old": old, "new": new} for old, new in prompt.replacements]
    return {"mode": prompt.mode, "text": prompt.text, "replacements": pairs}


def read_prompt(written: Json) -> SystemPrompt | None:
    """None for null. Raises ValueError for anything that is not whole, like a text whose object is missing."""
    match written:
        case None:
            return None
        case {"mode": str(said), "text": str(text), "replacements": list(pairs)} if said in MODES:
            mode = next(mode for mode in MODES if mode == said)
            return SystemPrompt(mode, text, tuple(map(_pair, pairs)))
    raise ValueError("the operator's system prompt is not whole")


def _pair(written: Json) -> tuple[str, str]:
    match written:
        case {"old": str(old), "new": str(new)}:
            return old, new
    raise ValueError("a replacement in the operator's system prompt is not whole")


def prompt_of(attempt: JsonObject, whole: JsonObject) -> Json:
    """An attempt's, as it is written. whole: the record, or the legs."""
    return attempt[NAME] if NAME in attempt else whole.get(NAME)


def prompts_in(record: JsonObject) -> Iterator[JsonObject]:
    """All that stand in a record."""
    attempts = record.get("attempts")
    for holder in (record, *(attempts if isinstance(attempts, list) else ())):
        if isinstance(holder, dict) and isinstance(prompt := holder.get(NAME), dict):
            yield prompt
