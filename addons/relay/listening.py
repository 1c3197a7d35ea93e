"""How mitmproxy listens, where several processes share a port."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from mitmproxy.proxy.mode_servers import AsyncioServerInstance


def share_port(ready: Callable[[], Awaitable[None]]) -> None:
    """Every mode over TCP listens with SO_REUSEPORT from now on, once `ready` has returned.

    Over TCP alone: mitmproxy's QUIC listener, which a reverse mode for https has too, cannot share its port.
    """

    async def listen(self: AsyncioServerInstance[Any], host: str, port: int) -> list[asyncio.Server]:
        await ready()
        return [await asyncio.start_server(self.handle_stream, host, port, reuse_port=True)]

    AsyncioServerInstance.listen = listen  # type: ignore[method-assign, assignment]
