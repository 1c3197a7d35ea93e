"""uvloop under the event loop that mitmproxy starts."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from addons.event_loop import without_eager_start

ROOT = Path(__file__).resolve().parents[2]


def test_a_factory_of_before_eager_start_is_called_without_it() -> None:
    seen: list[dict[str, object]] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, *, name: str | None = None, context: object = None) -> Any:
        seen.append({"name": name})
        return coro

    without_eager_start(factory)(None, "coro", name="x", context=None, eager_start=None)
    assert seen == [{"name": "x"}]


def test_a_factory_that_knows_eager_start_is_left_alone() -> None:
    def named(loop: object, coro: object, *, eager_start: object = None) -> Any: ...
    def open_(loop: object, coro: object, **kwargs: object) -> Any: ...

    assert without_eager_start(named) is named
    assert without_eager_start(open_) is open_


def test_mitmproxys_eager_tasks_run_on_uvloop() -> None:
    """In a process of its own: a policy is for the whole process."""
    pytest.importorskip("uvloop")
    program = """
import asyncio
from addons.event_loop import use_uvloop
assert use_uvloop()
async def answer(): return 42
async def main():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    task = asyncio.create_task(answer(), name="x")
    assert task.done() and task.get_name() == "x"
    loop.set_task_factory(None)
    assert loop.get_task_factory() is None
    return type(loop).__mro__[1].__module__
print(asyncio.run(main()))
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout) == ("", "uvloop\n")
