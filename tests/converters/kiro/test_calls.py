"""4.2, 14.6: calls by `toolUseId`, in fragments or whole, which may interleave."""

from itertools import count

import pytest

from converters.errors import Kind, UpstreamError
from converters.events import StreamEvent, ToolArgs, ToolEnd, ToolStart
from converters.json_codec import Json, JsonObject
from converters.kiro.calls import Calls


def part(id_: str | None = "c1", name: str | None = "f", input_: Json = None, stop: bool | None = None) -> JsonObject:
    fields: JsonObject = {"toolUseId": id_, "name": name, "input": input_, "stop": stop}
    return {key: value for key, value in fields.items() if value is not None}


def run(*payloads: JsonObject) -> tuple[list[StreamEvent], Calls]:
    calls = Calls(count())
    return [event for payload in payloads for event in calls.add(payload)], calls


def whole(block: int, id_: str, name: str, *fragments: str) -> list[StreamEvent]:
    return [ToolStart(block, id_, name), *(ToolArgs(block, text) for text in fragments), ToolEnd(block)]


def test_4_2_fragments_are_pieces_of_one_text() -> None:
    events, calls = run(part(), part(input_='{"a"'), part(input_=":1}"), part(stop=True))
    assert events == whole(0, "c1", "f", '{"a"', ":1}")
    assert calls.found


@pytest.mark.parametrize("last", [part(stop=True), part(input_="", stop=True), part(input_={}, stop=True)])
def test_4_2_no_input_is_an_empty_object(last: JsonObject) -> None:
    assert run(last)[0] == whole(0, "c1", "f", "{}")


def test_4_2_input_may_be_an_object() -> None:
    assert run(part(input_={"a": 1, "b": "ü"}, stop=True))[0] == whole(0, "c1", "f", '{"a":1,"b":"ü"}')


def test_4_2_an_empty_object_before_fragments_says_nothing() -> None:
    assert run(part(input_={}), part(input_='{"a":1}'), part(stop=True))[0] == whole(0, "c1", "f", '{"a":1}')


def test_4_2_two_calls_may_interleave() -> None:
    events, _ = run(
        part("c1", "f", '{"a":'),
        part("c2", "g", '{"b":'),
        part("c1", "f", "1}"),
        part("c2", "g", "2}"),
        part("c2", "g", stop=True),
        part("c1", "f", stop=True),
    )
    assert events == [
        ToolStart(0, "c1", "f"),
        ToolArgs(0, '{"a":'),
        ToolStart(1, "c2", "g"),
        ToolArgs(1, '{"b":'),
        ToolArgs(0, "1}"),
        ToolArgs(1, "2}"),
        ToolEnd(1),
        ToolEnd(0),
    ]


def test_4_2_two_equal_calls_are_two() -> None:
    events, _ = run(part("c1", input_="{}", stop=True), part("c2", input_="{}", stop=True))
    assert events == [*whole(0, "c1", "f", "{}"), *whole(1, "c2", "f", "{}")]


def test_14_6_only_the_first_name_counts_and_a_late_one_is_waited_for() -> None:
    events, _ = run(part(name=None, input_='{"a"'), part(name="f", input_=":1}"), part(name="other", stop=True))
    assert events == whole(0, "c1", "f", '{"a"', ":1}")


def test_14_6_a_name_that_never_comes_is_no_call() -> None:
    events, calls = run(part(name=None, input_="{}"), part(name=None, stop=True))
    assert (events, list(calls.close()), calls.found) == ([], [], False)
    assert calls.skipped


def test_14_6_a_missing_id_is_made() -> None:
    events, _ = run(
        part(None, "f", "{"), part(None, "f", "}"), part(None, "f", stop=True), part(None, "f", "{}", stop=True)
    )
    first, second = (event.id for event in events if isinstance(event, ToolStart))
    assert first != second
    assert events == [*whole(0, first, "f", "{", "}"), *whole(1, second, "f", "{}")]


def test_14_6_fragments_for_nothing_are_counted() -> None:
    events, calls = run(part(None, None, "{}"), part(input_="{}", stop=True), part(input_="more"))
    assert events == whole(0, "c1", "f", "{}")
    assert calls.skipped == 2


def test_4_2_a_whole_call_without_its_end_is_ended() -> None:
    _, calls = run(part(input_='{"a":1}'))
    assert list(calls.close()) == [ToolEnd(0)]
    assert list(calls.close()) == []


@pytest.mark.parametrize("input_", [None, '{"a":', "[1]"])
def test_14_7_a_stream_that_ends_inside_a_call_is_broken(input_: str | None) -> None:
    _, calls = run(part(input_=input_))
    with pytest.raises(UpstreamError) as caught:
        list(calls.close())
    assert caught.value.kind is Kind.BROKEN_STREAM


def test_14_7_cut_calls_keep_what_came() -> None:
    _, calls = run(part("c1", input_="{}", stop=True), part("c2", input_='{"a":'), part("c3", name=None))
    assert list(calls.cut()) == [ToolEnd(1)]
    assert list(calls.cut()) == []
