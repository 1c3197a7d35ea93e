"""An exchange that was captured otherwise, as a record: what a recording is made of."""

from addons.providers import catalogue
from addons.records.bodies import write_body, write_chunks
from addons.records.prompt import NAME, write_prompt
from addons.replay.captured import Answered, Captured, Fields, Sent, Tried
from converters.json_codec import Json, JsonObject


def record_of(whole: Captured, today: JsonObject) -> JsonObject:
    """Its legs as they were captured. today: a record of it as it is replayed now, for what a dump does not tell: conversation,
    usage, why it stopped. Times are 0, but for those of chunks."""
    attempts: list[Json] = [_attempt(number, tried, whole) for number, tried in enumerate(whole.attempts, 1)]
    legs: JsonObject = {
        "id": whole.id,
        "state": whole.state,
        "client": {
            "protocol": whole.protocol,
            "agent": _header(whole.headers, "user-agent"),
            "action": whole.action,
            "code_assist": whole.code_assist,
        },
        "route": {
            "asked": whole.asked,
            "named": None,
            "provider": whole.provider or None,
            "account": whole.attempts[-1].account if whole.attempts else None,
            "target": whole.target or None,
            "served": None,
            "why": "",
        },
        "request": {
            "method": whole.method,
            "path": whole.path,
            "query": whole.query,
            "headers": _pairs(whole.headers),
            "said": whole.said,
            "body": write_body(whole.body),
        },
        NAME: write_prompt(whole.prompt),
        "attempts": attempts,
        "answer": _answer(whole.answer),
    }
    return today | legs


def _attempt(number: int, tried: Tried, whole: Captured) -> JsonObject:
    provider = catalogue().get(tried.provider)
    made: JsonObject = {
        "number": number,
        "provider": tried.provider,
        "account": tried.account,
        "model": tried.model,
        "wire": provider.wire.name if provider is not None and provider.wire is not None else "",
        "began": 0.0,
        "ended": 0.0,
        "request": _sent(tried.sent),
        "answer": _answer(tried.answer),
        "outcome": tried.outcome,
        "reason": tried.reason,
    }
    return made if tried.prompt == whole.prompt else made | {NAME: write_prompt(tried.prompt)}


def _sent(sent: Sent) -> JsonObject:
    return {
        "method": sent.method,
        "url": sent.url,
        "headers": _pairs(sent.headers),
        "body": write_body(sent.body),
    }


def _answer(answer: Answered | None) -> JsonObject | None:
    if answer is None:
        return None
    head: JsonObject = {"status": answer.status, "headers": _pairs(answer.headers)}
    if answer.streamed:
        return head | {"chunks": write_chunks(answer.chunks)}
    return head | {"body": write_body(answer.body)}


def _pairs(fields: Fields) -> list[Json]:
    return [[name, value] for name, value in fields]


def _header(fields: Fields, name: str) -> str:
    return next((value for key, value in fields if key == name), "")
