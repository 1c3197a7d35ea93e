"""A sample of what tests/soak proves at length: memory is bounded, whatever a provider sends or a client does not take."""

import gzip
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import override

import httpx
import pytest

from addons.settings import NAMES
from tests.e2e.conftest import Launch
from tests.e2e.plain import error_of, plain
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY, OPENAI_KEY
from tests.fakes.server import FakeServer, Line, Recorded

UNRECORDED = {"RECORD": "false"} if "record" in NAMES else {}  # what records cost is not what is measured here
RIGHT = {"authorization": f"Bearer {CLIENT_KEY}"}
BOMB = gzip.compress(bytes(256 << 20), 9)
WORDS = b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n'
FLOOD = WORDS % (b"word " * 200) * 64


class _Large(FakeServer):
    """Answers a stream with a hundred megabytes, anything else with a gzip bomb."""

    sent = 0

    @override
    async def play(self, request: Recorded, line: Line) -> None:
        if not json.loads(request.body)["stream"]:
            await line.answer(200, {"content-type": "application/json", "content-encoding": "gzip"}, BOMB)
            return
        await line.head(200, {"content-type": "text/event-stream"})
        while self.sent < 100 << 20:
            await line.chunk(FLOOD)
            self.sent += len(FLOOD)


@pytest.fixture(scope="module")
def large() -> Iterator[_Large]:
    server = _Large()
    with server:
        yield server


@pytest.fixture(scope="module")
def bounded(start: Launch, large: _Large) -> Proxy:
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("memory is read from /proc")
    settings = {"API_KEY": CLIENT_KEY, "OPENAI_API_KEY": OPENAI_KEY, "OPENAI_BASE_URL": f"{large.url}/v1"}
    return start("bounded", {**settings, **UNRECORDED})


def peak(proxy: Proxy) -> float:
    """The most memory it had so far, in megabytes."""
    lines = Path(f"/proc/{proxy.process.pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


def test_20_a_gzip_bomb_is_an_error_and_not_memory(bounded: Proxy) -> None:
    before = peak(bounded)
    ask = plain("anthropic", "m")
    answer = httpx.post(f"{bounded.url}/openai-custom{ask.path}", content=ask.raw, headers=RIGHT, trust_env=False)
    assert answer.status_code == 502
    error_of("anthropic", answer.content)
    assert peak(bounded) - before < 150


def test_20_a_client_that_does_not_read_holds_its_provider_back(bounded: Proxy, large: _Large) -> None:
    """What is under way lies in the buffers of the system."""
    before = peak(bounded)
    ask = plain("anthropic", "m", stream=True)
    head = f"POST /openai-custom{ask.path} HTTP/1.1\r\nhost: {bounded.url[7:]}\r\nx-api-key: {CLIENT_KEY}\r\n"
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock.connect(("127.0.0.1", bounded.port))
        sock.sendall(f"{head}content-length: {len(ask.raw)}\r\n\r\n".encode() + ask.raw)
        sent, deadline = -1, time.monotonic() + 15
        while (sent != large.sent or not sent) and time.monotonic() < deadline:  # it comes to a halt
            sent = large.sent
            time.sleep(0.7)
        assert 0 < large.sent < 100 << 20
        assert peak(bounded) - before < 40
