"""Frames -> the line, whole or broken, in the way a Delivery says."""

import asyncio
import gzip
from collections.abc import Iterable

from tests.fakes.scripts import Delivery
from tests.fakes.server import Line

GARBAGE = (b"data: {not json\n\n", b"data: \xff\xfe\n\n", b"data: 17 29\n\n")
NOISE = (b"id: 7\nretry: 1000\n\n", b": keep-alive\n\n", b'event: unheard_of\ndata: {"type": "unheard_of"}\n\n')


async def deliver(
    line: Line, frames: list[bytes], error_frame: bytes, delivery: Delivery, headers: dict[str, str]
) -> None:
    """Send a stream. The head is out before the first frame; `silent` never returns."""
    await asyncio.sleep(delivery.head_delay)
    coding = {"content-encoding": "gzip"} if delivery.packed else {}
    kind = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache"}
    await line.head(200, {**kind, **coding, **headers})
    shown = frames if delivery.stop_after is None else frames[: delivery.stop_after]
    for data in _slices(_dressed(shown, delivery), delivery):
        if delivery.pace:
            await asyncio.sleep(delivery.pace)
        await line.chunk(data)
    await asyncio.sleep(delivery.pace)
    match delivery.ending:
        case "whole" | "unfinished":
            await line.end()
        case "cut":
            line.cut()
        case "reset":
            await asyncio.sleep(0.05)  # what was sent must arrive: RST throws away what the peer has not read
            line.reset()
        case "silent":
            await asyncio.sleep(3600)
        case "error":
            await line.chunk(error_frame.replace(b"\n", delivery.newline))
            await line.end()
        case "garbage":
            for frame in GARBAGE:
                await line.chunk(frame)
            await line.end()


def _dressed(frames: list[bytes], delivery: Delivery) -> Iterable[bytes]:
    for number, frame in enumerate(frames):
        if delivery.comments:
            yield b": comment\n\n"
        if delivery.noise and 0 < number < len(frames) - 1:
            yield NOISE[number % len(NOISE)]
        yield frame.replace(b"\n", delivery.newline)


def _slices(frames: Iterable[bytes], delivery: Delivery) -> Iterable[bytes]:
    if delivery.packed:
        return [gzip.compress(b"".join(frames))]
    if delivery.slices == "frames":
        return frames
    body = b"".join(frames)
    size = {"one": len(body) or 1, "bytes": 1, "sevens": 7}[delivery.slices]
    return (body[i : i + size] for i in range(0, len(body), size))
