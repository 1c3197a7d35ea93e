"""Many clients in a process of their own: each asks for one paced stream and keeps what comes, to be checked when all is over.

`python -m tests.soak.crowd ORDER`: ORDER is an `Order` as JSON; a `Report` comes back on standard output as one JSON line.
"""

import asyncio
import json
import sys
from dataclasses import asdict, dataclass, field
from time import monotonic
from typing import override

from tests.e2e.plain import checked_stream, plain
from tests.fakes.samples import CLIENT_KEY
from tests.soak.paced import piece


@dataclass(frozen=True)
class Order:
    """clients begin one after the other within `ramp` seconds. protocols: of the clients, provider: which path prefix.

    Each stream is of `pieces`, one every `milliseconds`.
    """

    port: int
    protocol: str
    provider: str
    clients: int
    ramp: float
    pieces: int
    milliseconds: int


@dataclass
class Report:
    """exact: streams whose grammar and text were right to the last byte. first: seconds to the first bytes, of each.
    late: the longest time over its due that a stream took. faults: a sample of what was wrong with the others."""

    exact: int = 0
    first: list[float] = field(default_factory=list)
    late: float = 0.0
    faults: list[str] = field(default_factory=list)


class _Listener(asyncio.Protocol):
    """One client: the raw answer, when its first and its last bytes came."""

    def __init__(self, asked: bytes) -> None:
        self._asked = asked
        self._tail = b""
        self.parts: list[bytes] = []
        self.over = asyncio.get_running_loop().create_future()
        self.began = self.first = self.ended = 0.0

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.WriteTransport)
        self._transport = transport
        self.began = monotonic()
        transport.write(self._asked)

    @override
    def data_received(self, data: bytes) -> None:
        self.first = self.first or monotonic()
        self.parts.append(data)
        self._tail = (self._tail + data)[-7:]
        if self._tail == b"\r\n0\r\n\r\n":  # no event of ours ends so
            self._end()
            self._transport.close()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end()

    def _end(self) -> None:
        self.ended = self.ended or monotonic()
        if not self.over.done():
            self.over.set_result(None)


def unchunked(raw: bytes) -> bytes:
    """A chunked body's content. ValueError when it is not complete."""
    parts: list[bytes] = []
    at = 0
    while True:
        end = raw.index(b"\r\n", at)
        size = int(raw[at:end], 16)
        if not size:
            return b"".join(parts)
        parts.append(raw[end + 2 : end + 2 + size])
        at = end + size + 4


def asked(order: Order, number: int) -> bytes:
    model = f"paced-{order.pieces}-{order.milliseconds}-s{number}"
    ask = plain(order.protocol, model, "Count.", stream=True)
    head = (
        f"POST /{order.provider}{ask.path} HTTP/1.1\r\nhost: 127.0.0.1:{order.port}\r\nx-api-key: {CLIENT_KEY}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(ask.raw)}\r\n\r\n"
    )
    return head.encode() + ask.raw


def check(order: Order, number: int, raw: bytes) -> None:
    """Raises AssertionError or ValueError."""
    head, _, body = raw.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 "), raw[:300]
    expected = "".join(piece(f"s{number}", n) for n in range(order.pieces))
    told = checked_stream(order.protocol, unchunked(body)).text
    assert told == expected, f"stream {number}: {told[:80]!r} ... {told[-80:]!r}"


async def _crowd(order: Order) -> Report:
    loop, listeners = asyncio.get_running_loop(), []
    began = loop.time()
    for number in range(order.clients):
        await asyncio.sleep(began + order.ramp * number / order.clients - loop.time())
        listener = _Listener(asked(order, number))
        listeners.append(listener)
        await loop.create_connection(lambda made=listener: made, "127.0.0.1", order.port)  # type: ignore[misc]
    due = order.pieces * order.milliseconds / 1000
    await asyncio.wait([listener.over for listener in listeners], timeout=order.ramp + due + 60)
    report = Report()
    for number, listener in enumerate(listeners):
        try:
            check(order, number, b"".join(listener.parts))
        except (AssertionError, ValueError) as fault:
            report.faults = [*report.faults, f"{number}: {fault!r}"][:5]
            continue
        report.exact += 1
        report.first.append(listener.first - listener.began)
        report.late = max(report.late, listener.ended - listener.first - due)
    return report


if __name__ == "__main__":
    print(json.dumps(asdict(asyncio.run(_crowd(Order(**json.loads(sys.argv[1])))))))
