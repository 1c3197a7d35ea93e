"""A slot's state, and what it comes to at a time."""

from dataclasses import replace

import pytest

from creds.slot import (
    FRESH,
    Limits,
    Rest,
    Slot,
    SlotState,
    Standing,
    Stop,
    began_since,
    end_of,
    is_probed,
    rests_of,
    standing,
    with_rests,
)

A = Slot("p", "p:a")
REST = Rest(until=160.0, since=100.0, cause="rate_limit")
LIMITS = Limits(longest=3600.0, probe=50.0)


@pytest.mark.parametrize(
    ("slot", "state", "model", "expected"),
    [
        (A, FRESH, "", Standing.HEALTHY),
        (replace(A, disabled=True), SlotState(stop=Stop(1, "forbidden")), "", Standing.DISABLED),
        (A, SlotState(stop=Stop(1, "forbidden"), rest=REST), "", Standing.STOPPED),
        (A, SlotState(rest=REST), "", Standing.COOLING),
        (A, SlotState(rest=replace(REST, until=120.0)), "", Standing.HALF_OPEN),
        (A, SlotState(models={"m": REST}), "m", Standing.COOLING),
        (A, SlotState(models={"m": REST}), "n", Standing.HEALTHY),
        (A, SlotState(rest=replace(REST, until=120.0), models={"m": REST}), "m", Standing.COOLING),
    ],
)
def test_what_a_state_comes_to(slot: Slot, state: SlotState, model: str, expected: Standing) -> None:
    assert expected == standing(slot, state, 130.0, model)


@pytest.mark.parametrize(
    ("slot", "model", "serves"),
    [
        (A, "gpt-5", True),
        (replace(A, without_models=frozenset({"gpt-5"})), "GPT-5", False),
        (replace(A, without_models=frozenset({"gpt-5"})), "gpt-5-mini", True),
        (replace(A, only_models=frozenset({"gpt-5"})), "Gpt-5", True),
        (replace(A, only_models=frozenset({"gpt-5"})), "o3", False),
        (replace(A, only_models=frozenset({"gpt-5"}), without_models=frozenset({"gpt-5"})), "gpt-5", False),
        (replace(A, only_models=frozenset({"gpt-5"})), "", True),
    ],
)
def test_models_that_a_slot_serves(slot: Slot, model: str, serves: bool) -> None:
    assert serves == slot.serves(model)


def test_a_cooldown_ends_when_it_says_and_never_later_than_the_longest() -> None:
    assert end_of(REST, 130.0, LIMITS) == 160.0
    assert end_of(replace(REST, until=1e300), 130.0, LIMITS) == 3700.0


def test_a_clock_that_was_set_back_ends_a_cooldown_and_a_small_step_does_not() -> None:
    assert end_of(REST, 99.0, LIMITS) == 160.0
    assert end_of(REST, 39.0, LIMITS) == 39.0


@pytest.mark.parametrize(("now", "expected"), [(110.0, True), (159.9, True), (160.0, False), (49.0, False)])
def test_a_probe_of_which_nothing_is_heard_is_lost_in_time(now: float, expected: bool) -> None:
    assert is_probed(replace(REST, probe=110.0), now, LIMITS) is expected
    assert not is_probed(REST, now, LIMITS)


@pytest.mark.parametrize(("since", "expected"), [(99.0, False), (100.0, False), (101.0, True), (500.0, False)])
def test_what_began_after_a_lease(since: float, expected: bool) -> None:
    """A beginning in the future was written by a clock that was wrong."""
    assert began_since(since, 100.0, 200.0) is expected


def test_rests_of_an_account_and_of_a_model() -> None:
    state = SlotState(rest=REST, models={"m": replace(REST, cause="overloaded")})
    assert [rest.cause for rest in rests_of(state, "m")] == ["rate_limit", "overloaded"]
    assert [rest.cause for rest in rests_of(state, "n")] == ["rate_limit"]
    changed = with_rests(state, "n", lambda rest: replace(rest, probe=7.0))
    assert (changed.rest, changed.models) == (replace(REST, probe=7.0), state.models)
    assert (SlotState(rest=replace(REST, failures=4)).failures, FRESH.failures) == (4, 0)
