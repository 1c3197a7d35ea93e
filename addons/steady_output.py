"""A disk without room ends no request: mitmproxy ends the whole program when its output, which may be a file, cannot be written."""

import errno
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import IO, Any

from mitmproxy import ctx

# Addon of mitmproxy -> what it writes to, by path of attributes.
_WRITERS = {"termlog": ("logger", "file"), "dumper": ("outfp",)}


class SteadyOutput:
    """Addon: what mitmproxy prints goes through a `Steady`."""

    def load(self, _: object) -> None:
        made: dict[int, Steady] = {}
        for name, path in _WRITERS.items():
            owner: Any = ctx.master.addons.get(name)
            for attribute in path[:-1]:
                owner = getattr(owner, attribute, None)
            file = getattr(owner, path[-1], None)
            if file is not None and not isinstance(file, Steady):  # the script may be loaded anew
                setattr(owner, path[-1], made.setdefault(id(file), Steady(file)))


def _warn(text: str) -> None:
    """Where a person may see it though the log cannot be written; there may be no such place."""
    with suppress(OSError, AttributeError):
        print(text, file=sys.stderr, flush=True)


class Steady:
    """Stands for a text file. What cannot be written for want of room is lost, and said once, and counted when there is room again.

    A pipe that nobody reads any more raises BrokenPipeError, as before: that ends the program, and should. warn: says it elsewhere.
    """

    def __init__(self, file: IO[str], warn: Callable[[str], None] = _warn) -> None:
        self._file, self._warn = file, warn
        self._lost = 0  # writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)

    def write(self, text: str) -> int:
        try:
            if self._lost:
                self._file.flush()
                self._file.write(
                    f"the log could not be written for a while: about {self._lost} lines are missing here\n"
                )
                self._lost = 0
            return self._file.write(text)
        except OSError as error:
            self._lose(error, text)
            return len(text)

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            self._lose(error, "")

    def _lose(self, error: OSError, text: str) -> None:
        if error.errno in (errno.EPIPE, errno.EBADF):
            raise error
        if not self._lost:
            self._warn(f"aiclient: the log cannot be written ({error.strerror}); requests are served all the same")
        self._lost += max(text.count("\n"), 0 if self._lost else 1)
