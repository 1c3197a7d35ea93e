"""The file of the slots' states: between starts, and between processes."""
# ruff: noqa: ASYNC240 (small files, and nobody waits)

import asyncio
import json
import random
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from creds import pool, pool_state
from creds.lock_file import LockFile
from creds.pool_outcome import SUCCESS, Outcome, report
from creds.pool_state import FORGOTTEN, Change, PoolState
from creds.slot import FRESH, Rest, Slot, SlotState, Stop
from tests.creds.disk import is_there, mode_of, put, text_of, written

A, B = Slot("p", "p:a", mark="1"), Slot("p", "p:b", mark="1")
NOW = 1_000_000.0
ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, os, sys, time
from pathlib import Path
from creds.lock_file import LockFile
from creds.pool_outcome import Outcome, report
from creds.pool_state import PoolState
from creds.slot import Slot

async def main(path, count):
    lock = LockFile(path.with_suffix(".lock"), stale=1.0, first_wait=0.005, longest_wait=0.02, attempts=1000, beat=0.2)
    states = PoolState(path, lock=lock)
    states.use([Slot("p", "p:a", mark="1")])
    print("ready", flush=True)
    for number in range(count):
        now, model = time.time(), f"{os.getpid()}-{number}"
        states.change("p:a", lambda state, now=now: report(state, Outcome("server", now, wait=0.0), now, 0.0))
        full = Outcome("overloaded", now, model, of_model=True, wait=60.0)
        states.change("p:a", lambda state, now=now, full=full: report(state, full, now, 0.0))
        assert await states.save(), states.warning
        if number == 0:
            print("saved", flush=True)

asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "pool.json"


def opened(path: Path, *slots: Slot, now: float = NOW) -> PoolState:
    states = PoolState(path, lambda: now, LockFile(path.with_suffix(".lock"), first_wait=0.001, longest_wait=0.01))
    states.use(slots or (A, B))
    return states


def refused(wait: float, at: float = NOW) -> Change:
    return lambda state: report(state, Outcome("rate_limit", at, wait=wait, reason="slow", exchange="req_1"), at, 0.5)


def stopped(state: SlotState) -> SlotState:
    return report(state, Outcome("forbidden", NOW, reason="suspended"), NOW, 0.5)


async def test_cooldowns_and_stops_survive_a_restart(path: Path) -> None:
    before = opened(path)
    before.change("p:a", refused(60.0))
    before.change("p:a", lambda state: replace(state, models={"m": Rest(NOW + 5, NOW, "overloaded")}))
    before.change("p:b", stopped)
    assert await before.save()
    after = opened(path)
    assert after.states == {
        "p:a": SlotState(
            rest=Rest(NOW + 60, NOW, "rate_limit", "slow", "req_1", NOW + 60),
            models={"m": Rest(NOW + 5, NOW, "overloaded")},
        ),
        "p:b": SlotState(stop=Stop(NOW, "forbidden", "suspended")),
    }
    assert (after.warning, after.unsaved) == ("", False)


async def test_the_file_is_private_and_leaves_nothing_beside_it(path: Path) -> None:
    states = opened(path)
    states.change("p:a", refused(60.0))
    assert await states.save()
    assert (mode_of(path), mode_of(path.parent)) == (0o600, 0o700)
    assert [each.name for each in path.parent.iterdir()] == ["pool.json"]


async def test_without_a_file_all_are_well_and_none_is_made_before_there_is_something_to_say(path: Path) -> None:
    states = opened(path)
    assert (states.states, states.warning) == ({"p:a": FRESH, "p:b": FRESH}, "")
    states.change("p:a", lambda state: replace(state, in_flight=1, last_used=NOW, turn=3.0))
    assert not states.unsaved
    assert await states.save()
    assert not is_there(path.parent)


async def test_requests_in_flight_are_each_processs_own(path: Path) -> None:
    one, other = opened(path), opened(path)
    choice = pool.choose([A], one.states, pool.Asked("m"), NOW, 0.0)
    assert isinstance(choice, pool.Choice)
    one.change("p:a", lambda state: pool.lease(state, choice, NOW))
    one.change("p:a", refused(60.0))
    assert await one.save()
    other.look()
    assert (other.states["p:a"].in_flight, other.states["p:a"].last_used) == (0, NOW)
    other.change("p:a", pool.reset)
    assert await other.save()
    one.look()
    assert one.states["p:a"] == SlotState(in_flight=1, last_used=NOW)


