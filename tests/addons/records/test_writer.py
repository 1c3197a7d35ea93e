"""The writer's thread: order, limits, trouble with the disk, and death at any moment."""

import errno
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path

import pytest

from addons.records import writer
from addons.records.facts import Facts
from addons.records.files import lines_of, record_files
from addons.records.reader import Records
from addons.records.record import RecordMaker
from addons.records.writer import Writer
from addons.redact import Redactor
from tests.addons.records.samples import exchange, maker

ROOT = Path(__file__).resolve().parents[3]
DAY = date(2026, 11, 23)


class Sink:
    """Keeps lines. wait: not set while it is stuck. error, untidy: what it raises instead of keeping one, and of tidying up."""

    def __init__(self, name: str = "records") -> None:
        self.name = name
        self.lines: list[bytes] = []
        self.wait = threading.Event()
        self.wait.set()
        self.error: Exception | None = None
        self.untidy: OSError | None = None
        self.closed = self.tidied = self.writes = 0

    def extend(self, lines: Sequence[bytes], today: date) -> None:
        self.wait.wait(10)
        if self.error is not None:
            raise self.error
        self.writes += 1
        self.lines += lines

    def tidy(self, today: date) -> None:
        self.tidied += 1
        if self.untidy is not None:
            raise self.untidy

    def close(self) -> None:
        self.closed += 1

    @property
    def ids(self) -> list[int]:
        return [int(json.loads(line)["id"].removeprefix("req_"), 16) for line in self.lines]


class Rig:
    def __init__(
        self, folder: Path, *, queue_bytes: int = 1 << 20, make: Callable[[], RecordMaker] | None = None
    ) -> None:
        self.sink, self.other, self.said = Sink(), Sink("transcripts"), list[str]()
        self.writer = Writer(
            make or (lambda: maker(folder)),
            [self.sink, self.other],
            self.said.append,
            self.said.append,
            queue_bytes=queue_bytes,
            today=lambda: DAY,
        )
        self.writer.start()


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path)
    yield made
    made.sink.wait.set()
    made.writer.close(5)


def test_records_are_written_in_order(rig: Rig) -> None:
    assert all(rig.writer.put(exchange(number)) for number in range(20))
    assert rig.writer.wait(5)
    assert rig.sink.ids == list(range(20))
    assert (rig.writer.counts.written, rig.writer.counts.dropped, rig.said) == (20, 0, [])
    assert rig.writer.counts.cpu > 0


def test_the_end_writes_what_waits(rig: Rig) -> None:
    rig.sink.wait.clear()
    for number in range(5):
        rig.writer.put(exchange(number))
    threading.Timer(0.1, rig.sink.wait.set).start()
    rig.writer.close(5)
    assert rig.sink.ids == list(range(5))
    assert rig.sink.closed == 1
    assert not rig.writer.put(exchange(9))


