"""HTTP/1 as it comes in from both sides, well formed or not."""

import asyncio
from dataclasses import replace
from pathlib import Path
from time import monotonic

import pytest

from addons.fast_reads import FastReads
from converters.errors import Kind
from tests.addons.relay.rig import (
    ONCE,
    Asked,
    Provider,
    again,
    ask,
    chunk,
    cut,
    replies,
    rig,
    whole,
)


async def test_interim_answers_are_skipped(tmp_path: Path) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n"
    async with rig(tmp_path) as proxy, Provider(replies(interim, whole(b"final"), pause=0.03)) as provider:
        _, answer = await ask(proxy, provider)
        assert answer.body == b"final"
        assert proxy.leg.hooks == ONCE


async def test_trailers_of_a_provider_do_no_harm(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    async with rig(tmp_path) as proxy, Provider(replies(head, b"2\r\nok\r\n0\r\nx-sum: 1\r\n\r\n")) as provider:
        client, answer = await ask(proxy, provider)
        assert answer.body == b"ok"
        assert (await client.ask()).body == b"ok"
        assert provider.connections == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5x\r\n\r\n",
    ],
)
async def test_malformed_head_is_a_failed_attempt(tmp_path: Path, garbage: bytes) -> None:
    async with rig(tmp_path) as proxy, Provider(cut(garbage, pause=0), replies(whole(b"well"))) as provider:
        proxy.leg.on_failed = again
        _, answer = await ask(proxy, provider)
        assert answer.body == b"well"
        assert [failed.error.kind for failed in proxy.leg.failed] == [Kind.BROKEN_STREAM]


async def test_endless_head_is_a_failed_attempt(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000)) as provider:
        _, answer = await ask(proxy, provider)
        assert answer.status == 502


