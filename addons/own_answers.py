"""Answers that no provider gives: the state of the accounts, and the lists of models."""

from collections.abc import Callable
from contextlib import suppress

from mitmproxy.http import Response

from addons.account_pool import AccountPool
from addons.accounts import Accounts
from addons.candidates import Candidate
from addons.exchange import Exchange
from addons.listing import DEMO_MODEL, aliases_for, listing
from addons.model_lists import ModelLists
from addons.plans import Plans, named, unknown_model
from addons.pool_report import row_of
from addons.providers.base import Action
from addons.worker import this_worker
from converters.errors import ConversionError, Kind, UpstreamError
from converters.json_codec import Json, JsonObject, dumps
from converters.model_list import write_list, write_model
from creds.slot import FRESH


class OwnAnswers:
    """accounts: read anew for each request."""

    def __init__(self, accounts: Callable[[], Accounts], pool: AccountPool, lists: ModelLists, plans: Plans) -> None:
        self._accounts, self._pool, self._lists, self._plans = accounts, pool, lists, plans

    def health(self, exchange: Exchange) -> Response:
        """For who has shown the key: every account with its state, and why it is in it. `in_flight` counts those of this process."""
        states = self._pool.look()
        shown: dict[str, Json] = {}
        for name, members in self._accounts().pools.items():
            rows: list[Json] = []
            for member in members:
                state = states.get(member.slot.label, FRESH)
                rows.append(dict(row_of(member, state, self._pool.standing(member))))
            shown[name] = {"accounts": rows}
        health: JsonObject = {"status": "ok"}
        if (worker := this_worker()) is not None:
            health |= {"worker": worker.number, "workers": worker.count}
        return exchange.answer(200, dumps(health | {"providers": shown or {"demo": {"accounts": []}}}))

    async def models(self, exchange: Exchange) -> Response:
        """The list, or one entry of it: 404 with the nearest names for one that is not there."""
        asked = self._plans.asked(exchange)

        def lead(name: str) -> Candidate | None:
            with suppress(ConversionError):
                return self._plans.at_once(exchange, name).candidates[0]
            return None

        aliases = aliases_for(exchange.settings.routes.names, lead, named=named(exchange) is not None)
        try:
            lists = await self._lists.all_of(asked)
        except UpstreamError as error:
            if not aliases:
                raise UpstreamError(Kind.SERVER, f"no provider gave a model list: {error}") from error
            lists = {}

        found = listing(lists, aliases, lead) if asked else [DEMO_MODEL]
        if exchange.match.action is Action.MODELS:
            return exchange.answer(200, dumps(write_list(exchange.wire.name, found)))
        wanted = exchange.match.name or ""
        ids = {model.id: model for model in found}
        if wanted not in ids and (to := lead(wanted)) is not None:
            listed = next((model for model in lists.get(to.provider, ()) if model.id == to.model), None)
            if listed is not None:  # written as `provider:model`, or by an alias with a wildcard
                ids |= {model.id: model for model in listing({}, [wanted], lambda _: to)}
        if wanted not in ids:
            raise unknown_model(wanted, ids)
        return exchange.answer(200, dumps(write_model(exchange.wire.name, ids[wanted])))
