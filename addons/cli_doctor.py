"""The command `doctor`: what would keep aiclient from working, and the cure. It asks no provider and changes nothing."""

import argparse
import http.client
import json
import os
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from addons import workers
from addons.accounts import Accounts, read_all
from addons.candidates import plan
from addons.cli_accounts import NO_ACCOUNTS, account_rows
from addons.client_key import key_path, refuse_open_bind
from addons.launch import free_port
from addons.mitmproxy_version import TESTED, is_tested
from addons.providers import catalogue
from addons.record_folder import records_folder
from addons.settings import SECRETS, written
from addons.settings_sources import Loaded, SettingsError, home, load
from converters.errors import ConversionError
from converters.wires import WIRES
from creds.account import CredentialError, State
from creds.slot import Standing

OK, HINT, WRONG = "ok", "hint", "wrong"
OLDEST_PYTHON = (3, 12)
SKEW = 120.0  # seconds that a file may be newer than the clock
_UNWELL = frozenset({State.NEEDS_LOGIN.value, State.SUSPENDED.value, Standing.STOPPED.value})


@dataclass(frozen=True, slots=True)
class Finding:
    """cure: what to do; "" where nothing needs to be done."""

    verdict: str
    what: str
    text: str
    cure: str = ""

    def line(self) -> str:
        return f"{self.verdict:<5} {self.what:<10} {self.text}" + (f": {self.cure}" if self.cure else "")


