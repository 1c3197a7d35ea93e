"""The client: asks, reads to the end, and checks that the answer is all there."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from itertools import islice, repeat

from bench.agent import conversation
from bench.answers import TEXT, shape_of, short_request

type Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Work:
    """kind, chunks, milliseconds: as `fake.py` takes them. clients ask at the same time, each `requests` times. agent: as a
    coding agent does (`agent.py`), each client in a conversation of its own."""

    kind: str
    clients: int
    requests: int
    chunks: int = 0
    milliseconds: int = 0
    agent: bool = False

    @property
    def exchanges(self) -> int:
        return self.clients * self.requests

    @property
    def units(self) -> int:
        """Answers, or chunks."""
        return self.exchanges * (self.chunks or 1)


class Incomplete(Exception):
    """An answer that a client would not have accepted: a measurement of it means nothing."""


@contextlib.asynccontextmanager
async def connections(port: int, clients: int) -> AsyncIterator[list[Connection]]:
    opened = [await asyncio.open_connection("127.0.0.1", port, limit=1 << 20) for _ in range(clients)]
    try:
        yield opened
    finally:
        for _, writer in opened:
            writer.close()


def plain_headers(key: str) -> str:
    """Lines with their ends, as `run` takes them; for both protocols."""
    return (
        f"authorization: Bearer {key}\r\nanthropic-version: 2023-06-01\r\n"
        "content-type: application/json\r\naccept: application/json\r\nuser-agent: bench\r\n"
    )


async def run(opened: Sequence[Connection], path: str, headers: str, work: Work) -> None:
    """opened: one for each client. path: the client's, maybe with a provider's name before it. headers: but host and length."""
    await asyncio.gather(*(_client(number, each, path, headers, work) for number, each in enumerate(opened)))


async def _client(number: int, connection: Connection, path: str, headers: str, work: Work) -> None:
    reader, writer = connection
    model, stream = f"{work.kind}-{work.chunks}-{work.milliseconds}", work.kind != "whole"
    protocol, short = shape_of(path).path, short_request(model, stream=stream)
    bodies = conversation(protocol, model, number, stream=stream) if work.agent else repeat(short)
    host = "{}:{}".format(*writer.get_extra_info("peername"))
    for body in islice(bodies, work.requests):
        head = f"POST {path} HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        _check(await _answer(reader), path, work)


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    if not head.startswith(b"http/1.1 200 "):
        raise Incomplete((head + await reader.read(500)).decode(errors="replace"))
    if b"transfer-encoding: chunked" not in head:
        length = head.partition(b"content-length:")[2].partition(b"\r\n")[0]
        return await reader.readexactly(int(length))
    parts: list[bytes] = []
    tail = b""
    while not tail.endswith(b"\r\n0\r\n\r\n"):  # no event of ours ends so
        part = await reader.read(1 << 18)
        if not part:
            raise Incomplete("the connection ended within an answer")
        parts.append(part)
        tail = (tail + part)[-7:]
    return _unchunked(b"".join(parts))


def _unchunked(body: bytes) -> bytes:
    parts: list[bytes] = []
    at = 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end], 16)
        if not size:
            return b"".join(parts)
        parts.append(body[end + 2 : end + 2 + size])
        at = end + size + 4


def _check(answer: bytes, path: str, work: Work) -> None:
    shape = shape_of(path)
    if work.kind == "whole":
        if TEXT.encode() * 16 not in answer:
            raise Incomplete(answer[:500].decode(errors="replace"))
    elif answer.count(shape.text_mark) != work.chunks or shape.last not in answer:
        raise Incomplete(f"{answer.count(shape.text_mark)} of {work.chunks} chunks arrived: {answer[-300:]!r}")
