"""Which turns go into a dataset, and into which part of it."""

from dataclasses import replace

import pytest

from addons.dataset_export.choose import Filter, Splits, deduplicated, fits
from addons.dataset_export.facts import Facts, facts_of
from addons.dataset_export.stitch import Stitched
from tests.addons.dataset_export.talk import assistant, record, user

FACTS: Facts = facts_of(
    record("1", [user("hi")], assistant("x"), model="qwen3-max", provider="openai-custom", began=100.0)
)


def test_without_filters_complete_answers_are_taken_alone() -> None:
    assert Filter()(FACTS)
    assert not Filter()(replace(FACTS, state="cut"))
    assert Filter(states=())(replace(FACTS, state="cut"))


def test_what_chaos_struck_is_left_out_unless_all_is_wanted() -> None:
    struck = facts_of(record("1", [user("hi")], assistant("x")) | {"chaos": "cut"})
    assert not facts_of(record("1", [user("hi")], assistant("x")) | {"chaos": None}).chaos
    assert not Filter()(struck)
    assert Filter(states=())(struck)


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (Filter(since=100.0), True),
        (Filter(since=100.5), False),
        (Filter(until=100.0), False),
        (Filter(until=100.5), True),
        (Filter(models=("gpt-*", "qwen*")), True),
        (Filter(models=("gpt-*",)), False),
        (Filter(models=("QWEN*",)), True),
        (Filter(providers=("openai-*",)), True),
        (Filter(providers=("claude-*",)), False),
        (Filter(protocols=("chat",)), True),
        (Filter(protocols=("gemini",)), False),
        (Filter(tools=False), True),
        (Filter(tools=True), False),
        (Filter(successful=True), True),
    ],
    ids=lambda value: str(value) if isinstance(value, bool) else "",
)
def test_filters(chosen: Filter, expected: bool) -> None:
    assert chosen(FACTS) is expected


def test_a_model_is_found_by_the_name_it_was_asked_for_too() -> None:
    assert fits(("fast",), "qwen3-max", "fast")
    assert not Filter(successful=True)(replace(FACTS, stop="length"))


def test_one_answer_for_each_prompt() -> None:
    stitched = Stitched()
    for id_, answer, more in (("1", "a", {}), ("2", "b", {}), ("3", "c", {"system": "Be brief."})):
        stitched.add(record(id_, [user("hi")], assistant(answer), **more))
    assert [turn.facts.id for turn in deduplicated(stitched.turns, "exact")] == ["1", "2", "3"]
    assert [turn.facts.id for turn in deduplicated(stitched.turns, "prompts")] == ["1", "3"]


def test_splits_have_their_shares_and_stay_where_they_are() -> None:
    splits = Splits((("train", 0.8), ("validation", 0.1), ("test", 0.1)), seed=7)
    families = [number.to_bytes(16) for number in range(5000)]
    placed = [splits.of(family) for family in families]
    assert placed == [splits.of(family) for family in families]
    assert {name: round(placed.count(name) / 5000, 1) for name, _ in splits.shares} == dict(splits.shares)
    assert placed != [replace(splits, seed=8).of(family) for family in families]
    assert Splits().of(b"x") == "train"
