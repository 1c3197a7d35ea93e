"""The accounts that there are, by provider: those that settings name, and those of the pools."""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from addons.providers.base import Provider
from addons.settings import Settings, written
from addons.settings_sources import VENDOR_VARIABLES, Loaded, is_own, refuse_unknown_providers
from converters.errors import ConversionError
from creds.account import Account, CredentialError
from creds.api_key import KeyRow, account_from
from creds.pool_file import Definition, Imported, mark_of, read_account_tables, read_pools_file
from creds.pool_keys import SETTINGS, keys_of
from creds.slot import Slot

# (key, URL) of an account that may do without a key of its own -> (key, URL) of the one that it shares then.
LENDERS = {
    ("openai_responses_api_key", "openai_responses_base_url"): ("openai_api_key", "openai_base_url"),
}
# Compatible vendors mostly have no Responses API: a shared key counts by itself only where the API is known to be.
LENDING_HOSTS = frozenset({"api.openai.com"})
_NAMED = 8  # accounts at start
_VENDORS_OWN = frozenset(variable for (_, variable), _ in VENDOR_VARIABLES)


@dataclass(frozen=True, slots=True)
class Member:
    """An account and its place in its provider's pool."""

    account: Account
    slot: Slot


@dataclass(frozen=True, slots=True)
class Accounts:
    """All accounts of one reading of the settings, in catalogue order; a provider that is there has one at least.

    borrowed: providers whose account has another one's key -> the setting that holds it. on_demand: those that are used only
    where a client, a route or a setting names them. notes: what could not be taken over from a file of pools. replay: where answers
    come from instead, so that there are none.
    """

    pools: Mapping[str, tuple[Member, ...]] = field(default_factory=dict)
    borrowed: Mapping[str, str] = field(default_factory=dict)
    on_demand: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()
    replay: str = ""

    @property
    def usable(self) -> tuple[str, ...]:
        """The providers to choose from when none is named."""
        return tuple(name for name in self.pools if name not in self.on_demand)

    @property
    def members(self) -> Iterator[Member]:
        """All of them."""
        return (member for pool in self.pools.values() for member in pool)

    @property
    def labels(self) -> list[str]:
        """For people, at start: not all of a great pool."""
        if self.replay:
            return [f"none (answers are replayed from {self.replay})"]
        labels = [member.slot.label for member in self.members]
        more = [f"and {len(labels) - _NAMED} more"] if len(labels) > _NAMED else []
        return labels[:_NAMED] + more or ["demo (no account configured)"]

    def of(self, provider: Provider) -> tuple[Member, ...]:
        """Raises ConversionError 503 that names the cure when there is none."""
        if found := self.pools.get(provider.name):
            return found
        if not provider.key_setting:
            warning = f" ({provider.status.warning})" if provider.status.warning else ""
            message = f"provider {provider.name} has no account: run `aiclient login {provider.name}`{warning}"
        else:
            name = provider.key_setting
            cure = f"set AICLIENT_{name.upper()} or --{name.replace('_', '-')}"
            message = f"provider {provider.name} has no account: {cure}"
        raise ConversionError(message, status=503, code="no_account")


def defined(loaded: Loaded) -> Imported:
    """Account tables and the file of pools. Raises creds.account.CredentialError."""
    imported = Imported((), ())
    if file := loaded.settings.provider_pools_file:
        imported = read_pools_file(Path(file).expanduser(), os.environ)
    tables = read_account_tables(loaded.account_tables, os.environ, may_run=is_own(loaded.file))
    by_mark = {table.slot.mark: table.label for table in tables}
    others = [each for each in imported.definitions if each.slot.mark not in by_mark]
    notes = tuple(
        f"{each.label} is the same account as {by_mark[each.slot.mark]} in {loaded.file}: left out"
        for each in imported.definitions
        if each.slot.mark in by_mark
    )
    labels = [definition.label for definition in (*tables, *others)]
    if twice := next((label for label in labels if labels.count(label) > 1), None):
        raise CredentialError(f"account {twice} stands in a table and in {file}: give one of them another label")
    return Imported((*tables, *others), (*imported.notes, *notes))


def with_own(settings: Settings, definition: Definition) -> Settings:
    """The settings as they are for one account: those that an account can have are its own, or their defaults."""
    given = Settings(**definition.settings)  # type: ignore[arg-type]  # each was checked by its name
    own = {name: getattr(given, name) for name in keys_of(definition.provider).all}
    return settings.model_copy(update=own)


