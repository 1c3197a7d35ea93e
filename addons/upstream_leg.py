"""The provider's leg: pick provider and account, write the request in the provider's wire, read the answer back."""

import logging
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace

from mitmproxy.http import HTTPFlow, Response

from addons.accounts import Accounts
from addons.candidates import Candidate, Plan, nearest_models, plan
from addons.exchange import EVENT_STREAM, JSON, Exchange
from addons.listing import listing
from addons.model_lists import ModelLists
from addons.provider_answer import (
    down_headers,
    estimate,
    fault_in,
    in_envelope,
    is_stream,
    undoing,
    watched,
    whole_answer,
    written_answer,
)
from addons.providers import catalogue
from addons.providers.base import Action, Provider
from addons.relay import FailedAttempt, Pipe
from addons.routing import unknown_provider
from addons.settings import Settings
from addons.upstream_body import as_sent, converted, parsed, refuse_crossing
from addons.upstream_request import address, leave_out_reasoning
from converters.code_assist import EnclosedPipe
from converters.errors import ConversionError, Failure, Kind, UpstreamError, failure_of
from converters.gemini.array import ArrayPipe
from converters.json_codec import JsonObject, dumps
from converters.memory import ReasoningMemory
from converters.model_list import Model, write_list, write_model
from converters.pipe import StreamPipe, TeePipe
from creds.account import Account, CredentialError, State

log = logging.getLogger("aiclient")

_DEMO = Model("aiclient-demo", "aiclient demo model", 0, "aiclient")
# What another provider of the chain may do better. The client's own faults are not among them.
_NEXT = frozenset(Kind) - {Kind.BAD_REQUEST, Kind.CONTEXT_LENGTH, Kind.TOO_LARGE}