async def test_a_probe_of_one_process_keeps_the_other_away(path: Path) -> None:
    one, other = opened(path, A), opened(path, A)
    one.change("p:a", refused(1.0, NOW - 10))
    assert await one.save()
    choice = pool.choose([A], one.states, pool.Asked("m"), NOW, 0.0)
    assert isinstance(choice, pool.Choice)
    one.change("p:a", lambda state: pool.lease(state, choice, NOW))
    assert one.unsaved
    assert await one.save()
    other.look()
    assert isinstance(pool.choose([A], other.states, pool.Asked("m"), NOW, 0.0), pool.Wait)


async def test_what_another_process_wrote_is_taken_over_and_what_is_ours_stays(path: Path) -> None:
    one, other = opened(path), opened(path)
    one.change("p:a", refused(60.0))
    other.change("p:b", refused(30.0))
    assert await one.save()
    other.look()
    assert other.states["p:a"].rest == one.states["p:a"].rest
    assert other.states["p:b"].failures == 1
    assert await other.save()
    one.look()
    assert one.states == other.states


async def test_changes_are_made_to_what_the_file_holds_by_then(path: Path) -> None:
    """Both count, though neither knew of the other's."""
    one, other = opened(path), opened(path)
    one.change("p:a", refused(5.0))
    other.change("p:a", refused(7.0, NOW + 1))
    assert await one.save()
    assert await other.save()
    assert (other.states["p:a"].failures, opened(path).states["p:a"].failures) == (2, 2)


async def test_a_change_during_a_save_is_saved_by_the_next(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    states = opened(path)
    states.change("p:a", refused(60.0))

    def meanwhile(target: Path, content: bytes) -> None:
        states.change("p:b", stopped)
        put(target, content.decode())

    monkeypatch.setattr(pool_state, "write_private", meanwhile)
    assert await states.save()
    assert states.unsaved
    assert states.states["p:b"].stop
    monkeypatch.undo()
    assert await states.save()
    assert opened(path).states["p:b"].stop


async def test_a_file_that_is_gone_means_that_all_are_well(path: Path) -> None:
    states = opened(path)
    states.change("p:a", refused(60.0))
    assert await states.save()
    path.unlink()
    states.look()
    assert states.states["p:a"] == FRESH


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"version": 2, "slots": {}}', '{"version": 1, "slots": []}', "[" * 100_000, "\x00\xff"],
)
async def test_a_damaged_file_is_empty_with_a_warning_and_is_replaced(path: Path, content: str) -> None:
    put(path, content)
    states = opened(path)
    assert states.warning == f"{path} is damaged, so the state of the accounts begins anew; it will be replaced"
    assert states.states.get("p:a", FRESH) == FRESH
    states.change("p:a", refused(60.0))
    assert await states.save()
    assert (states.warning, opened(path).states["p:a"].failures) == ("", 1)


@pytest.mark.parametrize(
    "entry",
    [
        5,
        {"mark": "1", "rest": {"until": "soon", "since": 1.0, "cause": "server"}},
        {"mark": "1", "rest": {"until": float("inf"), "since": 1.0, "cause": "server"}},
        {"mark": "1", "stop": {}},
        {"mark": "1", "models": {"m": None}},
    ],
)
async def test_an_entry_that_cannot_be_used_costs_no_other(path: Path, entry: object) -> None:
    good = {"mark": "1", "saved": NOW, "stop": {"since": 1, "cause": "forbidden", "more": "of a later version"}}
    put(path, json.dumps({"version": 1, "slots": {"p:a": entry, "p:b": good}}))
    states = opened(path)
    assert states.states == {"p:a": FRESH, "p:b": SlotState(stop=Stop(1.0, "forbidden"))}
    assert states.warning == f"{path}: what it says of p:a cannot be used, so that account counts as healthy"


async def test_a_damaged_file_does_not_take_away_what_is_in_memory(path: Path) -> None:
    states = opened(path)
    states.change("p:a", refused(60.0))
    assert await states.save()
    put(path, "{")
    states.look()
    assert states.states["p:a"].failures == 1
    assert "damaged" in states.warning
    states.change("p:b", stopped)
    assert await states.save()
    assert opened(path).states == states.states


async def test_states_of_other_slots_are_left_alone_until_nobody_has_had_them_for_long(path: Path) -> None:
    states = opened(path)
    states.change("p:b", stopped)
    assert await states.save()
    only = opened(path, A, now=NOW + FORGOTTEN - 1)
    assert only.states == {"p:a": FRESH}
    only.change("p:a", refused(60.0))
    assert await only.save()
    assert set(written(path)["slots"]) == {"p:a", "p:b"}
    later = opened(path, A, now=NOW + FORGOTTEN + 1)
    later.change("p:a", pool.reset)
    assert await later.save()
    assert set(written(path)["slots"]) == {"p:a"}


