"""Old records and objects that no record names any more, out of the way, also while a proxy writes new ones.

An object is removed only if no record names it and nobody has stored or used it for an hour: whoever writes a record that names an
object makes it young first (`Objects.store`), and its age is looked at once more right before it goes. Here all records are read;
what rotation leaves behind goes without that (`Appender.tidy`).
"""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from addons.records.files import lines_of, record_files
from addons.records.objects import GRACE, Objects

_REFERENCE = re.compile(rb"sha256:([0-9a-f]{64})")


@dataclass(slots=True)
class Pruned:
    """records: files of them. bytes: of both."""

    records: int = 0
    objects: int = 0
    bytes: int = 0


def prune(
    folder: Path, keep_days: int, today: date, now: Callable[[], float] = time.time, *, dry: bool = False
) -> Pruned:
    """keep_days: records of days before that are removed; 0: none. dry: only counted. Raises OSError; what cannot be read keeps all."""
    pruned = Pruned()
    oldest = (today - timedelta(days=keep_days)).isoformat() if keep_days else ""
    young = [file for file in record_files(folder) if file.day >= oldest]
    for file in record_files(folder):
        if file.day < oldest:
            pruned.records += 1
            pruned.bytes += _removed(file.path, dry)
    objects = Objects(folder / "objects")
    sizes = {
        path: size for path in objects.paths() if (size := _size_if_old(path, now()))
    }  # first, then what names them
    named: set[str] = set()
    for file in young:
        named.update(_named_in(file.path))
    for path, size in sizes.items():
        if path.stem not in named and (dry or objects.remove(path, now() - GRACE)):
            pruned.objects += 1
            pruned.bytes += size
    if not dry:
        objects.remove_drafts(now() - GRACE)
    return pruned


def _named_in(path: Path) -> set[str]:
    """Hashes of objects; some of other things are among them, which only keeps more."""
    try:
        return {found.decode() for line in lines_of(path) for found in _REFERENCE.findall(line)}
    except FileNotFoundError:
        packed = path.with_name(path.name + ".zst")  # compressed since
        if path.suffix == ".zst" or not packed.exists():
            raise
        return _named_in(packed)


def _size_if_old(path: Path, now: float) -> int:
    """0 for one that a record may be about to name."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return 0
    return stat.st_size if now - stat.st_mtime > GRACE else 0


def _removed(path: Path, dry: bool) -> int:
    """Its size."""
    size = path.stat().st_size
    if not dry:
        path.unlink(missing_ok=True)
    return size
