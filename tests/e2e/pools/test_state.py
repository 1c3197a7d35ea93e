"""What is kept of the accounts: over a restart, over a kill, between two proxies, and where nothing can be written."""

import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.e2e.pools.asking import ask, at_once, good, health, logged, row, until
from tests.e2e.pools.conftest import ServeAt
from tests.e2e.pools.fakes import Answer
from tests.e2e.pools.stage import PoolAccount, Stage, toml
from tests.e2e.proxy import Proxy

PROVIDER = "openai-custom"
KILLS = 24


@pytest.fixture
def home(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Folders of proxies that have their state in one place."""
    folder = tmp_path_factory.mktemp("state")
    (folder / "shared").mkdir()

    def one(name: str) -> Path:
        (folder / name).mkdir()
        (folder / name / "aiclient").symlink_to(folder / "shared")
        return folder / name

    return one


@pytest.fixture
def pair(stage: Stage, tmp_path: Path) -> tuple[PoolAccount, PoolAccount, Path]:
    """One that comes first, another, and the file that names them."""
    first, second = stage.account(PROVIDER, "first"), stage.account(PROVIDER, "second", priority=1)
    path = tmp_path / "aiclient.toml"
    path.write_text(toml([first, second]))
    return first, second, path


def state_of(home: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((home / "aiclient" / "pool_state.json").read_text())
    return found


def test_what_one_proxy_finds_out_the_other_keeps_to_and_so_does_the_next(
    serve_at: ServeAt, home: Callable[[str], Path], pair: tuple[PoolAccount, PoolAccount, Path]
) -> None:
    first, second, config = pair
    here, there = home("here"), home("there")
    one, other = serve_at(here, {"CONFIG": str(config)}), serve_at(there, {"CONFIG": str(config)})
    first.break_down(Answer(429, {"retry-after": "60"}))
    good(ask(one, PROVIDER))
    until((here / "aiclient" / "pool_state.json").is_file)
    until(lambda: row(other, first) == row(one, first))
    good(ask(other, PROVIDER))
    assert (first.asked, second.asked) == (1, 2), "a cooldown found by one is kept by the other"

    second.break_down(Answer(403))
    assert ask(other, PROVIDER).status_code >= 400
    until(lambda: row(one, second)["state"] == "stopped")
    other.stop()
    os.kill(one.process.pid, signal.SIGKILL)
    one.process.wait()
    assert state_of(here)["version"] == 1
    again = serve_at(home("again"), {"CONFIG": str(config)})
    rows = health(again)
    assert rows[first.label].get("models") or rows[first.label]["state"] == "cooling"
    assert rows[second.label]["state"] == "stopped"
    asked = first.asked
    assert ask(again, PROVIDER).status_code == 429
    assert first.asked == asked
    assert (here / "aiclient" / "pool_state.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(not os.environ.get("AICLIENT_TEST_FULL"), reason="24 kills take a minute: AICLIENT_TEST_FULL=1")
def test_a_killed_proxy_leaves_a_whole_file(
    serve_at: ServeAt, home: Callable[[str], Path], pair: tuple[PoolAccount, PoolAccount, Path]
) -> None:
    """At any moment, with states that change all the time."""
    first, second, config = pair
    folder, chance = home("killed"), random.Random(7)
    first.break_down(Answer(500))
    for _ in range(KILLS):
        proxy = serve_at(folder, {"CONFIG": str(config)})
        over = threading.Event()

        def ask_on(number: int, proxy: Proxy = proxy, over: threading.Event = over) -> None:
            for count in range(10_000):
                if over.is_set():
                    return
                try:
                    ask(proxy, PROVIDER, f"gpt-4.1-{number}x{count}")
                except httpx.HTTPError:
                    return

        asking = threading.Thread(target=at_once, args=(4, ask_on))
        asking.start()
        time.sleep(0.4 + chance.random() * 0.4)
        os.kill(proxy.process.pid, signal.SIGKILL)
        proxy.process.wait()
        over.set()
        asking.join()
        assert state_of(folder)["version"] == 1
    left = [each.name for each in (folder / "aiclient").iterdir()]
    assert len(left) < 10 + KILLS, left
    proxy = serve_at(folder, {"CONFIG": str(config)})
    good(ask(proxy, PROVIDER))
    assert "damaged" not in logged(proxy)
    assert second.asked > 0


def test_where_nothing_can_be_written_requests_go_on_and_one_warning_says_so(
    serve_at: ServeAt, home: Callable[[str], Path], pair: tuple[PoolAccount, PoolAccount, Path]
) -> None:
    """16: what was found out counts all the same, in memory."""
    first, second, config = pair
    folder = home("unwritable")
    (folder / "aiclient" / "pool_state.json").symlink_to(folder / "gone" / "pool_state.json")
    proxy = serve_at(folder, {"CONFIG": str(config)})
    first.break_down(Answer(403))
    for number in range(20):
        good(ask(proxy, PROVIDER, f"gpt-4.1-{number}"))
        if number % 5 == 0:
            time.sleep(0.25)
    assert (first.asked, second.asked) == (1, 20)
    assert row(proxy, first)["state"] == "stopped"
    warnings = [line for line in logged(proxy).splitlines() if "the state of the accounts cannot be" in line]
    assert len(warnings) == 1, warnings
