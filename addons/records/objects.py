"""The object store: what many records have in common, kept once by the hash of its bytes: tool sets, system prompts.

`<records>/objects/<first two digits>/<sha256>.json`, mode 0600, written before the first record that names it. A reference is
`sha256:<hex>`.
"""

import hashlib
import os
import time
from pathlib import Path

from creds.store import make_private_dir, write_private

PREFIX = "sha256:"
GRACE = 3600.0  # seconds; what is younger may be about to be named by a record, and is not removed (prune.py)


def reference(content: bytes) -> str:
    return PREFIX + hashlib.sha256(content).hexdigest()


class Objects:
    """Reads and writes one store. OSError if the disk says no."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """The reference to `content`, which is stored now if it was not before."""
        name = reference(content)
        self.store(name, content)
        return name

    def store(self, name: str, content: bytes) -> None:
        """name: the reference to `content`."""
        path = self.path(name)
        try:
            age = time.time() - path.stat().st_mtime
        except FileNotFoundError:
            make_private_dir(path.parent)
            write_private(path, content)
            return
        if age > GRACE / 2:
            os.utime(path)  # a record is about to name it: nobody must take it for one that no record needs

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
