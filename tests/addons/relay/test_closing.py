"""A client that leaves at the wrong moment leaves no connection behind."""

import asyncio
import inspect
from collections.abc import Iterator
from typing import Any, override

import pytest
from mitmproxy import options
from mitmproxy.connection import Client, Server
from mitmproxy.proxy import commands, context
from mitmproxy.proxy.server import ConnectionHandler, ConnectionIO
from mitmproxy.proxy.server_hooks import ClientConnectedHook, ServerConnectedHook, ServerConnectionHookData

from addons.relay import Relay
from addons.relay.closing import close_what_is_left


class Handler(ConnectionHandler):
    """With nothing behind it, for a client that leaves at once; `provider` is being opened meanwhile. That goes slowly: another
    event of the same client is under way whenever something was opened."""

    provider: Server
    opened: asyncio.Event

    @override
    async def handle_hook(self, hook: Any) -> None:
        match hook:
            case ClientConnectedHook():
                opening = asyncio.create_task(self.open_connection(commands.OpenConnection(self.provider)))
                self.transports[self.provider] = ConnectionIO(handler=opening)
                await self.opened.wait()
            case ServerConnectedHook():
                await self._server_event_lock.acquire()
                self.opened.set()
                asyncio.get_running_loop().call_later(0.05, self._server_event_lock.release)

    @override
    async def server_event(self, event: Any) -> None:
        async with self._server_event_lock:
            pass

    @override
    async def handle_connection(self, connection: Any) -> None:
        pass


@pytest.fixture
def own_handler() -> Iterator[None]:
    """mitmproxy's own, until the end of a test."""
    before = ConnectionHandler.handle_client
    ConnectionHandler.handle_client = inspect.unwrap(before)  # type: ignore[method-assign]
    yield
    ConnectionHandler.handle_client = before  # type: ignore[method-assign]


async def left_open(seconds: float = 0.3) -> bool:
    """Whether the provider still has the connection when its client is long gone."""
    ended = asyncio.Event()

    async def provide(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        ended.set()
        writer.close()

    provider = await asyncio.start_server(provide, "127.0.0.1", 0)
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0.0)
    handler = Handler(context.Context(client, options.Options()))
    handler.opened = asyncio.Event()
    handler.provider = Server(address=provider.sockets[0].getsockname())
    handler.transports[client] = ConnectionIO()
    await handler.handle_client()
    try:
        await asyncio.wait_for(ended.wait(), seconds)
    except TimeoutError:
        return True
    finally:
        for io in handler.transports.values():
            if io.writer is not None:
                io.writer.close()
        provider.close()
    return False


async def test_mitmproxy_itself_leaves_it_open(own_handler: None) -> None:
    """When this fails, `closing` is needed no more."""
    assert await left_open()


async def test_it_is_closed(own_handler: None) -> None:
    close_what_is_left()
    close_what_is_left()
    assert not await left_open()


def test_none_is_opened_for_a_client_whose_connections_were_closed() -> None:
    """A hook that took its time may go on when the client is long gone."""
    relay = Relay(lambda flow: None, lambda path, status, message: b"")
    client = Client(peername=("127.0.0.1", 1), sockname=("127.0.0.1", 2), timestamp_start=0.0)
    data = ServerConnectionHookData(Server(address=("127.0.0.1", 3)), client)
    relay.server_connect(data)
    assert data.server.error is None
    client.timestamp_end = 1.0
    relay.server_connect(data)
    assert data.server.error == "the client has left"
