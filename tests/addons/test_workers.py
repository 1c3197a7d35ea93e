"""The parent of several processes, with children that do next to nothing."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from addons.workers import EARLY_SECONDS, LONGEST_PAUSE, MOST_EARLY, Restarts, hold_port, refusal

ROOT = Path(__file__).resolve().parents[2]
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="several processes share a port on Linux alone")
# `work` is put in; what it prints is looked at. Nothing is patched but the pauses.
PROGRAM = """
import os, signal, sys, time
from addons import workers
from addons.worker import this_worker

workers.FIRST_PAUSE, workers.LONGEST_PAUSE = 0.01, 0.02

def up():
    me = this_worker()
    me.board.set_up(me.number)
    return me

def say(text):
    os.write(1, f"{text}\\n".encode())  # at once, and whole

{work}

with workers.hold_port("127.0.0.1", 0) as held:
    sys.exit(workers.run_workers(2, held, work))
"""


def start(work: str, tmp_path: Path) -> "subprocess.Popen[str]":
    program = PROGRAM.replace("{work}", textwrap.dedent(work))
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    return subprocess.Popen(
        [sys.executable, "-P", "-c", program],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def outcome(process: "subprocess.Popen[str]") -> tuple[int, list[str], list[str]]:
    """Exit status, sorted lines of stdout, lines of stderr."""
    out, err = process.communicate(timeout=30)
    return process.returncode, sorted(out.splitlines()), err.splitlines()


def lines(process: "subprocess.Popen[str]", count: int) -> list[str]:
    """The next ones, sorted."""
    assert process.stdout is not None
    return sorted(process.stdout.readline().strip() for _ in range(count))


def test_a_worker_that_ends_soon_again_and_again_waits_longer_and_at_last_is_given_up() -> None:
    restarts = Restarts()
    assert [restarts.pause(1.0) for _ in range(MOST_EARLY + 1)] == [0.5, 1.0, 2.0, 4.0, 8.0, None]
    assert max(Restarts(early).pause(0.0) or 0 for early in range(MOST_EARLY)) <= LONGEST_PAUSE


def test_one_that_has_served_is_started_at_once_and_begins_anew() -> None:
    restarts = Restarts(early=MOST_EARLY)
    assert restarts.pause(EARLY_SECONDS) == 0.0
    assert restarts.pause(1.0) == 0.5


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_only_linux_spreads_connections(platform: str) -> None:
    assert "workers = 2: here one port cannot be shared" in refusal(2, platform)
    assert refusal(1, platform) == refusal(2, "linux") == ""


@on_linux
def test_a_held_port_is_free_for_those_who_share_it_alone() -> None:
    with hold_port("127.0.0.1", 0) as held, socket.socket() as other, hold_port(*held.getsockname()):
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(ConnectionRefusedError):  # nobody listens
            socket.create_connection(held.getsockname())


@on_linux
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_each_worker_is_told_to_end_and_the_folder_goes(tmp_path: Path, signum: signal.Signals) -> None:
    work = """
    def work():
        def told(signum, frame):
            say(f"told {signum}")
            sys.exit(0)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, told)
        me = up()
        say(f"worker {me.number} of {me.count}, {me.folder.stat().st_mode & 0o777:o}")
        time.sleep(30)
    """
    process = start(work, tmp_path)
    assert lines(process, 2) == ["worker 1 of 2, 700", "worker 2 of 2, 700"]
    process.send_signal(signum)
    assert outcome(process) == (0, [f"told {signum.value}"] * 2, [])
    assert list(tmp_path.iterdir()) == []


@on_linux
def test_one_that_dies_is_started_again_under_its_number(tmp_path: Path) -> None:
    work = """
    def work():
        me = up()
        again = (me.folder / str(me.number)).exists()
        (me.folder / str(me.number)).touch()
        say(f"{me.number} {'again' if again else 'first'}")
        while not me.board.all_up:
            time.sleep(0.01)
        if me.number == 2 and not again:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(30)
    """
    process = start(work, tmp_path)
    assert lines(process, 3) == ["1 first", "2 again", "2 first"]
    process.send_signal(signal.SIGTERM)
    assert outcome(process) == (
        0,
        [],
        ["aiclient: worker 2 ended (killed by SIGKILL); it is started again in 0.01 s"],
    )


@on_linux
def test_one_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    work = """
    fork, tried = os.fork, []

    def full_at_first():
        tried.append(1)
        if len(tried) == 1:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return fork()

    os.fork = full_at_first

    def work():
        me = up()
        say(me.number)
        time.sleep(30)
    """
    process = start(work, tmp_path)
    assert lines(process, 2) == ["1", "2"]
    process.send_signal(signal.SIGTERM)
    said = ["aiclient: worker 1 cannot be started (Resource temporarily unavailable); it is tried again"]
    assert outcome(process) == (0, [], said)


@on_linux
def test_one_that_always_dies_soon_ends_them_all(tmp_path: Path) -> None:
    work = """
    def work():
        me = up()
        while not me.board.all_up:
            time.sleep(0.01)
        if me.number == 2:
            sys.exit(3)
        time.sleep(30)
    """
    status, _, said = outcome(start(work, tmp_path))
    assert status == 1
    assert said[-1] == f"aiclient: worker 2 ended (status 3) for the {MOST_EARLY + 1}th time in a row; giving up"
    assert len(said) == MOST_EARLY + 1


@on_linux
def test_one_that_cannot_start_ends_all_with_its_status_and_its_words_alone(tmp_path: Path) -> None:
    work = """
    def work():
        if this_worker().number == 2:
            print("no such option", file=sys.stderr)
            sys.exit(4)
        up()
        time.sleep(30)
    """
    assert outcome(start(work, tmp_path)) == (4, [], ["no such option"])


@on_linux
def test_one_that_fails_while_it_ends_is_seen_in_the_status(tmp_path: Path) -> None:
    work = """
    def work():
        me = up()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(5 if me.number == 1 else 0))
        say("up")
        time.sleep(30)
    """
    process = start(work, tmp_path)
    lines(process, 2)
    process.send_signal(signal.SIGTERM)
    assert outcome(process)[0] == 1


@on_linux
def test_a_worker_whose_parent_was_killed_ends_and_takes_the_folder_along(tmp_path: Path) -> None:
    work = """
    def work():
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        up()
        say("up")
        time.sleep(30)
    """
    process = start(work, tmp_path)
    lines(process, 2)
    process.kill()
    assert outcome(process)[0] == -signal.SIGKILL  # after the workers, who have its stdout too
    assert list(tmp_path.iterdir()) == []
