"""Which rows a dataset has: one a branch, one a turn, or one a pair of answers to the same prompt.

In a row of a branch every turn of its path stands, but each turn is to be learnt in one row alone: where branches share their
beginning, the first row has it, and the others have it as context.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from addons.dataset_export.choose import fits
from addons.dataset_export.keys import Key
from addons.dataset_export.stitch import Turn


@dataclass(slots=True)
class Plan:
    """ends: the turns that rows end with, by id of their record. learnt: turn -> the row that teaches it (ids of records).
    at: the chosen turn of a node. pairs: chosen and rejected turns."""

    ends: dict[str, Turn] = field(default_factory=dict)
    learnt: dict[str, str] = field(default_factory=dict)
    at: dict[Key, Turn] = field(default_factory=dict)
    pairs: list[tuple[Turn, Turn]] = field(default_factory=list)

    def path(self, end: Turn) -> list[tuple[Turn | None, bool]]:
        """For each assistant turn before the end of a row: who it was, if recorded and chosen, and whether this row teaches it."""
        before = [self.at.get(node.key) for node in end.path[:-1] if node.answer]
        return [(turn, turn is not None and self.learnt.get(turn.facts.id) == end.facts.id) for turn in before]


def by_turn(turns: list[Turn]) -> Plan:
    """A row for each turn."""
    ids = {turn.facts.id: turn for turn in turns}
    return Plan(ids, {id_: id_ for id_ in ids}, _first(turns))


def by_branch(turns: list[Turn]) -> Plan:
    """A row for each turn after which nothing chosen follows, and for each further turn in a place that has one already."""
    inner: set[Key] = set()
    for turn in turns:
        node = turn.node.above
        while node is not None and node.key not in inner:
            inner.add(node.key)
            node = node.above
    made = Plan(at=_first(turns))
    for turn in turns:
        if turn.node.key not in inner or made.at[turn.node.key] is not turn:
            made.ends[turn.facts.id] = turn
            _teach(made, turn)
    return made


def _teach(made: Plan, end: Turn) -> None:
    made.learnt[end.facts.id] = end.facts.id
    node = end.node.above
    while node is not None:
        if (turn := made.at.get(node.key)) is not None:
            if turn.facts.id in made.learnt:
                return  # so is all above it, by the same row
            made.learnt[turn.facts.id] = end.facts.id
        node = node.above


def by_pair(turns: list[Turn], chosen: str, *, same_model: bool = False) -> Plan:
    """Pairs of answers to the same prompt with the same system prompt and tools, by different models; each rejected answer once.

    chosen: `earlier`, `later`, `continued` (the answer that the client went on from, where it dropped the other), or a pattern
    of models. same_model: two answers of one model are a pair too (a retry).
    """
    answered: dict[tuple[Key, Key], list[Turn]] = defaultdict(list)
    for turn in turns:
        answered[turn.prompt, turn.setting].append(turn)
    made = Plan(at=_first(turns))
    for group in answered.values():
        good = _chosen(group, chosen)
        for loser in (turn for turn in group if turn not in good):
            for winner in good:
                if winner.node is not loser.node and (same_model or winner.facts.model != loser.facts.model):
                    made.pairs.append((winner, loser))
                    break
    return made


def _chosen(group: list[Turn], rule: str) -> list[Turn]:
    match rule:
        case "earlier":
            return group[:1]
        case "later":
            return group[-1:]
        case "continued":
            return [turn for turn in group if turn.node.below]
        case _:
            return [turn for turn in group if fits((rule,), turn.facts.model, turn.facts.asked)]


def _first(turns: list[Turn]) -> dict[Key, Turn]:
    found: dict[Key, Turn] = {}
    for turn in turns:
        found.setdefault(turn.node.key, turn)
    return found
