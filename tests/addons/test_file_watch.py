"""Files that are read again when they have changed."""

import asyncio
import logging
import threading

import pytest

from addons.file_watch import FileWatch


class Watched:
    """A file's stamp that a test sets, and how often it was read again."""

    def __init__(self) -> None:
        self.stamp: object = 1
        self.read = 0
        self.watch = FileWatch(self.look, self.again)

    def look(self) -> object:
        if isinstance(self.stamp, Exception):
            raise self.stamp
        return self.stamp

    def again(self) -> None:
        self.read += 1


@pytest.fixture
async def file(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Looked at by hand."""
    found = Watched()
    found.watch.running()
    found.watch.done()
    return found


async def test_a_file_that_stays_as_it_is_is_not_read_again(file: Watched) -> None:
    for _ in range(5):
        file.watch.look()
    assert file.read == 0


async def test_a_change_is_read_once_it_has_come_to_rest(file: Watched) -> None:
    """An editor may write a file in pieces."""
    for stamp in (2, 3, 4):
        file.stamp = stamp
        file.watch.look()
        assert file.read == 0
    file.watch.look()
    file.watch.look()
    assert file.read == 1


async def test_each_change_is_read(file: Watched) -> None:
    for number, stamp in enumerate((2, 1, None, 1), 1):
        file.stamp = stamp
        file.watch.look()
        file.watch.look()
        assert file.read == number


async def test_what_was_changed_and_changed_back_is_as_it_was(file: Watched) -> None:
    file.stamp = 2
    file.watch.look()
    file.stamp = 1
    file.watch.look()
    file.watch.look()
    assert file.read == 0


async def test_it_looks_until_it_is_done_and_survives_a_bug(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("addons.file_watch.EVERY", 0.002)
    file = Watched()
    file.watch.running()
    file.stamp = KeyError("bug")
    await asyncio.sleep(0.02)
    file.stamp = 2
    for _ in range(500):
        await asyncio.sleep(0.01)
        if file.read:
            break
    assert (file.read, caplog.records[0].levelno) == (1, logging.ERROR)
    file.watch.done()
    await asyncio.sleep(0.01)
    file.stamp = 3
    await asyncio.sleep(0.03)
    assert file.read == 1


def test_what_never_ran_can_be_done() -> None:
    Watched().watch.done()


async def test_what_takes_time_is_done_before_and_in_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("addons.file_watch.EVERY", 0.02)
    did: list[str] = []
    done = asyncio.Event()

    def again() -> None:
        did.append("again")
        done.set()

    stamps = iter([1, *[2] * 100])
    watch = FileWatch(lambda: next(stamps), again, lambda: did.append(threading.current_thread().name))
    watch.running()
    await asyncio.wait_for(done.wait(), 5)
    watch.done()
    assert did[1:] == ["again"]
    assert did[0] != threading.main_thread().name
