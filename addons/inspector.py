"""Content views for mitmweb, mitmproxy and mitmdump: what was said in an exchange, and what went where.

They know a flow by what its metadata tell, so they work on flows of a dump as well. Whatever stands in a flow, they show something.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import override

from mitmproxy import contentviews
from mitmproxy.addonmanager import Loader
from mitmproxy.contentviews import Contentview, Metadata
from mitmproxy.http import HTTPFlow, Request, Response

from addons.legs_text import legs_text
from addons.providers import catalogue
from addons.records.conversation import conversation
from addons.records.facts import Facts
from addons.records.fold import read_answer, read_chat
from addons.records.reader import member
from addons.records.transcript import transcript
from addons.stream_text import events_of, folded, plain_stream
from converters.events import Answer
from converters.json_codec import Json, JsonObject, loads
from converters.turns import Chat
from converters.wire import Wire
from converters.wires import WIRES

_FIRST, _SECOND, _NEVER = 20.0, 10.0, -1.0  # priorities; mitmproxy's own go up to 2
_FOREIGN = "(not an exchange of aiclient)"

type Show = Callable[["Seen"], str]


class Seen:
    """A message of a flow of ours. Raises ValueError for any other."""

    def __init__(self, data: bytes, metadata: Metadata) -> None:
        flow, message = metadata.flow, metadata.http_message
        known = flow.metadata.get("aiclient") if isinstance(flow, HTTPFlow) else None
        wire = WIRES.get(str(known.get("client"))) if isinstance(known, dict) else None
        if (
            not isinstance(flow, HTTPFlow)
            or not isinstance(known, dict)
            or wire is None
            or not isinstance(message, Request | Response)
        ):
            raise ValueError(_FOREIGN)
        self.data, self.flow, self.message, self.wire = data, flow, message, wire
        self.known: JsonObject = known
        self.legs = member(known, "legs")
        self.client = member(self.legs, "client")

    @property
    def is_answer(self) -> bool:
        return isinstance(self.message, Response)

    @property
    def is_good(self) -> bool:
        return isinstance(self.message, Response) and self.message.status_code == 200

    @property
    def is_stream(self) -> bool:
        return "text/event-stream" in self.message.headers.get("content-type", "").lower()

    def plain(self) -> tuple[bytes, bool]:
        """As `plain_stream`."""
        enclosed = bool(self.client.get("code_assist"))
        return plain_stream(self.wire.name, self.data, is_stream=self.is_stream, enclosed=enclosed)

    @property
    def generates(self) -> bool:
        """True while nobody has said anything else."""
        return self.legs.get("action", "generate") == "generate"


class AiclientView(Contentview):
    """One of ours. show: the text; priority: negative where there is nothing to be seen."""

    def __init__(self, name: str, show: Show, priority: Callable[[Seen], float]) -> None:
        self._name, self._show, self._priority = name, show, priority

    @property
    @override
    def name(self) -> str:
        return self._name

    @override
    def prettify(self, data: bytes, metadata: Metadata) -> str:
        try:
            return self._show(Seen(data, metadata))
        except Exception as error:  # a flow of a dump may hold anything, and this is what the host asks for
            return str(error) if str(error) == _FOREIGN else f"(this cannot be shown: {error})"

    @override
    def render_priority(self, data: bytes, metadata: Metadata) -> float:
        try:
            return self._priority(Seen(data, metadata)) if data else _NEVER
        except Exception:  # as above
            return _NEVER


# --- what was said ---


def _conversation(seen: Seen) -> str:
    talk, answer, reason = _answered(seen) if seen.is_answer else _asked(seen)
    known, flow, last = seen.known, seen.flow, _last(seen.legs.get("attempts"))
    record: JsonObject = {
        "id": known.get("id"),
        "began": flow.timestamp_start,
        "state": seen.legs.get("state", ""),
        "client": {"protocol": seen.wire.name},
        "route": {
            "asked": _model(seen),
            "provider": known.get("provider") or last.get("provider"),
            "account": known.get("account"),
            "target": known.get("model"),
        },
        "answer": {"status": seen.flow.response.status_code} if seen.flow.response else {},
        "conversation": talk,
        "no_conversation": reason,
        "loss": {name: known.get(name) or {} for name in ("dropped", "changed")},
    }
    if seen.is_answer and record["state"] == "cut":
        record["error"] = last.get("reason")
    if answer is not None:
        record["stop_reason"] = answer.finish.reason if answer.finish else None
        record["usage"] = {
            "input_tokens": answer.usage.input_total,
            "cache_read_tokens": answer.usage.cache_read,
            "output_tokens": answer.usage.output_total,
            "reasoning_tokens": answer.usage.reasoning,
        }
    if seen.is_answer:
        record["ended"] = flow.response.timestamp_end if flow.response else None
    return transcript(record)


def _asked(seen: Seen) -> tuple[Json, None, str]:
    """The client's own request where that is known; else what was sent, as far as it can be read."""
    reason = ""
    for wire, body in _requests(seen):
        try:
            chat = read_chat(_facts(seen, wire, body=body))
        except ValueError as error:
            reason = reason or str(error)
        else:
            return conversation(chat, None), None, ""
    return None, None, reason or "there is no body"


