"""14.6 Re-sequencing: events whose blocks interleave become blocks one after another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.collect import collect
from converters.events import (
    AnswerCall,
    AnswerPart,
    AnswerText,
    AnswerThinking,
    Citation,
    Finish,
    RefusalDelta,
    Start,
    StreamEvent,
    TextDelta,
    TextEnd,
    TextStart,
    ThinkingDelta,
    ThinkingEnd,
    ThinkingStart,
    ToolArgs,
    ToolEnd,
    ToolStart,
    Usage,
    UsageUpdate,
)
from converters.sequence import Sequencer
from converters.turns import Token

ONE = ToolStart(0, "c0", "a")
TWO = ToolStart(1, "c1", "b")


def sequenced(*events: StreamEvent) -> list[list[StreamEvent]]:
    """What each event amounts to."""
    sequencer = Sequencer()
    return [list(sequencer.feed(event)) for event in events]


def flat(*events: StreamEvent) -> list[StreamEvent]:
    return [event for made in sequenced(*events) for event in made]


def test_14_6_blocks_in_sequence_pass_one_by_one() -> None:
    events: list[StreamEvent] = [
        Start("m"),
        ThinkingStart(0),
        ThinkingDelta(0, "hm"),
        ThinkingEnd(0, Token("a", "s")),
        TextStart(1),
        TextDelta(1, "hi"),
        TextDelta(1, " you"),
        TextEnd(1),
        ToolStart(2, "c", "f"),
        ToolArgs(2, "{}"),
        ToolEnd(2),
        UsageUpdate(Usage(output_total=1)),
        Finish("tool_calls"),
    ]
    assert flat(*events) == events
    assert [len(made) for made in sequenced(*events)] == [1, 0, 2, 1, 0, 2, 1, 1, 1, 1, 1, 1, 1]


def test_the_common_event_is_handed_on_itself() -> None:
    sequencer = Sequencer()
    for event in (TextStart(0), TextDelta(0, "a")):
        sequencer.feed(event)
    delta = TextDelta(0, "b")
    assert sequencer.feed(delta)[0] is delta


def test_14_6_the_lowest_open_call_streams_live_and_the_next_one_waits() -> None:
    assert sequenced(
        ONE,
        TWO,
        ToolArgs(1, '{"y":'),
        ToolArgs(0, '{"x":'),
        ToolArgs(0, "1}"),
        ToolArgs(1, "2}"),
        ToolEnd(0),
        ToolEnd(1),
    ) == [
        [ONE],
        [],
        [],
        [ToolArgs(0, '{"x":')],
        [ToolArgs(0, "1}"), ToolEnd(0), TWO, ToolArgs(1, '{"y":')],
        [ToolArgs(1, "2}")],
        [],
        [ToolEnd(1)],
    ]


def test_14_6_a_complete_call_is_closed_when_another_starts() -> None:
    assert sequenced(ONE, ToolArgs(0, '{"x":"}'), ToolArgs(0, '"}'), TWO, ToolArgs(1, "{}")) == [
        [ONE],
        [ToolArgs(0, '{"x":"}')],
        [ToolArgs(0, '"}')],
        [ToolEnd(0), TWO],
        [ToolArgs(1, "{}")],
    ]


def test_14_6_an_incomplete_call_is_flushed_behind_the_open_one_when_that_ends() -> None:
    assert sequenced(ONE, ToolArgs(0, "{"), TWO, ToolArgs(1, "{}"), ToolEnd(1), ToolEnd(0)) == [
        [ONE],
        [ToolArgs(0, "{")],
        [],
        [],
        [],
        [ToolEnd(0), TWO, ToolArgs(1, "{}"), ToolEnd(1)],
    ]


@pytest.mark.parametrize(
    ("text", "complete"),
    [
        ("{}", True),
        ('{"a":[{"b":"}"}]}', True),
        ('{"a":"\\""}', True),
        ('{"a":"\\\\"}', True),
        (' {"a":1} ', True),
        ("", False),
        ("{", False),
        ('{"a":"}', False),
        ('{"a":"\\"}', False),
        ('{"a":{}', False),
        ("1", False),
    ],
)
def test_14_6_only_a_complete_object_makes_way_however_it_was_cut(text: str, complete: bool) -> None:
    for pieces in ([text], list(text)):
        for asked in (False, True):  # each fragment is judged as it comes, or all of them at once
            sequencer = Sequencer()
            sequencer.feed(ONE)
            if asked:
                sequencer.feed(TWO)
            out: list[StreamEvent] = []
            for piece in pieces:
                out += sequencer.feed(ToolArgs(0, piece))
            if not asked:
                out += sequencer.feed(TWO)
            assert (TWO in out) == complete, (pieces, asked)


def test_14_6_a_fragment_for_a_closed_block_is_dropped_and_counted() -> None:
    sequencer = Sequencer()
    for event in (ONE, ToolArgs(0, "{}"), TWO):
        sequencer.feed(event)
    assert sequencer.dropped == 0
    assert sequencer.feed(ToolArgs(0, "more")) == []
    assert sequencer.feed(TextDelta(7, "nobody's")) == []
    assert sequencer.dropped == 2


def test_14_6_at_the_end_all_open_blocks_are_closed_in_order() -> None:
    three = ToolStart(2, "c2", "c")
    events = (ONE, TWO, three, ToolArgs(2, "{"), ToolArgs(1, '{"'), ToolArgs(0, "{"))
    assert flat(*events, Finish("length")) == [
        ONE,
        ToolArgs(0, "{"),
        ToolEnd(0),
        TWO,
        ToolArgs(1, '{"'),
        ToolEnd(1),
        three,
        ToolArgs(2, "{"),
        ToolEnd(2),
        Finish("length"),
    ]


def test_14_6_without_a_finish_close_does_the_same() -> None:
    sequencer = Sequencer()
    for event in (ONE, TWO):
        sequencer.feed(event)
    assert sequencer.close() == [ToolEnd(0), TWO, ToolEnd(1)]
    assert sequencer.close() == []


def test_14_6_a_switch_of_kind_closes_the_open_block() -> None:
    assert flat(TextStart(0), TextDelta(0, "a"), ThinkingStart(1), ThinkingDelta(1, "b"), ToolStart(2, "c", "f")) == [
        TextStart(0),
        TextDelta(0, "a"),
        TextEnd(0),
        ThinkingStart(1),
        ThinkingDelta(1, "b"),
        ThinkingEnd(1),
        ToolStart(2, "c", "f"),
    ]


def test_14_6_text_waits_for_an_incomplete_call_too() -> None:
    assert flat(ONE, TextStart(1), TextDelta(1, "hi"), TextEnd(1), ToolArgs(0, "{}"), ToolEnd(0)) == [
        ONE,
        ToolArgs(0, "{}"),
        ToolEnd(0),
        TextStart(1),
        TextDelta(1, "hi"),
        TextEnd(1),
    ]


def test_14_6_free_text_arguments_never_look_complete() -> None:
    custom = ToolStart(0, "c0", "sh", "custom")
    assert flat(custom, ToolArgs(0, "{}"), TWO) == [custom, ToolArgs(0, "{}")]
    assert flat(custom, ToolArgs(0, "{}"), TWO, ToolEnd(0)) == [custom, ToolArgs(0, "{}"), ToolEnd(0), TWO]


def test_14_6_empty_text_opens_no_block_and_leaves_no_gap() -> None:
    assert flat(
        TextStart(0), TextDelta(0, ""), TextEnd(0), ThinkingStart(1), ThinkingEnd(1), ToolStart(2, "c", "f"), ToolEnd(2)
    ) == [ToolStart(0, "c", "f"), ToolEnd(0)]


def test_14_6_blocks_are_numbered_anew_and_the_events_given_are_left_alone() -> None:
    delta = TextDelta(9, "a")
    assert flat(TextStart(4), TextEnd(4), TextStart(9), delta, TextDelta(9, "b"), TextEnd(9)) == [
        TextStart(0),
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        TextEnd(0),
    ]
    assert delta.block == 9


def test_7_4_thinking_without_text_exists_if_it_has_a_token() -> None:
    token = Token("x", "secret")
    assert sequenced(ThinkingStart(3), ThinkingEnd(3, token)) == [[], [ThinkingStart(0), ThinkingEnd(0, token)]]


def test_a_block_started_twice_is_one_block() -> None:
    assert flat(TextStart(0), TextDelta(0, "a"), TextStart(0), TextDelta(0, "b")) == [
        TextStart(0),
        TextDelta(0, "a"),
        TextDelta(0, "b"),
    ]
    assert flat(ONE, TWO, TWO, ToolEnd(0), ToolEnd(1)) == [ONE, ToolEnd(0), TWO, ToolEnd(1)]


def test_a_delta_of_another_kind_than_its_block_is_dropped() -> None:
    sequencer = Sequencer()
    sequencer.feed(ONE)
    assert sequencer.feed(TextDelta(0, "hi")) == []
    assert sequencer.dropped == 1


def test_all_other_events_pass_in_place() -> None:
    for event in (Start("m"), Citation("https://e.com"), RefusalDelta("no"), UsageUpdate(Usage())):
        assert flat(ONE, event) == [ONE, event]


# --- whatever comes ---


@st.composite
def interleaved(draw: st.DrawFn) -> list[StreamEvent]:
    """Calls in any interleaving, text and thinking in one piece between them; some calls are never ended."""
    events: list[StreamEvent] = []
    open_calls: dict[int, list[str]] = {}
    for block in range(draw(st.integers(1, 6))):
        match draw(st.sampled_from(["text", "thinking", "call", "call"])):
            case "text":
                words = draw(st.lists(st.sampled_from(["", "a", "ß", " "]), max_size=3))
                events += [TextStart(block), *(TextDelta(block, word) for word in words), TextEnd(block)]
            case "thinking":
                token = draw(st.sampled_from([None, Token("a", "s"), Token("x", "r")]))
                events += [ThinkingStart(block), ThinkingDelta(block, "t"), ThinkingEnd(block, token)]
            case _:
                pieces = draw(st.lists(st.sampled_from(['{"k', '":"', "}", '"', "\\", "{}", ""]), max_size=4))
                events.append(ToolStart(block, f"c{block}", f"f{block}"))
                open_calls[block] = ["{", '"a":"', *pieces]  # seldom complete: then what follows is dropped
        for _ in range(draw(st.integers(0, 4))):
            if not open_calls:
                break
            block_ = draw(st.sampled_from(sorted(open_calls)))
            if open_calls[block_]:
                events.append(ToolArgs(block_, open_calls[block_].pop(0)))
            else:
                del open_calls[block_]
                events.append(ToolEnd(block_))
    return [*events, Finish("stop")]


def meaning(events: list[StreamEvent]) -> list[AnswerPart]:
    """The parts of the answer, without those that do not exist for a sequential protocol."""

    def is_there(part: AnswerPart) -> bool:
        if isinstance(part, AnswerThinking):
            return bool(part.text or part.token)
        return bool(part.text) if isinstance(part, AnswerText) else isinstance(part, AnswerCall)

    return [part for part in collect(events).parts if is_there(part)]


@given(interleaved())
def test_14_6_whatever_comes_the_blocks_are_sequential_and_nothing_is_lost(events: list[StreamEvent]) -> None:
    sequencer = Sequencer()
    out = [made for event in events for made in sequencer.feed(event)]
    open_block, seen = None, -1
    for event in out:
        match event:
            case TextStart(block) | ThinkingStart(block) | ToolStart(block):
                assert (open_block, block) == (None, seen + 1)
                open_block = seen = block
            case TextDelta(block) | ThinkingDelta(block) | ToolArgs(block):
                assert block == open_block
            case TextEnd(block) | ThinkingEnd(block) | ToolEnd(block):
                assert block == open_block
                open_block = None
    assert open_block is None
    if not sequencer.dropped:
        assert meaning(out) == meaning(events)
