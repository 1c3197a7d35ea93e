"""An answer that its account keeps: who refers to it is sent there, also after a restart."""

import pytest

from tests.e2e.plain import RIGHT
from tests.e2e.pools.asking import WEB, ask, said
from tests.e2e.pools.conftest import ServeAt
from tests.e2e.pools.stage import TEXT, PoolAccount, Stage, toml
from tests.e2e.proxy import Proxy

PROVIDER = "openaiResponses-custom"
TALKS = 10


@pytest.fixture(scope="module")
def accounts(stage: Stage) -> list[PoolAccount]:
    return stage.accounts(PROVIDER, "r1", "r2", "r3")


@pytest.fixture(scope="module")
def proxy(serve_at: ServeAt, accounts: list[PoolAccount], tmp_path_factory: pytest.TempPathFactory) -> Proxy:
    home = tmp_path_factory.mktemp("proxy") / "stored"
    home.mkdir()
    (home / "aiclient.toml").write_text(toml(accounts))
    return serve_at(home, {"CONFIG": str(home / "aiclient.toml")})


def counts(accounts: list[PoolAccount]) -> list[int]:
    return [account.asked for account in accounts]


def test_a_conversation_goes_on_where_it_is_kept(proxy: Proxy, accounts: list[PoolAccount]) -> None:
    """Whole and streamed; the words of each turn are others, so nothing else leads there."""
    for talk in range(TALKS):
        first = ask(proxy, PROVIDER, "", f"Talk {talk}", store=True)
        before, id_ = counts(accounts), first.json()["id"]
        for turn in range(3):
            answer = ask(proxy, PROVIDER, "", f"Turn {turn} of {talk}", store=True, previous_response_id=id_)
            assert said(answer, "responses") == TEXT
            id_ = answer.json()["id"]
        streamed = ask(proxy, PROVIDER, "", f"Last of {talk}", store=True, stream=True, previous_response_id=id_)
        assert said(streamed, "responses") == TEXT
        used = [now - then for now, then in zip(counts(accounts), before, strict=True)]
        assert sorted(used) == [0, 0, 4]
    assert min(counts(accounts)) > 0, "the conversations were with all of them"


def fetched(proxy: Proxy, id_: str) -> int:
    return WEB.get(f"{proxy.url}/{PROVIDER}/v1/responses/{id_}", headers=RIGHT).status_code


def test_an_answer_is_fetched_from_who_keeps_it(proxy: Proxy, accounts: list[PoolAccount]) -> None:
    ids = [ask(proxy, PROVIDER, "", f"To fetch {talk}", store=True).json()["id"] for talk in range(TALKS)]
    before = len(accounts[0].fake.requests)
    assert [fetched(proxy, id_) for id_ in ids] == [200] * TALKS
    assert len(accounts[0].fake.requests) == before + TALKS, "nobody else was asked"
    assert fetched(proxy, "resp_0000") == 404


def test_after_a_restart_it_is_found_again(proxy: Proxy, serve_at: ServeAt, accounts: list[PoolAccount]) -> None:
    ids = [ask(proxy, PROVIDER, "", f"Kept {talk}", store=True).json()["id"] for talk in range(TALKS)]
    proxy.stop()
    again = serve_at(proxy.log.parent, {"CONFIG": str(proxy.log.parent / "aiclient.toml")})
    before = sum(counts(accounts))
    for number, id_ in enumerate(ids):
        answer = ask(again, PROVIDER, "", "And?", store=True, stream=number % 2 == 0, previous_response_id=id_)
        assert said(answer, "responses") == TEXT
        assert fetched(again, id_) == 200
    assert sum(counts(accounts)) > before + TALKS, "some were asked that do not know it"
    unknown = ask(again, PROVIDER, "", "And?", previous_response_id="resp_0000")
    assert unknown.status_code == 400
    assert unknown.json()["error"]["code"] == "previous_response_not_found"
