"""What the attacks measured, for the table at the end of the run."""

import math
import os
from collections.abc import Sequence

FULL = 10_000
COUNT = int(os.environ.get("AICLIENT_TEST_ATTACK_COUNT", "150"))
WHOLE = COUNT >= FULL  # all of it was asked for, not a sample

ROWS: list[tuple[str, str]] = []


def sample(full: int) -> int:
    """How many of `full` this run takes: its share, but no fewer than a few."""
    return min(full, max(8, full * COUNT // FULL))


def note(what: str, figures: str) -> None:
    ROWS.append((what, figures))


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that so many of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def timing(seconds: Sequence[float]) -> str:
    parts = [("p50", percentile(seconds, 0.5)), ("p99", percentile(seconds, 0.99)), ("slowest", max(seconds))]
    return ", ".join(f"{name} {value * 1000:.0f} ms" for name, value in parts)
