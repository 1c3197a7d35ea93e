"""Bodies and streams as a record holds them, and back to the same bytes.

body:    {"text": str}                          all of it
         {"pieces": [str | {"ref": str}, ...]}  put together; a ref's bytes are in the object store
         {"base64": str}                        what is no UTF-8
         {"omitted": {"sha256", "bytes", "type"}}
         {"same": "/request/body"}              the bytes of another body of this record, by JSON pointer
chunks:  [[seconds, str | {"base64": str}], ...]
         {"same": "/attempts/0/answer", "cuts": [[seconds, length], ...]}     the bytes of that answer, cut after these lengths
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence

from addons.records.members import Place
from converters.json_codec import Json, JsonObject

type Put = Callable[[bytes], str]  # content -> reference
type Get = Callable[[str], bytes]


def write_body(body: bytes, places: Sequence[Place] = (), put: Put | None = None) -> JsonObject:
    """places: what goes to the object store."""
    try:
        if not places or put is None:
            return {"text": body.decode()}
        pieces: list[Json] = []
        copied = 0
        for start, end in places:
            pieces += (body[copied:start].decode(), {"ref": put(body[start:end])})
            copied = end
        pieces.append(body[copied:].decode())
        return {"pieces": pieces}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(body).decode()}


def omitted(body: bytes, content_type: str) -> JsonObject:
    return {"omitted": {"sha256": hashlib.sha256(body).hexdigest(), "bytes": len(body), "type": content_type}}


def is_media(content_type: str) -> bool:
    """Whether a whole body of this type is a picture, a film or a file."""
    kind = content_type.partition("/")[0].strip().lower()
    return kind in ("image", "audio", "video", "font") or content_type.startswith(
        ("application/pdf", "application/octet-stream", "application/zip")
    )


def read_body(record: JsonObject, body: Json, get: Get) -> bytes:
    """The bytes that were written. Raises ValueError where they were left out, OSError where an object is missing."""
    match body:
        case {"text": str(text)}:
            return text.encode()
        case {"pieces": list(pieces)}:
            return b"".join(_piece(piece, get) for piece in pieces)
        case {"base64": str(text)}:
            return base64.b64decode(text)
        case {"same": str(pointer)}:
            return read_answer(record, pointed(record, pointer), get)
        case {"omitted": _}:
            raise ValueError("the body was left out of the record")
    raise ValueError("no body of a record")


def _piece(piece: Json, get: Get) -> bytes:
    match piece:
        case str():
            return piece.encode()
        case {"ref": str(name)}:
            return get(name)
    raise ValueError("no piece of a body")


def write_chunks(chunks: Sequence[tuple[float, bytes]]) -> list[Json]:
    return [list(pair) for pair in chunk_pairs([at for at, _ in chunks], [data for _, data in chunks])]


def chunk_pairs(times: Iterable[float], chunks: Iterable[bytes]) -> list[tuple[float, Json]]:
    """The same for what is written as JSON at once."""
    chunks = list(chunks)
    try:
        return list(zip(times, [data.decode() for data in chunks], strict=True))
    except UnicodeDecodeError:  # a chunk may end inside a character
        return list(zip(times, map(_chunk, chunks), strict=True))


def _chunk(data: bytes) -> Json:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def read_chunks(record: JsonObject, chunks: Json, get: Get) -> list[tuple[float, bytes]]:
    """As `read_body`, for a stream: (seconds, bytes), cut where it was."""
    match chunks:
        case list():
            return [_read_chunk(chunk) for chunk in chunks]
        case {"same": str(pointer), "cuts": list(cuts)}:
            whole = read_answer(record, pointed(record, pointer), get)
            found, at = [], 0
            for cut in cuts:
                match cut:
                    case [int() | float() as seconds, int(length)]:
                        found.append((float(seconds), whole[at : at + length]))
                        at += length
                    case _:
                        raise ValueError("no cut of a stream")
            return found
    raise ValueError("no chunks of a record")


def _read_chunk(chunk: Json) -> tuple[float, bytes]:
    match chunk:
        case [int() | float() as seconds, str(text)]:
            return float(seconds), text.encode()
        case [int() | float() as seconds, {"base64": str(text)}]:
            return float(seconds), base64.b64decode(text)
    raise ValueError("no chunk of a record")


def read_answer(record: JsonObject, answer: Json, get: Get) -> bytes:
    """All bytes of an answer, whole or streamed; of a body as well."""
    match answer:
        case {"chunks": chunks}:
            return b"".join(data for _, data in read_chunks(record, chunks, get))
        case {"body": body}:
            return read_body(record, body, get)
    return read_body(record, answer, get)


def pointed(record: JsonObject, pointer: str) -> Json:
    """What a JSON pointer names. Raises ValueError for one that leads nowhere."""
    found: Json = record
    for step in pointer.split("/")[1:]:
        match found:
            case dict() if step in found:
                found = found[step]
            case list() if step.isdigit() and int(step) < len(found):
                found = found[int(step)]
            case _:
                raise ValueError(f"{pointer} leads nowhere in this record")
    return found
