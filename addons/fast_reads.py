"""One event per read. mitmproxy hands on every HTTP chunk by itself; a provider that bursts sends hundreds in one read."""

import logging
import re

import h11
from h11._readers import _decode_header_lines
from h11._receivebuffer import ReceiveBuffer
from h11._util import LocalProtocolError, RemoteProtocolError

from addons.mitmproxy_version import TESTED, is_tested
from addons.relay import install_body_reader, uninstall_body_reader

_MAX_LINE = 256  # bytes of a chunk header with its extensions; h11 would wait for its end for ever
_MAX_TRAILER = 64 * 1024  # bytes of trailers; h11 would collect them without end
# As h11's `chunk_header`: at most 20 hexadecimal digits, extensions skipped.
_CHUNK_HEADER = re.compile(rb"([0-9A-Fa-f]{1,20})(?:;.*)?[ \t]*\r\n")
logger = logging.getLogger(__name__)


class BurstReader:
    """A chunked body, all complete chunks of a read at once. As strict as h11's ChunkedReader, and stands in for it.

    Called with the buffer after each read, until it gives None (more is needed) or EndOfMessage (with trailers). Raises
    LocalProtocolError for what is no chunked body, RemoteProtocolError when it ends early.
    """

    def __init__(self) -> None:
        self._left = 0  # bytes of the current chunk's content still to come
        self._footer = b""  # what must come before the next chunk header
        self._trailer = False

    def __call__(self, buf: ReceiveBuffer) -> bytes | h11.EndOfMessage | None:
        content, used, error = self._decode(bytes(buf)) if not self._trailer else ([], 0, None)
        if used:
            buf.maybe_extract_at_most(used)
        if content:
            return b"".join(content)  # an error, if there was one, is found again by the next call
        if error is not None:
            raise error
        if not self._trailer:
            return None
        lines = buf.maybe_extract_lines()
        if lines is not None:
            return h11.EndOfMessage(headers=list(_decode_header_lines(map(bytes, lines))))
        if len(buf) > _MAX_TRAILER:
            raise LocalProtocolError("trailers are too large")
        return None

    def read_eof(self) -> h11.EndOfMessage:
        raise RemoteProtocolError(
            "peer closed connection without sending complete message body (incomplete chunked read)"
        )

    def _decode(self, data: bytes) -> tuple[list[bytes], int, LocalProtocolError | None]:
        """Content, bytes used up, and the error that follows them."""
        content: list[bytes] = []
        at, end = 0, len(data)
        while at < end:
            if self._left:
                piece = data[at : at + self._left]
                content.append(piece)
                at += len(piece)
                self._left -= len(piece)
                if self._left:
                    break
                self._footer = b"\r\n"
            elif self._footer:
                seen = data[at : at + len(self._footer)]
                if not self._footer.startswith(seen):
                    return (
                        content,
                        at,
                        LocalProtocolError(f"malformed chunk footer: {seen!r} (expected {self._footer!r})"),
                    )
                self._footer = self._footer[len(seen) :]
                at += len(seen)
            else:
                header = _CHUNK_HEADER.match(data, at)
                if header is None:
                    return content, at, _header_fault(data, at)
                at = header.end()
                self._left = int(header[1], 16)
                if not self._left:
                    self._trailer = True
                    break
        return content, at, None


def _header_fault(data: bytes, at: int) -> LocalProtocolError | None:
    """None if the header may yet become a good one."""
    if data.find(b"\r\n", at) >= 0 or len(data) - at > _MAX_LINE:
        return LocalProtocolError(f"illegal chunk header: {data[at : at + 32]!r}")
    return None


class FastReads:
    """Addon: read chunked bodies with BurstReader."""

    def running(self) -> None:
        if is_tested():
            install_body_reader(BurstReader)
        else:
            logger.info(f"fast_reads: off, tested with mitmproxy {TESTED} only")

    def done(self) -> None:
        uninstall_body_reader()
