"""The client: asks, reads to the end, and checks that the answer is all there."""

import asyncio
from dataclasses import dataclass

from bench.answers import SHAPES, TEXT, request_body


@dataclass(frozen=True, slots=True)
class Work:
    """kind, chunks, milliseconds: as `fake.py` takes them. clients ask at the same time, each `requests` times. history: bytes of
    a conversation that every request repeats and adds a turn to."""

    kind: str
    clients: int
    requests: int
    chunks: int = 0
    milliseconds: int = 0
    history: int = 0

    @property
    def units(self) -> int:
        """Answers, or chunks."""
        return self.clients * self.requests * (self.chunks or 1)


class Incomplete(Exception):
    """An answer that a client would not have accepted: a measurement of it means nothing."""


async def run(port: int, path: str, key: str, work: Work) -> None:
    """path: the client's, maybe with a provider's name before it."""
    await asyncio.gather(*(_client(port, path, key, work) for _ in range(work.clients)))


async def _client(port: int, path: str, key: str, work: Work) -> None:
    model = f"{work.kind}-{work.chunks}-{work.milliseconds}"
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    for turn in range(work.requests):
        body = request_body(model, stream=work.kind != "whole", history=work.history, turn=turn)
        head = (
            f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {key}\r\n"
            "anthropic-version: 2023-06-01\r\ncontent-type: application/json\r\naccept: application/json\r\n"
            f"user-agent: bench\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        _check(await _answer(reader), path, work)
    writer.close()


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
    shape = next(shape for shape in SHAPES.values() if path.endswith(shape.path))
    if work.kind == "whole":
        if TEXT.encode() * 16 not in answer:
            raise Incomplete(answer[:500].decode(errors="replace"))
    elif answer.count(shape.text_mark) != work.chunks or shape.last not in answer:
        raise Incomplete(f"{answer.count(shape.text_mark)} of {work.chunks} chunks arrived: {answer[-300:]!r}")
