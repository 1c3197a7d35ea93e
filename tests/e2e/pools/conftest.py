"""Accounts by the dozen, proxies that have them, and the checks after each test: nothing unneeded goes upstream, no key is told."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.pools.stage import MARK, PoolAccount, Stage, toml
from tests.e2e.proxy import Proxy, launch
from tests.fakes.samples import CLIENT_KEY

# The default run takes a sample; `./run.sh test pools` all of it.
_SAMPLE = ("test_choice.py", "test_cooldowns.py", "test_own_settings.py", "test_seed_file.py", "test_reload.py")
_ALL = sorted(path.name for path in Path(__file__).parent.glob("test_*.py"))
collect_ignore = [] if "AICLIENT_TEST_POOLS" in os.environ else [name for name in _ALL if name not in _SAMPLE]

QUICK = {"API_KEY": CLIENT_KEY, "REQUEST_BASE_DELAY": "20", "ACCOUNT_WAIT_SECONDS": "2"}

type Serve = Callable[..., Proxy]
type ServeAt = Callable[..., Proxy]


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(stack)


@pytest.fixture(scope="session")
def served() -> list[Proxy]:
    """The proxies of these tests."""
    return []


@pytest.fixture(scope="session")
def serve(start: Launch, served: list[Proxy], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """(name, accounts, settings) -> a proxy that has them from an `aiclient.toml`; no key of theirs may stand in what it wrote."""

    def serve_one(name: str, accounts: Sequence[PoolAccount], settings: Mapping[str, str] = {}) -> Proxy:
        path = tmp_path_factory.mktemp("pool") / "aiclient.toml"
        path.write_text(toml(accounts))
        proxy = start(name, {**QUICK, "CONFIG": str(path), **settings})
        served.append(proxy)
        return proxy

    yield serve_one
    for proxy in served:
        proxy.stop()
        for path in (proxy.log, proxy.dump):
            content = path.read_bytes()
            at = content.find(MARK.encode())
            assert at < 0, f"{path} tells a key: {content[max(0, at - 200) : at + 40]!r}"


@pytest.fixture(scope="session")
def serve_at(serve: Serve, served: list[Proxy], running: list[Proxy]) -> ServeAt:
    """(home, settings) -> a proxy in a folder that may have served before, or that another one has its state in as well."""

    def serve_one(home: Path, settings: Mapping[str, str]) -> Proxy:
        proxy = launch(home, {**QUICK, **settings})
        running.append(proxy)
        served.append(proxy)
        return proxy

    return serve_one


@pytest.fixture(autouse=True)
def _nothing_unneeded_goes_to_any_account(stage: Stage) -> Iterator[None]:
    before = len(stage.violations)
    yield
    assert stage.violations[before:] == []
