"""No file descriptors left: one warning, where asyncio reports each connection that it cannot take, hundreds a second."""

import asyncio
import errno
import logging
import time
from collections.abc import Callable
from typing import Any

_EXHAUSTED = (errno.EMFILE, errno.ENFILE)
_SILENCE_SECONDS = 60.0
log = logging.getLogger("aiclient")

type Heard = Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object]


class Descriptors:
    """Addon: listens to what the event loop complains of. asyncio itself stops accepting for a second, and goes on."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._told: float | None = None
        self._before: Heard | None = None

    def running(self) -> None:
        loop = asyncio.get_running_loop()
        self._before = loop.get_exception_handler()
        loop.set_exception_handler(self.heard)

    def done(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._before)

    def heard(self, loop: asyncio.AbstractEventLoop, complaint: dict[str, Any]) -> None:
        error = complaint.get("exception")
        if not (isinstance(error, OSError) and error.errno in _EXHAUSTED):
            if self._before is not None:
                self._before(loop, complaint)
            else:
                loop.default_exception_handler(complaint)
        elif self._told is None or self._now() - self._told >= _SILENCE_SECONDS:
            self._told = self._now()
            log.warning("no file descriptors are left, so new clients have to wait: raise `ulimit -n`")
