"""The commands `login` and `logout`. What they do is `creds.commands`; here they get the settings of every source."""

import argparse
import asyncio
from pathlib import Path

from addons.accounts import defined, with_own
from addons.providers import catalogue
from addons.settings import NAMES, Settings, written
from addons.settings_sources import flag, home, load, variable
from creds.account import CredentialError
from creds.commands import add_login_arguments, log_in, log_out, wish_from
from creds.logins import Login, Wish, find
from creds.terminal import StandardTerminal


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient login` takes beyond `python -m creds login`."""
    add_login_arguments(parser)
    parser.add_argument(
        "--account",
        default="",
        metavar="LABEL",
        help="The account of a pool that the login is for: its file, its settings.",
    )


def login(args: argparse.Namespace) -> None:
    """Raises SettingsError, CredentialError."""
    found = _found(args.provider)
    asyncio.run(log_in(found, of_account(found, args) if args.account else wish(args), StandardTerminal()))


def of_account(found: Login, args: argparse.Namespace) -> Wish:
    """With an account's own settings, for the file that it names. CredentialError where there is no such account, or no file."""
    loaded = load()
    label = f"{found.provider}:{args.account.removeprefix(found.provider + ':')}"
    own = [each for each in defined(loaded).definitions if each.provider == found.provider]
    definition = next((each for each in own if each.label == label), None)
    if definition is None:
        near = ", ".join(each.label for each in own) or "none; see docs/pools.md"
        raise CredentialError(f"there is no account {label!r} in a pool; there are {near}")
    settings = with_own(loaded.settings, definition)
    file = definition.settings.get(found.file_setting)
    if args.file is None and not file:
        raise CredentialError(f"{label} names no file to log in to: set {found.file_setting} there")
    args.file = args.file or Path(str(file)).expanduser()
    return _wish(args, settings)


def logout(args: argparse.Namespace) -> None:
    """Raises SettingsError, CredentialError."""
    asyncio.run(log_out(_found(args.provider), wish(args), StandardTerminal(), revoke=args.revoke))


def wish(args: argparse.Namespace) -> Wish:
    """What was asked for, with all settings by name."""
    return _wish(args, load().settings)


def _wish(args: argparse.Namespace, settings: Settings) -> Wish:
    return wish_from(args, {name: written(getattr(settings, name)) for name in NAMES}, home())


def _found(name: str) -> Login:
    """CredentialError that says where a key goes, for a provider that takes one."""
    provider = catalogue().get(name)
    if provider is not None and (setting := provider.key_setting):
        raise CredentialError(f"{name} takes an API key, no login: set {variable(setting)} or {flag(setting)}")
    return find(name)
