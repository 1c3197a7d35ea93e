"""Verdicts as a person reads them, and as programs do."""

from collections.abc import Sequence
from dataclasses import dataclass

from addons.records.transcript import printable
from addons.replay.captured import Unplayed
from addons.replay.compare import Nothing
from addons.replay.judge import Verdict
from converters.json_codec import Json, JsonObject, dumps_text

_WIDTH = 160
_AROUND = 40


@dataclass(slots=True)
class Totals:
    same: int = 0
    different: int = 0
    unplayed: int = 0

    def add(self, verdict: Verdict | Unplayed) -> None:
        if isinstance(verdict, Unplayed):
            self.unplayed += 1
        elif verdict.differences:
            self.different += 1
        else:
            self.same += 1

    @property
    def replayed(self) -> int:
        return self.same + self.different

    @property
    def sentence(self) -> str:
        """`12 exchanges replayed: 11 the same, 1 different; 2 cannot be replayed`."""
        words = f"{self.replayed:,} exchanges replayed: {self.same:,} the same, {self.different:,} different"
        return words + (f"; {self.unplayed:,} cannot be replayed" if self.unplayed else "")


def text(verdict: Verdict | Unplayed, *, verbose: bool = False) -> str:
    """Some lines without the last one's end; "" for what is the same, unless verbose."""
    if isinstance(verdict, Unplayed):
        return printable(f"{verdict.id or verdict.where}: cannot be replayed: {verdict.reason}")
    captured, found = verdict.captured, verdict.differences
    head = printable(f"{captured.id}  {captured.title}  ({captured.where})")
    if not found:
        notes = [f"  {leg}: written differently, and means the same" for leg in verdict.rewritten]
        return "\n".join([f"{head}: the same", *notes]) if verbose else ""
    lines = [f"{head}: {len(found)} difference{'s' if len(found) > 1 else ''}"]
    for each in found:
        recorded, today = _pair(each.recorded, each.today)
        lines += [
            printable(f"  {each.leg}: {each.path}".rstrip(": ")),
            f"    recorded  {recorded}",
            f"    today     {today}",
        ]
    return "\n".join(lines)


def row(verdict: Verdict | Unplayed) -> JsonObject:
    """One object for `--json`. A side that has nothing is left out."""
    if isinstance(verdict, Unplayed):
        return {"id": verdict.id, "from": verdict.where, "result": "unplayable", "reason": verdict.reason}
    found: list[Json] = []
    for each in verdict.differences:
        one: JsonObject = {"leg": each.leg, "path": each.path}
        for name, value in (("recorded", each.recorded), ("today", each.today)):
            if not isinstance(value, Nothing):
                one[name] = value
        found.append(one)
    return {
        "id": verdict.captured.id,
        "from": verdict.captured.where,
        "exchange": verdict.captured.title,
        "result": "different" if found else "same",
        "differences": found,
        "rewritten": list(verdict.rewritten),
    }


def _pair(recorded: Json | Nothing, today: Json | Nothing) -> tuple[str, str]:
    """Two long texts are shown around the place where they part."""
    if isinstance(recorded, str) and isinstance(today, str) and max(len(recorded), len(today)) > _WIDTH:
        start = max(0, _parting(recorded, today) - _AROUND)
        return _piece(recorded, start), _piece(today, start)
    return _shown(recorded), _shown(today)


def _parting(one: Sequence[str], other: Sequence[str]) -> int:
    for n, (a, b) in enumerate(zip(one, other, strict=False)):
        if a != b:
            return n
    return min(len(one), len(other))


def _piece(whole: str, start: int) -> str:
    end = start + _WIDTH - 2 * len("...")
    words = printable(dumps_text(whole[start:end]))
    return ("..." if start else "") + words + (f"... ({len(whole):,} characters)" if end < len(whole) else "")


def _shown(value: Json | Nothing) -> str:
    if isinstance(value, Nothing):
        return "(nothing)"
    words = printable(dumps_text(value))
    return words if len(words) <= _WIDTH else f"{words[: _WIDTH - 3]}... ({len(words):,} characters)"
