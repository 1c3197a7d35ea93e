"""What the providers say they have: their model lists, asked for when somebody wants to know, and kept for a while."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import httpx

from addons.providers.base import Action, Provider
from addons.upstream_request import ALWAYS_UP
from addons.version import USER_AGENT
from converters.errors import Kind, UpstreamError
from converters.json_codec import loads
from converters.model_list import Model, next_page, read_models
from creds.account import Account, CredentialError
from creds.tls import authorities

log = logging.getLogger("aiclient")

SECONDS = 10.0  # for one answer
KEPT_SECONDS = 600.0
FAILED_SECONDS = 30.0  # a provider that gave no list is left in peace for so long
PAGES = 20
LIMIT = 16 * 1024 * 1024  # bytes of one page

type Ask = Callable[[Provider, Account], Awaitable[list[Model]]]


@dataclass(slots=True)
class _Kept:
    until: float = 0.0
    found: list[Model] | UpstreamError = field(default_factory=list)
    ids: frozenset[str] = frozenset()
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


class ModelLists:
    """ask: a provider for its list; raises UpstreamError. now: seconds that do not go back."""

    def __init__(self, ask: Ask | None = None, now: Callable[[], float] = time.monotonic) -> None:
        self._ask = ask or ask_provider
        self._now = now
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
                    log.warning("%s gives no model list: %s", account.label, error)
        if isinstance(kept.found, UpstreamError):
            raise kept.found
        return kept.found

    async def all_of(self, pairs: Iterable[tuple[Provider, Account]]) -> dict[str, Sequence[Model]]:
        """Provider name -> its models, for those that gave a list. Raises UpstreamError when there are some and none did."""
        pairs = list(pairs)
        found = await asyncio.gather(*(self.of(*pair) for pair in pairs), return_exceptions=True)
        lists: dict[str, Sequence[Model]] = {}
        for (provider, _), answer in zip(pairs, found, strict=True):
            if isinstance(answer, UpstreamError):
                continue
            if isinstance(answer, BaseException):
                raise answer
            lists[provider.name] = answer
        if pairs and not lists and isinstance(found[0], UpstreamError):
            raise found[0]
        return lists

    def at_hand(self) -> Mapping[str, frozenset[str]]:
        """Provider name -> ids, as far as they are known without asking. Looked at for every request."""
        now = self._now()
        return {account.provider: kept.ids for account, kept in self._kept.items() if kept.ids and kept.until > now}


async def ask_provider(provider: Provider, account: Account) -> list[Model]:
    """All pages of the list. Raises UpstreamError."""
    wire, url = provider.wire, provider.url(account, Action.MODELS)
    if wire is None or url is None:
        if known := provider.known_models(account):
            return list(known)
        raise UpstreamError(Kind.NOT_FOUND, f"{provider.name} has no model list")
    try:
        await account.credential.ready()
    except CredentialError as error:
        raise UpstreamError(Kind.AUTH, str(error)) from error
    headers = [(b"user-agent", USER_AGENT.encode()), (b"accept-encoding", b"identity"), *provider.headers(account)]
    headers += [(name.encode(), value.encode()) for name, value in ALWAYS_UP.get(wire.name, ())]
    models: list[Model] = []
    try:
        trusted = await asyncio.to_thread(authorities)
        async with (
            asyncio.timeout(SECONDS),
            httpx.AsyncClient(verify=trusted, trust_env=False, timeout=None) as client,  # noqa: S113 (bounded above)
        ):
            page: Mapping[str, str] = {}
            for _ in range(PAGES):
                status, answered, body = await _get(client, httpx.URL(url).copy_merge_params(page), headers)
                if status != 200:
                    raise wire.read_error(status, answered, body)
                parsed = loads(body)
                found = read_models(parsed)
                if found is None:
                    raise UpstreamError(Kind.BROKEN_STREAM, "the provider's model list is in no known shape")
                models += found
                if not (page := next_page(parsed) or {}):
                    break
    except TimeoutError as error:
        raise UpstreamError(Kind.TIMEOUT, f"no model list within {SECONDS:.0f} s") from error
    except httpx.HTTPError as error:
        raise UpstreamError(Kind.UNREACHABLE, f"the provider cannot be reached ({type(error).__name__})") from error
    except ValueError as error:
        raise UpstreamError(Kind.BROKEN_STREAM, "the provider's model list is not JSON") from error
    return models


async def _get(
    client: httpx.AsyncClient, url: httpx.URL, headers: list[tuple[bytes, bytes]]
) -> tuple[int, dict[str, str], bytes]:
    request = client.build_request("GET", url, headers=headers)
    response = await client.send(request, stream=True)
    try:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LIMIT:
                raise UpstreamError(Kind.BROKEN_STREAM, f"the provider's model list is over {LIMIT} bytes")
        return response.status_code, {name.lower(): value for name, value in response.headers.items()}, bytes(body)
    finally:
        await response.aclose()
