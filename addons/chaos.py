"""Faults on purpose, so that an agent can be tested against a failing provider.

`chaos_place` says who meets them. `client`: they strike on the way to the client, which sees what a failing provider of its own
protocol looks like; a fault that needs no answer spends no quota. `upstream`: a provider seems to fail to ourselves, once it has begun
to answer, so that retries, fallback and the mapping of errors are put to the test.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from weakref import WeakKeyDictionary

from mitmproxy.flow import Error
from mitmproxy.http import HTTPFlow, Response

from addons.chaos_plan import STATUSES, STRIKE_TEXT, Strike, read_strike
from addons.chaos_stream import PAGE, Break, BrokenPipe, FailedPipe, FaultyPipe
from addons.exchange import EVENT_STREAM, Exchange
from addons.providers.base import Action
from addons.settings import Settings
from converters.errors import ConversionError, Failure, Kind, UpstreamError, failure_of

HEADER = "x-aiclient-chaos"
RETRY_AFTER = 2.0  # seconds
_HALF = b'{"chaos": "this answer is cut before its end", "more": "............................................"}'
_LOOK_SECONDS = 0.1  # how often a silence looks whether its client is still there
_KINDS = {
    "429": (Kind.RATE_LIMIT, "Rate limit reached, try again later"),
    "500": (Kind.SERVER, "Internal server error"),
    "503": (Kind.OVERLOADED, "The provider is overloaded, try again later"),
    "529": (Kind.OVERLOADED, "The provider is overloaded, try again later"),
    "reset": (Kind.UNREACHABLE, "the provider closed the connection before a response"),
    "stall": (Kind.TIMEOUT, "the provider fell silent"),
    "cut": (Kind.BROKEN_STREAM, "the provider broke off"),
    "garbage": (Kind.BROKEN_STREAM, "the provider's answer could not be read"),
}
log = logging.getLogger("aiclient")


def error_of(strike: Strike) -> UpstreamError:
    """What a provider's fault of this kind is to us."""
    kind, words = _KINDS[strike.fault]
    status = int(strike.fault) if strike.fault in STATUSES else None
    wait = RETRY_AFTER if kind is Kind.RATE_LIMIT else None
    return UpstreamError(kind, f"{words} (injected by aiclient chaos: {strike})", status=status, retry_after=wait)


