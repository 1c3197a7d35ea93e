"""What an attempt's outcome does to its account."""

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import Kind
from creds.pool_outcome import CANCELLED, MOST_MODELS, RULES, SUCCESS, SUSPENDED, Outcome, report
from creds.slot import FRESH, Limits, Rest, SlotState, Stop

NOW = 1_000_000.0
LEASED = NOW - 2
LIMITS = Limits(base=1.0, error_cap=30.0, rate_cap=60.0, auth_cap=300.0, quota=3600.0, longest=86_400.0)
NEUTRAL = ["bad_request", "context_length", "too_large", "not_found", CANCELLED]
GROWING = ["rate_limit", "overloaded", "server", "timeout", "unreachable", "broken_stream", "auth"]


def said(cause: str, wait: float | None = None, status: int | None = None, of_model: bool = False) -> Outcome:
    return Outcome(cause, LEASED, "m", of_model, wait, status, "its words", "req_1")


def after(outcome: Outcome, state: SlotState = FRESH, chance: float = 0.5) -> SlotState:
    return report(state, outcome, NOW, chance, LIMITS)


def failed(times: int, until: float = NOW - 3) -> SlotState:
    return SlotState(rest=Rest(until, NOW - 9, "server", failures=times))


def span(state: SlotState) -> float:
    assert state.rest
    return state.rest.until - NOW


def test_every_kind_of_upstream_error_has_its_rule() -> None:
    assert {kind.value for kind in Kind} | {SUCCESS, CANCELLED, SUSPENDED} == set(RULES)


def test_a_cause_that_no_rule_knows_is_a_mistake_of_ours() -> None:
    with pytest.raises(KeyError):
        after(said("weather"))


@pytest.mark.parametrize("cause", NEUTRAL)
def test_the_clients_own_fault_leaves_the_account_as_it_was(cause: str) -> None:
    assert after(said(cause, wait=30.0)) == FRESH
    assert after(said(cause), failed(3)) == failed(3)


@pytest.mark.parametrize(
    ("cause", "failures", "most"),
    [
        ("rate_limit", 0, 1.0),
        ("rate_limit", 1, 2.0),
        ("rate_limit", 5, 32.0),
        ("rate_limit", 6, 60.0),
        ("rate_limit", 5000, 60.0),
        *((cause, 0, 1.0) for cause in ("server", "overloaded", "timeout", "unreachable", "broken_stream")),
        *((cause, 3, 8.0) for cause in ("server", "overloaded", "timeout", "unreachable", "broken_stream")),
        *((cause, 9, 30.0) for cause in ("server", "overloaded", "timeout", "unreachable", "broken_stream")),
        ("auth", 0, 5.0),
        ("auth", 2, 20.0),
        ("auth", 9, 300.0),
    ],
)
def test_without_a_named_wait_it_doubles_up_to_its_cap_with_full_jitter(cause: str, failures: int, most: float) -> None:
    before = failed(failures) if failures else FRESH
    for chance in (0.0, 0.5, 0.99):
        state = after(said(cause), before, chance)
        assert span(state) == pytest.approx(most * chance)
        assert state.failures == failures + 1


@pytest.mark.parametrize("cause", [*GROWING, "payment", "forbidden"])
@pytest.mark.parametrize(
    ("wait", "expected", "told"),
    [
        (42.5, 42.5, NOW + 42.5),
        (0.0, 0.0, 0.0),
        (-10.0, 0.0, 0.0),
        (90_000.0, 86_400.0, NOW + 90_000),
        (math.inf, 86_400.0, 0.0),
    ],
)
def test_a_named_wait_is_kept_to_the_second_and_clamped(cause: str, wait: float, expected: float, told: float) -> None:
    state = after(said(cause, wait), failed(4))
    assert state.rest == Rest(NOW + expected, NOW, cause, "its words", "req_1", told, 5)
    assert state.stop is None


def test_a_wait_that_is_no_number_is_none() -> None:
    assert span(after(said("rate_limit", math.nan))) == 0.5


@pytest.mark.parametrize("status", [400, 403, 429, None])
def test_a_used_up_quota_rests_for_an_hour(status: int | None) -> None:
    assert span(after(said("payment", status=status))) == 3600.0


@pytest.mark.parametrize(
    ("cause", "status"), [("payment", 402), ("forbidden", 403), (SUSPENDED, 403), (SUSPENDED, None)]
)
def test_what_time_does_not_mend_stops_the_account_with_the_providers_words(cause: str, status: int | None) -> None:
    state = after(said(cause, status=status))
    assert state.stop == Stop(NOW, cause, "its words", "req_1")
    assert state.rest is None


def test_a_suspension_stops_whatever_wait_is_named_and_the_first_one_stands() -> None:
    first = after(said(SUSPENDED, 10.0))
    assert first.stop
    assert report(first, replace(said(SUSPENDED), reason="again"), NOW + 5, 0.5, LIMITS).stop == first.stop


