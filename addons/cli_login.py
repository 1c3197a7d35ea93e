"""The commands `login` and `logout`. What they do is `creds.commands`; here they get the settings of every source."""

import argparse
import asyncio

from addons.providers import catalogue
from addons.settings import written
from addons.settings_sources import flag, home, load, variable
from creds.account import CredentialError
from creds.commands import log_in, log_out, wish_from
from creds.logins import Login, Wish, find
from creds.terminal import StandardTerminal


def login(args: argparse.Namespace) -> None:
    """Raises SettingsError, CredentialError."""
    asyncio.run(log_in(_found(args.provider), wish(args), StandardTerminal()))


def logout(args: argparse.Namespace) -> None:
    """Raises SettingsError, CredentialError."""
    asyncio.run(log_out(_found(args.provider), wish(args), StandardTerminal(), revoke=args.revoke))


def wish(args: argparse.Namespace) -> Wish:
    """What was asked for, with all settings by name."""
    settings = load().settings
    return wish_from(args, {name: written(getattr(settings, name)) for name in type(settings).model_fields}, home())


def _found(name: str) -> Login:
    """CredentialError that says where a key goes, for a provider that takes one."""
    provider = catalogue().get(name)
    if provider is not None and (setting := provider.key_setting):
        raise CredentialError(f"{name} takes an API key, no login: set {variable(setting)} or {flag(setting)}")
    return find(name)
