"""What one of several processes knows of itself and of the others."""

import os
import threading
from pathlib import Path

import pytest

from addons import worker
from addons.worker import Board, Worker, become, this_worker


def test_all_are_up_when_the_last_one_is_whoever_was_first() -> None:
    board = Board(3)
    for number in (2, 3):
        board.set_up(number)
        assert not board.all_up
    board.set_up(1)
    assert board.all_up


def test_a_process_is_none_of_several_until_it_becomes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_here", None)
    assert this_worker() is None
    become(Worker(2, 3, tmp_path, Board(3), 0.0))
    found = this_worker()
    assert found is not None
    assert (found.number, found.is_first) == (2, False)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are several processes on Linux alone")
def test_one_waits_while_another_is_alone(tmp_path: Path) -> None:
    one, other = (Worker(number, 2, tmp_path, Board(2), 0.0) for number in (1, 2))
    order = []

    def second() -> None:
        with other.alone():
            order.append("second")

    with one.alone():
        thread = threading.Thread(target=second)  # a lock of its own, as another process has it
        thread.start()
        thread.join(0.05)
        assert thread.is_alive()
        order.append("first")
    thread.join(5)
    assert order == ["first", "second"]
