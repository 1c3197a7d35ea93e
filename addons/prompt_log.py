"""`log_prompts`: a readable transcript of each exchange, on the console or in a file of its own for each start."""

import os
import sys
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

from addons.records.transcript import transcript
from converters.json_codec import loads
from creds.store import make_private_dir


def prompt_log_path(base_name: str, started: datetime) -> Path:
    """`prompt_log` -> `prompt_log-20261123-101500.log`, in the current folder unless the name has one."""
    path = Path(base_name or "prompt_log").expanduser()
    return path.with_name(f"{path.name}-{started:%Y%m%d-%H%M%S}.log")


class PromptLog:
    """A sink of records: what is new in each. write: takes text, may raise OSError."""

    name = "transcripts"

    def __init__(self, write: Callable[[str], object], close: Callable[[], object] = lambda: None) -> None:
        self._write, self._close = write, close

    def extend(self, lines: Sequence[bytes], today: date) -> None:
        for line in lines:
            self.append(line, today)

    def append(self, line: bytes, today: date) -> None:
        record = loads(line)
        if isinstance(record, dict) and (record.get("conversation") or record.get("error")):
            self._write(transcript(record, new_only=True) + "\n")

    def tidy(self, today: date) -> None:
        """Nothing is kept that could grow old."""

    def close(self) -> None:
        self._close()


def on_console() -> PromptLog:
    return PromptLog(lambda text: print(text, end="", file=sys.stdout, flush=True))


class PromptFile:
    """The file is made with the first text, readable by its owner alone. Each text is one write at its end: several processes may
    have the same file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def write(self, text: str) -> None:
        if self._fd is None:
            make_private_dir(self._path.parent)
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        rest = text.encode(errors="replace")
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def in_file(path: Path) -> PromptLog:
    file = PromptFile(path)
    return PromptLog(file.write, file.close)
