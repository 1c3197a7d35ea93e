"""HTTP/2 reaches us under TLS, also in reverse mode: the same port takes a TLS client, and offers it `h2`.

Each attack is one connection's; the others must not notice, and the proxy must not remember it.
"""

import asyncio
import random
import ssl
import struct
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

import h2.config
import h2.connection
import h2.events
import pytest
from hpack import Encoder

from tests.attack.asking import Connection
from tests.attack.figures import WHOLE, note, timing
from tests.attack.test_exhaustion import memory
from tests.attack.wire_cases import BODY, HIDDEN, PATH
from tests.e2e.conftest import Upstreams
from tests.e2e.plain import RIGHT, error_of
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY

FLOOD = 10_000 if WHOLE else 1_000
QUIET = 0.3 if WHOLE else 0.1  # seconds without another byte: there is no more
HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = (
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
type Fields = list[tuple[str, str]]


def trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    return context


def frame(kind: int, content: bytes = b"", stream: int = 0, flags: int = 0) -> bytes:
    return struct.pack(">I", len(content))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + content


def fields(*more: tuple[str, str], key: str | None = CLIENT_KEY, path: str = PATH, method: str = "POST") -> Fields:
    head = [(":method", method), (":scheme", "https"), (":authority", "localhost"), (":path", path)]
    return [*head, *([("x-api-key", key)] if key else []), *more]


def packed(head: Fields) -> bytes:
    """Without a table of its own, so that each can stand alone."""
    return bytes(Encoder().encode(head))


def request(stream: int, head: Fields | None = None, body: bytes = BODY) -> bytes:
    return frame(HEADERS, packed(head or fields()), stream, END_HEADERS) + frame(0, body, stream, END_STREAM)


class Wire:
    """A connection that says what it is told to, frame by frame."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> bool:
        """False once the proxy has closed."""
        try:
            self.writer.write(data)
            await asyncio.sleep(0)  # the others are in this loop too
            async with asyncio.timeout(10):
                await self.writer.drain()
        except (OSError, TimeoutError):
            return False
        return True

    async def rest(self, seconds: float = 1.0) -> bytes:
        """All that comes until the proxy closes, or says nothing for a while."""
        got = bytearray()
        with suppress(TimeoutError, OSError):
            while True:
                async with asyncio.timeout(seconds):
                    more = await self.reader.read(65536)
                if not more:
                    break
                got += more
        return bytes(got)


@asynccontextmanager
async def opened(port: int) -> AsyncIterator[Wire]:
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port, ssl=trusting()))
    selected = wire.writer.get_extra_info("ssl_object").selected_alpn_protocol()
    assert selected == "h2", "HTTP/2 does not reach us any more: these attacks are none"
    await wire.send(PREFACE + frame(SETTINGS))
    try:
        yield wire
    finally:
        wire.writer.transport.abort()


async def ask(port: int, head: Fields, body: bytes = BODY) -> tuple[int, bytes]:
    """A well-behaved client's question: status and body; status 0 if the stream or the connection is reset."""
    config = h2.config.H2Configuration(
        client_side=True, header_encoding="utf-8", validate_outbound_headers=False, normalize_outbound_headers=False
    )
    state, told, status = h2.connection.H2Connection(config), bytearray(), 0
    reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
    state.initiate_connection()
    state.send_headers(1, head, end_stream=not body)
    if body:
        state.send_data(1, body, end_stream=True)
    try:
        async with asyncio.timeout(10):
            while True:
                writer.write(state.data_to_send())
                if not (got := await reader.read(65536)):
                    return 0, bytes(told)
                for event in state.receive_data(got):
                    match event:
                        case h2.events.ResponseReceived():
                            status = int(dict(event.headers)[":status"])
                        case h2.events.DataReceived():
                            told += event.data
                            state.acknowledge_received_data(event.flow_controlled_length, 1)
                        case h2.events.StreamEnded():
                            return status, bytes(told)
                        case h2.events.StreamReset() | h2.events.ConnectionTerminated():
                            return 0, bytes(told)
    finally:
        writer.transport.abort()


async def test_http_2_is_served_and_refused_as_http_1_is(target: Proxy) -> None:
    assert (await ask(target.port, fields()))[0] == 200
    status, body = await ask(target.port, fields(key="wrong"))
    assert status == 401
    assert error_of("anthropic", body)["type"] == "authentication_error"
    evil = [(name, "evil.example" if name == ":authority" else value) for name, value in fields()]
    assert (await ask(target.port, evil))[0] == 403


# --- what two readers could read differently ---

SMUGGLED = f"x\r\n\r\nPOST {PATH} HTTP/1.1\r\nhost: localhost\r\nx-api-key: {CLIENT_KEY}\r\n\r\n{HIDDEN}"
BAD_HEADS: dict[str, Fields] = {
    "a line end in a value": fields(("x-a", SMUGGLED)),
    "a line end in a name": fields((f"x-a: {SMUGGLED}", "b")),
    "a line end in the path": fields(path=f"{PATH} HTTP/1.1\r\nx: y\r\n\r\n{SMUGGLED}"),
    "a line end in the method": fields(method=f"POST {PATH} HTTP/1.1\r\n{SMUGGLED}"),
    "a blank in the path": fields(path=f"{PATH} x"),
    "a coding": fields(("transfer-encoding", "chunked")),
    "a wrong length": fields(("content-length", "5")),
    "two lengths": fields(("content-length", str(len(BODY))), ("content-length", "0")),
    "a length that is none": fields(("content-length", "1_0")),
    "connection": fields(("connection", "keep-alive")),
    "an upgrade": fields(("upgrade", "h2c")),
    "te": fields(("te", "chunked")),
    "a name in upper case": fields(("X-Upper", "x")),
    "a null in a value": fields(("x-a", "a\x00b")),
    "an empty name": fields(("", "b")),
    "a colon in a name": fields(("a:b", "c")),
    "two paths": fields((":path", "/v1/models")),
    "a pseudo field behind the others": [*fields()[:3], ("x-a", "b"), *fields()[3:]],
    "an unknown pseudo field": fields((":protocol", "websocket")),
    "a status": fields((":status", "200")),
    "no method": fields()[1:],
    "no path": [each for each in fields() if each[0] != ":path"],
    "an empty path": fields(path=""),
    "no authority": [each for each in fields() if each[0] != ":authority"],
    "authority and another host": fields(("host", "evil.example")),
    "an authority with a user": [(n, "localhost@evil.example" if n == ":authority" else v) for n, v in fields()],
    "an authority with a blank": [(n, "localhost evil" if n == ":authority" else v) for n, v in fields()],
    "CONNECT": [(":method", "CONNECT"), (":authority", "127.0.0.1:9"), ("x-api-key", CLIENT_KEY)],
    "200 kB of head": fields(*((f"x-{number}", "y" * 2000) for number in range(100))),
    "10,000 fields": fields(*(("x-a", "b") for _ in range(10_000))),
}


@pytest.mark.parametrize("what", BAD_HEADS)
async def test_2_a_head_of_http_2_is_refused_and_hides_nothing(target: Proxy, upstreams: Upstreams, what: str) -> None:
    async with opened(target.port) as wire:
        before = len(upstreams.of("claude-custom").requests)
        raw, limit = packed(BAD_HEADS[what]), 16_000
        pieces = [raw[at : at + limit] for at in range(0, len(raw), limit)]
        for number, piece in enumerate(pieces):
            last = END_HEADERS if number == len(pieces) - 1 else 0
            await wire.send(frame(CONTINUATION if number else HEADERS, piece, 1, last))
        await wire.send(frame(0, BODY, 1, END_STREAM))
        await wire.rest(QUIET)
    requests = upstreams.of("claude-custom").requests[before:]
    assert len(requests) <= 1
    assert all(each.body == BODY and each.target == "/v1/messages" for each in requests), (
        "it went upstream as another one"
    )
    assert (await ask(target.port, fields()))[0] == 200


# --- floods ---

type Flood = Callable[[Wire], Awaitable[None]]


async def rapid_reset(wire: Wire) -> None:
    """CVE-2023-44487: requests that are taken back at once."""
    head = packed(fields())
    for start in range(0, FLOOD, 100):
        numbers = range(2 * start + 1, 2 * (start + 100), 2)
        batch = b"".join(
            frame(HEADERS, head, n, END_HEADERS) + frame(RST_STREAM, struct.pack(">I", 8), n) for n in numbers
        )
        if not await wire.send(batch):
            return


async def rapid_reset_of_whole_requests(wire: Wire) -> None:
    for start in range(0, FLOOD // 10, 20):
        numbers = range(2 * start + 1, 2 * (start + 20), 2)
        if not await wire.send(b"".join(request(n) + frame(RST_STREAM, struct.pack(">I", 8), n) for n in numbers)):
            return


async def strangers(wire: Wire) -> None:
    """Requests without a key, whose bodies never end."""
    head = packed(fields(key=None))
    for number in range(1, 2 * FLOOD, 2):
        if not await wire.send(frame(HEADERS, head, number, END_HEADERS)):
            return


async def continuation_flood(wire: Wire) -> None:
    """CVE-2024-27316: a head without an end."""
    await wire.send(frame(HEADERS, packed(fields()), 1))
    more = frame(CONTINUATION, packed([("x-a", "b" * 1000)]), 1)
    for _ in range(FLOOD):
        if not await wire.send(more):
            return


async def empty_continuations(wire: Wire) -> None:
    await wire.send(frame(HEADERS, b"", 1))
    for _ in range(FLOOD // 100):
        if not await wire.send(frame(CONTINUATION, b"", 1) * 100):
            return


async def packed_bomb(wire: Wire) -> None:
    """CVE-2016-6581: a large field in the table, named by one byte again and again."""
    encoder = Encoder()
    first = bytes(encoder.encode([*fields(), ("x-bomb", "b" * 3900)]))
    again = bytes(encoder.encode([("x-bomb", "b" * 3900)])) * 15_000
    await wire.send(frame(HEADERS, first, 1) + frame(CONTINUATION, again, 1, END_HEADERS))


async def settings_flood(wire: Wire) -> None:
    for _ in range(FLOOD // 100):
        if not await wire.send(frame(SETTINGS, struct.pack(">HI", 4, 65_535)) * 100):
            return


async def ping_flood(wire: Wire) -> None:
    """The answers are not read."""
    for _ in range(FLOOD // 100):
        if not await wire.send(frame(PING, b"12345678") * 100):
            return


async def empty_data(wire: Wire) -> None:
    await wire.send(frame(HEADERS, packed(fields()), 1, END_HEADERS))
    for _ in range(FLOOD // 100):
        if not await wire.send(frame(0, b"", 1) * 100):
            return


async def priorities(wire: Wire) -> None:
    for start in range(0, FLOOD, 100):
        numbers = range(2 * start + 1, 2 * (start + 100), 2)
        if not await wire.send(b"".join(frame(PRIORITY, struct.pack(">IB", 0, 1), n) for n in numbers)):
            return


async def windows(wire: Wire) -> None:
    for _ in range(FLOOD // 100):
        if not await wire.send(frame(WINDOW_UPDATE, struct.pack(">I", 2**31 - 1)) * 100):
            return


async def closed_window(wire: Wire) -> None:
    """Streams are asked for, and the window to send them in is none."""
    await wire.send(frame(SETTINGS, struct.pack(">HI", 4, 0)))
    for number in range(1, 180, 2):
        await wire.send(request(number, body=BODY[:-1] + b',"stream":true}'))
    await asyncio.sleep(0.5)


async def too_many_streams(wire: Wire) -> None:
    head = packed(fields())
    await wire.send(b"".join(frame(HEADERS, head, number, END_HEADERS) for number in range(1, 2000, 2)))


async def bad_frames(wire: Wire) -> None:
    """Each of its own would end the connection; the first one does."""
    await wire.send(frame(HEADERS, b"\xff" * 500, 1, END_HEADERS) + frame(99, b"x" * 300) + frame(PING, b"short"))


async def long_frame(wire: Wire) -> None:
    await wire.send(b"\xff\xff\xff" + frame(0, b"", 1)[3:])
    for _ in range(16 if WHOLE else 4):
        if not await wire.send(bytes(2**20)):
            return


async def pushed(wire: Wire) -> None:
    await wire.send(frame(PUSH_PROMISE, struct.pack(">I", 2) + packed(fields()), 1, END_HEADERS))


async def garbage(wire: Wire) -> None:
    chance = random.Random(2)
    await wire.send(
        b"".join(
            frame(
                chance.randrange(12), chance.randbytes(chance.randrange(60)), chance.randrange(9), chance.randrange(256)
            )
            for _ in range(500)
        )
    )


FLOODS: tuple[Flood, ...] = (
    *(
        rapid_reset,
        rapid_reset_of_whole_requests,
        strangers,
        continuation_flood,
        empty_continuations,
        packed_bomb,
        settings_flood,
    ),
    *(
        ping_flood,
        empty_data,
        priorities,
        windows,
        closed_window,
        too_many_streams,
        bad_frames,
        long_frame,
        pushed,
        garbage,
    ),
)
SLOWEST: dict[str, float] = {}
GROWN: dict[str, float] = {}


@pytest.mark.parametrize("flood", FLOODS, ids=lambda flood: flood.__name__)
async def test_2_others_are_served_during_a_flood_of_http_2(target: Proxy, flood: Flood) -> None:
    begun, seconds = memory(target), []

    async def others() -> None:
        client = Connection(target.port)
        while True:
            answer = await client.ask("POST", PATH, [*RIGHT.items()], BODY)
            assert answer.status in (200, 529), answer  # all places may be taken: the flood has the key
            seconds.append(answer.seconds)
            await asyncio.sleep(0.01)

    bystander = asyncio.create_task(others())
    async with opened(target.port) as wire:
        await flood(wire)
        await wire.rest(QUIET)
        during = len(seconds)
        async with asyncio.timeout(10):
            while len(seconds) < during + 2 and not bystander.done():  # noqa: ASYNC110
                await asyncio.sleep(0.01)
    assert not bystander.done(), bystander
    bystander.cancel()
    SLOWEST[flood.__name__], GROWN[flood.__name__] = max(seconds), memory(target) - begun
    assert target.process.poll() is None
    assert max(seconds) < 5
    began = time.monotonic()
    while (await ask(target.port, fields()))[0] != 200:
        assert time.monotonic() - began < 5
    assert GROWN[flood.__name__] < 150


def test_2_figures_of_http_2() -> None:
    worst = max(SLOWEST, key=lambda name: SLOWEST[name])
    heaviest = max(GROWN, key=lambda name: GROWN[name])
    note(
        "2 HTTP/2",
        f"{len(BAD_HEADS)} heads, {len(SLOWEST)} floods of up to {FLOOD} frames; others waited {SLOWEST[worst] * 1000:.0f} ms at most ({worst}), memory +{GROWN[heaviest]:.0f} MB at most ({heaviest})",
    )
    assert len(SLOWEST) == len(FLOODS)
    assert timing(list(SLOWEST.values()))
