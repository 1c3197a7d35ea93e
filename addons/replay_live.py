"""Recorded requests, sent to another model; its answers become records. Pairs of answers are what preference data is made of."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from mitmproxy.connection import Client, Server
from mitmproxy.http import Headers, HTTPFlow, Request, Response

from addons.account_pool import AccountPool, Claim, Lease, cause_of
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
from converters.memory import LatestSteps, ReasoningMemory
from converters.wires import WIRES
from creds.account import Account, CredentialError

AGENT = "aiclient-replay"
SECONDS = 600.0  # for one answer
_PATIENCE = 900.0  # seconds that a request waits in all for accounts that rest; nobody is waiting for its answer
_RETRIES = 3  # of a request, with accounts that it was tried with
_OWN_FAULTS = (Kind.BAD_REQUEST, Kind.CONTEXT_LENGTH, Kind.TOO_LARGE, Kind.NOT_FOUND)  # nobody else could do better
_PASSING = (
    Kind.RATE_LIMIT,
    Kind.OVERLOADED,
    Kind.SERVER,
    Kind.UNREACHABLE,
    Kind.BROKEN_STREAM,
)  # the same account could
_OURS = frozenset({"host", "content-length", "user-agent", "accept-encoding", "connection", "transfer-encoding"})
_OF_STREAMS = frozenset({"stream", "stream_options"})

type Send = Callable[[Provider, Account, Request], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Job:
    """One request to be sent. captured: without its legs, of which there may be many. body: the client's, without streaming. tokens:
    about how many it has; answered: how many the recorded answer had."""

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
    slim = replace(captured, body=b"", attempts=(), answer=None, record={})
    return Job(slim, body, estimate_tokens(chat), before if isinstance(before, int) else 0)


def _key(captured: Captured, body: JsonObject) -> object:
    """Of what is asked, where there is a conversation; else of the body."""
    talk = conversation_of(captured.record)
    if talk is None:
        return dumps(body), captured.prompt
    found = asked("generate", talk, "", ())
    return found.exact, found.setting.key, captured.prompt


class Live:
    """One provider and model. pool: where its accounts are leased, so that rests are kept, those that others have found out as well.
    send: asks one; now: unix seconds. stopped: why no account can be had any more, "" while one can."""

    def __init__(
        self,
        provider: Provider,
        model: str,
        pool: AccountPool,
        settings: Settings,
        send: Send | None = None,
        patience: float = _PATIENCE,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._provider, self._model, self._pool, self._settings = provider, model, pool, settings
        self._send, self._patience, self._now = send or _send, patience, now
        self.stopped = ""

    async def run(self, jobs: Sequence[Job], most: int) -> AsyncIterator[Facts]:
        """What came of each, as they end; nothing of those that were not sent. most: at once."""
        room = asyncio.Semaphore(most)

        async def one(job: Job) -> Facts | None:
            async with room:
                return None if self.stopped else await self.ask(job)

        tasks = [asyncio.create_task(one(job)) for job in jobs]
        try:
            for task in asyncio.as_completed(tasks):
                if (facts := await task) is not None:
                    yield facts
        finally:
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def ask(self, job: Job) -> Facts | None:
        """Errors become facts of an exchange that failed. None where no account could be had, and nothing was sent."""
        began = self._now()
        exchange = _exchange(job, self._model, self._settings)
        flow = HTTPFlow(
            Client(peername=("", 0), sockname=("", 0), timestamp_start=began), Server(address=None)
        )  # never connected
        exchange.attach(flow)
        exchange.keeps_bodies = True
        try:
            response = await self._answered(exchange, flow)
        except (ConversionError, UpstreamError) as error:
            response = exchange.failure_for(failure_of(error))
        return None if response is None else self._facts(job, exchange, response, began)

    async def _answered(self, exchange: Exchange, flow: HTTPFlow) -> Response | None:
        """None where no account could be had for the first try. Raises ConversionError and the last UpstreamError."""
        claim, last = Claim(retries=_RETRIES, patience=self._patience), None
        while True:
            another = last is not None and last.kind not in _PASSING
            try:
                held = await self._pool.lease(self._provider.name, self._model, claim, another=another)
            except (ConversionError, UpstreamError) as error:
                if last is not None:
                    raise last from None
                self.stopped = str(error)
                return None
            try:
                return await self._once(exchange, flow, held)
            except UpstreamError as error:
                if error.kind in _OWN_FAULTS:
                    raise
                last = error
            finally:
                self._pool.end(held)

    async def _once(self, exchange: Exchange, flow: HTTPFlow, held: Lease) -> Response:
        """Its outcome is reported. Raises ConversionError, UpstreamError."""
        try:
            response = await self._sent(exchange, flow, held)
        except (UpstreamError, CredentialError) as error:
            failed = error if isinstance(error, UpstreamError) else UpstreamError(Kind.AUTH, str(error))
            words = exchange.scrub(str(error).encode(errors="replace")).decode()
            self._pool.report(held, failed, exchange.id, reason=words, cause=cause_of(held.account, failed))
            raise failed from error
        self._pool.report(held, None, exchange.id)
        return response

    async def _sent(self, exchange: Exchange, flow: HTTPFlow, held: Lease) -> Response:
        account = held.account
        await account.credential.ready()
        exchange.turn_to(self._provider, account, held.model)
        exchange.why = "aiclient replay"
        wire = exchange.target
        assert wire is not None
        flow.request = Request.make("POST", "http://127.0.0.1/")
        if exchange.bypass:
            body: bytes | None = as_sent(exchange, wire, self._now)
        else:
            body = await converted(exchange, wire, ReasoningMemory(LatestSteps(time.monotonic)), self._now)
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
            headers=[("content-type", "application/json"), ("user-agent", AGENT)],
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
            prompt=exchange.prompt,
            error=failure.message if failure else "",
            secrets=tuple(secret.decode("latin-1") for secret in exchange.sent_secrets),
            replays=captured.id,
        )


def _exchange(job: Job, model: str, settings: Settings) -> Exchange:
    """As the client's leg would leave it, of a client that asks for this model and wants the whole answer at once."""
    captured = job.captured
    wire = WIRES[captured.protocol]
    exchange = Exchange(Match(Action.GENERATE, captured.protocol), wire, dict(_kept(captured)), settings)
    exchange.body = job.body | {"model": model}
    plain = {name: value for name, value in exchange.body.items() if name not in captured.said}
    exchange.raw = dumps(plain)
    exchange.model = model
    exchange.prompt_for = lambda _: captured.prompt
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
