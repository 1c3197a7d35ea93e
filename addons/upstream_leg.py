"""The provider's leg: pick provider and account, write the request in the provider's wire, read the answer back."""

import logging
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from mitmproxy.http import HTTPFlow, Response

from addons.account_pool import AccountPool, Claim
from addons.accounts import Accounts
from addons.affinity import affinity_of
from addons.attempts import shown
from addons.candidates import Candidate
from addons.exchange import Exchange
from addons.failover import Failover, is_wanted
from addons.model_lists import ModelLists
from addons.own_answers import OwnAnswers
from addons.plans import Plans, unknown_model
from addons.prompt_archive import client_of
from addons.provider_answer import (
    estimate,
    good_answer,
    in_envelope,
    is_stream,
    watched,
    whole_answer,
    written_answer,
)
from addons.provider_stream import head_of_stream, pipe_for
from addons.providers import catalogue
from addons.providers.base import Action
from addons.relay import FailedAttempt
from addons.stored_answers import StoredAnswers
from addons.system_prompt import SystemPrompts
from addons.upstream_body import as_sent, converted, parsed, refuse_crossing
from addons.upstream_request import address
from converters.errors import ConversionError, Failure, Kind, UpstreamError, failure_of
from converters.memory import ReasoningMemory
from creds.account import CredentialError, State
from creds.pool_outcome import CANCELLED, SUCCESS

log = logging.getLogger("aiclient")


