"""Files of records: names, turns, torn lines, compression."""

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import zstandard

from addons.records import files as records_files
from addons.records.files import Appender, compress, lines_of, name_of, record_files
from addons.records.objects import Objects

ROOT = Path(__file__).resolve().parents[3]
DAY, NEXT = date(2026, 11, 23), date(2026, 11, 24)


def appender(folder: Path, limit: int = 1000, *, packs: bool = False, keep_days: int = 0) -> Appender:
    return Appender(folder, limit, compress=packs, keep_days=keep_days)


def names(folder: Path) -> list[str]:
    return [file.path.name for file in record_files(folder)]


def lines(folder: Path) -> list[bytes]:
    return [line for file in record_files(folder) for line in lines_of(file.path)]


def test_a_day_has_a_file_and_a_large_day_more(tmp_path: Path) -> None:
    files = appender(tmp_path / "r", limit=25)
    for number in range(5):
        files.append(b"record %d..\n" % number, DAY)
    files.append(b"next day\n", NEXT)
    assert names(tmp_path / "r") == ["2026-11-23.jsonl", "2026-11-23.1.jsonl", "2026-11-23.2.jsonl", "2026-11-24.jsonl"]
    assert lines(tmp_path / "r") == [*(b"record %d.." % number for number in range(5)), b"next day"]


def test_ten_and_more_files_of_a_day_are_in_order(tmp_path: Path) -> None:
    for number in (10, 2, 0, 1):
        (tmp_path / name_of("2026-11-23", number)).touch()
    (tmp_path / "notes.txt").touch()
    assert [file.number for file in record_files(tmp_path)] == [0, 1, 2, 10]


def test_files_and_folder_are_for_their_owner_alone(tmp_path: Path) -> None:
    appender(tmp_path / "r").append(b"x\n", DAY)
    assert (tmp_path / "r").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "r" / "2026-11-23.jsonl").stat().st_mode & 0o777 == 0o600


def test_a_new_process_goes_on_in_the_last_file(tmp_path: Path) -> None:
    appender(tmp_path).append(b"one\n", DAY)
    appender(tmp_path).append(b"two\n", DAY)
    assert (tmp_path / "2026-11-23.jsonl").read_bytes() == b"one\ntwo\n"


def test_a_torn_line_is_ended_first(tmp_path: Path) -> None:
    (tmp_path / "2026-11-23.jsonl").write_bytes(b'{"whole":1}\n{"tor')
    files = appender(tmp_path)
    files.append(b"two\n", DAY)
    files.append(b"three\n", DAY)
    assert (tmp_path / "2026-11-23.jsonl").read_bytes() == b'{"whole":1}\n{"tor\ntwo\nthree\n'


def test_a_record_larger_than_the_limit_has_a_file_of_its_own(tmp_path: Path) -> None:
    files = appender(tmp_path, limit=10)
    for line in (b"x\n", b"y" * 50 + b"\n", b"z\n"):
        files.append(line, DAY)
    assert [path.read_bytes()[:1] for path in (file.path for file in record_files(tmp_path))] == [b"x", b"y", b"z"]


def test_a_disk_that_fills_within_a_line_costs_that_line_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = appender(tmp_path)
    files.append(b"one\n", DAY)
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:3]))
    with pytest.raises(OSError, match="No space"):
        files.append(b"second\n", DAY)
    monkeypatch.setattr(os, "write", write)
    files.append(b"three\n", DAY)
    assert (tmp_path / "2026-11-23.jsonl").read_bytes() == b"one\nsec\nthree\n"


def test_files_that_are_done_are_compressed_and_read_as_before(tmp_path: Path) -> None:
    files = appender(tmp_path, limit=12, packs=True)
    for number in range(3):
        files.append(b"record %d\n" % number, DAY)
    files.tidy(DAY)
    assert names(tmp_path) == ["2026-11-23.jsonl.zst", "2026-11-23.1.jsonl.zst", "2026-11-23.2.jsonl"]
    assert lines(tmp_path) == [b"record 0", b"record 1", b"record 2"]
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}


