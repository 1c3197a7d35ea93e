"""What went where, as people read it: the client's request, every attempt with its answer, what the client got, what was lost."""

import base64
import json
from binascii import Error as NoBase64
from collections.abc import Iterator
from textwrap import indent

from mitmproxy.http import HTTPFlow

from addons.providers import catalogue
from addons.records.bodies import pointed
from addons.records.reader import member
from addons.records.transcript import printable, when
from addons.stream_text import events_of, folded, plain_stream
from converters.json_codec import Json, JsonObject, loads
from converters.wires import WIRES

_LONGEST = 20_000  # characters of one body


def legs_text(known: JsonObject, flow: HTTPFlow) -> str:
    """known: what the flow's metadata tell."""
    return printable("\n".join(_lines(known, flow)))


def _lines(known: JsonObject, flow: HTTPFlow) -> Iterator[str]:
    legs = member(known, "legs")
    client = member(legs, "client")
    yield f"{known.get('id')}  {legs.get('action', 'under way')} {legs.get('state', '')}".rstrip()
    if not legs:
        yield "(the legs are written down when the exchange is over)"
    yield from _losses(known)
    if client:
        yield ""
        yield f"=== client -> aiclient  {known.get('client')}  {client.get('method')} {_target(client)}"
        yield from _headers(client.get("headers"))
        yield from _body(legs, client.get("body"))
    for number, made in enumerate(_objects(legs.get("attempts")), 1):
        yield from _attempt(legs, made, number)
    if flow.response is not None:
        yield ""
        yield f"=== aiclient -> client  {known.get('client')}  {flow.response.status_code}"
        yield from _headers([[name, value] for name, value in flow.response.headers.items(multi=True)])
        kind = flow.response.headers.get("content-type", "").lower()
        enclosed, is_stream = bool(client.get("code_assist")), "event-stream" in kind
        protocol, data = str(known.get("client")), flow.response.content or b""
        yield indent(_told(protocol, *plain_stream(protocol, data, is_stream=is_stream, enclosed=enclosed)), "  ")
    elif flow.error is not None:
        yield f"=== the client got nothing: {flow.error.msg}"


def _losses(known: JsonObject) -> Iterator[str]:
    for verb in ("dropped", "changed", "noted"):
        for name, why in member(known, verb).items():
            yield f"{verb}  {name}: {why}"


def _target(client: JsonObject) -> str:
    query = "&".join(f"{name}={value}" for name, value in member(client, "query").items())
    return f"{client.get('path')}?{query}" if query else str(client.get("path"))


def _attempt(legs: JsonObject, made: JsonObject, number: int) -> Iterator[str]:
    request, answer = member(made, "request"), member(made, "answer")
    yield ""
    yield f"=== attempt {number}: aiclient -> {made.get('account')}  {made.get('wire')}  {made.get('model')}  {when(made.get('began'))}"
    yield f"{request.get('method')} {request.get('url')}"
    yield from _headers(request.get("headers"))
    yield from _body(legs, request.get("body"))
    reason = f": {made['reason']}" if made.get("reason") else ""
    yield ""
    yield (
        f"--- attempt {number}: {made.get('account')} -> aiclient  {answer.get('status', 'no answer')}  "
        f"{made.get('outcome', '')}{reason}  {_seconds(made)}"
    ).rstrip()
    if answer:
        yield from _headers(answer.get("headers"))
        yield from _answer(legs, made, answer)


def _seconds(made: JsonObject) -> str:
    began, ended = made.get("began"), made.get("ended")
    if isinstance(began, int | float) and isinstance(ended, int | float):
        return f"{ended - began:.2f} s"
    return ""


def _answer(legs: JsonObject, made: JsonObject, answer: JsonObject) -> Iterator[str]:
    chunks = answer.get("chunks")
    if isinstance(chunks, list) and chunks:
        times = [chunk[0] for chunk in chunks if isinstance(chunk, list) and chunk]
        yield f"  ({len(times)} chunks, the first after {times[0]} s, the last after {times[-1]} s)"
        provider = catalogue().get(str(made.get("provider")))
        if provider is not None and provider.wire is not None:
            data = _bytes(legs, answer.get("body"))
            opener = provider.opener()
            try:
                plain = opener.feed(data) + opener.close() if opener else data
                text = folded(events_of(provider.wire, plain))
            except ValueError:
                text = ""
            if text:
                yield indent(_shortened(text), "  ")
                return
    yield from _body(legs, answer.get("body"))


def _told(protocol: str, data: bytes, is_stream: bool) -> str:
    if is_stream and protocol in WIRES:
        return _shortened(folded(events_of(WIRES[protocol], data)))
    return _shortened(_laid_out(data))


def _headers(fields: Json) -> Iterator[str]:
    for field in fields if isinstance(fields, list) else ():
        match field:
            case [name, value]:
                yield f"  {name}: {value}"


def _body(legs: JsonObject, body: Json) -> Iterator[str]:
    if not isinstance(body, dict):
        return
    if "same" in body:
        yield f"  (the same body as {body['same']})"
        return
    yield indent(_shortened(_laid_out(_bytes(legs, body))), "  ")
    if "cut" in body:
        yield f"  (cut here; {body['cut']} bytes in all)"


def _bytes(legs: JsonObject, body: Json) -> bytes:
    match body:
        case {"text": str(text)}:
            return text.encode(errors="replace")
        case {"base64": str(text)}:
            try:
                return base64.b64decode(text)
            except NoBase64:
                return b""
        case {"same": str(pointer)}:
            return _bytes(legs, found) if (found := pointed(legs, pointer)) is not body else b""
    return b""


def _laid_out(data: bytes) -> str:
    try:
        return json.dumps(loads(data), indent=2, ensure_ascii=False)
    except (ValueError, TypeError):
        pass
    try:
        return data.decode()
    except UnicodeDecodeError:
        return f"({len(data)} bytes that are no text)"


def _shortened(text: str) -> str:
    more = len(text) - _LONGEST
    return f"{text[:_LONGEST]}\n({more} more characters)" if more > 0 else text


def _objects(value: Json) -> Iterator[JsonObject]:
    yield from (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))
