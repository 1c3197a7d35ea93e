"""AWS event-stream frames (`application/vnd.amazon.eventstream`): bytes in, messages out.

A frame: total length, length of the headers, CRC-32 of these eight bytes, headers, payload, CRC-32 of all before it; integers
are big-endian. A header: length of its name, name, type, value. After a wrong checksum nothing can be trusted, the lengths
least of all: the stream is broken, and no next frame is guessed at.
Source: AWS SDK specification, "Amazon event stream encoding" (read 2026-11).
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from zlib import crc32

from converters.errors import Kind, UpstreamError

CONTENT_TYPE = "application/vnd.amazon.eventstream"
MAX_FRAME = 16 * 1024 * 1024  # bytes, all of it
MAX_HEADERS = 128 * 1024
_PRELUDE = struct.Struct(">III")
_CHECKSUM = struct.Struct(">I")
_LEAST = _PRELUDE.size + _CHECKSUM.size
_SHORT = struct.Struct(">H")

type HeaderValue = bool | int | bytes | str


@dataclass(slots=True)
class Message:
    """headers: a timestamp is milliseconds since 1970, a UUID its 16 bytes."""

    headers: dict[str, HeaderValue]
    payload: bytes

    def text(self, name: str) -> str:
        """A header that is a string; "" when there is none."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""


class EventStreamDecoder:
    """feed:  any slice of the body, down to one byte; yields the messages it completes.
    close: the body ended.
    Both raise UpstreamError(BROKEN_STREAM): for a wrong checksum, for lengths and headers that cannot be, and for a body that
    ends inside a frame. What came before is yielded first.
    """

    __slots__ = ("_buffer", "_total")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._total = 0  # length of the frame that begins the buffer, 0 while its prelude is not complete

    def feed(self, data: bytes) -> Iterator[Message]:
        buffer = self._buffer
        buffer += data
        while True:
            if not self._total:
                if len(buffer) < _PRELUDE.size:
                    return
                self._total = self._checked_prelude()
            if len(buffer) < self._total:
                return
            frame = bytes(buffer[: self._total])
            del buffer[: self._total]
            self._total = 0
            yield self._message(frame)

    def close(self) -> None:
        if self._buffer:
            size = len(self._buffer)
            self._buffer.clear()
            raise _broken(f"the provider's stream ended inside a frame, {size} bytes after its beginning")

    def _checked_prelude(self) -> int:
        """The frame's length, known before the frame is there: a damaged one must not be waited for."""
        total, headers, checksum = _PRELUDE.unpack_from(self._buffer)
        if crc32(self._buffer[:8]) != checksum:
            raise self._refused("the checksum of a frame's lengths is wrong")
        if not _LEAST <= total <= MAX_FRAME or headers > min(total - _LEAST, MAX_HEADERS):
            raise self._refused(f"a frame of {total} bytes with {headers} bytes of headers is not possible")
        return int(total)

    def _message(self, frame: bytes) -> Message:
        end = len(frame) - _CHECKSUM.size
        if crc32(frame[:end]) != _CHECKSUM.unpack_from(frame, end)[0]:
            raise self._refused("the checksum of a frame is wrong")
        split = _PRELUDE.size + _PRELUDE.unpack_from(frame)[1]
        try:
            return Message(_headers(frame[_PRELUDE.size : split]), frame[split:end])
        except (ValueError, IndexError, struct.error) as error:  # UnicodeDecodeError is a ValueError
            raise self._refused("the headers of a frame cannot be read") from error

    def _refused(self, why: str) -> UpstreamError:
        self._buffer.clear()  # who keeps the error need not keep these
        return _broken(f"the provider's stream is damaged: {why}")


def _broken(message: str) -> UpstreamError:
    return UpstreamError(Kind.BROKEN_STREAM, message)


type _Read = Callable[[bytes, int], tuple[HeaderValue, int]]


def _fixed(layout: str) -> _Read:
    packed = struct.Struct(layout)
    return lambda data, at: (packed.unpack_from(data, at)[0], at + packed.size)


def _bytes(data: bytes, at: int) -> tuple[bytes, int]:
    start = at + _SHORT.size
    end = start + int(_SHORT.unpack_from(data, at)[0])
    if end > len(data):
        raise ValueError("longer than the headers are")
    return data[start:end], end


def _string(data: bytes, at: int) -> tuple[str, int]:
    value, end = _bytes(data, at)
    return value.decode(), end


_TYPES: tuple[_Read, ...] = (
    lambda _, at: (True, at),
    lambda _, at: (False, at),
    _fixed(">b"),
    _fixed(">h"),
    _fixed(">i"),
    _fixed(">q"),
    _bytes,
    _string,
    _fixed(">q"),  # a timestamp
    _fixed(">16s"),  # a UUID
)


def _headers(data: bytes) -> dict[str, HeaderValue]:
    """Raises ValueError, IndexError or struct.error when the bytes are no headers."""
    headers: dict[str, HeaderValue] = {}
    at = 0
    while at < len(data):
        start = at + 1
        at = start + data[at]
        if at >= len(data):
            raise ValueError("a name without a value")
        name = data[start:at].decode()
        headers[name], at = _TYPES[data[at]](data, at + 1)
    return headers
