"""Several processes on one port (`workers`): the parent starts them, starts one again that died, and ends them. It serves nobody.

Each worker is a whole proxy that listens with SO_REUSEPORT, so that the kernel spreads the connections and those of a dead worker go
to the others. All begin to listen when the last one is ready: nobody gets the clients that come first. The parent holds the port
without listening, so that it stays ours while a worker is started again.
"""

import multiprocessing
import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType

from addons.worker import Board, Worker, become

EARLY_SECONDS = 10.0  # who ends within that has not served
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
MOST_EARLY = 5  # in a row
_LOOK_SECONDS = 1.0
_STOPS = (signal.SIGTERM, signal.SIGINT)
_STOPPED = (0, -signal.SIGTERM, -signal.SIGINT, 130)  # what a worker that was told to end may end with

type Work = Callable[[], None]


@dataclass(slots=True)
class Restarts:
    """When a worker that ended is started again. early: how often in a row it ended soon after its start."""

    early: int = 0

    def pause(self, lived: float) -> float | None:
        """Seconds; None where there is no hope."""
        self.early = self.early + 1 if lived < EARLY_SECONDS else 0
        if self.early > MOST_EARLY:
            return None
        return min(FIRST_PAUSE * 2 ** (self.early - 1), LONGEST_PAUSE) if self.early else 0.0


def refusal(workers: int, platform: str = sys.platform) -> str:
    """Why so many are not possible here, with the cure; "" if they are."""
    if workers == 1 or platform == "linux":
        return ""
    return (
        f"workers = {workers}: here one port cannot be shared by several processes (only Linux spreads connections among those that "
        "listen with SO_REUSEPORT); set workers to 1, or start several on ports of their own"
    )


def hold_port(host: str, port: int) -> socket.socket:
    """Nobody but processes of this user that share ports can have it while the socket is open; it does not listen."""
    held = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    held.bind((host, port))
    return held


def run_workers(count: int, held: socket.socket, work: Work) -> int:
    """Until SIGTERM or SIGINT, or until there is no hope; the exit status. OSError if there is no place for temporary files.

    held: of `hold_port`. work: one proxy's, in a process of its own, which knows by `this_worker` which one it is. With the first
    start all must come up: one that ends by itself before that ends all, with its status. Later it is started again.
    """
    with tempfile.TemporaryDirectory(prefix="aiclient-workers-", ignore_cleanup_errors=True) as folder:
        return _Parent(count, Path(folder), held, work).run()


class _Parent:
    def __init__(self, count: int, folder: Path, held: socket.socket, work: Work) -> None:
        self._count, self._folder, self._held, self._work = count, folder, held, work
        self._board, self._started = Board(count), time.time()
        self._restarts = {number: Restarts() for number in range(1, count + 1)}
        self._running: dict[int, tuple[BaseProcess, float]] = {}
        self._due: dict[int, float] = {}
        self._stopping = False
        self._status = 0

    def run(self) -> int:
        for signum in _STOPS:
            signal.signal(signum, self._told)
        for number in self._restarts:
            self._start(number)
        while self._running or self._due:
            ended = wait([process.sentinel for process, _ in self._running.values()], self._until_due())
            for number in [number for number, (process, _) in self._running.items() if process.sentinel in ended]:
                self._ended(number)
            for number in [number for number, at in self._due.items() if at <= time.monotonic()]:
                self._start(number)
        return self._status

    def _until_due(self) -> float:
        """Seconds; not many, since a signal empties what is due and wakes nobody."""
        now = time.monotonic()
        return max(0.0, min([_LOOK_SECONDS, *(at - now for at in self._due.values())]))

    def _start(self, number: int) -> None:
        worker = Worker(number, self._count, self._folder, self._board, self._started)
        process = multiprocessing.get_context("fork").Process(target=self._begin, args=(worker,))
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOPS)  # the child must not take a signal by our `_told`
        try:
            self._due.pop(number, None)
            if not self._stopping:
                process.start()
                self._running[number] = process, time.monotonic()
        except OSError as error:  # no process more for this user, or no memory
            _say(f"worker {number} cannot be started ({error.strerror}); it is tried again")
            self._due[number] = time.monotonic() + LONGEST_PAUSE
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)

    def _begin(self, worker: Worker) -> None:
        """In the child."""
        os.setpgid(0, 0)  # Ctrl-C is for the parent, who passes it on: once
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOPS)
        self._held.close()
        become(worker)
        threading.Thread(target=_end_with_parent, name="aiclient-parent", daemon=True).start()
        try:
            self._work()
        finally:
            parent = multiprocessing.parent_process()
            if parent is not None and not parent.is_alive():
                shutil.rmtree(worker.folder, ignore_errors=True)

    def _told(self, signum: int, _: FrameType | None) -> None:
        self._stop(signum)

    def _stop(self, signum: int) -> None:
        self._stopping = True
        self._due.clear()
        for process, _ in list(self._running.values()):
            if process.pid is not None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signum)

    def _ended(self, number: int) -> None:
        process, began = self._running.pop(number)
        process.join()
        status = process.exitcode or 0
        if self._stopping:
            self._status = self._status or int(status not in _STOPPED)
        elif status >= 0 and not self._board.all_up:
            self._status = status  # what is wrong, it has said itself
            self._stop(signal.SIGTERM)
        elif (pause := self._restarts[number].pause(time.monotonic() - began)) is None:
            self._status = 1
            _say(f"worker {number} ended ({_cause(status)}) for the {MOST_EARLY + 1}th time in a row; giving up")
            self._stop(signal.SIGTERM)
        else:
            _say(f"worker {number} ended ({_cause(status)}); it is started again in {pause:g} s")
            self._due[number] = time.monotonic() + pause


def _end_with_parent() -> None:
    """A parent that was killed told nobody."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    wait([parent.sentinel])
    os.kill(os.getpid(), signal.SIGTERM)


def _cause(status: int) -> str:
    return f"status {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"


def _say(text: str) -> None:
    with suppress(OSError):
        print(f"aiclient: {text}", file=sys.stderr, flush=True)
