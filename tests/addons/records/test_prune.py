"""What no record needs any more goes, and nothing else, also while somebody writes."""

import os
import time
from datetime import date
from itertools import chain, repeat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from addons.cli import main
from addons.records import objects as store_module
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
    """And writes it anew where it is gone: what it remembers of an object counts as long as nobody removes it."""
    store, then = Objects(tmp_path / "objects"), time.time() - GRACE - 60
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: then)
        path = store.path(store.put(b"[1]"))
    age(path)
    store.put(b"[1]")
    assert prune(tmp_path, 0, TODAY).objects == 0
    age(path)
    assert prune(tmp_path, 0, TODAY, lambda: time.time() + GRACE).objects == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(time, "time", lambda: then + 2 * GRACE + 120)
        store.put(b"[1]")
    assert path.read_bytes() == b"[1]"


class World:
    """Two processes that write records, and whoever removes; time is what is told here."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.now, self.awake = folder, 1_795_400_000.0, 5.0
        self.stores = [Objects(folder / "objects") for _ in range(2)]
        self.file = folder / "2026-11-22.jsonl"
        self.file.write_text("")
        utime = os.utime

        def write(place: str, content: bytes) -> None:
            Path(place).write_bytes(content)
            utime(place, (self.now, self.now))

        patch.setattr(time, "time", lambda: self.now)
        patch.setattr(time, "monotonic", lambda: self.awake)
        patch.setattr(store_module, "write_whole", write)
        patch.setattr(os, "utime", lambda path: utime(path, (self.now, self.now)))

    def do(self, what: str, number: int) -> None:
        match what:
            case "record":  # somebody removes what is old after it named its object, and before it is written
                name = self.stores[number % 2].put(b"[%d]" % (number // 2 % 2))
                self.pass_(GRACE / 4 if number >= 50 else 1)
                prune(self.folder, 0, TODAY, lambda: self.now)
                with self.file.open("a") as file:
                    file.write(f'{{"ref":"{name}"}}\n')
            case "prune":
                prune(self.folder, 0, TODAY, lambda: self.now)
            case "rotate":
                self.file.write_text("")
            case "wait":
                self.pass_(GRACE / 16 * (number % 40))
            case "sleep":
                self.now += GRACE / 16 * (number % 40)
            case "clock":  # it is set, and not again at once
                self.now += GRACE * (number - 50)
                self.pass_(GRACE / 4)

    def pass_(self, seconds: float) -> None:
        self.now += seconds
        self.awake += seconds

    def check(self) -> None:
        for line in self.file.read_text().splitlines():
            Objects(self.folder / "objects").get(line[8:-2])


WORDS = st.sampled_from(["record", "record", "record", "prune", "rotate", "wait", "sleep", "clock"])


@given(st.lists(st.tuples(WORDS, st.integers(0, 99)), max_size=20))
@example([("record", 2), *[("record", 0)] * 3, ("rotate", 0), ("record", 0), ("clock", 0), ("record", 2)])
@example([("record", 0), ("sleep", 39), ("rotate", 0), ("record", 0)])
@settings(max_examples=200)
def test_no_record_names_an_object_that_is_removed(steps: list[tuple[str, int]]) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        world = World(Path(folder), patch)
        for what, number in steps:
            world.do(what, number)
            world.check()


def test_an_object_that_becomes_young_meanwhile_stays(tmp_path: Path) -> None:
    store = Objects(tmp_path / "objects")
    path = store.path(store.put(b"[1]"))
    age(path)
    moments = chain([time.time()], repeat(0.0))  # at the second look it is young

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
