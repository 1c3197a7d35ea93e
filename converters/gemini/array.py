"""A stream as one JSON array, which is what the Gemini API sends to those who do not ask for Server-Sent Events."""

import re
from typing import override

from converters.errors import Kind, UpstreamError
from converters.pipe import Around, Pipe
from converters.sse import MAX_FRAME, SSEDecoder

_OUTSIDE_STRING = re.compile(rb'["{}\[\]]')
_INSIDE_STRING = re.compile(rb'["\\]')


class ArrayDecoder:
    """Bytes of `[{...},{...}]` -> the bytes of each object. A lone object is an array of one.

    feed: any slice of the body. complete: the array is closed. Raises UpstreamError(BROKEN_STREAM) for an object over 32 MB.
    """

    __slots__ = ("_buffer", "_depth", "_in_string", "_scanned", "_start", "complete")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._scanned = 0  # of the buffer
        self._start = 0  # of the object that is open
        self._depth = 0  # of objects and of arrays within them
        self._in_string = False
        self.complete = False

    def feed(self, data: bytes) -> list[bytes]:
        buffer = self._buffer
        buffer += data
        found: list[bytes] = []
        while mark := (_INSIDE_STRING if self._in_string else _OUTSIDE_STRING).search(buffer, self._scanned):
            if mark[0] == b"\\":
                if mark.end() == len(buffer):  # what is escaped comes with the next slice
                    self._scanned = mark.start()
                    break
                self._scanned = mark.end() + 1
                continue
            self._scanned = mark.end()
            if mark[0] == b'"':
                self._in_string = not self._in_string
            else:
                self._bracket(mark, found)
        else:
            self._scanned = len(buffer)
        done = self._start if self._depth else self._scanned
        del buffer[:done]
        self._scanned -= done
        self._start = 0
        if len(buffer) > MAX_FRAME:
            raise UpstreamError(Kind.BROKEN_STREAM, f"one stream element is over {MAX_FRAME} bytes")
        return found

    def _bracket(self, mark: re.Match[bytes], found: list[bytes]) -> None:
        if mark[0] in b"{[":
            if self._depth == 0 and mark[0] == b"{":
                self._start = mark.start()
                self._depth = 1
            elif self._depth:
                self._depth += 1
        elif self._depth == 0:
            self.complete = True
        else:
            self._depth -= 1
            if self._depth == 0:
                found.append(bytes(self._buffer[self._start : mark.end()]))


class ArrayEncoder:
    """Server-Sent Events -> the same payloads as one JSON array, flushed as they come."""

    __slots__ = ("_opened", "_sse")

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._opened = False

    def feed(self, frames: bytes) -> bytes:
        out = []
        for _, data in self._sse.feed(frames):
            out.append((b",\r\n" if self._opened else b"[") + data)
            self._opened = True
        return b"".join(out)

    def close(self) -> bytes:
        """The array's end; an array of nothing where nothing came."""
        return b"]" if self._opened else b"[]"


class ArrayPipe(Around):
    """A pipe whose client did not ask for `alt=sse`: its frames become one array, closed also after an error."""

    def __init__(self, pipe: Pipe) -> None:
        super().__init__(pipe)
        self._array = ArrayEncoder()
        self._closed = False

    @override
    def feed(self, data: bytes) -> bytes:
        return self._out(self._pipe.feed(data), over=self._pipe.over)

    @override
    def close(self) -> bytes:
        return self._out(self._pipe.close(), over=True)

    @override
    def fail(self, kind: Kind, message: str) -> bytes:
        return self._out(self._pipe.fail(kind, message), over=True)

    @override
    def heartbeat(self) -> bytes:
        """Nothing may stand between the elements that a parser of streamed JSON is sure to skip."""
        return b""

    def _out(self, frames: bytes, *, over: bool) -> bytes:
        out = self._array.feed(frames)
        if over and not self._closed and (self._pipe.started or self._pipe.failed is None):
            self._closed = True
            out += self._array.close()
        return out


def as_array(frames: bytes) -> bytes:
    """A whole stream at once."""
    array = ArrayEncoder()
    return array.feed(frames) + array.close()
