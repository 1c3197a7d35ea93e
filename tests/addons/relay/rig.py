"""A mitmproxy in this process with the relay and a tiny exchange, raw fake providers, and a raw client."""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from mitmproxy.http import HTTPFlow, Response
from mitmproxy.options import Options
from mitmproxy.tools.dump import DumpMaster

from addons.relay import FailedAttempt, Pipe, Relay
from converters.errors import Kind, UpstreamError, failure_of

type Script = Callable[["Asked"], Awaitable[None]]


@dataclass
class Asked:
    """A request as a fake provider got it, and the way to answer."""

    head: bytes
    body: bytes
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    connection: int

    async def send(self, *parts: bytes, pause: float = 0.0) -> None:
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(pause)

    def reset(self) -> None:
        self.writer.transport.abort()

    async def until_closed(self) -> None:
        while await self.reader.read(65536):
            pass


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


ONCE = ["request", "responseheaders", "response"]  # hooks of a flow that went well
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST = b"0\r\n\r\n"


def whole(body: bytes, status: str = "200 OK", extra: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{extra}\r\n".encode() + body


class Provider:
    """Answers the n-th request with the n-th script, and all further ones with the last."""

    def __init__(self, *scripts: Script) -> None:
        self.scripts = scripts
        self.asked: list[Asked] = []
        self.connections = 0
        self.chosen: list[str] = []  # by ALPN, for each connection
        self.closed = asyncio.Event()
        self.port = 0

    async def start(self, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        with contextlib.suppress(AttributeError):
            self._server.close_clients()  # from Python 3.13

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        connection = self.connections
        if tls := writer.get_extra_info("ssl_object"):
            self.chosen.append(tls.selected_alpn_protocol())
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(int(field_of(head, b"content-length") or 0))
                asked = Asked(head, body, reader, writer, connection)
                script = self.scripts[min(len(self.asked), len(self.scripts) - 1)]
                self.asked.append(asked)
                await script(asked)
                if writer.is_closing():
                    break
        self.closed.set()
        writer.close()


def field_of(head: bytes, name: bytes) -> bytes | None:
    for line in head.split(b"\r\n")[1:]:
        found, _, value = line.partition(b":")
        if found.lower() == name:
            return value.strip()
    return None


class ShoutingPipe:
    """Upper case; `.` gives nothing; `!` is an error event of the provider; `#` ends the answer, whatever comes; complete once
    END was seen."""

    def __init__(self) -> None:
        self.started = False
        self.failed: UpstreamError | None = None
        self.cut = False
        self.fed: list[bytes] = []

    @property
    def over(self) -> bool:
        return self.failed is not None or self.cut

    def _out(self, data: bytes) -> bytes:
        self.started = self.started or bool(data)
        return data

    def _break(self, kind: Kind, message: str) -> bytes:
        self.failed = UpstreamError(kind, message)
        return b"[%b]" % kind.encode() if self.started else b""

    def feed(self, data: bytes) -> bytes:
        self.fed.append(data)
        self.cut = self.cut or b"#" in data
        if b"!" in data:
            return self._break(Kind.OVERLOADED, "the provider said !")
        return self._out(data.replace(b".", b"").upper())

    def close(self) -> bytes:
        if b"END" not in b"".join(self.fed):
            return self._break(Kind.BROKEN_STREAM, "no END")
        return self._out(b"<end>")

    def fail(self, kind: Kind, message: str) -> bytes:
        return self._break(kind, message)

    def heartbeat(self) -> bytes:
        return self._out(b"[beat]")


@dataclass
class StubCall:
    secret_headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    pipe: Pipe | None = None
    first_byte_seconds: float = 5.0
    idle_seconds: float = 5.0
    heartbeat_seconds: float = 0.0
    total_seconds: float = 0.0
    client_left: bool = False
    failures: list[UpstreamError] = field(default_factory=list)

    def failure_response(self, error: UpstreamError) -> Response:
        self.failures.append(error)
        return Response.make(failure_of(error).status, b'{"failed": "%b"}' % error.kind.encode())

    def fault_in(self, answer: Response) -> UpstreamError | None:
        return UpstreamError(Kind.BROKEN_STREAM, "gibberish") if answer.raw_content == b"gibberish" else None


class Leg:
    """The exchange's side: sends every flow to `port`, pipes event streams, notes every hook."""

    def __init__(self) -> None:
        self.scheme, self.port = "http", 0
        self.call = StubCall()
        self.hooks: list[str] = []
        self.flows: list[HTTPFlow] = []
        self.failed: list[FailedAttempt] = []
        self.on_failed: Callable[[FailedAttempt], Awaitable[None]] | None = None
        self.local = ""  # paths with this prefix are not ours

    def find(self, flow: HTTPFlow) -> StubCall | None:
        return None if self.local and flow.request.path.startswith(self.local) else self.call

    def request(self, flow: HTTPFlow) -> None:
        self.hooks.append("request")
        self.flows.append(flow)
        flow.request.scheme, flow.request.host, flow.request.port = self.scheme, "127.0.0.1", self.port

    def responseheaders(self, flow: HTTPFlow) -> None:
        self.hooks.append("responseheaders")
        if flow.response and "event-stream" in flow.response.headers.get("content-type", ""):
            self.call.pipe = ShoutingPipe()

    def response(self, flow: HTTPFlow) -> None:
        self.hooks.append("response")

    def error(self, flow: HTTPFlow) -> None:
        self.hooks.append("error")

    async def attempt_failed(self, failed: FailedAttempt) -> None:
        self.hooks.append("attempt_failed")
        self.failed.append(failed)
        if self.on_failed:
            await self.on_failed(failed)


def render_error(path: str, status: int, message: str) -> bytes:
    return b'{"path": "%b", "status": %d}' % (path.encode(), status)


@dataclass
class Rig:
    leg: Leg
    master: DumpMaster
    port: int

    async def client(self) -> "Client":
        return Client(*await asyncio.open_connection("127.0.0.1", self.port))

    def timers(self) -> int:
        return sum(task.get_name().startswith("wakeup timer") for task in asyncio.all_tasks())


class Errors(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))


@contextlib.asynccontextmanager
async def rig(
    confdir: Path, *, options: dict[str, Any] | None = None, more: list[object] | None = None, **relay: float
) -> AsyncIterator[Rig]:
    """mode: reverse, to a place where nothing listens; `Leg` points each request elsewhere."""
    settings: dict[str, Any] = {"mode": ["reverse:http://127.0.0.1:9@127.0.0.1:0"], "connection_strategy": "lazy"}
    settings |= {"confdir": str(confdir), "flow_detail": 0, "onboarding": False} | (options or {})
    master = DumpMaster(Options(), with_termlog=False)
    leg = Leg()
    master.addons.add(leg, Relay(leg.find, render_error, **relay), *(more or []))
    master.options.update(**settings)
    errors = Errors()
    logging.getLogger().addHandler(errors)
    running = asyncio.create_task(master.run())
    try:
        async with asyncio.timeout(5):
            while not (ports := [address[1] for address in master.addons.get("proxyserver").listen_addrs()]):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        yield Rig(leg, master, ports[0])
    finally:
        master.shutdown()
        await running
        logging.getLogger().removeHandler(errors)
    assert errors.seen == [], "mitmproxy logs an error when a layer of it crashes"


@dataclass
class Answer:
    status: int
    head: bytes
    body: bytes
    pieces: list[bytes]


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, body: bytes = b"hi", path: str = "/v1", extra: str = "") -> Answer:
        self.send(body, path, extra)
        return await self.answer()

    def send(self, body: bytes = b"hi", path: str = "/v1", extra: str = "", version: str = "1.1") -> None:
        head = f"POST {path} HTTP/{version}\r\nhost: us\r\n{extra}content-length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)

    async def answer(self) -> Answer:
        async with asyncio.timeout(5):
            head = await self.reader.readuntil(b"\r\n\r\n")
            pieces = [piece async for piece in self._pieces(head)]
        return Answer(int(head.split()[1]), head, b"".join(pieces), pieces)

    async def _pieces(self, head: bytes) -> AsyncIterator[bytes]:
        if field_of(head, b"transfer-encoding") == b"chunked":
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                yield (await self.reader.readexactly(size + 2))[:-2]
            assert await self.reader.readexactly(2) == b"\r\n"
        elif (length := field_of(head, b"content-length")) is not None:
            yield await self.reader.readexactly(int(length))
        else:
            yield await self.reader.read()

    async def ended(self) -> bool:
        async with asyncio.timeout(5):
            return await self.reader.read() == b""

    def close(self) -> None:
        self.writer.close()


def replies(*parts: bytes, pause: float = 0.0) -> Script:
    async def reply(asked: Asked) -> None:
        await asked.send(*parts, pause=pause)

    return reply


def cut(*parts: bytes, pause: float = 0.03) -> Script:
    async def reply(asked: Asked) -> None:
        await asked.send(*parts, pause=pause)
        asked.writer.close()

    return reply


async def reset(asked: Asked) -> None:
    asked.reset()


async def silent(asked: Asked) -> None:
    await asked.until_closed()


async def again(failed: FailedAttempt) -> None:
    failed.again = True


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


async def ask(proxy: Rig, provider: Provider) -> tuple[Client, Answer]:
    proxy.leg.port = provider.port
    client = await proxy.client()
    return client, await client.ask()
