"""What every test gets: an environment without the settings, keys and home of the person who runs it."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

VENDOR_KEYS = (
    *("OPENAI_API_KEY", "OPENAI_BASE_URL"),
    *("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"),
    *("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"),
    *("KIRO_API_KEY", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT_ID"),
)


# What the default run leaves to `./run.sh test slow`, so that it stays short; CI runs both.
SLOW_PLACES = tuple(
    "tests/attack/ tests/e2e/pools/ tests/e2e/settings/ tests/e2e/test_beside.py tests/e2e/test_bounds.py tests/e2e/test_chaos.py"
    " tests/e2e/test_errors.py tests/e2e/test_limits.py tests/e2e/test_packages.py tests/e2e/test_record_and_replay.py"
    " tests/e2e/test_replay_served.py tests/e2e/test_system_prompts.py tests/e2e/oauth/test_canary.py tests/e2e/oauth/test_projects.py"
    " tests/e2e/oauth/test_qwen_manners.py tests/e2e/oauth/test_real_requests.py tests/e2e/oauth/test_tokens.py"
    " tests/addons/test_pytest_plugin.py".split()
)
# Of the sixteen pairs of protocols: each client and each provider with itself and with one other.
QUICK_PAIRS = frozenset(
    "chat->chat responses->responses anthropic->anthropic gemini->gemini"
    " chat->anthropic anthropic->gemini gemini->responses responses->chat".split()
)
_PAIR = re.compile(r"(?:chat|responses|anthropic|gemini)->(?:chat|responses|anthropic|gemini)(?![\w-]*oauth)")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: left out by `./run.sh test`, run by `./run.sh test slow`")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        pair = _PAIR.search(item.nodeid.partition("[")[2]) if item.nodeid.startswith("tests/e2e/") else None
        if item.nodeid.startswith(SLOW_PLACES) or (pair is not None and pair[0] not in QUICK_PAIRS):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """No `AICLIENT_*` but an empty `AICLIENT_HOME`, no vendor's key, no `aiclient.toml` in the current folder, and the file
    mode mask as it was before (the proxy narrows its own). Nothing of the person's own home. Gives the home."""
    for name in os.environ:
        if (
            name.startswith("AICLIENT_") and not name.startswith(("AICLIENT_TEST_", "AICLIENT_BENCH_"))
        ) or name in VENDOR_KEYS:
            monkeypatch.delenv(name)
    home = tmp_path_factory.mktemp("home") / "aiclient"
    monkeypatch.setenv("AICLIENT_HOME", str(home))
    monkeypatch.setenv("HOME", str(home.parent))
    monkeypatch.chdir(home.parent)
    mask = os.umask(0o022)
    yield home
    os.umask(mask)
