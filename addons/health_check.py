"""Accounts whose owner wants them looked at (`check_health`), tried in the background with a call that costs nothing or little."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from addons.account_pool import AccountPool, Claim, cause_of
from addons.accounts import Accounts, Member
from addons.model_lists import ask_provider
from addons.providers import catalogue
from addons.providers.base import Action, Call, Provider
from addons.settings import Settings
from addons.upstream_call import asking
from converters.errors import ConversionError, UpstreamError
from converters.json_codec import dumps
from converters.loss import Loss
from converters.prepare import prepare
from converters.turns import Chat, Text, Turn
from creds.account import Account
from creds.pool_outcome import CANCELLED
from creds.slot import FRESH, Standing

log = logging.getLogger("aiclient")

SECONDS = 30.0  # for one check
TOKENS = 16  # the least that every provider takes
# What a list of models says nothing about: it is given to those without credit, too.
_NOT_SEEN = ("payment", "forbidden", "rate_limit", "suspended")

type Try = Callable[[Provider, Account, str], Awaitable[None]]


async def list_models(provider: Provider, account: Account, model: str) -> None:
    """The cheap call. Raises UpstreamError."""
    await ask_provider(provider, account)


async def generate(provider: Provider, account: Account, model: str) -> None:
    """A few tokens. Raises UpstreamError, and ConversionError where the provider could not be asked for a model of this name."""
    wire, url = provider.wire, provider.url(account, Action.GENERATE, model)
    assert wire is not None and url is not None
    chat = Chat(model, "chat", turns=[Turn("user", [Text("Hi")])], max_tokens=TOKENS)
    async with asking(provider, account, SECONDS) as ask:
        call = Call(Action.GENERATE, model)
        body = dumps(prepare(chat, wire, provider.profile_of(account), Loss()).body)
        more = [("content-type", "application/json"), *provider.more_headers(account, call)]
        answer = await ask(url, provider.enclose(account, call, body), more)
        if answer.status != 200:
            raise wire.read_error(answer.status, answer.headers, provider.open_answer(answer.body))


class HealthCheck:
    """Addon. Looks each `health_check_seconds`, at those alone whose owner asked for it; a rest that a provider asked for is kept."""

    def __init__(
        self,
        settings: Callable[[], Settings],
        accounts: Callable[[], Accounts],
        pool: AccountPool,
        cheap: Try = list_models,
        true: Try = generate,
    ) -> None:
        self._settings, self._accounts, self._pool = settings, accounts, pool
        self._cheap, self._true = cheap, true
        self._task: asyncio.Task[None] | None = None

    def running(self) -> None:
        self._task = asyncio.create_task(self._run())

    def done(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            try:
                if self._settings().health_check_seconds:
                    await self.look()
            except Exception:  # mitmproxy would not see it
                log.exception("cannot check the accounts")
            await asyncio.sleep(self._settings().health_check_seconds or SECONDS)

    async def look(self) -> None:
        """One account after the other."""
        for member in list(self._accounts().members):
            if member.slot.check_health and not member.slot.disabled:
                await self._check(member)

    async def _check(self, member: Member) -> None:
        slot, provider = member.slot, catalogue()[member.slot.provider]
        state = self._pool.look().get(slot.label, FRESH)
        held_against = {found.cause for found in (state.stop, state.rest) if found}
        needs_true = self._pool.standing(member) is not Standing.HEALTHY and bool(held_against & set(_NOT_SEEN))
        if needs_true and not slot.check_model:
            return  # nothing cheap would tell
        try:
            held = await self._pool.lease(slot.provider, slot.check_model, Claim(pinned=slot.label), waits=False)
        except (UpstreamError, ConversionError):
            return  # it rests, or only a person can mend it
        error: UpstreamError | None = None
        try:
            await (self._true if needs_true else self._cheap)(provider, held.account, slot.check_model)
        except UpstreamError as refused:
            error = refused
            provider.judge(held.account, error)
        except ConversionError as wrong:
            log.warning("%s cannot be checked with the model %s: %s", slot.label, slot.check_model, wrong)
            self._pool.report(held, None, "", cause=CANCELLED)
            return
        finally:
            self._pool.end(held)
        cause = cause_of(held.account, error) if error else ""
        self._pool.report(held, error, "health check", reason=str(error or ""), cause=cause)
