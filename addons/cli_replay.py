"""The commands `replay` and `record`: recorded exchanges through today's converters, and one of them as a regression test."""

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from addons.dataset_export.progress import Progress
from addons.record_folder import records_folder
from addons.records.bodies import Get
from addons.records.files import record_files
from addons.records.reader import Records
from addons.redact import Redactor
from addons.replay.captured import Captured, Unplayable, Unplayed
from addons.replay.of_record import captured
from addons.replay.recording import read, write
from addons.replay.report import Totals, row, text
from addons.replay.sources import NoSource, exchanges
from addons.settings_sources import SettingsError, load
from converters.json_codec import JsonObject

WRONG = 2  # exit status: nothing could be replayed


def add_replay_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient replay` takes."""
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="Records, recordings, folders of either, or dumps of mitmproxy.",
    )
    parser.add_argument("--id", metavar="ID", help="Only the exchange whose id begins so.")
    parser.add_argument("--verbose", action="store_true", help="Name what is the same, too.")
    parser.add_argument("--json", action="store_true", help="For programs: one JSON object a line.")


def add_record_arguments(parser: argparse.ArgumentParser) -> None:
    """What `aiclient record` takes."""
    parser.add_argument(
        "path",
        type=Path,
        nargs="?",
        metavar="PATH",
        help="A folder or file of records, or a dump of mitmproxy (default: record_dir).",
    )
    parser.add_argument("name", type=Path, metavar="NAME", help="The folder to make.")
    parser.add_argument("--id", default="last", metavar="ID", help="How its id begins (default: the last exchange).")
    parser.add_argument("--says", default="", metavar="SENTENCE", help="What it shows, for its README.")


def run_replay(args: argparse.Namespace) -> None:
    """`replay`. SystemExit 1 where something differs, 2 where nothing could be replayed or settings are wrong."""
    from addons.replay_legs import verdicts  # the proxy's own code, which takes a second to import

    totals = Totals()
    progress = Progress(sys.stderr, time.monotonic)
    found = progress.over(_exchanges(args), "exchanges read") if sys.stderr.isatty() else _exchanges(args)
    try:
        for verdict in verdicts(found, load().settings):
            totals.add(verdict)
            if args.json:
                print(json.dumps(row(verdict), ensure_ascii=False), flush=True)
            elif words := text(verdict, verbose=args.verbose):
                print(words, flush=True)
    except (NoSource, SettingsError) as error:
        _stop(str(error))
    except BrokenPipeError:  # `| head`: for `cli.main`
        raise
    except OSError as error:
        _stop(f"cannot read {error.filename}: {error.strerror}")
    print(totals.sentence, file=sys.stderr if args.json else sys.stdout)
    if not totals.replayed:
        _stop("nothing could be replayed" if totals.unplayed else "there is no such exchange")
    if totals.different:
        raise SystemExit(1)


def run_record(args: argparse.Namespace) -> None:
    """`record`. Raises SettingsError for what cannot be recorded."""
    settings = load().settings
    path: Path = args.path or records_folder(settings)
    folder: Path = args.name
    try:
        if folder.exists():
            raise SettingsError(f"{folder} is there already: name another folder, or remove it")
        record, get = _dumped(path, args.id) if _is_dump(path) else _record(path, args.id)
        _refuse_unplayable(captured(record, get))
        write(record, get, folder, Redactor(rules=settings.redact_patterns), args.says)
        whole = read(folder)
    except Unplayable as error:
        raise SettingsError(f"this exchange cannot be a test: {error}") from None
    except OSError as error:
        raise SettingsError(f"cannot read or write {error.filename}: {error.strerror}") from error
    _say_whether_it_holds(whole, folder)


def _refuse_unplayable(whole: Captured) -> None:
    """Before anything is written."""
    from addons.replay_legs import verdicts

    for verdict in verdicts([whole]):
        if isinstance(verdict, Unplayed):
            raise Unplayable(verdict.reason)


def _say_whether_it_holds(whole: Captured, folder: Path) -> None:
    from addons.replay_legs import verdicts

    print(f"{folder}: {whole.id}  {whole.title}")
    for verdict in verdicts([whole]):
        if isinstance(verdict, Unplayed) or verdict.differences:
            print(text(verdict))
            raise SettingsError(f"{folder} is written, but its replay differs from it already")


def _is_dump(path: Path) -> bool:
    return path.is_file() and not path.name.removesuffix(".zst").endswith(".jsonl")


def _dumped(path: Path, id_: str) -> tuple[JsonObject, Get]:
    """One flow of a dump, as a record. Raises SettingsError, Unplayable."""
    from addons.replay.to_record import record_of
    from addons.replay_legs import Replay

    try:
        found = list(exchanges([path], _dumps, None if id_ == "last" else id_))
    except NoSource as error:
        raise SettingsError(str(error)) from None
    if not found:
        raise SettingsError(f"there is no exchange {id_!r} in {path}")
    whole = found[-1]
    if len({each.id for each in found}) > 1 and id_ != "last":
        raise SettingsError(f"{id_!r} is the beginning of more than one exchange's id")
    if isinstance(whole, Unplayed):
        raise Unplayable(whole.reason)
    return record_of(whole, Replay().today(whole).record), _no_object


def _no_object(name: str) -> bytes:
    raise ValueError(f"a dump has no objects ({name})")


def _record(path: Path, id_: str) -> tuple[JsonObject, Get]:
    """One record, with its lists. path: a folder, or one file of it. Raises SettingsError."""
    folder = path if path.is_dir() else path.parent
    records = Records(folder)
    if not record_files(folder):
        raise SettingsError(f"{path} holds no records: a recording is made of one")
    try:
        if id_ != "last":
            return records.find(id_), records.objects.get
    except ValueError as error:
        raise SettingsError(str(error)) from None
    last = None
    for last in records.each(resolve=False):  # noqa: B007
        pass
    if last is None:
        raise SettingsError(f"there are no records in {folder}")
    return records.resolved(last), records.objects.get


def _exchanges(args: argparse.Namespace) -> Iterator[Captured | Unplayed]:
    return exchanges(args.paths, _dumps, args.id)


def _dumps(path: Path) -> Iterator[Captured | Unplayed]:
    from addons.flow_dump import read_dump

    yield from read_dump(path)


def _stop(reason: str) -> None:
    print(f"aiclient: {reason}", file=sys.stderr)
    raise SystemExit(WRONG)
