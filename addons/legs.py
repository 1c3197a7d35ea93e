"""All legs of an exchange in its flow, without secrets: for mitmweb, dumps and HAR files, where somebody keeps flows.

`flow.request` is what the provider got last, `flow.response` what the client got. The rest is plain data in
`flow.metadata["aiclient"]["legs"]`, once the exchange is over; a member that would be empty is left out:

    {"action": "generate", "state": "complete" | "cut" | "failed" | "cancelled", "began", "ended": unix seconds,
     "system_prompt": what the operator put in, see addons/records/prompt.py,
     "client":   {"method", "path", "query": {..}, "headers": [[name, value], ..], "said": {..}, "code_assist": 1, "body": BODY},
     "attempts": [{"provider", "account", "model", "wire", "began", "ended", "outcome", "reason",
                   "request": {"method", "url", "headers", "body": BODY},
                   "answer":  {"status", "headers", "body": BODY, "chunks": [[seconds since the attempt began, bytes], ..]}}, ..]}

BODY: {"text": str} | {"base64": str} | {"same": JSON pointer within the legs}, with "cut": its bytes in all, where the rest is
left out; no content coding. said: what a Gemini client's path says, model and stream.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

from mitmproxy import ctx
from mitmproxy.http import Headers, HTTPFlow, Message

from addons.attempts import Attempt, Fields
from addons.exchange import Exchange
from addons.records.bodies import write_body
from addons.records.fold import content_type, plain_chunks
from addons.records.prompt import NAME, write_prompt
from addons.redact import Redactor
from addons.redact_frames import fit_frames
from addons.relay import mask
from addons.settings import Settings
from addons.taped_pipe import listen, was_streamed
from converters.eventstream import CONTENT_TYPE as FRAMES
from converters.json_codec import Json, JsonObject, dumps, loads
from converters.system_prompt import SystemPrompt

log = logging.getLogger("aiclient")

LIMIT = 1024 * 1024  # bytes of one body in the legs
_BEYOND = 64 * 1024  # bytes that are redacted besides, so that no secret is cut in two
_MOST_CHUNKS = 10_000  # of one answer; those after them count as one
_AT_ONCE = 256 * 1024  # bytes of an exchange that are redacted on the event loop
_UNSAFE = b"[aiclient could not take the secrets out of this body]"


@dataclass(slots=True)
class _Begun:
    """What an exchange no longer says of itself when it is over."""

    method: str
    path: str


class Legs:
    """Addon, behind those that make the answer, before `AccessLog`. kept: whether somebody keeps flows; the others have no legs.
    secrets: those of ours that are in use now. clock: unix seconds; monotonic: those of exchanges."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        secrets: Callable[[], Iterable[str]],
        kept: Callable[[], bool],
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._secrets, self._kept = settings, secrets, kept
        self._clock, self._monotonic = clock, monotonic
        self._begun: WeakKeyDictionary[HTTPFlow, _Begun] = WeakKeyDictionary()
        self._seen: Settings | None = None
        self._redactor = Redactor()
        self._in_use = asyncio.Lock()  # the redactor

    def running(self) -> None:
        """HAR files tell what flows know besides, in a field of our own."""
        har = ctx.master.addons.get("savehar")
        if har is None or "flow_entry" in vars(har):
            return
        plain = har.flow_entry

        def flow_entry(flow: HTTPFlow, servers_seen: set[Any]) -> JsonObject:
            entry: JsonObject = plain(flow, servers_seen)
            known = flow.metadata.get("aiclient")
            return entry | {"_aiclient": known} if known else entry

        har.flow_entry = flow_entry

    def requestheaders(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or not self._kept():
            return
        path = flow.request.data.path.partition(b"?")[0].decode("ascii", "backslashreplace")
        self._begun[flow] = _Begun(flow.request.method, path)
        exchange.keeps_bodies = True

    def responseheaders(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is not None and flow in self._begun:
            listen(exchange, flow, self._clock)

    async def response(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or flow.response is None:
            return
        broken = exchange.pipe is not None and was_streamed(exchange) and exchange.pipe.failed
        await self._end(
            exchange, flow, "cut" if broken else "failed" if flow.response.status_code >= 400 else "complete"
        )

    async def error(self, flow: HTTPFlow) -> None:
        if (exchange := Exchange.of(flow)) is not None:
            await self._end(exchange, flow, "cancelled" if exchange.client_left else "failed")

    def done(self) -> None:
        """At the end mitmproxy writes also what is still under way."""
        if ctx.master.should_exit.is_set():
            for flow, begun in list(self._begun.items()):
                if (exchange := Exchange.of(flow)) is not None:
                    seen = _Seen(exchange, flow, begun, "cancelled", self._clock(), self._monotonic())
                    self._write(seen, _made(seen, self._new_redactor()))
        self._begun.clear()

    async def _end(self, exchange: Exchange, flow: HTTPFlow, state: str) -> None:
        if (begun := self._begun.pop(flow, None)) is None:
            return
        seen = _Seen(exchange, flow, begun, state, self._clock(), self._monotonic())
        try:
            async with self._in_use:
                redactor = self._current()
                made = _made(seen, redactor) if seen.size < _AT_ONCE else await asyncio.to_thread(_made, seen, redactor)
        except Exception:  # the flow goes back to the host whatever happens here, and then others write it down
            log.exception("%s: its flow cannot be redacted", exchange.id)
            known: JsonObject = {"id": exchange.id, "client": exchange.wire.name}
            made = _Made(known, _UNSAFE, flow.request.data.path.partition(b"?")[0], [], _UNSAFE, [], "")
        self._write(seen, made)

    def _write(self, seen: "_Seen", made: "_Made") -> None:
        """Nothing that is still to be sent changes."""
        flow, request = seen.flow, seen.flow.request
        flow.metadata["aiclient"] = made.known
        if request.data.content:
            request.data.content = made.asked
        if made.path is not None:
            request.data.path = made.path
        _put_headers(request, made.asked_headers)
        if seen.plain is not None:
            request.headers.pop("content-encoding", None)
        if flow.error is not None and made.error:
            flow.error.msg = made.error
        if flow.response is None:
            return
        if (held := flow.response.data.content) and held != made.answer:
            if was_streamed(seen.exchange):
                flow.response.data.content = made.answer
            else:
                mask(flow, made.answer)
        if was_streamed(seen.exchange):
            _put_headers(flow.response, made.answer_headers)

    def _current(self) -> Redactor:
        settings = self._settings()
        if settings is not self._seen:
            self._seen, self._redactor = settings, self._new_redactor()
        return self._redactor

    def _new_redactor(self) -> Redactor:
        settings = self._settings()
        return Redactor(self._secrets, settings.redact_patterns, shapes=settings.redact)


class _Seen:
    """An exchange that is over, as it can be looked at from another thread."""

    def __init__(
        self, exchange: Exchange, flow: HTTPFlow, begun: _Begun, state: str, now: float, monotonic: float
    ) -> None:
        self.exchange, self.flow, self.begun, self.state, self.now = exchange, flow, begun, state, now
        self.began = exchange.began + now - monotonic
        self.known: JsonObject = flow.metadata.get("aiclient") or {}
        self.attempts = list(exchange.made)
        request, response = flow.request, flow.response
        coding = request.headers.get("content-encoding", "identity").lower()
        # A client's own request, refused before it was rewritten, may still be coded; nobody could look into it.
        self.plain = exchange.raw if not exchange.sent and coding != "identity" else None
        self.asked = (request.raw_content or b"") if self.plain is None else self.plain
        self.answer = (response.raw_content or b"") if response else b""
        self.error = flow.error.msg if flow.error else ""

    @property
    def size(self) -> int:
        bodies = len(self.asked) + len(self.answer) + len(self.exchange.raw)
        for made in self.attempts:
            bodies += len(made.body) + len(made.answer) + sum(len(data) for _, data in made.chunks)
        return bodies


@dataclass(slots=True)
class _Made:
    """The flow without secrets. known: all that its metadata tell. path: None where it stays."""

    known: JsonObject
    asked: bytes
    path: bytes | None
    asked_headers: list[tuple[str, str]]
    answer: bytes
    answer_headers: list[tuple[str, str]]
    error: str


def _made(seen: _Seen, redactor: Redactor) -> _Made:
    redactor.refresh(secret.decode("latin-1") for secret in seen.exchange.sent_secrets)
    flow, exchange = seen.flow, seen.exchange
    known = loads(redactor.body(dumps(seen.known)))
    assert isinstance(known, dict)
    known["legs"] = _Writing(seen, redactor).legs()
    path = flow.request.data.path
    answer_headers = flow.response.headers.fields if flow.response else ()
    streamed = was_streamed(exchange)
    return _Made(
        known,
        redactor.body(seen.asked, exchange.target.name if exchange.sent and exchange.target else "request"),
        found if (found := redactor.body(path)) != path else None,
        redactor.headers(flow.request.headers.fields),
        redactor.stream([seen.answer], "stream", split=True)[0] if streamed else redactor.body(seen.answer, "answer"),
        redactor.headers(answer_headers),
        redactor.text(seen.error),
    )


class _Writing:
    """The legs of one exchange."""

    def __init__(self, seen: _Seen, redactor: Redactor) -> None:
        self._seen, self._redactor = seen, redactor
        self._bodies: list[tuple[bytes, str]] = []  # (body, pointer)

    def legs(self) -> JsonObject:
        seen, exchange = self._seen, self._seen.exchange
        client: JsonObject = {
            "method": seen.begun.method,
            "path": self._redactor.text(seen.begun.path),
            "query": self._query(),
            "headers": self._headers(
                [(name.encode("latin-1"), value.encode("latin-1")) for name, value in exchange.request_headers.items()]
            ),
            "said": {"model": exchange.model, "stream": exchange.stream} if exchange.wire.name == "gemini" else {},
            "code_assist": int(exchange.code_assist is not None),
            "body": self._body(exchange.raw, "request", "/client/body"),
        }
        legs: JsonObject = {
            "action": exchange.match.action.value,
            "state": seen.state,
            "began": round(seen.began, 6),
            "ended": round(seen.now, 6),
            "client": _some(client),
            "attempts": [self._attempt(number, made) for number, made in enumerate(seen.attempts)],
        }
        return legs if exchange.prompt is None else {**legs, NAME: self._prompt(exchange.prompt)}

    def _attempt(self, number: int, made: Attempt) -> JsonObject:
        pointer = f"/attempts/{number}"
        request: JsonObject = {
            "method": made.method,
            "url": self._redactor.url(made.url),
            "headers": self._headers(made.headers),
            "body": self._body(made.body, made.wire, f"{pointer}/request/body"),
        }
        answer: JsonObject = {}
        if made.status is not None:
            answer = {"status": made.status, "headers": self._headers(made.answer_headers)}
            answer |= self._answer(made, f"{pointer}/answer/body")
        other: JsonObject = {NAME: self._prompt(made.prompt)} if made.prompt != self._seen.exchange.prompt else {}
        return other | _some(
            {
                "provider": made.provider,
                "account": made.account,
                "model": self._redactor.text(made.model),
                "wire": made.wire,
                "began": round(made.began, 6),
                "ended": round(made.ended or made.began, 6),
                "outcome": made.outcome,
                "reason": self._redactor.text(made.reason),
                "request": _some(request),
                "answer": _some(answer),
            }
        )

    def _answer(self, made: Attempt, pointer: str) -> JsonObject:
        plain = plain_chunks(made)
        if not made.chunks:
            return {"body": self._body(plain[0], "answer", pointer)}
        size = sum(map(len, plain))
        taken, total = list[bytes](), 0
        for data in plain:
            if total >= LIMIT + _BEYOND or len(taken) >= _MOST_CHUNKS:
                break
            taken.append(data[: LIMIT + _BEYOND - total])
            total += len(taken[-1])
        rest = b"".join(plain[len(taken) :])[: max(0, LIMIT + _BEYOND - total)]
        fit = fit_frames if content_type(made.answer_headers).startswith(FRAMES) else None
        redacted = self._redactor.stream([*taken, rest] if rest else taken, "stream", split=True, fit=fit)
        body = _cut(b"".join(redacted))
        chunks: list[Json] = []
        left = len(body)
        for (at, _), data in zip(made.chunks, redacted, strict=False):
            if left <= 0:
                break
            chunks.append([round(max(0.0, at - made.began), 6), min(left, len(data))])
            left -= len(data)
        return {"body": _written(body, size), "chunks": chunks}

    def _body(self, body: bytes, kind: str, pointer: str) -> JsonObject:
        if not body:
            return {}
        for before, where in self._bodies:
            if before == body:
                return {"same": where}
        self._bodies.append((body, pointer))
        return _written(_cut(self._redactor.body(body[: LIMIT + _BEYOND], kind)), len(body))

    def _prompt(self, prompt: SystemPrompt | None) -> Json:
        return loads(self._redactor.body(dumps(write_prompt(prompt))))

    def _query(self) -> JsonObject:
        """A parameter is redacted by its name as well as by what it looks like."""
        found: JsonObject = {}
        for name, value in self._seen.exchange.query.items():
            written = self._redactor.text(f"?{name}={value}")
            found[self._redactor.text(name)] = written.removeprefix(f"?{name}=")
        return found

    def _headers(self, fields: Fields) -> list[Json]:
        return [[name, value] for name, value in self._redactor.headers(fields)]


def _cut(data: bytes) -> bytes:
    """LIMIT bytes of it at most; text is not cut inside a character."""
    if len(data) <= LIMIT:
        return data
    for end in range(LIMIT, LIMIT - 4, -1):
        with suppress(UnicodeDecodeError):
            data[:end].decode()
            return data[:end]
    return data[:LIMIT]


def _written(kept: bytes, size: int) -> JsonObject:
    """size: of the body as it was."""
    return write_body(kept) | ({"cut": size} if size > LIMIT else {})


def _some(fields: JsonObject) -> JsonObject:
    return {name: value for name, value in fields.items() if value not in ("", 0, {}, [])}


def _put_headers(message: Message, written: Sequence[tuple[str, str]]) -> None:
    """Values that were redacted; names as they were."""
    if not written:
        return
    fields = [
        (name, value if text == value.decode("utf-8", "backslashreplace") else text.encode())
        for (name, value), (_, text) in zip(message.headers.fields, written, strict=True)
    ]
    if fields != list(message.headers.fields):
        message.headers = Headers(fields)
