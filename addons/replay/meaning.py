"""JSON by what it means: without ids, dates, the order of members, empty members, and the spellings that mean the same."""

import re

from converters.json_codec import Json, JsonObject, loads

# Made anew for each answer: that they are there counts.
_VOLATILE = frozenset(
    "created created_at completed_at createTime create_time system_fingerprint"
    " session_id sessionId conversationId user_prompt_id agentContinuationId".split()
)
_COUNTED = frozenset("sequence_number obfuscation index".split())
_IDS = frozenset("id item_id call_id tool_call_id tool_use_id toolUseId responseId request_id traceId".split())
# What a model, a tool or a user wrote in JSON: nothing in it is ours.
_FREE = frozenset(
    "input arguments args parameters input_schema inputSchema json schema responseSchema responseJsonSchema parametersJsonSchema"
    " response metadata".split()
)
_WORDED = frozenset({"content", "system"})  # a text, or a list of parts
_EMPTY: tuple[Json, ...] = (None, "", [], {})
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)")


def meaning(value: Json, *, answer: bool = False) -> Json:
    """An id is where it was seen first, so that what belongs together still does. Members are in alphabetical order.

    answer: a client wants its answer as its protocol spells it; a provider takes a text for a list of one text.
    """
    return _Reading(answer).of(value, "")


class _Reading:
    def __init__(self, answer: bool) -> None:
        self._answer = answer
        self._seen: dict[str, str] = {}  # id -> where it was first

    def of(self, value: Json, path: str) -> Json:
        match value:
            case dict():
                return self._object(value, path)
            case list():
                return [self.of(item, f"{path}[{n}]") for n, item in enumerate(value)]
            case str() if _DATE.fullmatch(value):
                return "<time>"
        return value

    def _object(self, value: JsonObject, path: str) -> JsonObject:
        found: JsonObject = {}
        for name in sorted(value):
            member = value[name]
            if name in _COUNTED and not isinstance(member, dict | list):
                continue
            if name in _WORDED and not self._answer:
                member = _only_text(member, value.get("role"))
            read = self._member(name, member, f"{path}.{name}" if path else name, path)
            if read not in _EMPTY:
                found[name] = read
        return found

    def _member(self, name: str, member: Json, path: str, holder: str) -> Json:
        if name in _IDS and isinstance(member, str):
            first = self._seen.setdefault(member, holder)
            return "<id>" if first == holder else f"<id of {first}>"
        if name in _FREE and isinstance(member, str):
            return _parsed(member)
        if name in _FREE and isinstance(member, dict):
            return member
        if name in _VOLATILE and isinstance(member, str | int | float):
            return "<new>"
        if name == "error" and isinstance(member, dict):
            return self._object(_error(member), path)
        return self.of(member, path)


def _only_text(member: Json, role: Json) -> Json:
    """The text of a list that holds one, as the role's protocol calls it, and nothing else."""
    match member:
        case [{"type": str(kind), "text": str(text), **more}] if not more:
            return text if kind in ("text", "output_text" if role == "assistant" else "input_text") else member
    return member


def _parsed(text: str) -> Json:
    """The JSON of a text that holds some; `{"a":1}` and `{"a": 1}` are the same arguments."""
    try:
        found = loads(text)
    except ValueError:
        return text
    return found if isinstance(found, dict) else text


def _error(error: JsonObject) -> JsonObject:
    """What kind of error it is counts, not how it is worded."""
    worded: JsonObject = {"message": "<words>"} if error.get("message") else {}
    return {**error, **worded}
