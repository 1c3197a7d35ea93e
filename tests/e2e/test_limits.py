"""Limits against harm, seen from outside: what is over one is answered in the client's protocol, and what is not is served."""

import gzip
import http.client
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import override

import httpx
import pytest

from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import PLAIN_MODEL, PROTOCOLS, RIGHT, checked_stream, error_of, own_provider, path_of, plain
from tests.e2e.proxy import Proxy
from tests.fakes.server import FakeServer, Line, Recorded

STREAM_LIMIT, BODY_LIMIT = 3 << 20, 2 << 20
OVERLOADED = {
    "chat": (503, "code", "overloaded"),
    "responses": (503, "code", "overloaded"),
    "anthropic": (529, "type", "overloaded_error"),
    "gemini": (503, "status", "UNAVAILABLE"),
}


class PackingFake(FakeServer):
    """Chat Completions, gzipped, with as many bytes of white space as the model's name says."""

    @override
    async def play(self, request: Recorded, line: Line) -> None:
        if request.method == "GET":
            return await line.answer(404, {"content-type": "application/json"}, b"{}")
        model = str(request.json["model"])
        padding = int(model.rpartition("-")[2]) * b" "
        head = {"content-encoding": "gzip"}
        if not request.json.get("stream"):
            message = b'{"role":"assistant","content":"Hello"}'
            body = b'{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":'
            body += (
                message
                + b',"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'
            )
            await line.answer(200, {"content-type": "application/json", **head}, gzip.compress(body + padding + b"}"))
            return
        start = (
            b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":'
        )
        frames = start + b'{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
        frames += start + b'{"content":"Hello"},"finish_reason":null}]}\n\n'
        frames += b"".join(b": " + b" " * 1000 + b"\n\n" for _ in range(len(padding) // 1000))
        frames += start + b'{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
        packed = gzip.compress(frames)
        await line.head(200, {"content-type": "text/event-stream", **head})
        for at in range(0, len(packed), 200):
            await line.chunk(packed[at : at + 200])
        await line.end()


@pytest.fixture(scope="module")
def packing() -> Iterator[PackingFake]:
    with PackingFake() as fake:
        yield fake


@pytest.fixture(scope="module")
def limited(start: Launch, upstreams: Upstreams, packing: PackingFake) -> Proxy:
    limits = {
        "HEADER_LIMIT": "4k",
        "JSON_DEPTH": "20",
        "CONCURRENT_REQUESTS": "3",
        "STREAM_LIMIT": str(STREAM_LIMIT),
        "BODY_LIMIT": str(BODY_LIMIT),
    }
    packed = {"OPENAI_BASE_URL": f"{packing.url}/v1"}
    return start("limited", {**upstreams.settings, **limits, **packed})


@pytest.fixture(scope="module")
def web() -> Iterator[httpx.Client]:
    """No limit of its own."""
    with httpx.Client(trust_env=False, timeout=30, limits=httpx.Limits(max_connections=None)) as client:
        yield client


@pytest.mark.parametrize(("filler", "status"), [(2000, 200), (5000, 431), (300_000, 431)])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_head_over_the_limit_is_a_431(limited: Proxy, protocol: str, filler: int, status: int) -> None:
    path = path_of(protocol, "gpt-4.1")
    with socket.create_connection(("127.0.0.1", limited.port), timeout=5) as sock:
        sock.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nx-filler: {'x' * filler}\r\n".encode())
        if filler < 100_000:
            sock.sendall(b"content-length: 0\r\n\r\n")
        response = http.client.HTTPResponse(sock)
        response.begin()
        assert response.status == (
            401 if status == 200 else status
        )  # no key: what passes this limit is refused for that
        error_of(protocol, response.read())


@pytest.mark.parametrize(("levels", "status"), [(20, 200), (21, 400), (100_000, 400)])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_json_nested_over_the_limit_is_a_400_that_names_it(
    web: httpx.Client, limited: Proxy, protocol: str, levels: int, status: int
) -> None:
    asked = plain(protocol, PLAIN_MODEL["claude-custom"] + "-text")
    inner = levels - 1
    body = asked.raw[:-1] + b', "x_unknown": ' + b"[" * inner + b"]" * inner + b"}"
    answer = web.post(f"{limited.url}/claude-custom{asked.path}", content=body, headers=RIGHT)
    if status == 400:
        assert answer.status_code == 400
        assert "20 levels (json_depth)" in error_of(protocol, answer.content)["message"]
    else:  # whatever the provider or the conversion says of the field
        assert "json_depth" not in answer.text


@contextmanager
def under_way(web: httpx.Client, limited: Proxy, count: int) -> Iterator[list[httpx.Response]]:
    """Streams that go on for a while."""
    with ExitStack() as stack:
        asked = plain("anthropic", "claude-sonnet-4-5-paced", stream=True)
        url = f"{limited.url}/claude-custom{asked.path}"
        streams = [stack.enter_context(web.stream("POST", url, json=asked.body, headers=RIGHT)) for _ in range(count)]
        assert [stream.status_code for stream in streams] == [200] * count
        yield streams


def until_served(web: httpx.Client, limited: Proxy) -> None:
    """The proxy hears of a client that has left within milliseconds, not at once."""
    deadline = time.monotonic() + 2
    while (answer := web.get(f"{limited.url}/v1/models", headers=RIGHT)).status_code == 503:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert answer.status_code == 200


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_one_request_too_many_is_told_to_come_again(web: httpx.Client, limited: Proxy, protocol: str) -> None:
    """The place of a client that leaves in the middle is free again."""
    status, word, value = OVERLOADED[protocol]
    asked = plain(protocol, PLAIN_MODEL[own_provider("anthropic")] + "-text")
    url = f"{limited.url}/claude-custom{asked.path}"
    with under_way(web, limited, 3):
        answer = web.post(url, json=asked.body, headers=RIGHT)
        assert (answer.status_code, answer.headers["retry-after"]) == (status, "1")
        assert error_of(protocol, answer.content)[word] == value
        assert web.get(f"{limited.url}/health").status_code == 200
        assert web.post(url, json=asked.body).status_code == 401
    until_served(web, limited)
    assert web.post(url, json=asked.body, headers=RIGHT).status_code == 200


def test_no_place_is_lost_whatever_becomes_of_requests(web: httpx.Client, limited: Proxy, upstreams: Upstreams) -> None:
    """Answered, refused, cut by the client in its head, in its body, while it waits and in the answer."""
    asked = plain("anthropic", "claude-sonnet-4-5-text")
    head = f"POST /claude-custom{asked.path} HTTP/1.1\r\nHost: localhost\r\nx-api-key: {RIGHT['authorization'][7:]}\r\n"
    whole = f"{head}content-length: {len(asked.raw)}\r\n\r\n".encode() + asked.raw
    silent = whole.replace(b"-text", b"-silent")
    pieces = (
        whole[:30],
        whole[:-5],
        silent,
        whole,
        whole.replace(b"claude-sonnet", b"\xff"),
        f"{head}transfer-encoding: chunked\r\n\r\nzz\r\n".encode(),
        f"{head}content-length: {BODY_LIMIT + 1}\r\n\r\n".encode(),
        f"{head}transfer-encoding: chunked\r\n\r\n".encode() + b"%x\r\n" % (BODY_LIMIT + 9) + b"x" * (BODY_LIMIT + 9),
        f"{head}bad name: 1\r\n\r\n".encode(),
    )
    for piece in pieces * 2:
        with socket.create_connection(("127.0.0.1", limited.port), timeout=5) as sock:
            sock.sendall(piece)
            time.sleep(0.05)
    until_served(web, limited)
    with under_way(web, limited, 3):
        pass


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [STREAM_LIMIT - 100_000, STREAM_LIMIT + 100_000, 2 * STREAM_LIMIT])
def test_a_compressed_stream_over_the_limit_ends_with_an_error_event(
    web: httpx.Client, limited: Proxy, protocol: str, size: int
) -> None:
    asked = plain(protocol, f"gpt-4.1-{size}", stream=True)
    answer = web.post(f"{limited.url}/openai-custom{asked.path}", json=asked.body, headers=RIGHT)
    assert answer.status_code == 200, answer.text
    checked_stream(protocol, answer.content, broken=size > STREAM_LIMIT)
    assert b"Hello" in answer.content


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("size", [BODY_LIMIT - 10_000, BODY_LIMIT + 10_000, 30 * BODY_LIMIT])
def test_a_compressed_answer_over_the_limit_is_an_error(
    web: httpx.Client, limited: Proxy, protocol: str, size: int
) -> None:
    asked = plain(protocol, f"gpt-4.1-{size}")
    answer = web.post(f"{limited.url}/openai-custom{asked.path}", json=asked.body, headers=RIGHT)
    if size < BODY_LIMIT:
        assert answer.status_code == 200
    else:
        assert answer.status_code >= 500
        assert "size limit" in error_of(protocol, answer.content)["message"]
