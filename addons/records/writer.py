"""The writer: a thread that makes records of facts and appends them. The event loop only puts facts into its queue."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from addons.records.facts import Facts
from addons.records.record import RecordMaker

QUEUE_BYTES = 64 * 1024 * 1024
_TIDY_SECONDS = 60.0

type Say = Callable[[str], None]


class Sink(Protocol):
    """Where lines go. Every method may raise OSError."""

    def append(self, line: bytes, today: date) -> None: ...

    def tidy(self, today: date) -> None:
        """Nothing waits: time for what is slow."""
        ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Counts:
    """dropped: records that were lost because the queue was full or the disk took none. failed: facts that no record could be
    made of (a fault of ours)."""

    written: int = 0
    dropped: int = 0
    failed: int = 0
    cpu: float = 0.0  # seconds of this thread


class Writer:
    """maker: called once, on the writer's thread. sinks: each gets every line, on that thread too. warn, tell: lines for the log.

    `put` never blocks and never raises. A full queue or an unwritable disk costs records, not requests: one warning when it
    begins, one when it is over, with how many were lost.
    """

    def __init__(
        self,
        maker: Callable[[], RecordMaker],
        sinks: Sequence[Sink],
        warn: Say,
        tell: Say,
        *,
        queue_bytes: int = QUEUE_BYTES,
        today: Callable[[], date] = date.today,
    ) -> None:
        self.counts = Counts()
        self._make, self._sinks, self._warn, self._tell = maker, sinks, warn, tell
        self._maker: RecordMaker | None = None
        self._limit, self._today = queue_bytes, today
        self._queue: deque[tuple[int, Facts]] = deque()
        self._bytes = 0
        self._over = False
        self._changed = threading.Condition()
        self._full = False
        self._ill = ""  # what the disk said last
        self._lost = 0  # since then
        self._tidy_at = 0.0
        self._thread = threading.Thread(target=self._run, name="aiclient-records", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, facts: Facts) -> bool:
        """Whether it was taken."""
        size = facts.size
        with self._changed:
            if self._over or (self._bytes and self._bytes + size > self._limit):
                self.counts.dropped += 1
                full, self._full = self._full, True
                if full or self._over:
                    return False
            else:
                self._queue.append((size, facts))
                self._bytes += size
                self._changed.notify()
                return True
        self._warn("records: the disk does not keep up; records are left out until it does")
        return False

    def end(self) -> None:
        """Takes nothing more, and ends when all that waits is written."""
        with self._changed:
            self._over = True
            self._changed.notify()

    def close(self, seconds: float) -> None:
        """Writes what waits, for so long at most."""
        self.end()
        self._thread.join(seconds)
        if self._thread.is_alive():
            self._warn(f"records: {len(self._queue)} could not be written within {seconds:g} s")

    def wait(self, seconds: float) -> bool:
        """Whether all that was put is written by then."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._bytes, seconds)

    # --- the thread ---

    def _run(self) -> None:
        began = time.thread_time()
        while True:
            with self._changed:
                if not self._queue and not self._over:
                    self._changed.wait(_TIDY_SECONDS)
                waiting = self._queue.popleft() if self._queue else None
                over = self._over
            if waiting is None:
                if over:
                    break
                self._tidy()
                continue
            size, facts = waiting
            self._write(facts)
            del facts, waiting
            self.counts.cpu = time.thread_time() - began
            with self._changed:
                self._bytes -= size
                recovered, self._full = self._full and not self._bytes, self._full and bool(self._bytes)
                self._changed.notify_all()
            if recovered:
                self._tell(f"records: all is written again; {self.counts.dropped} were left out so far")
        for sink in self._sinks:
            sink.close()

    def _write(self, facts: Facts) -> None:
        try:
            if self._maker is None:
                self._maker = self._make()
            line, today = self._maker.line(facts), self._today()
            for sink in self._sinks:
                sink.append(line, today)
        except OSError as error:
            self._lose(error)
        except Exception as error:
            self.counts.failed += 1
            self._warn(f"records: {facts.id} cannot be recorded ({type(error).__name__})")
        else:
            self.counts.written += 1
            if self._ill:
                lost, self._ill, self._lost = self._lost, "", 0
                self._tell(f"records: they can be written again; {lost} were lost")

    def _lose(self, error: OSError) -> None:
        self.counts.dropped += 1
        self._lost += 1
        if not self._ill:
            self._ill = error.strerror or str(error)
            self._warn(f"records cannot be written ({self._ill}); requests go on without")

    def _tidy(self) -> None:
        now = time.monotonic()
        if now < self._tidy_at:
            return
        self._tidy_at = now + _TIDY_SECONDS
        for sink in self._sinks:
            try:
                sink.tidy(self._today())
            except OSError as error:
                self._warn(f"records: old files cannot be tidied up ({error.strerror})")
