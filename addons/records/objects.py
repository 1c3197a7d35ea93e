"""The object store: what many records have in common, kept once by the hash of its bytes: tool sets, system prompts.

`<records>/objects/<first two digits>/<sha256>.json`, mode 0600, written before the first record that names it. A reference is
`sha256:<hex>`. A file's time of change is that of the last record that named it, or up to half of `GRACE` earlier.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from creds.store import make_private_dir, write_private

try:
    import fcntl
except ImportError:  # Windows: one process alone may write there
    fcntl = None  # type: ignore[assignment]

_FILE = re.compile(r"[0-9a-f]{64}\.json")
PREFIX = "sha256:"
GRACE = 3600.0  # seconds; what is younger may be about to be named by a record, and is not removed
_SURE = GRACE / 4  # seconds for which one that was young is not looked at again
_MOST_YOUNG = 10_000

type Inode = tuple[int, int, int] | None


def reference(content: bytes) -> str:
    return PREFIX + hashlib.sha256(content).hexdigest()


class Objects:
    """Reads and writes one store. OSError if the disk says no."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Until when, in monotonic and in unix seconds: one stands still while the machine sleeps, the other may be set back.
        self._young: dict[str, tuple[float, float]] = {}
        self._seen: Inode = None

    def put(self, content: bytes) -> str:
        """The reference to `content`, which is stored now if it was not before."""
        name = reference(content)
        self.store(name, content)
        return name

    def store(self, name: str, content: bytes) -> None:
        """name: the reference to `content`. A record is about to name it: nobody must take it for one that no record needs."""
        if self.keeps(name):
            return
        path = self.path(name)
        make_private_dir(path.parent)
        with self._locked():
            write_private(path, content)
        self._remember(name)

    def keeps(self, name: str) -> bool:
        """Whether it is there. Then it stays, too: a record is about to name it."""
        monotonic, unix = self._young.get(name, (0.0, 0.0))
        if time.monotonic() < monotonic and time.time() < unix:
            return True
        path = self.path(name)
        try:
            if time.time() - path.stat().st_mtime >= GRACE / 4:
                with self._locked():
                    os.utime(path)
        except FileNotFoundError:
            return False
        self._remember(name)
        return True

    def _remember(self, name: str) -> None:
        if len(self._young) >= _MOST_YOUNG:
            self._young.clear()
        self._young[name] = time.monotonic() + _SURE, time.time() + _SURE

    def look(self) -> None:
        """Somebody may have removed the folder, or folders in it: nothing of it is sure then. For whoever asks `keeps` often, now
        and then."""
        try:
            stat = self._folder.stat()
            seen: Inode = stat.st_ino, stat.st_dev, stat.st_mtime_ns  # of one made anew the number may be the same
        except OSError:
            seen = None
        if seen is None or seen != self._seen:
            self._seen = seen
            self._young.clear()

    def remove_unused(self, before: float) -> int:
        """Those that no record has named since, in unix seconds; how many. Cheap: nothing is read."""
        return sum(1 for path in self.paths() if self.remove(path, before))

    def remove(self, path: Path, before: float) -> bool:
        """Unless a record is about to name it, or has since then. False, too, if somebody else was faster."""
        try:
            if path.stat().st_mtime >= before:
                return False
            with self._locked():
                if path.stat().st_mtime >= before:
                    return False
                path.unlink()
        except FileNotFoundError:
            return False
        return True

    def paths(self) -> Iterator[Path]:
        return (path for path in self._folder.glob("??/*.json") if _FILE.fullmatch(path.name))

    def get(self, name: str) -> bytes:
        """Raises OSError if it is not there, and ValueError for what is no reference or not what it was."""
        content = self.path(name).read_bytes()
        if reference(content) != name:
            raise ValueError(f"the object {name} is damaged")
        return content

    def path(self, name: str) -> Path:
        digest = name.removeprefix(PREFIX)
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ValueError(f"{name[:100]!r} is no reference to an object")
        return self._folder / digest[:2] / f"{digest}.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Of all processes, one at a time touches an old object or removes it. A process that dies leaves no lock."""
        fd = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if fcntl is not None:
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)
