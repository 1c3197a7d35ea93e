"""The object store: what many records have in common, kept once by the hash of its bytes: tool sets, system prompts.

`<records>/objects/<first two digits>/<sha256>.json`, mode 0600, written before the first record that names it. A reference is
`sha256:<hex>`. A file's time of change is that of the last record that named it, or up to half of `GRACE` earlier.

Files appear whole, but are not synced: that would cost more than all else about a record. One that a power cut has left short is
refused by readers, and written again when its content comes up again.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from creds.store import make_private_dir

try:
    import fcntl
except ImportError:  # Windows: one process alone may write there
    fcntl = None  # type: ignore[assignment]

_FILE = re.compile(r"[0-9a-f]{64}\.json")
PREFIX = "sha256:"
_REFERENCE = re.compile("(?:sha256:)?[0-9a-f]{64}")
GRACE = 3600.0  # seconds; what is younger may be about to be named by a record, and is not removed
_SURE = GRACE / 4  # seconds for which one that was young is not looked at again
_MOST_YOUNG = 10_000

type Inode = tuple[int, int, int] | None


class Damaged(ValueError):
    """An object that is not what its name says: a power cut left it short, or somebody changed it."""


LOST = (FileNotFoundError, Damaged)  # what `get` raises of an object that is gone, one way or the other


def reference(content: bytes) -> str:
    return PREFIX + hashlib.sha256(content).hexdigest()


class Objects:
    """Reads and writes one store. OSError if the disk says no."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._root = folder, str(folder)
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
        if self.keeps(name, len(content)):
            return
        place = self._place(name)
        try:
            self._write(place, content)
        except FileNotFoundError:  # the first one in its folder
            make_private_dir(Path(place).parent)
            self._write(place, content)
        self._remember(name)

    def _write(self, place: str, content: bytes) -> None:
        with self._locked():
            write_whole(place, content)

    def keeps(self, name: str, size: int | None = None) -> bool:
        """Whether it is there. Then it stays, too: a record is about to name it. size: its bytes, where that is known."""
        monotonic, unix = self._young.get(name, (0.0, 0.0))
        if time.monotonic() < monotonic and time.time() < unix:
            return True
        place = self._place(name)
        try:
            stat = os.stat(place)
            if size is not None and stat.st_size != size:
                return False
            if time.time() - stat.st_mtime >= GRACE / 4:
                with self._locked():
                    os.utime(place)
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
        self.remove_drafts(before)
        return sum(1 for path in self.paths() if self.remove(path, before))

    def remove_drafts(self, before: float) -> None:
        """What processes left that died while they wrote."""
        for path in self._folder.glob("??/*.json.*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    path.unlink()

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
        """Raises OSError if it is not there, `Damaged` if it is not what it was, and ValueError for what is no reference."""
        content = self.path(name).read_bytes()
        if reference(content) != name:
            raise Damaged(f"the object {name} is damaged")
        return content

    def path(self, name: str) -> Path:
        return Path(self._place(name))

    def _place(self, name: str) -> str:
        """As a string: most of the work that a `Path` is would be done once for each object that a record names."""
        if not _REFERENCE.fullmatch(name):
            raise ValueError(f"{name[:100]!r} is no reference to an object")
        digest = name.removeprefix(PREFIX)
        return f"{self._root}/{digest[:2]}/{digest}.json"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Of all processes, one at a time touches an old object or removes it. A process that dies leaves no lock."""
        fd = os.open(f"{self._root}/.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if fcntl is not None:
                with suppress(OSError):  # a file system without locks
                    fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)


def write_whole(place: str, content: bytes) -> None:
    """A new file, mode 0600: it is there with all of its content, or not at all."""
    draft = f"{place}.{token_hex(6)}"
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
        os.replace(draft, place)
    except BaseException:
        with suppress(OSError):
            os.unlink(draft)
        raise
