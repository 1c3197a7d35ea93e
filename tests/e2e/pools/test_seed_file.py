"""The seed project's `provider_pools.json`, read as it is: its keys, its options, its secrets by reference. It is never written."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.plain import PROVIDERS
from tests.e2e.pools.asking import ask, good, health, logged
from tests.e2e.pools.conftest import Serve
from tests.e2e.pools.fakes import Answer
from tests.e2e.pools.stage import PoolAccount, Stage
from tests.e2e.proxy import Proxy

SEED = {
    "openai-custom": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "openaiResponses-custom": ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    "claude-custom": ("CLAUDE_API_KEY", "CLAUDE_BASE_URL"),
}
STATE = {
    "isHealthy": False,
    "lastUsed": "2026-10-01T12:00:00.000Z",
    "usageCount": 17,
    "errorCount": 3,
    "lastErrorTime": "2026-10-01T12:00:00.000Z",
    "lastErrorMessage": "whatever it was",
    "lastHealthCheckTime": None,
    "lastHealthCheckModel": None,
    "needsRefresh": False,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("seed") / "configs"


@pytest.fixture(scope="module")
def accounts(stage: Stage) -> dict[str, PoolAccount]:
    made = {
        name: stage.account(provider, name)
        for provider in SEED
        for name in (f"{PROVIDERS[provider]}-first", f"{PROVIDERS[provider]}-second")
    }
    return made | {"off": stage.account("openai-custom", "off"), "late": stage.account("openai-custom", "late")}


@pytest.fixture(scope="module")
def file(folder: Path, accounts: dict[str, PoolAccount]) -> Path:
    """As that program leaves it."""

    def entry(name: str, key: str, **more: object) -> dict[str, object]:
        account = accounts[name]
        named, url = SEED[account.provider]
        known = {"customName": name, "uuid": f"0000-{name}", "checkModelName": None, "checkHealth": True}
        address = account.url if account.provider == "claude-custom" else f"{account.url}/v1"
        return {**known, named: key, url: address, "isDisabled": False, **STATE, **more}

    folder.mkdir()
    secret = folder / "claude.key"
    secret.write_text(accounts["anthropic-first"].key + "\n")
    document = {
        "openai-custom": [
            entry("chat-first", "env:POOL_TEST_KEY", notSupportedModels=["gpt-4.1-other"], priority=1),
            entry("chat-second", accounts["chat-second"].key, checkModelName="gpt-4.1", priority=2, concurrencyLimit=3),
            entry("off", accounts["off"].key, isDisabled=True, priority=0),
            entry("late", accounts["late"].key, priority=100, weight=5, queueLimit=0),
        ],
        "openaiResponses-custom": [
            entry("responses-first", accounts["responses-first"].key, priority=1),
            {**entry("responses-second", accounts["responses-second"].key, priority=2), "customName": None},
        ],
        "claude-custom": [
            entry("anthropic-first", f"file:{secret}", priority=1),
            entry("anthropic-second", accounts["anthropic-second"].key, priority=2),
        ],
        "grok-custom": [{"uuid": "0000-grok", "GROK_COOKIE_TOKEN": "whatever"}],
        "gemini-antigravity": [],
    }
    path = folder / "provider_pools.json"
    path.write_text(json.dumps(document, indent=2))
    path.chmod(0o600)
    return path


@pytest.fixture(scope="module")
def proxy(serve: Serve, file: Path, accounts: dict[str, PoolAccount]) -> Iterator[Proxy]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("POOL_TEST_KEY", accounts["chat-first"].key)
        yield serve("seed", [], {"PROVIDER_POOLS_FILE": str(file)})


@pytest.mark.parametrize("provider", SEED)
def test_its_accounts_serve_and_stand_in_for_one_another(
    proxy: Proxy, accounts: dict[str, PoolAccount], file: Path, provider: str
) -> None:
    before = (file.read_bytes(), os.stat(file).st_mtime_ns, sorted(file.parent.iterdir()))
    protocol = PROVIDERS[provider]
    first, second = accounts[f"{protocol}-first"], accounts[f"{protocol}-second"]
    good(ask(proxy, provider), protocol)
    assert (first.asked, second.asked) == (1, 0)
    first.break_down(Answer(403))
    good(ask(proxy, provider, stream=True), protocol)
    assert (first.asked, second.asked) == (2, 1)
    time.sleep(0.4)  # the state is written by now, elsewhere
    assert (file.read_bytes(), os.stat(file).st_mtime_ns, sorted(file.parent.iterdir())) == before
    assert (Path(proxy.log).parent / "aiclient" / "pool_state.json").is_file()


def test_its_options_count(proxy: Proxy, accounts: dict[str, PoolAccount]) -> None:
    chat, other = accounts["chat-first"], accounts["chat-second"]
    before = chat.asked, other.asked
    good(ask(proxy, "openai-custom", "gpt-4.1-other"))
    assert (chat.asked, other.asked) == (before[0], before[1] + 1), "notSupportedModels"
    assert accounts["off"].asked == accounts["late"].asked == 0, "isDisabled, priority"


def test_its_names_are_the_labels_and_its_state_is_not_ours(proxy: Proxy) -> None:
    rows = health(proxy)
    assert {"openai-custom:chat-first", "openai-custom:off", "openaiResponses-custom:0000-responses-second"} <= set(
        rows
    )
    assert rows["openai-custom:off"]["state"] == "disabled"
    assert rows["openai-custom:late"]["state"] == "healthy", "`isHealthy` is what another program found once"


def test_what_cannot_be_taken_over_is_said_once(proxy: Proxy) -> None:
    text = logged(proxy)
    assert text.count("'grok-custom' is no provider here: 1 accounts left out") == 1
    assert text.count("'queueLimit' is not known here, and ignored") == 1
