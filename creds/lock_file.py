"""A lock among programs that know nothing of each other but a file's name. The protocol is Qwen Code's own.

The file is made with O_EXCL and holds a UUID; one that is 10 s old is a dead program's and is taken over; who does not get it
tries again, 20 times, in steps that grow from 0.1 s to 2 s. Source: QwenLM/qwen-code, packages/core/src/qwen/sharedTokenManager.ts.
We add: the date of a lock that is held is kept fresh (a slow token server must not cost us the lock), a takeover looks at
what it has moved away, and only our own lock is removed.
"""

import asyncio
import os
import random
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from creds.token import Unavailable


@dataclass(frozen=True, slots=True)
class LockFile:
    """The lock at `path`. stale, first_wait, longest_wait and beat are seconds; now: unix seconds, as file dates are.
    chance: 0 to 1."""

    path: Path
    stale: float = 10.0
    attempts: int = 20
    first_wait: float = 0.1
    longest_wait: float = 2.0
    beat: float = 3.0
    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random

    @asynccontextmanager
    async def held(self) -> AsyncIterator[None]:
        """Raises Unavailable if others hold it all the time, OSError if no file can be made there. Waits, never blocks."""
        mark = str(uuid.uuid4())
        await self._get(mark)
        beating = asyncio.create_task(self._keep_fresh(mark))
        try:
            yield
        finally:
            beating.cancel()
            if self._is_ours(mark):
                self.path.unlink(missing_ok=True)

    async def _get(self, mark: str) -> None:
        wait = self.first_wait
        for attempt in range(self.attempts):
            if attempt:
                await self.sleep(wait * (0.5 + self.chance()))  # programs that wait in step would meet again each time
                wait = min(wait * 1.5, self.longest_wait)
            if self._make(mark):
                return
            if self._take_away_stale(mark) and self._make(mark):
                return
        raise Unavailable(
            f"{self.path} is held by another program that refreshes this login; if none runs, remove that file"
        )

    def _make(self, mark: str) -> bool:
        try:
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return False
        try:
            with open(fd, "w") as file:
                file.write(mark)
        except OSError:  # disk full: a lock without its owner's mark would stay until it is stale
            self.path.unlink(missing_ok=True)
            raise
        return True

    def _take_away_stale(self, mark: str) -> bool:
        """Whether a dead program's lock was there and is gone. A rename, since two who unlink would free a third one's lock."""
        try:
            seen = self.path.stat()
            if self.now() - seen.st_mtime <= self.stale:
                return False
            aside = self.path.with_name(f"{self.path.name}.{mark}")
            self.path.rename(aside)
        except FileNotFoundError:  # its owner, or another who takes over, was faster
            return False
        moved = aside.stat()
        stale = (moved.st_ino, moved.st_mtime_ns) == (seen.st_ino, seen.st_mtime_ns)
        if not stale:
            with suppress(OSError):
                os.link(aside, self.path)  # a living one came between: it goes back
        aside.unlink()
        return stale

    def _is_ours(self, mark: str) -> bool:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace") == mark
        except OSError:
            return False

    async def _keep_fresh(self, mark: str) -> None:
        while True:
            await asyncio.sleep(self.beat)
            if self._is_ours(mark):
                with suppress(OSError):
                    os.utime(self.path)
