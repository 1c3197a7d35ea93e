"""Where two values differ."""

from addons.replay.compare import NOTHING, Difference, differences
from converters.json_codec import Json


def found(recorded: Json, today: Json) -> list[tuple[str, object, object]]:
    return [(each.path, each.recorded, each.today) for each in differences("leg", recorded, today)]


def test_what_is_equal_has_no_differences() -> None:
    assert found({"a": [1, {"b": 2}]}, {"a": [1, {"b": 2}]}) == []


def test_a_place_is_named() -> None:
    assert found({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == [("a[1].b", 2, 3)]
    assert list(differences("answer", "x", "y")) == [Difference("answer", "", "x", "y")]


def test_missing_and_new_members_are_told_from_null() -> None:
    assert found({"a": None}, {"b": None}) == [("a", None, NOTHING), ("b", NOTHING, None)]


def test_the_entry_that_is_missing_is_named_and_not_all_behind_it() -> None:
    assert found(["a", "b", "c", "d"], ["a", "c", "d"]) == [("[1]", "b", NOTHING)]
    assert found(["a", "c"], ["a", "b", "c"]) == [("[1]", NOTHING, "b")]


def test_an_entry_that_has_changed_beside_one_that_is_missing() -> None:
    assert found([{"n": 1}, "b", "c"], [{"n": 2}, "c"]) == [("[0].n", 1, 2), ("[1]", "b", NOTHING)]


def test_true_is_not_one() -> None:
    assert found(True, 1) == [("", True, 1)]
    assert found(1, 1.0) == []


def test_another_kind_of_value_is_one_difference() -> None:
    assert found({"a": [1]}, {"a": {"b": 1}}) == [("a", [1], {"b": 1})]