class UpstreamLeg:
    """settings, accounts: read anew for each request. memory: reasoning tokens that stateless clients lose. lists: of models."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        accounts: Callable[[], Accounts],
        memory: ReasoningMemory,
        now: Callable[[], float],
        lists: ModelLists,
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._memory = memory
        self._now = now
        self._lists = lists

    # --- request ---

    async def request(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or flow.response:
            return
        try:
            if exchange.match.action is Action.HEALTH:
                flow.response = self._health(exchange)
            elif exchange.match.action in (Action.MODELS, Action.MODEL):
                flow.response = await self._models(exchange)
            else:
                exchange.left, exchange.reads = deque((await self._plan(exchange)).candidates), fault_in
                await self._next(exchange, flow)
        except (ConversionError, UpstreamError) as error:
            exchange.refuse(flow, failure_of(error))
        except Exception:
            log.exception("%s: cannot build the upstream request", exchange.id)
            exchange.refuse(flow, Failure(500, f"aiclient failed on this request; its log names {exchange.id}"))

    async def _plan(self, exchange: Exchange) -> Plan:
        """Where the request goes, in which order. A guess is checked against what the providers list."""
        found = self._planned(exchange, exchange.model)
        if not found.candidates[0].certain:
            with suppress(UpstreamError):
                await self._lists.all_of(self._usable(exchange))
            found = self._planned(exchange, exchange.model)
        return found

    def _planned(self, exchange: Exchange, model: str) -> Plan:
        return plan(
            model,
            exchange.wire.name,
            _named(exchange),
            settings=exchange.settings,
            accounts=self._accounts(),
            catalogue=catalogue(),
            listed=self._lists.at_hand(),
        )

    def _usable(self, exchange: Exchange) -> list[tuple[Provider, Account]]:
        """The providers that a model list is made of: the named one, else all."""
        known, accounts = catalogue(), self._accounts()
        if (named := _named(exchange)) is not None:
            if named not in known:
                raise unknown_provider(named, known)
            provider = known[named]
            return [(provider, accounts.of(provider))] if provider.wire else []
        return [(known[name], accounts.of(known[name])) for name in accounts.usable]

    async def _next(self, exchange: Exchange, flow: HTTPFlow) -> None:
        """The request, written for the first of the providers left that can take it. Raises ConversionError when none can."""
        refused: ConversionError | None = None
        while exchange.left:
            try:
                await self._turn_to(exchange, flow, exchange.left.popleft())
                return
            except ConversionError as error:
                refused = refused or error
        raise refused or ConversionError("no provider is left")

    async def _turn_to(self, exchange: Exchange, flow: HTTPFlow, candidate: Candidate) -> None:
        provider, action = catalogue()[candidate.provider], exchange.match.action
        wire = provider.wire
        account = self._accounts().of(provider) if wire else None
        exchange.turn_to(provider, account, candidate.model)
        body: bytes | None = None
        if wire is None or account is None:
            flow.response = self._answer_here(exchange)
            return
        if not exchange.bypass and action in (Action.COMPACT, Action.STORED):
            raise refuse_crossing(exchange)
        if action is Action.STORED:
            pass
        elif exchange.bypass:
            body = as_sent(exchange, wire, self._now)
        else:
            body = await converted(exchange, wire, self._memory, self._now)
        if action is Action.COUNT and (body is None or provider.url(account, action) is None):
            flow.response = estimate(exchange)
            return
        try:
            await account.credential.ready()
            address(exchange, flow, body)
        except CredentialError as error:
            raise ConversionError(str(error), status=503, code="no_credential") from error

    # --- answers made here ---

    def _health(self, exchange: Exchange) -> Response:
        accounts = self._accounts()
        shown: JsonObject = {name: {"account": account.label} for name, account in accounts.by_provider.items()}
        return exchange.answer(200, dumps({"status": "ok", "providers": shown or {"demo": {"account": None}}}))

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

    async def _models(self, exchange: Exchange) -> Response:
        """The list, or one entry of it: 404 with the nearest names for one that is not there."""
        usable = self._usable(exchange)

        def lead(name: str) -> Candidate | None:
            with suppress(ConversionError):
                return self._planned(exchange, name).candidates[0]
            return None

        aliases: Collection[str] = exchange.settings.routes.names
        if _named(exchange) is not None:  # of one provider: those of others mean nothing to it
            aliases = [alias for alias in aliases if (to := lead(alias)) is not None and to.model != alias]
        try:
            lists = await self._lists.all_of(usable)
        except UpstreamError as error:
            if not aliases:
                raise UpstreamError(Kind.SERVER, f"no provider gave a model list: {error}") from error
            lists = {}

        found = listing(lists, aliases, lead) if usable else [_DEMO]
        if exchange.match.action is Action.MODELS:
            return exchange.answer(200, dumps(write_list(exchange.wire.name, found)))
        asked = exchange.match.name or ""
        ids = {model.id: model for model in found}
        if asked not in ids and (to := lead(asked)) is not None:
            listed = next((model for model in lists.get(to.provider, ()) if model.id == to.model), None)
            if listed is not None:  # written as `provider:model`, or by an alias with a wildcard
                ids |= {model.id: model for model in listing({}, [asked], lambda _: to)}
        if asked not in ids:
            raise unknown_model(asked, ids)
        return exchange.answer(200, dumps(write_model(exchange.wire.name, ids[asked])))

    # --- response ---

    async def attempt_failed(self, attempt: FailedAttempt) -> None:
        """Nothing was said to the client yet, so nothing is said twice: once more over a new connection, or without the
        reasoning of earlier turns, or the next provider of the route's chain.

        stale: a kept-alive connection that the provider had closed in the meantime.
        """
        exchange = Exchange.of(attempt.flow)
        if exchange is None:
            return
        if attempt.answer is not None and leave_out_reasoning(exchange, attempt.flow, attempt.answer):
            attempt.again = True
            return
        if attempt.answer is not None and await self._renewed(exchange, attempt):
            attempt.again = True
            return
        stale = attempt.reused and attempt.flow.response is None and attempt.error.kind is Kind.BROKEN_STREAM
        refused = attempt.error.kind is Kind.UNREACHABLE
        if attempt.answer is None and exchange.retries_left > 0 and (stale or refused):
            exchange.retries_left -= 1
            exchange.attempts += 1
            attempt.again = True
        elif (
            exchange.match.action is Action.GENERATE and exchange.left and read_refusal(exchange, attempt).kind in _NEXT
        ):
            await self._fall_back(exchange, attempt)

    async def _renewed(self, exchange: Exchange, attempt: FailedAttempt) -> bool:
        """Whether the account is another now than the one its provider refused, so that it is worth one more try: with a new
        credential, or with a new body where something in its envelope was found out anew."""
        provider, account = exchange.provider, exchange.account
        assert provider is not None and account is not None
        error = read_refusal(exchange, attempt)
        superseded = error.kind is Kind.AUTH and _is_superseded(exchange, provider, account)
        mended = not superseded and provider.judge(account, error)
        if exchange.renewed:
            return False
        if mended:
            refused = exchange.snapshot()
            try:
                await self._turn_to(exchange, attempt.flow, Candidate(provider.name, exchange.target_model, ""))
            except ConversionError:
                exchange.return_to(refused)
                return False
        elif superseded or (error.kind is Kind.AUTH and await account.credential.renew()):
            exchange.secret_headers = provider.headers(account)
        else:
            return False
        exchange.renewed = True
        exchange.attempts += 1
        return True

    async def _fall_back(self, exchange: Exchange, attempt: FailedAttempt) -> None:
        # One that answers in here could not be sent to.
        exchange.left = deque(left for left in exchange.left if catalogue()[left.provider].wire is not None)
        failed = exchange.snapshot()
        log.info("%s: %s: %s", exchange.id, exchange.target_name, attempt.error)
        try:
            await self._next(exchange, attempt.flow)
        except ConversionError:  # none of the others can take it: what came stands
            exchange.return_to(failed)
            return
        exchange.attempts += 1
        attempt.again = True

    def responseheaders(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        response = flow.response
        if exchange is None or response is None or not exchange.sent:
            return
        if response.status_code == 200 and exchange.stream and is_stream(exchange, response):
            with suppress(UpstreamError):  # an unknown content coding: `response` refuses it
                pipe = self._pipe(exchange, response)
                exchange.pipe = (
                    EnclosedPipe(pipe) if exchange.code_assist else ArrayPipe(pipe) if exchange.array else pipe
                )
                self._stream_headers(exchange, response)
        if exchange.first_byte is None and not exchange.pipe:
            exchange.first_byte = time.monotonic()

    def _pipe(self, exchange: Exchange, response: Response) -> Pipe:
        wire, ask, provider = exchange.target, exchange.ask, exchange.provider
        assert wire is not None and ask is not None and provider is not None
        undo = undoing(response.headers.get("content-encoding", ""), provider.opener())
        reader, writer = wire.stream_reader(exchange.profile, exchange.chat), exchange.wire.stream_writer(ask)
        if exchange.bypass:
            return TeePipe(reader, writer, exchange.watch, exchange.wire.keep_alive, undo, exchange.scrub)
        restore = exchange.restore if exchange.restore and exchange.restore.needed else None
        return StreamPipe(reader, writer, exchange.watch, restore, undo, exchange.scrub)

    def _stream_headers(self, exchange: Exchange, response: Response) -> None:
        response.headers = down_headers(response.headers)
        if exchange.array:
            response.headers["content-type"] = JSON
        elif not exchange.bypass:
            response.headers["content-type"] = EVENT_STREAM
        response.headers["cache-control"] = "no-cache"
        response.stream = True
        exchange.stamp(response.headers)

    async def response(self, flow: HTTPFlow) -> None:
        """A whole answer is here (or a streamed one has ended: nothing is left to do but to remember)."""
        exchange = Exchange.of(flow)
        if exchange is None or flow.response is None:
            return
        if exchange.sent:
            await self._answered(exchange, flow)
        if exchange.code_assist and exchange.match.action is Action.GENERATE and exchange.pipe is None:
            flow.response.content = in_envelope(flow.response)

    async def _answered(self, exchange: Exchange, flow: HTTPFlow) -> None:
        assert flow.response is not None
        if exchange.pipe is None and exchange.failure is None:
            try:
                flow.response = whole_answer(exchange, flow.response)
                await self._name_others(exchange, flow)
                _advise(exchange, flow)
            except UpstreamError as error:
                flow.response = exchange.failure_response(error)
            except Exception:
                log.exception("%s: cannot read the provider's answer", exchange.id)
                broken = UpstreamError(Kind.BROKEN_STREAM, f"the provider's answer could not be read ({exchange.id})")
                flow.response = exchange.failure_response(broken)
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


def _is_superseded(exchange: Exchange, provider: Provider, account: Account) -> bool:
    """Whether the account has another credential by now than the one that was sent: then a refusal of that says nothing of it."""
    try:
        return exchange.secret_headers != provider.headers(account)
    except CredentialError:
        return False


def _advise(exchange: Exchange, flow: HTTPFlow) -> None:
    """A refusal that ended the account's use says what to do; the provider's words seldom do."""
    account, failure = exchange.account, exchange.failure
    if account is None or failure is None or failure.kind not in (Kind.AUTH, Kind.FORBIDDEN):
        return
    status = account.credential.status()
    if status.state in (State.SUSPENDED, State.NEEDS_LOGIN):
        words = status.advice if failure.message in status.advice else f"{failure.message} ({status.advice})"
        flow.response = exchange.failure_for(replace(failure, message=words))


def unknown_model(name: str, known: Iterable[str], where: str = "aiclient") -> ConversionError:
    """404, with the nearest names."""
    near = nearest_models(name, known)
    hint = f"; near to it: {', '.join(near)}" if near else ""
    return ConversionError(
        f"{where} has no model {name[:100]!r}{hint}", param="model", status=404, code="model_not_found"
    )


def _named(exchange: Exchange) -> str | None:
    """A provider that the client names, by path or header."""
    return exchange.match.provider or exchange.request_headers.get("model-provider") or None


def read_refusal(exchange: Exchange, attempt: FailedAttempt) -> UpstreamError:
    """What went wrong, in the provider's own words where there are any."""
    answer, provider = attempt.answer, exchange.provider
    if answer is None or provider is None or provider.wire is None:
        return attempt.error
    headers = {name.lower(): value for name, value in answer.headers.items()}
    return provider.wire.read_error(answer.status_code, headers, provider.open_answer(answer.raw_content or b""))