def test_a_refusal_of_one_model_leaves_the_account_to_others() -> None:
    for outcome, expected in (
        (said("overloaded", 5.0, of_model=True), 5.0),
        (said("rate_limit", of_model=True), 0.5),
        (said("forbidden", of_model=True), 3600.0),
    ):
        state = after(outcome)
        assert (state.rest, state.stop) == (None, None)
        assert state.models["m"].until - NOW == expected


def test_models_are_remembered_up_to_a_number() -> None:
    state = FRESH
    for number in range(MOST_MODELS + 20):
        state = after(replace(said("overloaded", 100.0 + number, of_model=True), model=f"m{number}"), state)
    assert set(state.models) == {f"m{number}" for number in range(20, MOST_MODELS + 20)}


# --- several under way ---


def test_failures_of_requests_that_were_under_way_already_count_once() -> None:
    state = after(said("server"), chance=0.9)
    again = report(state, said("server"), NOW + 0.1, 0.9, LIMITS)
    assert again == state
    later = report(state, replace(said("server"), leased=NOW + 1), NOW + 2, 0.9, LIMITS)
    assert later.failures == 2


def test_the_longest_of_several_named_waits_counts() -> None:
    state = after(said("rate_limit", 10.0))
    longer = report(state, said("rate_limit", 60.0), NOW + 1, 0.5, LIMITS)
    assert (longer.rest and longer.rest.until, longer.failures) == (NOW + 61, 1)
    assert report(longer, said("rate_limit", 5.0), NOW + 2, 0.5, LIMITS) == longer


def test_a_short_rest_does_not_end_a_longer_one() -> None:
    """Another process leased before it had read of the cooldown."""
    state = SlotState(rest=Rest(NOW + 50, LEASED - 1, "rate_limit"))
    assert span(after(said("server"), state)) == 50.0


# --- success ---


def test_success_clears_everything_of_the_account_and_of_its_model() -> None:
    rest = Rest(NOW - 5, NOW - 9, "server", failures=7)
    state = SlotState(rest=rest, models={"m": rest, "other": rest}, in_flight=3, turn=2.0)
    assert after(said(SUCCESS), state) == SlotState(models={"other": rest}, in_flight=3, turn=2.0)


def test_success_of_an_older_request_says_nothing_of_a_newer_refusal() -> None:
    """0 calls while cooling: an answer that was under way must not void the provider's Retry-After."""
    refused = report(FRESH, said("rate_limit", 60.0), NOW - 1, 0.5, LIMITS)
    assert after(said(SUCCESS), refused) == refused
    stopped = report(FRESH, said(SUSPENDED), NOW - 1, 0.5, LIMITS)
    assert after(said(SUCCESS), stopped) == stopped


def test_a_stopped_account_that_answers_all_the_same_is_well() -> None:
    stopped = SlotState(stop=Stop(LEASED - 100, "forbidden", "no"))
    assert after(said(SUCCESS), stopped) == FRESH


def test_success_clears_what_a_wrong_clock_wrote() -> None:
    future = Rest(NOW + 9000, NOW + 8000, "server")
    assert after(said(SUCCESS), SlotState(rest=future)) == FRESH
    assert span(after(said("server"), SlotState(rest=future))) == pytest.approx(1.0)


# --- probes ---


@pytest.mark.parametrize("cause", NEUTRAL)
def test_a_probe_that_tells_nothing_makes_room_for_the_next(cause: str) -> None:
    rest = Rest(NOW - 5, NOW - 9, "server", probe=LEASED)
    assert after(said(cause), SlotState(rest=rest, models={"m": rest})) == SlotState(
        rest=replace(rest, probe=0.0), models={"m": replace(rest, probe=0.0)}
    )


def test_another_requests_end_does_not_end_a_probe() -> None:
    rest = Rest(NOW - 5, NOW - 9, "server", probe=NOW - 1)
    assert after(said(CANCELLED), SlotState(rest=rest)).rest == rest


def test_a_probe_that_fails_rests_for_longer() -> None:
    rest = Rest(NOW - 5, NOW - 9, "server", failures=3, probe=LEASED)
    state = after(said("server"), SlotState(rest=rest))
    assert (span(state), state.failures, state.rest and state.rest.probe) == (4.0, 4, 0.0)


@given(
    st.sampled_from(sorted(RULES)),
    st.one_of(st.none(), st.floats()),
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 10_000),
    st.booleans(),
)
def test_no_rest_is_longer_than_the_longest(
    cause: str, wait: float | None, chance: float, failures: int, of_model: bool
) -> None:
    before = failed(failures) if failures else FRESH
    state = report(before, said(cause, wait, of_model=of_model), NOW, chance, LIMITS)
    for rest in (*state.models.values(), *([state.rest] if state.rest and state.rest != before.rest else [])):
        assert 0 <= rest.until - NOW <= LIMITS.longest
