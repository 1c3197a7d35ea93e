"""pytest runs recordings as tests: a folder whose `exchange.json` was made by `aiclient record`, wherever pytest looks for tests.

Nothing else is looked at, and nothing of ours is imported where there is no recording. `--aiclient-recordings DIR` adds a folder.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import override

import pytest

_FILE = "exchange.json"
_MARK = b'"aiclient.recording/1"'
_HEAD = 200  # bytes


class RecordingDiffers(Exception):
    """What comes of a recording today is not what was recorded. The message is the report."""


class RecordingFile(pytest.File):
    """One recording."""

    @override
    def collect(self) -> Iterator[pytest.Item]:
        yield RecordingItem.from_parent(self, name=self.path.parent.name)


class RecordingItem(pytest.Item):
    """Its replay."""

    @override
    def runtest(self) -> None:
        from addons.replay.captured import Unplayable, Unplayed
        from addons.replay.recording import read
        from addons.replay.report import text
        from addons.replay_legs import verdicts

        try:
            [verdict] = verdicts([read(self.path.parent)])
        except Unplayable as error:
            raise RecordingDiffers(str(error)) from None
        if isinstance(verdict, Unplayed) or verdict.differences:
            raise RecordingDiffers(text(verdict))

    @override
    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: object = None) -> str:
        if isinstance(excinfo.value, RecordingDiffers):
            return str(excinfo.value)
        return str(super().repr_failure(excinfo))

    @override
    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"recording {self.name}"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("aiclient").addoption(
        "--aiclient-recordings",
        action="append",
        default=[],
        metavar="DIR",
        help="Replay the recordings in this folder too (made by `aiclient record`).",
    )


def pytest_configure(config: pytest.Config) -> None:
    added = (folder for folder in config.getoption("--aiclient-recordings") if folder not in config.args)
    config.args.extend(added)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> RecordingFile | None:
    if file_path.name != _FILE:
        return None
    try:
        with file_path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError:
        return None
    return RecordingFile.from_parent(parent, path=file_path) if _MARK in head else None