def test_nothing_is_compressed_where_nobody_asks_for_it(tmp_path: Path) -> None:
    files = appender(tmp_path, limit=1)
    for number in range(3):
        files.append(b"record %d\n" % number, DAY)
    files.tidy(DAY)
    assert all(name.endswith(".jsonl") for name in names(tmp_path))


def test_a_file_that_somebody_writes_is_not_compressed(tmp_path: Path) -> None:
    other = appender(tmp_path)
    other.append(b"x\n", DAY)
    assert not compress(tmp_path / "2026-11-23.jsonl")
    other.close()
    assert compress(tmp_path / "2026-11-23.jsonl")


def test_a_process_does_not_go_on_in_a_compressed_file(tmp_path: Path) -> None:
    (tmp_path / "2026-11-23.jsonl").write_bytes(b"one\n")
    compress(tmp_path / "2026-11-23.jsonl")
    appender(tmp_path).append(b"two\n", DAY)
    assert names(tmp_path) == ["2026-11-23.jsonl.zst", "2026-11-23.1.jsonl"]


def test_old_files_go_after_their_days(tmp_path: Path) -> None:
    for day in ("2026-11-20", "2026-11-21", "2026-11-22"):
        (tmp_path / f"{day}.jsonl").write_bytes(b"x\n")
    files = appender(tmp_path, keep_days=2)
    files.append(b"x\n", DAY)
    files.tidy(DAY)
    assert names(tmp_path) == ["2026-11-21.jsonl", "2026-11-22.jsonl", "2026-11-23.jsonl"]


def named_on(folder: Path, day: date) -> Path:
    """An object that was last named by a record of that day."""
    objects = Objects(folder / "objects")
    path = objects.path(objects.put(b"%a" % day.isoformat()))
    noon = datetime(day.year, day.month, day.day, 12).timestamp()
    os.utime(path, (noon, noon))
    return path


def test_objects_go_with_the_last_record_that_named_them(tmp_path: Path) -> None:
    old, kept, new = (named_on(tmp_path, DAY - timedelta(days=days)) for days in (9, 3, 0))
    for days in (9, 3):
        (tmp_path / name_of((DAY - timedelta(days=days)).isoformat(), 0)).write_bytes(b"x\n")
    files = appender(tmp_path, keep_days=4)
    files.append(b"x\n", DAY)
    files.tidy(DAY)
    assert [path.exists() for path in (old, kept, new)] == [False, True, True]


