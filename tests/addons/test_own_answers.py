"""Answers that no provider gives: the state of the accounts, and the lists of models."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from addons import worker
from addons.account_pool import Claim
from addons.worker import Board, Worker
from converters.errors import Kind, UpstreamError
from creds.account import State
from creds.slot import FRESH
from tests.addons.legs_rig import Rig, body_of, call, everything, status_of
from tests.addons.pool_rig import OPENAI, Login, member, rig_of

CLAUDE = "claude-custom"


async def got(rig: Rig, path: str, **headers: str) -> Any:
    flow = await rig.ask(call(path, headers=headers))
    assert status_of(flow) == 200, flow.response
    return body_of(flow)


async def ids(rig: Rig, path: str = "/v1/models", **headers: str) -> list[str]:
    return [row["id"] for row in (await got(rig, path, **headers))["data"]]


def columns(rows: Sequence[Mapping[str, object]], *names: str) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in names) for row in rows]


# --- health ---


async def test_health_tells_every_accounts_state_to_those_with_the_key() -> None:
    rig = rig_of(
        "a", "b", member("c", disabled=True), member("d", CLAUDE, Login(state=State.NEEDS_LOGIN, advice="log in"))
    )
    held = await rig.pool.lease(OPENAI, "m", Claim())
    rig.pool.report(held, UpstreamError(Kind.AUTH, "x"), "req_1", reason="bad key")
    providers = (await got(rig, "/health"))["providers"]
    assert columns(providers[OPENAI]["accounts"], "label", "state", "reason", "in_flight") == [
        ("openai-custom:a", "cooling", "auth: bad key", 1),
        ("openai-custom:b", "healthy", "", 0),
        ("openai-custom:c", "disabled", "", 0),
    ]
    row = providers[OPENAI]["accounts"][0]
    assert (row["since"], row["until"], row["exchange"]) == (rig.now, rig.now + 5, "req_1")
    rig.now += 6
    row = (await got(rig, "/health"))["providers"][OPENAI]["accounts"][0]
    assert row["state"] == "half-open"
    assert columns(providers[CLAUDE]["accounts"], "state", "advice") == [("needs login", "log in")]


async def test_health_holds_no_secret() -> None:
    rig = rig_of("a")
    assert b"sk-key-of-a" not in everything(await rig.ask(call("/health")))


async def test_health_without_an_account_names_the_demo() -> None:
    assert (await got(Rig(), "/health"))["providers"] == {"demo": {"accounts": []}}


async def test_a_stranger_hears_only_that_it_runs() -> None:
    flow = await rig_of("a").ask(call("/health", key=None))
    assert body_of(flow) == {"status": "ok"}


# --- models ---


def listing(**given: Any) -> Rig:
    rig = rig_of(member("a"), member("b"), member("z", CLAUDE), **given)
    rig.models = {OPENAI: ["gpt-5", "shared"], CLAUDE: ["claude-x", "shared"]}
    return rig


async def test_a_pools_models_are_listed_once() -> None:
    found = await ids(listing())
    assert found == list(dict.fromkeys(found))
    assert {"gpt-5", "claude-x", "shared"} <= set(found)
    assert len([name for name in found if name.endswith("shared")]) == 2, "the other one under its provider's name"


async def test_a_named_providers_list_is_its_own() -> None:
    rig = listing(routes={"fast": [f"{OPENAI}:gpt-5"], "big": [f"{CLAUDE}:claude-x"]})
    assert await ids(rig, f"/{OPENAI}/v1/models") == ["fast", "gpt-5", "shared"]
    assert await ids(rig, **{"model-provider": OPENAI}) == ["fast", "gpt-5", "shared"]
    assert {"fast", "big"} <= set(await ids(rig))


async def test_one_entry_is_found_by_every_name_that_leads_to_it() -> None:
    rig = listing(routes={"fast*": [f"{OPENAI}:gpt-5"]})
    for name in ("gpt-5", f"{OPENAI}:gpt-5", "fast-one"):
        assert (await got(rig, f"/v1/models/{name}"))["id"] == name
    flow = await rig.ask(call("/v1/models/gpt-55"))
    assert status_of(flow) == 404
    assert "gpt-5" in body_of(flow)["error"]["message"]


async def test_a_provider_that_gives_no_list_is_left_out_and_all_of_them_are_an_error() -> None:
    rig = listing()
    rig.models.pop(CLAUDE)
    assert await ids(rig) == ["gpt-5", "shared"]
    rig = listing()
    rig.models = {}
    flow = await rig.ask(call("/v1/models"))
    assert status_of(flow) == 502
    assert "no provider gave a model list" in body_of(flow)["error"]["message"]


async def test_aliases_are_listed_though_no_provider_gives_a_list() -> None:
    rig = listing(routes={"fast": [f"{OPENAI}:gpt-5"]})
    rig.models = {}
    assert await ids(rig) == ["fast"]


async def test_without_an_account_there_is_the_demo() -> None:
    assert await ids(Rig()) == ["aiclient-demo"]


@pytest.mark.parametrize(("path", "status"), [("/nobody/v1/models", 404), ("/gemini-custom/v1/models", 503)])
async def test_a_provider_that_is_not_there_is_an_error(path: str, status: int) -> None:
    assert status_of(await listing().ask(call(path))) == status


async def test_no_account_is_in_use_for_an_answer_of_our_own() -> None:
    rig = listing()
    for path in ("/v1/models", "/health"):
        await rig.ask(call(path))
    assert set(rig.states.states.values()) == {FRESH}


async def test_health_says_which_of_several_processes_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert "worker" not in await got(rig_of("a"), "/health")
    monkeypatch.setattr(worker, "_here", Worker(2, 4, tmp_path, Board(4), 0.0))
    health = await got(rig_of("a"), "/health")
    assert (health["worker"], health["workers"]) == (2, 4)