def test_exchanges_that_end_one_after_the_other_are_written_together(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first at once, those behind it after a moment."""
    monkeypatch.setattr(writer, "GATHER_SECONDS", 0.3)
    began = time.monotonic()
    rig.writer.put(exchange(0))
    assert rig.writer.wait(5)
    assert time.monotonic() - began < 0.25
    for number in range(1, 9):
        rig.writer.put(exchange(number))
        time.sleep(0.01)
    assert rig.writer.wait(5)
    assert rig.sink.ids == list(range(9))
    assert rig.sink.writes == 2
    rig.writer.put(exchange(9))
    rig.writer.close(0.25)  # the end waits for no more
    assert rig.sink.ids[-1] == 9


def test_what_is_written_together_has_a_limit(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_TOGETHER", 2 * exchange().size)
    rig.sink.wait.clear()
    for number in range(9):
        rig.writer.put(exchange(number))
    rig.sink.wait.set()
    assert rig.writer.wait(5)
    assert rig.sink.ids == list(range(9))
    assert 5 <= rig.sink.writes <= 6


def test_the_end_does_not_wait_for_ever(rig: Rig) -> None:
    rig.sink.wait.clear()
    for number in range(3):
        rig.writer.put(exchange(number))
    began = time.monotonic()
    rig.writer.close(0.2)
    assert time.monotonic() - began < 2
    assert "could not be written within 0.2 s" in rig.said[-1]


def test_a_full_queue_costs_records_and_blocks_nobody(tmp_path: Path) -> None:
    rig = Rig(tmp_path, queue_bytes=3 * exchange().size)
    rig.sink.wait.clear()
    began = time.monotonic()
    taken = [rig.writer.put(exchange(number)) for number in range(50)]
    assert time.monotonic() - began < 2
    assert taken.count(True) == 3
    assert rig.writer.counts.dropped == 47
    assert len(rig.said) == 1
    rig.sink.wait.set()
    assert rig.writer.wait(5)
    assert rig.writer.put(exchange(99))
    rig.writer.close(5)
    assert rig.sink.ids[-1] == 99
    assert len(rig.said) == 2
    assert "47 were left out" in rig.said[1]


def test_one_record_larger_than_the_queue_is_written_all_the_same(tmp_path: Path) -> None:
    rig = Rig(tmp_path, queue_bytes=10)
    assert rig.writer.put(exchange(1))
    rig.writer.close(5)
    assert rig.sink.ids == [1]


def test_a_full_disk_is_said_once_and_once_when_it_is_over(rig: Rig) -> None:
    rig.sink.error = OSError(errno.ENOSPC, "No space left on device")
    for number in range(5):
        assert rig.writer.put(exchange(number))
    assert rig.writer.wait(5)
    assert rig.said == ["records cannot be written (No space left on device); requests go on without"]
    rig.sink.error = None
    rig.writer.put(exchange(9))
    assert rig.writer.wait(5)
    assert rig.sink.ids == [9]
    assert rig.said[1:] == ["records: they can be written again; 5 were lost"]
    assert rig.writer.counts.dropped == 5


def test_each_sink_is_on_its_own(rig: Rig) -> None:
    """One that fails stops no other; it is warned of once, and recovers by itself."""
    rig.sink.error = OSError(errno.EACCES, "Permission denied")
    rig.other.error = OSError(errno.ENOSPC, "No space left on device")
    rig.writer.put(exchange(1))
    assert rig.writer.wait(5)
    rig.other.error = None
    for number in (2, 3):
        rig.writer.put(exchange(number))
    assert rig.writer.wait(5)
    rig.sink.error, rig.other.error = None, OSError(errno.EIO, "Input/output error")
    rig.writer.put(exchange(4))
    assert rig.writer.wait(5)
    assert (rig.sink.ids, rig.other.ids) == ([4], [2, 3])
    assert rig.said == [
        "records cannot be written (Permission denied); requests go on without",
        "transcripts cannot be written (No space left on device); requests go on without",
        "transcripts: they can be written again; 1 were lost",
        "records: they can be written again; 3 were lost",
        "transcripts cannot be written (Input/output error); requests go on without",
    ]
    assert (rig.writer.counts.written, rig.writer.counts.dropped) == (0, 4)


def test_a_fault_of_ours_in_one_sink_stops_no_other(rig: Rig) -> None:
    rig.sink.error = KeyError("secret words")
    rig.writer.put(exchange(1))
    assert rig.writer.wait(5)
    assert rig.other.ids == [1]
    assert rig.said == ["records cannot be written (KeyError)"]


def test_files_that_cannot_be_tidied_are_told_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_TIDY_SECONDS", 0.01)
    rig.sink.untidy = OSError(errno.EACCES, "Permission denied")
    rig.writer.put(exchange(1))
    deadline = time.monotonic() + 5
    while rig.other.tidied < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert rig.other.tidied >= 3
    assert rig.said == ["records: old files cannot be tidied up (Permission denied)"]


def test_old_files_are_seen_to_after_the_first_record_and_once_a_minute_then(rig: Rig) -> None:
    rig.writer.put(exchange(0))
    deadline = time.monotonic() + 5
    while not rig.other.tidied and time.monotonic() < deadline:
        time.sleep(0.01)
    for number in range(1, 5):
        rig.writer.put(exchange(number))
        assert rig.writer.wait(5)
    rig.writer.close(5)
    assert rig.other.tidied == 1


def test_where_objects_cannot_be_stored_the_record_holds_all_itself(tmp_path: Path) -> None:
    (tmp_path / "objects").write_text("a file")
    rig = Rig(tmp_path)
    rig.writer.put(exchange(1))
    assert rig.writer.wait(5)
    (tmp_path / "objects").unlink()
    rig.writer.put(exchange(2))
    rig.writer.close(5)
    own, stored = (json.loads(line) for line in rig.sink.lines)
    assert [part["text"] for part in own["conversation"]["system"]] == ["Be brief. " * 80]
    assert own["request"]["body"] == {"text": exchange(1).body.decode()}
    assert stored["conversation"]["system"].keys() == {"ref"}
    assert rig.said == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_file_that_may_not_grow_is_a_full_disk(tmp_path: Path) -> None:
    """The real thing: the system refuses to write more, in a process of its own."""
    script = (
        "import resource, signal, sys; from pathlib import Path; from datetime import date\n"
        "from addons.records.files import Appender; from addons.records.writer import Writer\n"
        "from tests.addons.records.samples import exchange, maker\n"
        "folder = Path(sys.argv[1]); said = []\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "writer = Writer(lambda: maker(folder), [Appender(folder, 1 << 30, compress=False, keep_days=0)], said.append, said.append)\n"
        "writer.start(); writer.put(exchange(1)); assert writer.wait(10)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))\n"
        "[writer.put(exchange(n)) for n in range(2, 6)]; assert writer.wait(10)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))\n"
        "writer.put(exchange(6)); writer.close(10); print(len(said), writer.counts.dropped)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    warnings, dropped = map(int, ran.stdout.split())
    records = Records(tmp_path)
    assert warnings == 2
    assert 1 <= dropped <= 4
    assert [record["id"] for record in records.each()][-1] == exchange(6).id


def test_a_fault_of_ours_costs_that_record_alone(tmp_path: Path) -> None:
    class Faulty(RecordMaker):
        def line(self, facts: Facts) -> bytes:
            if facts.id == exchange(2).id:
                raise KeyError("secret words")
            return super().line(facts)

    rig = Rig(tmp_path, make=lambda: Faulty(Redactor(), None, b"x" * 16))
    for number in (1, 2, 3):
        rig.writer.put(exchange(number))
    rig.writer.close(5)
    assert rig.sink.ids == [1, 3]
    assert rig.said == [f"records: {exchange(2).id} cannot be recorded (KeyError)"]
    assert rig.writer.counts.failed == 1


CHILD = """
import sys
from pathlib import Path
from addons.records.files import Appender
from addons.records.writer import Writer
from tests.addons.records.samples import exchange, maker
folder = Path(sys.argv[1])
writer = Writer(lambda: maker(folder), [Appender(folder, 200_000, compress=True, keep_days=0)], print, print)
writer.start()
number = int(sys.argv[2])
while True:
    writer.put(exchange(number))
    writer.wait(10)
    print(number, flush=True)
    number += 1
"""


@pytest.mark.parametrize("rounds", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_at_any_moment_at_most_the_last_line_is_torn(rounds: int, tmp_path: Path) -> None:
    """What was said to be written is there."""
    chance, number, whole = random.Random(20261123), 0, 0
    for died in range(1, rounds + 1):
        with subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        ) as child:
            assert child.stdout is not None
            child.stdout.readline()  # it is writing
            time.sleep(chance.random() * 0.3)
            child.send_signal(signal.SIGKILL)
            said = [int(line) for line in child.stdout.read().split(b"\n") if line.strip()]
        number = (said[-1] if said else number) + 2
        records = Records(tmp_path)
        found = [int(str(record["id"]).removeprefix("req_"), 16) for record in records.each()]
        assert records.torn <= died
        assert set(said) <= set(found)
        assert len(found) == len(set(found))
        assert len(found) >= whole + len(said)
        whole = len(found)
    for file in record_files(tmp_path):
        assert sum(1 for _ in lines_of(file.path)) > 0
