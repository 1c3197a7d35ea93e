"""Who is asked next."""

import ast
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from creds import pool
from creds.pool import BUSY, Asked, Choice, Nobody, Wait, choose, lease, release, reset
from creds.pool_outcome import RULES, SUCCESS, Outcome, report
from creds.slot import (
    DEFAULTS,
    FRESH,
    SUSPENDED,
    Limits,
    Rest,
    Slot,
    SlotState,
    Standing,
    Stop,
    is_obeyed,
    rests_of,
    standing,
)

NOW = 1_000_000.0
A, B, C = (Slot("p", f"p:{name}") for name in "abc")
COOLING = SlotState(rest=Rest(NOW + 40, NOW - 20, "rate_limit", "slow down"))
ENDED = SlotState(rest=Rest(NOW - 1, NOW - 20, "server", "HTTP 500"))
STOPPED = SlotState(stop=Stop(NOW - 5, "suspended", "account suspended"))
REFUSED = SlotState(stop=Stop(NOW - 5, "forbidden", "no credit"))
CAUTION = SlotState(rest=Rest(NOW + 40, NOW - 20, "server", "HTTP 500"))  # ours: nobody asked for it
ASKED = Asked("m")


def chosen(slots: Sequence[Slot], states: Mapping[str, SlotState], asked: Asked = ASKED, chance: float = 0.0) -> Choice:
    found = choose(slots, states, asked, NOW, chance)
    assert isinstance(found, Choice), found
    return found


def resting(slots: Sequence[Slot], states: Mapping[str, SlotState], asked: Asked = ASKED) -> Wait:
    found = choose(slots, states, asked, NOW, 0.0)
    assert isinstance(found, Wait), found
    return found


def used(slot: Slot, states: dict[str, SlotState], now: float = NOW) -> None:
    states[slot.label] = lease(states.get(slot.label, FRESH), chosen([slot], states), now)


# --- who is left out ---


@pytest.mark.parametrize(
    ("slot", "state", "why"),
    [
        (replace(A, disabled=True), FRESH, "is disabled"),
        (replace(A, without_models=frozenset({"m"})), FRESH, "does not serve m"),
        (A, STOPPED, "is stopped: account suspended"),
        (A, COOLING, "rests for 40 s (slow down)"),
        (A, SlotState(models={"m": Rest(NOW + 9.1, NOW, "overloaded")}), "rests for 10 s (overloaded)"),
        (A, replace(ENDED, rest=Rest(NOW - 1, NOW - 9, "server", "no", probe=NOW - 1)), "is being tried again (no)"),
        (replace(A, concurrency=2), SlotState(in_flight=2), "serves 2 requests, its limit"),
    ],
)
def test_who_is_left_out_and_why(slot: Slot, state: SlotState, why: str) -> None:
    states = {slot.label: state}
    assert chosen([slot, B], states, chance=0.0).slot == B
    found = choose([slot], states, ASKED, NOW, 0.0)
    assert not isinstance(found, Choice)
    assert found.reasons == ((slot.label, why),)


def test_a_credential_that_cannot_be_used_bars_its_account() -> None:
    asked = Asked("m", barred={"p:a": "needs a login: aiclient login p"})
    assert chosen([A, B], {}, asked).slot == B
    assert choose([A], {}, asked, NOW, 0.0) == Nobody((("p:a", "needs a login: aiclient login p"),))


def test_a_model_that_rests_does_not_keep_the_account_from_others() -> None:
    states = {"p:a": SlotState(models={"m": Rest(NOW + 40, NOW, "overloaded")})}
    assert chosen([A], states, Asked("other")).slot == A


def test_without_accounts_there_is_nobody_and_no_reason() -> None:
    assert choose([], {}, ASKED, NOW, 0.0) == Nobody(())


# --- order ---


def test_the_lowest_priority_goes_first_and_the_next_when_it_rests() -> None:
    slots = [replace(A, priority=2), replace(B, priority=1), C]
    assert chosen(slots, {}).slot.label == "p:c"
    assert chosen(slots, {"p:c": COOLING}).slot.label == "p:b"
    assert chosen(slots, {"p:c": COOLING, "p:b": STOPPED}).slot.label == "p:a"


