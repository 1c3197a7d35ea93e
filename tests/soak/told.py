"""Figures: printed at the end, and written to the file that AICLIENT_TEST_SOAK_OUT names."""

import json
import os
from pathlib import Path

type Figure = float | int | str
_told: list[dict[str, Figure]] = []


def tell(what: str, where: str, /, **figures: Figure) -> None:
    """One row. what: the proof; where: of which pair, program or phase."""
    _told.append({"what": what, "where": where, **{name: _short(figure) for name, figure in figures.items()}})
    if out := os.environ.get("AICLIENT_TEST_SOAK_OUT"):
        Path(out).write_text(json.dumps(_told, indent=1) + "\n")


def table() -> list[str]:
    """What was told, a line each."""
    return [
        "{what} {where}: ".format(**row)
        + ", ".join(f"{name} {figure}" for name, figure in row.items() if name not in ("what", "where"))
        for row in _told
    ]


def _short(figure: Figure) -> Figure:
    return round(figure, 3) if isinstance(figure, float) else figure
