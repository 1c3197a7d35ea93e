"""The command `route`: who would be asked for a model, and why. Nothing is sent anywhere."""

import argparse
import json

from addons.accounts import Accounts, read_all
from addons.candidates import DEFAULT, Candidate, Plan, plan
from addons.providers import catalogue
from addons.settings_sources import load
from converters.wires import WIRES

PROTOCOLS = tuple(WIRES)
GUESS = "a guess: the running proxy also looks into the providers' model lists"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient route` takes."""
    parser.add_argument("model", metavar="MODEL", help="As a client would write it.")
    parser.add_argument("--protocol", choices=PROTOCOLS, help="The client's protocol; without it, all of them.")
    parser.add_argument(
        "--provider", metavar="NAME", help="As if the client named it, by path or Model-Provider header."
    )
    parser.add_argument("--json", action="store_true", help="For programs.")


def show_route(args: argparse.Namespace) -> None:
    """Prints the plan once, or for each protocol where they differ. Raises ConversionError when nothing serves the model."""
    loaded = load()
    settings = loaded.settings
    accounts = read_all(loaded, catalogue())
    groups: dict[Plan, list[str]] = {}
    for protocol in (args.protocol,) if args.protocol else PROTOCOLS:
        model = args.model or DEFAULT
        found = plan(model, protocol, args.provider, settings=settings, accounts=accounts, catalogue=catalogue())
        groups.setdefault(found, []).append(protocol)
    if args.json:
        print(json.dumps([_as_json(protocols, found, accounts) for found, protocols in groups.items()], indent=2))
        return
    for found, protocols in groups.items():
        if len(groups) > 1:
            print(f"{', '.join(protocols)}:")
        print("\n".join(_lines(found, accounts)))


def _label(candidate: Candidate, accounts: Accounts) -> str | None:
    """The account, or how many there are to choose from."""
    pool = accounts.pools.get(candidate.provider, ())
    return pool[0].slot.label if len(pool) == 1 else f"{len(pool)} accounts" if pool else None


def _lines(found: Plan, accounts: Accounts) -> list[str]:
    lines = []
    for number, candidate in enumerate(found.candidates, 1):
        why = candidate.why if candidate.certain else f"{candidate.why} ({GUESS})"
        label = _label(candidate, accounts) or "no account needed"
        lines.append(f"{number:>3}. {candidate.provider:<22} {candidate.model:<28} {label:<30} {why}")
    return lines + [f"  skipped {target}: {why}" for target, why in found.skipped]


def _as_json(protocols: list[str], found: Plan, accounts: Accounts) -> dict[str, object]:
    return {
        "protocols": protocols,
        "candidates": [
            {
                "provider": candidate.provider,
                "model": candidate.model,
                "account": _label(candidate, accounts),
                "why": candidate.why,
                "certain": candidate.certain,
            }
            for candidate in found.candidates
        ],
        "skipped": [{"target": target, "why": why} for target, why in found.skipped],
    }
