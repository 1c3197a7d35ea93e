"""Records, read back: all files in their order, compressed ones too. What a crash cut short is skipped and counted."""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from addons.records.bodies import Get, read_answer, read_body, read_chunks
from addons.records.files import RecordFile, lines_of, record_files
from addons.records.objects import Objects
from addons.records.prompt import prompts_in
from converters.json_codec import Json, JsonObject, dumps, loads

READS = "aiclient.record/1"
NO_HISTORY: JsonObject = {
    "conversation": None,
    "no_conversation": "a part of its history is not in the folder of objects",
}
_STRETCHES = 1 << 25  # bytes of histories that are kept while records are read
_BLOCK = 1 << 20  # bytes, of a file that is read from its end


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records. All that is set must hold. since, until: unix seconds of their beginning. model: asked for or served, `*` is
    any text. status: `200`, `4xx`, or a state (`complete`, `cut`, `failed`, `cancelled`). text: anywhere in it, whatever the case; not
    in what it only refers to, nor in a stream that is compressed. id: how it begins, with or without `req_`."""

    since: float | None = None
    until: float | None = None
    model: str | None = None
    provider: str | None = None
    status: str | None = None
    text: str | None = None
    id: str | None = None

    def maybe(self, line: bytes) -> bool:
        """Whether it is worth reading: never wrong when it says no."""
        if (
            self.text is not None
            and dumps(self.text.lower())[1:-1] not in line.decode(errors="replace").lower().encode()
        ):
            return False
        return self.id is None or self.id.encode() in line

    def fits(self, record: JsonObject) -> bool:
        began, id_ = record.get("began"), str(record.get("id"))
        began = began if isinstance(began, int | float) else 0.0
        if (self.since is not None and began < self.since) or (self.until is not None and began >= self.until):
            return False
        if self.id is not None and not id_.removeprefix("req_").startswith(self.id.removeprefix("req_")):
            return False
        route = member(record, "route")
        if self.model is not None and not any(
            fnmatchcase(str(name).lower(), self.model.lower())
            for name in (route.get("asked"), route.get("served"), route.get("target"))
            if name
        ):
            return False
        if self.provider is not None and route.get("provider") != self.provider:
            return False
        return self.status is None or self.status in statuses(record)


def statuses(record: JsonObject) -> set[str]:
    """What `Wanted.status` may be to find it."""
    status = member(record, "answer").get("status")
    found = {str(record.get("state"))}
    return found | {str(status), f"{str(status)[:1]}xx"} if status is not None else found


def member(record: JsonObject, name: str) -> JsonObject:
    """{} where there is none."""
    value = record.get(name)
    return value if isinstance(value, dict) else {}


class Records:
    """The records of one folder. torn: lines that were skipped so far because they are no record; foreign: because another version of
    aiclient wrote them, in a shape that is not known here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.torn = self.foreign = 0
        self.objects = Objects(folder / "objects")
        self._stretches: dict[str, bytes] = {}
        self._kept_bytes = 0

    def each(self, wanted: Wanted | None = None, *, resolve: bool = True) -> Iterator[JsonObject]:
        """In the order that they were written in. resolve: with the lists of `system` and `tools` in their conversations."""
        for file in self._files(wanted):
            yield from self.of_file(file.path, wanted, resolve=resolve)

    def latest(self, most: int, wanted: Wanted | None = None) -> list[JsonObject]:
        """The last ones, unresolved, in the order that they were written in; 0: all. Reads no more than it must."""
        if not most:
            return list(self.each(wanted, resolve=False))
        lines = (line for file in reversed(self._files(wanted)) for line in _backwards(file.path))
        return [*islice(self._of_lines(lines, wanted or Wanted(), False), most)][::-1]

    def of_file(self, path: Path, wanted: Wanted | None = None, *, resolve: bool = True) -> Iterator[JsonObject]:
        """Those of one file, as `each`."""
        return self._of_lines(present_lines(path), wanted or Wanted(), resolve)

    def _files(self, wanted: Wanted | None) -> list[RecordFile]:
        """Those that may hold what is wanted: a record stands in the file of the day on which it ended, in some zone."""
        files = record_files(self.folder)
        if wanted is None or wanted.since is None:
            return files
        oldest = (date.fromtimestamp(wanted.since) - timedelta(days=1)).isoformat()
        return [file for file in files if file.day >= oldest]

    def follow(self, wanted: Wanted, sleep: Callable[[float], None] = time.sleep) -> Iterator[JsonObject]:
        """Those that are written from now on, for ever."""
        at: dict[Path, int] = {}  # bytes that were read
        for file in record_files(self.folder):
            if not file.compressed:
                at[file.path] = file.path.stat().st_size if file.path.exists() else 0
        while True:
            plain = [file.path for file in record_files(self.folder) if not file.compressed]
            for path in [*(path for path in at if path not in plain), *plain]:
                try:
                    with path.open("rb") as source:
                        source.seek(at.get(path, 0))
                        fresh = source.read()
                except FileNotFoundError:  # compressed since, or removed
                    yield from self._of_lines(_lines_behind(packed(path), at.pop(path, 0)), wanted, True)
                    continue
                *lines, rest = fresh.split(b"\n")  # the last one is not whole yet
                at[path] = at.get(path, 0) + len(fresh) - len(rest)
                yield from self._of_lines(iter(lines), wanted, True)
            sleep(0.3)

    def find(self, id_: str, *, resolve: bool = True) -> JsonObject:
        """The one whose id it is, or begins so; `last`: the latest. Raises ValueError if there is none, or more than one."""
        if id_ == "last":
            if not (found := self.latest(1)):
                raise ValueError(f"there are no records in {self.folder}")
        else:
            by_id = {str(record.get("id")): record for record in self.each(Wanted(id=id_), resolve=False)}
            found = [record for name, record in by_id.items() if name in (id_, f"req_{id_}")] or [*by_id.values()]
        if not found:
            raise ValueError(f"there is no record {id_!r} in {self.folder}")
        if len(found) > 1:
            raise ValueError(f"{id_!r} is the beginning of more than one record's id")
        return self.resolved(found[0]) if resolve else found[0]

    def _of_lines(self, lines: Iterator[bytes], wanted: Wanted, resolve: bool) -> Iterator[JsonObject]:
        for line in lines:
            if not line:
                continue
            if not line.endswith(b"}"):
                self.torn += 1
                continue
            if not wanted.maybe(line):
                continue
            try:
                record = loads(line)
            except ValueError:
                self.torn += 1
                continue
            if not isinstance(record, dict) or "schema" not in record:
                self.torn += 1
            elif record["schema"] != READS:
                self.foreign += 1
            elif wanted.fits(record):
                yield self.resolved(record) if resolve else record

    def skipped(self) -> str:
        """What was, for people; "" for nothing."""
        counts = ((self.torn, "torn lines"), (self.foreign, "records of another version of aiclient"))
        return " and ".join(f"{count:,} {what}" for count, what in counts if count)

    def resolved(self, record: JsonObject) -> JsonObject:
        """With the whole history, lists of system texts and tools and the operator's prompt in the place of references; null where an
        object is missing or damaged."""
        record = self.with_history(record)
        talk = record.get("conversation")
        if isinstance(talk, dict):
            for name in ("system", "tools"):
                talk[name] = self._resolve(talk.get(name))
        for prompt in prompts_in(record):
            prompt["text"] = self._resolve(prompt.get("text"))
        return record

    def with_history(self, record: JsonObject) -> JsonObject:
        """With the messages of its conversation in the place of references to lists of them. Without its conversation where one is
        missing: half a history would be another conversation."""
        try:
            return with_history(record, self._stretch)
        except (OSError, ValueError):
            return record | NO_HISTORY

    def _stretch(self, name: str) -> bytes:
        """Many records share them."""
        content = self._stretches.pop(name, None)
        if content is None:
            content = self.objects.get(name)
            self._kept_bytes += len(content)
            while self._stretches and self._kept_bytes > _STRETCHES:
                self._kept_bytes -= len(self._stretches.pop(next(iter(self._stretches))))
        self._stretches[name] = content
        return content

    def _resolve(self, value: Json) -> Json:
        match value:
            case {"ref": str(name)}:
                try:
                    return loads(self.objects.get(name))
                except (OSError, ValueError):
                    return None
        return value

    # --- bodies ---

    def request_body(self, record: JsonObject, attempt: int | None = None) -> bytes:
        """The client's, or that of one attempt (from 0). Raises ValueError where it was left out, OSError if an object is missing."""
        made = record["attempts"] if attempt is not None else None
        request = made[attempt] if isinstance(made, list) and attempt is not None else record
        if not isinstance(request, dict):
            raise ValueError("no attempt of a record")
        return read_body(record, member(request, "request").get("body"), self.objects.get)

    def answer(self, record: JsonObject, attempt: int | None = None) -> list[tuple[float, bytes]]:
        """The client's, or one attempt's: chunks with their times; a whole answer is one chunk. Raises as `request_body`."""
        made = record["attempts"] if attempt is not None else None
        holder = made[attempt] if isinstance(made, list) and attempt is not None else record
        answer = member(holder, "answer") if isinstance(holder, dict) else {}
        if "chunks" in answer:
            return read_chunks(record, answer["chunks"], self.objects.get)
        return [(0.0, read_answer(record, answer, self.objects.get))]