def _requests(seen: Seen) -> Iterator[tuple[Wire, bytes]]:
    body = member(seen.client, "body")
    if isinstance(text := body.get("text"), str) and "cut" not in body:
        yield seen.wire, text.encode()
    provider = catalogue().get(str(seen.known.get("provider")))
    if provider is not None and provider.wire is not None and provider.wire.name in WIRES:
        yield WIRES[provider.wire.name], seen.flow.request.content or b""
    yield seen.wire, seen.flow.request.content or b""


def _answered(seen: Seen) -> tuple[Json, Answer | None, str]:
    if not seen.is_good:
        return None, None, _complaint(seen.data)
    body, is_stream = seen.plain()
    content_type = b"text/event-stream" if is_stream else b"application/json"
    answer = read_answer(_facts(seen, seen.wire, answer=body, content_type=content_type))
    if answer is None:
        return None, None, "the answer holds no message"
    return conversation(Chat("", seen.wire.name), answer), answer, ""


def _facts(
    seen: Seen, wire: Wire, body: bytes = b"", answer: bytes = b"", content_type: bytes = b"application/json"
) -> Facts:
    said: JsonObject = {"model": _model(seen), "stream": False} if wire.name == "gemini" else {}
    return Facts(
        id=str(seen.known.get("id")),
        wire=wire,
        action=str(seen.legs.get("action", "generate")),
        state="complete",
        began=0.0,
        ended=0.0,
        body=body,
        said=said | member(seen.client, "said"),
        status=200,
        answer_headers=[(b"content-type", content_type)],
        answer=answer,
    )


def _model(seen: Seen) -> str:
    """As the client named it."""
    if isinstance(named := member(seen.client, "said").get("model"), str):
        return named
    with suppress(ValueError):
        body = loads(str(member(seen.client, "body").get("text", "")).encode())
        if isinstance(body, dict) and isinstance(named := body.get("model"), str):
            return named
    return str(seen.known.get("model") or "-")


def _complaint(data: bytes) -> str:
    """The message of an error, in whatever protocol."""
    try:
        error = loads(data)
    except ValueError:
        return data.decode(errors="replace") or "an empty answer"
    match error:
        case {"error": {"message": str(message)}}:
            return message
    return data.decode(errors="replace")


def _last(value: Json) -> JsonObject:
    return found if isinstance(value, list) and value and isinstance(found := value[-1], dict) else {}


# --- the three of them ---


def _of_conversation(seen: Seen) -> float:
    return _FIRST if seen.generates and (seen.is_good or not seen.is_answer) else _NEVER


def _of_stream(seen: Seen) -> float:
    return _SECOND if seen.is_good and seen.is_stream and seen.generates else _NEVER


def _stream(seen: Seen) -> str:
    body, is_stream = seen.plain()
    if not seen.is_good or not is_stream:
        return "(no stream)"
    return folded(events_of(seen.wire, body))


VIEWS: tuple[AiclientView, ...] = (
    AiclientView("aiclient conversation", _conversation, _of_conversation),
    AiclientView("aiclient legs", lambda seen: legs_text(seen.known, seen.flow), lambda seen: _SECOND / 2),
    AiclientView("aiclient stream", _stream, _of_stream),
)


class Inspector:
    """Addon: the views are there as long as it is."""

    def load(self, loader: Loader) -> None:
        for view in VIEWS:
            contentviews.add(view)

    def done(self) -> None:
        """The registry has no way to take one out."""
        for name in registered(VIEWS):
            del contentviews.registry._by_name[name]


def registered(views: Iterable[AiclientView]) -> list[str]:
    """Their names in the registry, as far as it is they who stand there."""
    by_name = contentviews.registry._by_name
    return [name for view in views if by_name.get(name := view.name.lower()) is view]
