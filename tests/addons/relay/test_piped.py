"""Streams through a pipe: held heads, error events, heartbeats, silence."""

import asyncio
from pathlib import Path

import pytest

from tests.addons.relay.rig import (
    LAST,
    ONCE,
    STREAM,
    Asked,
    Provider,
    Script,
    again,
    ask,
    chunk,
    cut,
    replies,
    rig,
    whole,
)


async def test_stream_goes_through_read_by_read(tmp_path: Path) -> None:
    parts = [STREAM, chunk(b"one "), chunk(b"..."), chunk(b"two "), chunk(b"END"), LAST]
    async with rig(tmp_path) as proxy, Provider(replies(*parts, pause=0.04)) as provider:
        client, answer = await ask(proxy, provider)
        assert answer.pieces == [b"ONE ", b"TWO ", b"END", b"<end>"]
        assert b"content-length" not in answer.head
        assert proxy.leg.hooks == ONCE
        assert (await client.ask()).body == b"ONE TWO END<end>"
        assert provider.connections == 1


async def test_stream_that_came_in_one_read_leaves_the_connection_to_the_next(tmp_path: Path) -> None:
    """Its head waits for the addons, so it is played when the connection has long been free again."""
    at_once, later = replies(STREAM + chunk(b"one END") + LAST), replies(STREAM, chunk(b"two "), chunk(b"END"), LAST)
    async with rig(tmp_path) as proxy, Provider(at_once, at_once, later) as provider:
        client, first = await ask(proxy, provider)
        assert first.body == b"ONE END<end>"
        assert (await client.ask()).body == b"ONE END<end>"
        assert (await client.ask()).body == b"TWO END<end>"
        assert provider.connections == 1


async def test_stream_with_a_length_reaches_the_client_in_chunks(tmp_path: Path) -> None:
    sized = whole(b"a END", extra="content-type: text/event-stream\r\n")
    async with rig(tmp_path) as proxy, Provider(replies(sized)) as provider:
        _, answer = await ask(proxy, provider)
        assert answer.body == b"A END<end>"
        assert b"content-length" not in answer.head


async def test_first_piece_is_not_held_for_the_second(tmp_path: Path) -> None:
    async with (
        rig(tmp_path) as proxy,
        Provider(replies(STREAM, chunk(b"now"), chunk(b"END"), LAST, pause=0.3)) as provider,
    ):
        proxy.leg.port = provider.port
        client = await proxy.client()
        client.send()
        await asyncio.wait_for(client.reader.readuntil(b"NOW"), 0.55)


async def test_http_1_0_client_reads_until_the_end(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(STREAM, chunk(b"x END"), LAST)) as provider:
        proxy.leg.port = provider.port
        client = await proxy.client()
        client.send(version="1.0")
        answer = await client.answer()
        assert answer.body == b"X END<end>"
        assert b"chunked" not in answer.head


async def test_stream_that_fails_before_its_first_event_is_an_http_error(tmp_path: Path) -> None:
    async with (
        rig(tmp_path) as proxy,
        Provider(replies(STREAM, chunk(b"."), chunk(b"!") + chunk(b"more") + LAST, pause=0.03)) as provider,
    ):
        client, answer = await ask(proxy, provider)
        assert (answer.status, answer.body) == (503, b'{"failed": "overloaded"}')
        assert proxy.leg.hooks == ["request", "responseheaders", "attempt_failed", "response"]
        assert (await client.ask()).status == 503


async def test_stream_that_fails_before_its_first_event_can_be_tried_again(tmp_path: Path) -> None:
    bad = replies(STREAM + chunk(b"!") + chunk(b"stale END") + LAST)
    async with rig(tmp_path) as proxy, Provider(bad, replies(STREAM, chunk(b"fresh END"), LAST)) as provider:
        proxy.leg.on_failed = again
        _, answer = await ask(proxy, provider)
        assert answer.body == b"FRESH END<end>"


async def test_what_follows_an_error_in_the_same_read_is_forgotten(tmp_path: Path) -> None:
    at_once = replies(STREAM + chunk(b"!") + chunk(b"stale END") + LAST)
    later = replies(STREAM, chunk(b"some"), chunk(b"!") + chunk(b"stale END") + LAST, pause=0.03)
    async with rig(tmp_path) as proxy, Provider(at_once, later, replies(whole(b"next"))) as provider:
        client, answer = await ask(proxy, provider)
        assert answer.status == 503
        assert (await client.ask()).body == b"SOME[overloaded]"
        assert (await client.ask()).body == b"next"


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (cut(STREAM, chunk(b"some")), b"broken_stream"),
        (cut(STREAM, chunk(b"some"), b"5\r\nmo"), b"broken_stream"),
        (replies(STREAM, chunk(b"some"), b"no chunk\r\n", pause=0.03), b"broken_stream"),
        (replies(STREAM, chunk(b"some"), LAST, pause=0.03), b"broken_stream"),
        (replies(STREAM, chunk(b"some"), chunk(b"!"), pause=0.03), b"overloaded"),
    ],
    ids=["cut", "cut in a chunk", "garbage", "ends too early", "provider's error event"],
)
async def test_stream_that_breaks_ends_with_an_error_event_in_a_whole_body(
    tmp_path: Path, script: Script, kind: bytes
) -> None:
    async with rig(tmp_path) as proxy, Provider(script, replies(whole(b"next"))) as provider:
        client, answer = await ask(proxy, provider)
        assert answer.status == 200
        assert answer.body.replace(b"MO", b"") == b"SOME[" + kind + b"]"
        assert proxy.leg.hooks == ONCE
        assert (await client.ask()).body == b"next"


