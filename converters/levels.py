"""Reasoning levels and token budgets, one ladder for all protocols (conversion table 7.1)."""

from bisect import bisect_left
from collections.abc import Collection

from converters.turns import Effort

LADDER: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")

_BUDGET: dict[Effort, int] = {
    "none": 0,
    "minimal": 1024,
    "low": 2048,
    "medium": 8192,
    "high": 24576,
    "xhigh": 32768,
    "max": 64000,
}
_UP_TO = (0, 1024, 4096, 16384, 28000, 48000)  # the largest number that still means the level at the same place


def budget_for(effort: Effort) -> int:
    """Tokens to ask for where a level must become a number."""
    return _BUDGET[effort]


def effort_for(budget: int) -> Effort:
    """The level a number of tokens stands for."""
    return LADDER[bisect_left(_UP_TO, budget)]


def nearest(effort: Effort, allowed: Collection[Effort]) -> Effort:
    """The level to send when only `allowed` (at least one) exist: itself, else the next lower, else the next higher.

    A level is never lowered to `none` while another is left: less reasoning is not no reasoning.
    """
    if effort in allowed:
        return effort
    place = LADDER.index(effort)
    lower = LADDER[max(place - 1, 0) : 0 : -1]
    higher = LADDER[place + 1 :]
    return next(level for level in (*lower, *higher, "none") if level in allowed)
