"""Files that settings and accounts come from, looked at while the proxy runs."""

import asyncio
import logging
from collections.abc import Callable

log = logging.getLogger("aiclient")

EVERY = 1.0  # seconds


class FileWatch:
    """Addon. stamp: another one when something has changed. again: told so, once it has been the same for two looks: an editor may
    write a file in pieces. before: what takes time then; it is called in a thread, and `again` after it."""

    def __init__(
        self, stamp: Callable[[], object], again: Callable[[], None], before: Callable[[], None] = lambda: None
    ) -> None:
        self._stamp, self._again, self._before = stamp, again, before
        self._known: object = None
        self._seen: object = None
        self._task: asyncio.Task[None] | None = None

    def running(self) -> None:
        self._known = self._seen = self._stamp()
        self._task = asyncio.create_task(self._run())

    def done(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY / 2)
            try:
                if self.has_changed():
                    await asyncio.to_thread(self._before)
                    self._again()
            except Exception:  # mitmproxy would not see it
                log.exception("cannot look at the settings' files")

    def look(self) -> None:
        """As it is done every half of `EVERY`, but for `before`."""
        if self.has_changed():
            self._again()

    def has_changed(self) -> bool:
        """Once for each change."""
        seen, self._seen = self._seen, self._stamp()
        if self._seen != seen or seen == self._known:
            return False
        self._known = seen
        return True
