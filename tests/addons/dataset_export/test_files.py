"""The files of a dataset on disk."""

import sys
from pathlib import Path

import pyarrow.dataset  # type: ignore[import-untyped,unused-ignore]
import pytest

from addons.dataset_export import files
from addons.dataset_export.files import JsonLines, NotInstalled, Parquet


def rows(folder: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = pyarrow.dataset.dataset(folder, partitioning="hive").to_table().to_pylist()
    return found


def test_lines_by_split_that_only_their_owner_may_read(tmp_path: Path) -> None:
    with JsonLines(tmp_path / "data") as out:
        out.write({"a": "ä\n"}, "train")
        out.write({"a": 2}, "test", "2026-11-23")
        out.write({"a": 3}, "train")
    assert (tmp_path / "data/train.jsonl").read_text() == '{"a":"ä\\n"}\n{"a":3}\n'
    assert (tmp_path / "data/test.jsonl").read_text() == '{"a":2}\n'
    assert (tmp_path / "data/train.jsonl").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700


def test_parquet_by_day(tmp_path: Path) -> None:
    out = Parquet(tmp_path, {"id": "string", "n": "int64", "split": "string"})
    out.write({"id": "a", "n": 1}, "train", "2026-11-22")
    out.write({"id": "b", "n": None}, "test", "2026-11-23")
    out.write({"id": "c", "n": 3}, "train", "2026-11-22")
    out.close()
    assert [path.relative_to(tmp_path).as_posix() for path in sorted(tmp_path.rglob("*.parquet"))] == [
        "day=2026-11-22/part-00000.parquet",
        "day=2026-11-23/part-00000.parquet",
    ]
    assert rows(tmp_path) == [
        {"id": "a", "n": 1, "split": "train", "day": "2026-11-22"},
        {"id": "c", "n": 3, "split": "train", "day": "2026-11-22"},
        {"id": "b", "n": None, "split": "test", "day": "2026-11-23"},
    ]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*.parquet")} == {0o600}


def test_days_that_come_back_and_many_rows_make_further_parts_and_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "_ROWS", 2)
    monkeypatch.setattr(files, "_OPEN", 1)
    out = Parquet(tmp_path, {"id": "string", "split": "string"})
    for number in range(20):
        out.write({"id": f"{number:02}"}, "train", f"2026-11-{number % 3 + 1:02}")
    out.close()
    assert sorted(str(row["id"]) for row in rows(tmp_path)) == [f"{number:02}" for number in range(20)]
    assert (tmp_path / "day=2026-11-01/part-00001.parquet").exists()


def test_a_row_group_is_not_larger_than_memory_allows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_BYTES", 1000)
    out = Parquet(tmp_path, {"id": "string", "split": "string"})
    for _ in range(10):
        out.write({"id": "x" * 400}, "train", "2026-11-01")
    out.close()
    assert pyarrow.parquet.ParquetFile(tmp_path / "day=2026-11-01/part-00000.parquet").num_row_groups == 4


def test_without_pyarrow_the_error_names_the_cure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(NotInstalled, match=r"pip install 'aiclient\[parquet\]'"):
        Parquet(tmp_path, {"id": "string"})
