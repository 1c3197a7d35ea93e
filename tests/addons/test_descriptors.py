"""One warning when descriptors run out; every other complaint of the event loop goes where it went before."""

import asyncio
import errno
from typing import Any

import pytest

from addons.descriptors import Descriptors


async def test_it_warns_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = 0.0
    addon = Descriptors(lambda: now)
    addon.running()
    loop = asyncio.get_running_loop()
    for now in (0.0, 0.1, 59.9, 60.0, 61.0):  # noqa: B007 (the clock of the addon)
        loop.call_exception_handler({"exception": OSError(errno.EMFILE, "Too many open files")})
    addon.done()
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "ulimit" in caplog.text


async def test_other_complaints_are_heard_as_before() -> None:
    loop, heard = asyncio.get_running_loop(), list[object]()

    def before(_: asyncio.AbstractEventLoop, complaint: dict[str, Any]) -> None:
        heard.append(complaint["message"])

    loop.set_exception_handler(before)
    addon = Descriptors()
    addon.running()
    loop.call_exception_handler({"message": "one", "exception": OSError(errno.EPIPE, "Broken pipe")})
    loop.call_exception_handler({"message": "two"})
    addon.done()
    loop.set_exception_handler(None)
    assert heard == ["one", "two"]


async def test_it_leaves_no_trace() -> None:
    addon = Descriptors()
    addon.running()
    addon.done()
    assert asyncio.get_running_loop().get_exception_handler() is None
