"""Where exchanges come from: files and folders of records, recordings, and mitmproxy's dumps."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from addons.records.files import lines_of, record_files
from addons.records.objects import Objects
from addons.records.reader import Records, Wanted
from addons.replay.captured import Captured, Unplayable, Unplayed
from addons.replay.of_record import captured
from addons.replay.recording import NAME, is_recording, read
from converters.json_codec import JsonObject, loads

type Found = Captured | Unplayed
type Dumps = Callable[[Path], Iterator[Found]]


class NoSource(Exception):
    """A path that holds nothing of the kind."""


def exchanges(paths: Sequence[Path], dumps: Dumps, id_: str | None = None) -> Iterator[Found]:
    """In the order of the paths, and of what is in each. dumps: reads a file that mitmproxy wrote. id_: how its id begins.

    Raises NoSource for a path that is not there or holds nothing that could be replayed, OSError.
    """
    for path in paths:
        for found in _of(path, dumps, id_):
            if id_ is None or found.id.removeprefix("req_").startswith(id_.removeprefix("req_")):
                yield found


def _of(path: Path, dumps: Dumps, id_: str | None) -> Iterator[Found]:
    if not path.exists():
        raise NoSource(f"{path} is not there")
    if path.is_file():
        if path.name == NAME and is_recording(path.parent):
            yield _recording(path.parent)
        elif path.name.removesuffix(".zst").endswith(".jsonl"):
            yield from _of_file(path, id_)
        else:
            yield from dumps(path)
        return
    recordings = recordings_in(path)
    if not recordings and not record_files(path):
        raise NoSource(f"{path} holds no records and no recordings")
    yield from map(_recording, recordings)
    records = Records(path)
    for record in records.each(Wanted(id=id_)):
        yield _record(record, records.objects, str(path))
    if records.torn:
        yield Unplayed("", str(path), f"{records.torn} lines were cut short")


def recordings_in(folder: Path) -> list[Path]:
    """The folder itself, if it is one, or all below it."""
    if is_recording(folder):
        return [folder]
    return sorted(mark.parent for mark in folder.rglob(NAME) if is_recording(mark.parent))


def _of_file(path: Path, id_: str | None) -> Iterator[Found]:
    """Lines of records; their objects are beside the file."""
    records = Records(path.parent)
    wanted = Wanted(id=id_)
    number = 0
    for number, line in enumerate(lines_of(path), 1):
        if not line or not wanted.maybe(line):
            continue
        try:
            record = loads(line)
        except ValueError:
            record = None
        if isinstance(record, dict):
            yield _record(records.resolved(record), records.objects, f"{path}:{number}")
        else:
            yield Unplayed("", f"{path}:{number}", "the line was cut short")
    if not number:
        yield Unplayed("", str(path), "it holds no records")


def _record(record: JsonObject, objects: Objects, where: str) -> Found:
    try:
        return captured(record, objects.get, where)
    except Unplayable as error:
        return Unplayed(str(record.get("id", "")), where, str(error))


def _recording(folder: Path) -> Found:
    try:
        return read(folder)
    except Unplayable as error:
        return Unplayed("", str(folder), str(error))
