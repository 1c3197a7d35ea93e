"""An attempt that failed, with nothing said to the client yet: who is asked next, if anybody."""

import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from mitmproxy.http import HTTPFlow

from addons.account_pool import AccountPool, cause_of
from addons.candidates import Candidate
from addons.exchange import Exchange
from addons.provider_answer import cannot_count, read_refusal
from addons.providers import catalogue
from addons.providers.base import Action, Provider
from addons.relay import FailedAttempt
from addons.stored_answers import referred
from addons.upstream_request import begin_attempt, leave_out_reasoning
from converters.errors import ConversionError, Kind, UpstreamError
from creds.account import Account, CredentialError
from creds.pool_outcome import CANCELLED

log = logging.getLogger("aiclient")

# The client's own faults: nobody else could do better.
_OWN_FAULTS = frozenset({Kind.BAD_REQUEST, Kind.CONTEXT_LENGTH, Kind.TOO_LARGE})
# What may be gone when the same account is asked again. After a timeout the client has waited long enough for it.
_PASSING = frozenset({Kind.RATE_LIMIT, Kind.OVERLOADED, Kind.SERVER, Kind.UNREACHABLE, Kind.BROKEN_STREAM})
# What says something of its account alone, and nothing of when to try again.
_OF_ACCOUNT = frozenset({Kind.AUTH, Kind.PAYMENT, Kind.FORBIDDEN})
_NO_DESCRIPTOR = "Too many open files"
_OF_ANOTHER = "previous_response_not_found"  # another account may keep it
_MOST_NOT_FOUND = 8  # accounts that may say that they do not know a model, before they are believed: vendors can differ

type TurnTo = Callable[..., Awaitable[None]]


class Failover:
    """turn_to(exchange, flow, candidate, another=...): writes the request for an account of a provider. go_on(exchange, flow): for
    the first of the providers left that can take it. write(exchange, flow): anew, for the account that it is leased to."""

    def __init__(
        self,
        pool: AccountPool,
        turn_to: TurnTo,
        go_on: Callable[[Exchange, HTTPFlow], Awaitable[None]],
        write: Callable[[Exchange, HTTPFlow], Awaitable[None]],
    ) -> None:
        self._pool, self._turn_to, self._go_on, self._write = pool, turn_to, go_on, write

    async def attempt_failed(self, attempt: FailedAttempt) -> None:
        """The same once more (a kept-alive connection that had ended; without the reasoning of earlier turns; with a renewed
        credential), or another account, or the same account after a pause, or the next provider of the route's chain."""
        exchange, flow = Exchange.of(attempt.flow), attempt.flow
        if exchange is None:
            return
        error = attempt.error if attempt.answer is None else read_refusal(exchange, attempt.answer)
        _note(exchange, attempt, error)
        exchange.forget_answer()
        if attempt.answer is not None:
            if leave_out_reasoning(exchange, flow, attempt.answer) or await self._renewed(exchange, flow, error):
                attempt.again = True
                return
        elif attempt.reused and flow.response is None and error.kind is Kind.BROKEN_STREAM:
            begin_attempt(
                exchange, flow
            )  # a connection kept alive that the provider had closed: it says nothing of him
            attempt.again = True
            return
        is_unknown = exchange.match.action is Action.COUNT and cannot_count(exchange, error)
        if not is_wanted(flow):  # what failed may have failed for that
            self.settle(exchange, error, cause=CANCELLED)
            return
        self.settle(exchange, error, cause=Kind.NOT_FOUND.value if is_unknown else "")
        if is_unknown or (error.kind in _OWN_FAULTS and error.code != _OF_ANOTHER):
            return
        if _is_over(exchange):  # it would not be sent
            return
        attempt.again = await self._elsewhere(exchange, attempt, error)

    def settle(self, exchange: Exchange, error: UpstreamError | None, *, cause: str = "") -> None:
        """The attempt is over for its account."""
        if (held := exchange.lease) is None or held.over:
            return
        if error is not None and not cause:
            cause = cause_of(held.account, error)
            if _is_over(exchange) or _NO_DESCRIPTOR in str(error):  # our own deadline, or our own want
                cause = CANCELLED
        words = _words(exchange, error) if error else ""
        self._pool.report(held, error, exchange.id, reason=words, cause=cause)
        self._pool.end(held)

    async def _renewed(self, exchange: Exchange, flow: HTTPFlow, error: UpstreamError) -> bool:
        """Whether the account is another now than the one its provider refused, so that it is worth one more try: with a new
        credential, or with a new body where something in its envelope was found out anew."""
        provider, account = exchange.provider, exchange.account
        assert provider is not None and account is not None
        superseded = error.kind is Kind.AUTH and _is_superseded(exchange, provider, account)
        mended = not superseded and provider.judge(account, error)
        if exchange.renewed:
            return False
        if mended:
            refused = exchange.snapshot()
            try:
                exchange.turn_to(provider, account, exchange.target_model)
                await self._write(exchange, flow)
            except (ConversionError, CredentialError):
                exchange.return_to(refused)
                return False
        elif superseded or (error.kind is Kind.AUTH and await account.credential.renew()):
            exchange.secret_headers = provider.headers(account)
            begin_attempt(exchange, flow)
        else:
            return False
        exchange.renewed = True
        return True

    async def _elsewhere(self, exchange: Exchange, attempt: FailedAttempt, error: UpstreamError) -> bool:
        # One that answers in here could not be sent to.
        exchange.left = deque(left for left in exchange.left if catalogue()[left.provider].wire is not None)
        failed, flow, provider = exchange.snapshot(), attempt.flow, exchange.provider
        assert provider is not None
        label = exchange.account.label if exchange.account else provider.name
        log.info("%s: %s: %s", exchange.id, label, _words(exchange, error))
        try:
            if error.kind is not Kind.NOT_FOUND or referred(exchange) or _not_found(exchange) < _MOST_NOT_FOUND:
                candidate = Candidate(provider.name, exchange.target_model, "")
                await self._turn_to(exchange, flow, candidate, another=error.kind not in _PASSING)
                return self._is_in_time(exchange, failed)
        except UpstreamError as resting:
            _tell_when(attempt, error, resting)
        except ConversionError:  # nobody is left there
            pass
        except Exception:  # what came stands, and must be read as what it is
            log.exception("%s: cannot write the request for another account", exchange.id)
        if exchange.match.action is Action.GENERATE and exchange.left:
            try:
                await self._go_on(exchange, flow)
                return self._is_in_time(exchange, failed)
            except (ConversionError, UpstreamError):  # none of the others can take it: what came stands
                pass
            except Exception:
                log.exception("%s: cannot write the request for another provider", exchange.id)
        exchange.return_to(failed)
        return False

    def _is_in_time(self, exchange: Exchange, failed: dict[str, Any]) -> bool:
        """Whether what was written will be sent. The wait for an account may have taken what was left of the exchange's time."""
        if not _is_over(exchange):
            return True
        self.settle(exchange, None, cause=CANCELLED)
        if exchange.sent:
            exchange.made.pop()
        exchange.return_to(failed)
        return False


