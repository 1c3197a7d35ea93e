"""Texts that several processes remember together."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from addons.shared_table import FRESH_SECONDS, SharedTable

ROOT = Path(__file__).resolve().parents[2]


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def test_what_one_puts_another_gets(tmp_path: Path) -> None:
    one, other = (SharedTable(tmp_path / "file", 10) for _ in range(2))
    one.put(["a", "b"], "both")
    other.put(["c"], "third")
    assert one.get(["c", "a", "missing"]) == {"c": "third", "a": "both"}
    assert other.get(["b"]) == {"b": "both"}
    assert other.get([]) == {}


def test_the_latest_text_counts(tmp_path: Path) -> None:
    one, other = (SharedTable(tmp_path / "file", 10) for _ in range(2))
    one.put(["a"], "old")
    assert other.get(["a"]) == {"a": "old"}
    other.put(["a"], "new")
    assert one.get(["a"]) == {"a": "new"}


def test_any_text_may_be_a_key(tmp_path: Path) -> None:
    table = SharedTable(tmp_path / "file", 10)
    for key in ("", "a\0b", "\ud800", "ü" * 5000, "' OR 1=1 --"):
        table.put([key], "kept")
        assert table.get([key]) == {key: "kept"}


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    clock = Clock()
    table = SharedTable(tmp_path / "file", 2, now=clock)
    table.put(["1"], "")
    clock.time += 1
    table.put(["2"], "")
    clock.time += FRESH_SECONDS
    assert table.get(["1"])  # it is the later one now
    clock.time += 1
    table.put(["3"], "")
    assert list(table.get(["1", "2", "3"])) == ["1", "3"]


def test_after_its_time_it_is_gone(tmp_path: Path) -> None:
    clock = Clock()
    table = SharedTable(tmp_path / "file", 10, 60.0, clock)
    table.put(["a"], "text")
    clock.time += 59
    assert table.get(["a"])
    clock.time += 1
    assert not table.get(["a"])


def test_processes_that_write_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from addons.shared_table import SharedTable\n"
        "table = SharedTable(Path(sys.argv[1]), 10_000)\n"
        "for i in range(200): table.put([sys.argv[2] + str(i)], sys.argv[2] * 1000); table.get(['a1', 'b1'])\n"
    )
    path = str(tmp_path / "file")
    writers = [
        subprocess.Popen([sys.executable, "-P", "-c", program, path, name], env={"PYTHONPATH": str(ROOT)})
        for name in "ab"
    ]
    assert [each.wait(30) for each in writers] == [0, 0]
    keys = [f"{name}{i}" for name in "ab" for i in range(200)]
    assert len(SharedTable(tmp_path / "file", 10_000).get(keys)) == 400


def test_a_file_that_cannot_be_used_costs_a_warning_and_no_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    table = SharedTable(tmp_path / "no folder" / "file", 10)
    with caplog.at_level(logging.WARNING, "aiclient"):
        for _ in range(3):
            table.put(["a"], "text")
            assert table.get(["a"]) == {}
    assert len(caplog.messages) == 1
    assert "cannot be kept in" in caplog.text


def test_it_can_be_used_again_when_it_can(tmp_path: Path) -> None:
    table = SharedTable(tmp_path / "later" / "file", 10)
    table.put(["a"], "lost")
    (tmp_path / "later").mkdir()
    table.put(["a"], "kept")
    assert table.get(["a"]) == {"a": "kept"}
    table.close()
    assert table.get(["a"]) == {"a": "kept"}
