"""Traffic as it comes in a long life: good requests, clients that leave, providers that fail, large bodies, nonsense."""

import asyncio
import itertools
import json
import socket
import struct
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.e2e.conftest import Upstreams
from tests.e2e.plain import (
    PAIRS,
    PLAIN_MODEL,
    PROVIDERS,
    REASONING_MODEL,
    Plain,
    checked_answer,
    checked_stream,
    error_of,
    plain,
)
from tests.fakes.samples import ANTHROPIC_TOOLS, CLIENT_KEY, GEMINI_TOOLS, OPENAI_TOOLS, RESPONSES_TOOLS
from tests.fakes.scripts import SCRIPTS, THOUGHT, WEATHER, Reply, Script
from tests.soak.asking import head_of

TOOLS = {"chat": OPENAI_TOOLS, "responses": RESPONSES_TOOLS, "anthropic": ANTHROPIC_TOOLS, "gemini": GEMINI_TOOLS}
CLEAN = ("text", "unicode", "sevens", "one", "slow")
BROKEN = (
    *("e400", "e401", "e429", "e500", "e503", "e529", "ehtml", "nohead", "noheadreset", "nothttp"),
    *("midunfinished", "midcut", "midreset", "miderror", "midgarbage", "earlyerror", "earlyunfinished"),
)
OWN_FORM = ("miderror", "midgarbage")  # from a provider of the same protocol every byte passes as it came
STALLED = ("silent", "earlysilent", "midsilent")
GOOD = ("whole", "stream", "tools", "large", "list")  # must be answered in full
LEFT = (*STALLED, "paced", "paced", "text", "late")
MINDFUL = "mindful"  # a call with reasoning, whose id is never the same twice: the proxy remembers those
DEADLINES = {"FIRST_BYTE_SECONDS": "2", "IDLE_SECONDS": "2", "HEARTBEAT_SECONDS": "0.3"}


@dataclass
class Tally:
    """What was done, by kind; of the good requests those that came right; what went wrong with all others; a sample of both."""

    done: Counter[str] = field(default_factory=Counter)
    clean: int = 0
    right: int = 0
    wrong: int = 0
    faults: list[str] = field(default_factory=list)

    def note(self, fault: str) -> None:
        self.faults = [*self.faults, fault[:600]][:20]


