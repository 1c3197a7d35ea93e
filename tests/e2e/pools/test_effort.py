"""8: bounded effort. Few tries for each account, one for the client's own faults, an answer in time when all are down."""

import time

import httpx
import pytest

from tests.e2e.plain import PROVIDERS, error_of
from tests.e2e.pools.asking import ask, at_once, good, health
from tests.e2e.pools.conftest import Serve
from tests.e2e.pools.fakes import Answer, Fault
from tests.e2e.pools.stage import PoolAccount, Stage, model
from tests.e2e.proxy import Proxy
from tests.fakes.scripts import Script

# What all three accounts of a pool do -> status, Retry-After (None: no header, 0: any).
DOWN: dict[str, tuple[Fault | None, int, int | None]] = {
    "limited": (Answer(429, {"retry-after": "31"}), 429, 31),
    "limitedlong": (Answer(429, {"retry-after": "300"}), 429, 300),
    "broken": (Answer(500), 500, None),
    "overloaded": (Answer(503), 503, None),
    "refused": (Answer(401), 503, None),
    "unpaid": (Answer(402), 402, None),
    "gone": (None, 502, None),
    "reset": (Script(no_head="reset"), 502, None),
    "garbage": (Answer(200, {"content-type": "application/json"}, b"garbage"), 502, None),
}
OWN = (400, 413, 422)
TRIES = 3


@pytest.fixture(scope="module")
def pools(stage: Stage) -> dict[tuple[str, str], list[PoolAccount]]:
    """(provider, what is wrong) -> three accounts for one model of that name."""
    found = {}
    faults: dict[str, Fault | None] = {name: fault for name, (fault, _, _) in DOWN.items()}
    faults |= {f"own{status}": Answer(status) for status in OWN}
    for provider in PROVIDERS:
        for name, fault in faults.items():
            more = {"supported_models": [model(provider, name)], "fault": fault, "dead": fault is None}
            found[provider, name] = stage.accounts(provider, f"{name}-a", f"{name}-b", f"{name}-c", **more)
    return found


@pytest.fixture(scope="module")
def proxy(serve: Serve, pools: dict[tuple[str, str], list[PoolAccount]]) -> Proxy:
    return serve("effort", [account for pool in pools.values() for account in pool])


@pytest.mark.parametrize("name", DOWN)
def test_when_all_are_down_the_answer_comes_in_time_and_is_the_right_one(
    proxy: Proxy, pools: dict[tuple[str, str], list[PoolAccount]], name: str
) -> None:
    """All providers at once; whole and streamed in turn."""
    _, status, retry_after = DOWN[name]
    providers = list(PROVIDERS)

    def one(number: int) -> tuple[httpx.Response, float]:
        began = time.monotonic()
        answer = ask(proxy, providers[number], model(providers[number], name), stream=number % 2 == 0)
        return answer, time.monotonic() - began

    for provider, (answer, seconds) in zip(providers, at_once(len(providers), one), strict=True):
        assert seconds < 10
        assert answer.status_code == _as_told(PROVIDERS[provider], name, status), answer.text
        assert (answer.headers.get("retry-after") or None) == (str(retry_after) if retry_after else None)
        error_of(PROVIDERS[provider], answer.content)
        for account in pools[provider, name]:
            most = TRIES + (name == "reset")  # a kept connection that had ended counts for nothing
            assert (0 if name == "gone" else 1) <= account.asked <= most, f"{account.label}: {account.asked}"


def _as_told(protocol: str, name: str, status: int) -> int:
    """That our account is refused is no client's business; Anthropic has no status for it but 500."""
    return 500 if (protocol, name) == ("anthropic", "refused") else status


@pytest.mark.parametrize("status", OWN)
@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_clients_own_faults_are_tried_once(
    proxy: Proxy, pools: dict[tuple[str, str], list[PoolAccount]], provider: str, status: int
) -> None:
    name = f"own{status}"
    answer = ask(proxy, provider, model(provider, name))
    assert answer.status_code == status, answer.text
    assert sum(account.asked for account in pools[provider, name]) == 1
    rows = health(proxy)
    for account in pools[provider, name]:
        assert rows[account.label]["state"] == "healthy"
        assert "models" not in rows[account.label]


def test_the_next_request_after_an_outage_is_served(
    proxy: Proxy, pools: dict[tuple[str, str], list[PoolAccount]]
) -> None:
    """A rest of our own making gives way where nobody else can be asked."""
    accounts = pools["openai-custom", "broken"]
    for account in accounts:
        account.break_down(None)
    began = time.monotonic()
    good(ask(proxy, "openai-custom", model("openai-custom", "broken")))
    assert time.monotonic() - began < 2
