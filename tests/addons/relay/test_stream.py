"""Answers and attempts: what the client gets, what the provider gets, which hooks fire."""

import asyncio
from pathlib import Path
from time import monotonic

import pytest

from addons.relay import FailedAttempt
from converters.errors import Kind
from tests.addons.relay.rig import (
    ONCE,
    STREAM,
    Asked,
    Provider,
    Script,
    again,
    ask,
    chunk,
    cut,
    free_port,
    replies,
    reset,
    rig,
    silent,
    whole,
)


async def test_whole_answer_and_a_second_one_over_the_same_two_connections(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"one")), replies(whole(b"two"))) as provider:
        proxy.leg.port = provider.port
        client = await proxy.client()
        assert (await client.ask()).body == b"one"
        assert (await client.ask()).body == b"two"
        assert provider.connections == 1
        assert proxy.leg.hooks == ONCE * 2


async def test_secret_is_sent_but_no_flow_ever_holds_it(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"ok"))) as provider:
        proxy.leg.port = provider.port
        proxy.leg.call.secret_headers = [(b"Authorization", b"Bearer sk-secret")]
        client = await proxy.client()
        await client.ask(b"body", extra="authorization: the client's own\r\nx-kept: yes\r\n")
        assert provider.asked[0].head.endswith(
            b"x-kept: yes\r\ncontent-length: 4\r\nAuthorization: Bearer sk-secret\r\n\r\n"
        )
        assert b"the client's own" not in provider.asked[0].head
        assert provider.asked[0].body == b"body"
        assert "sk-secret" not in repr(proxy.leg.flows[0].get_state())


async def test_provider_that_closes_to_end_its_body_leaves_the_client_connection_open(tmp_path: Path) -> None:
    closing = cut(b"HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nolder", pause=0)
    async with rig(tmp_path) as proxy, Provider(closing, replies(whole(b"newer"))) as provider:
        proxy.leg.port = provider.port
        client = await proxy.client()
        answer = await client.ask()
        assert (answer.status, answer.body) == (200, b"older")
        assert b"content-length: 5" in answer.head
        assert b"connection" not in answer.head.lower()
        assert (await client.ask()).body == b"newer"
        assert provider.connections == 2


async def test_switching_protocols_is_refused(tmp_path: Path) -> None:
    upgrade = replies(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\nraw")
    async with rig(tmp_path) as proxy, Provider(upgrade) as provider:
        client, answer = await ask(proxy, provider)
        assert (answer.status, answer.body) == (502, b'{"failed": "broken_stream"}')
        await asyncio.wait_for(provider.closed.wait(), 1)
        assert (await client.ask()).status == 502


async def test_redirect_is_not_followed(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"", "302 Found", "location: /trap\r\n"))) as provider:
        _, answer = await ask(proxy, provider)
        assert answer.status == 302
        assert len(provider.asked) == 1


async def test_flow_that_is_not_ours_is_mitmproxys(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"plain"))) as provider:
        proxy.leg.port, proxy.leg.local = provider.port, "/other"
        proxy.leg.call.secret_headers = [(b"x-secret", b"1")]
        client = await proxy.client()
        assert (await client.ask(path="/other")).body == b"plain"
        assert b"x-secret" not in provider.asked[0].head
        proxy.leg.port = free_port()
        refused = await client.ask(path="/other")
        assert (refused.status, refused.body) == (502, b'{"path": "/other", "status": 502}')
        assert proxy.leg.hooks == [*ONCE, "request", "error"]


async def test_refused_connection_is_an_error_answer(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy:
        proxy.leg.port = free_port()
        client = await proxy.client()
        answer = await client.ask()
        assert (answer.status, answer.body) == (502, b'{"failed": "unreachable"}')
        assert proxy.leg.hooks == ["request", "attempt_failed", "response"]
        assert proxy.leg.flows[0].response is not None
        assert (await client.ask()).status == 502, "the client's connection can be used again"


async def test_an_answer_that_is_none_fails_the_attempt_and_keeps_the_connection(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"gibberish")), replies(whole(b"good"))) as provider:
        client, answer = await ask(proxy, provider)
        assert (answer.status, answer.body) == (502, b'{"failed": "broken_stream"}')
        assert proxy.leg.hooks == ["request", "responseheaders", "attempt_failed", "response"]
        assert proxy.leg.failed[0].answer is None
        assert (await client.ask()).body == b"good"
        assert provider.connections == 1


