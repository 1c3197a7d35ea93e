"""The commands `accounts` and `providers`: who can be asked, with what, in which state, and what is known of the service."""

import argparse
import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

from addons.account_pool import limits_of, state_file
from addons.accounts import Accounts, Member, read_all
from addons.pool_report import row_of
from addons.providers import catalogue
from addons.routing import unknown_provider
from addons.settings_sources import Loaded, load
from creds.account import CredentialError, State
from creds.api_key import ApiKey, masked
from creds.commands import until
from creds.pool_state import PoolState
from creds.slot import FRESH, Limits, SlotState, Standing, standing

NO_ACCOUNTS = (
    "no accounts: set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY, "
    "or openai_api_key, claude_api_key or gemini_api_key in aiclient.toml; or see `aiclient login --help`"
)


@runtime_checkable
class Kept(Protocol):
    """A credential that is kept somewhere else than in the settings."""

    @property
    def source(self) -> str: ...


@runtime_checkable
class Measured(Protocol):
    """A credential whose provider tells how much of the plan is used."""

    async def usage(self) -> object:
        """For people, as text. Raises CredentialError."""
        ...


def add_accounts_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient accounts` takes."""
    parser.add_argument("provider", nargs="?", metavar="PROVIDER", help="Only this provider's (default: all).")
    parser.add_argument("--json", action="store_true", help="For programs.")
    parser.add_argument("--usage", action="store_true", help="Ask Kiro how much of the plan is used (a network call).")


def show_accounts(args: argparse.Namespace) -> None:
    """`accounts`: a line for each. Raises SettingsError and CredentialError for what cannot work."""
    loaded = load()
    accounts = read_all(loaded, catalogue())
    if args.provider is not None:
        accounts = _only(accounts, args.provider)
    rows = account_rows(loaded, accounts)
    if args.usage:
        usages = asyncio.run(_usages(accounts))
        for row in rows:
            row["usage"] = usages.get(str(row["label"]), "")
    if args.json:
        print(json.dumps(rows, indent=2))
    elif not rows:
        print(NO_ACCOUNTS)
    else:
        print("\n".join(line for row in rows for line in _lines(row)))


def account_rows(loaded: Loaded, accounts: Accounts) -> list[dict[str, object]]:
    """What is known of each, for people and programs; nobody is asked."""
    states = states_of(accounts)
    limits = limits_of(loaded.settings)
    return [_row(member, states.get(member.slot.label, FRESH), accounts, loaded, limits) for member in accounts.members]


def states_of(accounts: Accounts) -> Mapping[str, SlotState]:
    """What is kept of them, by label; also by a proxy that runs now."""
    states = PoolState(state_file())
    states.use(member.slot for member in accounts.members)
    return states.states


def _only(accounts: Accounts, name: str) -> Accounts:
    """Raises ConversionError for a provider that does not exist, or that has no account: the message says what to do."""
    if name not in catalogue():
        raise unknown_provider(name, catalogue())
    return replace(accounts, pools={name: accounts.of(catalogue()[name])})


def _row(member: Member, state: SlotState, accounts: Accounts, loaded: Loaded, limits: Limits) -> dict[str, object]:
    account = member.account
    credential, provider = account.credential, catalogue()[account.provider]
    is_key, is_pooled = isinstance(credential, ApiKey), not account.label.endswith(":default")
    status = credential.status()
    found = row_of(member, state, standing(member.slot, state, time.time(), "", limits))
    usable = status.state not in (State.NEEDS_LOGIN, State.SUSPENDED) and found["state"] == Standing.HEALTHY
    key_from = ""
    if is_key:
        lender = accounts.borrowed.get(account.provider)
        key_from = "its pool" if is_pooled else lender or place(loaded, provider.key_setting)
    return {
        "provider": account.provider,
        "label": account.label,
        "base_url": account.base_url,
        "key_from": key_from,
        "key": masked(credential.key) if isinstance(credential, ApiKey) else "",
        "source": credential.source if isinstance(credential, Kept) else "",
        "state": status.state.value if usable and not is_key else found["state"],
        "since": found["since"],
        "until": found["until"] if found["since"] else status.until,
        "reason": found["reason"],
        "exchange": found.get("exchange", ""),
        "models": found.get("models", []),
        "advice": found.get("advice", ""),
        "service": provider.status.state,
        "used": "when named" if account.provider in accounts.on_demand else "always",
    }


def _lines(row: Mapping[str, object]) -> list[str]:
    text = f"{row['provider']:<22} {row['label']:<30} {row['base_url'] or '(as the login says)':<40} "
    end = row["until"]
    state = " ".join(word for word in (str(row["state"]), until(end if isinstance(end, float) else None)) if word)
    source = f"key {row['key']} from {row['key_from']}" if row["key"] else f"{state} from {row['source']}"
    remarks = ("used when named" if row["used"] != "always" else "", _service(str(row["service"])))
    lines = [", ".join(part for part in (text + source, *remarks) if part)]
    if row["reason"]:
        since = until(row["since"] if isinstance(row["since"], float) else None).replace("until", "since")
        by = f", exchange {row['exchange']}" if row["exchange"] else ""
        lines.append(
            f"  {state if row['key'] else row['reason']} {since}{': ' + str(row['reason']) if row['key'] else ''}{by}"
        )
    for model in row["models"] if isinstance(row["models"], list) else ():
        lines.append(
            f"  {model['model']} rests {until(model['until'])}: {model['reason']}, exchange {model['exchange']}"
        )
    return lines + [f"  {row[name]}" for name in ("advice", "usage") if row.get(name)]


def _service(state: str) -> str:
    return f"service {state}" if state in ("limited", "retired") else ""


async def _usages(accounts: Accounts) -> dict[str, str]:
    """By label; what cannot be had is said in its place."""
    found = {}
    for member in accounts.members:
        label, credential = member.slot.label, member.account.credential
        if isinstance(credential, Measured):
            try:
                found[label] = str(await credential.usage())
            except CredentialError as e:
                found[label] = str(e)
    return found


def place(loaded: Loaded, name: str) -> str:
    """Where a setting's value comes from, as people say it."""
    origin = loaded.origin[name]
    return f"file {origin}" if loaded.file and origin == str(loaded.file) else origin


def add_providers_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient providers` takes."""
    parser.add_argument("--json", action="store_true", help="For programs.")


def show_providers(args: argparse.Namespace) -> None:
    """`providers`: the catalogue, with what is known of each service. Needs no settings."""
    if args.json:
        rows = [
            {
                "provider": provider.name,
                "title": provider.title,
                "state": provider.status.state,
                "since": provider.status.since,
                "by": provider.status.by,
                "terms": provider.status.terms,
                "instead": provider.status.instead,
            }
            for provider in catalogue().values()
        ]
        print(json.dumps(rows, indent=2))
        return
    for provider in catalogue().values():
        print(f"{provider.name:<22} {provider.title}")
        for line in provider.status.lines():
            print(f"  {line}")
