"""The commands about logins, for `python -m creds` and for `aiclient`: log in, log out, list, check. They need no proxy."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from creds.account import CredentialError, State, Status
from creds.lock_file import LockFile
from creds.logins import LOGINS, Login, Place, Wish, credential_at, find, place_of
from creds.places import home, own_file
from creds.store import resolve_secret
from creds.terminal import StandardTerminal, Terminal
from creds.token_file import beside

SECRET_ENDINGS = ("_secret", "_base64", "_api_key")
USELESS = (State.NEEDS_LOGIN, State.SUSPENDED)


# --- what they do ---


async def log_in(login: Login, wish: Wish, terminal: Terminal) -> None:
    """What is known of the service first, then the login. Raises CredentialError; the old login is whole then."""
    terminal.say(f"{login.provider}: {login.tool}'s kind of login")
    for line in login.service.lines():
        terminal.say(line)
    terminal.say("")
    if wish.method and wish.method not in login.methods:
        choice = f"there are {', '.join(login.methods)}" if login.methods else "it has one way only"
        raise CredentialError(f"{login.provider} has no method {wish.method!r}: {choice}")
    path = (wish.file or own_file(login.provider, wish.home)).expanduser()
    token = await login.run(wish, terminal, path)
    terminal.say(
        f"\nThe login is in {path}{f', its access token good {until(token.expires_at)}' if token.expires_at else ''}."
    )
    found = place_of(login, wish)
    if found is None or found.file != path:
        terminal.say(f"It is not used by itself: name it by {login.file_setting}, as {path}.")


async def log_out(login: Login, wish: Wish, terminal: Terminal, *, revoke: bool = False) -> None:
    """Remove our own file, and say what stays. Raises CredentialError; the file stays then."""
    path = own_file(login.provider, wish.home)
    if revoke and login.revoke is None:
        raise CredentialError(f"{login.tool} has no way to end a login from here; log out without --revoke")
    if path.is_file():
        if revoke and login.revoke:
            await asyncio.to_thread(login.revoke, wish, path)
            terminal.say("The login was revoked: everything that was logged in by the same OAuth client is logged out.")
        try:
            async with LockFile(beside(path)).held():
                path.unlink()
        except OSError as e:
            raise CredentialError(f"cannot remove {path}: {e.strerror}") from e
        terminal.say(f"Removed {path}.")
        if not revoke:
            terminal.say(
                "Whoever has a copy of it is logged in still, until its tokens end or are revoked at the vendor."
            )
    else:
        terminal.say(f"There is no login of ours for {login.provider} ({path}).")
    for line in _staying(login, wish):
        terminal.say(line)


def _staying(login: Login, wish: Wish) -> list[str]:
    lines = [
        f"{name} is set, and what it names stays in use; take it out of the settings."
        for name in (login.key_setting, login.file_setting, login.base64_setting)
        if name and wish.of(name)
    ]
    if login.official().is_file():
        lines.append(f"The login of {login.tool} in {login.official()} stays: it is that program's; log out there.")
    return lines


@dataclass(frozen=True, slots=True)
class Row:
    """A login as it is listed. until: unix seconds. used: `always` or `when named`; "" where there is none."""

    provider: str
    service: str
    state: str
    until: float | None
    source: str
    used: str
    advice: str


def row_of(login: Login, wish: Wish, place: Place | None) -> Row:
    """What stands there; asks nobody."""
    if place is None:
        advice = f"log in: aiclient login {login.provider}"
        return Row(login.provider, login.service.state, "no login", None, "", "", advice)
    try:
        status = credential_at(login, wish, place).status()
    except CredentialError as e:
        status = Status(State.NEEDS_LOGIN, advice=str(e))
    return Row(
        login.provider,
        login.service.state,
        status.state.value,
        status.until,
        str(place.file or (login.base64_setting if place.base64 else login.key_setting)),
        "when named" if place.on_demand else "always",
        status.advice,
    )


def until(seconds: float | None) -> str:
    """`until 2026-11-22 18:03 UTC`; "" for no end."""
    return f"until {datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC" if seconds else ""


async def check(login: Login, wish: Wish, terminal: Terminal) -> bool:
    """Make the login ready for use, which refreshes one that is near its end. Whether it is."""
    place = place_of(login, wish)
    if place is not None:
        credential = credential_at(login, wish, place)
        try:
            await credential.ready()
        except CredentialError as e:
            terminal.say(f"{login.provider}: {e}")
            return False
    row = row_of(login, wish, place)
    words = (row.state, until(row.until), f"({row.source})" if row.source else "", row.advice)
    terminal.say(f"{login.provider}: {' '.join(word for word in words if word)}")
    return place is not None and row.state not in USELESS


# --- the command line ---


def add_login_arguments(parser: argparse.ArgumentParser) -> None:
    """What `login` takes."""
    parser.add_argument("provider", metavar="PROVIDER", help=_providers())
    parser.add_argument(
        "--no-browser", action="store_true", help="Neither open a browser nor listen: paste the address it ends up at."
    )
    parser.add_argument(
        "--file", type=Path, metavar="PATH", help="Where the login goes (default: a file of our own, see the docs)."
    )
    parser.add_argument(
        "--port", type=_port, default=0, metavar="N", help="Port to listen on for the browser (default: a free one)."
    )
    methods = "; ".join(f"{login.alias}: {', '.join(login.methods)}" for login in LOGINS if login.methods)
    parser.add_argument("--method", default="", metavar="NAME", help=f"How to log in. {methods}.")
    parser.add_argument(
        "--start-url", default="", metavar="URL", help="Kiro with idc: your organisation's Identity Center."
    )
    parser.add_argument(
        "--region", default="", metavar="NAME", help="Kiro with idc: its AWS region (default us-east-1)."
    )


def add_logout_arguments(parser: argparse.ArgumentParser) -> None:
    """What `logout` takes."""
    parser.add_argument("provider", metavar="PROVIDER", help=_providers())
    parser.add_argument("--revoke", action="store_true", help="Gemini: end the login at Google too.")


def _providers() -> str:
    return ", ".join(f"{login.provider} (or {login.alias})" for login in LOGINS) + "."


def _port(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        raise argparse.ArgumentTypeError("must be a port from 1 to 65535")
    return int(text)


def wish_from(args: argparse.Namespace, settings: Mapping[str, str], home: Path) -> Wish:
    """Arguments of any of the commands, and settings by name."""
    said = vars(args)
    return Wish(
        settings=settings,
        home=home,
        file=said.get("file"),
        paste=said.get("no_browser", False),
        port=said.get("port", 0),
        method=said.get("method", ""),
        start_url=said.get("start_url", ""),
        region=said.get("region", ""),
    )


def settings_in(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings that matter to logins, from their environment variables alone. CredentialError for a reference to nothing."""
    found = {}
    for name in dict.fromkeys(name for login in LOGINS for name in login.names):
        variable = f"AICLIENT_{name.upper()}"
        text = environ.get(variable, "")
        found[name] = (
            resolve_secret(text.strip(), variable, environ, may_run=True) if name.endswith(SECRET_ENDINGS) else text
        )
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code: 0 good, 1 error, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m creds",
        description="Logins, without a proxy. Settings come from the environment (AICLIENT_...), not from aiclient.toml.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_login_arguments(commands.add_parser("login", help="Log in to a provider.", allow_abbrev=False))
    add_logout_arguments(commands.add_parser("logout", help="Remove a login made here.", allow_abbrev=False))
    listing = commands.add_parser("list", help="Show every login; asks nobody.", allow_abbrev=False)
    listing.add_argument("--json", action="store_true", help="For programs.")
    checking = commands.add_parser(
        "check", help="Make logins ready for use, renewing those near their end.", allow_abbrev=False
    )
    checking.add_argument("provider", nargs="?", metavar="PROVIDER", help=_providers())
    args = parser.parse_args(argv)
    terminal = StandardTerminal()
    try:
        return asyncio.run(_run(args, wish_from(args, settings_in(os.environ), home(os.environ)), terminal))
    except CredentialError as e:
        print(f"creds: {e}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


async def _run(args: argparse.Namespace, wish: Wish, terminal: Terminal) -> int:
    match args.command:
        case "login":
            await log_in(find(args.provider), wish, terminal)
        case "logout":
            await log_out(find(args.provider), wish, terminal, revoke=args.revoke)
        case "check":
            named = [find(args.provider)] if args.provider else [login for login in LOGINS if place_of(login, wish)]
            if not named:
                terminal.say("no logins; see `python -m creds list`")
            return 0 if all([await check(login, wish, terminal) for login in named]) else 1
        case _:
            _list(wish, terminal, as_json=args.json)
    return 0


def _list(wish: Wish, terminal: Terminal, *, as_json: bool) -> None:
    rows = [row_of(login, wish, place_of(login, wish)) for login in LOGINS]
    if as_json:
        terminal.say(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for row in rows:
        where = f"{row.source}{', used when named' if row.used == 'when named' else ''}"
        words = (f"{row.provider:<18} ({row.service})", row.state, until(row.until), where, row.advice)
        terminal.say("  ".join(word for word in words if word))