async def test_again_after_an_answer_that_is_none(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"gibberish")), replies(whole(b"good"))) as provider:
        proxy.leg.on_failed = again
        _, answer = await ask(proxy, provider)
        assert (answer.status, answer.body) == (200, b"good")


async def test_again_may_go_elsewhere_with_another_secret_and_body(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(reset) as bad, Provider(replies(whole(b"good"))) as good:

        async def elsewhere(failed: FailedAttempt) -> None:
            failed.flow.request.port = good.port
            failed.flow.request.content = b"rewritten"
            proxy.leg.call.secret_headers = [(b"x-api-key", b"second")]
            failed.again = True

        proxy.leg.call.secret_headers = [(b"x-api-key", b"first")]
        proxy.leg.on_failed = elsewhere
        _, answer = await ask(proxy, bad)
        assert answer.body == b"good"
        assert (b"x-api-key: first" in bad.asked[0].head, b"x-api-key: second" in good.asked[0].head) == (True, True)
        assert good.asked[0].body == b"rewritten"


@pytest.mark.parametrize("bad", [reset, cut(pause=0)], ids=["reset", "closed"])
async def test_connection_lost_before_an_answer_is_unreachable(tmp_path: Path, bad: Script) -> None:
    async with rig(tmp_path) as proxy, Provider(bad, bad, replies(whole(b"third time"))) as provider:
        proxy.leg.on_failed = again
        _, answer = await ask(proxy, provider)
        assert answer.body == b"third time"
        assert [(failed.error.kind, failed.reused) for failed in proxy.leg.failed] == [(Kind.UNREACHABLE, False)] * 2
        assert provider.connections == 3


async def test_no_head_in_time_is_a_504_and_the_provider_is_hung_up_on(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(silent) as provider:
        proxy.leg.call.first_byte_seconds = 0.2
        began = monotonic()
        _, answer = await ask(proxy, provider)
        assert (answer.status, answer.body) == (504, b'{"failed": "timeout"}')
        assert 0.2 <= monotonic() - began < 0.6
        await asyncio.wait_for(provider.closed.wait(), 1)


async def test_answer_that_comes_after_the_deadline_is_not_taken_for_the_next_attempts(tmp_path: Path) -> None:
    async def late(asked: Asked) -> None:
        await asyncio.sleep(0.3)
        await asked.send(whole(b"late"))

    async with rig(tmp_path) as proxy, Provider(late, replies(whole(b"second"))) as provider:
        proxy.leg.call.first_byte_seconds, proxy.leg.on_failed = 0.2, again
        _, answer = await ask(proxy, provider)
        assert answer.body == b"second"
        assert proxy.leg.hooks == ["request", "attempt_failed", "responseheaders", "response"]


async def test_whole_body_that_breaks_off_is_a_failed_attempt(tmp_path: Path) -> None:
    short = cut(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf", pause=0)
    async with rig(tmp_path) as proxy, Provider(short, replies(whole(b"all of it"))) as provider:
        proxy.leg.on_failed = again
        _, answer = await ask(proxy, provider)
        assert answer.body == b"all of it"
        assert [failed.error.kind for failed in proxy.leg.failed] == [Kind.BROKEN_STREAM]


async def test_bad_answer_goes_to_the_client_as_it_is(tmp_path: Path) -> None:
    async with (
        rig(tmp_path) as proxy,
        Provider(replies(whole(b"slow down", "429 Too Many", "retry-after: 7\r\n"))) as provider,
    ):
        _, answer = await ask(proxy, provider)
        assert (answer.status, answer.body) == (429, b"slow down")
        assert b"retry-after: 7" in answer.head
        assert proxy.leg.hooks == ["request", "responseheaders", "attempt_failed", "response"]
        assert proxy.leg.failed[0].error.kind is Kind.RATE_LIMIT


async def test_again_after_a_bad_answer_hides_it_and_keeps_the_connection(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"x", "503 No")), replies(whole(b"fine"))) as provider:
        bodies = []

        async def read_it(failed: FailedAttempt) -> None:
            assert failed.answer is not None
            bodies.append(failed.answer.content)
            failed.again = True

        proxy.leg.on_failed = read_it
        _, answer = await ask(proxy, provider)
        assert (bodies, answer.body) == ([b"x"], b"fine")
        assert provider.connections == 1
        assert proxy.leg.hooks.count("response") == 1


async def test_total_deadline_ends_even_what_would_be_tried_again(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(silent) as provider:
        proxy.leg.call.total_seconds, proxy.leg.on_failed = 0.3, again
        _, answer = await ask(proxy, provider)
        assert answer.status == 504
        assert len(proxy.leg.failed) == 1


@pytest.mark.parametrize(
    "begun",
    [[], [STREAM, chunk(b"some")], [STREAM], [b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf"]],
    ids=["before the head", "mid-stream", "while the head is held", "in a whole body"],
)
async def test_client_that_leaves_hangs_up_on_the_provider(tmp_path: Path, begun: list[bytes]) -> None:
    async def goes_on(asked: Asked) -> None:
        await asked.send(*begun)
        await asked.until_closed()

    async with rig(tmp_path) as proxy, Provider(goes_on) as provider:
        proxy.leg.port, proxy.leg.on_failed = provider.port, again
        client = await proxy.client()
        client.send()
        await asyncio.sleep(0.1)
        client.close()
        left = monotonic()
        await asyncio.wait_for(provider.closed.wait(), 1)
        assert monotonic() - left < 0.2
        await asyncio.sleep(0.05)
        assert proxy.leg.hooks == ["request", *(["responseheaders"] if begun else []), "error"]
        assert proxy.leg.call.client_left
        assert provider.connections == 1


async def test_client_that_leaves_while_an_addon_thinks_gets_no_further_attempt(tmp_path: Path) -> None:
    async def thinks(failed: FailedAttempt) -> None:
        await asyncio.sleep(0.2)
        failed.again = True

    async with rig(tmp_path) as proxy, Provider(reset) as provider:
        proxy.leg.port, proxy.leg.on_failed = provider.port, thinks
        client = await proxy.client()
        client.send()
        await asyncio.sleep(0.1)
        client.close()
        await asyncio.sleep(0.3)
        assert provider.connections == 1
        assert proxy.leg.hooks == ["request", "attempt_failed", "error"]
        assert proxy.leg.call.client_left


@pytest.mark.parametrize(
    ("sent", "left"),
    [
        (b"POST /v1 HTTP/1.1\r\nhost: us\r\ncontent-length: 9\r\n\r\nhalf", True),
        (b"POST /v1 HTTP/1.1\r\nhost: us\r\ntransfer-encoding: chunked\r\n\r\nno length\r\n", False),
    ],
    ids=["left in its request", "a malformed request"],
)
async def test_a_client_that_leaves_is_told_from_one_that_is_refused(tmp_path: Path, sent: bytes, left: bool) -> None:
    async with rig(tmp_path) as proxy:
        client = await proxy.client()
        client.writer.write(sent)
        await asyncio.sleep(0.1)
        client.close()
        await asyncio.sleep(0.1)
        assert proxy.leg.hooks == ["error"]
        assert proxy.leg.call.client_left == left


async def test_a_client_that_has_its_answer_may_leave(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"good"))) as provider:
        proxy.leg.port = provider.port
        client = await proxy.client()
        await client.ask()
        client.close()
        await asyncio.sleep(0.05)
        assert not proxy.leg.call.client_left
