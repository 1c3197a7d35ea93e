"""The command `config`: settings shown, checked, described for editors, or taken over from the seed project's files."""

import argparse
import json
import os
import shlex
from pathlib import Path

from addons.accounts import read_all
from addons.chaos_plan import Rates
from addons.cli_accounts import place
from addons.providers import catalogue
from addons.seed_import import convert
from addons.settings import NAMES, SECRETS, written
from addons.settings_prompts import PromptRules, Replacements
from addons.settings_routes import DefaultModels, Routes
from addons.settings_schema import schema
from addons.settings_sources import FILE_NAME, SettingsError, load
from creds.api_key import masked
from creds.store import write_private


def add_config_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient config` takes."""
    parser.add_argument(
        "what",
        nargs="?",
        choices=("show", "check", "schema", "import"),
        default="show",
        help="show every value and where it comes from (the default), check them, print a JSON Schema for editors, "
        "or import the files of AIClient-2-API.",
    )
    parser.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="For import: config.json, and provider_pools.json if there is one.",
    )
    parser.add_argument("--json", action="store_true", help="For programs; with show.")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help=f"For import: the file to make (default {FILE_NAME}); never one that is there.",
    )


def run_config(args: argparse.Namespace) -> None:
    """Raises SettingsError and CredentialError: the first wrong value, or a file that cannot be read or made."""
    if args.what == "import":
        import_seed(args.files, args.out or Path(FILE_NAME))
    elif args.files or args.out:
        raise SettingsError(f"config {args.what} takes no files; did you mean `aiclient config import`?")
    elif args.what == "schema":
        print(json.dumps(schema(catalogue()), indent=2))
    else:
        show_config(args)


def show_config(args: argparse.Namespace) -> None:
    """`config show` prints every setting; `config check` says that all is well. Both fail on the first wrong value."""
    loaded = load()
    read_all(loaded, catalogue())  # a provider that is not there is a wrong value too, and a key that cannot be sent
    if args.what == "check":
        print(f"settings are good ({'file ' + str(loaded.file) if loaded.file else 'no settings file'})")
        return
    shown = {name: getattr(loaded.settings, name) for name in NAMES}
    for name in SECRETS:
        shown[name] = masked(text) if (text := written(shown[name])) else ""
    if args.json:
        rows = {name: {"value": _as_json(value), "from": place(loaded, name)} for name, value in shown.items()}
        print(json.dumps(rows, indent=2))
        return
    for name, value in shown.items():
        print(f"{name} = {shlex.quote(written(value)):<36} # {place(loaded, name)}")


def _as_json(value: object) -> object:
    return value.table if isinstance(value, Routes | DefaultModels | Rates | PromptRules | Replacements) else value


def import_seed(files: list[Path], out: Path) -> None:
    """Makes `out`, readable by its owner alone. Raises SettingsError where it is there already, CredentialError for a file that
    cannot be read."""
    if not 1 <= len(files) <= 2:
        raise SettingsError("config import takes config.json, and provider_pools.json if there is one")
    if os.path.lexists(out):
        raise SettingsError(f"{out} is there already: name another file with --out, or move it away")
    found = convert(files[0], files[1] if len(files) == 2 else None, catalogue())
    try:
        write_private(out, found.text.encode(errors="replace"))  # JSON can name half a character
    except OSError as e:
        raise SettingsError(f"cannot write {out}: {e.strerror}") from e
    for note in found.notes:
        print(f"not taken over: {note}")
    print(f"{out}: {found.settings} settings and {found.accounts} accounts, from {' and '.join(map(str, files))}")
    if found.holds_keys:
        print(
            f"keys stand in {out} as they are (only you can read it); env:NAME or file:PATH would keep them elsewhere"
        )