def test_whom_this_request_has_tried_comes_after_all_others() -> None:
    slots = [A, replace(B, priority=9)]
    assert chosen(slots, {}, Asked("m", tried={"p:a": 1})).slot.label == "p:b"
    assert chosen(slots, {}, Asked("m", tried={"p:a": 1, "p:b": 1})).slot.label == "p:a"


def test_one_account_is_tried_three_times_at_most() -> None:
    assert chosen([A], {}, Asked("m", tried={"p:a": 2})).slot == A
    found = resting([A], {}, Asked("m", tried={"p:a": 3}))
    assert (found.until, found.again) == (NOW, None)


def test_affinity_leads_a_conversation_to_one_account_while_others_are_less_used() -> None:
    states: dict[str, SlotState] = {}
    first = chosen([A, B, C], states, Asked("m", "talk 1")).slot
    for _ in range(5):
        used(first, states)
    assert chosen([A, B, C], states, Asked("m", "talk 1")).slot == first
    assert chosen([C, B, A], states, Asked("m", "talk 1"), chance=0.9).slot == first


def test_an_account_that_rests_moves_its_own_conversations_alone() -> None:
    keys = [f"talk {n}" for n in range(300)]
    before = {key: chosen([A, B, C], {}, Asked("m", key)).slot.label for key in keys}
    after = {key: chosen([A, B, C], {"p:a": COOLING}, Asked("m", key)).slot.label for key in keys}
    assert {before[key] for key in keys if before[key] != after[key]} == {"p:a"}
    assert set(after.values()) == {"p:b", "p:c"}


def test_conversations_are_shared_out_by_weight() -> None:
    slots = [replace(A, weight=3), B]
    shares = Counter(chosen(slots, {}, Asked("m", f"talk {n}")).slot.label for n in range(2000))
    assert 0.70 < shares["p:a"] / 2000 < 0.80


def test_affinity_stays_within_the_best_priority() -> None:
    slots = [replace(A, priority=1), B]
    assert {chosen(slots, {}, Asked("m", f"talk {n}")).slot for n in range(50)} == {B}


def test_a_key_of_any_text_is_a_key() -> None:
    assert chosen([A, B], {}, Asked("m", "\ud800 lone")).slot in (A, B)


def test_the_least_recently_used_is_next() -> None:
    states: dict[str, SlotState] = {}
    for moment, slot in enumerate((B, C, A)):
        used(slot, states, NOW - 10 + moment)
    order = []
    for moment in range(6):
        found = chosen([A, B, C], states)
        states[found.slot.label] = lease(states[found.slot.label], found, NOW + moment)
        order.append(found.slot.label)
    assert order == ["p:b", "p:c", "p:a"] * 2


def test_chance_decides_among_the_never_used() -> None:
    assert [chosen([A, B, C], {}, chance=chance).slot for chance in (0.0, 0.4, 0.9999)] == [A, B, C]
    assert [chosen([C, B, A], {}, chance=chance).slot for chance in (0.0, 0.4, 0.9999)] == [A, B, C]


def test_who_comes_back_from_a_rest_does_not_catch_up() -> None:
    states: dict[str, SlotState] = {"p:a": COOLING, "p:b": FRESH}
    for _ in range(100):
        found = chosen([A, B], states)
        states["p:b"] = lease(states["p:b"], found, NOW)
    states["p:a"] = FRESH
    counts: Counter[str] = Counter()
    for moment in range(20):
        found = chosen([A, B], states)
        states[found.slot.label] = lease(states[found.slot.label], found, NOW + moment)
        counts[found.slot.label] += 1
    assert 9 <= counts["p:a"] <= 11


# --- rest, and its end ---


def test_when_all_rest_the_smallest_wait_is_told_with_its_cause() -> None:
    states = {
        "p:a": COOLING,
        "p:b": SlotState(rest=Rest(NOW + 7.5, NOW, "overloaded", "529")),
        "p:c": STOPPED,
    }
    assert resting([A, B, C], states) == Wait(
        NOW + 7.5,
        NOW + 7.5,
        "overloaded",
        False,
        (
            ("p:a", "rests for 40 s (slow down)"),
            ("p:b", "rests for 8 s (529)"),
            ("p:c", "is stopped: account suspended"),
        ),
    )


