"""A provider's whole answer -> the client's. Streams go through pipes instead (`upstream_leg`)."""

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from email.utils import formatdate

from mitmproxy.http import Headers, Response

from addons.exchange import EVENT_STREAM, Exchange, tell_wait
from addons.heard import Heard
from addons.providers.base import Action
from converters.code_assist import Encloser, enclose_answer
from converters.collect import collect, replay
from converters.count import estimate_tokens
from converters.counting import count_body, read_count, write_count
from converters.errors import Kind, UpstreamError, failure_of
from converters.events import StreamEvent, TextDelta
from converters.gemini.array import as_array
from converters.inflate import Inflate, inflate
from converters.json_codec import JsonObject, dumps, loads
from converters.pipe import Scrub, Undo
from converters.system_prompt import system_with_prompt
from converters.wire import ProviderWire

# Provider headers that mean something to the client. The rest (cookies, organisation ids, server names) stays here.
_PASSED_DOWN = ("content-type", "retry-after", "retry-after-ms", "x-should-retry", "request-id", "openai-processing-ms")
_PASSED_DOWN_PREFIX = ("x-ratelimit-", "anthropic-ratelimit-")
_WAITS = ("retry-after", "retry-after-ms")
_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")  # a line end by itself could be a header of its own to some client
_OUR_FAULT = (401, 403, 407)  # the pool's own credential was refused: never the client's key


def whole_answer(exchange: Exchange, response: Response) -> Response:
    """The client's answer for a provider's, errors included. Raises UpstreamError when the provider's is no answer."""
    return good_answer(exchange, response) if response.status_code == 200 else _refused(exchange, response)


def good_answer(exchange: Exchange, response: Response) -> Response:
    """The client's answer for a provider's. Raises UpstreamError when that is none, whatever its status says."""
    wire = exchange.target
    assert wire is not None
    body = _opened(exchange, response)
    if response.status_code != 200:
        raise wire.read_error(response.status_code, {}, body)
    if exchange.match.action is Action.GENERATE:
        return _generated(exchange, wire, response, body)
    if exchange.match.action is Action.COUNT and not exchange.bypass:
        tokens = read_count(wire.name, _object(body))
        return exchange.answer(200, dumps(write_count(exchange.wire.name, tokens)))
    return _passed(exchange, response, body)


def _opened(exchange: Exchange, response: Response) -> bytes:
    """Without content coding and envelope; a stream keeps its envelope. Raises UpstreamError."""
    limit = exchange.settings.body_limit_bytes
    body = inflate(response.raw_content or b"", response.headers.get("content-encoding", ""), limit)
    assert exchange.provider is not None
    return body if is_stream(exchange, response) else exchange.provider.open_answer(body)


def read_refusal(exchange: Exchange, answer: Response) -> UpstreamError:
    """What went wrong, in the provider's own words."""
    wire = exchange.target
    assert wire is not None
    headers = _read_headers(answer)
    try:
        body = _opened(exchange, answer)
    except UpstreamError as error:  # its status says enough
        return wire.read_error(answer.status_code, headers, str(error).encode())
    return wire.read_error(answer.status_code, headers, body)


def _refused(exchange: Exchange, response: Response) -> Response:
    wire = exchange.target
    assert wire is not None
    body = _opened(exchange, response)
    body = exchange.scrub(body)
    error = wire.read_error(response.status_code, _read_headers(response), body)
    if exchange.match.action is Action.COUNT and cannot_count(exchange, error):
        return estimate(exchange)
    if exchange.bypass and response.status_code >= 400 and response.status_code not in _OUR_FAULT and _is_object(body):
        exchange.failure = failure_of(error)
        passed = _passed(exchange, response, body)
        if error.retry_after is not None and not any(name in passed.headers for name in _WAITS):
            tell_wait(passed.headers, error.retry_after)
        return passed
    return exchange.failure_response(error)


def _read_headers(answer: Response) -> dict[str, str]:
    """By lower-case name. Moments count from the answer's own date; without one it is as of now."""
    return {"date": formatdate(usegmt=True)} | {name.lower(): value for name, value in answer.headers.items()}


def _generated(exchange: Exchange, wire: ProviderWire, response: Response, body: bytes) -> Response:
    assert exchange.ask is not None
    events = _events(exchange, wire, response, body)
    if exchange.keeps_bodies:
        exchange.heard = Heard()
        events = _noted(events, exchange.heard)
    if exchange.bypass and not exchange.stream and not is_stream(exchange, response):
        for event in events:
            exchange.watch(event)
        return _passed(exchange, response, body)
    restore = exchange.restore if exchange.restore and exchange.restore.needed else None
    if restore is not None:
        events = (seen for event in events for seen in restore(event))
    # Folded once before it is written: an answer that breaks half-way must not have been half written.
    answer = collect(watched(events, exchange))
    return written_answer(exchange, replay(answer))