class Chaos:
    """Addon, before the upstream leg: chooses the fault of a generating call, and plays those that need no provider.

    on: there may be faults at all. pause: how to wait. now: `time.monotonic()` seconds.
    """

    def __init__(
        self,
        settings: Callable[[], Settings],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings, self._pause, self._now = settings, pause, now
        self._asked: tuple[object, ...] = ()
        self._random = random.Random()  # noqa: S311 (not a secret)
        self.on = self.at_client = False
        self.struck: WeakKeyDictionary[HTTPFlow, Strike] = WeakKeyDictionary()
        self.wanted: WeakKeyDictionary[HTTPFlow, Strike | None] = WeakKeyDictionary()

    def configure(self, updated: set[str]) -> None:
        settings = self._settings()
        asked = (str(settings.chaos), settings.chaos_header, settings.chaos_place, settings.chaos_seed)
        if asked == self._asked:
            return
        self._asked = asked
        self._random = random.Random(int(settings.chaos_seed) if settings.chaos_seed else None)  # noqa: S311
        self.on = bool(settings.chaos.rows) or settings.chaos_header
        self.at_client = settings.chaos_place == "client"
        if self.on:
            log.warning("%s", told(settings))

    def request(self, flow: HTTPFlow) -> Awaitable[None] | None:
        if not self.on:
            return None
        exchange = Exchange.of(flow)
        if exchange is None or flow.response or exchange.match.action is not Action.GENERATE:
            return None
        asked = exchange.request_headers.get(HEADER) if self._settings().chaos_header else None
        if asked is not None:
            try:
                self.wanted[flow] = read_strike(asked)
            except ValueError as error:
                exchange.refuse(flow, failure_of(ConversionError(f"{HEADER}: {error}", param=HEADER)))
                return None
        strike = self.draw(flow) if self.at_client else None
        return None if strike is None else self._strike(exchange, flow, strike)

    def draw(self, flow: HTTPFlow) -> Strike | None:
        """The fault that this answer is to meet. What a client asked for is given once, and takes nothing from the dice."""
        if flow in self.wanted:
            strike, self.wanted[flow] = self.wanted[flow], None
            return strike
        return self._settings().chaos.pick(self._random.random(), self._random.random())

    def note(self, flow: HTTPFlow, strike: Strike) -> None:
        self.struck[flow] = strike
        flow.metadata["aiclient"]["chaos"] = str(strike)

    def error(self, flow: HTTPFlow) -> None:
        """For the log: who killed it. There was no answer."""
        strike = self.struck.get(flow)
        if strike is not None and flow.error is not None and flow.error.msg == Error.KILLED_MESSAGE:
            flow.error, flow.response = Error(f"chaos: {strike}"), None

    def _strike(self, exchange: Exchange, flow: HTTPFlow, strike: Strike) -> Awaitable[None] | None:
        self.note(flow, strike)
        if exchange.stream and strike.within:
            return None  # its stream is struck once there is one
        if strike.fault in STATUSES:
            flow.response = exchange.failure_response(error_of(strike))
            flow.response.headers[HEADER] = str(strike)
            return None
        flow.response = exchange.answer(
            200, _HALF
        )  # so that nobody is asked; `ChaosAnswers` makes it what it should be
        if strike.fault == "reset":
            flow.kill()
        return self.silence(exchange, flow) if strike.fault == "stall" else None

    async def silence(self, exchange: Exchange, flow: HTTPFlow) -> None:
        """Until the client has had enough, or time is over; then the connection is cut."""
        began = now = self._now()
        longest = exchange.settings.chaos_stall_seconds
        while flow.client_conn.connected and not 0 < longest <= now - began:
            if 0 < exchange.total_seconds <= now - exchange.began:
                break
            await self._pause(_LOOK_SECONDS)
            now = self._now()
        if flow.killable:
            flow.kill()


class ChaosAnswers:
    """Addon, behind the upstream leg: what has to be done to an answer."""

    def __init__(self, chaos: Chaos) -> None:
        self._chaos = chaos
        self._broken: WeakKeyDictionary[HTTPFlow, BrokenPipe] = WeakKeyDictionary()  # others may put theirs around it

    def responseheaders(self, flow: HTTPFlow) -> None:
        if not self._chaos.on:
            return
        exchange, response = Exchange.of(flow), flow.response
        if exchange is None or response is None or exchange.match.action is not Action.GENERATE:
            return
        if not self._chaos.at_client:
            if exchange.sent:
                self._fail_upstream(exchange, flow, response)
        elif exchange.pipe is not None and (strike := self._chaos.struck.get(flow)) is not None:
            exchange.pipe = self._broken[flow] = BrokenPipe(exchange.pipe, strike, array=exchange.array)
            response.headers[HEADER] = str(strike)

    def _fail_upstream(self, exchange: Exchange, flow: HTTPFlow, response: Response) -> None:
        """Each attempt throws the dice; one that fails by itself is left to it."""
        if response.status_code == 200 and (strike := self._chaos.draw(flow)) is not None:
            self._chaos.note(flow, strike)
            if exchange.pipe is not None and strike.within:
                plain = response.headers.get("content-encoding", "identity").lower() == "identity"
                framed = plain and exchange.target is not None and exchange.target.stream_type == EVENT_STREAM
                exchange.pipe = FaultyPipe(exchange.pipe, strike, error_of(strike), framed=framed)
            else:
                exchange.pipe = FailedPipe(error_of(strike))
        if (met := self._chaos.struck.get(flow)) is not None:
            response.headers[HEADER] = str(met)

    def response(self, flow: HTTPFlow) -> Awaitable[None] | None:
        if not self._chaos.on:
            return None
        exchange, response, strike = Exchange.of(flow), flow.response, self._chaos.struck.get(flow)
        if exchange is None or response is None or strike is None:
            return None
        if not self._chaos.at_client:
            response.headers[HEADER] = str(strike)
            return None
        if strike.fault in STATUSES or response.status_code != 200:
            return None  # it is done, or the provider failed by itself
        if exchange.pipe is None:
            came = exchange.sent  # by the relay, which gives it a length and an end of its own
            response.headers[HEADER] = str(strike)
            ended = strike.fault != "stall" and not (came and strike.fault == "cut")
            if ended:
                _break_whole(exchange, response, strike)
        elif (pipe := self._broken.get(flow)) is None or not pipe.struck:
            return None
        else:
            ended = strike.fault == "garbage"
        exchange.failure = Failure(200, f"chaos: {strike}")
        if ended:
            return None
        if strike.fault == "stall":
            return self._chaos.silence(exchange, flow)
        flow.kill()  # the head and a part of the body are out: the connection is closed
        return None


def _break_whole(exchange: Exchange, response: Response, strike: Strike) -> None:
    """An answer that was made here: half of it and a closed connection, or something else in its place."""
    body = response.raw_content or b""
    if exchange.stream:
        broken = Break(strike, array=exchange.array).feed(body, ended=True)
    elif strike.fault == "garbage":
        broken = PAGE
    else:
        broken = body[: min(strike.after, len(body) - 1) if strike.in_bytes else len(body) // 2]
    response.content = broken
    if strike.fault == "cut":
        response.headers["content-length"] = str(len(body))
        response.headers["connection"] = "close"


def told(settings: Settings) -> str:
    """One line: what is to be expected."""
    rows = ", ".join(f"{fault} {rate * 100:.12g} %" for fault, rate in settings.chaos.rows)
    where = "answers fail" if settings.chaos_place == "client" else "attempts fail"
    rates = f"{settings.chaos.total * 100:.12g} % of the {where} on purpose ({rows})" if rows else "none by rate"
    asked = f"; on demand by header: {HEADER}: {STRIKE_TEXT}" if settings.chaos_header else ""
    return f"chaos: faults are injected: {rates}{asked}"
