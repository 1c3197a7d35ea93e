"""18: a client that leaves ends what is done for it, and no account pays for that."""

import threading
import time

import httpx
import pytest

from tests.e2e.plain import RIGHT, plain
from tests.e2e.pools.asking import ask, good, row, until
from tests.e2e.pools.conftest import Serve
from tests.e2e.pools.fakes import Answer
from tests.e2e.pools.stage import PoolAccount, Stage
from tests.e2e.proxy import Proxy
from tests.fakes.scripts import Delivery, HttpError, Script

PROVIDER = "openai-custom"
SILENT = Script(no_head="silent")


@pytest.fixture(scope="module")
def pools(stage: Stage) -> dict[str, list[PoolAccount]]:
    """By model: accounts for it alone."""

    def pool(name: str, *accounts: tuple[str, dict[str, object]]) -> list[PoolAccount]:
        only = {"supported_models": [f"gpt-4.1-{name}"]}
        return [stage.account(PROVIDER, each, **{**only, **more}) for each, more in accounts]  # type: ignore[arg-type]

    return {
        "waiting": pool("waiting", ("w1", {"fault": SILENT}), ("w2", {"priority": 1})),
        "between": pool("between", ("n1", {"fault": Answer(500)}), ("n2", {"priority": 1, "fault": SILENT}), ("n3", {"priority": 2})),
        "resting": pool("resting", ("r1", {"fault": Answer(429, {"retry-after": "2"})})),
        "busy": pool("busy", ("b1", {"concurrency": 1})),
        "streaming": pool("streaming", ("t1", {}), ("t2", {"priority": 1})),
    }  # fmt: skip


@pytest.fixture(scope="module")
def proxy(serve: Serve, pools: dict[str, list[PoolAccount]]) -> Proxy:
    accounts = [account for pool in pools.values() for account in pool]
    return serve("leaving", accounts, {"ACCOUNT_WAIT_SECONDS": "6", "FIRST_BYTE_SECONDS": "20"})


def leave(proxy: Proxy, name: str, after: float, *, stream: bool = False) -> None:
    """Ask, and be gone."""
    asked = plain("chat", f"gpt-4.1-{name}", stream=stream)
    with httpx.Client(trust_env=False, timeout=after) as client, pytest.raises(httpx.ReadTimeout):
        client.post(f"{proxy.url}/{PROVIDER}{asked.path}", json=asked.body, headers=RIGHT)


def unharmed(proxy: Proxy, account: PoolAccount) -> None:
    until(lambda: row(proxy, account)["in_flight"] == 0)
    found = row(proxy, account)
    assert (found["state"], found.get("models")) == ("healthy", None)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_while_an_account_says_nothing(proxy: Proxy, pools: dict[str, list[PoolAccount]], stream: bool) -> None:
    silent, other = pools["waiting"]
    leave(proxy, "waiting", 0.2, stream=stream)
    left = time.monotonic()
    last = silent.fake.asked(silent.key)[-1]
    assert last.gone.wait(2)
    assert last.gone_at is not None
    assert last.gone_at - left < 1
    unharmed(proxy, silent)
    assert other.asked == 0


def test_during_failover(proxy: Proxy, pools: dict[str, list[PoolAccount]]) -> None:
    """The first one failed, the second is silent: the third is not asked."""
    first, second, third = pools["between"]
    leave(proxy, "between", 0.3)
    assert second.fake.asked(second.key)[-1].gone.wait(2)
    unharmed(proxy, second)
    assert (first.asked, second.asked, third.asked) == (1, 1, 0)


def test_while_it_waits_for_an_account_that_rests(proxy: Proxy, pools: dict[str, list[PoolAccount]]) -> None:
    (resting,) = pools["resting"]
    leave(proxy, "resting", 0.4)
    before = resting.asked
    assert before == 1
    resting.break_down(None)
    time.sleep(2.4)  # its rest is over by now
    assert resting.asked == before, "nobody wants the answer any more"
    assert row(proxy, resting)["in_flight"] == 0
    good(ask(proxy, PROVIDER, "gpt-4.1-resting"))


def test_while_it_waits_for_an_account_that_is_busy(proxy: Proxy, pools: dict[str, list[PoolAccount]]) -> None:
    (busy,) = pools["busy"]
    busy.break_down(Script(delivery=Delivery(head_delay=1.0)))
    first = threading.Thread(target=lambda: ask(proxy, PROVIDER, "gpt-4.1-busy"))
    first.start()
    until(lambda: busy.asked == 1)
    leave(proxy, "busy", 0.2)
    first.join()
    time.sleep(0.3)
    assert busy.asked == 1
    unharmed(proxy, busy)


def test_in_the_middle_of_a_stream(proxy: Proxy, pools: dict[str, list[PoolAccount]]) -> None:
    streaming, other = pools["streaming"]
    streaming.break_down(Script(delivery=Delivery(pace=0.3)))
    leave_stream(proxy, "streaming")
    last = streaming.fake.asked(streaming.key)[-1]
    assert last.gone.wait(1)
    unharmed(proxy, streaming)
    assert (streaming.asked, other.asked) == (1, 0)


def leave_stream(proxy: Proxy, name: str) -> None:
    """After the first bytes."""
    asked = plain("chat", f"gpt-4.1-{name}", stream=True)
    url = f"{proxy.url}/{PROVIDER}{asked.path}"
    with httpx.stream("POST", url, json=asked.body, headers=RIGHT, trust_env=False, timeout=10) as answer:
        next(answer.iter_raw())


def test_a_hurried_client_costs_a_limited_account_no_second_call(
    proxy: Proxy, pools: dict[str, list[PoolAccount]]
) -> None:
    """Ten that leave, one after the other, while the only account rests."""
    (resting,) = pools["resting"]
    resting.break_down(Script(error=HttpError(429, "rate_limit_error", headers={"retry-after": "5"})))
    before = resting.asked
    for _ in range(10):
        leave(proxy, "resting", 0.05)
    time.sleep(0.2)
    assert resting.asked <= before + 1
