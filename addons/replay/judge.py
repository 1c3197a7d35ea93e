"""Whether what comes of an exchange today means the same as what was recorded."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlsplit

from addons.records.reader import member
from addons.replay.captured import Answered, Captured, Sent, Today
from addons.replay.compare import Difference, differences
from addons.replay.folds import understood
from addons.replay.meaning import meaning
from converters.json_codec import Json, JsonObject, loads

# Heads of requests that are of the connection, of our version, or follow from the body.
_OF_THE_WAY = frozenset("host user-agent content-length accept-encoding connection transfer-encoding".split())
_FACTS = ("stop_reason", "usage", "loss", "conversation")
_OF_MEDIA = frozenset({"sha256", "bytes", "data"})  # something stands in for pictures that were left out


@dataclass(frozen=True, slots=True)
class Verdict:
    """rewritten: requests that are written differently, and mean the same. (Answers always are: their ids are made anew.)"""

    captured: Captured
    differences: list[Difference] = field(default_factory=list)
    rewritten: list[str] = field(default_factory=list)


def judge(captured: Captured, today: Today) -> Verdict:
    """Every difference of meaning, leg by leg."""
    verdict = Verdict(captured)
    found = verdict.differences
    for number, tried in enumerate(captured.attempts):
        leg, now = f"attempt {number + 1} request", today.sent[number]
        if isinstance(now, str):
            found.append(Difference(leg, "", "a request", f"none: {now}"))
        else:
            of_requests = list(_of_requests(leg, tried.sent, now))
            found.extend(of_requests)
            if not of_requests and tried.sent.body != now.body:
                verdict.rewritten.append(leg)
        if (outcome := today.outcomes[number]) and tried.outcome not in ("", "cancelled") and outcome != tried.outcome:
            found.append(Difference(f"attempt {number + 1} answer", "outcome", tried.outcome, outcome))
    if captured.answer is not None and today.answer is not None:
        found.extend(_of_answers(captured, captured.answer, today.answer))
    found.extend(_of_facts(captured, today.record))
    return verdict


def _of_requests(leg: str, recorded: Sent, today: Sent) -> Iterator[Difference]:
    yield from differences(leg, _target(recorded), _target(today))
    heads = [_head(sent) for sent in (recorded, today)]
    yield from differences(leg, heads[0], heads[1], "headers")
    yield from differences(leg, _body(recorded.body), _body(today.body))


def _target(sent: Sent) -> JsonObject:
    parts = urlsplit(sent.url)
    query: JsonObject = dict(parse_qsl(parts.query, keep_blank_values=True))
    return {"method": sent.method, "path": parts.path, "query": query}


def _head(sent: Sent) -> JsonObject:
    return {name: value for name, value in sorted(sent.headers) if name not in _OF_THE_WAY and "[redacted" not in value}


def _body(body: bytes) -> Json:
    try:
        return meaning(loads(body))
    except ValueError:
        return body.decode(errors="replace")


def _of_answers(captured: Captured, recorded: Answered, today: Answered) -> Iterator[Difference]:
    leg = "client answer"
    yield from differences(leg, recorded.status, today.status, "status")
    if recorded.content_type != today.content_type:
        yield Difference(leg, "content-type", recorded.content_type, today.content_type)
        return
    was, now = (_said(captured, answer) for answer in (recorded, today))
    yield from differences(leg, was, now)


def _said(captured: Captured, answer: Answered) -> Json:
    said = understood(captured.protocol, answer.body, answer.content_type, enclosed=captured.code_assist)
    return meaning(said, answer=True)


def _of_facts(captured: Captured, today: JsonObject) -> Iterator[Difference]:
    """What a recorder noted: the conversation in the hub's words, usage, why it stopped, what was lost."""
    for name in _FACTS:
        if name not in captured.record or name not in today:
            continue
        was, now = captured.record[name], today[name]
        match name:
            case "loss":
                was, now = _names(was), _names(now)
            case "conversation":
                was, now = meaning(_without_media(was)), meaning(_without_media(now))
        if was is None and name == "conversation":
            continue  # nothing was noted
        yield from differences(name.replace("_", " "), was, now)


def _names(loss: Json) -> Json:
    """The reasons are words."""
    found: JsonObject = {}
    for kind in ("dropped", "changed"):
        found[kind] = [*sorted(member(loss, kind))] if isinstance(loss, dict) else []
    return found


def _without_media(value: Json) -> Json:
    if isinstance(value, list):
        return [_without_media(item) for item in value]
    if not isinstance(value, dict):
        return value
    left_out = _OF_MEDIA if "media_type" in value else frozenset()
    return {name: _without_media(inner) for name, inner in value.items() if name not in left_out}
