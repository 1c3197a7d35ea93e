"""What the providers say they have: their model lists, asked for when somebody wants to know, and kept for a while."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from addons.accounts import Member
from addons.providers.base import Action, Provider
from addons.upstream_call import asking
from converters.errors import Kind, UpstreamError
from converters.json_codec import loads
from converters.model_list import Model, next_page, read_models
from creds.account import Account

log = logging.getLogger("aiclient")

SECONDS = 10.0  # for one answer
KEPT_SECONDS = 600.0
FAILED_SECONDS = 30.0  # a provider that gave no list is left in peace for so long
PAGES = 20
ASKED = 3  # accounts of a pool, for its list

type Ask = Callable[[Provider, Account], Awaitable[list[Model]]]


@dataclass(slots=True)
class _Kept:
    until: float = 0.0
    found: list[Model] | UpstreamError = field(default_factory=list)
    ids: frozenset[str] = frozenset()
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class ModelLists:
    """ask: a provider for its list; raises UpstreamError. now: seconds that do not go back. warn: as `Logger.warning`."""

    def __init__(
        self,
        ask: Ask | None = None,
        now: Callable[[], float] = time.monotonic,
        warn: Callable[..., object] = log.warning,
    ) -> None:
        self._ask = ask or ask_provider
        self._now, self._warn = now, warn
        self._kept: dict[Account, _Kept] = {}

    async def of(self, provider: Provider, account: Account) -> list[Model]:
        """Raises UpstreamError when the provider gives none."""
        kept = self._kept.setdefault(account, _Kept())
        async with kept.asking:
            if kept.until <= self._now():
                try:
                    kept.found = found = await self._ask(provider, account)
                    kept.ids = frozenset(model.id for model in found)
                    kept.until = self._now() + KEPT_SECONDS
                except UpstreamError as error:
                    kept.found, kept.ids = error.with_traceback(None), frozenset()
                    kept.until = self._now() + FAILED_SECONDS
                    self._warn("%s gives no model list: %s", account.label, error)
        if isinstance(kept.found, UpstreamError):
            raise kept.found
        return kept.found

    async def first_of(self, provider: Provider, members: Sequence[Member]) -> list[Model]:
        """Of one account of a pool: they have the same models, or nearly so. Raises UpstreamError when no account gives a list."""
        refused: UpstreamError | None = None
        for member in [member for member in members if not member.slot.disabled][:ASKED]:
            try:
                return await self.of(provider, member.account)
            except UpstreamError as error:
                refused = refused or error
        raise refused or UpstreamError(Kind.NOT_FOUND, f"{provider.name} has no account in use")

    async def answers_of(
        self, pools: Iterable[tuple[Provider, Sequence[Member]]]
    ) -> dict[str, Sequence[Model] | UpstreamError]:
        """Provider name -> its models, or why it gave none. All are asked at once."""
        pools = list(pools)
        found = await asyncio.gather(*(self.first_of(*pool) for pool in pools), return_exceptions=True)
        answers: dict[str, Sequence[Model] | UpstreamError] = {}
        for (provider, _), answer in zip(pools, found, strict=True):
            if isinstance(answer, BaseException) and not isinstance(answer, UpstreamError):
                raise answer
            answers[provider.name] = answer
        return answers

    async def all_of(self, pools: Iterable[tuple[Provider, Sequence[Member]]]) -> dict[str, Sequence[Model]]:
        """Of those that gave a list. Raises UpstreamError when there are some and none did."""
        answers = await self.answers_of(pools)
        lists = {name: answer for name, answer in answers.items() if not isinstance(answer, UpstreamError)}
        refused = next((answer for answer in answers.values() if isinstance(answer, UpstreamError)), None)
        if refused is not None and not lists:
            raise refused
        return lists

    def at_hand(self) -> Mapping[str, frozenset[str]]:
        """Provider name -> ids, as far as they are known without asking. Looked at for every request."""
        now = self._now()
        return {account.provider: kept.ids for account, kept in self._kept.items() if kept.ids and kept.until > now}


def can_be_asked(provider: Provider, account: Account) -> bool:
    """Whether its API has a list; else what is known of it stands for one."""
    return provider.wire is not None and provider.url(account, Action.MODELS) is not None


async def ask_provider(provider: Provider, account: Account) -> list[Model]:
    """All pages of the list. Raises UpstreamError."""
    wire, url = provider.wire, provider.url(account, Action.MODELS)
    if wire is None or url is None:
        if known := provider.known_models(account):
            return list(known)
        raise UpstreamError(Kind.NOT_FOUND, f"{provider.name} has no model list")
    models: list[Model] = []
    page: Mapping[str, str] = {}
    async with asking(provider, account, SECONDS) as ask:
        for _ in range(PAGES):
            answer = await ask(str(httpx.URL(url).copy_merge_params(page)))
            if answer.status != 200:
                raise wire.read_error(answer.status, answer.headers, answer.body)
            try:
                parsed = loads(answer.body)
            except ValueError as error:
                raise UpstreamError(Kind.BROKEN_STREAM, "the provider's model list is not JSON") from error
            found = read_models(parsed)
            if found is None:
                raise UpstreamError(Kind.BROKEN_STREAM, "the provider's model list is in no known shape")
            models += found
            if not (page := next_page(parsed) or {}):
                break
    return models
