"""A record -> the exchange to be replayed."""

from addons.records.bodies import Get, read_answer, read_body, read_chunks
from addons.records.prompt import NAME, prompt_of, read_prompt
from addons.records.reader import member
from addons.records.record import SCHEMA
from addons.replay.captured import Answered, Captured, Fields, Sent, Tried, Unplayable
from addons.replay.media import stood_in
from converters.json_codec import Json, JsonObject


def captured(record: JsonObject, get: Get, where: str = "") -> Captured:
    """get: the bytes of an object. Raises Unplayable that names the leg that is missing, or another version of the schema."""
    if record.get("schema") != SCHEMA:
        raise Unplayable(f"it is written in {record.get('schema')!r}; this version reads {SCHEMA}")
    try:
        return _captured(record, get, where)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise Unplayable(f"it is no whole record ({type(error).__name__}: {error})") from None


def _captured(record: JsonObject, get: Get, where: str) -> Captured:
    client, route, request = member(record, "client"), member(record, "route"), member(record, "request")
    body, attempts = _body(record, request["body"], get, "the client's request"), record["attempts"]
    tried = [
        _tried(record, made, number, get)
        for number, made in enumerate(attempts if isinstance(attempts, list) else (), 1)
        if isinstance(made, dict)
    ]
    return Captured(
        id=str(record["id"]),
        where=where,
        protocol=str(client["protocol"]),
        action=str(client["action"]),
        method=str(request["method"]),
        path=str(request["path"]),
        query=member(request, "query"),
        headers=fields(request["headers"]),
        body=body,
        said=member(request, "said"),
        asked=str(route["asked"]),
        code_assist=client["code_assist"] is True,
        provider=str(route["provider"] or ""),
        target=str(route["target"] or ""),
        state=str(record["state"]),
        attempts=tried,
        answer=_answered(record, record["answer"], get, "the client's answer"),
        record=record,
        prompt=read_prompt(record.get(NAME)),
    )


def _tried(record: JsonObject, made: JsonObject, number: int, get: Get) -> Tried:
    request = member(made, "request")
    body = _body(record, request["body"], get, f"the request of attempt {number}")
    return Tried(
        provider=str(made["provider"]),
        account=str(made["account"]),
        model=str(made["model"]),
        sent=Sent(str(request["method"]), str(request["url"]), fields(request["headers"]), body),
        answer=_answered(record, made["answer"], get, f"the answer of attempt {number}"),
        outcome=str(made["outcome"]),
        reason=str(made["reason"]),
        prompt=read_prompt(prompt_of(made, record)),
    )


def _body(record: JsonObject, body: Json, get: Get, leg: str) -> bytes:
    try:
        return stood_in(read_body(record, body, get))
    except (OSError, ValueError) as error:
        raise _missing(leg, error) from None


def _answered(record: JsonObject, answer: Json, get: Get, leg: str) -> Answered | None:
    if not isinstance(answer, dict):
        return None
    status, streamed = answer["status"], "chunks" in answer
    if not isinstance(status, int):
        raise TypeError(f"status {status!r}")
    try:
        if streamed:
            chunks = read_chunks(record, answer["chunks"], get)
        else:
            chunks = [(0.0, stood_in(read_answer(record, answer, get)))]
    except (OSError, ValueError) as error:
        raise _missing(leg, error) from None
    return Answered(status, fields(answer["headers"]), chunks, streamed)


def _missing(leg: str, error: Exception) -> Unplayable:
    why = "a part of it is not in the folder of objects beside the records" if isinstance(error, OSError) else error
    return Unplayable(f"{leg} is missing: {why}")


def fields(headers: Json) -> Fields:
    return [
        (str(pair[0]).lower(), str(pair[1]))
        for pair in (headers if isinstance(headers, list) else ())
        if isinstance(pair, list) and len(pair) == 2
    ]