def test_the_wait_of_an_account_is_the_longest_of_it_and_its_model() -> None:
    state = replace(COOLING, models={"m": Rest(NOW + 90, NOW, "overloaded")})
    assert (resting([A], {"p:a": state}).until, resting([A], {"p:a": state}).cause) == (NOW + 90, "overloaded")


def test_a_refused_credential_is_not_what_the_others_are_waited_for() -> None:
    """It would be back sooner, and be refused again."""
    refused = SlotState(rest=Rest(NOW + 2, NOW, "auth"))
    found = resting([A, B], {"p:a": refused, "p:b": COOLING})
    assert (found.until, found.cause) == (COOLING.rest and COOLING.rest.until, "rate_limit")
    assert resting([A], {"p:a": refused}).cause == "auth"


def test_accounts_tried_enough_count_for_others_and_not_for_this_request() -> None:
    states = {"p:a": SlotState(rest=Rest(NOW + 2, NOW, "server")), "p:b": COOLING}
    found = resting([A, B], states, Asked("m", tried={"p:a": 3}))
    assert (found.until, found.again) == (NOW + 2, NOW + 40)


def test_a_limit_that_is_reached_is_looked_at_again_soon() -> None:
    found = resting([replace(A, concurrency=1), B], {"p:a": SlotState(in_flight=1), "p:b": COOLING})
    assert (found.until, found.busy) == (NOW + BUSY, True)


def test_a_half_open_account_gets_one_request_until_its_outcome_is_known() -> None:
    states = {"p:a": ENDED}
    probe = chosen([A], states)
    assert probe.probe
    states["p:a"] = lease(ENDED, probe, NOW)
    assert resting([A], states).busy
    states["p:a"] = report(states["p:a"], Outcome(SUCCESS, NOW, "m"), NOW + 1, 0.5)
    assert not chosen([A], states).probe
    assert states["p:a"].in_flight == 1


def test_a_probe_of_which_nothing_is_heard_does_not_close_the_account_for_ever() -> None:
    states = {"p:a": lease(ENDED, chosen([A], {"p:a": ENDED}), NOW - DEFAULTS.probe)}
    assert chosen([A], states).probe


def test_a_request_for_another_model_is_no_probe_of_a_model_that_rested() -> None:
    ended = SlotState(models={"m": Rest(NOW - 1, NOW - 9, "overloaded")})
    assert chosen([A], {"p:a": ended}).probe
    assert not chosen([A], {"p:a": ended}, Asked("other")).probe


# --- for want of any other ---

HURRIED = replace(ASKED, hurried=True)


def test_in_a_hurry_our_own_caution_gives_way() -> None:
    assert resting([A], {"p:a": CAUTION}).again == NOW + 40
    found = chosen([A], {"p:a": CAUTION}, HURRIED)
    assert (found.slot, found.probe) == (A, True)


@pytest.mark.parametrize(
    "rest",
    [
        Rest(NOW + 40, NOW, "rate_limit"),
        Rest(NOW + 40, NOW, "payment"),
        Rest(NOW + 40, NOW, "server", told=NOW + 40),
        Rest(NOW + 40, NOW, "overloaded", told=NOW + 4000),
    ],
)
def test_in_a_hurry_a_rest_that_the_provider_asked_for_is_kept(rest: Rest) -> None:
    for state in (SlotState(rest=rest), SlotState(models={"m": rest})):
        assert resting([A], {"p:a": state}, HURRIED).until == NOW + 40
        both = replace(state, rest=rest, models={"m": Rest(NOW + 5, NOW, "server")})
        assert resting([A], {"p:a": both}, HURRIED).until == NOW + 40


def test_in_a_hurry_an_account_that_another_request_tries_is_asked_too() -> None:
    probed = replace(ENDED, rest=Rest(NOW - 1, NOW - 9, "server", probe=NOW - 1))
    assert resting([A], {"p:a": probed}).busy
    assert chosen([A], {"p:a": probed}, HURRIED).slot == A


