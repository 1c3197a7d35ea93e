"""What `/health` and `aiclient accounts` tell of the accounts, and `aiclient pool reset`."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.plain import ALL_KEYS
from tests.e2e.pools.asking import WEB, ask, good, health, logged, row, until
from tests.e2e.pools.commands import aiclient
from tests.e2e.pools.conftest import ServeAt
from tests.e2e.pools.fakes import Answer
from tests.e2e.pools.stage import MARK, PoolAccount, Stage, toml
from tests.e2e.proxy import Proxy

PROVIDER = "openai-custom"


@pytest.fixture(scope="module")
def accounts(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> dict[str, PoolAccount]:
    """Two have their keys elsewhere."""
    names = ("limited", "unpaid", "forbidden", "modelless", "well")
    found = {
        name: stage.account(PROVIDER, name, supported_models=[f"gpt-4.1-{name}", "gpt-4.1-text"], priority=rank)
        for rank, name in enumerate(names)
    }
    file = tmp_path_factory.mktemp("keys") / "well.key"
    file.write_text(found["well"].key + "\n")
    found["well"].more = {"priority": 9, "openai_api_key": f"file:{file}"}
    found["modelless"].more = {**found["modelless"].more, "openai_api_key": "env:POOL_TELLING_KEY"}
    return found | {"off": stage.account(PROVIDER, "off", disabled=True)}


@pytest.fixture(scope="module")
def config(accounts: dict[str, PoolAccount], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("telling") / "aiclient.toml"
    path.write_text(toml(list(accounts.values())))
    return path


@pytest.fixture(scope="module")
def proxy(
    serve_at: ServeAt, config: Path, accounts: dict[str, PoolAccount], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POOL_TELLING_KEY", accounts["modelless"].key)
        yield serve_at(tmp_path_factory.mktemp("proxy") / "telling", {"CONFIG": str(config)})


@pytest.fixture(scope="module")
def ids(proxy: Proxy, accounts: dict[str, PoolAccount]) -> dict[str, str]:
    """The exchange that each account failed in, by name."""
    faults = {
        "limited": Answer(429, {"retry-after": "600"}),
        "unpaid": Answer(402),
        "forbidden": Answer(403),
        "modelless": Answer(500),
    }
    found = {}
    for name, fault in faults.items():
        accounts[name].break_down(fault)
        answer = ask(proxy, PROVIDER, f"gpt-4.1-{name}")
        good(answer)
        found[name] = answer.headers["x-request-id"]
        accounts[name].break_down(None)
    return found


# A rate limit concerns one model of an account.
STATES = {"limited": "healthy", "unpaid": "stopped", "forbidden": "stopped", "well": "healthy", "off": "disabled"}


def test_health_tells_state_reason_times_and_exchange(proxy: Proxy, ids: dict[str, str]) -> None:
    rows = health(proxy)
    assert {name: rows[f"{PROVIDER}:{name}"]["state"] for name in STATES} == STATES
    now = time.time()
    (limited,) = rows[f"{PROVIDER}:limited"]["models"]
    assert limited["model"] == "gpt-4.1-limited"
    assert limited["reason"].startswith("rate_limit: ")
    assert now - 30 < limited["since"] <= now
    assert now + 500 < limited["until"] <= now + 601
    assert limited["exchange"] == ids["limited"]
    for name, cause in (("unpaid", "payment"), ("forbidden", "forbidden")):
        stopped = rows[f"{PROVIDER}:{name}"]
        assert stopped["reason"].startswith(cause)
        assert (stopped["until"], stopped["exchange"]) == (None, ids[name])
        assert f"aiclient pool reset {PROVIDER}:{name}" in stopped["advice"]


def test_health_tells_strangers_nothing_and_nobody_a_secret(proxy: Proxy, ids: dict[str, str]) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}):
        answer = httpx.get(f"{proxy.url}/health", headers=headers, trust_env=False)
        assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    told = json.dumps(health(proxy))
    assert MARK not in told
    assert not any(key in told for key in ALL_KEYS)


def test_the_command_tells_the_same(proxy: Proxy, config: Path, ids: dict[str, str]) -> None:
    until(lambda: (proxy.log.parent / "aiclient" / "pool_state.json").is_file())
    time.sleep(0.3)  # what is written together is out
    done = aiclient(proxy.log.parent, config, "accounts", "--json")
    assert done.returncode == 0, done.stderr
    rows = {each["label"]: each for each in json.loads(done.stdout)}
    shown = health(proxy)
    assert rows.keys() == shown.keys()
    for label, each in rows.items():
        for name in ("reason", "since", "until"):
            assert each[name] == shown[label][name], (label, name)
        if each["state"] != "valid":
            assert each["state"] == shown[label]["state"]
        assert each["exchange"] == shown[label].get("exchange", "")
        assert each["models"] == shown[label].get("models", [])
    assert MARK not in done.stdout + done.stderr
    people = aiclient(proxy.log.parent, config, "accounts")
    assert f"exchange {ids['forbidden']}" in people.stdout
    assert MARK not in people.stdout


def test_a_stop_is_logged_with_its_cure(proxy: Proxy, ids: dict[str, str]) -> None:
    found = re.findall(r"(\S+) is stopped \((\w+): .*aiclient pool reset (\S+)", logged(proxy))
    assert sorted(found) == [
        (f"{PROVIDER}:forbidden", "forbidden", f"{PROVIDER}:forbidden"),
        (f"{PROVIDER}:unpaid", "payment", f"{PROVIDER}:unpaid"),
    ]


def test_reset_frees_an_account_of_the_running_proxy(
    proxy: Proxy, config: Path, accounts: dict[str, PoolAccount], ids: dict[str, str]
) -> None:
    """At its next request; the others stay as they are."""
    forbidden, home = accounts["forbidden"], proxy.log.parent
    before = forbidden.asked
    good(ask(proxy, PROVIDER, "gpt-4.1-forbidden"))
    assert forbidden.asked == before
    done = aiclient(home, config, "pool", "reset", forbidden.label)
    assert (done.returncode, done.stdout) == (0, f"{forbidden.label} is used again\n"), done.stderr
    good(ask(proxy, PROVIDER, "gpt-4.1-forbidden"))
    assert forbidden.asked == before + 1
    assert row(proxy, forbidden)["state"] == "healthy"
    assert row(proxy, accounts["unpaid"])["state"] == "stopped"

    rest = aiclient(home, config, "pool", "reset")
    assert f"{PROVIDER}:unpaid is used again" in rest.stdout
    assert {each["state"] for each in health(proxy).values()} == {"healthy", "disabled"}


def test_without_a_key_no_other_page_tells_of_accounts(proxy: Proxy) -> None:
    for path in ("/v1/models", "/openai-custom/v1/models", "/health/accounts", "/accounts"):
        assert WEB.get(proxy.url + path).status_code in (401, 404)
