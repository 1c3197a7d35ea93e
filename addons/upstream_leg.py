"""The provider's leg: pick provider and account, write the request in the provider's wire, read the answer back."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress

from mitmproxy.http import HTTPFlow, Response

from addons import routing
from addons.accounts import Accounts
from addons.exchange import EVENT_STREAM, Exchange, fresh_id
from addons.fetch import fetch_into
from addons.provider_answer import down_headers, is_event_stream, shown_models, watched, whole_answer, written_answer
from addons.providers import catalogue
from addons.providers.base import Action
from addons.relay import FailedAttempt
from addons.settings import Settings
from addons.upstream_request import address, leave_out_reasoning
from converters.count import estimate_tokens
from converters.envelope import MARK
from converters.errors import ConversionError, Failure, Kind, UpstreamError, failure_of
from converters.inflate import Inflate
from converters.json_codec import JsonObject, dumps
from converters.memory import Observer, ReasoningMemory
from converters.model_list import Model
from converters.pipe import StreamPipe, TeePipe
from converters.prepare import prepare
from converters.splice import remove_member
from converters.strip import strip_envelopes
from converters.turns import Chat, Reasoning, remote_documents
from converters.wire import Ask, Wire

log = logging.getLogger("aiclient")

_STREAM_LIMIT = 256 * 1024 * 1024  # bytes a compressed stream may grow to


class UpstreamLeg:
    """settings, accounts: read anew for each request. memory: reasoning tokens that stateless clients lose."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        accounts: Callable[[], Accounts],
        memory: ReasoningMemory,
        now: Callable[[], float],
    ) -> None:
        self._settings = settings
        self._accounts = accounts
        self._memory = memory
        self._now = now

    # --- request ---

    async def request(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        if exchange is None or flow.response:
            return
        try:
            if exchange.match.action is Action.HEALTH:
                flow.response = self._health(exchange)
            else:
                self._choose(exchange)
                await self._begin(exchange, flow)
        except ConversionError as error:
            exchange.refuse(flow, failure_of(error))
        except UpstreamError as error:
            exchange.refuse(flow, failure_of(error))
        except Exception:
            log.exception("%s: cannot build the upstream request", exchange.id)
            exchange.refuse(flow, Failure(500, f"aiclient failed on this request; its log names {exchange.id}"))

    def _choose(self, exchange: Exchange) -> None:
        known, accounts = catalogue(), self._accounts()
        named = exchange.match.provider or exchange.request_headers.get("model-provider") or None
        protocol = exchange.wire.name
        name = routing.choose(named, exchange.settings.model_provider, accounts.usable, protocol, known)
        exchange.provider = known[name]
        if exchange.provider.wire is not None:
            exchange.account = accounts.of(exchange.provider)
            exchange.bypass = exchange.provider.wire.name == protocol

    async def _begin(self, exchange: Exchange, flow: HTTPFlow) -> None:
        action, wire = exchange.match.action, exchange.target
        if wire is None:
            flow.response = self._answer_here(exchange)
        elif action is Action.COUNT and not exchange.bypass:
            flow.response = self._estimate(exchange)
        elif action is Action.GENERATE and not exchange.bypass:
            address(exchange, flow, await self._converted(exchange, wire))
        elif action in (Action.GENERATE, Action.COUNT):
            address(exchange, flow, self._as_sent(exchange, wire))
        else:
            address(exchange, flow, None)

    def _parsed(self, exchange: Exchange) -> Chat:
        chat = exchange.wire.parse_request(exchange.body, exchange.loss)
        exchange.ask = Ask(
            model=exchange.model,
            new_id=fresh_id,
            now=lambda: int(self._now()),
            include_usage=chat.want_usage,
            show_thinking=exchange.wire.name == "chat" or _is_shown(chat.reasoning),
        )
        return chat

    async def _converted(self, exchange: Exchange, wire: Wire) -> bytes:
        """Cross-protocol: through the hub."""
        chat = self._parsed(exchange)
        for part, url in remote_documents(chat) if not wire.limits.document_urls else ():
            await fetch_into(part, url)
        profile = exchange.provider.profile if exchange.provider else None
        assert profile is not None
        prepared = prepare(chat, wire, profile, exchange.loss, self._memory)
        exchange.loss.refuse_if_strict(exchange.settings.strict_conversion)
        exchange.restore = prepared.restore
        exchange.observer = Observer(self._memory)
        return dumps(prepared.body)

    def _as_sent(self, exchange: Exchange, wire: Wire) -> bytes:
        """Same protocol: the client's bytes, but for fields the account rejects and reasoning tokens of ours."""
        raw = exchange.raw
        # Needed when the provider answers in one body what should have been a stream, and for the error event of a cut one.
        exchange.ask = Ask(
            exchange.model, fresh_id, lambda: int(self._now()), include_usage=_wants_usage(exchange.body)
        )
        profile = exchange.provider.profile if exchange.provider else None
        for name in sorted(profile.rejected & exchange.body.keys()) if profile else ():
            raw = remove_member(raw, name)
            exchange.loss.drop(name, "the account's provider rejects it")
        if MARK.encode() in raw and strip_envelopes(wire.name, exchange.body):
            raw = dumps(exchange.body)
        exchange.loss.refuse_if_strict(exchange.settings.strict_conversion)
        return raw

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
            return self._estimate(exchange)
        if action in (Action.MODELS, Action.MODEL):
            model = Model(exchange.match.model or "aiclient-demo", "aiclient demo model", 0, "aiclient")
            return exchange.answer(200, dumps(shown_models(exchange, [model])))
        chat = self._parsed(exchange)
        events = watched(provider.answer(chat), exchange)
        return written_answer(exchange, events)

    def _estimate(self, exchange: Exchange) -> Response:
        # A counting call has no `max_tokens`, which the same body needs when it generates.
        tokens = estimate_tokens(exchange.wire.parse_request({"max_tokens": 1, **exchange.body}, exchange.loss))
        response = exchange.answer(200, dumps({"input_tokens": tokens}))
        response.headers["x-aiclient-estimated"] = "1"
        return response

    # --- response ---

    def attempt_failed(self, attempt: FailedAttempt) -> None:
        """One more try after a connection that failed before any byte: nothing was said yet, so nothing is said twice.

        stale: a kept-alive connection that the provider had closed in the meantime.
        """
        exchange = Exchange.of(attempt.flow)
        if exchange is None:
            return
        if attempt.answer is not None:
            attempt.again = leave_out_reasoning(exchange, attempt.flow, attempt.answer)
            return
        stale = attempt.reused and attempt.flow.response is None and attempt.error.kind is Kind.BROKEN_STREAM
        if exchange.retries_left > 0 and (stale or attempt.error.kind is Kind.UNREACHABLE):
            exchange.retries_left -= 1
            exchange.attempts += 1
            attempt.again = True

    def responseheaders(self, flow: HTTPFlow) -> None:
        exchange = Exchange.of(flow)
        response = flow.response
        if exchange is None or response is None or not exchange.sent:
            return
        if response.status_code == 200 and exchange.stream and is_event_stream(response):
            with suppress(UpstreamError):  # an unknown content coding: `response` refuses it
                exchange.pipe = self._pipe(exchange, response)
                self._stream_headers(exchange, response)
        if exchange.first_byte is None and not exchange.pipe:
            exchange.first_byte = time.monotonic()

    def _pipe(self, exchange: Exchange, response: Response) -> StreamPipe | TeePipe:
        wire, ask, provider = exchange.target, exchange.ask, exchange.provider
        assert wire is not None and ask is not None and provider is not None
        coding = response.headers.get("content-encoding", "identity").lower()
        undo = None if coding in ("", "identity") else Inflate(coding, _STREAM_LIMIT)
        reader, writer = wire.stream_reader(provider.profile), exchange.wire.stream_writer(ask)
        if exchange.bypass:
            return TeePipe(reader, writer, exchange.watch, wire.keep_alive, undo, exchange.scrub)
        restore = exchange.restore if exchange.restore and exchange.restore.needed else None
        return StreamPipe(reader, writer, exchange.watch, restore, undo, exchange.scrub)

    def _stream_headers(self, exchange: Exchange, response: Response) -> None:
        response.headers = down_headers(response.headers)
        response.headers["content-type"] = response.headers.get("content-type") if exchange.bypass else EVENT_STREAM
        response.headers["cache-control"] = "no-cache"
        response.stream = True
        exchange.stamp(response.headers)

    def response(self, flow: HTTPFlow) -> None:
        """A whole answer is here (or a streamed one has ended: nothing is left to do but to remember)."""
        exchange = Exchange.of(flow)
        if exchange is None or flow.response is None or not exchange.sent:
            return
        if exchange.pipe is None and exchange.failure is None:
            try:
                flow.response = whole_answer(exchange, flow.response)
            except UpstreamError as error:
                flow.response = exchange.failure_response(error)
            except Exception:
                log.exception("%s: cannot read the provider's answer", exchange.id)
                broken = UpstreamError(Kind.BROKEN_STREAM, f"the provider's answer could not be read ({exchange.id})")
                flow.response = exchange.failure_response(broken)
        if exchange.observer is not None and exchange.finish is not None and exchange.failure is None:
            exchange.observer.done()


def _is_shown(reasoning: Reasoning | None) -> bool:
    return reasoning is not None and reasoning.mode != "off" and reasoning.visible


def _wants_usage(body: JsonObject) -> bool:
    """Chat: the usage chunk is sent to those who ask for it."""
    options = body.get("stream_options")
    return isinstance(options, dict) and options.get("include_usage") is True
