"""The lock that Qwen Code, we, and several of us share."""
# ruff: noqa: ASYNC240 (small files, and nobody waits)

import asyncio
import os
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from creds import lock_file
from creds.lock_file import LockFile
from creds.token import Unavailable


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "oauth_creds.lock"


def counting(waits: list[float], then: Callable[[], None] = lambda: None) -> LockFile:
    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        then()
        await asyncio.sleep(0)

    return LockFile(Path("unset"), sleep=sleep, chance=lambda: 0.5)


async def test_a_held_lock_is_a_private_file_with_a_uuid_and_goes_afterwards(path: Path) -> None:
    async with LockFile(path).held():
        assert uuid.UUID(path.read_text()).version == 4
        assert path.stat().st_mode & 0o777 == 0o600
    assert not path.exists()


async def test_it_goes_also_after_an_error_and_a_cancellation(path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        async with LockFile(path).held():
            raise ZeroDivisionError
    assert not path.exists()

    async def hold() -> None:
        async with LockFile(path).held():
            await asyncio.Event().wait()

    task = asyncio.create_task(hold())
    await asyncio.sleep(0)
    assert path.exists()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not path.exists()


async def test_who_waits_gets_it_when_it_is_free(path: Path) -> None:
    path.write_text("qwen-code's")
    waits: list[float] = []

    def leave() -> None:
        if len(waits) == 3:
            path.unlink()

    async with replace(counting(waits, leave), path=path).held():
        assert path.read_text() != "qwen-code's"
    assert len(waits) == 3


async def test_waits_grow_from_a_tenth_of_a_second_to_two_and_end(path: Path) -> None:
    path.write_text("somebody's")
    waits: list[float] = []
    with pytest.raises(Unavailable, match=r"oauth_creds\.lock is held by another program"):
        async with replace(counting(waits), path=path).held():
            pytest.fail("held twice")
    assert len(waits) == 19
    assert waits[0] == 0.1
    assert waits == sorted(waits)
    assert waits[-1] == 2.0
    assert path.read_text() == "somebody's"


async def test_waits_are_not_in_step_with_others(path: Path) -> None:
    path.write_text("somebody's")
    waits: list[float] = []
    chances = iter([0.0, 0.999])
    lock = replace(counting(waits), path=path, attempts=3, chance=lambda: next(chances))
    with pytest.raises(Unavailable):
        async with lock.held():
            pass
    assert waits == pytest.approx([0.05, 0.15 * 1.499])


async def test_a_lock_older_than_ten_seconds_is_taken_over_at_once(path: Path) -> None:
    path.write_text("a dead program's")
    waits: list[float] = []
    made = path.stat().st_mtime
    async with replace(counting(waits), path=path, now=lambda: made + 10.1).held():
        assert path.read_text() != "a dead program's"
    assert (waits, os.listdir(path.parent)) == ([], [])


async def test_a_lock_of_less_than_ten_seconds_is_respected(path: Path) -> None:
    path.write_text("a living program's")
    made = path.stat().st_mtime
    with pytest.raises(Unavailable):
        async with replace(counting([]), path=path, now=lambda: made + 9.9).held():
            pass
    assert path.read_text() == "a living program's"


async def test_a_living_lock_that_came_between_is_put_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two see a dead program's lock; one replaces it; the other, late, moves the new one away and must not keep it."""
    path.write_text("dead")
    os.utime(path, (1, 1))
    rename = Path.rename

    def late(self: Path, target: Path) -> Path:
        self.unlink()
        self.write_text("alive")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", late)
    with pytest.raises(Unavailable):
        async with replace(counting([]), path=path, attempts=1, now=lambda: 12.0).held():
            pass
    assert (path.read_text(), os.listdir(path.parent)) == ("alive", [path.name])


async def test_a_lock_that_somebody_took_over_is_left_to_him(path: Path) -> None:
    async with LockFile(path).held():
        path.write_text("his")
    assert path.read_text() == "his"


async def test_a_lock_that_is_held_does_not_become_stale(path: Path) -> None:
    async with LockFile(path, beat=0.001).held():
        os.utime(path, (1, 1))
        for _ in range(1000):
            if path.stat().st_mtime > 1:
                break
            await asyncio.sleep(0.002)
        assert path.stat().st_mtime > time.time() - 5


async def test_a_lock_that_is_no_longer_ours_is_not_kept_fresh(path: Path) -> None:
    async with LockFile(path, beat=0.001).held():
        path.write_text("his")
        os.utime(path, (1, 1))
        await asyncio.sleep(0.02)
        assert path.stat().st_mtime == 1


async def test_waiting_does_not_block_the_loop(path: Path) -> None:
    path.write_text("somebody's")
    order: list[str] = []

    async def wait() -> None:
        async with LockFile(path, first_wait=0.01).held():
            order.append("held")

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.001)
    order.append("others run")
    path.unlink()
    await task
    assert order == ["others run", "held"]


async def test_one_at_a_time_in_one_process(path: Path) -> None:
    inside, most = 0, 0

    async def hold() -> None:
        nonlocal inside, most
        async with LockFile(path, first_wait=0.001, longest_wait=0.005, attempts=1000).held():
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1

    await asyncio.gather(*(hold() for _ in range(12)))
    assert most == 1


async def test_a_folder_that_cannot_be_written_is_an_os_error(path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        async with LockFile(path / "none" / "x.lock").held():
            pass


async def test_a_full_disk_leaves_no_lock_without_a_mark(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, mode: str) -> object:
        os.close(fd)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lock_file, "open", full, raising=False)
    with pytest.raises(OSError, match="No space"):
        async with LockFile(path).held():
            pass
    assert not path.exists()
