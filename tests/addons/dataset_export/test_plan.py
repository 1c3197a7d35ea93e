"""Which rows a dataset has, and which turn is learnt in which."""

from typing import Any

import pytest
from hypothesis import given

from addons.dataset_export.plan import Plan, by_branch, by_pair, by_turn
from addons.dataset_export.stitch import Stitched
from tests.addons.dataset_export.talk import Agent, Record, assistant, record, user
from tests.addons.dataset_export.test_stitch import CALLS, talk


def planned(plan: Plan) -> dict[str, list[tuple[str | None, bool]]]:
    return {
        id_: [(turn.facts.id if turn else None, learn) for turn, learn in plan.path(end)]
        for id_, end in plan.ends.items()
    }


def stitched(*records: Record, **keep: Any) -> Stitched:
    made = Stitched()
    for one in records:
        made.add(one, **keep)
    return made


def forked() -> list[Record]:
    agent = Agent("a")
    agent.ask("1", "one")
    agent.ask("2", "two", model="other")
    side = Agent("b", agent.history)
    side.ask("side", "task")
    agent.ask("3", "three")
    return [*agent.made[:2], *side.made, agent.made[2]]


def test_a_row_for_each_branch_and_what_they_share_is_learnt_in_the_first() -> None:
    assert planned(by_branch(stitched(*forked()).turns)) == {
        "b-1": [("a-1", True), ("a-2", True)],
        "a-3": [("a-1", False), ("a-2", False)],
    }


def test_a_row_for_each_turn_learns_that_turn_alone() -> None:
    assert planned(by_turn(stitched(*forked()).turns)) == {
        "a-1": [],
        "a-2": [("a-1", False)],
        "b-1": [("a-1", False), ("a-2", False)],
        "a-3": [("a-1", False), ("a-2", False)],
    }


def test_what_was_not_chosen_is_context_and_not_learnt() -> None:
    made = stitched(*forked(), keep=lambda facts: facts.model != "other")
    assert planned(by_branch(made.turns)) == {
        "b-1": [("a-1", True), (None, False)],
        "a-3": [("a-1", False), (None, False)],
    }


def test_a_branch_ends_where_nothing_chosen_follows() -> None:
    made = stitched(*forked(), keep=lambda facts: facts.id == "a-2")
    assert planned(by_branch(made.turns)) == {"a-2": [(None, False)]}


def test_a_second_turn_in_one_place_has_a_row_of_its_own() -> None:
    agent = Agent("a")
    agent.ask("1", "one")
    twin = record("t", [user("1")], assistant("one"), system="Another.")
    agent.ask("2", "two")
    assert planned(by_branch(stitched(agent.made[0], twin, agent.made[1]).turns)) == {
        "t": [],
        "a-2": [("a-1", True)],
    }


@given(CALLS)
def test_every_turn_is_learnt_in_one_row(calls: list[Any]) -> None:
    """Whatever branches there are: no turn is lost and none is learnt twice."""
    turns = stitched(*talk(calls)[0]).turns
    plan = by_branch(turns)
    learnt = [turn.facts.id for end in plan.ends.values() for turn, learn in plan.path(end) if learn and turn]
    assert sorted([*learnt, *plan.ends]) == sorted(turn.facts.id for turn in turns)


def pairs(chosen: str, *records: Record, same_model: bool = False) -> list[tuple[str, str]]:
    plan = by_pair(stitched(*records).turns, chosen, same_model=same_model)
    return [(good.facts.id, bad.facts.id) for good, bad in plan.pairs]


ASKED = [
    record("1", [user("hi")], assistant("a"), model="large"),
    record("2", [user("hi")], assistant("b"), model="small"),
    record("3", [user("hi"), assistant("b"), user("go on")], assistant("c"), model="small"),
]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ("large", [("1", "2")]),
        ("s*l", [("2", "1")]),
        ("*", []),
        ("none", []),
        ("earlier", [("1", "2")]),
        ("later", [("2", "1")]),
        ("continued", [("2", "1")]),
    ],
)
def test_the_rule_says_which_answer_is_chosen(chosen: str, expected: list[tuple[str, str]]) -> None:
    assert pairs(chosen, *ASKED) == expected


def test_pairs_need_the_same_prompt_the_same_setting_other_words_and_another_model() -> None:
    one = record("1", [user("hi")], assistant("a"), model="large")
    assert pairs("large", one, record("2", [user("ho")], assistant("b"), model="small")) == []
    assert pairs("large", one, record("2", [user("hi")], assistant("b"), model="small", system="s")) == []
    assert pairs("large", one, record("2", [user("hi")], assistant("a"), model="small", agent="replay")) == []
    assert pairs("large", one, record("2", [user("hi")], assistant("b"), model="small", agent="replay")) == [("1", "2")]
    retry = record("2", [user("hi")], assistant("b"), model="large")
    assert pairs("later", one, retry) == []
    assert pairs("later", one, retry, same_model=True) == [("2", "1")]


def test_each_rejected_answer_is_in_one_pair() -> None:
    answers = [record(str(n), [user("hi")], assistant(str(n)), model="large" if n < 3 else "small") for n in range(6)]
    assert pairs("large", *answers) == [("0", "3"), ("0", "4"), ("0", "5")]
