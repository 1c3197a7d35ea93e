"""A recording: one exchange in a folder of its own, small, redacted, its bodies as files a person can read. Written and read here.

    exchange.json               the record (docs/records.md) without its bodies, named by file; also the folder's mark
    README.md                   what it shows
    client_request.json         the client's body
    attempt_1/request.json      what the provider got
    attempt_1/answer.sse        what it answered (`.json`, or `.bin` for what is no text); attempt_1/chunks.json: where it was cut
    client_answer.sse           what the client got; client_answer.chunks.json
JSON is indented only where its one line can be made again byte by byte.
"""

import base64
import json
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from addons.records.bodies import Get, read_body, read_chunks
from addons.records.reader import member
from addons.records.record import SCHEMA
from addons.redact import Redactor
from addons.redact_frames import fit_frames
from addons.replay.captured import Captured, Unplayable
from addons.replay.of_record import captured, fields
from converters.eventstream import CONTENT_TYPE as FRAMES
from converters.json_codec import Json, JsonObject, loads

MARK = "aiclient.recording/1"
NAME = "exchange.json"
_HEAD = 200  # bytes of it that tell what it is
_PAIR = re.compile(rb'\[\n +("(?:[^"\\]|\\.)*"),\n +("(?:[^"\\]|\\.)*")\n +\]')  # a header, on a line of its own
# How programs write JSON on one line.
_STYLES: Mapping[str, dict[str, Any]] = {
    "compact": {"separators": (",", ":"), "ensure_ascii": False},
    "compact ascii": {"separators": (",", ":")},
    "spaced": {"ensure_ascii": False},
    "spaced ascii": {},
}


def is_recording(folder: Path) -> bool:
    """Whether the folder is one. Reads the beginning of one file."""
    try:
        with (folder / NAME).open("rb") as file:
            return MARK.encode() in file.read(_HEAD)
    except OSError:
        return False


# --- writing ---


def write(record: JsonObject, get: Get, folder: Path, redactor: Redactor, sentence: str = "") -> None:
    """folder: to be made. sentence: what it shows, for its README. Raises Unplayable for a record that cannot be replayed, OSError;
    then there is no folder."""
    whole = captured(record, get)
    folder.mkdir(parents=True)
    try:
        _Writing(record, get, folder, redactor).write()
        (folder / "README.md").write_text(_readme(folder.name, whole, sentence or shows(whole)), encoding="utf-8")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


class _Writing:
    def __init__(self, record: JsonObject, get: Get, folder: Path, redactor: Redactor) -> None:
        self._record, self._get, self._folder, self._redactor = record, get, folder, redactor

    def write(self) -> None:
        record = self._record
        written: JsonObject = {"schema": MARK, **{name: value for name, value in record.items() if name != "schema"}}
        written["request"] = self._request(member(record, "request"), "client_request")
        attempts = record["attempts"]
        made: list[Json] = []
        for number, attempt in enumerate(attempts if isinstance(attempts, list) else (), 1):
            if isinstance(attempt, dict):
                (self._folder / f"attempt_{number}").mkdir()
                request = self._request(member(attempt, "request"), f"attempt_{number}/request")
                answer = self._answer(attempt["answer"], f"attempt_{number}/answer", f"attempt_{number}/chunks.json")
                made.append({**attempt, "request": request, "answer": answer})
        written["attempts"] = made
        written["answer"] = self._answer(record["answer"], "client_answer", "client_answer.chunks.json")
        self._put(NAME, self._redactor.body(_PAIR.sub(rb"[\1, \2]", _indented(written))))

    def _request(self, request: JsonObject, name: str) -> JsonObject:
        body = request["body"]
        if isinstance(body, dict) and "same" in body:
            return request
        return {**request, "body": self._file(name, read_body(self._record, body, self._get), "json")}

    def _answer(self, answer: Json, name: str, cuts: str) -> Json:
        if not isinstance(answer, dict):
            return None
        chunks, body = answer.get("chunks"), answer.get("body")
        if "chunks" in answer:
            found = read_chunks(self._record, chunks, self._get)
            fit = fit_frames if is_framed(answer) else None
            clean = self._redactor.stream([data for _, data in found], split=True, fit=fit)
            lines = ",\n".join(
                json.dumps([seconds, len(data)]) for (seconds, _), data in zip(found, clean, strict=True)
            )
            self._put(cuts, f"[{lines}]\n".encode())
            if isinstance(chunks, dict) and "same" in chunks:
                return {**answer, "chunks": {"same": chunks["same"], "cuts": {"file": cuts}}}
            body = self._file(name, b"".join(clean), "sse", redacted=True)
            return {**answer, "chunks": {**body, "cuts": {"file": cuts}}}
        if isinstance(body, dict) and "same" in body:
            return answer
        return {**answer, "body": self._file(name, read_body(self._record, body, self._get), "json")}

    def _file(self, name: str, body: bytes, ending: str, *, redacted: bool = False) -> JsonObject:
        body = body if redacted else self._redactor.body(body)
        try:
            text = body.decode()
        except UnicodeDecodeError:
            ending, text = "bin", ""
        reference: JsonObject = {"file": f"{name}.{ending}"}
        if ending == "json" and (style := _style_of(text)) is not None:
            reference["style"] = style
            body = _indented(json.loads(text))
        self._put(f"{name}.{ending}", body)
        return reference

    def _put(self, name: str, content: bytes) -> None:
        (self._folder / name).write_bytes(content)


