"""A provider of Chat and Messages in a process of its own, so cheap that the proxy is what is measured.

`python -m tests.soak.paced` prints its port and serves until its standard input ends. The last four `-` separated words of the
model's name say what to answer: KIND-COUNT-MILLISECONDS-MARK.

- `paced`: a stream of COUNT pieces of text, one every MILLISECONDS; piece n is `MARK.n `, so that every text is another.
- `flood`: a stream of COUNT megabytes as fast as they are taken.
- `bomb`: gzip of COUNT megabytes of zeros, and nothing else. `bombstream`: the same as a stream. `bomberror`: with status 500.
- `endless`: COUNT megabytes of one JSON text that never ends. `line`: the same as one SSE line.
"""

import asyncio
import functools
import json
import re
import sys
import zlib
from dataclasses import dataclass
from typing import cast, override

_MODEL = re.compile(rb'"model":\s*"[^"]*?([a-z]+)-(\d+)-(\d+)-(\w+)"')
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_HEAD = b"HTTP/1.1 %d Status\r\ncontent-type: %b\r\n%b\r\n"
_STREAM = _HEAD % (200, b"text/event-stream", b"transfer-encoding: chunked\r\n")
_MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Wire:
    """One protocol's stream. delta: with `%b` where the text goes."""

    opening: bytes
    delta: bytes
    closing: bytes


def sse(payload: object, event: str = "") -> bytes:
    name = f"event: {event}\n" if event else ""
    return f"{name}data: {json.dumps(payload, separators=(',', ':'))}\n\n".encode()


def _chat() -> Wire:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1760000000, "model": "m"}

    def chunk(delta: dict[str, object], finish: str | None = None) -> bytes:
        return sse({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    opening = chunk({"role": "assistant", "content": ""})
    return Wire(opening, chunk({"content": "%b"}), chunk({}, "stop") + b"data: [DONE]\n\n")


def _messages() -> Wire:
    def event(name: str, **fields: object) -> bytes:
        return sse({"type": name, **fields}, name)

    usage = {"input_tokens": 20, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "usage": usage}
    start = event("message_start", message={**message, "stop_reason": None, "stop_sequence": None})
    delta = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "%b"})
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    end = event("content_block_stop", index=0) + event("message_delta", delta=stop, usage={"output_tokens": 200})
    opened = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    return Wire(start + opened, delta, end + event("message_stop"))


WIRES = {b"/v1/chat/completions": _chat(), b"/v1/messages": _messages()}


def piece(mark: str, number: int) -> str:
    """Of a paced stream's text."""
    return f"{mark}.{number} "


def chunked(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@functools.cache
def gzip_of_zeros(megabytes: int) -> bytes:
    """About a thousandth of that."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    zeros = bytes(_MEGABYTE)
    return b"".join([packer.compress(zeros) for _ in range(megabytes)]) + packer.flush()


class Paced(asyncio.Protocol):
    """One connection."""

    def __init__(self) -> None:
        self._received = b""
        self._writable = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop has its own class
        self._writable.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._writable.set()
        if self._task is not None:
            self._task.cancel()

    @override
    def pause_writing(self) -> None:
        self._writable.clear()

    @override
    def resume_writing(self) -> None:
        self._writable.set()

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return
        self._received = b""
        asked = _MODEL.search(body)
        assert asked is not None, body[:300]
        wire = WIRES[head.split(b" ", 2)[1].partition(b"?")[0]]
        play = self._paced if asked[1] == b"paced" else self._big
        self._task = asyncio.ensure_future(play(wire, asked[1], int(asked[2]), int(asked[3]) / 1000, asked[4].decode()))

    async def _paced(self, wire: Wire, _: bytes, count: int, pause: float, mark: str) -> None:
        write, clock = self._transport.write, asyncio.get_running_loop().time
        due = clock()
        for number in range(count):
            opening = _STREAM + chunked(wire.opening) if not number else b""
            write(opening + chunked(wire.delta % piece(mark, number).encode()))
            due += pause
            await asyncio.sleep(max(0.0, due - clock()))
        write(chunked(wire.closing) + b"0\r\n\r\n")

    async def _big(self, wire: Wire, kind: bytes, megabytes: int, _: float, mark: str) -> None:
        if kind.startswith(b"bomb"):
            bomb = await asyncio.to_thread(gzip_of_zeros, megabytes)
            media = b"text/event-stream" if kind == b"bombstream" else b"application/json"
            fields = b"content-encoding: gzip\r\ncontent-length: %d\r\n" % len(bomb)
            await self._all(_HEAD % (500 if kind == b"bomberror" else 200, media, fields) + bomb)
            return
        media = b"application/json" if kind == b"endless" else b"text/event-stream"
        opening = {b"endless": b'{"choices": "', b"line": b'data: {"choices": "', b"flood": wire.opening}[kind]
        delta = wire.delta % (mark.encode() * 200)
        more = delta * (_MEGABYTE // len(delta)) if kind == b"flood" else b"x" * _MEGABYTE
        await self._all(_HEAD % (200, media, b"transfer-encoding: chunked\r\n") + chunked(opening))
        for _each in range(megabytes):
            for at in range(0, len(more), 32 * len(delta)):
                await self._all(chunked(more[at : at + 32 * len(delta)]))
        await self._all(chunked(wire.closing) + b"0\r\n\r\n")

    async def _all(self, data: bytes) -> None:
        self._transport.write(data)
        await self._writable.wait()


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Paced, "127.0.0.1", 0, backlog=4000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(_serve())
    else:
        uvloop.run(_serve())
