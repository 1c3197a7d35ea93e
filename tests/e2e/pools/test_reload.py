"""Accounts that change while the proxy runs: no restart, no stream lost, and a broken file changes nothing."""

import json
import threading
from pathlib import Path

import httpx
import pytest

from tests.e2e.plain import RIGHT, checked_stream, plain
from tests.e2e.pools.asking import ask, good, health, logged, row, until
from tests.e2e.pools.conftest import ServeAt
from tests.e2e.pools.fakes import Answer
from tests.e2e.pools.stage import PoolAccount, Stage, toml
from tests.e2e.proxy import Proxy
from tests.fakes.scripts import TEXT, Delivery, Script

PROVIDER = "openai-custom"


class Files:
    """Both kinds of file, written as an editor does."""

    def __init__(self, folder: Path) -> None:
        self.config, self.pools = folder / "aiclient.toml", folder / "provider_pools.json"

    def write(self, tables: list[PoolAccount], entries: list[PoolAccount]) -> None:
        self.config.write_text(toml(tables))
        found = [
            {"customName": each.name, "OPENAI_API_KEY": each.key, "OPENAI_BASE_URL": each.url, **each.more}
            for each in entries
        ]
        self.pools.write_text(json.dumps({PROVIDER: found}))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return Files(tmp_path_factory.mktemp("reload"))


@pytest.fixture(scope="module")
def accounts(stage: Stage) -> list[PoolAccount]:
    """The first three come before all that are there."""
    return [
        stage.account(PROVIDER, name, priority=rank) for rank, name in enumerate(("new", "removed", "table", "entry"))
    ]


@pytest.fixture(scope="module")
def proxy(
    serve_at: ServeAt, files: Files, accounts: list[PoolAccount], tmp_path_factory: pytest.TempPathFactory
) -> Proxy:
    _, removed, table, entry = accounts
    files.write([table], [removed, entry])
    places = {"CONFIG": str(files.config), "PROVIDER_POOLS_FILE": str(files.pools)}
    return serve_at(tmp_path_factory.mktemp("proxy") / "reload", places)


def test_a_new_account_is_used_and_a_removed_one_is_not_while_its_stream_goes_on(
    proxy: Proxy, files: Files, accounts: list[PoolAccount]
) -> None:
    new, removed, table, entry = accounts
    removed.break_down(Script(delivery=Delivery(pace=0.4)))
    told = list[bytes]()

    def listen() -> None:
        asked = plain("chat", "gpt-4.1-text", stream=True)
        url = f"{proxy.url}/{PROVIDER}{asked.path}"
        with httpx.stream("POST", url, json=asked.body, headers=RIGHT, trust_env=False, timeout=20) as answer:
            told.extend(answer.iter_raw())

    listening = threading.Thread(target=listen)
    listening.start()
    until(lambda: told)
    assert removed.asked == 1
    files.write([table, new], [entry])
    until(lambda: f"{PROVIDER}:new" in health(proxy), 6)
    assert listening.is_alive(), "the stream must outlast the change, or nothing is shown"
    assert f"{PROVIDER}:removed" not in health(proxy)
    good(ask(proxy, PROVIDER))
    assert (new.asked, removed.asked) == (1, 1)
    listening.join()
    assert checked_stream("chat", b"".join(told)).text == "".join(TEXT)
    assert "settings read again" in logged(proxy)


@pytest.mark.parametrize("kind", ["table", "list"])
def test_a_broken_file_leaves_all_as_it_was_and_is_told_once(
    proxy: Proxy, files: Files, accounts: list[PoolAccount], kind: str
) -> None:
    before, known = logged(proxy).count("settings are not read again"), set(health(proxy))
    new = accounts[0]
    path = files.config if kind == "table" else files.pools
    good_text = path.read_text()
    path.write_text(good_text[: len(good_text) // 2] + '"')
    until(lambda: logged(proxy).count("settings are not read again") > before, 6)
    asked = new.asked
    good(ask(proxy, PROVIDER))
    assert new.asked == asked + 1
    assert set(health(proxy)) == known
    path.write_text(good_text + "\n")
    readings = logged(proxy).count("settings read again")
    until(lambda: logged(proxy).count("settings read again") > readings, 6)
    assert logged(proxy).count("settings are not read again") == before + 1


def test_another_key_has_not_earned_what_the_old_one_did(
    proxy: Proxy, files: Files, accounts: list[PoolAccount], stage: Stage
) -> None:
    new, _, table, entry = accounts
    new.break_down(Answer(403))
    good(ask(proxy, PROVIDER))
    assert row(proxy, new)["state"] == "stopped"
    mended = stage.account(PROVIDER, "new", priority=0)
    files.write([table, mended], [entry])
    until(lambda: row(proxy, mended)["state"] == "healthy", 6)
    good(ask(proxy, PROVIDER))
    assert mended.asked == 1