def read_all(loaded: Loaded, catalogue: Mapping[str, Provider]) -> Accounts:
    """Of settings, account tables and the file of pools. Raises SettingsError for a provider that is named and not there, and
    creds.account.CredentialError."""
    refuse_unknown_providers(loaded.settings, catalogue)
    if loaded.settings.replay:
        return Accounts(replay=loaded.settings.replay)  # nothing goes upstream, health checks and renewals neither
    found = defined(loaded)
    named = frozenset(setting for setting, origin in loaded.origin.items() if origin in _VENDORS_OWN)
    return read_accounts(loaded.settings, catalogue, found.definitions, named, found.notes)


def read_accounts(
    settings: Settings,
    catalogue: Mapping[str, Provider],
    definitions: Iterable[Definition] = (),
    vendors_own: frozenset[str] = frozenset(),
    notes: tuple[str, ...] = (),
) -> Accounts:
    """definitions: the accounts of pools. vendors_own: settings that only a vendor's own variable names; like a login of another
    program they make an account where nobody has defined any.

    Raises creds.account.CredentialError for a key or base URL that cannot be used.
    """
    by_provider: dict[str, list[Definition]] = {}
    for definition in definitions:
        by_provider.setdefault(definition.provider, []).append(definition)
    pools: dict[str, tuple[Member, ...]] = {}
    borrowed: dict[str, str] = {}
    on_demand: set[str] = set()
    for name, provider in catalogue.items():
        members = [_member(provider, settings, each) for each in by_provider.get(name, ())]
        label = f"{name}:default"
        account, lender, waits = _account(provider, settings, label)
        if account is not None and not (members and (waits or _credentials(name, lender) & vendors_own)):
            slot = Slot(name, label, mark=mark_of(name, _own_settings(provider, settings, lender)))
            if label in {member.slot.label for member in members}:
                raise CredentialError(f"account {label} is the one of the plain settings: give yours another label")
            if slot.mark not in {member.slot.mark for member in members}:
                members.insert(0, Member(account, slot))
                borrowed |= {name: lender} if lender else {}
                on_demand |= {name} if waits else set()
        if members:
            pools[name] = tuple(members)
    return Accounts(pools, borrowed, frozenset(on_demand), notes)


def _member(provider: Provider, settings: Settings, definition: Definition) -> Member:
    account, _, _ = _account(provider, with_own(settings, definition), definition.label)
    assert account is not None  # a definition has a credential
    return Member(account, definition.slot)


def _credentials(provider: str, lender: str) -> frozenset[str]:
    """The settings that an account is reached with."""
    return frozenset({lender} if lender else keys_of(provider).credentials if provider in SETTINGS else ())


def _own_settings(provider: Provider, settings: Settings, lender: str) -> dict[str, str]:
    """What is set of a provider's account, by name; a key that is lent, and the URL with it, by the name of its own."""
    names = {name: name for name in (keys_of(provider.name).all if provider.name in SETTINGS else ())}
    found: dict[str, str] = {}
    if lender:
        pair = (provider.key_setting, provider.url_setting)
        names = dict(zip(LENDERS[pair], pair, strict=True)) | names
    for name, own in names.items():
        if (value := getattr(settings, name)) != type(settings).model_fields[name].get_default():
            found[own] = written(value)
    return found


def _account(provider: Provider, settings: Settings, label: str) -> tuple[Account | None, str, bool]:
    """(the account of one reading of the settings, the setting that lends it its key, whether it waits to be named)."""
    if (made := provider.account(settings, label)) is not None:
        return made[0], "", made[1]
    pair = (provider.key_setting, provider.url_setting)
    if provider.key_setting not in type(settings).model_fields:
        return None, "", False
    key, url = _pair(settings, pair)
    lent_by, waits = "", False
    if (lender := LENDERS.get(pair)) is not None:
        lent_key, lent_url = _pair(settings, lender)
        if not key and lent_key:
            lent_by = lender[0]
            waits = not url and urlsplit(lent_url).hostname not in LENDING_HOSTS
            key, url = lent_key, url or lent_url
        # A key of its own must not follow another vendor's URL.
        url = url or type(settings).model_fields[lender[1]].default
    account = account_from(KeyRow(provider.name, label, lent_by or pair[0], key, url, provider.url_version))
    return account, lent_by, waits


def _pair(settings: Settings, names: tuple[str, str]) -> tuple[str, str]:
    """Key and URL as set."""
    key, url = (written(getattr(settings, name)) for name in names)
    return key.strip(), url
