"""FastDispatch calls the same hooks, in the same order and with the same end, as mitmproxy's own dispatch."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest
from mitmproxy import exceptions, hooks
from mitmproxy.master import Master
from mitmproxy.options import Options
from mitmproxy.proxy.layers.http._hooks import HttpErrorHook, HttpRequestHook, HttpResponseHook
from mitmproxy.test import tflow

import addons.fast_dispatch
from addons.fast_dispatch import FastDispatch


@dataclass
class Spy:
    """Does what it is told and notes that it was asked."""

    name: str
    seen: list[str]
    does: dict[str, Any] = field(default_factory=dict)
    addons: list[object] = field(default_factory=list)

    def _did(self, hook: str) -> Any:
        self.seen.append(f"{self.name}.{hook}")
        action = self.does.get(hook)
        if isinstance(action, Exception):
            raise action
        return action

    def request(self, _: object) -> Any:
        return self._did("request")

    async def response(self, _: object) -> Any:
        await asyncio.sleep(0)
        return self._did("response")

    def update(self, flows: list[object]) -> Any:
        return self._did(f"update{len(flows)}")


async def late(seen: list[str]) -> None:
    await asyncio.sleep(0)
    seen.append("awaited")


class NotCallable:
    request = "a string"


class HasModule:
    request = ModuleType("request")


@pytest.fixture(params=[False, True], ids=["mitmproxy's", "ours"])
async def master(request: pytest.FixtureRequest) -> AsyncIterator[Master]:
    """Every test runs with both: what passes with the first is what the second must do."""
    found = Master(Options())
    fast = FastDispatch()
    found.addons.add(fast)
    if request.param:
        fast.running()
        assert "trigger_event" in vars(found.addons)
    yield found
    fast.done()
    assert "trigger_event" not in vars(found.addons)


async def test_order_and_updates(master: Master) -> None:
    seen: list[str] = []
    master.addons.add(Spy("a", seen, addons=[Spy("a1", seen)]), Spy("b", seen))
    await master.addons.handle_lifecycle(HttpRequestHook(tflow.tflow()))
    assert seen == ["a.request", "a1.request", "b.request", "a.update1", "a1.update1", "b.update1"]


async def test_async_hooks_and_awaitables_are_awaited_in_turn(master: Master) -> None:
    seen: list[str] = []
    master.addons.add(Spy("a", seen, {"request": late(seen)}), Spy("b", seen))
    await master.addons.trigger_event(HttpRequestHook(tflow.tflow()))
    await master.addons.trigger_event(HttpResponseHook(tflow.tflow()))
    assert seen == ["a.request", "awaited", "b.request", "a.response", "b.response"]


async def test_exception_ends_its_addon_and_is_logged(master: Master, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    master.addons.add(Spy("a", seen, {"request": ValueError("oops")}, [Spy("a1", seen)]), Spy("b", seen))
    await master.addons.trigger_event(HttpRequestHook(tflow.tflow()))
    assert seen == ["a.request", "b.request"]
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("ERROR", "Addon error: oops")]
    assert caplog.records[0].exc_info


async def test_halt_ends_the_hook_but_not_the_update(master: Master) -> None:
    seen: list[str] = []
    master.addons.add(Spy("a", seen, {"request": exceptions.AddonHalt()}), Spy("b", seen))
    await master.addons.handle_lifecycle(HttpRequestHook(tflow.tflow()))
    assert seen == ["a.request", "a.update1", "b.update1"]


async def test_options_error_is_the_callers(master: Master) -> None:
    master.addons.add(Spy("a", [], {"request": exceptions.OptionsError("no")}))
    with pytest.raises(exceptions.OptionsError):
        await master.addons.trigger_event(HttpRequestHook(tflow.tflow()))


async def test_what_is_no_hook(master: Master, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    master.addons.add(NotCallable(), HasModule(), Spy("b", seen))
    await master.addons.trigger_event(HttpRequestHook(tflow.tflow()))
    assert seen == ["b.request"]
    assert "not callable" in caplog.records[-1].getMessage()
    assert len(caplog.records) == 1


async def test_hook_without_a_flow_and_without_arguments(master: Master) -> None:
    seen: list[str] = []

    class Other:
        def update(self, flows: list[object]) -> None:
            seen.append(f"update {flows}")

        def done(self) -> None:
            seen.append("done")

    master.addons.add(Other())
    await master.addons.trigger_event(hooks.UpdateHook([]))
    await master.addons.trigger_event(hooks.DoneHook())
    assert seen == ["update []", "done"]


async def test_addons_that_come_and_go_are_seen(master: Master) -> None:
    seen: list[str] = []
    first, second = Spy("first", seen), Spy("second", seen)
    hook = HttpRequestHook(tflow.tflow())
    await master.addons.trigger_event(hook)
    master.addons.add(first)
    await master.addons.trigger_event(hook)
    master.addons.add(second)
    master.addons.remove(first)
    await master.addons.trigger_event(hook)
    master.addons.chain = [*master.addons.chain, first]
    await master.addons.trigger_event(hook)
    master.addons.clear()
    await master.addons.trigger_event(hook)
    assert seen == ["first.request", "second.request", "second.request", "first.request"]


async def test_a_hook_of_an_earlier_turn_is_called_when_we_are_gone() -> None:
    """A script that is loaded anew goes while a line of log waits for its turn."""
    seen: list[str] = []
    found, fast = Master(Options()), FastDispatch()
    found.addons.add(fast, Spy("a", seen))
    fast.running()
    waiting = found.addons.trigger
    fast.done()
    waiting(hooks.UpdateHook([]))
    assert seen == ["a.update0"]


async def test_sub_addon_that_its_parent_registers_is_seen(master: Master) -> None:
    """As the script addon does when a script is loaded anew."""
    seen: list[str] = []
    parent, child = Spy("parent", seen), Spy("child", seen)
    master.addons.add(parent)
    hook = HttpErrorHook(tflow.tflow())
    await master.addons.trigger_event(HttpRequestHook(hook.flow))
    master.addons.register(child)
    parent.addons = [child]
    await master.addons.trigger_event(HttpRequestHook(hook.flow))
    assert seen == ["parent.request", "parent.request", "child.request"]


async def test_hooks_that_cannot_be_awaited(master: Master, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []
    master.addons.add(Spy("a", seen, addons=[Spy("a1", seen)]))
    master.addons.trigger(HttpRequestHook(tflow.tflow()))
    master.addons.trigger(HttpErrorHook(tflow.tflow()))
    assert seen == ["a.request", "a1.request"]
    master.addons.trigger(HttpResponseHook(tflow.tflow()))
    assert "cannot be called from sync context" in caplog.records[-1].getMessage()


async def test_off_with_an_untested_mitmproxy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(addons.fast_dispatch, "is_tested", lambda: False)
    master = Master(Options())
    with caplog.at_level("INFO"):
        FastDispatch().running()
    assert "trigger_event" not in vars(master.addons)
    assert len(caplog.records) == 1
