"""4.2, 4.3, 8: what was changed for the provider is undone in the answer."""

from collections.abc import Iterable

import pytest

from converters.collect import collect
from converters.events import (
    AnswerCall,
    AnswerText,
    Finish,
    StopReason,
    StreamEvent,
    TextDelta,
    TextEnd,
    TextStart,
    ToolArgs,
    ToolEnd,
    ToolStart,
)
from converters.restore import Restore
from converters.turns import Token


def run(restore: Restore, events: Iterable[StreamEvent]) -> list[StreamEvent]:
    return [out for event in events for out in restore(event)]


def call(block: int, name: str, *fragments: str) -> list[StreamEvent]:
    return [ToolStart(block, f"id{block}", name), *(ToolArgs(block, text) for text in fragments), ToolEnd(block)]


def test_an_unchanged_request_needs_no_restoring() -> None:
    assert not Restore({}, frozenset(), None).needed
    assert Restore({"a_b": "a.b"}).needed
    assert Restore(custom=frozenset({"p"})).needed
    assert Restore(answer_tool="json_response").needed


def test_4_2_the_client_sees_its_own_names() -> None:
    events = run(Restore({"a_b": "a.b"}), [*call(0, "a_b", "{}"), *call(1, "other", "{}"), Finish("tool_calls")])
    assert events == [*call(0, "a.b", "{}"), *call(1, "other", "{}"), Finish("tool_calls")]


def test_4_3_a_custom_call_comes_back_as_free_text_in_one_piece() -> None:
    restore = Restore({"apply_patch": "apply.patch"}, frozenset({"apply_patch"}))
    token = Token("g", "t", "call")
    sent: list[StreamEvent] = [
        ToolStart(0, "id0", "apply_patch"),
        ToolArgs(0, '{"inp'),
        ToolArgs(0, 'ut":"a\\n\\"b"}'),
        ToolEnd(0, token),
    ]
    assert run(restore, sent) == [ToolStart(0, "id0", "apply.patch", "custom"), ToolArgs(0, 'a\n"b'), ToolEnd(0, token)]


def test_4_3_interleaved_custom_and_function_calls_do_not_mix() -> None:
    first, second = call(0, "p", '{"input":"x"}'), call(1, "f", '{"input":"y"}')
    mixed: list[StreamEvent] = [event for pair in zip(first, second, strict=True) for event in pair]
    answer = collect(run(Restore(custom=frozenset({"p"})), mixed))
    assert answer.parts == [AnswerCall("id0", "p", "x", "custom"), AnswerCall("id1", "f", '{"input":"y"}')]


@pytest.mark.parametrize(
    ("args", "text"),
    [
        ('{"input":"cut of', '{"input":"cut of'),
        ('{"patch":1}', '{"patch":1}'),
        ("[]", "[]"),
        ('{"input":{"a":1}}', '{"a":1}'),
    ],
)
def test_4_3_arguments_of_another_shape_are_passed_as_they_came(args: str, text: str) -> None:
    events = run(Restore(custom=frozenset({"p"})), call(0, "p", args))
    assert events[1] == ToolArgs(0, text)


@pytest.mark.parametrize("args", ['{"input":""}', ""])
def test_4_3_an_empty_input_has_no_fragment(args: str) -> None:
    fragments = [args] if args else []
    assert len(run(Restore(custom=frozenset({"p"})), call(0, "p", *fragments))) == 2


def test_8_the_arguments_of_the_answer_tool_are_the_text_and_live() -> None:
    restore = Restore(answer_tool="json_response")
    events = run(restore, [*call(0, "json_response", '{"a"', ":1}"), Finish("tool_calls", "tool_use")])
    assert events == [TextStart(0), TextDelta(0, '{"a"'), TextDelta(0, ":1}"), TextEnd(0), Finish("stop", "tool_use")]
    assert collect(events).parts == [AnswerText('{"a":1}')]


@pytest.mark.parametrize("reason", ["length", "content_filter", "stop"])
def test_8_other_stop_reasons_are_kept(reason: StopReason) -> None:
    events = run(Restore(answer_tool="json_response"), [*call(0, "json_response", "{"), Finish(reason)])
    assert events[-1] == Finish(reason)


def test_8_a_call_beside_the_answer_tool_is_still_a_call() -> None:
    events = run(
        Restore(answer_tool="json_response"), [*call(0, "json_response", "{}"), *call(1, "f"), Finish("tool_calls")]
    )
    assert events[-1] == Finish("tool_calls")