def test_in_a_hurry_one_that_this_request_has_tried_still_rests() -> None:
    asked = replace(HURRIED, tried={"p:a": 1})
    assert resting([A], {"p:a": CAUTION}, asked).until == NOW + 40


def test_a_limit_on_requests_at_once_holds_in_a_hurry() -> None:
    assert resting([replace(A, concurrency=1)], {"p:a": SlotState(in_flight=1)}, HURRIED).busy


def test_a_refused_account_is_asked_when_nobody_else_is_left_and_once_a_request() -> None:
    states = {"p:a": REFUSED}
    assert chosen([A, replace(B, priority=9)], states).slot.label == "p:b"
    assert isinstance(choose([A, B], {**states, "p:b": COOLING}, ASKED, NOW, 0.0), Wait), "another one comes back"
    assert chosen([A, B], {**states, "p:b": COOLING}, HURRIED).slot == A, "but not in time"
    assert chosen([A], states).slot == A
    assert choose([A], states, Asked("m", tried={"p:a": 1}), NOW, 0.0) == Nobody((("p:a", "is stopped: no credit"),))


def test_a_suspended_account_is_no_last_resort() -> None:
    for asked in (ASKED, HURRIED):
        assert choose([A], {"p:a": STOPPED}, asked, NOW, 0.0) == Nobody((("p:a", "is stopped: account suspended"),))
    assert chosen([A, B], {"p:a": STOPPED, "p:b": REFUSED}).slot == B


def test_the_best_of_the_refused_is_the_last_resort() -> None:
    assert chosen([replace(A, priority=1), B], {"p:a": REFUSED, "p:b": REFUSED}).slot == B


# --- use ---


def test_a_lease_is_counted_until_it_is_released() -> None:
    state = lease(FRESH, chosen([A], {}), NOW)
    assert (state.in_flight, state.last_used) == (1, NOW)
    assert (release(state).in_flight, release(FRESH).in_flight) == (0, 0)


def test_a_reset_takes_away_what_keeps_an_account_from_use() -> None:
    state = replace(STOPPED, rest=COOLING.rest, models={"m": Rest(NOW + 9, NOW, "server")}, in_flight=2, turn=4.0)
    assert reset(state) == SlotState(in_flight=2, turn=4.0)


# --- properties ---

CAUSES = sorted(RULES)
slots_ = st.lists(
    st.builds(
        lambda n, priority, weight, concurrency, disabled: Slot(
            "p", f"p:{n}", priority, float(weight), concurrency, disabled=disabled
        ),
        st.integers(0, 5),
        st.integers(0, 2),
        st.integers(1, 5),
        st.integers(0, 2),
        st.booleans(),
    ),
    unique_by=lambda slot: slot.label,
    max_size=5,
)
chances = st.floats(0, 1, exclude_max=True)
steps = st.lists(
    st.tuples(
        st.sampled_from(CAUSES),
        st.sampled_from([None, 0.0, 3.0, 900.0, 1e12, -5.0]),
        chances,
        st.sampled_from([0.0, 0.5, 30.0, 5000.0]),
        st.booleans(),
        st.sampled_from(["", "talk"]),
    ),
    max_size=40,
)


