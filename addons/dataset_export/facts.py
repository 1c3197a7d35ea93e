"""What a dataset needs to know of a record besides what was said: who, when, how it ended."""

from dataclasses import dataclass
from datetime import UTC, datetime
from sys import intern

from addons.dataset_export.shapes import as_object, as_text, objects, text_of
from converters.json_codec import Json, JsonObject

_END = 253_402_300_800  # the year 10000
ENDED_WELL = frozenset({"stop", "stop_sequence", "tool_calls", "pause"})


@dataclass(frozen=True, slots=True)
class Facts:
    """began: unix seconds, 0.0 if unknown. seconds: how long the exchange took, first_byte: until its first byte. action: `generate` for
    a call of a model. model: as served, else as sent, else as asked. state: complete, cut, failed or cancelled. wordless: the answer
    has neither a word nor a call, like one whose limit was used up by thinking. chaos: a fault was injected on purpose."""

    id: str
    began: float
    seconds: float | None
    first_byte: float | None
    protocol: str
    action: str
    agent: str
    provider: str
    account: str
    asked: str
    model: str
    state: str
    stop: str
    tools_called: bool
    wordless: bool
    chaos: bool = False

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
    parts = objects(as_object(as_object(record.get("conversation")).get("answer")).get("parts"))
    tools_called = any(part.get("type") == "tool_call" for part in parts)
    asked, served = as_text(route.get("asked")), as_text(route.get("served"))
    began, first, ended = (moment(record.get(name)) for name in ("began", "first_byte", "ended"))
    return Facts(
        id=as_text(record.get("id")),
        began=began or 0.0,
        seconds=_between(began, ended),
        first_byte=_between(began, first),
        protocol=intern(as_text(client.get("protocol"))),
        action=intern(as_text(client.get("action"))),
        agent=intern(as_text(client.get("agent"))),
        provider=intern(as_text(route.get("provider"))),
        account=intern(as_text(route.get("account"))),
        asked=intern(asked),
        model=intern(served or as_text(route.get("target")) or asked),
        state=intern(as_text(record.get("state"))),
        stop=intern(as_text(record.get("stop_reason"))),
        tools_called=tools_called,
        wordless=not tools_called and not any(map(str.strip, text_of(parts))),
        chaos=record.get("chaos") is not None,
    )


def _between(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else round(end - begin, 6)


def moment(value: Json) -> float | None:
    """Unix seconds that a calendar can show."""
    return (
        float(value) if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < _END else None
    )
