"""9: stop sequences and the most tokens are kept by us."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.events import (
    Finish,
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
from converters.kiro.cut import Cut

USAGE = UsageUpdate(Usage(1))


def run(cut: Cut, *events: StreamEvent) -> list[StreamEvent]:
    return [passed for event in events for passed in cut.feed(event)]


def said(*texts: str) -> list[StreamEvent]:
    return [TextStart(0), *(TextDelta(0, text) for text in texts), TextEnd(0)]


def text_of(events: list[StreamEvent]) -> str:
    return "".join(event.text for event in events if isinstance(event, TextDelta))


def test_without_limits_all_passes_as_it_came() -> None:
    events: list[StreamEvent] = [Start(), *said("a", "b"), ToolStart(1, "c", "f"), ToolArgs(1, "{}"), ToolEnd(1)]
    cut = Cut([], None)
    assert run(cut, *events, Finish("stop")) == [*events, Finish("stop")]
    assert not cut.over


@pytest.mark.parametrize(
    ("stops", "pieces", "text", "found"),
    [
        (["END"], ["a END b"], "a ", "END"),
        (["END"], ["a E", "N", "D b"], "a ", "END"),
        (["END"], ["END"], "", "END"),
        (["END"], ["a E", "ND"], "a ", "END"),
        (["END"], ["EEN", "D"], "E", "END"),
        (["aab"], ["aaab"], "a", "aab"),
        (["abcd", "bc"], ["ab", "cd"], "a", "bc"),
        (["b", "ab"], ["a", "b"], "", "ab"),
        (["x", "END"], ["a END x"], "a ", "END"),
        (["", "b"], ["ab"], "a", "b"),
    ],
)
def test_9_a_stop_sequence_ends_the_answer_before_it(
    stops: list[str], pieces: list[str], text: str, found: str
) -> None:
    cut = Cut(stops, None)
    events = run(cut, *said(*pieces), Finish("stop"))
    assert text_of(events) == text
    assert events[-2:] == [TextEnd(0), Finish("stop_sequence", stop_sequence=found)]
    assert cut.over


@pytest.mark.parametrize("pieces", [["a E", "N"], ["EN", "E"], ["none"], ["E", "x"]])
def test_9_what_only_began_a_stop_sequence_is_said(pieces: list[str]) -> None:
    cut = Cut(["END"], None)
    events = run(cut, *said(*pieces))
    assert text_of(events) == "".join(pieces)
    assert events[-1] == TextEnd(0)
    assert not cut.over


@given(st.text("abE", max_size=12), st.lists(st.text("abE", min_size=1, max_size=3), max_size=3), st.data())
def test_9_slices_make_no_difference(text: str, stops: list[str], data: st.DataObject) -> None:
    places = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=4)))
    pieces = [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]
    whole, sliced = (run(Cut(stops, None), *said(*parts), Finish("stop")) for parts in ([text], pieces))
    assert text_of(whole) == text_of(sliced)
    assert whole[-1] == sliced[-1]
    assert not any(stop in text_of(whole) for stop in stops)


def test_9_stop_sequences_are_looked_for_in_text_alone() -> None:
    events: list[StreamEvent] = [
        ThinkingStart(0),
        ThinkingDelta(0, "END"),
        ThinkingEnd(0),
        ToolStart(1, "c", "f"),
        ToolArgs(1, '"END"'),
        ToolEnd(1),
    ]
    assert run(Cut(["END"], None), *events) == events


def test_9_the_most_tokens_cut_inside_a_delta() -> None:
    """16: four bytes a token."""
    cut = Cut([], 2)
    events = run(cut, *said("abcd", "efghijkl", "more"), Finish("stop"))
    assert events == [TextStart(0), TextDelta(0, "abcd"), TextDelta(0, "efgh"), TextEnd(0), Finish("length")]
    assert (cut.over, cut.tokens) == (True, 2.0)


def test_9_exactly_the_most_tokens_is_no_cut() -> None:
    cut = Cut([], 2)
    assert run(cut, *said("abcdefgh"), Finish("stop"))[-1] == Finish("stop")
    assert cut.tokens == 2.0


def test_9_a_limit_of_nothing_says_nothing() -> None:
    assert run(Cut([], 0), *said("a")) == [TextStart(0), TextEnd(0), Finish("length")]


def test_14_7_arguments_that_were_cut_are_never_made_to_look_whole() -> None:
    events = run(Cut([], 1), ToolStart(0, "c", "f"), ToolArgs(0, '{"a":"long text"}'), ToolEnd(0), Finish("tool_calls"))
    assert events == [ToolStart(0, "c", "f"), ToolArgs(0, '{"a"'), ToolEnd(0), Finish("length")]


def test_9_reasoning_counts_and_all_open_blocks_end() -> None:
    events: list[StreamEvent] = [ToolStart(0, "c", "f"), ThinkingStart(1), ThinkingDelta(1, "abcdefgh")]
    assert run(Cut([], 1), *events) == [
        ToolStart(0, "c", "f"),
        ThinkingStart(1),
        ThinkingDelta(1, "abcd"),
        ToolEnd(0),
        ThinkingEnd(1),
        Finish("length"),
    ]


def test_9_the_text_held_at_the_end_counts_too() -> None:
    events = run(Cut(["zz"], 1), *said("abcdz"), Finish("stop"))
    assert (text_of(events), events[-2:]) == ("abcd", [TextEnd(0), Finish("length")])


def test_9_behind_the_cut_only_usage_passes() -> None:
    cut = Cut(["b"], None)
    assert run(cut, *said("ab"), TextStart(1), USAGE, Finish("stop"))[-2:] == [
        Finish("stop_sequence", stop_sequence="b"),
        USAGE,
    ]
