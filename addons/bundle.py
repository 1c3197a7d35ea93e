"""One exchange in one archive, for a bug report: redacted once more, and with nothing in it that was not asked for."""

import gzip
import io
import json
import os
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from pathlib import Path

from addons.records.bodies import read_chunks, write_chunks
from addons.records.objects import LOST, PREFIX, Objects, reference
from addons.records.prompt import prompts_in
from addons.records.reader import NO_HISTORY, member, with_history
from addons.records.transcript import transcript
from addons.redact import Redactor
from addons.redact_frames import fit_frames
from addons.replay.recording import is_framed
from converters.json_codec import Json, JsonObject, dumps, loads

_REFERENCE = re.compile(rb"sha256:[0-9a-f]{64}")
_LONGEST_LOG = 2000  # lines
_README = """\
# aiclient bundle of {id}

Made by `aiclient bundle`, for a bug report. Read it before you send it: it holds what was said in this exchange.

{contents}

Redacted: credentials, e-mail addresses, user names in paths, and what `redact_patterns` names. A password in a sentence, or a secret
that a program has encoded, cannot be found.

    aiclient log show {id} --dir records
    aiclient replay records
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file of the archive. about: what it is, for people."""

    name: str
    content: bytes = field(repr=False)
    about: str


def bundle(
    record: JsonObject,
    objects: Objects,
    redactor: Redactor,
    settings: JsonObject,
    versions: JsonObject,
    log: Iterable[str] = (),
) -> list[File]:
    """record: as it is on disk, with references. settings, versions: masked already; they are redacted all the same. log: lines that
    name the exchange. An object that is gone costs itself alone. Raises OSError where the store cannot be read, and ValueError for a
    stream that is damaged: what cannot be read cannot be redacted."""
    line, kept = _with_objects(_inlined(record, objects, redactor), objects, redactor)
    resolved = _resolved(line, kept)
    files = [File(f"records/{_day(record)}.jsonl", line + b"\n", "the record")]
    for name, content in kept.items():
        digest = name.removeprefix(PREFIX)
        files.append(File(f"records/objects/{digest[:2]}/{digest}.json", content, "tools or a system prompt of it"))
    files += [
        File("transcript.txt", redactor.text(transcript(resolved)).encode(errors="replace"), "the same, to be read"),
        File("settings.json", redactor.body(_pretty(settings)), "settings and where they come from, secrets masked"),
        File("versions.json", redactor.body(_pretty(versions)), "versions of what decides how aiclient behaves"),
    ]
    if text := "".join(islice(log, _LONGEST_LOG)):
        files.append(File("log.txt", redactor.text(text).encode(errors="replace"), "lines of the log that name it"))
    contents = "\n".join(f"- `{file.name}`: {file.about}" for file in files)
    readme = _README.format(id=record.get("id"), contents=contents)
    return [File("README.md", readme.encode(), "what is inside"), *files]


def _inlined(record: JsonObject, objects: Objects, redactor: Redactor) -> JsonObject:
    """A copy with its bodies, streams and history in the record itself: what is redacted anew must not be in pieces. The events of a
    stream are, so it is redacted here."""
    with suppress(*LOST):
        record = with_history(record, objects.get)
    copy = loads(dumps(record))
    assert isinstance(copy, dict)
    for leg in _legs(copy):
        match leg:
            case {"body": {"pieces": list(pieces)}}:
                leg["body"] = _joined(pieces, objects)
    for leg, written in zip(_legs(record), _legs(copy), strict=True):
        if "chunks" in leg:
            with suppress(*LOST):
                written["chunks"] = _clean(record, leg, objects, redactor)
    return copy


def _legs(record: JsonObject) -> Iterator[JsonObject]:
    attempts = record.get("attempts")
    for exchange in (record, *(attempts if isinstance(attempts, list) else ())):
        if isinstance(exchange, dict):
            yield from (member(exchange, "request"), member(exchange, "answer"))