def add_doctor_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient doctor` takes."""
    parser.add_argument("--model", metavar="MODEL", help="Show who would answer for it, too.")
    parser.add_argument("--json", action="store_true", help="For programs.")


def run_doctor(args: argparse.Namespace) -> None:
    """Prints a line for each look. SystemExit 1 if something is wrong."""
    findings = list(look(args.model))
    if args.json:
        print(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        print("\n".join(finding.line() for finding in findings))
    if any(finding.verdict == WRONG for finding in findings):
        sys.exit(1)


def look(model: str | None = None) -> Iterator[Finding]:
    """All findings. Where the settings are wrong, what depends on them is not looked at."""
    yield _python()
    yield _mitmproxy()
    yield _clock(time.time())
    try:
        loaded = load()
        accounts = read_all(loaded, catalogue())
    except (SettingsError, CredentialError) as e:
        yield Finding(WRONG, "settings", str(e), "mend it there; `aiclient config check` looks again")
        return
    yield Finding(OK, "settings", f"file {loaded.file}" if loaded.file else "no settings file, which is fine")
    yield _listening(loaded)
    yield from _key(loaded)
    yield from _folders(loaded)
    yield from _accounts(loaded, accounts)
    if model is not None:
        yield _answer(model, loaded, accounts)


def _python() -> Finding:
    text = sys.version.split()[0]
    if sys.version_info < OLDEST_PYTHON:
        return Finding(WRONG, "python", text, "aiclient needs Python 3.12 or newer; ./run.sh finds one")
    return Finding(OK, "python", text)


def _mitmproxy() -> Finding:
    text = version("mitmproxy")
    if not is_tested(text):
        cure = f"not tested with it: pip install 'mitmproxy{TESTED}'"
        return Finding(HINT, "mitmproxy", text, cure)
    return Finding(OK, "mitmproxy", text)


def _clock(now: float) -> Finding:
    """A clock that is behind makes dead tokens look alive. Nobody is asked for the time: no file can be newer than now."""
    newest = max((_changed(path) for path in (Path(__file__), home(), *_files(home()))), default=0.0)
    if newest > now + SKEW:
        behind = f"the clock stands at least {int(newest - now)} s behind files on this disk"
        return Finding(
            HINT, "clock", behind, "tokens would end unseen; set it, with `timedatectl set-ntp true` for one"
        )
    return Finding(OK, "clock", time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(now)))


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _listening(loaded: Loaded) -> Finding:
    settings = loaded.settings
    where = f"{settings.host}:{settings.port}"
    if refusal := refuse_open_bind(settings.host, written(settings.api_key) or None):
        return Finding(WRONG, "port", where, refusal)
    if refusal := workers.refusal(settings.workers):
        return Finding(WRONG, "port", where, refusal)
    try:
        free_port(settings.host, settings.port, "--port")
    except SettingsError as e:
        if _is_aiclient(settings.host, settings.port):
            return Finding(OK, "port", f"aiclient runs on {where}")
        return Finding(WRONG, "port", str(e), "or AICLIENT_PORT")
    return Finding(OK, "port", f"{where} is free")


def _is_aiclient(host: str, port: int) -> bool:
    connection = http.client.HTTPConnection(host, port, timeout=2)
    try:
        connection.request("GET", "/health")
        answer = connection.getresponse()
        return answer.status == 200 and b'"status"' in answer.read(10_000)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _key(loaded: Loaded) -> Iterator[Finding]:
    path = key_path(home())
    if written(loaded.settings.api_key):
        yield Finding(OK, "client key", f"set by {loaded.origin['api_key']}")
    elif not path.exists():
        yield Finding(OK, "client key", "is made at the first start")
    elif mode := _others(path):
        yield Finding(WRONG, "client key", f"{path} has mode {mode:o}: others can read it", f"chmod 600 '{path}'")
    else:
        yield Finding(OK, "client key", str(path))
    for file in _with_keys(loaded):
        if mode := _others(file):
            text = f"{file} holds keys, and others can read it (mode {mode:o})"
            yield Finding(HINT, "settings", text, f"chmod 600 '{file}'")


def _others(path: Path) -> int:
    """The file's mode, if more than its owner may read it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError:
        return 0
    return mode if mode & 0o077 else 0


def _with_keys(loaded: Loaded) -> Iterator[Path]:
    """The files in which keys, or where they are, stand."""
    if loaded.file and (loaded.account_tables or any(loaded.origin[name] == str(loaded.file) for name in SECRETS)):
        yield loaded.file
    if pools := loaded.settings.provider_pools_file:
        yield Path(pools).expanduser()


def _folders(loaded: Loaded) -> Iterator[Finding]:
    settings = loaded.settings
    wanted = {"home": home()}
    if settings.record:
        wanted["records"] = records_folder(settings)
    if settings.log_prompts == "file":
        wanted["prompts"] = Path(settings.prompt_log_base_name or ".").expanduser().absolute().parent
    for what, folder in wanted.items():
        there = next((path for path in (folder, *folder.absolute().parents) if path.exists()), Path("/"))
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            name = "record_dir" if what == "records" and settings.record_dir else "AICLIENT_HOME"
            name = "prompt_log_base_name" if what == "prompts" else name
            yield Finding(WRONG, what, f"cannot write in {folder}", f"give it to this user, or set {name}")
        else:
            yield Finding(OK, what, str(folder))


def _accounts(loaded: Loaded, accounts: Accounts) -> Iterator[Finding]:
    rows = account_rows(loaded, accounts)
    if not rows:
        if accounts.replay:
            yield Finding(OK, "accounts", f"none: answers are replayed from {accounts.replay}")
        else:
            yield Finding(HINT, "accounts", "only the demo model would answer", NO_ACCOUNTS)
    for row in rows:
        state, reason = str(row["state"]), str(row["reason"])
        text = f"{row['label']} {state}" + (f" ({reason})" if reason else "")
        if state == Standing.COOLING:
            yield Finding(HINT, "account", text, "wait, or `aiclient pool reset`")
        elif state in _UNWELL:
            cure = str(row.get("advice") or f"`aiclient pool reset {row['label']}` once it is mended")
            others = len(accounts.pools[str(row["provider"])]) > 1 or row["used"] != "always"
            yield Finding(HINT if others else WRONG, "account", text, cure)
        else:
            yield Finding(OK, "account", text)
    for note in accounts.notes:
        yield Finding(HINT, "accounts", note)


def _answer(model: str, loaded: Loaded, accounts: Accounts) -> Finding:
    try:
        found = plan(model, next(iter(WIRES)), None, settings=loaded.settings, accounts=accounts, catalogue=catalogue())
    except ConversionError as e:
        return Finding(WRONG, "model", f"{model}: nobody would answer", str(e))
    names = [f"{candidate.provider} with {candidate.model}" for candidate in found.candidates]
    return Finding(OK, "model", f"{model}: {', then '.join(names)} (`aiclient route {model}` says why)")
