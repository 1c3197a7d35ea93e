"""Recorded requests, sent to another model; its answers become records. Pairs of answers are what preference data is made of."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import cycle

from mitmproxy.connection import Client, Server
from mitmproxy.http import Headers, HTTPFlow, Request, Response

from addons.exchange import Exchange
from addons.provider_answer import whole_answer
from addons.providers.base import Action, Provider
from addons.records.facts import Facts
from addons.records.reader import member
from addons.replay.captured import Captured
from addons.replay_match import asked, conversation_of
from addons.routing import Match
from addons.settings import Settings
from addons.upstream_body import as_sent, converted
from addons.upstream_call import Answer, asking
from addons.upstream_request import ALWAYS_UP, address
from converters.count import estimate_tokens
from converters.errors import ConversionError, Kind, UpstreamError, failure_of
from converters.json_codec import Json, JsonObject, dumps, loads
from converters.loss import Loss
from converters.memory import ReasoningMemory
from converters.wires import WIRES
from creds.account import Account, CredentialError

AGENT = "aiclient-replay"
SECONDS = 600.0  # for one answer
_TRIES = 4
_LONGEST_WAIT = 60.0
_WORTH_WAITING = (Kind.RATE_LIMIT, Kind.OVERLOADED, Kind.SERVER, Kind.UNREACHABLE)
_OURS = frozenset({"host", "content-length", "user-agent", "accept-encoding", "connection", "transfer-encoding"})
_OF_STREAMS = frozenset({"stream", "stream_options"})

type Send = Callable[[Provider, Account, Request], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Job:
    """One request to be sent. body: the client's, without streaming. tokens: about how many it has; answered: how many the recorded
    answer had."""

    captured: Captured
    body: JsonObject = field(repr=False)
    tokens: int
    answered: int


@dataclass(slots=True)
class Chosen:
    """jobs: what is to be sent. left_out: requests that are not, by reason."""

    jobs: list[Job] = field(default_factory=list)
    left_out: dict[str, int] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        return sum(job.tokens for job in self.jobs)

    @property
    def answered(self) -> int:
        return sum(job.answered for job in self.jobs)


def choose(found: Iterable[Captured], done: frozenset[str] = frozenset(), limit: int = 0) -> Chosen:
    """Each prompt once. done: ids that this model has answered before. limit: how many at most; 0: all."""
    chosen, seen = Chosen(), set[object]()
    for captured in found:
        reason = _unfit(captured, done)
        job = None if reason else _job(captured)
        if job is None:
            reason = reason or "its request could not be read"
        elif (key := _key(captured, job.body)) in seen:
            reason = "the same was asked before"
        elif limit and len(chosen.jobs) >= limit:
            reason = "more than were wanted"
        else:
            seen.add(key)
            chosen.jobs.append(job)
        if reason:
            chosen.left_out[reason] = chosen.left_out.get(reason, 0) + 1
    return chosen


def _unfit(captured: Captured, done: frozenset[str]) -> str:
    """Why it is not sent, "" if it is."""
    talk = member(captured.record, "conversation")
    if captured.action != Action.GENERATE or captured.protocol not in WIRES:
        return "no call for a model's answer"
    if captured.record.get("replays"):
        return "a replay itself"
    if captured.id in done:
        return "this model has answered it before"
    if captured.state != "complete":
        return "not answered completely"
    if _lacks_media(talk.get("messages")):
        return "its pictures or files were not recorded"
    return ""


def _lacks_media(value: Json) -> bool:
    match value:
        case list():
            return any(map(_lacks_media, value))
        case dict() if "media_type" in value and "sha256" in value:
            return "data" not in value
        case dict():
            return any(_lacks_media(value.get(name)) for name in ("parts", "content"))
    return False


def _job(captured: Captured) -> Job | None:
    try:
        body = loads(captured.body)
        if not isinstance(body, dict):
            return None
        body = {name: value for name, value in (body | captured.said).items() if name not in _OF_STREAMS}
        chat = WIRES[captured.protocol].parse_request(body, Loss())
    except (ValueError, ConversionError):
        return None
    before = member(captured.record, "usage").get("output_tokens")
    return Job(captured, body, estimate_tokens(chat), before if isinstance(before, int) else 0)


def _key(captured: Captured, body: JsonObject) -> object:
    """Of what is asked, where there is a conversation; else of the body."""
    talk = conversation_of(captured.record)
    if talk is None:
        return dumps(body)
    found = asked("generate", talk, "", ())
    return found.key, found.setting.key


class Live:
    """One provider and model. accounts: taken in turn. send: asks one; now: unix seconds."""

    def __init__(
        self,
        provider: Provider,
        model: str,
        accounts: Sequence[Account],
        settings: Settings,
        send: Send | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._provider, self._model, self._settings = provider, model, settings
        self._accounts = cycle(accounts)
        self._send, self._pause, self._now = send or _send, pause, now

    async def run(self, jobs: Sequence[Job], most: int) -> AsyncIterator[Facts]:
        """What came of each, as they end. most: at once."""
        room = asyncio.Semaphore(most)

        async def one(job: Job) -> Facts:
            async with room:
                return await self.ask(job)

        tasks = [asyncio.create_task(one(job)) for job in jobs]
        try:
            for task in asyncio.as_completed(tasks):
                yield await task
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def ask(self, job: Job) -> Facts:
        """Errors become facts of an exchange that failed."""
        began = self._now()
        exchange = _exchange(job, self._settings)
        flow = HTTPFlow(
            Client(peername=("", 0), sockname=("", 0), timestamp_start=began), Server(address=None)
        )  # never connected
        exchange.attach(flow)
        exchange.keeps_bodies = True
        try:
            response = await self._answered(exchange, flow)
        except (ConversionError, UpstreamError, CredentialError) as error:
            if isinstance(error, CredentialError):
                error = UpstreamError(Kind.AUTH, str(error))
            response = exchange.failure_for(failure_of(error))
        return self._facts(job, exchange, response, began)

    async def _answered(self, exchange: Exchange, flow: HTTPFlow) -> Response:
        """Raises ConversionError, CredentialError and the last UpstreamError."""
        for tried in range(1, _TRIES + 1):
            try:
                return await self._once(exchange, flow)
            except UpstreamError as error:
                if tried == _TRIES or error.kind not in _WORTH_WAITING:
                    raise
                wait = 2.0**tried if error.retry_after is None else error.retry_after
                if wait > _LONGEST_WAIT:
                    raise
                await self._pause(wait)
        raise AssertionError("a try ends")

    async def _once(self, exchange: Exchange, flow: HTTPFlow) -> Response:
        account = next(self._accounts)
        await account.credential.ready()
        exchange.turn_to(self._provider, account, self._model)
        exchange.why = "aiclient replay"
        wire = exchange.target
        assert wire is not None
        flow.request = Request.make("POST", "http://127.0.0.1/")
        if exchange.bypass:
            body: bytes | None = as_sent(exchange, wire, self._now)
        else:
            body = await converted(exchange, wire, ReasoningMemory(time.monotonic), self._now)
        address(exchange, flow, body)
        made = exchange.made[-1]
        try:
            answer = await self._send(self._provider, account, flow.request)
            made.status = answer.status
            made.answer_headers = [(name.encode(), value.encode()) for name, value in answer.headers.items()]
            made.answer = answer.body
            response = Response.make(answer.status, b"", Headers(made.answer_headers))
            response.data.content = answer.body
            if answer.status != 200:
                raise wire.read_error(answer.status, answer.headers, self._provider.open_answer(answer.body))
            whole = whole_answer(exchange, response)
            made.outcome = "success"
            return whole
        except UpstreamError as error:
            made.outcome, made.reason = error.kind.value, exchange.scrub(str(error).encode(errors="replace")).decode()
            raise
        finally:
            made.ended = self._now()

    def _facts(self, job: Job, exchange: Exchange, response: Response, began: float) -> Facts:
        captured, failure = job.captured, exchange.failure
        return Facts(
            id=exchange.id,
            wire=exchange.wire,
            action=Action.GENERATE.value,
            state="failed" if failure else "complete",
            began=began,
            ended=self._now(),
            agent=AGENT,
            method="POST",
            path=captured.path,
            headers=[(b"content-type", b"application/json"), (b"user-agent", AGENT.encode())],
            body=exchange.raw,
            said={name: exchange.body[name] for name in captured.said if name in exchange.body},
            asked=self._model,
            named=self._provider.name,
            provider=exchange.provider,
            account=exchange.account.label if exchange.account else "",
            target=self._model,
            served=exchange.served_model,
            why=exchange.why,
            profile=exchange.profile,
            restore=exchange.restore,
            attempts=exchange.made,
            status=response.status_code,
            answer_headers=response.headers.fields,
            answer=response.raw_content or b"",
            usage=exchange.usage,
            stop_reason=exchange.finish.reason if exchange.finish else None,
            loss=exchange.loss,
            error=failure.message if failure else "",
            secrets=tuple(secret.decode("latin-1") for secret in exchange.sent_secrets),
            replays=captured.id,
        )


def _exchange(job: Job, settings: Settings) -> Exchange:
    """As the client's leg would leave it, of a client that wants the whole answer at once."""
    captured = job.captured
    wire = WIRES[captured.protocol]
    exchange = Exchange(Match(Action.GENERATE, captured.protocol), wire, dict(_kept(captured)), settings)
    exchange.body = job.body
    plain = {name: value for name, value in job.body.items() if name not in captured.said}
    exchange.raw = dumps(plain)
    exchange.model = captured.asked
    return exchange


def _kept(captured: Captured) -> Iterator[tuple[str, str]]:
    """The client's own headers mean something to a provider of its protocol; those that were redacted do not."""
    return ((name, value) for name, value in captured.headers if "[redacted" not in value and name != "user-agent")


async def _send(provider: Provider, account: Account, request: Request) -> Answer:
    async with asking(provider, account, SECONDS) as ask:
        wire = provider.wire.name if provider.wire else ""
        own = _OURS | {name for name, _ in ALWAYS_UP.get(wire, ())}  # which are sent anyway
        more = [(name, value) for name, value in request.headers.items() if name.lower() not in own]
        return await ask(request.url, request.raw_content or b"", more)
