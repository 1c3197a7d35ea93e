"""AWS event-stream frames (Kiro's answers) that lose a secret, and stay frames: with new lengths and checksums.

Source of the layout: `converters/eventstream.py`.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import replace
from zlib import crc32

from addons.redact import Span, replaced

_PRELUDE = struct.Struct(">III")  # length of the frame, of its headers, checksum of these two
_CHECKSUM = struct.Struct(">I")


def fit_frames(data: bytes, spans: Sequence[Span]) -> list[Span]:
    """`spans` of a stream, with those beside them that must be replaced too. A frame that was cut off, or is none, has no checksum
    to be right."""
    found: list[Span] = []
    place = 0
    for start, payload, end in _frames(data):
        inside = [_fitted(span, payload, end) for span in spans if start < span.end and span.start < end]
        if inside:
            content, last = start + _PRELUDE.size, end - _CHECKSUM.size
            growth = sum(len(span.mark) - (span.end - span.start) for span in inside)
            lengths = _PRELUDE.pack(end - start + growth, payload - content, 0)[:8]
            head = lengths + _CHECKSUM.pack(crc32(lengths))
            moved = [replace(span, start=span.start - content, end=span.end - content) for span in inside]
            checksum = _CHECKSUM.pack(crc32(head + replaced(data[content:last], moved)))
            found += (_stands(start, content, head), *inside, _stands(last, end, checksum))
        place = end
    return [*found, *(span for span in spans if span.start >= place)]


def _frames(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Whole ones: where each begins, where its payload does, where it ends."""
    at = 0
    while len(data) - at >= _PRELUDE.size:
        total, headers, checksum = _PRELUDE.unpack_from(data, at)
        if crc32(data[at : at + 8]) != checksum or headers + 16 > total or at + total > len(data):
            return
        yield at, at + _PRELUDE.size + headers, at + total
        at += total


def _fitted(span: Span, payload: int, end: int) -> Span:
    """Within the payload, as long as it likes; in the headers, which tell their own lengths, as long as it was."""
    if span.end <= payload:
        size = span.end - span.start
        return replace(span, stands=span.mark[:size].ljust(size, b"*"))
    return replace(span, start=max(span.start, payload), end=min(span.end, end - _CHECKSUM.size))


def _stands(start: int, end: int, stands: bytes) -> Span:
    return Span(start, end, "frame", start, end, stands)
