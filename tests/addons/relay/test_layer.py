"""Connections to providers are forgotten, reused and given up as they should be; one timer serves a client connection."""

import asyncio
import socket
from pathlib import Path

from mitmproxy.connection import ConnectionState, Server
from mitmproxy.options import Options
from mitmproxy.proxy.context import Context
from mitmproxy.proxy.layers.http import GetHttpConnection, HTTPMode
from mitmproxy.test.tflow import tclient_conn

from addons.relay import FailedAttempt, Relay
from addons.relay.connections import RelayServer
from addons.relay.layer import RelayLayer
from converters.errors import Kind
from tests.addons.relay.rig import (
    Provider,
    again,
    ask,
    cut,
    free_port,
    render_error,
    replies,
    reset,
    rig,
    whole,
)


async def test_again_after_a_refusal_really_connects_again_to_the_same_address(tmp_path: Path) -> None:
    provider = Provider(replies(whole(b"up now")))
    port = free_port()

    async def start_it(failed: FailedAttempt) -> None:
        await provider.start(port)
        failed.again = True

    async with rig(tmp_path) as proxy:
        proxy.leg.port, proxy.leg.on_failed = port, start_it
        client = await proxy.client()
        assert (await client.ask()).body == b"up now"
        assert proxy.leg.hooks == ["request", "attempt_failed", "responseheaders", "response"]
        await provider.__aexit__()


async def test_reused_connection_that_turns_out_closed_is_told_apart(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"one")), reset, replies(whole(b"two"))) as provider:
        client, _ = await ask(proxy, provider)
        proxy.leg.on_failed = again
        assert (await client.ask()).body == b"two"
        assert [(failed.error.kind, failed.reused) for failed in proxy.leg.failed] == [(Kind.UNREACHABLE, True)]
        assert [asked.connection for asked in provider.asked] == [1, 1, 2]


async def test_connection_that_ended_while_idle_is_not_used(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(cut(whole(b"one"), pause=0), replies(whole(b"two"))) as provider:
        client, _ = await ask(proxy, provider)
        await asyncio.sleep(0.05)
        assert (await client.ask()).body == b"two"
        assert proxy.leg.failed == []


async def test_connecting_counts_against_the_first_byte_deadline(tmp_path: Path) -> None:
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    port = full.getsockname()[1]
    filling = [socket.socket() for _ in range(3)]
    for held in filling:
        held.setblocking(False)
        held.connect_ex(("127.0.0.1", port))
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"open"))) as provider:

        async def elsewhere(failed: FailedAttempt) -> None:
            failed.flow.request.port = provider.port
            failed.again = True

        proxy.leg.call.first_byte_seconds = 0.2
        proxy.leg.port = port
        client = await proxy.client()
        answer = await client.ask()
        assert (answer.status, proxy.leg.failed[0].error.kind) == (504, Kind.TIMEOUT)
        proxy.leg.on_failed = elsewhere
        assert (await client.ask()).body == b"open"
    for held in (full, *filling):
        held.close()


async def test_one_timer_per_connection_however_many_requests(tmp_path: Path) -> None:
    async with rig(tmp_path) as proxy, Provider(replies(whole(b"ok"))) as provider:
        client, _ = await ask(proxy, provider)
        for _ in range(50):
            await client.ask()
        assert proxy.timers() == 1


def test_a_client_that_has_left_is_not_forgotten_with_the_dead_connections_to_providers() -> None:
    """Another stream of it may have an answer yet, which has to go nowhere in good order."""
    context = Context(tclient_conn(), Options())
    relay = Relay(lambda _: None, render_error)
    ours = RelayLayer(context, HTTPMode.regular, relay.settings)
    provider = Server(address=("127.0.0.1", 9), state=ConnectionState.CLOSED)
    ours.connections = {context.client: RelayServer(context, ours), provider: RelayServer(context, ours)}
    context.client.state = ConnectionState.CLOSED
    next(ours.get_connection(GetHttpConnection(("127.0.0.1", 10), False, None, "tcp")))
    assert context.client in ours.connections
    assert provider not in ours.connections