def _events(exchange: Exchange, wire: ProviderWire, response: Response, body: bytes) -> Iterator[StreamEvent]:
    if not is_stream(exchange, response):
        return wire.read_answer(_object(body), exchange.profile)
    assert exchange.provider is not None  # it only streams
    if (opener := exchange.provider.opener()) is not None:
        body = opener.feed(body) + opener.close()
    reader = wire.stream_reader(exchange.profile, exchange.chat)
    return iter([*reader.feed(body), *reader.close()])


def _noted(events: Iterable[StreamEvent], heard: Heard) -> Iterator[StreamEvent]:
    for event in events:
        heard.add(event)
        yield event


def _passed(exchange: Exchange, response: Response, body: bytes) -> Response:
    passed = Response.make(response.status_code, body, down_headers(response.headers, exchange.scrub))
    exchange.stamp(passed.headers)
    return passed


def cannot_count(exchange: Exchange, error: UpstreamError) -> bool:
    """A compatible vendor without the counting call; not a model that it does not have."""
    return error.status in (404, 405, 501) and exchange.target_model not in str(error)


def estimate(exchange: Exchange) -> Response:
    """16: a counting call answered here, and marked as what it is."""
    body = count_body(exchange.wire.name, exchange.body)
    chat = exchange.wire.parse_request(body, exchange.loss)
    if exchange.prompt is not None:
        chat.system = system_with_prompt(chat.system, exchange.prompt)
    tokens = estimate_tokens(chat)
    response = exchange.answer(200, dumps(write_count(exchange.wire.name, tokens)))
    response.headers["x-aiclient-estimated"] = "1"
    return response


def written_answer(exchange: Exchange, events: Iterable[StreamEvent]) -> Response:
    """Events of a whole answer -> what the client asked for: a stream or one body."""
    assert exchange.ask is not None
    if not exchange.stream:
        return exchange.answer(200, dumps(exchange.wire.write_answer(collect(events), exchange.ask)))
    writer = exchange.wire.stream_writer(exchange.ask)
    body = b"".join(map(writer.write, events)) + writer.end()
    if exchange.array:
        return exchange.answer(200, as_array(body))
    return exchange.answer(200, body, EVENT_STREAM)


def in_envelope(response: Response) -> bytes:
    """A whole answer for a client that speaks Code Assist; one that was streamed to nobody is its frames."""
    body = response.raw_content or b""
    if response.status_code != 200:
        return body
    if response.headers.get("content-type") == EVENT_STREAM:
        encloser = Encloser()
        return encloser.feed(body) + encloser.close()
    return enclose_answer(body)


def is_stream(exchange: Exchange, response: Response) -> bool:
    """Whether the provider streams, asked to or not."""
    return (
        exchange.target is not None and exchange.target.stream_type in response.headers.get("content-type", "").lower()
    )


class _Undone:
    """Two things taken off, one behind the other."""

    def __init__(self, outer: Undo, inner: Undo) -> None:
        self._outer, self._inner = outer, inner

    def feed(self, data: bytes) -> bytes:
        return self._inner.feed(self._outer.feed(data))

    def close(self) -> bytes:
        return self._inner.feed(self._outer.close()) + self._inner.close()


def undoing(coding: str, opener: Undo | None, limit: int) -> Undo | None:
    """What takes content coding and envelope off a stream. limit: bytes a compressed one may grow to. Raises UpstreamError for
    an unknown coding."""
    coded = None if coding.lower() in ("", "identity") else Inflate(coding, limit)
    return _Undone(coded, opener) if coded and opener else coded or opener


def down_headers(headers: Headers, scrub: Scrub = bytes) -> Headers:
    """scrub: takes out of their values what a provider must not tell."""
    kept = [
        (name, scrub(value))
        for name, value in headers.fields
        if ((lower := name.lower().decode("latin-1")) in _PASSED_DOWN or lower.startswith(_PASSED_DOWN_PREFIX))
        and not _CONTROL.search(value)
    ]
    return Headers(kept)


def watched(events: Iterable[StreamEvent], exchange: Exchange) -> Iterator[StreamEvent]:
    for event in events:
        if type(event) is not TextDelta:
            exchange.watch(event)
        yield event


def _is_object(body: bytes) -> bool:
    with suppress(UpstreamError):
        return bool(_object(body))
    return False


def _object(body: bytes) -> JsonObject:
    try:
        found = loads(body)
    except ValueError as error:
        raise UpstreamError(Kind.BROKEN_STREAM, "the provider answered with something that is not JSON") from error
    if not isinstance(found, dict):
        raise UpstreamError(Kind.BROKEN_STREAM, "the provider answered with JSON that is not an object")
    return found