class UpstreamLeg:
    """accounts: read anew for each request. memory: reasoning tokens that stateless clients lose. lists: of models. prompts: the
    operator's. stored: which account keeps an answer."""

    def __init__(
        self,
        accounts: Callable[[], Accounts],
        memory: ReasoningMemory,
        now: Callable[[], float],
        lists: ModelLists,
        pool: AccountPool,
        prompts: SystemPrompts,
        stored: StoredAnswers,
    ) -> None:
        self._accounts, self._memory, self._now, self._lists, self._pool = accounts, memory, now, lists, pool
        self._prompts, self._stored = prompts, stored
        self._plans = Plans(accounts, lists)
        self._own = OwnAnswers(accounts, pool, lists, self._plans)
        self._failover = Failover(pool, self._turn_to, self._next, self._write)

    # --- request ---

    async def request(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or flow.response:
            return
        try:
            if exchange.match.action is Action.HEALTH:
                flow.response = self._own.health(exchange)
            elif exchange.match.action in (Action.MODELS, Action.MODEL):
                flow.response = await self._own.models(exchange)
            else:
                plan = await self._plans.of(exchange)
                exchange.left, exchange.read = deque(plan.candidates), good_answer
                client, _ = client_of(exchange.request_headers.get("user-agent", ""))
                exchange.prompt_for = self._prompts.choose(exchange.settings, client, plan.route)
                exchange.claim = self._claim(exchange)
                await self._next(exchange, flow)
        except (ConversionError, UpstreamError) as error:
            exchange.refuse(flow, failure_of(error))
        except Exception:
            log.exception("%s: cannot build the upstream request", exchange.id)
            exchange.refuse(flow, Failure(500, f"aiclient failed on this request; its log names {exchange.id}"))

    def _claim(self, exchange: Exchange) -> Claim:
        settings, pools = exchange.settings, self._accounts().pools
        is_chosen = any(len(pools.get(candidate.provider, ())) > 1 for candidate in exchange.left)
        return Claim(
            affinity_of(exchange) if is_chosen else "",  # a long first message takes its time
            settings.request_max_retries,
            settings.account_wait_seconds,
            self._stored.label_for(exchange),
        )

    async def _next(self, exchange: Exchange, flow: HTTPFlow) -> None:
        """The request, written for the first of the providers left that can take it. Raises the first one's error when none
        can."""
        refused: ConversionError | UpstreamError | None = None
        while exchange.left:
            try:
                await self._turn_to(exchange, flow, exchange.left.popleft())
                return
            except (ConversionError, UpstreamError) as error:
                refused = refused or error
        raise refused or ConversionError("no provider is left")

    async def _turn_to(
        self, exchange: Exchange, flow: HTTPFlow, candidate: Candidate, *, another: bool = False
    ) -> None:
        """Writes the request for an account of a provider. another: one that was not tried yet.

        Raises ConversionError when it cannot be written or no account can serve it, UpstreamError when they all rest.
        """
        provider, action = catalogue()[candidate.provider], exchange.match.action
        exchange.turn_to(provider, None, candidate.model)
        exchange.why = candidate.why or exchange.why
        if provider.wire is None:
            flow.response = self._answer_here(exchange)
            return
        some = self._accounts().of(provider)[0].account
        if not exchange.bypass and action in (Action.COMPACT, Action.STORED):
            raise refuse_crossing(exchange)
        if action is Action.COUNT and provider.url(some, action) is None:
            flow.response = estimate(exchange)
            return
        refused: CredentialError | None = None
        while True:
            try:
                held = await self._pool.lease(
                    provider.name,
                    candidate.model,
                    exchange.claim,
                    another=another or refused is not None,
                    waits=not exchange.left,
                    is_wanted=lambda: is_wanted(flow),
                )
            except (ConversionError, UpstreamError):
                if refused is None:
                    raise
                raise ConversionError(str(refused), status=503, code="no_credential") from refused
            exchange.lease = held
            exchange.turn_to(provider, held.account, candidate.model)
            try:
                await self._write(exchange, flow)
                return
            except CredentialError as error:
                refused = refused or error
                self._failover.settle(exchange, UpstreamError(Kind.AUTH, str(error)))
            except BaseException:
                self._failover.settle(exchange, None, cause=CANCELLED)
                raise

    async def _write(self, exchange: Exchange, flow: HTTPFlow) -> None:
        """The request for the account that it is leased to. Raises CredentialError when that cannot be used."""
        account, wire, action = exchange.account, exchange.target, exchange.match.action
        assert account is not None and wire is not None
        await account.credential.ready()
        body: bytes | None = None
        if action is not Action.STORED:
            if exchange.bypass:
                body = as_sent(exchange, wire, self._now)
            else:
                body = await converted(exchange, wire, self._memory, self._now)
            if body is None:
                flow.response = estimate(exchange)
                self._failover.settle(exchange, None, cause=CANCELLED)
                return
        address(exchange, flow, body)

    def _answer_here(self, exchange: Exchange) -> Response:
        """A provider inside the process, which answers in whatever protocol was asked."""
        provider, action = exchange.provider, exchange.match.action
        assert provider is not None
        if action is Action.COUNT:
            return estimate(exchange)
        if action is not Action.GENERATE:
            raise refuse_crossing(exchange)
        chat = parsed(exchange, self._now)
        return written_answer(exchange, watched(provider.answer(chat), exchange))

    # --- response ---

    async def attempt_failed(self, attempt: FailedAttempt) -> None:
        await self._failover.attempt_failed(attempt)

    def responseheaders(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        response = flow.response
        if exchange is None or response is None or not exchange.sent:
            return
        if exchange.made:
            made = exchange.made[-1]
            made.status, made.answer_headers = response.status_code, response.headers.fields
        if response.status_code == 200 and exchange.stream and is_stream(exchange, response):
            with suppress(UpstreamError):  # an unknown content coding: `response` refuses it
                exchange.pipe = pipe_for(exchange, response)
                exchange.on_answer = lambda: self._has_begun(exchange)
                head_of_stream(exchange, response)
        if exchange.first_byte is None and not exchange.pipe:
            exchange.first_byte = time.monotonic()

    def _has_begun(self, exchange: Exchange) -> None:
        """A stream says something: the account is well, and whoever waits for that need not wait for the stream's end."""
        if exchange.lease is not None:
            self._pool.report(exchange.lease, None, exchange.id)

    async def response(self, flow: HTTPFlow) -> None:
        """A whole answer is here (or a streamed one has ended: nothing is left to do but to remember)."""
        exchange = Exchange.of(flow)
        if exchange is None or flow.response is None:
            return
        if exchange.sent:
            await self._answered(exchange, flow)
        tell_attempts(exchange, flow)
        if exchange.code_assist and exchange.match.action is Action.GENERATE and exchange.pipe is None:
            flow.response.content = in_envelope(flow.response)

    def error(self, flow: HTTPFlow) -> None:
        """The client has left, or gets nothing."""
        if (exchange := Exchange.of(flow)) is not None:
            _end_attempt(exchange, CANCELLED)
            tell_attempts(exchange, flow)
            self._failover.settle(exchange, None, cause=CANCELLED)

    async def _answered(self, exchange: Exchange, flow: HTTPFlow) -> None:
        assert flow.response is not None
        if exchange.pipe is None and exchange.failure is None:
            _end_attempt(exchange, SUCCESS, flow.response)
            try:
                flow.response = exchange.answered or whole_answer(exchange, flow.response)
                await self._name_others(exchange, flow)
                _advise(exchange, flow)
            except UpstreamError as error:
                flow.response = exchange.failure_response(error)
            except Exception:
                log.exception("%s: cannot read the provider's answer", exchange.id)
                broken = UpstreamError(Kind.BROKEN_STREAM, f"the provider's answer could not be read ({exchange.id})")
                flow.response = exchange.failure_response(broken)
        broken_off = exchange.pipe.failed if exchange.pipe is not None else None
        if broken_off is not None:
            _end_attempt(exchange, broken_off.kind.value, flow.response, str(broken_off))
        elif exchange.pipe is not None:
            _end_attempt(exchange, SUCCESS, flow.response)
        is_ours = exchange.failure is not None and broken_off is None  # what is the account's was settled when it came
        self._failover.settle(exchange, broken_off, cause=CANCELLED if is_ours else "")
        if exchange.failure is None and broken_off is None:
            self._stored.note(exchange)
        if exchange.observer is not None and exchange.finish is not None and exchange.failure is None:
            exchange.observer.done()

    async def _name_others(self, exchange: Exchange, flow: HTTPFlow) -> None:
        """16: to a model that its provider does not know, the nearest ones that it has."""
        provider, account, failure = exchange.provider, exchange.account, exchange.failure
        if failure is None or failure.status != 404 or exchange.match.action is Action.STORED:
            return
        assert provider is not None and account is not None
        with suppress(UpstreamError):
            known = [model.id for model in await self._lists.of(provider, account)]
            if exchange.target_model not in known:
                hint = unknown_model(exchange.target_model, known, provider.name)
                message = f"{failure.message} ({hint})"
                flow.response = exchange.failure_for(replace(failure, message=message, code="model_not_found"))


def tell_attempts(exchange: Exchange, flow: HTTPFlow) -> None:
    """For mitmweb and dumps, which see the last of them alone."""
    if exchange.made:
        flow.metadata["aiclient"]["attempts"] = [shown(attempt) for attempt in exchange.made]


def _end_attempt(exchange: Exchange, outcome: str, answer: Response | None = None, reason: str = "") -> None:
    """What became of the last one, unless that is known already."""
    if not exchange.made or exchange.made[-1].outcome:
        return
    made = exchange.made[-1]
    made.ended, made.outcome = time.time(), outcome
    made.reason = exchange.scrub(reason.encode(errors="replace")).decode()
    if answer is not None and exchange.keeps_bodies and exchange.pipe is None:
        made.answer = answer.raw_content or b""


def _advise(exchange: Exchange, flow: HTTPFlow) -> None:
    """A refusal that ended the account's use says what to do; the provider's words seldom do."""
    account, failure = exchange.account, exchange.failure
    if account is None or failure is None or failure.kind not in (Kind.AUTH, Kind.FORBIDDEN):
        return
    status = account.credential.status()
    if status.state in (State.SUSPENDED, State.NEEDS_LOGIN):
        words = status.advice if failure.message in status.advice else f"{failure.message} ({status.advice})"
        flow.response = exchange.failure_for(replace(failure, message=words))
