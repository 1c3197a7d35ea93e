"""A small HTTP/1.1 server on raw streams, so that cuts, resets, slow bytes, garbage and chunk borders are exactly as a test wants.

It runs in a thread with a loop of its own: tests may block. Every request is recorded with its raw body.
"""

import asyncio
import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field
from typing import override
from urllib.parse import parse_qsl, urlsplit

REASONS = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    413: "Content Too Large",
    429: "Too Many Requests",
}


@dataclass
class Recorded:
    """One request as it came. gone: set when the peer closed before the answer was complete. answered: the answer is out."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes
    arrived: float = field(default_factory=time.monotonic)
    gone: threading.Event = field(default_factory=threading.Event)
    gone_at: float | None = None
    answered: threading.Event = field(default_factory=threading.Event)
    status: int | None = None

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self) -> dict[str, object]:
        body = json.loads(self.body)
        assert isinstance(body, dict)
        return body


class Line:
    """The answering side of one request. head, then chunks, then end; or cut, reset and raw at any moment."""

    def __init__(self, writer: asyncio.StreamWriter, recorded: Recorded) -> None:
        self._writer, self._recorded = writer, recorded
        self._chunked = False
        self.keep = True

    async def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        await self.head(status, {**headers, "content-length": str(len(body))}, chunked=False)
        await self.raw(body)

    async def head(self, status: int, headers: dict[str, str], *, chunked: bool = True) -> None:
        self._recorded.status, self._chunked = status, chunked
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if chunked:
            lines.append("transfer-encoding: chunked")
        await self.raw(("\r\n".join(lines) + "\r\n\r\n").encode())

    async def chunk(self, data: bytes) -> None:
        await self.raw(b"%x\r\n%s\r\n" % (len(data), data) if self._chunked else data)

    async def end(self) -> None:
        if self._chunked:
            await self.raw(b"0\r\n\r\n")

    async def raw(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    def cut(self) -> None:
        """An orderly close in the middle: FIN without the end of the body."""
        self.keep = False
        self._writer.close()

    def reset(self) -> None:
        """RST: the peer sees a broken connection at once."""
        self.keep = False
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


class _WatchedReader(asyncio.StreamReader):
    """Says at once when the peer has gone, also while nobody reads."""

    def __init__(self) -> None:
        super().__init__(limit=2**20)
        self.gone = asyncio.Event()

    @override
    def feed_eof(self) -> None:
        self.gone.set()
        super().feed_eof()

    @override
    def set_exception(self, exc: Exception) -> None:
        self.gone.set()
        super().set_exception(exc)


class FakeServer:
    """Listens on 127.0.0.1. Override `play`. `requests` grows in order of arrival.

    faults: what went wrong in the fake itself; `stop` raises the first.
    """

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self.faults: list[BaseException] = []
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._server: asyncio.Server | None = None

    async def play(self, request: Recorded, line: Line) -> None:
        """Answer one request."""
        raise NotImplementedError

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        if self.faults:
            raise self.faults[0]

    def __enter__(self) -> "FakeServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def wait_for(self, count: int, seconds: float = 5) -> list[Recorded]:
        """The requests so far, once there are `count`. Raises AssertionError when they do not come."""
        deadline = time.monotonic() + seconds
        while len(self.requests) < count:
            assert time.monotonic() < deadline, f"only {len(self.requests)} of {count} requests came in {seconds} s"
            time.sleep(0.005)
        return self.requests

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _listen(self) -> None:
        def protocol() -> asyncio.StreamReaderProtocol:
            return asyncio.StreamReaderProtocol(_WatchedReader(), self._connected)

        self._server = await self._loop.create_server(protocol, "127.0.0.1", 0, backlog=2000)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _shut(self) -> None:
        if self._server:
            self._server.close()
        tasks = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert isinstance(reader, _WatchedReader)
        try:
            while (request := await _read_request(reader)) is not None:
                self.requests.append(request)
                line = Line(writer, request)
                await self._play_until_gone(request, line, reader.gone)
                if not line.keep or request.header("connection") == "close":
                    break
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _play_until_gone(self, request: Recorded, line: Line, gone: asyncio.Event) -> None:
        playing = asyncio.create_task(self.play(request, line))
        watching = asyncio.create_task(gone.wait())
        try:
            await asyncio.wait({playing, watching}, return_when=asyncio.FIRST_COMPLETED)
            if playing.done():
                request.answered.set()
                fault = playing.exception()
                if fault is not None and not isinstance(fault, ConnectionError):
                    self.faults.append(fault)
                    raise ConnectionError("the fake failed") from fault
            else:
                request.gone_at = time.monotonic()
                request.gone.set()
        finally:
            playing.cancel()
            watching.cancel()
            await asyncio.gather(playing, watching, return_exceptions=True)


async def _read_request(reader: asyncio.StreamReader) -> Recorded | None:
    """None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    request = Recorded(method, target, headers, b"")
    if (request.header("transfer-encoding") or "").lower() == "chunked":
        request.body = await _read_chunks(reader)
    elif length := int(request.header("content-length") or 0):
        request.body = await reader.readexactly(length)
    return request


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = bytearray()
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readuntil(b"\r\n")
    return bytes(body)
