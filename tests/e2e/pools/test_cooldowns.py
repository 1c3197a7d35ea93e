"""9: a cooldown is kept, and it ends. One real request tries the account then, and its success clears all."""

import time

import pytest

from tests.e2e.plain import PROVIDERS
from tests.e2e.pools.asking import ask, at_once, good, row
from tests.e2e.pools.conftest import Serve
from tests.e2e.pools.fakes import Answer
from tests.e2e.pools.stage import PoolAccount, Stage
from tests.e2e.proxy import Proxy
from tests.fakes.scripts import Delivery, Script


@pytest.fixture(scope="module")
def pools(stage: Stage) -> dict[str, list[PoolAccount]]:
    """By provider: one that is limited and comes first, and another."""
    return {
        provider: [stage.account(provider, "cooling", priority=-1), stage.account(provider, "beside")]
        for provider in PROVIDERS
    } | {"alone": [stage.account("openai-custom", "alone", supported_models=["gpt-4.1-alone"], priority=-2)]}


@pytest.fixture(scope="module")
def proxy(serve: Serve, pools: dict[str, list[PoolAccount]]) -> Proxy:
    accounts = [account for pool in pools.values() for account in pool]
    return serve("cooldowns", accounts, {"ACCOUNT_WAIT_SECONDS": "0.2"})


def test_a_cooling_account_gets_no_call_and_is_back_within_two_seconds(
    proxy: Proxy, pools: dict[str, list[PoolAccount]]
) -> None:
    """All four providers at once, asked all the time."""

    def one(number: int) -> float:
        provider = list(PROVIDERS)[number]
        cooling, _ = pools[provider]
        cooling.break_down(Answer(429, {"retry-after": "2"}))
        good(ask(proxy, provider), PROVIDERS[provider])
        cooling.break_down(None)
        for _ in range(100):
            good(ask(proxy, provider), PROVIDERS[provider])
            if cooling.asked > 1:
                break
            time.sleep(0.05)
        refused, again = cooling.fake.asked(cooling.key)
        return again.arrived - refused.arrived

    for seconds in at_once(len(PROVIDERS), one):
        assert 2 <= seconds < 2 + 2, "no call while it cools; back within 2 s after"
    for provider in PROVIDERS:
        assert row(proxy, pools[provider][0])["state"] == "healthy"


def test_when_all_rest_the_time_is_told_and_nobody_is_asked(proxy: Proxy, pools: dict[str, list[PoolAccount]]) -> None:
    (alone,) = pools["alone"]
    for other in pools["openai-custom"]:
        other.break_down(Answer(429, {"retry-after": "30"}))
    alone.break_down(Answer(429, {"retry-after": "20"}))
    name = "gpt-4.1-alone"
    assert ask(proxy, "openai-custom", name).headers["retry-after"] == "20"
    before = alone.asked
    for number in range(5):
        answer = ask(proxy, "openai-custom", name, stream=number % 2 == 0)
        assert answer.status_code == 429
        assert 18 <= int(answer.headers["retry-after"]) <= 20, "the first of them to be back"
        assert "no account of openai-custom is free" in answer.json()["error"]["message"]
    assert alone.asked == before


def test_one_request_alone_tries_an_account_that_comes_back(proxy: Proxy, pools: dict[str, list[PoolAccount]]) -> None:
    """Half-open: the others go elsewhere until it is known to be well."""
    cooling, beside = pools["claude-custom"]
    cooling.break_down(Answer(429, {"retry-after": "1"}))
    good(ask(proxy, "claude-custom"), "anthropic")
    cooling.break_down(Script(delivery=Delivery(head_delay=0.5)))
    time.sleep(1.05)
    before = cooling.asked, beside.asked
    answers = at_once(6, lambda number: ask(proxy, "claude-custom", "", f"{number}"))
    for answer in answers:
        good(answer, "anthropic")
    assert (cooling.asked - before[0], beside.asked - before[1]) == (1, 5)
    assert row(proxy, cooling)["state"] == "healthy"
    cooling.break_down(None)
    good(ask(proxy, "claude-custom"), "anthropic")
    assert cooling.asked == before[0] + 2
