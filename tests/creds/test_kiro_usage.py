"""How much of a Kiro plan is used up: added as the plan adds it, read whatever is missing, asked for rarely."""

from collections.abc import Mapping

import pytest

from creds.account import CredentialError
from creds.kiro_usage import PAUSE, Usage, UsageLimits, read_usage
from creds.token import Unavailable
from tests.fakes.kiro_scripts import RESET, USAGE

NOW = 1_790_000_000.0
BASE = {"usageLimit": 50, "currentUsage": 12}


def breakdown(**more: object) -> dict[str, object]:
    return {"usageBreakdownList": [{**BASE, **more}]}


def test_6_a_trial_and_bonuses_count_while_they_run() -> None:
    usage = read_usage(USAGE, NOW)
    assert usage == Usage("KIRO FREE", pytest.approx(12.37 + 100.5 + 1), 560.0, RESET, False, "credits")
    assert str(usage) == "KIRO FREE: 113.87 of 560 credits used, reset on 2027-01-01"


@pytest.mark.parametrize(
    ("answer", "used", "limit"),
    [
        (breakdown(), 12, 50),
        (breakdown(currentUsageWithPrecision=12.5, usageLimitWithPrecision=50.5), 12.5, 50.5),
        (breakdown(freeTrialInfo={"freeTrialStatus": "EXPIRED", **BASE}), 12, 50),
        (breakdown(freeTrialInfo={"freeTrialStatus": "ACTIVE", "freeTrialExpiry": NOW - 1, **BASE}), 12, 50),
        (breakdown(freeTrialInfo={"freeTrialStatus": "ACTIVE", **BASE}), 24, 100),
        (breakdown(bonuses=[{"status": "EXHAUSTED", **BASE}, {"status": "ACTIVE", **BASE}, None]), 24, 100),
        (breakdown(bonuses=[{"status": "ACTIVE", "expiresAt": NOW - 1, **BASE}]), 12, 50),
        ({"usageBreakdown": BASE}, 12, 50),
        ({"usageBreakdownList": [{"resourceType": "SPEC", "usageLimit": 1}, {"resourceType": "CREDIT", **BASE}]}, 12, 50),
        ({"usageBreakdownList": [{"resourceType": "VIBE", **BASE}, {"resourceType": "SPEC"}]}, 12, 50),
        ({"limits": [{"type": "AGENTIC_REQUEST", "currentUsage": 3, "totalUsageLimit": 9}]}, 3, 9),
        ({"limits": []}, 0, None),
        ({}, 0, None),
        ({"usageBreakdownList": "x", "subscriptionInfo": None, "nextDateReset": "soon", "limits": None}, 0, None),
        (breakdown(currentUsage=True, usageLimit="50"), 0, None),
    ],
)  # fmt: skip
def test_6_everything_is_optional(answer: Mapping[str, object], used: float, limit: float | None) -> None:
    usage = read_usage(answer, NOW)
    assert (usage.used, usage.limit) == (used, limit)


def test_6_titles_resets_and_overage() -> None:
    told = read_usage(
        {"subscriptionInfo": {"type": "PRO"}, "nextDateReset": RESET, **breakdown(displayName="Request")}, NOW
    )
    assert (told.title, told.resets_at, told.unit) == ("PRO", RESET, "request")
    beyond = read_usage({"overageConfiguration": {"overageStatus": "ENABLED"}}, NOW)
    assert (beyond.overage, str(beyond)) == (True, "Kiro: 0 credits used, charged beyond that")


class Service:
    def __init__(self) -> None:
        self.asked = 0
        self.refuses = False

    async def __call__(self) -> Mapping[str, object]:
        self.asked += 1
        if self.refuses:
            raise Unavailable("not now")
        return breakdown(currentUsage=self.asked)


async def test_6_it_is_asked_once_in_five_minutes() -> None:
    now, service = NOW, Service()
    limits = UsageLimits(service, lambda: now)
    assert [(await limits.of()).used for _ in range(3)] == [1, 1, 1]
    now += PAUSE - 1
    assert (await limits.of()).used == 1
    now += 1
    assert (await limits.of()).used == 2
    now -= 86_400  # the clock was set back
    assert (await limits.of()).used == 3


async def test_6_a_refusal_is_not_asked_for_again_either() -> None:
    service = Service()
    service.refuses = True
    limits = UsageLimits(service, lambda: NOW)
    for _ in range(3):
        with pytest.raises(CredentialError, match="not now"):
            await limits.of()
    assert service.asked == 1
