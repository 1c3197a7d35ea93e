"""The fake provider: a raw server, so cheap that the proxy is what is measured."""

import asyncio
import re
from collections.abc import Mapping
from typing import cast, override

from bench.answers import SHAPES, Shape, chunked

BURST = 64  # HTTP chunks per write in a burst: what one read of a proxy finds
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\nx-request-id: req_1\r\n%b%b\r\n\r\n"
_NO_FIELDS: Mapping[str, bytes] = {}
_MODEL = re.compile(rb'"model":\s*"(\w+)-(\d+)-(\d+)"')
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


class Fake(asyncio.Protocol):
    """One connection. The model's name says what to answer: `whole-0-0`, `paced-CHUNKS-MILLISECONDS`, `burst-CHUNKS-0`.

    fields: of the answer's head, by the path asked for; lines with their ends.
    """

    def __init__(self, fields: Mapping[str, bytes] = _NO_FIELDS) -> None:
        self._fields = fields
        self._received = b""
        self._writable = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop has its own class
        self._writable.set()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
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
        assert asked is not None, "the proxy has changed the model's name"
        shape = SHAPES[head.split(b" ", 2)[1].decode().partition("?")[0]]
        fields = self._fields.get(shape.path, b"")
        stream = _HEAD % (b"text/event-stream", fields, b"transfer-encoding: chunked")
        kind, count, pause = asked[1], int(asked[2]), int(asked[3]) / 1000
        if kind == b"whole":
            length_field = b"content-length: %d" % len(shape.whole)
            self._transport.write(_HEAD % (b"application/json", fields, length_field) + shape.whole)
        elif kind == b"paced":
            self._task = asyncio.ensure_future(self._paced(stream, shape, count, pause))
        else:
            self._task = asyncio.ensure_future(self._burst(stream, shape, count))

    async def _paced(self, head: bytes, shape: Shape, count: int, pause: float) -> None:
        write, clock = self._transport.write, asyncio.get_running_loop().time
        write(head + chunked(shape.opening))
        delta = chunked(shape.delta)
        due = clock()
        for _ in range(count):
            due += pause
            await asyncio.sleep(max(0.0, due - clock()))
            write(delta)
        write(chunked(shape.closing) + b"0\r\n\r\n")

    async def _burst(self, head: bytes, shape: Shape, count: int) -> None:
        self._transport.write(head + chunked(shape.opening))
        burst = chunked(shape.delta) * BURST
        for _ in range(count // BURST):
            self._transport.write(burst)
            await self._writable.wait()
            await asyncio.sleep(0)
        self._transport.write(chunked(shape.closing) + b"0\r\n\r\n")
