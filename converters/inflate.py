"""Content codings undone incrementally and bounded: providers are asked for `identity`, some compress all the same."""

import zlib

from converters.errors import Kind, UpstreamError

_CODINGS = {"gzip": 31, "x-gzip": 31, "deflate": 47}  # zlib window bits; 47 takes zlib and gzip headers


class Inflate:
    """coding: a `content-encoding` value. limit: decoded bytes in all, so that a small bomb cannot fill the memory.

    Raises UpstreamError(BROKEN_STREAM) for damaged bytes and for bytes behind the coding's own end (which includes a second
    gzip member: leaving it out would pass a cut body off as a whole one), with code `unsupported_coding` for an unknown
    coding and `too_large` past the limit.
    """

    def __init__(self, coding: str, limit: int) -> None:
        bits = _CODINGS.get(coding.strip().lower())
        if bits is None:
            raise UpstreamError(
                Kind.BROKEN_STREAM,
                f"content-encoding {coding[:40]!r} is not supported: gzip and deflate are",
                code="unsupported_coding",
            )
        self._zlib = zlib.decompressobj(bits)
        self._left = limit

    @property
    def complete(self) -> bool:
        """The coding's own end was seen."""
        return self._zlib.eof

    def feed(self, data: bytes) -> bytes:
        try:
            out = self._zlib.decompress(data, self._left + 1)
        except zlib.error as error:
            raise UpstreamError(Kind.BROKEN_STREAM, f"damaged compressed body: {error}") from error
        self._left -= len(out)
        if self._left < 0:
            del out  # the error's traceback would keep it
            raise UpstreamError(Kind.BROKEN_STREAM, "compressed body grows past the size limit", code="too_large")
        if self._zlib.unused_data:
            raise UpstreamError(Kind.BROKEN_STREAM, "damaged compressed body: bytes behind its end")
        return out

    def close(self) -> bytes:
        """Nothing is ever held back."""
        return b""


def inflate(data: bytes, coding: str, limit: int) -> bytes:
    """A whole body at once. `identity` and "" give it back as it is."""
    if coding.strip().lower() in ("", "identity"):
        return data
    decoder = Inflate(coding, limit)
    out = decoder.feed(data)
    if not decoder.complete:
        raise UpstreamError(Kind.BROKEN_STREAM, "compressed body is cut off")
    return out
