"""6.1: ids of calls and results where the client sends none."""

from converters.gemini.ids import match_ids
from converters.json_codec import JsonObject


def call(name: str, id_: str | None = None) -> JsonObject:
    return {"functionCall": {"name": name, "args": {}, **({"id": id_} if id_ else {})}}


def result(name: str, id_: str | None = None) -> JsonObject:
    return {"functionResponse": {"name": name, "response": {}, **({"id": id_} if id_ else {})}}


def test_6_1_parallel_calls_of_one_name_are_answered_first_in_first_out() -> None:
    ids = match_ids([[call("a"), call("a"), call("b")], [result("b"), result("a"), result("a")]])
    assert len({ids[0, 0], ids[0, 1], ids[0, 2]}) == 3
    assert (ids[0, 2], ids[0, 0], ids[0, 1]) == (ids[1, 0], ids[1, 1], ids[1, 2])
    assert all(id_.startswith("call_") and len(id_) == 29 for id_ in ids.values())


def test_6_1_made_ids_are_the_same_in_a_longer_history() -> None:
    history = [[call("a")], [result("a")]]
    first = match_ids(history)
    longer = match_ids([*history, [{"text": "x"}], [call("a")], [result("a")]])
    assert first.items() <= longer.items()
    assert longer[0, 0] != longer[3, 0]


def test_6_1_explicit_ids_win_first() -> None:
    ids = match_ids([[call("a", "one"), call("a", "two")], [result("a"), result("a", "one")]])
    assert (ids[1, 0], ids[1, 1]) == ("two", "one")


def test_6_1_an_unknown_id_on_a_result_falls_back_to_the_name() -> None:
    ids = match_ids([[call("a")], [result("a", "other"), result("a", "orphan")]])
    assert (ids[1, 0], ids[1, 1]) == (ids[0, 0], "orphan")


def test_6_1_what_is_no_string_is_no_id() -> None:
    odd_call: JsonObject = {"functionCall": {"name": "a", "id": {"of": ["call"]}}}
    odd_result: JsonObject = {"functionResponse": {"name": "a", "id": ["call"]}}
    ids = match_ids([[odd_call], [odd_result]])
    assert ids[0, 0] == ids[1, 0]
    assert ids[0, 0].startswith("call_")
