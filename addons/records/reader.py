"""Records, read back: all files in their order, compressed ones too. What a crash cut short is skipped and counted."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from addons.records.bodies import read_answer, read_body, read_chunks
from addons.records.files import lines_of, record_files
from addons.records.objects import Objects
from converters.json_codec import Json, JsonObject, dumps, loads


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which records. All that is set must hold. since, until: unix seconds of their beginning. model: asked for or served, `*` is
    any text. status: `200`, `4xx`, or a state (`complete`, `cut`, `failed`, `cancelled`). text: anywhere in it, whatever the case.
    id: how it begins, with or without `req_`."""

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
    """The records of one folder. torn: lines that were skipped so far because they are no record."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.torn = 0
        self.objects = Objects(folder / "objects")

    def each(self, wanted: Wanted | None = None, *, resolve: bool = True) -> Iterator[JsonObject]:
        """In the order that they were written in. resolve: with the lists of `system` and `tools` in their conversations."""
        wanted = wanted or Wanted()
        for file in record_files(self.folder):
            try:
                yield from self._of_lines(lines_of(file.path), wanted, resolve)
            except FileNotFoundError:
                packed = file.path.with_name(file.path.name + ".zst")  # compressed since
                if packed.exists():
                    yield from self._of_lines(lines_of(packed), wanted, resolve)

    def follow(self, wanted: Wanted, sleep: Callable[[float], None] = time.sleep) -> Iterator[JsonObject]:
        """Those that are written from now on, for ever."""
        at = {file.path: file.path.stat().st_size for file in record_files(self.folder) if not file.compressed}
        while True:
            for file in record_files(self.folder):
                if file.compressed:
                    continue
                with file.path.open("rb") as source:
                    source.seek(at.get(file.path, 0))
                    fresh = source.read()
                *lines, rest = fresh.split(b"\n")  # the last one is not whole yet
                at[file.path] = at.get(file.path, 0) + len(fresh) - len(rest)
                yield from self._of_lines(iter(lines), wanted, True)
            sleep(0.3)

    def find(self, id_: str) -> JsonObject:
        """The one whose id begins so. Raises ValueError if there is none, or more than one."""
        found = [record for record, _ in zip(self.each(Wanted(id=id_)), range(2), strict=False)]
        if not found:
            raise ValueError(f"there is no record {id_!r} in {self.folder}")
        if len(found) > 1 and found[0]["id"] != found[1]["id"]:
            raise ValueError(f"{id_!r} is the beginning of more than one record's id")
        return found[0]

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
            if isinstance(record, dict) and "schema" in record:
                if wanted.fits(record):
                    yield self.resolved(record) if resolve else record
            else:
                self.torn += 1

    def resolved(self, record: JsonObject) -> JsonObject:
        """With the lists of system texts and tools in the place of references; null where an object is missing or damaged."""
        talk = record.get("conversation")
        if isinstance(talk, dict):
            for name in ("system", "tools"):
                talk[name] = self._resolve(talk.get(name))
        return record

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
