"""14.6: tool calls, put together from what vendors make of them."""

from itertools import count

import pytest

from converters.events import StreamEvent, ToolArgs, ToolEnd, ToolStart
from converters.json_codec import Json
from converters.openai_chat.calls import Calls
from converters.turns import Token


def entry(index: int | None = 0, id_: str | None = None, name: str | None = None, args: Json = None) -> Json:
    function: dict[str, Json] = {"name": name, "arguments": args}
    return {"index": index, "id": id_, "type": "function", "function": function}


def run(*entries: Json, answer: str = "a") -> list[StreamEvent]:
    calls = Calls(count())
    events = [event for item in entries for event in calls.add(item)]
    return events + list(calls.end(answer))


WEATHER = [ToolStart(0, "c1", "f"), ToolArgs(0, '{"a"'), ToolArgs(0, ":1}"), ToolEnd(0)]


def test_14_2_a_call_and_its_fragments() -> None:
    assert run(entry(0, "c1", "f", ""), entry(args='{"a"'), entry(args=":1}")) == WEATHER


@pytest.mark.parametrize("index", [0, None])
def test_14_6_id_and_name_sent_again_count_once(index: int | None) -> None:
    assert run(entry(index, "c1", "f", '{"a"'), entry(index, "c1", "f", ":1}")) == WEATHER


def test_14_6_an_empty_id_later_is_no_new_call() -> None:
    assert run(entry(0, "c1", "f"), entry(0, "", None, '{"a"'), entry(0, "", None, ":1}")) == WEATHER


@pytest.mark.parametrize(
    "entries",
    [
        [entry(0, None, "f", '{"a"'), entry(0, "c1", None, ":1}")],
        [entry(0, "c1", None, '{"a"'), entry(0, None, "f", ":1}")],
        [entry(0, None, None, '{"a"'), entry(0, "c1", "f", ":1}")],
    ],
)
def test_14_6_a_call_waits_until_id_and_name_are_known(entries: list[Json]) -> None:
    assert run(*entries) == [ToolStart(0, "c1", "f"), ToolArgs(0, '{"a":1}'), ToolEnd(0)]


def test_14_6_a_call_whose_name_never_comes_is_dropped_and_counted() -> None:
    calls = Calls(count())
    assert list(calls.add(entry(0, "c1", None, "{}"))) == list(calls.end("a")) == []
    assert (calls.found, calls.open, calls.skipped) == (False, False, 1)


def test_14_6_an_id_that_never_comes_is_made_the_same_in_every_replay() -> None:
    events = run(entry(0, None, "f", "{}"), entry(1, None, "f", "{}"))
    ids = [event.id for event in events if isinstance(event, ToolStart)]
    assert len(set(ids)) == 2
    assert all(id_.startswith("call_") and len(id_) == 29 for id_ in ids)
    assert run(entry(0, None, "f", "{}"), entry(1, None, "f", "{}")) == events
    assert run(entry(0, None, "f", "{}"), entry(1, None, "f", "{}"), answer="b") != events


TWO = [
    *[ToolStart(0, "c1", "f"), ToolArgs(0, '{"a":1}'), ToolStart(1, "c2", "f"), ToolArgs(1, '{"b":2}')],
    *[ToolEnd(0), ToolEnd(1)],
]


@pytest.mark.parametrize("indexes", [(0, 1), (0, 0), (None, None), (3, 7)])
def test_14_6_a_new_id_with_a_name_is_a_new_call_whatever_the_index(indexes: tuple[int | None, int | None]) -> None:
    assert run(entry(indexes[0], "c1", "f", '{"a":1}'), entry(indexes[1], "c2", "f", '{"b":2}')) == TWO


def test_14_6_calls_may_be_interleaved() -> None:
    assert run(
        entry(0, "c1", "f", '{"a"'), entry(1, "c2", "g", '{"b"'), entry(0, args=":1}"), entry(1, args=":2}")
    ) == [
        *[ToolStart(0, "c1", "f"), ToolArgs(0, '{"a"'), ToolStart(1, "c2", "g"), ToolArgs(1, '{"b"')],
        *[ToolArgs(0, ":1}"), ToolArgs(1, ":2}"), ToolEnd(0), ToolEnd(1)],
    ]


@pytest.mark.parametrize("names", [("f", "g"), ("f", "f")])
def test_14_6_without_ids_another_name_or_a_whole_call_before_makes_a_new_call(names: tuple[str, str]) -> None:
    events = run(entry(0, "", names[0], '{"a":1}'), entry(0, "", names[1], '{"b":2}'))
    assert [event.name for event in events if isinstance(event, ToolStart)] == list(names)
    assert [event.fragment for event in events if isinstance(event, ToolArgs)] == ['{"a":1}', '{"b":2}']


def test_14_6_without_ids_a_name_sent_again_on_a_fragment_is_the_same_call() -> None:
    events = run(entry(0, "", "f", '{"a":'), entry(0, "", "f", '{"b":2}}'))
    assert [event.fragment for event in events if isinstance(event, ToolArgs)] == ['{"a":{"b":2}}']


def test_14_6_without_index_and_id_a_fragment_belongs_to_the_last_call() -> None:
    assert run(entry(None, "c1", "f", '{"a"'), entry(None, None, None, ":1}")) == WEATHER


def test_14_6_a_fragment_for_a_call_that_is_over_is_dropped_and_counted() -> None:
    calls = Calls(count())
    list(calls.add(entry(0, "c1", "f", "{}")))
    list(calls.end("a"))
    assert list(calls.add(entry(0, None, None, "late"))) == list(calls.end("a")) == []
    assert calls.skipped == 1


@pytest.mark.parametrize(("args", "expected"), [({"a": 1.0}, '{"a":1.0}'), (None, ""), ([1], "[1]")])
def test_arguments_that_are_no_text_become_one(args: Json, expected: str) -> None:
    assert "".join(e.fragment for e in run(entry(0, "c", "f", args)) if isinstance(e, ToolArgs)) == expected


def test_4_3_a_custom_call_is_free_text() -> None:
    first: Json = {"index": 0, "id": "c", "type": "custom", "custom": {"name": "p", "input": ""}}
    assert run(first, {"index": 0, "custom": {"input": "free"}}) == [
        ToolStart(0, "c", "p", "custom"),
        ToolArgs(0, "free"),
        ToolEnd(0),
    ]


@pytest.mark.parametrize("late", [False, True])
def test_7_4_geminis_signature_ends_the_call(late: bool) -> None:
    signed: Json = {"index": 0, "extra_content": {"google": {"thought_signature": "s"}}}
    assert isinstance(signed, dict)
    first = entry(0, "c1", "f", "{}")
    assert isinstance(first, dict)
    entries: list[Json] = [first, signed] if late else [{**first, **signed}]
    assert run(*entries)[-1] == ToolEnd(0, Token("g", "s", "call"))


@pytest.mark.parametrize("odd", [3, None, "x", {}, {"function": 3}, {"index": "0", "id": 7, "function": {"name": []}}])
def test_odd_entries_do_no_harm(odd: Json) -> None:
    assert run(odd) == []