async def test_another_account_behind_a_label_begins_anew(path: Path) -> None:
    states = opened(path)
    states.change("p:a", stopped)
    states.change("p:b", stopped)
    assert await states.save()
    mended = replace(A, mark="2")
    assert opened(path, mended, B).states["p:a"] == FRESH
    states.use([mended, B])
    assert (states.states["p:a"], states.states["p:b"].stop is None) == (FRESH, False)


async def test_slots_that_stay_keep_their_state_when_others_go(path: Path) -> None:
    states = opened(path)
    states.change("p:a", lambda state: replace(state, in_flight=2))
    states.change("p:a", refused(60.0))
    states.change("p:b", stopped)
    states.use([A])
    assert (states.states["p:a"].in_flight, states.states["p:a"].failures) == (2, 1)
    assert set(states.states) == {"p:a"}
    assert await states.save()
    assert set(written(path)["slots"]) == {"p:a"}


async def test_a_file_that_cannot_be_written_costs_no_state_and_little_memory(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(target: Path, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pool_state, "write_private", full)
    states = opened(path)
    for moment in range(20):
        states.change("p:a", refused(1.0, NOW + moment))
        assert not await states.save()
    assert states.warning == f"the state of the accounts cannot be kept in {path}: No space left on device"
    assert states.states["p:a"].failures == 20
    assert len(states._pending) == 1
    monkeypatch.undo()
    assert await states.save()
    assert (states.warning, opened(path).states["p:a"].failures) == ("", 20)


async def test_a_lock_that_others_hold_is_a_warning(path: Path) -> None:
    put(path.with_suffix(".lock"), "another's")
    states = opened(path)
    states.change("p:a", refused(60.0))
    assert not await states.save()
    assert "held by another program" in states.warning
    path.with_suffix(".lock").unlink()
    assert await states.save()


async def test_the_lock_goes_after_the_file_is_whole_though_the_saving_is_given_up(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(target: Path, content: bytes) -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(go.wait(), loop).result()
        put(target, content.decode())

    monkeypatch.setattr(pool_state, "write_private", slow)
    states = opened(path)
    states.change("p:a", refused(60.0))
    task = asyncio.create_task(states.save())
    await begun.wait()
    task.cancel()
    await asyncio.wait([task], timeout=0.05)
    held = is_there(path.with_suffix(".lock"))
    go.set()  # before any assertion: the thread waits for it
    assert held
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not is_there(path.with_suffix(".lock"))
    assert written(path)["slots"]["p:a"]["rest"]


def started(path: Path, count: int) -> subprocess.Popen[bytes]:
    found = subprocess.Popen([sys.executable, "-c", PROGRAM, str(path), str(count)], cwd=ROOT, stdout=subprocess.PIPE)
    assert found.stdout
    assert found.stdout.readline() == b"ready\n"
    return found


async def test_two_processes_lose_no_change_of_each_other(path: Path) -> None:
    put(path, '{"version": 1, "slots": {}}')
    both = [started(path, 40), started(path, 40)]
    assert [each.wait(60) for each in both] == [0, 0]
    assert len(opened(path, A).states["p:a"].models) == 80


async def test_a_process_that_is_killed_leaves_a_whole_file_and_a_lock_that_ends(path: Path) -> None:
    put(path, '{"version": 1, "slots": {}}')
    chance, most = random.Random(5), 0
    for _ in range(6):
        victim = started(path, 100_000)
        assert victim.stdout
        assert victim.stdout.readline() == b"saved\n"
        await asyncio.sleep(chance.random() * 0.15)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        assert json.loads(text_of(path))["version"] == 1
        states = opened(path, A)
        assert states.warning == ""
        assert states.states["p:a"].failures > most
        most = states.states["p:a"].failures
    last = started(path, 1)
    assert last.wait(30) == 0
    assert opened(path, A).states["p:a"].failures == most + 1


async def test_success_after_a_restart_clears_what_was_kept(path: Path) -> None:
    states = opened(path)
    states.change("p:a", refused(5.0))
    assert await states.save()
    again = opened(path)
    again.change("p:a", lambda state: report(state, Outcome(SUCCESS, NOW + 9), NOW + 10, 0.5))
    assert await again.save()
    assert opened(path).states["p:a"] == FRESH
