"""The command `models`: the names that clients may write, who is asked for each, and where the name comes from.

The providers are asked for their lists, as the running proxy asks them; none needs to run.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from addons.accounts import Accounts, read_all
from addons.candidates import DEFAULT, DEMO, Candidate, plan
from addons.cli_accounts import NO_ACCOUNTS
from addons.listing import DEMO_MODEL, aliases_for, listing
from addons.model_lists import ModelLists, can_be_asked
from addons.plans import asked_for_lists, unknown_model
from addons.providers import catalogue
from addons.settings import Settings
from addons.settings_sources import SettingsError, load
from addons.table import table
from converters.errors import ConversionError, UpstreamError
from converters.model_list import Model
from converters.wires import WIRES

PROTOCOLS = tuple(WIRES)

type Lists = Mapping[str, Sequence[Model]]
type Candidates = Callable[[str, str], Sequence[Candidate]]  # name, client protocol -> in the order to try


@dataclass(frozen=True, slots=True)
class Row:
    """origin: where the name is from. asked: (protocols, who is asked in which order), once where they agree. targets: in place of
    that, those of a route whose name has a `*`."""

    name: str
    origin: str
    asked: Sequence[tuple[Sequence[str], Sequence[Candidate]]] = ()
    targets: Sequence[str] = ()
    model: Model | None = None


def add_models_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient models` takes."""
    parser.add_argument("text", nargs="?", default="", metavar="TEXT", help="Only names with this text in them.")
    parser.add_argument(
        "--provider", metavar="NAME", help="As if the client named it, by path or Model-Provider header."
    )
    parser.add_argument("--json", action="store_true", help="For programs.")


def show_models(args: argparse.Namespace) -> None:
    """Raises ConversionError for a provider that is not there and a text that no name holds, SettingsError when nobody gave a name."""
    loaded = load()
    accounts = read_all(loaded, catalogue())
    if accounts.replay:
        raise SettingsError(f"answers are replayed from {accounts.replay}: no provider has models then")
    asked = asked_for_lists(args.provider, accounts)
    answers = asyncio.run(ModelLists(warn=_quiet).answers_of(asked))
    lists = {name: answer for name, answer in answers.items() if not isinstance(answer, UpstreamError)}
    lists |= {} if asked else {DEMO: [DEMO_MODEL]}
    failed = {name: str(answer) for name, answer in answers.items() if isinstance(answer, UpstreamError)}
    for name, reason in failed.items():
        print(f"aiclient: {name} gave no model list: {reason}", file=sys.stderr)
    rows = rows_of(lists, loaded.settings, accounts, args.provider)
    if not rows:
        raise SettingsError("no provider that could be asked has a model")
    chosen = [row for row in rows if args.text.lower() in row.name.lower()]
    if not chosen:
        raise unknown_model(args.text, [row.name for row in rows], args.provider or "the list")
    if args.json:
        failures = [{"provider": name, "error": reason} for name, reason in failed.items()]
        print(json.dumps({"models": [_as_json(row) for row in chosen], "failed": failures}, indent=2))
        return
    print(table([{"model": row.name, "asked": _asked(row), "from": row.origin} for row in chosen]))
    if not accounts.pools:
        print(NO_ACCOUNTS)


def _quiet(*_: object) -> None:
    """Instead of the log: the command has a line for it."""


def rows_of(lists: Lists, settings: Settings, accounts: Accounts, named: str | None) -> list[Row]:
    """lists: provider -> what it has. named: the provider that the client names. Routes and `default` come first."""
    known = {name: frozenset(model.id for model in models) for name, models in lists.items()}

    def candidates(name: str, protocol: str) -> Sequence[Candidate]:
        with suppress(ConversionError):
            found = plan(
                name, protocol, named, settings=settings, accounts=accounts, catalogue=catalogue(), listed=known
            )
            return found.candidates
        return ()

    models = _models(lists, settings.routes.names, candidates, named=named is not None)
    aliases = [name for name in settings.routes.names if name in models]
    rows = [_row(name, "route", candidates, models[name]) for name in aliases]
    if named is None:
        wide = [route for route in settings.routes.rows if "*" in route.name]
        rows += [Row(route.name, "route", targets=route.targets) for route in wide]
    has_default = any(each.model != DEFAULT for protocol in PROTOCOLS for each in candidates(DEFAULT, protocol))
    if has_default and DEFAULT not in aliases:
        rows.append(_row(DEFAULT, "default_models", candidates))
    others = sorted(models.keys() - set(aliases), key=str.lower)
    return rows + [_row(name, _origin(name, known, accounts), candidates, models[name]) for name in others]


def _models(lists: Lists, routes: Sequence[str], candidates: Candidates, *, named: bool) -> dict[str, Model]:
    """By the names under which `/v1/models` lists them, for a client of any protocol."""
    found: dict[str, Model] = {}
    for protocol in PROTOCOLS:

        def lead(name: str, protocol: str = protocol) -> Candidate | None:
            return next(iter(candidates(name, protocol)), None)

        aliases = aliases_for(routes, lead, named=named)
        found = {model.id: model for model in listing(lists, aliases, lead)} | found
    return found


def _row(name: str, origin: str, candidates: Candidates, model: Model | None = None) -> Row:
    groups: dict[tuple[Candidate, ...], list[str]] = {}
    for protocol in PROTOCOLS:
        if found := tuple(Candidate(each.provider, each.model, "") for each in candidates(name, protocol)):
            groups.setdefault(found, []).append(protocol)
    return Row(name, origin, [(protocols, found) for found, protocols in groups.items()], model=model)


def _origin(name: str, known: Mapping[str, frozenset[str]], accounts: Accounts) -> str:
    """Who has it, and whether it said so itself; the name may begin with its provider."""
    said: list[str] = []
    static: list[str] = []
    for provider, ids in known.items():
        if name in ids or name.removeprefix(f"{provider}:") in ids:
            if provider not in accounts.pools:
                return "built in"
            asked = can_be_asked(catalogue()[provider], accounts.pools[provider][0].account)
            (said if asked else static).append(provider)
    texts = (f"listed by {', '.join(said)}" if said else "", f"known of {', '.join(static)}" if static else "")
    return "; ".join(filter(None, texts))


def _asked(row: Row) -> str:
    """`openai-custom`, `openai-custom:gpt-5` where it is asked for another name, with `, then` what is tried next."""
    if row.targets:
        return ", then ".join(row.targets)
    texts = []
    for protocols, found in row.asked:
        order = ", then ".join(
            each.provider if each.model == row.name else f"{each.provider}:{each.model}" for each in found
        )
        texts.append(order if len(row.asked) == 1 else f"{', '.join(protocols)}: {order}")
    return "; ".join(texts)


def _as_json(row: Row) -> dict[str, object]:
    return {
        "name": row.name,
        "asked": [
            {
                "protocols": list(protocols),
                "candidates": [{"provider": each.provider, "model": each.model} for each in found],
            }
            for protocols, found in row.asked
        ],
        "targets": list(row.targets),
        "from": row.origin,
        "input_limit": row.model.input_limit if row.model else None,
        "output_limit": row.model.output_limit if row.model else None,
    }