@examples(deadline=None)
@given(slots_, steps, chances)
def test_whatever_happens_only_those_that_may_be_asked_are_asked(
    slots: list[Slot],
    steps: list[tuple[str, float | None, float, float, bool, str]],
    chance: float,
) -> None:
    """No stopped or resting account is chosen; one that may serve is never left out; one probe at a time; all cooldowns end."""
    states: dict[str, SlotState] = {}
    now, probes = NOW, dict[str, float]()
    for cause, wait, luck, passed, of_model, affinity in steps:
        now += passed
        asked = Asked("m", affinity, hurried=luck > 0.8)
        found = choose(slots, states, asked, now, luck)
        assert found == choose(slots, states, asked, now, luck)
        at = {slot.label: standing(slot, states.get(slot.label, FRESH), now, "m") for slot in slots}
        if not isinstance(found, Choice):
            assert Standing.HEALTHY not in {at[slot.label] for slot in slots if not slot.concurrency}, (
                "a healthy account was left out"
            )
            if isinstance(found, Wait):
                assert now <= found.until <= now + DEFAULTS.longest
            else:
                assert set(at.values()) <= {Standing.STOPPED, Standing.DISABLED}
            continue
        label, state = found.slot.label, states.get(found.slot.label, FRESH)
        assert found.probe == bool(rests_of(state, "m"))
        if at[label] is Standing.STOPPED:
            assert set(at.values()) <= {Standing.STOPPED, Standing.DISABLED}, "somebody else was there to be asked"
            assert state.stop is not None
            assert state.stop.cause != SUSPENDED
        elif asked.hurried:
            cooling = [rest for rest in rests_of(state, "m") if rest.until > now]
            assert not any(is_obeyed(rest) for rest in cooling), "its provider asked to be left in peace"
        else:
            assert at[label] in (Standing.HEALTHY, Standing.HALF_OPEN)
        if at[label] is Standing.COOLING:
            assert asked.hurried
        if found.probe and not asked.hurried and at[label] is Standing.HALF_OPEN:
            assert now >= probes.get(label, 0.0) + DEFAULTS.probe or label not in probes
            probes[label] = now
        states[label] = lease(states.get(label, FRESH), found, now)
        if chance < 0.3:
            continue  # nothing is ever heard of it
        outcome = Outcome(cause, now, "m", of_model, wait)
        states[label] = release(report(states[label], outcome, now, luck))
        probes.pop(label, None)
    after = now + DEFAULTS.longest + DEFAULTS.probe
    for slot in slots:
        assert standing(slot, states.get(slot.label, FRESH), after, "m") is not Standing.COOLING


@examples(deadline=None)
@given(st.lists(st.integers(1, 7), min_size=1, max_size=5), st.integers(1, 400), chances)
def test_shares_are_as_the_weights_are(weights: list[int], calls: int, chance: float) -> None:
    slots = [Slot("p", f"p:{n}", weight=float(weight)) for n, weight in enumerate(weights)]
    states: dict[str, SlotState] = {}
    counts: Counter[str] = Counter()
    for moment in range(calls):
        found = choose(slots, states, Asked("m"), NOW + moment, chance)
        assert isinstance(found, Choice)
        states[found.slot.label] = release(lease(states.get(found.slot.label, FRESH), found, NOW + moment))
        counts[found.slot.label] += 1
    for slot in slots:
        fair = calls * slot.weight / sum(weights)
        assert abs(counts[slot.label] - fair) <= len(slots)


@examples(deadline=None)
@given(st.text(), st.integers(2, 6), st.data())
def test_affinity_is_stable_whatever_other_accounts_do(key: str, number: int, data: st.DataObject) -> None:
    slots = [Slot("p", f"p:{n}") for n in range(number)]
    first = choose(slots, {}, Asked("m", key or "k"), NOW, 0.0)
    assert isinstance(first, Choice)
    others = [slot for slot in slots if slot != first.slot]
    gone = data.draw(st.lists(st.sampled_from(others), unique_by=lambda slot: slot.label))
    again = choose(slots, {slot.label: COOLING for slot in gone}, Asked("m", key or "k"), NOW, 0.9)
    assert isinstance(again, Choice)
    assert again.slot == first.slot


@examples(deadline=None)
@given(st.integers(1, 5), st.integers(1, 60), chances, st.sampled_from(["", "talk"]))
def test_nobody_starves(number: int, calls: int, chance: float, affinity: str) -> None:
    """Without a word on the conversation each account gets its turn, also one that comes back; with one, every conversation is
    served."""
    slots = [Slot("p", f"p:{n}") for n in range(number)]
    states: dict[str, SlotState] = {"p:0": COOLING} if number > 1 else {}
    counts: Counter[str] = Counter()
    for moment in range(calls + 3 * number):
        if moment == calls:
            states["p:0"] = replace(states.get("p:0", FRESH), rest=None)
            counts.clear()
        found = choose(slots, states, Asked("m", affinity), NOW + moment / 1000, chance)
        assert isinstance(found, Choice)
        states[found.slot.label] = release(lease(states.get(found.slot.label, FRESH), found, NOW + moment / 1000))
        counts[found.slot.label] += 1
    if affinity:
        assert len(counts) == 1
    else:
        assert min(counts[slot.label] for slot in slots) >= 2


