"""The command `prompts`: what clients told their models, version by version."""

import argparse
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from addons.prompt_archive import KINDS, Archive, Kind, Prompt, diff
from addons.record_folder import records_folder
from addons.records.files import record_files
from addons.records.objects import Objects
from addons.records.reader import present_lines
from addons.records.transcript import printable, when
from addons.settings_sources import SettingsError, load
from addons.table import table, terminal_width


def add_prompts_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient prompts` takes."""
    words = parser.add_subparsers(dest="word", required=True, metavar="WORD")

    def word(name: str, run: Callable[[argparse.Namespace, Archive], None], text: str) -> argparse.ArgumentParser:
        sub = words.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(prompts=run)
        sub.add_argument("--dir", type=Path, metavar="PATH", help="Folder of the records (default: record_dir).")
        return sub

    lists = word("list", _list, "List the distinct system prompts and tool sets, by client and version.")
    lists.add_argument("client", nargs="?", metavar="CLIENT", help="Only this one's.")
    lists.add_argument("--json", action="store_true", help="For programs: one JSON object a line.")
    show = word("show", _show, "Print one.")
    show.add_argument("which", metavar="WHICH", help="An id, CLIENT or CLIENT@VERSION (the latest seen).")
    differ = word("diff", _diff, "Show what changed: between two, or between a client's last two.")
    differ.add_argument("which", nargs="+", metavar="WHICH", help="One or two of: an id, CLIENT, CLIENT@VERSION.")
    for sub in (show, differ):
        sub.add_argument("--tools", action="store_true", help="Tool sets in place of system prompts.")


def run_prompts(args: argparse.Namespace) -> None:
    """`prompts WORD`. Raises SettingsError for what is not there."""
    folder = args.dir or records_folder(load().settings)
    if not folder.is_dir():
        raise SettingsError(f"there are no records in {folder}: they begin with the first exchange, if record is true")
    run: Callable[[argparse.Namespace, Archive], None] = args.prompts
    try:
        run(args, Archive(_lines(folder), Objects(folder / "objects")))
    except BrokenPipeError:
        raise
    except OSError as error:
        raise SettingsError(f"cannot read {folder}: {error.strerror}") from error
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _lines(folder: Path) -> Iterator[bytes]:
    for file in record_files(folder):
        yield from present_lines(file.path)


def _list(args: argparse.Namespace, archive: Archive) -> None:
    found = [prompt for prompt in archive.all() if args.client in (None, prompt.client)]
    if args.json:
        for prompt in found:
            print(json.dumps(_row(prompt)))
    elif found:
        print(table([_texts(prompt) for prompt in found], terminal_width(), ("first seen", "version")))
    else:
        print("no prompt was seen")


def _row(prompt: Prompt) -> dict[str, object]:
    return {
        "kind": prompt.kind,
        "id": prompt.id,
        "client": prompt.client,
        "version": prompt.version,
        "first_seen": prompt.first,
        "last_seen": prompt.last,
        "requests": prompt.count,
    }


def _texts(prompt: Prompt) -> dict[str, str]:
    return {
        "client": prompt.client,
        "version": prompt.version,
        "kind": prompt.kind,
        "id": prompt.id[:12],
        "first seen": when(prompt.first),
        "last seen": when(prompt.last),
        "requests": f"{prompt.count:,}",
    }


def _kind(args: argparse.Namespace) -> Kind:
    return KINDS[1] if args.tools else KINDS[0]


def _show(args: argparse.Namespace, archive: Archive) -> None:
    print(printable(archive.text(archive.find(args.which, _kind(args))[-1])))


def _diff(args: argparse.Namespace, archive: Archive) -> None:
    if len(args.which) > 2:
        raise SettingsError("name one client, or two prompts to be compared")
    found = [archive.find(word, _kind(args)) for word in args.which]
    if len(found) == 1:
        latest = found[0][-1]
        before = [prompt for prompt in found[0] if prompt.id != latest.id]
        if not before:
            raise SettingsError(f"{args.which[0]} was seen with one alone: there is nothing to compare it with")
        found = [before, [latest]]
    one, other = found[0][-1], found[1][-1]
    lines = list(diff(archive.text(one), archive.text(other), (_name(one), _name(other))))
    print(printable("\n".join(lines)) if lines else "no difference")


def _name(prompt: Prompt) -> str:
    version = f"@{prompt.version}" if prompt.version else ""
    return f"{prompt.client}{version} {prompt.kind} {prompt.id[:12]} ({when(prompt.last)})"
