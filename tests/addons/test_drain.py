"""What SIGTERM sets going: listening ends, answers are waited for, what is left is given its deadline, the process goes."""

import asyncio
import signal
from collections.abc import Iterator

import pytest
from mitmproxy.test import taddons

from addons.drain import Drain
from addons.exchange import Exchange
from tests.addons.legs_rig import call, settings
from tests.addons.test_exchange import exchange


class Stopped:
    """Notes that mitmproxy was told to go."""

    def __init__(self) -> None:
        self.event = asyncio.Event()

    def shutdown(self) -> None:
        self.event.set()


@pytest.fixture
def tctx() -> Iterator[taddons.context]:
    with taddons.context() as context:
        context.options.add_option("server", bool, True, "")
        yield context


async def stop(tctx: taddons.context, drain: Drain, monkeypatch: pytest.MonkeyPatch) -> Stopped:
    stopped = Stopped()
    monkeypatch.setattr(tctx.master, "shutdown", stopped.shutdown)
    drain.begin()
    return stopped


async def test_with_nothing_under_way_it_goes_at_once(tctx: taddons.context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exchange, "under_way", staticmethod(list))
    stopped = await stop(tctx, Drain(lambda: settings(grace_seconds=20)), monkeypatch)
    assert tctx.options.server is False
    await asyncio.wait_for(stopped.event.wait(), 1)


async def test_what_does_not_end_is_given_a_deadline(tctx: taddons.context, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = call("/v1/messages")
    made = exchange()
    made.attach(flow)
    flow.live = True
    monkeypatch.setattr(Exchange, "under_way", staticmethod(lambda: [made] if flow.live else []))
    stopped = await stop(tctx, Drain(lambda: settings(grace_seconds=0.4)), monkeypatch)
    await asyncio.sleep(0.1)
    assert made.total_seconds == 0
    await asyncio.sleep(0.25)
    assert made.total_seconds > 0
    assert not stopped.event.is_set()
    await asyncio.wait_for(stopped.event.wait(), 1)


async def test_a_second_signal_does_not_wait(tctx: taddons.context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exchange, "under_way", staticmethod(lambda: [exchange()]))
    drain = Drain(lambda: settings(grace_seconds=20))
    stopped = await stop(tctx, drain, monkeypatch)
    drain.begin()
    assert stopped.event.is_set()


async def test_it_listens_to_the_signal(tctx: taddons.context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exchange, "under_way", staticmethod(list))
    stopped = Stopped()
    monkeypatch.setattr(tctx.master, "shutdown", stopped.shutdown)
    Drain(settings).running()
    try:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.wait_for(stopped.event.wait(), 1)
    finally:
        asyncio.get_running_loop().remove_signal_handler(signal.SIGTERM)


async def test_the_same_signal_told_twice_is_one(tctx: taddons.context, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the parent, and by a service manager that tells all processes of a service."""
    monkeypatch.setattr(Exchange, "under_way", staticmethod(lambda: [exchange()]))
    drain = Drain(lambda: settings(grace_seconds=20), told_twice=0.2)
    stopped = await stop(tctx, drain, monkeypatch)
    drain.begin()
    assert not stopped.event.is_set()
    await asyncio.sleep(0.25)
    drain.begin()
    assert stopped.event.is_set()