@examples(deadline=None)
@given(slots_, steps)
def test_no_account_in_cooldown_is_chosen_while_a_healthy_one_exists(
    slots: list[Slot], steps: list[tuple[str, float | None, float, float, bool, str]]
) -> None:
    """Whoever asks, in a hurry or not: the states are made by outcomes, as they are in life."""
    states: dict[str, SlotState] = {}
    now = NOW
    for number, (cause, wait, luck, passed, of_model, _) in enumerate(steps):
        now += passed
        if not slots:
            break
        label = slots[number % len(slots)].label
        states[label] = report(states.get(label, FRESH), Outcome(cause, now, "m", of_model, wait), now, luck)
        healthy = {s.label for s in slots if standing(s, states.get(s.label, FRESH), now, "m") is Standing.HEALTHY}
        found = choose(slots, states, ASKED, now, luck)
        if healthy:
            assert isinstance(found, Choice)
            state = standing(found.slot, states.get(found.slot.label, FRESH), now, "m")
            assert state in (Standing.HEALTHY, Standing.HALF_OPEN)


@examples(deadline=None)
@given(steps)
def test_every_cooldown_ends_by_itself(steps: list[tuple[str, float | None, float, float, bool, str]]) -> None:
    """No later than the longest one after the last failure; then the account is chosen, unless a person must mend it."""
    state, now = FRESH, NOW
    for cause, wait, luck, passed, of_model, _ in steps:
        now += passed
        state = report(state, Outcome(cause, now, "m", of_model, wait), now, luck)
    later = now + DEFAULTS.longest
    found = choose([A], {"p:a": state}, ASKED, later, 0.0)
    if state.stop is not None and state.stop.cause == SUSPENDED:
        assert isinstance(found, Nobody)
    else:
        assert isinstance(found, Choice)
        well = report(lease(state, found, later), Outcome(SUCCESS, later, "m"), later + 1, 0.5)
        assert standing(A, well, later + 1, "m") is Standing.HEALTHY


@pytest.mark.parametrize("limits", [Limits(tries=1), Limits(tries=5)])
def test_the_most_tries_are_a_limit_like_others(limits: Limits) -> None:
    tried = {"p:a": limits.tries - 1}
    assert isinstance(choose([A], {}, Asked("m", tried=tried), NOW, 0.0, limits), Choice)
    assert isinstance(choose([A], {}, Asked("m", tried={"p:a": limits.tries}), NOW, 0.0, limits), Wait)


def test_no_part_of_a_decision_knows_a_clock_or_chance() -> None:
    """`tests/test_house.py` has the rule for the choice; its two neighbours are of the same kind."""
    folder = Path(pool.__file__).parent
    found = {
        alias.name
        for name in ("pool.py", "pool_outcome.py", "slot.py")
        for node in ast.walk(ast.parse((folder / name).read_text()))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    assert found == {"math"}


def test_a_stopped_account_is_asked_when_the_others_do_not_return_in_time() -> None:
    """One whose key is wrong for ever rests again and again: that must not keep one that was mended from its use."""
    slots = [Slot("p", "stopped"), Slot("p", "wrong")]
    states = {
        "stopped": SlotState(stop=Stop(0.0, "payment")),
        "wrong": SlotState(rest=Rest(60.0, 0.0, "rate_limit", told=60.0)),
    }
    assert isinstance(choose(slots, states, Asked(), 10.0, 0.0), Wait)
    found = choose(slots, states, Asked(hurried=True), 10.0, 0.0)
    assert isinstance(found, Choice)
    assert found.slot.label == "stopped"
    assert isinstance(choose(slots, states, Asked(hurried=True, tried={"stopped": 1}), 10.0, 0.0), Wait)