def _joined(pieces: list[Json], objects: Objects) -> JsonObject:
    """A body; in pieces still where an object is gone."""
    joined: list[Json] = []
    for piece in pieces:
        match piece:
            case {"ref": str(name)}:
                with suppress(*LOST):
                    piece = objects.get(name).decode()
        if joined and isinstance(joined[-1], str) and isinstance(piece, str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return {"text": joined[0]} if len(joined) == 1 and isinstance(joined[0], str) else {"pieces": joined}


def _clean(record: JsonObject, answer: JsonObject, objects: Objects, redactor: Redactor) -> Json:
    found = read_chunks(record, answer["chunks"], objects.get)
    fit = fit_frames if is_framed(answer) else None
    clean = redactor.stream([data for _, data in found], split=True, fit=fit)
    chunks = [(seconds, data) for (seconds, _), data in zip(found, clean, strict=True)]
    match answer["chunks"]:
        case {"same": str(pointer)}:
            return {"same": pointer, "cuts": [[seconds, len(data)] for seconds, data in chunks]}
    return write_chunks(chunks)


def _with_objects(record: JsonObject, objects: Objects, redactor: Redactor) -> tuple[bytes, dict[str, bytes]]:
    """The record's line and the objects that it names. What the redactor changes has another name from then on."""
    line = dumps(record)
    kept: dict[str, bytes] = {}
    renamed: dict[bytes, bytes] = {}
    for old in dict.fromkeys(_REFERENCE.findall(line)):
        try:
            content = objects.get(old.decode())
        except LOST:
            continue  # a picture's hash, or an object that is gone
        redacted = redactor.body(content)
        kept[reference(redacted)] = redacted
        renamed[old] = reference(redacted).encode()
    line = _REFERENCE.sub(lambda found: renamed.get(found[0], found[0]), line)
    return redactor.body(line), kept


def _resolved(line: bytes, kept: Mapping[str, bytes]) -> JsonObject:
    record = loads(line)
    assert isinstance(record, dict)
    try:
        record = with_history(record, kept.__getitem__)
    except KeyError:
        record |= NO_HISTORY
    talk = member(record, "conversation")
    for holder, name in ((talk, "system"), (talk, "tools"), *((prompt, "text") for prompt in prompts_in(record))):
        match holder.get(name):
            case {"ref": str(ref)}:
                holder[name] = loads(kept[ref]) if ref in kept else None
    return record


def _day(record: JsonObject) -> str:
    began = record.get("began")
    return datetime.fromtimestamp(began if isinstance(began, int | float) else 0.0).date().isoformat()


def _pretty(value: JsonObject) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode(errors="replace")


def lines_about(path: Path, id_: str) -> Iterator[str]:
    """Lines of a log file that name an exchange, and the traces that follow them. OSError."""
    inside = False
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            inside = id_ in line or (inside and _is_trace(line))
            if inside:
                yield line


def _is_trace(line: str) -> bool:
    return (
        line.startswith((" ", "Traceback ", "During handling"))
        or re.match(r"[\w.]+(Error|Exception)\b", line) is not None
    )


def pack(files: Iterable[File], root: str, path: Path, now: float) -> None:
    """A tar.gz that only its owner can read; one that is there already is not overwritten (FileExistsError), and half a one is
    removed. OSError."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with (
            open(descriptor, "wb") as raw,
            gzip.GzipFile(fileobj=raw, mode="wb", mtime=int(now)) as zipped,
            tarfile.open(fileobj=zipped, mode="w") as tar,
        ):
            for file in files:
                entry = tarfile.TarInfo(f"{root}/{file.name}")
                entry.size, entry.mode, entry.mtime = len(file.content), 0o600, int(now)
                tar.addfile(entry, io.BytesIO(file.content))
    except BaseException:
        path.unlink(missing_ok=True)
        raise
