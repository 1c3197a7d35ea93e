"""Pictures and files out of bodies: what stands there instead names their type, size and hash."""

import binascii
import hashlib
import re
from collections.abc import Sequence

from addons.redact import Span
from converters.turns import Base64

SMALLEST = 512  # characters of base64
_RUN = re.compile(rb"(?:[A-Za-z0-9+/_-]|\\/){2048,}={0,2}")


def omit_media(body: bytes, media: Sequence[Base64], *, read: bool = True) -> bytes:
    """media: what the body is known to hold. read: the body could be read, so there is nothing else; long base64 text goes too
    where it is not, or where something known is not found as it was written."""
    missing = not read
    for piece in media:
        if len(piece.data) < SMALLEST:
            continue
        data = piece.data.encode(errors="replace")
        stands = placeholder(data, piece.mime)
        before = body
        for spelling in (data, data.replace(b"/", b"\\/")):
            body = body.replace(spelling, stands)
        missing = missing or body is before or body == before
    return _RUN.sub(lambda run: placeholder(run[0].replace(b"\\/", b"/"), "file"), body) if missing else body


def media_spans(data: bytes, media: Sequence[Base64]) -> list[Span]:
    """Where known pieces stand in a stream's bytes, in order."""
    found = []
    for piece in media:
        text = piece.data.encode(errors="replace")
        start = data.find(text) if len(text) >= SMALLEST else -1
        while start >= 0:
            end = start + len(text)
            found.append(Span(start, end, "media", start, end, placeholder(text, piece.mime)))
            start = data.find(text, end)
    return sorted(found, key=lambda span: span.start)


def placeholder(data: bytes, media_type: str) -> bytes:
    """data: base64. The hash is that of the content."""
    try:
        content = binascii.a2b_base64(data.translate(_STANDARD))
    except (binascii.Error, ValueError):
        content = data
    digest = hashlib.sha256(content).hexdigest()
    return f"[omitted:{media_type} {len(content)} bytes sha256:{digest}]".encode(errors="replace")


_STANDARD = bytes.maketrans(b"-_", b"+/")
