"""How much of a Kiro plan is used up, as its own service tells (`getUsageLimits`). Everything in its answer is optional."""

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from creds.account import CredentialError
from creds.token_file import read_end

PAUSE = 300.0  # seconds between two questions
_PREFERRED = ("CREDIT", "AGENTIC_REQUEST")

type Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Usage:
    """title: of the plan. used, limit: in `unit`, trial and bonuses included; limit None where none is told. resets_at: unix
    seconds. overage: the owner lets Kiro go on past the limit and charge him for it."""

    title: str
    used: float
    limit: float | None
    resets_at: float | None
    overage: bool
    unit: str = "credits"

    def __str__(self) -> str:
        of = "" if self.limit is None else f" of {self.limit:g}"
        resets = ""
        if self.resets_at is not None:
            resets = f", reset on {datetime.fromtimestamp(self.resets_at, UTC):%Y-%m-%d}"
        beyond = ", charged beyond that" if self.overage else ""
        return f"{self.title or 'Kiro'}: {round(self.used, 2):g}{of} {self.unit} used{resets}{beyond}"


class UsageLimits:
    """The last answer, asked for anew once it is 5 minutes old; a refusal is kept as long. ask: the service's answer; raises
    CredentialError. now: unix seconds."""

    def __init__(self, ask: Callable[[], Awaitable[Fields]], now: Callable[[], float] = time.time) -> None:
        self._ask, self._now = ask, now
        self._kept: tuple[float, Usage | CredentialError] | None = None

    async def of(self) -> Usage:
        """Raises CredentialError when the service does not tell."""
        if self._kept is None or not 0 <= self._now() - self._kept[0] < PAUSE:
            found: Usage | CredentialError
            try:
                found = read_usage(await self._ask(), self._now())
            except CredentialError as error:
                found = error
            self._kept = (self._now(), found)
        if isinstance(found := self._kept[1], CredentialError):
            raise found.with_traceback(None)
        return found


def read_usage(answer: Fields, now: float) -> Usage:
    """An answer -> Usage. Available is the plan's own limit, a running trial's and every active bonus's; used likewise."""
    plan, overage = _object(answer.get("subscriptionInfo")), _object(answer.get("overageConfiguration"))
    title = _text(plan.get("subscriptionTitle")) or _text(plan.get("type"))
    is_beyond = overage.get("overageStatus") == "ENABLED"
    resets = read_end(answer.get("nextDateReset"))
    entry = _chosen(_objects(answer.get("usageBreakdownList"))) or _object(answer.get("usageBreakdown"))
    if entry:
        parts = [entry, *_granted(entry, now)]
        limits = [
            limit for part in parts if (limit := _number(part, "usageLimitWithPrecision", "usageLimit")) is not None
        ]
        used = sum(_number(part, "currentUsageWithPrecision", "currentUsage") or 0.0 for part in parts)
        unit = _text(entry.get("displayNamePlural")) or _text(entry.get("displayName"))
        resets = read_end(entry.get("nextDateReset")) or resets
    else:
        entry = next(_objects(answer.get("limits")), {})
        limit = _number(entry, "totalUsageLimit")
        limits, used, unit = [] if limit is None else [limit], _number(entry, "currentUsage") or 0.0, ""
    return Usage(title, used, sum(limits) if limits else None, resets or None, is_beyond, unit.lower() or "credits")


def _chosen(entries: Iterator[Fields]) -> Fields | None:
    """The one that requests are counted in."""
    found = list(entries)
    for kind in _PREFERRED:
        for entry in found:
            if entry.get("resourceType") == kind:
                return entry
    return found[0] if found else None


def _granted(entry: Fields, now: float) -> Iterator[Fields]:
    """What adds to the plan's own."""
    trial = _object(entry.get("freeTrialInfo"))
    if trial.get("freeTrialStatus") == "ACTIVE" and not _is_over(trial.get("freeTrialExpiry"), now):
        yield trial
    for bonus in _objects(entry.get("bonuses")):
        if bonus.get("status") == "ACTIVE" and not _is_over(bonus.get("expiresAt"), now):
            yield bonus


def _is_over(end: object, now: float) -> bool:
    return 0 < read_end(end) <= now


def _object(value: object) -> Fields:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> Iterator[Fields]:
    return (item for item in (value if isinstance(value, list) else ()) if isinstance(item, dict))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(entry: Fields, *names: str) -> float | None:
    """The first of the fields that is a number."""
    found = (entry.get(name) for name in names)
    return next((float(n) for n in found if isinstance(n, int | float) and not isinstance(n, bool)), None)
