"""Which account is asked: priority, the conversation's own, what it can serve, how much it can take."""

from collections import Counter
from typing import Any

import pytest

from tests.e2e.plain import PROVIDERS, own_provider
from tests.e2e.pools.asking import ask, at_once, good
from tests.e2e.pools.conftest import Serve
from tests.e2e.pools.stage import PoolAccount, Stage, model
from tests.e2e.proxy import Proxy
from tests.fakes.scripts import Delivery, Script

type Pools = dict[str, list[PoolAccount]]


@pytest.fixture(scope="module")
def pools(stage: Stage) -> Pools:
    """By provider: four that are alike. By name: some for one model alone."""

    def pool(name: str, *options: dict[str, Any]) -> list[PoolAccount]:
        only = {"supported_models": [f"gpt-4.1-{name}"]}
        return [
            stage.account("openai-custom", f"{name}{number}", **{**only, **each}) for number, each in enumerate(options)
        ]

    alike = {provider: stage.accounts(provider, "a", "b", "c", "d") for provider in PROVIDERS}
    return alike | {
        "ranked": pool("ranked", {"priority": 5}, {"priority": -5}, {"priority": -4}),
        "limited": pool("limited", {"concurrency": 2, "priority": -3}, {"priority": -2}),
        "narrow": pool("narrow", {"concurrency": 1, "priority": -9}),
        "weighted": pool("weighted", {"weight": 9, "priority": -3}, {"weight": 1, "priority": -3}),
    }


@pytest.fixture(scope="module")
def proxy(stage: Stage, serve: Serve, pools: Pools) -> Proxy:
    shy = stage.account("openai-custom", "shy", priority=-10, not_supported_models=[])
    unable = stage.account("claude-custom", "unable", priority=-10, not_supported_models=["claude-sonnet-4-5-text"])
    pools["shy"], pools["unable"] = [shy], [unable]
    shy.more = {"priority": -10, "supported_models": ["gpt-4.1-only"]}
    return serve("choice", [account for pool in pools.values() for account in pool])


def who(pool: list[PoolAccount], before: Counter[str]) -> list[str]:
    """The names of those that were asked since."""
    return sorted((counts(pool) - before).elements())


def counts(pool: list[PoolAccount]) -> Counter[str]:
    return Counter({account.name: account.asked for account in pool})


def turns(protocol: str, first: str) -> list[dict[str, Any]]:
    """Three requests of one conversation: each repeats the ones before it."""
    talk = [("user", first), ("assistant", "Yes?"), ("user", "Go on."), ("assistant", "Well."), ("user", "And?")]
    wholes = [talk[:1], talk[:3], talk[:5]]
    match protocol:
        case "gemini":
            return [
                {"contents": [{"role": "user" if r == "user" else "model", "parts": [{"text": t}]} for r, t in each]}
                for each in wholes
            ]
        case _:
            name = "input" if protocol == "responses" else "messages"
            return [{name: [{"role": role, "content": text} for role, text in each]} for each in wholes]


WORDS: dict[str, tuple[str, dict[str, str], dict[str, Any]]] = {
    "session header": ("anthropic", {"x-claude-code-session-id": "S{}"}, {}),
    "prompt_cache_key of chat": ("chat", {}, {"prompt_cache_key": "K{}"}),
    "prompt_cache_key of responses": ("responses", {}, {"prompt_cache_key": "K{}"}),
    "metadata.user_id": ("anthropic", {}, {"metadata": {"user_id": "U{}"}}),
}


@pytest.mark.parametrize("word", WORDS)
def test_a_clients_word_for_its_conversation_keeps_the_account(proxy: Proxy, pools: Pools, word: str) -> None:
    """Whatever the requests say besides; and conversations spread."""
    protocol, headers, fields = WORDS[word]
    provider, used = own_provider(protocol), Counter[str]()
    for talk in range(10):
        before = counts(pools[provider])
        own_headers = {name: value.format(talk) for name, value in headers.items()}
        own_fields = _filled(fields, talk)
        for number in range(3):
            answer = ask(proxy, provider, "", f"Words {talk}.{number}", headers=own_headers, **own_fields)
            good(answer, protocol)
        (name,) = set(who(pools[provider], before))
        used[name] += 1
    assert len(used) >= 3


def _filled(fields: dict[str, Any], number: int) -> dict[str, Any]:
    return {
        name: _filled(value, number) if isinstance(value, dict) else value.format(number)
        for name, value in fields.items()
    }


@pytest.mark.parametrize(("provider", "protocol"), PROVIDERS.items())
def test_without_a_word_the_first_messages_keep_the_account(
    proxy: Proxy, pools: Pools, provider: str, protocol: str
) -> None:
    used = Counter[str]()
    for talk in range(10):
        before = counts(pools[provider])
        for number, body in enumerate(turns(protocol, f"Question {talk}")):
            good(ask(proxy, provider, stream=number == 1, **body), protocol)
        (name,) = set(who(pools[provider], before))
        used[name] += 1
    assert len(used) >= 3


def test_the_lowest_priority_comes_first(proxy: Proxy, pools: Pools) -> None:
    for number in range(6):
        good(ask(proxy, "openai-custom", "gpt-4.1-ranked", f"{number}"))
    assert who(pools["ranked"], Counter()) == ["ranked1"] * 6


def test_the_weight_is_an_accounts_share(proxy: Proxy, pools: Pools) -> None:
    for number in range(40):
        good(ask(proxy, "openai-custom", "gpt-4.1-weighted", f"conversation {number}"))
    heavy, light = counts(pools["weighted"])["weighted0"], counts(pools["weighted"])["weighted1"]
    assert heavy + light == 40
    assert heavy > 3 * light


def test_models_that_an_account_cannot_serve_do_not_go_there(proxy: Proxy, pools: Pools) -> None:
    """It would come first for any other."""
    (unable,), (shy,) = pools["unable"], pools["shy"]
    good(ask(proxy, "claude-custom"), "anthropic")
    assert unable.asked == 0
    good(ask(proxy, "claude-custom", "claude-sonnet-4-5-other"), "anthropic")
    assert unable.asked == 1
    good(ask(proxy, "openai-custom", "gpt-4.1-only"))
    good(ask(proxy, "openai-custom"))
    assert shy.asked == 1


def test_no_more_requests_at_once_than_an_account_can_take(proxy: Proxy, pools: Pools) -> None:
    for account in pools["limited"]:
        account.break_down(Script(delivery=Delivery(head_delay=0.2)))
    at_once(8, lambda number: good(ask(proxy, "openai-custom", "gpt-4.1-limited", f"{number}")))
    limited, other = pools["limited"]
    assert limited.fake.most[limited.key] == 2
    assert limited.asked + other.asked == 8
    assert other.asked >= 4


def test_who_finds_no_free_account_waits_for_one(proxy: Proxy, pools: Pools) -> None:
    """Five clients, one account that takes one request at a time, and nobody else before it is worth to wait."""
    (narrow,) = pools["narrow"]
    narrow.break_down(Script(delivery=Delivery(head_delay=0.1)))
    others = pools["openai-custom"]
    before = sum(account.asked for account in others)
    at_once(5, lambda number: good(ask(proxy, "openai-custom", "gpt-4.1-narrow", f"{number}")))
    assert narrow.fake.most[narrow.key] == 1
    assert narrow.asked + sum(account.asked for account in others) - before == 5


def test_a_request_without_a_model_of_its_pool_is_told_why(proxy: Proxy) -> None:
    answer = ask(proxy, "gemini-custom", model("gemini-custom", "nonexistent"))
    assert answer.status_code == 404