class Connection:
    """A client's, kept alive as long as both sides like."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, raw: bytes) -> tuple[int, bytes]:
        """(status, body). Once more on a new connection when the old one was closed in the meantime."""
        kept = self._writer is not None
        try:
            return await self._ask(raw)
        except (ConnectionError, asyncio.IncompleteReadError) as gone:
            self.close()
            if not kept or (isinstance(gone, asyncio.IncompleteReadError) and gone.partial):
                raise
            return await self._ask(raw)

    async def _ask(self, raw: bytes) -> tuple[int, bytes]:
        if self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        assert self._reader is not None
        self._writer.write(raw)
        await self._writer.drain()
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
        fields = dict(line.split(": ", 1) for line in lines[1:] if line)
        if fields.get("transfer-encoding") == "chunked":
            parts = []
            while size := int(await self._reader.readuntil(b"\r\n"), 16):
                parts.append(await self._reader.readexactly(size))
                await self._reader.readexactly(2)
            await self._reader.readexactly(2)
            body = b"".join(parts)
        else:
            body = await self._reader.readexactly(int(fields["content-length"]))
        if fields.get("connection") == "close":
            self.close()
        return int(lines[0].split(" ")[1]), body

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
        self._reader = self._writer = None


class Person:
    """One of those who use the proxies, again and again, until `until`. ports: of the proxies."""

    def __init__(self, ports: Sequence[int], upstreams: Upstreams, tally: Tally, seed: int) -> None:
        self._connections = [Connection(port) for port in ports]
        self._upstreams, self._tally, self._chance = upstreams, tally, Random(seed)
        self._ids = itertools.count(seed * 10_000_000)
        self._line = self._connections[0]
        self._acts: dict[str, tuple[int, Callable[[], Awaitable[None]]]] = {
            "whole": (28, lambda: self._clean(stream=False)),
            "stream": (28, lambda: self._clean(stream=True)),
            "tools": (8, self._with_tools),
            "large": (2, self._large),
            "list": (2, self._list),
            "leaves": (14, self._leaves),
            "leaves early": (4, self._leaves_early),
            "provider fails": (8, lambda: self._fails(BROKEN)),
            "provider stalls": (2, lambda: self._fails(STALLED)),
            "nonsense": (4, self._nonsense),
        }

    async def live(self, until: Callable[[], bool], pause: float) -> None:
        """pause: the longest between two requests."""
        names, weights = list(self._acts), [weight for weight, _ in self._acts.values()]
        while not until():
            self._line = self._chance.choice(self._connections)
            name = self._chance.choices(names, weights)[0]
            self._tally.done[name] += 1
            try:
                async with asyncio.timeout(30):
                    await self._acts[name][1]()
            except (OSError, TimeoutError, AssertionError, ValueError, KeyError, asyncio.IncompleteReadError) as fault:
                self._tally.note(f"{name}: {fault!r}")
                self._tally.wrong += name not in GOOD
                self._line.close()
            await asyncio.sleep(self._chance.random() * pause)
        for connection in self._connections:
            connection.close()

    def _raw(self, provider: str, ask: Plain, **fields: str) -> bytes:
        path = f"/{provider}{ask.path}"
        return head_of(self._line.port, path, content_length=str(len(ask.raw)), **fields) + ask.raw

    async def _clean(self, *, stream: bool, words: str = "Hi") -> None:
        protocol, provider = self._chance.choice(PAIRS)
        script = self._chance.choice(CLEAN) if words == "Hi" else "text"
        self._tally.clean += 1
        ask = plain(protocol, f"{PLAIN_MODEL[provider]}-{script}", words, stream=stream)
        status, body = await self._line.ask(self._raw(provider, ask))
        assert status == 200, f"{protocol}->{provider} {script}: {status} {body[:300]!r}"
        told = (checked_stream if stream else checked_answer)(protocol, body)
        assert told.text == SCRIPTS[script].reply.whole_text, f"{protocol}->{provider} {script}"
        self._tally.right += 1

    async def _with_tools(self) -> None:
        protocol, provider = self._chance.choice(PAIRS)
        stream = self._chance.random() < 0.7
        call = replace(WEATHER, id=f"toolu_{next(self._ids)}")
        reply = Reply(thinking=THOUGHT, text=("Asking.",), calls=(call,), stop="tool_calls")
        self._upstreams.of(provider).scripts[MINDFUL] = Script(reply)
        self._tally.clean += 1
        model = f"{REASONING_MODEL[provider]}-{MINDFUL}"
        ask = plain(protocol, model, stream=stream, tools=TOOLS[protocol])
        status, body = await self._line.ask(self._raw(provider, ask))
        assert status == 200, f"{protocol}->{provider} tools: {status} {body[:300]!r}"
        told = (checked_stream if stream else checked_answer)(protocol, body)
        assert [json.loads(call.arguments) for call in told.calls] == [json.loads(WEATHER.text)]
        self._tally.right += 1

    async def _large(self) -> None:
        await self._clean(stream=self._chance.random() < 0.5, words="word " * self._chance.randrange(50_000, 800_000))

    async def _list(self) -> None:
        self._tally.clean += 1
        host = f"host: 127.0.0.1:{self._line.port}\r\n"
        status, body = await self._line.ask(
            f"GET /v1/models HTTP/1.1\r\n{host}x-api-key: {CLIENT_KEY}\r\n\r\n".encode()
        )
        assert status == 200, f"{status} {body[:300]!r}"
        assert json.loads(body)["data"], body
        self._tally.right += 1

    async def _leaves(self) -> None:
        """After up to a quarter of a second, with or without a reset."""
        protocol, provider = self._chance.choice(PAIRS)
        model = f"{PLAIN_MODEL[provider]}-{self._chance.choice(LEFT)}"
        ask = plain(protocol, model, stream=self._chance.random() < 0.6)
        await self._hang_up(self._raw(provider, ask), self._chance.random() * 0.25)

    async def _leaves_early(self) -> None:
        """Somewhere in its own request."""
        protocol, provider = self._chance.choice(PAIRS)
        words = "word " * self._chance.choice((1, 1000, 200_000))
        raw = self._raw(provider, plain(protocol, f"{PLAIN_MODEL[provider]}-text", words))
        await self._hang_up(raw[: self._chance.randrange(len(raw))], 0.02)

    async def _hang_up(self, raw: bytes, after: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._line.port)
        writer.write(raw)
        with suppress(TimeoutError, ConnectionError):
            async with asyncio.timeout(after):
                await writer.drain()
                while await reader.read(1 << 16):
                    pass
        if self._chance.random() < 0.5:
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        else:
            writer.close()

    async def _fails(self, scripts: Sequence[str]) -> None:
        """An error in the client's protocol, whole or as a stream's end; or, after a further try, an answer."""
        protocol, provider = self._chance.choice(PAIRS)
        script, stream = self._chance.choice(scripts), self._chance.random() < 0.6
        ask = plain(protocol, f"{PLAIN_MODEL[provider]}-{script}", stream=stream)
        status, body = await self._line.ask(self._raw(provider, ask))
        if PROVIDERS[provider] == protocol and script in OWN_FORM:
            return
        try:
            well_formed(protocol, status, body, stream=stream)
        except AssertionError as fault:
            raise AssertionError(f"{protocol}->{provider} {script}, stream {stream}: {fault}") from fault

    async def _nonsense(self) -> None:
        protocol, provider = self._chance.choice(PAIRS)
        good = plain(protocol, f"{PLAIN_MODEL[provider]}-text")
        path = f"/{provider}{good.path}"
        bodies: list[Any] = [b"", b"{", b"[]", b"\xff\xfe", b"[" * 3000, b'{"model": 7, "messages": 1}', b'{"a":1e999}']
        fields = {"x_api_key": "wrong-key-wrong-key"} if self._chance.random() < 0.2 else {}
        if self._chance.random() < 0.2:
            path += "/nowhere"
        body = self._chance.choice(bodies)
        port = self._line.port
        status, answer = await self._line.ask(head_of(port, path, content_length=str(len(body)), **fields) + body)
        assert 400 <= status < 500, f"{path} {body[:40]!r}: {status} {answer[:300]!r}"
        assert "error" in json.loads(answer)


def well_formed(protocol: str, status: int, body: bytes, *, stream: bool) -> None:
    """An error, whole or as a stream's end, or an answer."""
    if status != 200:
        error_of(protocol, body)
    elif not stream:
        checked_answer(protocol, body)
    else:
        try:
            checked_stream(protocol, body)
        except AssertionError:
            checked_stream(protocol, body, broken=True)


async def live(
    ports: Sequence[int], upstreams: Upstreams, *, seconds: float, people: int, pause: float, seed: int = 1
) -> Tally:
    """So many people for so long."""
    loop, tally = asyncio.get_running_loop(), Tally()
    end = loop.time() + seconds

    def is_over() -> bool:
        return loop.time() >= end

    async def forget() -> None:
        """The fakes keep every request that they get."""
        while not is_over():
            await asyncio.sleep(5)
            for fake in upstreams.fakes.values():
                del fake.requests[:]

    crowd = [Person(ports, upstreams, tally, seed * 1000 + number) for number in range(people)]
    await asyncio.gather(forget(), *(person.live(is_over, pause) for person in crowd))
    return tally
