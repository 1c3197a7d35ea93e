"""The files that records are in: one a day, `2026-11-23.jsonl`, then `2026-11-23.1.jsonl` ... by size; `.zst` where compressed.

A file is only ever appended to, each record with one write, by any number of processes. A line that a crash cut short stays where it
is: the next one to write ends it, and readers skip it. Whoever writes a file holds a shared lock on it, so that nobody compresses it
meanwhile.
"""

import errno
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import zstandard

from addons.records.objects import Objects
from creds.store import make_private_dir

try:
    import fcntl
except ImportError:  # Windows: one process alone may write there
    fcntl = None  # type: ignore[assignment]

_NAME = re.compile(r"(\d{4}-\d\d-\d\d)(?:\.(\d{1,9}))?\.jsonl(\.zst)?")
_MARGIN = timedelta(days=1)  # a day begins earlier elsewhere, and clocks are set
_LEVEL = 3  # a tenth larger than with 9, for a fifth of the time


@dataclass(frozen=True, slots=True, order=True)
class RecordFile:
    """In the order that they were written in. number: 0 for the first of a day."""

    day: str
    number: int
    path: Path

    @property
    def compressed(self) -> bool:
        return self.path.suffix == ".zst"


def record_files(folder: Path) -> list[RecordFile]:
    """All of them in order; [] if there is no folder. One that is there twice, plain and compressed, counts as it is plain: it was
    being compressed."""
    found: dict[tuple[str, int], RecordFile] = {}
    with suppress(OSError):
        for path in folder.iterdir():
            if match := _NAME.fullmatch(path.name):
                file = RecordFile(match[1], int(match[2] or 0), path)
                if (file.day, file.number) not in found or not file.compressed:
                    found[file.day, file.number] = file
    return sorted(found.values())


def name_of(day: str, number: int) -> str:
    return f"{day}.{number}.jsonl" if number else f"{day}.jsonl"


class Appender:
    """The file that records go to now. limit: bytes after which the next file is begun. compress: a file that is done is.

    Every method may raise OSError; a record is then lost, and the next one begins a line of its own.
    """

    name = "records"

    def __init__(self, folder: Path, limit: int, *, compress: bool, keep_days: int) -> None:
        self._folder, self._limit, self._compress, self._keep_days = folder, limit, compress, keep_days
        self._fd: int | None = None
        self._file: RecordFile | None = None
        self._size = 0
        self._torn = False
        self._tidied: RecordFile | None = None

    def extend(self, lines: Sequence[bytes], today: date) -> None:
        """In one write."""
        self.append(lines[0] if len(lines) == 1 else b"".join(lines), today)

    def append(self, line: bytes, today: date) -> None:
        """line: with its end."""
        self._turn(len(line), today.isoformat())
        assert self._fd is not None
        try:
            with _no_other_writes(self._fd):
                self._look()
                text = b"\n" + line if self._torn else line
                written = os.write(self._fd, text)
            if written < len(text):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            self.close()  # the next one opens it anew, and looks how it ends
            raise
        self._size += written
        self._torn = False

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
        self._fd = self._file = None

    def tidy(self, today: date) -> None:
        """Compress what is done, remove what is old: once for each file that is begun. Slow: for a moment when nothing waits."""
        if self._file == self._tidied:
            return
        self._tidied = self._file
        oldest = (today - timedelta(days=self._keep_days)).isoformat() if self._keep_days else ""
        for file in record_files(self._folder):
            if self._file is not None and (file.day, file.number) >= (self._file.day, self._file.number):
                continue
            if file.day < oldest:
                file.path.unlink(missing_ok=True)
            elif self._compress and not file.compressed:
                compress(file.path)
        if self._keep_days:
            self._remove_objects(oldest)

    def _remove_objects(self, oldest: str) -> None:
        """Those that were last named before the oldest record that is still there. oldest: the first day that records are kept of."""
        days = [oldest, *(file.day for file in record_files(self._folder)[:1])]
        before = datetime.fromisoformat(min(days)) - _MARGIN
        Objects(self._folder / "objects").remove_unused(before.timestamp())

    @property
    def file(self) -> RecordFile | None:
        return self._file

    def _turn(self, more: int, day: str) -> None:
        """The right file is open, and its end is known."""
        if self._file is not None and self._file.day == day:
            self._look()
            if self._size + more <= self._limit:
                return
        before = self._file
        self.close()
        make_private_dir(self._folder)
        files = [file for file in record_files(self._folder) if file.day == day]
        last = files[-1] if files else None
        number = 0 if last is None else last.number
        if last is not None and (
            last.compressed
            or _size_of(last.path, self._limit) + more > self._limit
            or (before is not None and before.day == day and number <= before.number)
        ):
            number += 1
        self._open(RecordFile(day, number, self._folder / name_of(day, number)))

    def _open(self, file: RecordFile) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0)
        while True:
            fd = os.open(file.path, flags, 0o600)
            if _stays(fd, file.path):
                break
            os.close(fd)
            file = RecordFile(file.day, file.number + 1, self._folder / name_of(file.day, file.number + 1))
        self._fd, self._file, self._size = fd, file, 0
        self._torn = False
        self._look()

    def _look(self) -> None:
        """Where the file ends, and whether with a whole line: others write there too."""
        assert self._fd is not None
        size = os.fstat(self._fd).st_size
        if size != self._size:
            self._size = size
            os.lseek(self._fd, max(0, size - 1), os.SEEK_SET)
            self._torn = size > 0 and os.read(self._fd, 1) != b"\n"


@contextmanager
def _no_other_writes(fd: int) -> Iterator[None]:
    """Else half of another process's line would look like a torn one. Apart from `flock`, which says that the file is in use."""
    with suppress(OSError):  # a file system without locks
        if fcntl is not None:
            fcntl.lockf(fd, fcntl.LOCK_EX)
    try:
        yield
    finally:
        with suppress(OSError):
            if fcntl is not None:
                fcntl.lockf(fd, fcntl.LOCK_UN)


def _stays(fd: int, path: Path) -> bool:
    """Locked against compression, and not compressed by another process right before."""
    if fcntl is not None:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        except OSError:
            pass  # a file system without locks
    if not _packed(path).exists():
        return True
    if not os.fstat(fd).st_size:  # made just now, and it would hide the compressed one
        path.unlink(missing_ok=True)
    return False


def _size_of(path: Path, gone: int) -> int:
    """gone: for one that was compressed a moment ago."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return gone


def _packed(path: Path) -> Path:
    return path.with_name(path.name + ".zst")


def compress(path: Path) -> bool:
    """`x.jsonl` -> `x.jsonl.zst`. False if somebody is still writing it, or has compressed it."""
    try:
        source = path.open("rb")
    except FileNotFoundError:
        return False
    with source:
        if fcntl is not None:
            try:
                fcntl.flock(source, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
        target = _packed(path)
        draft = path.with_name(f".{target.name}.draft")
        try:
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                zstandard.ZstdCompressor(level=_LEVEL).copy_stream(source, file)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        path.unlink(missing_ok=True)
    return True


def lines_of(path: Path) -> Iterator[bytes]:
    """Lines without their ends, the last one even if it has none. OSError; a damaged compressed file ends where the damage is."""
    with path.open("rb") as file:
        if path.suffix != ".zst":
            for line in file:
                yield line.rstrip(b"\n")
            return
        rest = b""
        with (
            zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader,
            suppress(zstandard.ZstdError),
        ):
            while block := reader.read(1 << 20):
                *lines, rest = (rest + block).split(b"\n")
                yield from lines
        if rest:
            yield rest
