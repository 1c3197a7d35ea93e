"""7.1: the ladder of reasoning levels."""

import pytest

from converters.levels import LADDER, budget_for, effort_for, nearest
from converters.turns import Effort


@pytest.mark.parametrize(
    ("effort", "budget"),
    [
        ("none", 0),
        ("minimal", 1024),
        ("low", 2048),
        ("medium", 8192),
        ("high", 24576),
        ("xhigh", 32768),
        ("max", 64000),
    ],
)
def test_7_1_each_level_has_a_budget(effort: Effort, budget: int) -> None:
    assert budget == budget_for(effort)
    assert effort == effort_for(budget)


@pytest.mark.parametrize(
    ("effort", "lowest", "highest"),
    [
        ("none", -1, 0),
        ("minimal", 1, 1024),
        ("low", 1025, 4096),
        ("medium", 4097, 16384),
        ("high", 16385, 28000),
        ("xhigh", 28001, 48000),
        ("max", 48001, 10**9),
    ],
)
def test_7_1_a_number_stands_for_a_level_up_to_its_border(effort: Effort, lowest: int, highest: int) -> None:
    assert effort == effort_for(lowest)
    assert effort == effort_for(highest)


@pytest.mark.parametrize(
    ("wanted", "allowed", "sent"),
    [
        ("xhigh", ("low", "medium", "high"), "high"),
        ("max", ("none", "low", "medium", "high", "xhigh"), "xhigh"),
        ("minimal", ("none", "low", "medium"), "low"),
        ("low", ("none", "medium", "high"), "medium"),  # never down to none
        ("none", ("low", "high"), "low"),
        ("medium", ("none",), "none"),
        ("high", LADDER, "high"),
    ],
)
def test_7_1_a_missing_level_goes_to_the_nearest_lower_one(
    wanted: Effort, allowed: tuple[Effort, ...], sent: Effort
) -> None:
    assert sent == nearest(wanted, allowed)