def with_history(record: JsonObject, get: Get) -> JsonObject:
    """As `Records.with_history`; get: the bytes of an object. Raises what that does, and ValueError."""
    talk = member(record, "conversation")
    messages = talk.get("messages")
    if not isinstance(messages, list):
        return record
    found: list[Json] = []
    for message in messages:
        match message:
            case {"ref": str(name)}:
                stretch = loads(get(name))
                if not isinstance(stretch, list):
                    raise ValueError(f"{name} is no part of a history")
                found += stretch
            case _:
                found.append(message)
    return record | {"conversation": talk | {"messages": found}}


def packed(path: Path) -> Path:
    """Where a file of records is once it is compressed."""
    return path.with_name(path.name + ".zst")


def present_lines(path: Path) -> Iterator[bytes]:
    """Lines of a file that may be compressed, or removed, by now."""
    try:
        yield from lines_of(path)
    except FileNotFoundError:
        if packed(path).exists():
            yield from lines_of(packed(path))


def _lines_behind(path: Path, read: int) -> Iterator[bytes]:
    """Those behind the first bytes, which end with a line."""
    for line in lines_of(path) if path.exists() else ():
        if read <= 0:
            yield line
        read -= len(line) + 1


def _backwards(path: Path) -> Iterator[bytes]:
    """Lines from the last one to the first. A compressed file is unpacked for that in memory."""
    try:
        source = path.open("rb") if path.suffix != ".zst" else None
    except FileNotFoundError:
        source = None
    if source is None:
        yield from reversed(list(present_lines(path)))
        return
    with source:
        at, rest = source.seek(0, os.SEEK_END), b""
        while at:
            block = min(at, _BLOCK)
            at = source.seek(at - block)
            first, *lines = (source.read(block) + rest).split(b"\n")
            yield from reversed(lines)
            rest = first
        yield rest
