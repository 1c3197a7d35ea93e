"""mitmproxy's own dumps (`-w`, save_stream_file) -> exchanges to be replayed, as far as a dump tells enough of them.

A flow holds the request as the provider got it last and the answer as the client did. The other legs stand in its metadata
(`addons/legs.py`).
"""

from collections.abc import Iterator
from pathlib import Path

from mitmproxy.http import Headers, HTTPFlow
from mitmproxy.io import FlowReader

from addons.records.bodies import pointed, read_body
from addons.records.prompt import NAME, prompt_of, read_prompt
from addons.records.reader import member
from addons.replay.captured import Answered, Captured, Fields, Sent, Tried, Unplayable, Unplayed
from addons.replay.of_record import fields
from addons.replay.sources import NoSource
from converters.json_codec import Json, JsonObject, loads


def read_dump(path: Path) -> Iterator[Captured | Unplayed]:
    """The flows of ours, in order. Raises NoSource for a file that mitmproxy did not write."""
    count = ours = 0
    with path.open("rb") as file:
        flows = iter(FlowReader(file).stream())
        while True:
            try:
                flow = next(flows, None)
            except Exception as error:  # mitmproxy's reader raises whatever comes of damage: KeyError, MemoryError ...
                if not count:
                    raise NoSource(f"{path} is neither records nor a dump of mitmproxy: {error}") from None
                yield Unplayed("", str(path), f"the dump ends in the middle of flow {count + 1}, or is damaged there")
                return
            if flow is None:
                break
            count += 1
            facts = flow.metadata.get("aiclient")
            if isinstance(flow, HTTPFlow) and isinstance(facts, dict):
                ours += 1
                yield _of_flow(flow, facts, str(path))
    if not ours:
        yield Unplayed("", str(path), f"it holds no exchange of aiclient ({count} flows)")


def _of_flow(flow: HTTPFlow, facts: JsonObject, where: str) -> Captured | Unplayed:
    """facts: what we left in the flow."""
    id_, legs = str(facts.get("id")), facts.get("legs")
    if not isinstance(legs, dict):
        return Unplayed(id_, where, "its legs are not in the dump: nobody kept flows yet when it began")
    try:
        return _of_legs(flow, facts, legs, where)
    except (Unplayable, ValueError, RecursionError) as error:
        return Unplayed(id_, where, str(error))


def _of_legs(flow: HTTPFlow, facts: JsonObject, legs: JsonObject, where: str) -> Captured:
    client, attempts = member(legs, "client"), legs.get("attempts")
    said, body = member(client, "said"), _body(legs, client.get("body"), "the client's request")
    tried = [
        _tried(legs, made, number)
        for number, made in enumerate(attempts if isinstance(attempts, list) else (), 1)
        if isinstance(made, dict)
    ]
    lost: JsonObject = {kind: member(facts, kind) for kind in ("dropped", "changed", "noted")}
    return Captured(
        id=str(facts.get("id")),
        where=where,
        protocol=str(facts.get("client")),
        action=str(legs.get("action")),
        method=str(client.get("method")),
        path=str(client.get("path")),
        query=member(client, "query"),
        headers=fields(client.get("headers")),
        body=body,
        said=said,
        asked=str(said.get("model") or _model_in(body)),
        code_assist=client.get("code_assist") == 1,
        provider=str(facts.get("provider") or ""),
        target=str(facts.get("model") or ""),
        state=str(legs.get("state")),
        attempts=tried,
        answer=_clients(flow),
        record={"loss": lost} if "dropped" in facts else {},
        prompt=read_prompt(legs.get(NAME)),
    )


def _tried(legs: JsonObject, made: JsonObject, number: int) -> Tried:
    request, answer = member(made, "request"), member(made, "answer")
    sent = Sent(
        str(request.get("method")),
        str(request.get("url")),
        fields(request.get("headers")),
        _body(legs, request.get("body"), f"the request of attempt {number}"),
    )
    return Tried(
        provider=str(made.get("provider")),
        account=str(made.get("account")),
        model=str(made.get("model")),
        sent=sent,
        answer=_answer(legs, answer, number) if "status" in answer else None,
        outcome=str(made.get("outcome") or ""),
        reason=str(made.get("reason") or ""),
        prompt=read_prompt(prompt_of(made, legs)),
    )


def _answer(legs: JsonObject, answer: JsonObject, number: int) -> Answered:
    body, cuts = _body(legs, answer.get("body"), f"the answer of attempt {number}"), answer.get("chunks")
    chunks = [(0.0, body)]
    if isinstance(cuts, list):
        chunks, at = [], 0
        for cut in cuts:
            match cut:
                case [int() | float() as seconds, int(length)]:
                    chunks.append((float(seconds), body[at : at + length]))
                    at += length
    status = answer["status"]
    return Answered(
        status if isinstance(status, int) else 0, fields(answer.get("headers")), chunks, isinstance(cuts, list)
    )


def _body(legs: JsonObject, body: Json, leg: str) -> bytes:
    """One that was empty is left out. Raises Unplayable."""
    if body is None:
        return b""
    try:
        if isinstance(body, dict) and "same" in body:
            body = pointed(legs, str(body["same"]))
        if isinstance(body, dict) and "cut" in body:
            raise ValueError(f"of its {body['cut']} bytes the dump holds the beginning")
        return read_body(legs, body, _no_object)
    except ValueError as error:
        raise Unplayable(f"{leg} is not whole: {error}") from None


def _no_object(name: str) -> bytes:
    raise ValueError(f"a dump has no objects ({name})")


def _model_in(body: bytes) -> Json:
    try:
        found = loads(body)
    except ValueError:
        return ""
    return found.get("model", "") if isinstance(found, dict) else ""


def _clients(flow: HTTPFlow) -> Answered | None:
    """What the client got."""
    response = flow.response
    if response is None:
        return None
    if response.raw_content is None:
        raise Unplayable("its answer was not kept (store_streamed_bodies)")
    streamed = response.headers.get("content-type", "").lower().startswith("text/event-stream")
    return Answered(response.status_code, _fields(response.headers), [(0.0, response.raw_content)], streamed)


def _fields(headers: Headers) -> Fields:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers.fields]
