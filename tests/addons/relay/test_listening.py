"""Several servers on one port."""

import asyncio
import socket
from typing import Any

import pytest
from mitmproxy.proxy.mode_servers import AsyncioServerInstance

from addons.relay import share_port

pytestmark = pytest.mark.skipif(not hasattr(socket, "SO_REUSEPORT"), reason="ports cannot be shared here")


class Instance:
    """As much of a mode's server as `listen` needs."""

    async def handle_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()


@pytest.fixture
def own_listen(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is replaced comes back."""
    monkeypatch.setattr(AsyncioServerInstance, "listen", AsyncioServerInstance.listen)


@pytest.mark.usefixtures("own_listen")
async def test_two_can_listen_on_one_port_once_all_are_ready() -> None:
    may_listen = asyncio.Event()

    async def ready() -> None:
        await may_listen.wait()

    share_port(ready)
    listen: Any = AsyncioServerInstance.listen
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        held.bind(("127.0.0.1", 0))
        address = held.getsockname()
        waiting = [asyncio.create_task(listen(Instance(), *address)) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*address)
        may_listen.set()
        servers = [server for found in await asyncio.gather(*waiting) for server in found]
        _, writer = await asyncio.open_connection(*address)
    writer.close()
    for server in servers:
        server.close()