def test_objects_of_a_record_that_is_still_there_stay_however_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may be packing it, or it could not be removed."""
    path = named_on(tmp_path, DAY - timedelta(days=9))
    (tmp_path / name_of((DAY - timedelta(days=9)).isoformat(), 0)).write_bytes(b"x\n")
    monkeypatch.setattr(Path, "unlink", lambda *_, **__: None)
    files = appender(tmp_path, keep_days=4)
    files.append(b"x\n", DAY)
    files.tidy(DAY)
    assert path.exists()


def test_where_records_are_kept_for_good_objects_are_too(tmp_path: Path) -> None:
    """Somebody may have put the files elsewhere."""
    path = named_on(tmp_path, DAY - timedelta(days=900))
    files = appender(tmp_path)
    files.append(b"x\n", DAY)
    files.tidy(DAY)
    assert path.exists()


def test_a_crash_between_compressing_and_deleting_doubles_nothing(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-22.jsonl"
    path.write_bytes(b"one\n")
    compress(path)
    path.write_bytes(b"one\n")
    assert lines(tmp_path) == [b"one"]


def test_a_compressed_file_that_is_cut_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-22.jsonl.zst"
    text = b"".join(os.urandom(40).hex().encode() + b"\n" for _ in range(20_000))
    packed = zstandard.compress(text)
    path.write_bytes(packed[: len(packed) // 2])
    found = list(lines_of(path))
    assert 100 < len(found) < 20_000
    assert found[:100] == text.split(b"\n")[:100]


@pytest.mark.parametrize(
    "spoil", [lambda path: path.write_text("a file"), lambda path: path.symlink_to("/nowhere/at/all")]
)
def test_a_folder_that_cannot_be_used_is_told(spoil: Callable[[Path], object], tmp_path: Path) -> None:
    spoil(tmp_path / "r")
    with pytest.raises(OSError, match="r"):
        appender(tmp_path / "r").append(b"x\n", DAY)


def test_there_are_no_files_where_there_is_no_folder(tmp_path: Path) -> None:
    assert record_files(tmp_path / "none") == []


# --- several processes ---


def test_a_file_that_others_write_too_is_full_when_it_is_full(tmp_path: Path) -> None:
    one, other = appender(tmp_path, limit=25), appender(tmp_path, limit=25)
    for number in range(3):
        one.append(b"one %d....\n" % number, DAY)
        other.append(b"other %d..\n" % number, DAY)
    assert names(tmp_path) == ["2026-11-23.jsonl", "2026-11-23.1.jsonl", "2026-11-23.2.jsonl"]
    assert [line.split()[0] for line in lines(tmp_path)] == [b"one", b"other"] * 3


def test_a_line_that_another_process_left_torn_is_ended(tmp_path: Path) -> None:
    files = appender(tmp_path)
    files.append(b"one\n", DAY)
    with (tmp_path / "2026-11-23.jsonl").open("ab") as file:
        file.write(b'{"tor')
    files.append(b"two\n", DAY)
    assert lines(tmp_path) == [b"one", b'{"tor', b"two"]


def test_a_file_that_is_being_compressed_is_not_begun_again(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-23.jsonl"
    path.write_bytes(b"old\n")
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        appender(tmp_path).append(b"new\n", DAY)
    assert names(tmp_path) == ["2026-11-23.jsonl", "2026-11-23.1.jsonl"]
    assert lines(tmp_path) == [b"old", b"new"]


@pytest.mark.parametrize("step", ["record_files", "_size_of"])
def test_a_file_that_was_compressed_a_moment_ago_is_not_begun_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Right after the folder was looked at, or the file: an empty one would hide what is compressed."""
    path = tmp_path / "2026-11-23.jsonl"
    path.write_bytes(b"old\n")
    look = getattr(records_files, step)

    def look_and_compress(*arguments: object) -> object:
        seen = look(*arguments)
        compress(path)
        return seen

    with monkeypatch.context() as patch:
        patch.setattr(records_files, step, look_and_compress)
        appender(tmp_path).append(b"new\n", DAY)
    assert names(tmp_path) == ["2026-11-23.jsonl.zst", "2026-11-23.1.jsonl"]
    assert lines(tmp_path) == [b"old", b"new"]


def test_a_file_that_another_process_has_compressed_is_none_to_compress(tmp_path: Path) -> None:
    assert compress(tmp_path / "2026-11-23.jsonl") is False


def test_records_of_several_processes_are_whole(tmp_path: Path) -> None:
    """They go to the same files, which are turned and compressed meanwhile."""
    program = (
        "import sys; from datetime import date; from pathlib import Path; from addons.records.files import Appender\n"
        "files = Appender(Path(sys.argv[1]), 200_000, compress=True, keep_days=0)\n"
        "for i in range(300):\n"
        "    files.append(b'{\"%s%d\": \"%s\"}\\n' % (sys.argv[2].encode(), i, b'x' * 3000), date(2026, 11, 23))\n"
        "    files.tidy(date(2026, 11, 23))\n"
    )
    writers = [
        subprocess.Popen([sys.executable, "-P", "-c", program, str(tmp_path), name], env={"PYTHONPATH": str(ROOT)})
        for name in "ab"
    ]
    assert [each.wait(60) for each in writers] == [0, 0]
    found = [next(iter(json.loads(line))) for line in lines(tmp_path)]
    assert sorted(found) == sorted(f"{name}{i}" for name in "ab" for i in range(300))
    for name in "ab":
        own = [each for each in found if each.startswith(name)]
        assert own == sorted(own, key=lambda each: int(each[1:])), "in the order of writing"
