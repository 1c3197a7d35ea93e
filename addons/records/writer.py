"""The writer: a thread that makes records of facts and appends them. The event loop only puts facts into its queue."""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from addons.records.facts import Facts
from addons.records.record import RecordMaker

QUEUE_BYTES = 64 * 1024 * 1024
_TIDY_SECONDS = 60.0
GATHER_SECONDS = 0.03
_TOGETHER = 1024 * 1024  # bytes of exchanges whose records are made and written together, at most

type Say = Callable[[str], None]


class Sink(Protocol):
    """Where lines go. name: what it keeps, in the plural, for the log. Every method may raise OSError."""

    name: str

    def extend(self, lines: Sequence[bytes], today: date) -> None:
        """Each with its end. One that fails may have taken some of them."""
        ...

    def tidy(self, today: date) -> None:
        """Nothing waits: time for what is slow."""
        ...

    def close(self) -> None: ...


@dataclass(slots=True)
class Counts:
    """written: lines that every sink took. dropped: those that were lost to one, because the queue was full or the disk took none.
    failed: facts that no line could be made of, or a sink choked on (faults of ours)."""

    written: int = 0
    dropped: int = 0
    failed: int = 0
    cpu: float = 0.0  # seconds of this thread


class _Outlet:
    """A sink that may be in trouble: one warning when that begins, one when it is over, with how many lines were lost."""

    def __init__(self, sink: Sink, warn: Say, tell: Say) -> None:
        self.sink, self._warn, self._tell = sink, warn, tell
        self._ill = self._untidy = ""  # what the disk said last
        self._lost = 0  # since then

    def extend(self, lines: Sequence[bytes], today: date) -> bool:
        """Whether the sink took them all."""
        try:
            self.sink.extend(lines, today)
        except OSError as error:
            self._lost += len(lines)
            if not self._ill:
                self._ill = _words(error)
                self._warn(f"{self.sink.name} cannot be written ({self._ill}); requests go on without")
            return False
        if self._ill:
            self._tell(f"{self.sink.name}: they can be written again; {self._lost} were lost")
            self._ill, self._lost = "", 0
        return True

    def tidy(self, today: date) -> None:
        try:
            self.sink.tidy(today)
        except OSError as error:
            if not self._untidy:
                self._warn(f"{self.sink.name}: old files cannot be tidied up ({_words(error)})")
            self._untidy = _words(error)
        else:
            self._untidy = ""

    def close(self) -> None:
        with suppress(OSError):
            self.sink.close()


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


class Writer:
    """maker: called once, on the writer's thread. sinks: each gets every line, on that thread too, whatever became of it elsewhere.
    warn, tell: lines for the log.

    `put` never blocks and never raises. A full queue or an unwritable disk costs records, not requests. While exchanges end one right
    after the other, those of `GATHER_SECONDS` are written together: each switch between this thread and the one that serves costs both
    what the processor has at hand for them, in all as much as the record itself.
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
        self._make, self._warn, self._tell = maker, warn, tell
        self._outlets = [_Outlet(sink, warn, tell) for sink in sinks]
        self._maker: RecordMaker | None = None
        self._limit, self._today = queue_bytes, today
        self._queue: deque[tuple[int, Facts]] = deque()
        self._bytes = 0
        self._over = False
        self._changed = threading.Condition()
        self._full = self._gathers = False
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
                if not self._gathers or self._is_enough():
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
        began, wrote = time.thread_time(), 0.0
        while True:
            with self._changed:
                if not self._queue and not self._over:
                    self._changed.wait(_TIDY_SECONDS)
                if self._queue and not self._is_enough() and time.monotonic() < wrote + GATHER_SECONDS:
                    self._gathers = True
                    self._changed.wait(GATHER_SECONDS)
                    self._gathers = False
                waiting, size = self._taken()
                over = self._over
            if waiting:
                self._write(waiting)
                waiting.clear()
                self.counts.cpu, wrote = time.thread_time() - began, time.monotonic()
                self._release(size)
            elif over:
                break
            if not self._queue and not over:
                self._tidy()
        for outlet in self._outlets:
            outlet.close()

    def _taken(self) -> tuple[list[Facts], int]:
        """What is written next, and its size."""
        taken, size = list[Facts](), 0
        while self._queue and size < _TOGETHER:
            more, facts = self._queue.popleft()
            taken.append(facts)
            size += more
        return taken, size

    def _release(self, size: int) -> None:
        with self._changed:
            self._bytes -= size
            recovered, self._full = self._full and not self._bytes, self._full and bool(self._bytes)
            self._changed.notify_all()
        if recovered:
            self._tell(f"records: all is written again; {self.counts.dropped} were left out so far")

    def _is_enough(self) -> bool:
        return self._over or self._bytes >= min(_TOGETHER, self._limit // 2)

    def _write(self, several: Sequence[Facts]) -> None:
        if self._maker is not None:
            self._maker.look()
        lines = [line for facts in several if (line := self._line(facts))]
        if not lines:
            return
        is_taken = True
        for outlet in self._outlets:
            try:
                is_taken = outlet.extend(lines, self._today()) and is_taken
            except Exception as error:  # a fault of ours in one sink costs the others nothing
                self._fail(f"{outlet.sink.name} cannot be written", error)
        if is_taken:
            self.counts.written += len(lines)
        else:
            self.counts.dropped += len(lines)

    def _line(self, facts: Facts) -> bytes:
        """b"" if it cannot be made."""
        try:
            if self._maker is None:
                self._maker = self._make()
            return self._maker.line(facts)
        except Exception as error:
            self._fail(f"records: {facts.id} cannot be recorded", error)
            return b""

    def _fail(self, what: str, error: Exception) -> None:
        self.counts.failed += 1
        self._warn(f"{what} ({type(error).__name__})")

    def _tidy(self) -> None:
        now = time.monotonic()
        if now < self._tidy_at:
            return
        self._tidy_at = now + _TIDY_SECONDS
        for outlet in self._outlets:
            outlet.tidy(self._today())
