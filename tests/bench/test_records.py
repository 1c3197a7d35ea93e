"""What the figures of the records' benchmark are made of."""

from pathlib import Path

import pytest

from bench.proxies import Cpu
from bench.records import Lines, Row


def test_the_share_is_of_paired_differences() -> None:
    """A machine that is slower in one round is so for both."""
    row = Row(
        off=[Cpu(80, 20), Cpu(180, 20), Cpu(80, 20)],
        on=[Cpu(84, 21), Cpu(184, 22), Cpu(79, 24)],
    )
    assert row.share == pytest.approx(0.05)
    assert row.more(lambda cpu: cpu.main) == 4
    assert "over" not in str(row)
    assert str(Row(off=[Cpu(80, 20)], on=[Cpu(81, 30)])).endswith("over 10 %")


def test_lines_are_counted_once_they_are_whole(tmp_path: Path) -> None:
    lines = Lines(tmp_path)
    assert lines.look() == 0
    (tmp_path / "a.jsonl").write_bytes(b"{}\n{")
    assert lines.look() == 1
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(b"}\n")
    (tmp_path / "b.jsonl").write_bytes(b"{}\n")
    assert lines.look() == 3
