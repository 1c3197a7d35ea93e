"""mitmproxy's own dumps (`-w`, save_stream_file) -> exchanges to be replayed, as far as a dump tells enough of them.

A flow holds the request as the provider got it last and the answer as the client did. The other legs stand in its metadata
(`addons/legs.py`). A dump of an older version lacks them: there, what passed between two of the same protocol can be replayed.
"""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl

from mitmproxy.exceptions import FlowReadException
from mitmproxy.http import Headers, HTTPFlow
from mitmproxy.io import FlowReader

from addons.providers import catalogue
from addons.providers.base import Action
from addons.records.bodies import pointed, read_body
from addons.records.reader import member
from addons.replay.captured import Answered, Captured, Fields, Sent, Tried, Unplayable, Unplayed
from addons.replay.sources import NoSource
from addons.routing import match
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject, loads

_CONVERSION = "x-aiclient-conversion"
_LACKS = (
    "the dump holds what the provider got and what the client got; the client's own request and the provider's own answer, "
    "which were converted, are not in it: an older version wrote it"
)


def read_dump(path: Path) -> Iterator[Captured | Unplayed]:
    """The flows of ours, in order. Raises NoSource for a file that mitmproxy did not write."""
    count = 0
    with path.open("rb") as file:
        try:
            for flow in FlowReader(file).stream():
                count += 1
                facts = flow.metadata.get("aiclient")
                if isinstance(flow, HTTPFlow) and isinstance(facts, dict):
                    yield _of_flow(flow, facts, str(path))
        except FlowReadException as error:
            if not count:
                raise NoSource(f"{path} is neither records nor a dump of mitmproxy: {error}") from None
            yield Unplayed("", str(path), f"the dump ends in the middle of flow {count + 1}")


def _of_flow(flow: HTTPFlow, facts: JsonObject, where: str) -> Captured | Unplayed:
    """facts: what we left in the flow."""
    id_ = str(facts.get("id"))
    legs = facts.get("legs")
    try:
        return _of_legs(flow, facts, legs, where) if isinstance(legs, dict) else _of_bare_flow(flow, facts, where)
    except Unplayable as error:
        return Unplayed(id_, where, str(error))


# --- with legs ---


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
        headers=_pairs(client.get("headers")),
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
    )


def _tried(legs: JsonObject, made: JsonObject, number: int) -> Tried:
    request, answer = member(made, "request"), member(made, "answer")
    sent = Sent(
        str(request.get("method")),
        str(request.get("url")),
        _pairs(request.get("headers")),
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
        status if isinstance(status, int) else 0, _pairs(answer.get("headers")), chunks, isinstance(cuts, list)
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


def _pairs(headers: Json) -> Fields:
    return [
        (str(pair[0]).lower(), str(pair[1]))
        for pair in (headers if isinstance(headers, list) else ())
        if isinstance(pair, list)
    ]


def _clients(flow: HTTPFlow) -> Answered | None:
    """What the client got."""
    if flow.response is None:
        return None
    if flow.response.raw_content is None:
        raise Unplayable("its answer was not kept (store_streamed_bodies)")
    return _answered(flow, flow.response.headers)


# --- without ---


def _of_bare_flow(flow: HTTPFlow, facts: JsonObject, where: str) -> Captured | Unplayed:
    id_, name = str(facts.get("id")), facts.get("provider")
    provider = catalogue().get(name) if isinstance(name, str) else None
    if provider is None or provider.wire is None:
        return Unplayed(id_, where, "no provider was asked")
    protocol, response = str(facts.get("client")), flow.response
    if provider.wire.name != protocol or (response is not None and _CONVERSION in response.headers):
        return Unplayed(id_, where, _LACKS)
    if response is None:
        return Unplayed(id_, where, "there is no answer")
    body = flow.request.raw_content
    if body is None or response.raw_content is None:
        return Unplayed(id_, where, "its bodies were not kept (store_streamed_bodies)")
    tried = facts.get("attempts")
    if isinstance(tried, list) and len(tried) > 1:
        return Unplayed(id_, where, f"it took {len(tried)} attempts, and the dump holds the last one alone")
    try:
        found = match(flow.request.method, _bare(flow.request.path, protocol), ())
    except ConversionError:
        return Unplayed(id_, where, f"{flow.request.path.partition('?')[0]} is no call of {protocol}")
    if found.action is not Action.GENERATE:
        return Unplayed(
            id_, where, f"a call for {found.action.value} needs all legs, and an older version wrote this dump"
        )
    model = str(facts.get("model") or "")
    answer = _answered(flow, response.headers)
    return Captured(
        id=id_,
        where=where,
        protocol=protocol,
        action=found.action.value,
        method=flow.request.method,
        path=_bare(flow.request.path, protocol),
        query=dict(parse_qsl(flow.request.path.partition("?")[2])),
        headers=_fields(flow.request.headers),
        body=body,
        said={"model": model, "stream": found.stream} if protocol == "gemini" else {},
        asked=model,
        code_assist=False,
        provider=provider.name,
        target=model,
        state="complete",
        attempts=[
            Tried(
                provider.name,
                str(facts.get("account") or provider.name),
                model,
                Sent(flow.request.method, flow.request.url, _fields(flow.request.headers), body),
                answer,
                "",  # whether it was cut is not told
            )
        ],
        answer=answer,
        record={},
    )


def _answered(flow: HTTPFlow, headers: Headers) -> Answered:
    assert flow.response is not None
    content = flow.response.raw_content or b""
    streamed = headers.get("content-type", "").lower().startswith("text/event-stream")
    return Answered(flow.response.status_code, _fields(headers), [(0.0, content)], streamed)


def _bare(path: str, protocol: str) -> str:
    """As from the last word of a base URL on: what the client could have asked for here."""
    target = path.partition("?")[0]
    if protocol == "gemini":
        return "/v1beta/models/" + target.partition("/models/")[2]
    tails = {"chat": "/chat/completions", "responses": "/responses", "anthropic": "/messages"}
    tail = tails[protocol]
    return "/v1" + target[target.rindex(tail) :] if tail in target else target


def _fields(headers: Headers) -> Fields:
    return [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in headers.fields]
