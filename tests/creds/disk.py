"""Looks at files, for tests that are coroutines."""

import json
from pathlib import Path
from typing import Any


def written(path: Path) -> Any:
    """The JSON in it."""
    return json.loads(path.read_text())


def text_of(path: Path) -> str:
    return path.read_text()


def put(path: Path, text: str) -> None:
    """With its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def is_there(path: Path) -> bool:
    return path.exists()


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777
