"""Server-Sent Events, both ways.

Source: WHATWG HTML, "Server-sent events" (living standard, read 2026-11). Works on bytes: line ends are ASCII, so a frame
is cut right even when a chunk ends inside a UTF-8 character, and the JSON parser takes bytes.
"""

from converters.errors import Kind, UpstreamError
from converters.json_codec import dumps

MAX_FRAME = 32 * 1024 * 1024  # bytes; images travel as base64 in one line
_BOM = b"\xef\xbb\xbf"
DONE = b"[DONE]"

type Frame = tuple[bytes, bytes]  # (event name, b"" if none; data lines joined with a newline)


class SSEDecoder:
    """Stream bytes -> frames that have data.

    feed: any slice of the body; LF, CRLF and CR; comments, `id:` and `retry:` are skipped.
    close: a last frame without its closing blank line counts.
    Raises UpstreamError(BROKEN_STREAM) for a frame over 32 MB.
    """

    __slots__ = ("_after_cr", "_buffer", "_first")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._after_cr = False
        self._first = True

    def feed(self, data: bytes) -> list[Frame]:
        if self._after_cr or b"\r" in data:
            data = self._newlines(data)
        buffer = self._buffer
        if not buffer and data.endswith(b"\n\n"):  # whole frames, the common case: nothing is copied
            return self._frames(data)
        searched = max(0, len(buffer) - 1)
        buffer += data
        cut = buffer.rfind(b"\n\n", searched)
        if cut < 0:
            if len(buffer) > MAX_FRAME:
                buffer.clear()  # who keeps the error need not keep these
                raise UpstreamError(Kind.BROKEN_STREAM, f"one stream frame is over {MAX_FRAME} bytes")
            return []
        whole = bytes(buffer[:cut])
        del buffer[: cut + 2]
        return self._frames(whole)

    def close(self) -> list[Frame]:
        rest = bytes(self._buffer)
        self._buffer.clear()
        return self._frames(rest)

    def _newlines(self, data: bytes) -> bytes:
        """CRLF and CR become LF, also when a chunk ends between CR and LF."""
        if self._after_cr and data.startswith(b"\n"):
            data = data[1:]
        elif not data:
            return data
        self._after_cr = data.endswith(b"\r")
        return data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")

    def _frames(self, text: bytes) -> list[Frame]:
        frames = []
        for block in text.split(b"\n\n"):
            if not block:
                continue
            if self._first:
                self._first = False
                block = block.removeprefix(_BOM)
            if block.startswith(b"data: ") and b"\n" not in block:
                frames.append((b"", block[6:]))
            elif (frame := _parse(block)) is not None:
                frames.append(frame)
        return frames


def _parse(block: bytes) -> Frame | None:
    event = b""
    data: list[bytes] = []
    for line in block.split(b"\n"):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            event = value
    return (event, b"\n".join(data)) if data else None


def data_frame(payload: object) -> bytes:
    """`data: {json}` and a blank line."""
    return b"data: " + dumps(payload) + b"\n\n"


def lines_frame(data: bytes) -> bytes:
    """`data: ` before each line of what is sent as it is, and a blank line."""
    return b"data: " + data.replace(b"\n", b"\ndata: ") + b"\n\n"


def event_frame(event: str, payload: object) -> bytes:
    """`event: name`, `data: {json}` and a blank line."""
    return b"event: " + event.encode() + b"\ndata: " + dumps(payload) + b"\n\n"
