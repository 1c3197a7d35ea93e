"""A request's plan, with what the running proxy knows: settings, accounts and the providers' model lists."""

from collections.abc import Callable, Iterable
from contextlib import suppress

from addons.accounts import Accounts, Member
from addons.candidates import Plan, nearest_models, plan
from addons.exchange import Exchange
from addons.model_lists import ModelLists
from addons.providers import catalogue
from addons.providers.base import Provider
from addons.routing import unknown_provider
from converters.errors import ConversionError, UpstreamError


class Plans:
    """accounts: read anew for each request."""

    def __init__(self, accounts: Callable[[], Accounts], lists: ModelLists) -> None:
        self._accounts, self._lists = accounts, lists

    async def of(self, exchange: Exchange) -> Plan:
        """Where the request goes, in which order. A guess is checked against what the providers list."""
        found = self.at_once(exchange, exchange.model)
        if not found.candidates[0].certain:
            with suppress(UpstreamError):
                await self._lists.all_of(self.asked(exchange))
            found = self.at_once(exchange, exchange.model)
        return found

    def at_once(self, exchange: Exchange, model: str) -> Plan:
        """With what is known already."""
        return plan(
            model,
            exchange.wire.name,
            named(exchange),
            settings=exchange.settings,
            accounts=self._accounts(),
            catalogue=catalogue(),
            listed=self._lists.at_hand(),
        )

    def asked(self, exchange: Exchange) -> list[tuple[Provider, tuple[Member, ...]]]:
        """The providers that a model list is made of, with their accounts: the named one, else all."""
        return asked_for_lists(named(exchange), self._accounts())


def asked_for_lists(name: str | None, accounts: Accounts) -> list[tuple[Provider, tuple[Member, ...]]]:
    """name: of the one provider that is wanted, None for all. Raises ConversionError for one that is not there."""
    known = catalogue()
    if name is None:
        return [(known[usable], accounts.of(known[usable])) for usable in accounts.usable]
    if name not in known:
        raise unknown_provider(name, known)
    provider = known[name]
    return [(provider, accounts.of(provider))] if provider.wire else []


def named(exchange: Exchange) -> str | None:
    """A provider that the client names, by path or header."""
    return exchange.match.provider or exchange.request_headers.get("model-provider") or None


def unknown_model(name: str, known: Iterable[str], where: str = "aiclient") -> ConversionError:
    """404, with the nearest names."""
    near = nearest_models(name, known)
    hint = f"; near to it: {', '.join(near)}" if near else ""
    return ConversionError(
        f"{where} has no model {name[:100]!r}{hint}", param="model", status=404, code="model_not_found"
    )
