"""A slot, an account's place in a pool, and its state. Pure: times are unix seconds that come in as arguments."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

SUSPENDED = "suspended"  # by the provider: the cause of a stop
_ASKED_FOR = ("rate_limit", "payment")  # causes of rests, by the kind of error
CLOCK_STEP = 60.0  # a clock that stands this much before a cooldown's beginning was set back


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds, but for `tries`: the most of one request with one account.

    base: first step of a backoff, which doubles up to a cap of its own for errors, rate limits and refused credentials.
    quota: for one that is used up, if nobody says until when. longest: of any cooldown, whatever the provider names; then one
    real request is tried. probe: how long that one keeps others away, if nothing is heard of it.
    """

    base: float = 1.0
    error_cap: float = 30.0
    rate_cap: float = 60.0
    auth_cap: float = 300.0
    quota: float = 3600.0
    longest: float = 86_400.0
    probe: float = 120.0
    tries: int = 3


DEFAULTS = Limits()


@dataclass(frozen=True, slots=True)
class Slot:
    """An account's place in its provider's pool.

    label: unique, and the key of its state. priority: the lowest is asked first. weight: its share among equals. concurrency: the
    most requests at once, 0 for any number. without_models, only_models: what it cannot serve, and all that it can serve (empty:
    any). check_health, check_model: whether its owner wants it tried in the background, and with which model ("": a cheap one).
    mark: another one when the account behind the label is another, which has not earned the old one's state.
    """

    provider: str
    label: str
    priority: int = 0
    weight: float = 1.0
    concurrency: int = 0
    without_models: frozenset[str] = frozenset()
    only_models: frozenset[str] = frozenset()
    disabled: bool = False
    check_health: bool = False
    check_model: str = ""
    mark: str = ""

    def serves(self, model: str) -> bool:
        """Whatever the case. "" stands for no model in particular."""
        name = model.lower()
        if not name:
            return True
        if self.only_models and name not in {each.lower() for each in self.only_models}:
            return False
        return name not in {each.lower() for each in self.without_models}


@dataclass(frozen=True, slots=True)
class Rest:
    """A cooldown: of an account, or of one model of it.

    until: when it ends; what comes after is a half-open account, until one request went well. told: the end that the provider
    named, which may be later; 0 if it named none. cause: a key of `pool_outcome.RULES`. reason: the provider's words. exchange: the id of the
    one that led here. failures: in a row. probe: when the request under way that tries the account was leased, 0 if there is none.
    """

    until: float
    since: float
    cause: str
    reason: str = ""
    exchange: str = ""
    told: float = 0.0
    failures: int = 1
    probe: float = 0.0


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of an account's use, until a person has done something."""

    since: float
    cause: str
    reason: str = ""
    exchange: str = ""


NO_MODELS: Mapping[str, Rest] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class SlotState:
    """rest, models (by name), stop: why it is not used, if it is not. in_flight: leases. last_used: 0 for never. turn: place in
    the order of fair shares; grows with each use, the more slowly the greater the weight."""

    rest: Rest | None = None
    models: Mapping[str, Rest] = field(default=NO_MODELS, hash=False)
    stop: Stop | None = None
    in_flight: int = 0
    last_used: float = 0.0
    turn: float = 0.0

    @property
    def failures(self) -> int:
        """In a row, of the account as a whole."""
        return self.rest.failures if self.rest else 0


FRESH = SlotState()


class Standing(StrEnum):
    """What a slot's state comes to."""

    HEALTHY = "healthy"
    COOLING = "cooling"
    HALF_OPEN = "half-open"  # a cooldown has ended, and no request has shown yet that the account is well
    STOPPED = "stopped"
    DISABLED = "disabled"  # by its owner


def rests_of(state: SlotState, model: str) -> list[Rest]:
    """Those that matter for a model, whether they have ended or not."""
    return [rest for rest in (state.rest, state.models.get(model)) if rest is not None]


def end_of(rest: Rest, now: float, limits: Limits) -> float:
    """Never later than the longest cooldown allows, whatever a file or a clock says."""
    if now < rest.since - CLOCK_STEP:
        return now
    return min(rest.until, rest.since + limits.longest)


def began_since(since: float, leased: float, now: float) -> bool:
    """Whether a cooldown or stop began after a lease. One that lies in the future was written by a clock that was wrong."""
    return leased < since <= now + CLOCK_STEP


def is_obeyed(rest: Rest) -> bool:
    """Whether the provider asked for it. Any other is our own caution: it gives way where nobody else can be asked."""
    return bool(rest.told) or rest.cause in _ASKED_FOR


def is_probed(rest: Rest, now: float, limits: Limits) -> bool:
    """Whether a request is under way that tries the account; one of which nothing was heard for long counts as lost."""
    return bool(rest.probe) and rest.probe - CLOCK_STEP <= now < rest.probe + limits.probe


def standing(slot: Slot, state: SlotState, now: float, model: str = "", limits: Limits = DEFAULTS) -> Standing:
    """For people. model: "" for the account as a whole."""
    if slot.disabled:
        return Standing.DISABLED
    if state.stop is not None:
        return Standing.STOPPED
    rests = rests_of(state, model)
    if any(end_of(rest, now, limits) > now for rest in rests):
        return Standing.COOLING
    return Standing.HALF_OPEN if rests else Standing.HEALTHY


def with_rests(state: SlotState, model: str, change: Callable[[Rest], Rest]) -> SlotState:
    """With the rests that matter for a model changed."""
    models = state.models
    if model in models:
        models = {**models, model: change(models[model])}
    return replace(state, rest=change(state.rest) if state.rest else None, models=models)
