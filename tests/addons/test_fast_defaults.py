"""FastDefaults removes what has nothing to do, leaves what has, and puts back what gets something to do."""

from pathlib import Path
from typing import Any

import pytest
from mitmproxy import exceptions
from mitmproxy.options import Options
from mitmproxy.tools.dump import DumpMaster

import addons.fast_defaults
from addons.fast_defaults import WORK, FastDefaults
from tests.addons.relay.rig import Provider, ask, replies, rig, whole


async def running(**options: Any) -> tuple[DumpMaster, FastDefaults]:
    master = DumpMaster(Options(), with_termlog=False)
    fast = FastDefaults()
    master.addons.add(fast)
    master.options.update(**{"flow_detail": 0, "onboarding": False} | options)
    fast.running()
    return master, fast


def present(master: DumpMaster) -> set[str]:
    return {name for name in WORK if name in master.addons.lookup}


async def test_all_idle_addons_go_and_the_others_stay() -> None:
    master, _ = await running()
    assert present(master) == set()
    assert {"save", "savehar", "clientplayback", "serverplayback", "tlsconfig", "proxyserver", "block"} <= set(
        master.addons.lookup
    )


@pytest.mark.parametrize(
    ("options", "stays"),
    [
        ({"map_remote": ["|a|b"]}, "mapremote"),
        ({"modify_headers": ["/x/y"]}, "modifyheaders"),
        ({"block_list": ["/~u x/444"]}, "blocklist"),
        ({"stickycookie": "~u x"}, "stickycookie"),
        ({"proxyauth": "a:b"}, "proxyauth"),
        ({"anticache": True}, "anticache"),
        ({"flow_detail": 1}, "dumper"),
    ],
)
async def test_addon_with_work_stays(options: dict[str, Any], stays: str) -> None:
    master, _ = await running(**options)
    assert present(master) == {stays}


async def test_addon_that_gets_work_later_is_back_at_its_place_and_configured() -> None:
    master, _ = await running()
    master.options.update(map_remote=["|before|after"], modify_headers=["/name/value"])
    order = [type(addon).__name__ for addon in master.addons.chain]
    assert order.index("ServerPlayback") + 1 == order.index("MapRemote")
    assert order.index("MapRemote") + 1 == order.index("ModifyHeaders") == order.index("Save") - 1
    assert len(master.addons.get("mapremote").replacements) == 1
    assert present(master) == {"mapremote", "modifyheaders"}


async def test_wrong_value_for_a_removed_addon_is_refused_as_ever() -> None:
    master, _ = await running()
    with pytest.raises(exceptions.OptionsError):
        master.options.update(map_remote=["|x"])
    assert master.options.map_remote == []


async def test_everything_is_back_when_we_go() -> None:
    master, fast = await running()
    fast.done()
    assert present(master) == set(WORK)


async def test_off_with_an_untested_mitmproxy(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(addons.fast_defaults, "is_tested", lambda: False)
    with caplog.at_level("INFO"):
        master, _ = await running()
    assert present(master) == set(WORK)
    assert [record.levelname for record in caplog.records if "fast_defaults" in record.getMessage()] == ["INFO"]


async def test_proxy_without_them_serves(tmp_path: Path) -> None:
    fast = FastDefaults()
    async with rig(tmp_path, more=[fast]) as proxy, Provider(replies(whole(b"ok"))) as provider:
        assert "mapremote" not in proxy.master.addons.lookup
        _, answer = await ask(proxy, provider)
        assert answer.body == b"ok"
        proxy.master.options.update(modify_headers=["/~s/x-added/later"])
        client, _ = await ask(proxy, provider)
        assert b"x-added: later" in (await client.ask()).head
