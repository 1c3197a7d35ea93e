"""What an attempt's outcome says of the account it was made with, pure: one table, by cause.

`now` is unix seconds, `chance` a number from 0 up to 1. Backoff with full jitter, as the vendors' pages on rate limits ask for.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from creds.slot import DEFAULTS, NO_MODELS, SUSPENDED, Limits, Rest, SlotState, Stop, began_since, end_of, with_rests

MOST_MODELS = 100  # of an account, whose cooldowns are remembered


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt.

    cause: a key of RULES. leased: when its lease began. wait: seconds that the provider asked for, None if it named none.
    of_model: it concerns this model of the account and no other. reason: the provider's words, without secrets.
    """

    cause: str
    leased: float
    model: str = ""
    of_model: bool = False
    wait: float | None = None
    status: int | None = None
    reason: str = ""
    exchange: str = ""


class Effect(StrEnum):
    """What a cause does to an account."""

    CLEARS = "clears"
    NOTHING = "nothing"  # the account has no part in it
    GROWS = "grows"  # a backoff, which doubles with each failure in a row
    RESTS = "rests"  # for long
    STOPS = "stops"


@dataclass(frozen=True, slots=True)
class Rule:
    """cap: the name of a limit. first: the first step, in steps of `Limits.base`. Both of a backoff alone."""

    effect: Effect
    cap: str = ""
    first: float = 1.0


SUCCESS, CANCELLED = "success", "cancelled"
_ERROR = Rule(Effect.GROWS, "error_cap")

# By cause: the word of an upstream error's kind, or one of the three above. A provider that names a time is waited for that long,
# also where the rule would stop the account, but for a suspension.
RULES: Mapping[str, Rule] = {
    SUCCESS: Rule(Effect.CLEARS),
    CANCELLED: Rule(Effect.NOTHING),  # the client has left
    "bad_request": Rule(Effect.NOTHING),
    "context_length": Rule(Effect.NOTHING),
    "too_large": Rule(Effect.NOTHING),
    "not_found": Rule(Effect.NOTHING),
    # Renewed without success, or its token server is down: it may work again without anybody's doing.
    "auth": Rule(Effect.GROWS, "auth_cap", 5.0),
    "payment": Rule(Effect.RESTS),  # a quota is used up; see BY_STATUS
    "forbidden": Rule(Effect.STOPS),
    SUSPENDED: Rule(Effect.STOPS),
    "rate_limit": Rule(Effect.GROWS, "rate_cap"),
    "overloaded": _ERROR,
    "server": _ERROR,
    "timeout": _ERROR,
    "unreachable": _ERROR,
    "broken_stream": _ERROR,  # or an empty one
}
BY_STATUS: Mapping[tuple[str, int], Rule] = {
    ("payment", 402): Rule(Effect.STOPS),  # no credit, which does not come back with time
}


def report(state: SlotState, outcome: Outcome, now: float, chance: float, limits: Limits = DEFAULTS) -> SlotState:
    """The account's state after an attempt. KeyError for a cause that no rule knows."""
    rule = BY_STATUS.get((outcome.cause, outcome.status or 0)) or RULES[outcome.cause]
    state = _probe_over(state, outcome)
    wait = _asked_wait(outcome.wait, limits)
    match rule.effect:
        case Effect.CLEARS:
            return _cleared(state, outcome, now)
        case Effect.NOTHING:
            return state
        case Effect.STOPS if (wait is None or outcome.cause == SUSPENDED) and not outcome.of_model:
            first = state.stop or Stop(now, outcome.cause, outcome.reason, outcome.exchange)
            return replace(state, stop=first)
    old = state.models.get(outcome.model) if outcome.of_model else state.rest
    if old is not None and began_since(old.since, outcome.leased, now):
        # One of several that were under way when it began: the same trouble, not more of it.
        return _put(state, outcome, _longer(old, outcome, wait, now), now)
    failures = old.failures + 1 if old else 1
    if wait is not None:
        span = wait
    elif rule.effect is Effect.GROWS:
        cap: float = getattr(limits, rule.cap)
        span = chance * min(cap, limits.base * rule.first * 2.0 ** min(failures - 1, 30))  # full jitter
    else:
        span = limits.quota
    until = max(now + span, end_of(old, now, limits) if old else 0.0)
    rest = Rest(until, now, outcome.cause, outcome.reason, outcome.exchange, _told(outcome, now), failures)
    return _put(state, outcome, rest, now)


def _asked_wait(wait: float | None, limits: Limits) -> float | None:
    """Never negative, and never longer than the longest: providers have been wrong about their own resets."""
    if wait is None or math.isnan(wait):
        return None
    return min(max(wait, 0.0), limits.longest)


def _told(outcome: Outcome, now: float) -> float:
    return now + outcome.wait if outcome.wait is not None and math.isfinite(outcome.wait) and outcome.wait > 0 else 0.0


def _longer(rest: Rest, outcome: Outcome, wait: float | None, now: float) -> Rest:
    if wait is None or now + wait <= rest.until:
        return rest
    return replace(rest, until=now + wait, told=_told(outcome, now), cause=outcome.cause, reason=outcome.reason)


def _cleared(state: SlotState, outcome: Outcome, now: float) -> SlotState:
    """What began after the request was leased is not gone by its success: others were refused since."""

    def stays(found: Rest | Stop) -> bool:
        return began_since(found.since, outcome.leased, now)

    models = {name: rest for name, rest in state.models.items() if name != outcome.model or stays(rest)} or NO_MODELS
    rest = state.rest if state.rest and stays(state.rest) else None
    stop = state.stop if state.stop and stays(state.stop) else None
    return replace(state, rest=rest, models=models, stop=stop)


def _probe_over(state: SlotState, outcome: Outcome) -> SlotState:
    """If this was the request that tried the account, the next one may."""

    def freed(rest: Rest) -> Rest:
        return replace(rest, probe=0.0) if rest.probe and rest.probe == outcome.leased else rest

    return with_rests(state, outcome.model, freed)


def _put(state: SlotState, outcome: Outcome, rest: Rest, now: float) -> SlotState:
    if not outcome.of_model:
        return replace(state, rest=rest)
    others = sorted((name for name in state.models if name != outcome.model), key=lambda name: state.models[name].until)
    kept = {name: state.models[name] for name in others[-(MOST_MODELS - 1) :]}
    return replace(state, models={**kept, outcome.model: rest})
