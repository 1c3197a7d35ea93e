"""What a client's connection leaves open when it ends.

mitmproxy ends its tasks for the connections to providers then, and each closes its own. One that is ended between the opening of a
connection and its first use (it waits there for another event of the same client) closes nothing: the connection would stay open
until the provider, or Python's garbage collector, comes.
"""

from contextlib import suppress
from functools import wraps

from mitmproxy.proxy.server import ConnectionHandler


def close_what_is_left() -> None:
    """From now on, for every client. Once is enough."""
    handle = ConnectionHandler.handle_client
    if hasattr(handle, "__wrapped__"):
        return

    @wraps(handle)
    async def handle_client(self: ConnectionHandler) -> None:
        try:
            await handle(self)
        finally:
            for left in list(self.transports.values()):
                if left.writer is not None and not left.writer.is_closing():
                    with suppress(OSError):
                        left.writer.close()

    ConnectionHandler.handle_client = handle_client  # type: ignore[method-assign]
