"""Bodies and streams as a record holds them, and back to the same bytes.

body:    {"text": str}                          all of it
         {"pieces": [str | {"ref": str}, ...]}  put together; a ref's bytes are in the object store
         {"base64": str}                        what is no UTF-8
         {"omitted": {"sha256", "bytes", "type"}}
         {"same": "/request/body"}              the bytes of another body of this record, by JSON pointer
chunks:  [[seconds, str | {"base64": str}], ...]
         {"zstd": str, "cuts": [[seconds, length], ...]}     long ones: all bytes compressed, in base64; cut after these lengths
        {"same": "/attempts/0/answer", "cuts": [[seconds, length], ...]}     the bytes of that answer
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence

import zstandard

from addons.records.blocks import Cut
from converters.json_codec import Json, JsonObject

LONG = 2048  # bytes of a stream; events are nearly alike: compressed they take a tenth of the space, and of the time
_LEVEL = 1
LARGEST = 64 * 1024 * 1024  # bytes; no stream in a record is longer

type Get = Callable[[str], bytes]


def write_body(body: bytes, cuts: Sequence[Cut] = ()) -> JsonObject:
    """cuts: what is in the object store."""
    try:
        if not cuts:
            return {"text": body.decode()}
        pieces: list[Json] = []
        copied = 0
        for start, end, name in cuts:
            if copied < start:
                pieces.append(body[copied:start].decode())
            pieces.append({"ref": name})
            copied = end
        if copied < len(body):
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
    return [[at, _chunk(data)] for at, data in chunks]


class Streams:
    """Writes them for records: short ones as they are, others compressed. Not for several threads at once."""

    def __init__(self) -> None:
        self._packer = zstandard.ZstdCompressor(level=_LEVEL)

    def written(self, times: Sequence[float], chunks: Sequence[bytes]) -> Json:
        if sum(map(len, chunks)) < LONG:
            return write_chunks(list(zip(times, chunks, strict=True)))
        packed = self._packer.compress(b"".join(chunks))
        cuts: list[Json] = [[at, len(data)] for at, data in zip(times, chunks, strict=True)]
        return {"zstd": base64.b64encode(packed).decode(), "cuts": cuts}


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
            return _cut(read_answer(record, pointed(record, pointer), get), cuts)
        case {"zstd": str(text), "cuts": list(cuts)}:
            return _cut(_unpacked(text), cuts)
    raise ValueError("no chunks of a record")


def _cut(whole: bytes, cuts: Sequence[Json]) -> list[tuple[float, bytes]]:
    found, at = list[tuple[float, bytes]](), 0
    for cut in cuts:
        match cut:
            case [int() | float() as seconds, int(length)]:
                found.append((float(seconds), whole[at : at + length]))
                at += length
            case _:
                raise ValueError("no cut of a stream")
    if at != len(whole):
        raise ValueError(f"a stream of {len(whole)} bytes that is cut after {at}")
    return found


def _unpacked(text: str) -> bytes:
    try:
        packed = base64.b64decode(text, validate=True)
        if not 0 <= zstandard.frame_content_size(packed) <= LARGEST:  # it would be believed
            raise ValueError("a compressed stream of no known length, or too long")
        return zstandard.ZstdDecompressor().decompress(packed)
    except (zstandard.ZstdError, binascii.Error) as error:
        raise ValueError(f"no compressed stream ({error})") from None


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
