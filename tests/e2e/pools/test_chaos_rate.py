"""7: four of five accounts fail, each time in another way, and no request is lost."""

import itertools
import os
import random
import re
from typing import Any

import pytest

from tests.e2e.plain import PROVIDERS
from tests.e2e.pools.asking import ask, at_once, good
from tests.e2e.pools.conftest import Serve
from tests.e2e.pools.faults import before_first_byte
from tests.e2e.pools.stage import PoolAccount, Stage, model
from tests.e2e.proxy import Proxy

COUNT = 300 if os.environ.get("AICLIENT_TEST_FULL") else 40
LANES = 4
STOPS = ("e402", "e403")  # after these an account is not asked again, so nothing would be met


@pytest.fixture(scope="module")
def ill(stage: Stage) -> dict[str, list[PoolAccount]]:
    """Four for each provider, with faults by chance."""
    faults: list[Any] = [fault for name, fault in before_first_byte().items() if name not in STOPS]
    chance = random.Random(7)
    found = {}
    for provider in PROVIDERS:
        found[provider] = stage.accounts(provider, "c1", "c2", "c3", "c4")
        for account in found[provider]:
            account.break_down(chance.choice(faults) for _ in itertools.count())
    return found


@pytest.fixture(scope="module")
def proxy(stage: Stage, serve: Serve, ill: dict[str, list[PoolAccount]]) -> Proxy:
    """Rests end at once, and who is well comes last: what has failed is met again by the next request."""
    well = [stage.account(provider, "well", priority=1) for provider in PROVIDERS]
    settings = {"LONGEST_REST_SECONDS": "0", "REQUEST_BASE_DELAY": "0"}
    return serve("chance", [account for pool in ill.values() for account in pool] + well, settings)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_request_is_lost(proxy: Proxy, ill: dict[str, list[PoolAccount]], provider: str) -> None:
    def one(number: int) -> None:
        answer = ask(proxy, provider, model(provider), f"conversation {number}", stream=number % 2 == 0)
        good(answer, PROVIDERS[provider])

    def lane(first: int) -> None:
        for number in range(first, COUNT, LANES):
            one(number)

    at_once(LANES, lane)
    bodies = [each.body for account in ill[provider] for each in account.fake.asked(account.key)]
    met = {found[1] for body in bodies if (found := re.search(rb"conversation (\d+)", body))}
    assert len(met) >= 0.8 * COUNT
    assert len(bodies) >= 1.5 * COUNT, "many met more than one"