def is_framed(answer: JsonObject) -> bool:
    """Whether its stream is one of binary frames, with checksums."""
    return any(name == "content-type" and value.startswith(FRAMES) for name, value in fields(answer.get("headers")))


def _style_of(text: str) -> str | None:
    """The name of the way in which a program wrote this line; None where it is more than a line, or cannot be made again."""
    try:
        found = json.loads(text)
        _indented(found)  # half of a character, like `\ud83d`, cannot be written
        return next(
            (name for name, style in _STYLES.items() if json.dumps(found, **style) == text and isinstance(found, dict)),
            None,
        )
    except (ValueError, RecursionError):
        return None


def _indented(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


# --- reading ---


def read(folder: Path) -> Captured:
    """The exchange. Raises Unplayable for a folder that is no recording, or where something of it is missing."""
    try:
        return captured(record_of(folder), _no_object, str(folder))
    except (OSError, ValueError, KeyError) as error:
        raise Unplayable(f"{folder} is no whole recording: {error}") from None


def record_of(folder: Path) -> JsonObject:
    """The record as its recorder would have written it, bodies and all. OSError, ValueError, KeyError."""
    found = loads((folder / NAME).read_bytes())
    if not isinstance(found, dict) or found.get("schema") != MARK:
        raise ValueError(f"{NAME} is not of {MARK}")
    legs = {name: _filled(found[name], folder) for name in ("request", "attempts", "answer")}
    return {**found, **legs, "schema": SCHEMA}


def _filled(value: Json, folder: Path) -> Json:
    match value:
        case {"file": str(name), "cuts": {"file": str(cuts)}}:
            return _chunks(_inside(folder, name).read_bytes(), loads(_inside(folder, cuts).read_bytes()))
        case {"same": str(same), "cuts": {"file": str(cuts)}}:
            return {"same": same, "cuts": loads(_inside(folder, cuts).read_bytes())}
        case {"file": str(name), "style": str(style)}:
            return _text(_as_it_was(_inside(folder, name).read_bytes(), style))
        case {"file": str(name)}:
            return _text(_inside(folder, name).read_bytes())
        case dict():
            return {name: inner if name == "query" else _filled(inner, folder) for name, inner in value.items()}
        case list():
            return [_filled(item, folder) for item in value]
    return value


def _inside(folder: Path, name: str) -> Path:
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{name} is not in the folder")
    return path


def _as_it_was(content: bytes, style: str) -> bytes:
    return json.dumps(json.loads(content), **_STYLES[style]).encode()


def _text(data: bytes) -> JsonObject:
    try:
        return {"text": data.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _chunks(data: bytes, cuts: Json) -> Json:
    chunks: list[Json] = []
    at = 0
    for cut in cuts if isinstance(cuts, list) else ():
        match cut:
            case [int() | float() as seconds, int(length)]:
                piece = _text(data[at : at + length])
                chunks.append([seconds, piece.get("text", piece)])
                at += length
            case _:
                raise ValueError("no cut of a stream")
    if at != len(data):
        raise ValueError(f"the cuts are of {at} bytes, and there are {len(data)}")
    return chunks


def _no_object(name: str) -> bytes:
    raise OSError(f"a recording has no objects ({name})")


# --- words ---

_STATES = {
    "complete": "",
    "cut": "; the stream breaks off",
    "failed": "; it fails",
    "cancelled": "; the client leaves before its end",
}


def shows(whole: Captured) -> str:
    """One sentence."""
    answer = member(member(whole.record, "conversation"), "answer").get("parts")
    kinds = dict.fromkeys(
        str(part.get("type")).replace("_", " ")
        for part in (answer if isinstance(answer, list) else ())
        if isinstance(part, dict)
    )
    asked = f"A client that speaks {whole.protocol} asks {whole.provider or 'aiclient'} for {whole.asked or 'nothing'}"
    tries = f" in {len(whole.attempts)} attempts" if len(whole.attempts) > 1 else ""
    how = "" if whole.answer is None else "a stream" if whole.answer.streamed else "one body"
    got = f" and gets {how} (status {whole.answer.status})" if whole.answer else " and gets nothing"
    said = f" of {', '.join(kinds)}" if kinds else ""
    return f"{asked}{tries}{got}{said}{_STATES.get(whole.state, '')}."


def _readme(name: str, whole: Captured, sentence: str) -> str:
    wires = ", ".join(f"{tried.provider}: {tried.outcome or 'no end'}" for tried in whole.attempts) or "none"
    return f"# {name}\n\n{sentence}\n\nAttempts: {wires}.\nReplay it: `aiclient replay {name}`, or pytest.\n"
