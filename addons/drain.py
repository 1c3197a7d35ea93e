"""SIGTERM: no new clients; answers under way come to their end, or to an error event, within `grace_seconds`."""

import asyncio
import signal
import time
from collections.abc import Callable
from contextlib import suppress

from mitmproxy import ctx

from addons.exchange import Exchange
from addons.settings import Settings

_LAST_SECONDS = 2.0  # of the grace time: to end what is still under way; deadlines are looked at once a second
_POLL_SECONDS = 0.05
TOLD_TWICE = 1.0  # seconds


class Drain:
    """Addon. Ctrl-C, and a second SIGTERM, do not wait.

    told_twice: a second one within so many seconds is the first again, which one of several processes may be told by its parent and
    by whoever ends all processes of a service.
    """

    def __init__(self, settings: Callable[[], Settings], told_twice: float = 0.0) -> None:
        self._settings, self._told_twice = settings, told_twice
        self._began = 0.0
        self._draining: asyncio.Task[None] | None = None

    def running(self) -> None:
        """In place of mitmproxy's own answer to the signal, which cuts every connection."""
        with suppress(NotImplementedError, RuntimeError, ValueError):  # on Windows, or beside the main thread
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self.begin)

    def begin(self) -> None:
        now = time.monotonic()
        if self._draining is not None:
            if now - self._began >= self._told_twice:
                ctx.master.shutdown()
            return
        self._began = now
        ctx.options.update(server=False)  # nobody is taken any more; who is connected stays so
        self._draining = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        grace = self._settings().grace_seconds
        last = min(_LAST_SECONDS, grace / 2)
        try:
            if not await _all_answered(grace - last):
                now = time.monotonic()
                for exchange in Exchange.under_way():
                    exchange.total_seconds = max(now - exchange.began, 0.001)  # it is over: the relay ends it
                await _all_answered(last)
        finally:
            ctx.master.shutdown()


async def _all_answered(seconds: float) -> bool:
    """Waits that long at most, and once more for the last bytes to leave."""
    until = time.monotonic() + seconds
    while waiting := bool(Exchange.under_way()):
        if time.monotonic() >= until:
            break
        await asyncio.sleep(_POLL_SECONDS)
    await asyncio.sleep(_POLL_SECONDS)
    return not waiting
