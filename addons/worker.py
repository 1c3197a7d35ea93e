"""Which of the processes that share a port this one is, and what they have in common. One alone knows nothing of this."""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


class Board:
    """Which workers have been up: a byte each, in memory that a parent and the processes it forks share."""

    def __init__(self, count: int) -> None:
        self._up = mmap.mmap(-1, count)

    def set_up(self, number: int) -> None:
        """number: from 1."""
        self._up[number - 1] = 1

    @property
    def all_up(self) -> bool:
        """Each has been, once at least."""
        return all(self._up[:])


@dataclass(frozen=True, slots=True)
class Worker:
    """number: from 1; one that is started again keeps its own. folder: private, for what they share; gone with the last of them.
    started: when the first of them was, unix seconds."""

    number: int
    count: int
    folder: Path
    board: Board = field(repr=False)
    started: float

    @property
    def is_first(self) -> bool:
        """The one that does what needs to be done once."""
        return self.number == 1

    @contextmanager
    def alone(self) -> Iterator[None]:
        """No other worker is in here at the same time. Blocks: for what takes no time."""
        import fcntl  # late: there is none on Windows, and no second worker either

        with (self.folder / "lock").open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


_here: Worker | None = None


def this_worker() -> Worker | None:
    """None where there is one process alone."""
    return _here


def become(worker: Worker) -> None:
    """Once, when the process begins."""
    global _here
    _here = worker
