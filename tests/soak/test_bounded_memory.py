"""Promise 20: what a client or a provider sends, or does not take, costs bounded memory."""

import gzip
import socket
import time
from collections.abc import Iterator

import pytest

from tests.e2e.plain import error_of, plain
from tests.e2e.proxy import Proxy
from tests.soak.asking import head_of, post, send, whole
from tests.soak.conftest import started
from tests.soak.programs import UNRECORDED, Watched, settings_for
from tests.soak.told import tell

PAIRS = [("chat", "openai-custom"), ("anthropic", "openai-custom"), ("gemini", "claude-custom")]
PAIR_NAMES = ["chat->chat", "anthropic->chat", "gemini->anthropic"]
MEGABYTE = 1 << 20
LAST = {"chat": b"data: [DONE]", "anthropic": b'"message_stop"', "gemini": b'"finishReason"'}

every_pair = pytest.mark.parametrize(("protocol", "account"), PAIRS, ids=PAIR_NAMES)


@pytest.fixture(scope="module")
def lasting(program: str, provider: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """One for all tests of a file. Without records: see the last test."""
    with started(program, tmp_path_factory.mktemp("lasting"), {**settings_for(provider), **UNRECORDED}) as proxy:
        yield proxy


@pytest.fixture
def watched(lasting: Proxy) -> Watched:
    """The proxy, warm: what the first request of a kind loads is not counted."""
    for protocol, account in PAIRS:
        with send(lasting.port, account, plain(protocol, "paced-2-1-warm", stream=True)) as sock:
            until(sock, LAST[protocol])
    watched = Watched(lasting.process.pid)
    watched.forget_peak()
    return watched


def until(sock: socket.socket, mark: bytes) -> bytes:
    """The last bytes, with `mark` in them."""
    tail = b""
    while mark not in tail:
        part = sock.recv(1 << 20)
        assert part, f"closed after {tail[-300:]!r}"
        tail = tail[-200:] + part
    return tail


@every_pair
@pytest.mark.parametrize("clients", [1, 20])
def test_20_a_client_that_does_not_read_holds_its_provider_back(
    lasting: Proxy, program: str, watched: Watched, protocol: str, account: str, clients: int
) -> None:
    """100 MB as fast as they are taken; then they are read to the end, which must be there."""
    before = watched.rss
    ask = plain(protocol, f"flood-{100 if clients == 1 else 15}-0-abc", stream=True)
    socks = [send(lasting.port, account, ask, receive=65536) for _ in range(clients)]
    time.sleep(5)
    growth = (watched.peak - before) / 1024
    tell("not reading", f"{protocol}->{account} ({program})", clients=clients, megabytes=growth)
    for sock in socks:
        until(sock, LAST[protocol])
        sock.close()
    assert growth < 40 * (1 if clients == 1 else 2)


@every_pair
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("kind", ["bomb", "bombstream", "bomberror", "endless", "line"])
def test_20_an_answer_without_end_is_an_error_and_not_memory(
    lasting: Proxy, program: str, watched: Watched, protocol: str, account: str, stream: bool, kind: str
) -> None:
    """2 GB of zeros in 2 MB of gzip, and 400 MB that are not compressed."""
    before = watched.rss
    megabytes = 2048 if kind.startswith("bomb") else 400
    ask = plain(protocol, f"{kind}-{megabytes}-0-x", stream=stream)
    status, body = whole(lasting.port, account, ask, seconds=90)
    growth = (watched.peak - before) / 1024
    way = "stream" if stream else "whole"
    tell("without end", f"{kind}, {way}, {protocol}->{account} ({program})", status=status, megabytes=growth)
    assert growth < 150
    assert len(body) < MEGABYTE
    assert status >= 500
    error_of(protocol, body)


def test_20_a_request_of_256_megabytes_is_cut_at_the_limit(lasting: Proxy, program: str, watched: Watched) -> None:
    """Without a length, so that only counting finds it out."""
    before, taken = watched.rss, 0
    with socket.create_connection(("127.0.0.1", lasting.port), timeout=10) as sock:
        sock.sendall(head_of(lasting.port, "/openai-custom/v1/chat/completions", transfer_encoding="chunked"))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
        chunk = b"%x\r\n%b\r\n" % (65536, b" " * 65536)
        answer = b""
        while taken < 256 * MEGABYTE and not answer:
            sock.setblocking(True)
            sock.sendall(chunk)
            taken += 65536
            sock.setblocking(False)
            try:
                answer = sock.recv(65536)
            except BlockingIOError:
                continue
        sock.setblocking(True)
    growth = (watched.peak - before) / 1024
    tell("large request", f"no length ({program})", taken_megabytes=taken / MEGABYTE, megabytes=growth)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert b" 413 " in head
    error_of("chat", body)
    assert 32 * MEGABYTE <= taken < 64 * MEGABYTE
    assert growth < 150


def test_20_a_length_of_256_megabytes_is_refused_by_the_head(lasting: Proxy, watched: Watched) -> None:
    with socket.create_connection(("127.0.0.1", lasting.port), timeout=10) as sock:
        sock.sendall(head_of(lasting.port, "/claude-custom/v1/messages", content_length=str(256 * MEGABYTE)))
        head, _, body = sock.recv(65536).partition(b"\r\n\r\n")
    assert b" 413 " in head
    error_of("anthropic", body)


@every_pair
def test_20_a_compressed_request_is_cut_at_the_limit(
    lasting: Proxy, program: str, watched: Watched, protocol: str, account: str
) -> None:
    """300 MB in 300 kB."""
    before = watched.rss
    ask = plain(protocol, "paced-1-1-x")
    bomb = gzip.compress(ask.raw[:-1] + b" " * (300 * MEGABYTE) + ask.raw[-1:], 9)
    status, body = post(lasting.port, f"/{account}{ask.path}", bomb, {"content-encoding": "gzip"})
    growth = (watched.peak - before) / 1024
    tell("large request", f"gzip, {protocol}->{account} ({program})", status=status, megabytes=growth)
    assert status == 413
    error_of(protocol, body)
    assert growth < 150


def test_20_large_requests_one_after_the_other_do_not_add_up(lasting: Proxy, program: str, watched: Watched) -> None:
    """30 MB each, 24 times. Without `python -O` mitmproxy's checks of types leave what the garbage collector must find, so
    that a few of them are there at a time; never all 24, which would be 700 MB and more."""
    ask = plain("anthropic", "paced-1-1-x", "x" * (30 * MEGABYTE), stream=True)
    sizes = []
    for _ in range(24):
        status, _answer = whole(lasting.port, "openai-custom", ask)
        assert status == 200
        sizes.append(watched.rss / 1024)
    most = watched.peak / 1024
    tell("large request", f"24 of 30 MB ({program})", after_first=sizes[0], after_last=sizes[-1], most=most)
    assert most < (450 if program == "serve" else 800)


def test_20_the_record_of_a_large_stream_costs_no_more_than_the_stream(proxy: Proxy, program: str) -> None:
    """100 MB that are read at once, with settings as they come."""
    watched = Watched(proxy.process.pid)
    before = watched.rss
    with send(proxy.port, "claude-custom", plain("gemini", "flood-100-0-abc", stream=True)) as sock:
        until(sock, LAST["gemini"])
    time.sleep(15)  # for its writer
    growth = (watched.peak - before) / 1024
    tell("recorded", f"stream of 100 MB ({program})", megabytes=growth, megabytes_later=(watched.rss - before) / 1024)
    assert growth < 150
