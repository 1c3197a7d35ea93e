"""What a dataset needs to know of a record besides what was said: who, when, how it ended."""

from dataclasses import dataclass
from datetime import UTC, datetime
from sys import intern

from addons.dataset_export.shapes import as_object, as_text, objects
from converters.json_codec import Json, JsonObject

ENDED_WELL = frozenset({"stop", "stop_sequence", "tool_calls", "pause"})


@dataclass(frozen=True, slots=True)
class Facts:
    """began: unix seconds, 0.0 if unknown. seconds: how long the exchange took, first_byte: until its first byte. model: as served, else as sent, else as asked.
    state: complete, cut, failed or cancelled."""

    id: str
    began: float
    seconds: float | None
    first_byte: float | None
    protocol: str
    agent: str
    provider: str
    account: str
    asked: str
    model: str
    state: str
    stop: str
    tools_called: bool
    tools_offered: bool

    @property
    def successful(self) -> bool:
        """Came to its own end: neither cut off by a limit nor refused nor filtered."""
        return self.state == "complete" and self.stop in ENDED_WELL

    @property
    def day(self) -> str:
        """YYYY-MM-DD, in UTC."""
        return datetime.fromtimestamp(self.began, UTC).strftime("%Y-%m-%d")


def facts_of(record: JsonObject) -> Facts:
    client, route = as_object(record.get("client")), as_object(record.get("route"))
    conversation = as_object(record.get("conversation"))
    answer, tools = as_object(conversation.get("answer")), conversation.get("tools")
    asked, served = as_text(route.get("asked")), as_text(route.get("served"))
    began, first, ended = (moment(record.get(name)) for name in ("began", "first_byte", "ended"))
    return Facts(
        id=as_text(record.get("id")),
        began=began or 0.0,
        seconds=_between(began, ended),
        first_byte=_between(began, first),
        protocol=intern(as_text(client.get("protocol"))),
        agent=intern(as_text(client.get("agent"))),
        provider=intern(as_text(route.get("provider"))),
        account=intern(as_text(route.get("account"))),
        asked=intern(asked),
        model=intern(served or as_text(route.get("target")) or asked),
        state=intern(as_text(record.get("state"))),
        stop=intern(as_text(record.get("stop_reason"))),
        tools_called=any(part.get("type") == "tool_call" for part in objects(answer.get("parts"))),
        tools_offered=bool(tools),
    )


def _between(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else round(end - begin, 6)


def moment(value: Json) -> float | None:
    """Unix seconds of a time that is written as such or as ISO 8601; one without a zone is UTC."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    try:
        found = datetime.fromisoformat(as_text(value))
    except ValueError:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
