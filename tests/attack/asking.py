"""A raw HTTP/1.1 client: sends what it is told to, byte for byte, and reads answers strictly."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

SECONDS = 10.0  # no attack may take longer


@dataclass(frozen=True)
class Answer:
    """headers: lower-case names. seconds: from the first byte sent to the last one read."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


class Connection:
    """One connection, kept as long as the proxy keeps it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, headers: Sequence[tuple[str, str]], body: bytes) -> Answer:
        """Raises AssertionError when there is no whole answer in time."""
        lines = [f"{method} {path} HTTP/1.1", f"host: 127.0.0.1:{self._port}"]
        lines += [f"{name}: {value}" for name, value in headers] + [f"content-length: {len(body)}"]
        raw = "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body
        began = time.perf_counter()
        try:
            async with asyncio.timeout(SECONDS):
                return await self._ask(raw, began)
        except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise AssertionError(f"no whole answer: {error!r}") from error

    async def _ask(self, raw: bytes, began: float) -> Answer:
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**26)
        assert self._reader is not None
        self._writer.write(raw)  # read while it is being sent: a refusal may come first
        answer = await read_answer(self._reader, began)
        if answer.headers.get("connection", "") == "close":
            self.close()
        return answer

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._writer = None


async def read_answer(reader: asyncio.StreamReader, began: float) -> Answer:
    """The next final answer. IncompleteReadError when the connection ends before it does."""
    status = 100
    while status == 100:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
        status = int(first.split(" ")[1])
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        body = bytearray()
        while size := int(await reader.readuntil(b"\r\n"), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readuntil(b"\r\n")
        whole = bytes(body)
    else:
        whole = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(status, headers, whole, time.perf_counter() - began)