def is_wanted(flow: HTTPFlow) -> bool:
    """The client is still there."""
    return flow.client_conn.connected


def _is_over(exchange: Exchange) -> bool:
    return 0 < exchange.total_seconds <= time.monotonic() - exchange.began


def _is_superseded(exchange: Exchange, provider: Provider, account: Account) -> bool:
    """Whether the account has another credential by now than the one that was sent: then a refusal of that says nothing of it."""
    try:
        return exchange.secret_headers != provider.headers(account)
    except CredentialError:
        return False


def _not_found(exchange: Exchange) -> int:
    return sum(made.outcome == Kind.NOT_FOUND.value for made in exchange.made)


def _tell_when(attempt: FailedAttempt, error: UpstreamError, resting: UpstreamError) -> None:
    """The provider's own words stand; when it is worth another try may be known better here: another account may be back
    sooner than the one that was asked last. That one account is refused is no answer where others only rest."""
    if resting.kind is not Kind.RATE_LIMIT:  # a rest of our own making, which the next request need not keep
        return
    if error.kind in _OF_ACCOUNT and error.retry_after is None:
        attempt.answer, attempt.error = None, resting
        return
    seconds = resting.retry_after
    if seconds is None or (error.retry_after is not None and error.retry_after <= seconds):
        return
    if attempt.answer is None:
        attempt.error.retry_after = seconds
    else:
        attempt.answer.headers["retry-after"] = str(int(seconds))
        attempt.answer.headers.pop("retry-after-ms", None)


def _words(exchange: Exchange, error: UpstreamError) -> str:
    """What the provider said, fit for logs: without secrets and on one line."""
    text = exchange.scrub(str(error).encode(errors="replace")).decode()
    return "".join(c if c.isprintable() else " " for c in text)


def _note(exchange: Exchange, attempt: FailedAttempt, error: UpstreamError) -> None:
    if not exchange.made:
        return
    made = exchange.made[-1]
    made.ended, made.outcome = time.time(), error.kind.value
    made.reason = _words(exchange, error)
    answer = attempt.answer or attempt.flow.response
    if answer is not None:
        if made.status is None:
            made.status, made.answer_headers = answer.status_code, answer.headers.fields
        made.answer = (answer.raw_content or b"") if exchange.keeps_bodies else b""
