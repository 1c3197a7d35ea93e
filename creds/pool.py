"""A pool's choice, pure: which account is asked next.

No clock, no chance, no I/O: `now` is unix seconds, `chance` a number from 0 up to 1. States are immutable; what changes one returns
another. What an attempt's outcome says of its account is in `pool_outcome`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from creds.slot import (
    DEFAULTS,
    FRESH,
    NO_MODELS,
    SUSPENDED,
    Limits,
    Slot,
    SlotState,
    end_of,
    is_obeyed,
    is_probed,
    rests_of,
    with_rests,
)

BUSY = 1.0  # seconds until it is worth another look at what ends at a time nobody knows


@dataclass(frozen=True, slots=True)
class Asked:
    """What a choice looks at in a request.

    affinity: the same for all requests of a conversation, "" if nothing tells. tried: how often this request was tried, by label.
    barred: accounts that their own credential keeps from use now (a login is needed), by label, with the reason. hurried: it can
    wait no longer and has nobody else: then an account that was not tried yet is asked although it rests, unless its provider
    asked for that, or although another request is trying it.
    """

    model: str = ""
    affinity: str = ""
    tried: Mapping[str, int] = field(default_factory=dict, hash=False)
    barred: Mapping[str, str] = field(default_factory=dict, hash=False)
    hurried: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """The slot to use: `lease` it. probe: the one request that tries a half-open account. why: for people."""

    slot: Slot
    model: str
    probe: bool
    turn: float
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """All accounts that could serve this rest or are busy.

    until: when the first of them may be asked, by anybody; one whose credential was refused counts where there is no other.
    again: the same for those that this very request may still try; None if it has tried them all. cause: of the first one to
    return, a key of `pool_outcome.RULES`. busy: it may be sooner, when a request ends. reasons: (label, sentence).
    """

    until: float
    again: float | None
    cause: str
    busy: bool
    reasons: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Nobody:
    """No account could serve this, and waiting does not change that. reasons: (label, sentence); none if there is no account."""

    reasons: tuple[tuple[str, str], ...]


# --- choice ---


@dataclass(frozen=True, slots=True)
class _Closed:
    """A slot that is not to be had now. end: when it may be, None for never. busy: `end` is a guess. last_resort: but for want
    of any other."""

    why: str
    end: float | None = None
    cause: str = "overloaded"
    busy: bool = False
    last_resort: bool = False


def choose(
    slots: Sequence[Slot],
    states: Mapping[str, SlotState],
    asked: Asked,
    now: float,
    chance: float,
    limits: Limits = DEFAULTS,
) -> Choice | Wait | Nobody:
    """Who is asked next. In this order: whom this request has not tried yet, priority, affinity, fair shares by weight, who was
    used least recently; `chance` decides among those that are equal in all.

    Where nobody is left, or nobody in time, one that was stopped by a refusal is asked all the same, once: its owner may have mended
    it, and there is nothing to lose. One that was suspended is not.
    """
    free: list[Slot] = []
    closed: list[tuple[Slot, _Closed]] = []
    for slot in slots:
        found = _closed(slot, states.get(slot.label, FRESH), asked, now, limits)
        if found is not None:
            closed.append((slot, found))
        elif asked.tried.get(slot.label, 0) < limits.tries:
            free.append(slot)
        else:
            closed.append((slot, _Closed("has been tried often enough for this request", now)))
    if free:
        return _chosen(free, slots, states, asked, now, chance, limits)
    reasons = tuple((slot.label, found.why) for slot, found in closed)
    resting = [(found.end, slot, found) for slot, found in closed if found.end is not None]
    if asked.hurried or not resting:
        last = [slot for slot, found in closed if found.last_resort and slot.label not in asked.tried]
        if last:
            return _chosen(last, slots, states, asked, now, chance, limits)
    if not resting:
        return Nobody(reasons)
    # That a credential rests which was refused tells the client nothing, unless there is no other.
    until, _, first = min(resting, key=lambda each: (each[2].cause == "auth", each[0]))
    ends = [end for end, slot, _ in resting if asked.tried.get(slot.label, 0) < limits.tries]
    return Wait(until, min(ends, default=None), first.cause, any(found.busy for *_, found in resting), reasons)


def _closed(slot: Slot, state: SlotState, asked: Asked, now: float, limits: Limits) -> _Closed | None:
    if slot.disabled:
        return _Closed("is disabled")
    if not slot.serves(asked.model):
        return _Closed(f"does not serve {asked.model[:100]}")
    if slot.label in asked.barred:
        return _Closed(asked.barred[slot.label])
    if state.stop is not None:
        why = f"is stopped: {state.stop.reason or state.stop.cause}"
        return _Closed(why, last_resort=state.stop.cause != SUSPENDED)
    rests = rests_of(state, asked.model)
    if asked.hurried and slot.label not in asked.tried:
        rests = [rest for rest in rests if is_obeyed(rest) and end_of(rest, now, limits) > now]
    cooling = [(end, rest) for rest in rests if (end := end_of(rest, now, limits)) > now]
    if cooling:
        end, rest = max(cooling, key=lambda each: each[0])
        return _Closed(f"rests for {math.ceil(end - now)} s ({rest.reason or rest.cause})", end, rest.cause)
    for rest in rests:
        if is_probed(rest, now, limits):
            why = f"is being tried again ({rest.reason or rest.cause})"
            return _Closed(why, now + BUSY, rest.cause, busy=True)
    if slot.concurrency and state.in_flight >= slot.concurrency:
        return _Closed(f"serves {state.in_flight} requests, its limit", now + BUSY, busy=True)
    return None


def _chosen(
    free: Sequence[Slot],
    slots: Sequence[Slot],
    states: Mapping[str, SlotState],
    asked: Asked,
    now: float,
    chance: float,
    limits: Limits,
) -> Choice:
    best = min((asked.tried.get(slot.label, 0), slot.priority) for slot in free)
    equals = [slot for slot in free if (asked.tried.get(slot.label, 0), slot.priority) == best]
    # Start-time fair queueing: who comes back from a rest begins where the others are, and does not catch up.
    peers = [states[slot.label] for slot in slots if slot.priority == best[1] and slot.label in states]
    floor = max((peer.turn for peer in peers), default=0.0)
    turns = {slot.label: max(floor, _next_turn(slot, states.get(slot.label, FRESH))) for slot in equals}
    if len(equals) == 1:
        chosen, why = equals[0], "the only one of its priority that is free"
    elif asked.affinity:
        chosen = max(equals, key=lambda slot: (_pull(slot, asked.affinity), slot.label))
        why = "the conversation's own"
    else:
        ranked = {slot.label: (turns[slot.label], states.get(slot.label, FRESH).last_used) for slot in equals}
        first = min(ranked.values())
        ties = sorted((slot for slot in equals if ranked[slot.label] == first), key=lambda slot: slot.label)
        chosen, why = ties[min(int(chance * len(ties)), len(ties) - 1)], "the least recently used"
    rests = rests_of(states.get(chosen.label, FRESH), asked.model)
    return Choice(chosen, asked.model, bool(rests), turns[chosen.label], why)


def _next_turn(slot: Slot, state: SlotState) -> float:
    return state.turn + 1 / slot.weight if state.last_used else 0.0


def _pull(slot: Slot, key: str) -> float:
    """Rendezvous hashing with weights: an account that comes or goes moves its own share of the conversations, and no other."""
    digest = blake2b(f"{slot.label}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    place = (int.from_bytes(digest) + 0.5) / 2**64
    return math.inf if place >= 1 else -slot.weight / math.log(place)


# --- use ---


def lease(state: SlotState, choice: Choice, now: float) -> SlotState:
    """`now` is what the outcome calls `leased`."""
    return replace(
        with_rests(state, choice.model, lambda rest: replace(rest, probe=now)) if choice.probe else state,
        in_flight=state.in_flight + 1,
        last_used=now,
        turn=choice.turn,
    )


def release(state: SlotState) -> SlotState:
    """The request is over, whatever came of it."""
    return replace(state, in_flight=max(0, state.in_flight - 1))


def reset(state: SlotState) -> SlotState:
    """A person says that it is well again."""
    return replace(state, rest=None, models=NO_MODELS, stop=None)
