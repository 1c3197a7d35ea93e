"""The response object that a client is sent: what it asked, repeated, and what came of it (conversion rules 11 and 13)."""

from converters.events import Finish, Start, StopReason, Usage
from converters.json_codec import Json, JsonObject
from converters.openai_responses.usage import write_usage
from converters.wire import Ask

_INCOMPLETE: dict[StopReason, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}
_REPEATED: JsonObject = {  # fields of the request that its answer repeats, with what stands there when it has none
    "instructions": None,
    "max_output_tokens": None,
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
}
OUR_REASONING = "rs_aic"  # how ids of reasoning begin that no provider knows: one that looks it up would refuse it


class Response:
    """One response. `id` is its own, and the ids of its items are made of it: fresh, and no two alike."""

    def __init__(self, ask: Ask, start: Start) -> None:
        self._ask = ask
        self._stem = ask.new_id()[:40]
        self.id = f"resp_{self._stem}"
        self._created = ask.now() if start.created is None else start.created
        asked = ask.request
        self._repeated = {
            name: default if asked.get(name) is None else asked[name] for name, default in _REPEATED.items()
        }

    def item_id(self, prefix: str, number: int) -> str:
        return f"{prefix}_{self._stem}{number:08x}"

    def begun(self) -> JsonObject:
        return self._object("in_progress", [])

    def over(self, finish: Finish, output: list[Json], usage: Usage) -> JsonObject:
        """What the terminal event brings, and the whole answer."""
        reason = _INCOMPLETE.get(finish.reason)
        if reason is not None:
            return self._object("incomplete", output, details={"reason": reason}, usage=write_usage(usage))
        return self._object("completed", output, usage=write_usage(usage), completed=self._ask.now())

    def failed(self, error: JsonObject, output: list[Json]) -> JsonObject:
        return self._object("failed", output, error=error)

    def _object(
        self,
        status: str,
        output: list[Json],
        *,
        error: JsonObject | None = None,
        details: JsonObject | None = None,
        usage: JsonObject | None = None,
        completed: int | None = None,
    ) -> JsonObject:
        return {
            "id": self.id,
            "object": "response",
            "created_at": self._created,
            "completed_at": completed,
            "status": status,
            "background": False,
            "error": error,
            "incomplete_details": details,
            "model": self._ask.model,
            "output": output,
            "previous_response_id": None,
            "store": False,
            **self._repeated,
            "usage": usage,
        }


def item_status(finish: Finish) -> str:
    """Of the last item, once it is known why the answer ended."""
    return "incomplete" if finish.reason in _INCOMPLETE else "completed"
