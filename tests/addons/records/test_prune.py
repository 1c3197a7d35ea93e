"""What no record needs any more goes, and nothing else, also while somebody writes."""

import os
import time
from datetime import date
from pathlib import Path

import pytest

from addons.cli import main
from addons.records.files import compress
from addons.records.objects import GRACE, Objects
from addons.records.prune import prune
from addons.records.reader import Records
from tests.addons.records.samples import anthropic_body, exchange, maker

TODAY = date(2026, 11, 23)


def written(folder: Path, day: str, system: str) -> set[Path]:
    """A file with one record; the objects that it names, made old."""
    body = anthropic_body(system=system * 80)
    line = maker(folder).line(exchange(1, body=body, attempts=[]))
    (folder / f"{day}.jsonl").write_bytes(line)
    for path in objects(folder):
        age(path)
    return objects(folder)


def objects(folder: Path) -> set[Path]:
    return set((folder / "objects").glob("*/*.json"))


def age(path: Path, seconds: float = GRACE + 60) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_objects_of_removed_records_go_and_those_of_others_stay(tmp_path: Path) -> None:
    old = written(tmp_path, "2026-10-01", "Old. ")
    both = written(tmp_path, "2026-11-22", "New. ")
    pruned = prune(tmp_path, 30, TODAY)
    assert (pruned.records, pruned.objects) == (1, len(objects_lost := both - objects(tmp_path)))
    assert objects_lost < old
    assert pruned.bytes > 1000
    (record,) = Records(tmp_path).each()
    assert record["conversation"]["system"]  # type: ignore[index, call-overload]  # its object is there
    assert Records(tmp_path).request_body(record) == anthropic_body(system="New. " * 80)


def test_a_compressed_file_counts_as_well(tmp_path: Path) -> None:
    found = written(tmp_path, "2026-11-22", "New. ")
    compress(tmp_path / "2026-11-22.jsonl")
    assert prune(tmp_path, 0, TODAY).objects == 0
    assert objects(tmp_path) == found


def test_what_is_young_may_be_about_to_be_named(tmp_path: Path) -> None:
    path = Objects(tmp_path / "objects").path(Objects(tmp_path / "objects").put(b"[1]"))
    assert prune(tmp_path, 0, TODAY).objects == 0
    age(path)
    assert prune(tmp_path, 0, TODAY).objects == 1
    assert not path.exists()


def test_a_writer_that_has_stored_an_object_before_makes_it_young_again(tmp_path: Path) -> None:
    """And writes it anew where it is gone: whatever it remembers of an object proves nothing."""
    store = Objects(tmp_path / "objects")
    path = store.path(store.put(b"[1]"))
    age(path)
    store.put(b"[1]")
    assert prune(tmp_path, 0, TODAY).objects == 0
    path.unlink()
    store.put(b"[1]")
    assert path.read_bytes() == b"[1]"


def test_an_object_that_becomes_young_meanwhile_stays(tmp_path: Path) -> None:
    store = Objects(tmp_path / "objects")
    path = store.path(store.put(b"[1]"))
    age(path)
    moments = iter([time.time(), 0.0])  # at the second look it is young

    assert prune(tmp_path, 0, TODAY, lambda: next(moments)).objects == 0
    assert path.exists()


def test_a_file_that_cannot_be_read_keeps_all_objects(tmp_path: Path) -> None:
    found = written(tmp_path, "2026-11-22", "New. ")
    (tmp_path / "2026-11-22.jsonl").unlink()
    (tmp_path / "2026-11-22.jsonl").mkdir()
    with pytest.raises(OSError, match="directory"):
        prune(tmp_path, 0, TODAY)
    assert objects(tmp_path) == found


def test_a_dry_run_only_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = written(tmp_path, "2020-01-01", "Old. ")
    assert main(["log", "prune", "--dir", str(tmp_path), "--keep-days", "30", "--dry-run"]) == 0
    assert capsys.readouterr().out.startswith(f"to be removed: 1 files of records, {len(found)} objects")
    assert objects(tmp_path) == found
    assert main(["log", "prune", "--dir", str(tmp_path), "--keep-days", "30"]) == 0
    assert capsys.readouterr().out.startswith(f"removed: 1 files of records, {len(found)} objects")
    assert objects(tmp_path) == set()
    assert not (tmp_path / "2020-01-01.jsonl").exists()
