"""An account's state, for people and programs."""

import json

from addons.pool_report import row_of
from creds.account import State
from creds.slot import FRESH, Rest, SlotState, Standing, Stop
from tests.addons.pool_rig import Login, member

ACCOUNT = member("a")
RESTING = SlotState(rest=Rest(1_060.0, 1_000.0, "rate_limit", "slow down", "req_1"), in_flight=2)


def test_a_healthy_account_has_no_reason_and_no_times() -> None:
    assert row_of(ACCOUNT, FRESH, Standing.HEALTHY) == {
        "label": "openai-custom:a",
        "state": "healthy",
        "reason": "",
        "since": None,
        "until": None,
        "in_flight": 0,
    }


def test_a_rest_says_why_since_when_until_when_and_which_exchange_led_there() -> None:
    assert row_of(ACCOUNT, RESTING, Standing.COOLING) == {
        "label": "openai-custom:a",
        "state": "cooling",
        "reason": "rate_limit: slow down",
        "since": 1_000.0,
        "until": 1_060.0,
        "exchange": "req_1",
        "in_flight": 2,
    }


def test_models_that_rest_by_themselves_are_named_in_order() -> None:
    rests = {name: Rest(1_060.0, 1_000.0, "overloaded", exchange="req_2") for name in ("z", "b")}
    row = row_of(ACCOUNT, SlotState(models=rests), Standing.HEALTHY)
    rest = {"reason": "overloaded", "since": 1_000.0, "until": 1_060.0, "exchange": "req_2"}
    assert row["models"] == [{"model": "b", **rest}, {"model": "z", **rest}]
    assert (row["state"], row["reason"]) == ("healthy", "")


def test_a_stopped_account_says_how_it_is_used_again() -> None:
    """A stop has no end; what else rests does not matter any more."""
    stopped = SlotState(rest=RESTING.rest, stop=Stop(900.0, "payment", "no credit", "req_0"))
    row = row_of(ACCOUNT, stopped, Standing.STOPPED)
    assert (row["state"], row["reason"], row["since"], row["until"]) == ("stopped", "payment: no credit", 900.0, None)
    assert (row["exchange"], row["advice"]) == ("req_0", "when it is mended: aiclient pool reset openai-custom:a")


def test_what_the_credential_says_goes_before_what_the_pool_says() -> None:
    for state, word in ((State.NEEDS_LOGIN, "needs login"), (State.SUSPENDED, "suspended"), (State.EXPIRED, "healthy")):
        login = member("a", credential=Login(state=state, advice="log in again"))
        row = row_of(login, FRESH, Standing.HEALTHY)
        assert (row["state"], row["advice"]) == (word, "log in again")
        assert row_of(login, FRESH, Standing.DISABLED)["state"] == "disabled"


def test_the_credentials_advice_goes_before_the_general_one() -> None:
    login = member("a", credential=Login(state=State.SUSPENDED, advice="ask the provider"))
    row = row_of(login, SlotState(stop=Stop(900.0, "suspended")), Standing.STOPPED)
    assert (row["advice"], row["reason"]) == ("ask the provider", "suspended")


def test_a_row_is_json_and_holds_no_secret() -> None:
    assert "sk-key-of-a" not in json.dumps(row_of(ACCOUNT, RESTING, Standing.COOLING))
