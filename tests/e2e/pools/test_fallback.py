"""A route's chain: when all accounts of one provider have failed, the request is built anew for the next one's wire."""

import itertools
from collections.abc import Iterator

import pytest

from tests.e2e.plain import PLAIN_MODEL, PROTOCOLS, PROVIDERS, REASONING_MODEL
from tests.e2e.pools.asking import ask, good, said
from tests.e2e.pools.conftest import Serve
from tests.e2e.pools.fakes import Answer
from tests.e2e.pools.faults import AFTER_FIRST_BYTE
from tests.e2e.pools.stage import TEXT, PoolAccount, Stage
from tests.e2e.proxy import Proxy
from tests.e2e.sdks import CLIENTS, Client
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import Script

# Each provider first, once; what follows is another wire each time.
CHAINS = {provider: (provider, *(each for each in PROVIDERS if each != provider)) for provider in PROVIDERS}


@pytest.fixture(scope="module")
def pools(stage: Stage) -> dict[str, list[PoolAccount]]:
    """Two for each provider."""
    return {provider: stage.accounts(provider, "one", "two") for provider in PROVIDERS}


@pytest.fixture(scope="module")
def proxy(serve: Serve, pools: dict[str, list[PoolAccount]]) -> Proxy:
    """plain-PROVIDER and thinking-PROVIDER are names of models, which begin there. Rests end at once."""
    routes = [
        f"{name}-{first}=" + ",".join(f"{each}:{models[each]}-{script}" for each in chain)
        for name, models, script in (
            ("plain", PLAIN_MODEL, "tool"),
            ("words", PLAIN_MODEL, "text"),
            ("thinking", REASONING_MODEL, "thinkingtool"),
        )
        for first, chain in CHAINS.items()
    ]
    settings = {"ROUTES": "; ".join(routes), "LONGEST_REST_SECONDS": "0"}
    return serve("fallback", [account for pool in pools.values() for account in pool], settings)


@pytest.fixture(scope="module")
def clients(proxy: Proxy) -> Iterator[dict[str, Client]]:
    """They name no provider."""
    made = {protocol: CLIENTS[protocol](proxy.url, "", CLIENT_KEY, own=protocol == "gemini") for protocol in PROTOCOLS}
    yield made
    for client in made.values():
        client.close()


@pytest.fixture(autouse=True)
def _mended(pools: dict[str, list[PoolAccount]]) -> Iterator[None]:
    yield
    for account in itertools.chain(*pools.values()):
        account.break_down(None)


def counts(pools: dict[str, list[PoolAccount]]) -> dict[str, list[int]]:
    return {provider: [account.asked for account in pool] for provider, pool in pools.items()}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_chain_goes_on_until_somebody_answers(
    proxy: Proxy, pools: dict[str, list[PoolAccount]], clients: dict[str, Client], protocol: str, stream: bool
) -> None:
    """Tools, a system prompt and a picture; the fakes check every wire's request to the letter."""
    for chain in CHAINS.values():
        before = counts(pools)
        for provider in chain[:3]:
            for account in pools[provider]:
                account.break_down(Answer(500))
        client = clients[protocol]
        answer = client.ask(
            f"plain-{chain[0]}", [client.user("Weather?", image=True)], stream=stream, tools=True, system="Be brief."
        )
        assert [call.name for call in answer.folded.calls] == ["get_weather"]
        after = counts(pools)
        for provider in chain[:3]:
            assert all(now > then for now, then in zip(after[provider], before[provider], strict=True)), provider
        assert sum(after[chain[3]]) == sum(before[chain[3]]) + 1
        for provider in chain[:3]:
            for account in pools[provider]:
                account.break_down(None)


SIGNED = [(protocol, first) for protocol in PROTOCOLS for first in PROVIDERS]


@pytest.mark.parametrize(("protocol", "first"), SIGNED)
def test_what_one_vendor_signed_does_not_go_to_the_next(
    pools: dict[str, list[PoolAccount]], clients: dict[str, Client], protocol: str, first: str
) -> None:
    """Thinking and a call, with signatures; then that vendor is gone, and the conversation goes on with each of the others."""
    client = clients[protocol]
    question = [client.user("Weather?")]
    asked = client.ask(f"thinking-{first}", question, stream=True, tools=True, thinking=True)
    results = client.results({call.id: "21" for call in asked.folded.calls})
    for gone in range(1, 4):
        for provider in CHAINS[first][:gone]:
            for account in pools[provider]:
                account.break_down(Answer(503))
        before = counts(pools)
        answer = client.ask(
            f"thinking-{first}", [*question, *asked.assistant, *results], stream=False, tools=True, thinking=True
        )
        assert answer.folded.text.startswith("It is ")
        served = CHAINS[first][gone]
        assert sum(counts(pools)[served]) > sum(before[served])


def test_a_broken_stream_is_not_begun_anew_elsewhere(proxy: Proxy, pools: dict[str, list[PoolAccount]]) -> None:
    for account in pools["openai-custom"]:
        account.break_down(AFTER_FIRST_BYTE["cut"])
    before = counts(pools)
    answer = ask(proxy, "", "words-openai-custom", protocol="anthropic", stream=True)
    assert answer.text.count("event: error") == 1
    after = counts(pools)
    assert sum(after["openai-custom"]) == sum(before["openai-custom"]) + 1
    assert {name: each for name, each in after.items() if name != "openai-custom"} == {
        name: each for name, each in before.items() if name != "openai-custom"
    }


def test_the_clients_own_fault_goes_to_nobody_else(proxy: Proxy, pools: dict[str, list[PoolAccount]]) -> None:
    for account in pools["openai-custom"]:
        account.break_down(Answer(400))
    before = sum(map(sum, counts(pools).values()))
    assert ask(proxy, "", "words-openai-custom", protocol="chat").status_code == 400
    assert sum(map(sum, counts(pools).values())) == before + 1


def test_when_all_have_failed_the_answer_is_an_error_and_the_next_request_is_served(
    proxy: Proxy, pools: dict[str, list[PoolAccount]]
) -> None:
    for account in itertools.chain(*pools.values()):
        account.break_down(Script(no_head="reset"))
    failed = ask(proxy, "", "words-openai-custom", protocol="chat")
    assert failed.status_code == 502
    for account in itertools.chain(*pools.values()):
        account.break_down(None)
    good(ask(proxy, "", "words-openai-custom", protocol="chat"))
    assert said(ask(proxy, "", "words-gemini-custom", protocol="gemini"), "gemini") == TEXT