@pytest.mark.parametrize(
    ("request_bytes", "status", "path"),
    [
        (b"nonsense\r\n\r\n", 400, "/"),
        (b"GET  /v1 HTTP/1.1\r\nhost: x\r\n\r\n", 400, "/"),
        (b"GET\t/v1\tHTTP/1.1\r\nhost: x\r\n\r\n", 400, "/"),
        (b"GET /v1 HTTP/2.0\r\nhost: x\r\n\r\n", 400, "/v1"),
        (b"GET /v1 HTTP/1.1\r\nno colon\r\n\r\n", 400, "/v1"),
        (b"POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 1x\r\n\r\n", 400, "/v1"),
        (b"POST /v1 HTTP/1.1\r\nhost: x\r\nbad name: 1\r\n\r\n", 400, "/v1"),
        (
            b"POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            "/v1",
        ),
        (b"POST /v1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", 400, "/v1"),
        (b"POST /v1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, "/v1"),
        (b"POST /v1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: \x0bchunked\r\n\r\n0\r\n\r\n", 400, "/v1"),
        (b"POST /v1 HTTP/1.1\r\nhost: x\r\na: b\rcontent-length: 3\r\n\r\n", 400, "/v1"),
        (b"POST /v1 HTTP/1.1\r\nhost: x\r\na: b\r\n c\r\n\r\n", 400, "/v1"),
        (b"POST /v1 HTTP/1.1\r\nhost: x\r\na: b\0c\r\n\r\n", 400, "/v1"),
        (b"POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 5000\r\n\r\n", 413, "/v1"),
        (b"GET /v1 HTTP/1.1\r\nx: " + b"y" * 200_000, 431, "/v1"),
        (b"\r\n\r\nGET /v1 HTTP/1.1\r\nx: " + b"y" * 200_000, 431, "/v1"),
        (b"GET /v1" + b"y" * 200_000, 431, "/"),
    ],
)
async def test_bad_request_is_refused_in_json(tmp_path: Path, request_bytes: bytes, status: int, path: str) -> None:
    async with rig(tmp_path, options={"body_size_limit": "1k"}) as proxy:
        client = await proxy.client()
        client.writer.write(request_bytes)
        answer = await client.answer()
        assert (answer.status, answer.body) == (status, b'{"path": "%b", "status": %d}' % (path.encode(), status))
        assert b"content-type: application/json" in answer.head
        assert await client.ended()


@pytest.mark.parametrize(("more", "status"), [(0, 200), (1, 431)])
async def test_a_head_of_just_the_limit_passes_and_not_one_byte_more(tmp_path: Path, more: int, status: int) -> None:
    """Also when all of it comes in one read."""
    start = b"GET /v1/messages HTTP/1.1\r\nhost: x\r\nx: "
    async with rig(tmp_path, header_limit=1000) as proxy, Provider(replies(whole(b"ok"))) as provider:
        proxy.leg.port = provider.port
        client = await proxy.client()
        client.writer.write(start + b"y" * (998 - len(start) + more) + b"\r\n\r\n")
        answer = await client.answer()
        assert answer.status == status
        assert status == 200 or b'"/v1/messages"' in answer.body


async def test_the_limit_of_a_providers_head_is_the_same(tmp_path: Path) -> None:
    long = whole(b"ok", extra=f"x: {'y' * 1000}\r\n")
    async with rig(tmp_path, header_limit=1000) as proxy, Provider(replies(long)) as provider:
        assert (await ask(proxy, provider))[1].status == 502
    async with rig(tmp_path, header_limit=1100) as proxy, Provider(replies(long)) as provider:
        assert (await ask(proxy, provider))[1].status == 200


async def test_a_head_that_is_too_slow_is_refused_in_its_paths_words(tmp_path: Path) -> None:
    async with rig(tmp_path, header_seconds=0.2) as proxy:
        client = await proxy.client()
        client.writer.write(b"POST /v1/messages HTTP/1.1\r\nhost")
        assert (await client.answer()).body == b'{"path": "/v1/messages", "status": 408}'


async def test_what_is_said_of_a_malformed_body_does_not_quote_it(tmp_path: Path) -> None:
    said = []

    def render(path: str, status: int, message: str) -> bytes:
        said.append(message)
        return b"{}"

    async with rig(tmp_path, more=[FastReads()]) as proxy:
        relay = proxy.master.addons.get("relay")
        relay.settings = replace(relay.settings, render_error=render)
        client = await proxy.client()
        client.writer.write(b"POST /v1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nsk-secret\r\n")
        assert (await client.answer()).status == 400
    assert said == ["HTTP/1 protocol error: illegal chunk header"]


async def test_refusal_is_readable_while_the_client_is_still_sending(tmp_path: Path) -> None:
    async with rig(tmp_path, options={"body_size_limit": "100k"}) as proxy:
        client = await proxy.client()
        client.writer.write(b"POST /v1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
        for _ in range(300):
            client.writer.write(chunk(b"z" * 10_000))
            await client.writer.drain()
        assert (await client.answer()).status == 413


async def test_refusal_after_100_continue_is_still_an_answer(tmp_path: Path) -> None:
    async with rig(tmp_path, options={"body_size_limit": "1k"}) as proxy:
        client = await proxy.client()
        client.writer.write(
            b"POST /v1 HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n"
        )
        await asyncio.wait_for(client.reader.readuntil(b"100 Continue\r\n\r\n"), 1)
        client.writer.write(chunk(b"z" * 2000))
        assert (await client.answer()).status == 413


@pytest.mark.parametrize("begun", [b"POST /v1 HT", b"POST /v1 HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nhalf"])
async def test_unfinished_request_is_ended(tmp_path: Path, begun: bytes) -> None:
    async with rig(tmp_path, header_seconds=0.2, body_seconds=0.2) as proxy:
        client = await proxy.client()
        client.writer.write(begun)
        began = monotonic()
        answer = await client.answer()
        assert (answer.status, 0.2 <= monotonic() - began < 0.6) == (408, True)


async def test_idle_connection_is_left_alone_and_a_slow_answer_too(tmp_path: Path) -> None:
    async def slow(asked: Asked) -> None:
        await asyncio.sleep(0.4)
        await asked.send(whole(b"ok"))

    async with rig(tmp_path, header_seconds=0.2, body_seconds=0.2) as proxy, Provider(slow) as provider:
        client, answer = await ask(proxy, provider)
        assert answer.body == b"ok"
        await asyncio.sleep(0.4)
        assert (await client.ask()).body == b"ok"


async def test_empty_lines_before_a_request_are_skipped(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"ok"))) as provider:
        proxy.leg.port = provider.port
        client = await proxy.client()
        client.writer.write(b"\r\n")
        client.send()
        assert (await client.answer()).body == b"ok"


async def test_trailers_of_a_request_do_no_harm(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"ok"))) as provider:
        proxy.leg.port = provider.port
        client = await proxy.client()
        client.writer.write(b"GET /v1 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx-t: 1\r\n\r\n")
        assert (await client.answer()).body == b"ok"