@pytest.mark.parametrize("chunks", [[b"some#"], [b"some", b"more#", b"stale"]], ids=["first read", "later read"])
async def test_a_pipe_that_has_ended_the_answer_ends_it_for_both_sides(tmp_path: Path, chunks: list[bytes]) -> None:
    async def endless(asked: Asked) -> None:
        await asked.send(STREAM, *map(chunk, chunks), pause=0.03)
        await asked.until_closed()

    async with rig(tmp_path) as proxy, Provider(endless, replies(whole(b"next"))) as provider:
        client, answer = await ask(proxy, provider)
        assert (answer.status, answer.body.replace(b"STALE", b"")) == (
            200,
            b"SOME#" if len(chunks) == 1 else b"SOMEMORE#",
        )
        assert proxy.leg.hooks == ONCE
        await asyncio.wait_for(provider.closed.wait(), 1)
        assert (await client.ask()).body == b"next"


async def test_stream_reset_by_the_provider_ends_with_an_error_event(tmp_path: Path) -> None:
    async def torn(asked: Asked) -> None:
        await asked.send(STREAM, chunk(b"some"), pause=0.03)
        asked.reset()

    async with rig(tmp_path) as proxy, Provider(torn) as provider:
        _, answer = await ask(proxy, provider)
        assert answer.body == b"SOME[broken_stream]"


@pytest.mark.parametrize(("body", "seen"), [(b"x END", b"X END<end>"), (b"x", b"X[broken_stream]")])
async def test_end_of_connection_is_the_end_of_a_stream_only_if_the_reader_says_so(
    tmp_path: Path, body: bytes, seen: bytes
) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
    async with rig(tmp_path) as proxy, Provider(cut(head, body)) as provider:
        client, answer = await ask(proxy, provider)
        assert answer.body == seen
        assert b"connection: close" not in answer.head
        assert (await client.ask()).body == seen


async def test_silent_stream_is_ended(tmp_path: Path) -> None:
    async def stalls(asked: Asked) -> None:
        await asked.send(STREAM, chunk(b"some"))
        await asked.until_closed()

    async with rig(tmp_path) as proxy, Provider(stalls) as provider:
        proxy.leg.call.idle_seconds = 0.2
        _, answer = await ask(proxy, provider)
        assert answer.body == b"SOME[timeout]"
        await asyncio.wait_for(provider.closed.wait(), 1)
        assert proxy.leg.hooks == ONCE


async def test_silence_before_the_first_event_is_a_504(tmp_path: Path) -> None:
    async def stalls(asked: Asked) -> None:
        await asked.send(STREAM)
        await asked.until_closed()

    async with rig(tmp_path) as proxy, Provider(stalls) as provider:
        proxy.leg.call.idle_seconds = 0.2
        _, answer = await ask(proxy, provider)
        assert answer.status == 504


async def test_heartbeats_bridge_silence_and_release_the_head(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(STREAM, chunk(b"x END"), LAST, pause=0.35)) as provider:
        proxy.leg.call.heartbeat_seconds = 0.2
        _, answer = await ask(proxy, provider)
        assert answer.body == b"[beat]X END[beat]<end>"


async def test_heartbeats_wait_for_the_providers_head(tmp_path: Path) -> None:
    async def slow(asked: Asked) -> None:
        await asyncio.sleep(0.4)
        await asked.send(whole(b"nothing before"))

    async with rig(tmp_path) as proxy, Provider(slow) as provider:
        proxy.leg.call.heartbeat_seconds = 0.1
        _, answer = await ask(proxy, provider)
        assert answer.body == b"nothing before"


async def test_streamed_body_is_stored_if_mitmproxy_was_told_to(tmp_path: Path) -> None:
    options = {"store_streamed_bodies": True}
    async with rig(tmp_path, options=options) as proxy, Provider(replies(STREAM, chunk(b"x END"), LAST)) as provider:
        await ask(proxy, provider)
        response = proxy.leg.flows[0].response
        assert response is not None
        assert response.raw_content == b"X END<end>"
