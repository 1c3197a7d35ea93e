"""The command `bundle`: one exchange in one redacted archive, for a bug report."""

import argparse
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from addons.accounts import read_all
from addons.bundle import bundle, lines_about, pack
from addons.client_key import key_path
from addons.providers import catalogue
from addons.record_folder import records_folder
from addons.records.reader import Records
from addons.redact import Redactor
from addons.settings import NAMES, SECRETS, written
from addons.settings_sources import Loaded, SettingsError, home, load
from converters.json_codec import JsonObject
from creds.account import CredentialError
from creds.api_key import ApiKey, masked

_RULES = ("emails", "paths")
_PACKAGES = ("aiclient", "mitmproxy", "httpx", "pydantic", "h11", "h2", "uvloop")


def add_bundle_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient bundle` takes."""
    parser.add_argument("id", metavar="ID", help="The exchange's id, or the beginning of it; `last` for the latest.")
    parser.add_argument("--out", type=Path, metavar="FILE", help="The archive to make (default: aiclient-ID.tar.gz).")
    parser.add_argument("--dir", type=Path, metavar="PATH", help="Folder of the records (default: record_dir).")
    parser.add_argument("--log-file", type=Path, metavar="FILE", help="A log of aiclient's, to take its lines from.")


def make_bundle(args: argparse.Namespace) -> None:
    """`bundle`. Raises SettingsError for what is not there or cannot be written."""
    loaded = load()
    records = Records(args.dir or records_folder(loaded.settings))
    try:
        record = records.find(args.id, resolve=False)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    id_ = str(record.get("id"))
    redactor = Redactor(rules=(*_RULES, *(rule for rule in loaded.settings.redact_patterns if rule not in _RULES)))
    redactor.refresh(_secrets(loaded))
    out = args.out or Path(f"aiclient-{id_}.tar.gz")
    try:
        log = lines_about(args.log_file, id_) if args.log_file else ()
        files = bundle(record, records.objects, redactor, _settings(loaded), _versions(), log)
        pack(files, f"aiclient-{id_}", out, time.time())
    except FileExistsError:
        raise SettingsError(f"{out} is there already: name another file with --out") from None
    except OSError as error:
        raise SettingsError(f"cannot read or write {error.filename}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(str(error)) from error
    print(f"{out}, for you alone to read; inside:")
    for file in files:
        print(f"  {file.name:<24} {len(file.content):>9,} bytes  {file.about}")
    print(
        "credentials, e-mail addresses and user names in paths were redacted; what was said in the exchange is in it:"
    )
    print("read it before you send it")


def _secrets(loaded: Loaded) -> Iterator[str]:
    """Every one that is at hand, to be looked for word for word."""
    found = [written(getattr(loaded.settings, name)) for name in SECRETS]
    with suppress(OSError):  # there is none yet
        found.append(key_path(home()).read_text().strip())
    with suppress(SettingsError, CredentialError):  # an account that cannot be used is no reason to make no bundle
        credentials = [each.account.credential for each in read_all(loaded, catalogue()).members]
        found += [credential.key for credential in credentials if isinstance(credential, ApiKey)]
    return (secret for secret in found if len(secret) >= 8)


def _settings(loaded: Loaded) -> JsonObject:
    """Those that somebody has set."""
    shown: JsonObject = {}
    for name in NAMES:
        if loaded.origin[name] == "default":
            continue
        text = written(getattr(loaded.settings, name))
        shown[name] = {"value": masked(text) if name in SECRETS and text else text, "from": loaded.origin[name]}
    return shown


def _versions() -> JsonObject:
    found: JsonObject = {"python": sys.version.split()[0], "system": platform.platform()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = None
    return found
