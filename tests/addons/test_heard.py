"""A provider's stream, listened to."""

from collections.abc import Sequence

import pytest

from addons.heard import Heard
from converters.collect import collect
from converters.events import (
    Answer,
    AnswerCall,
    AnswerRefusal,
    AnswerText,
    AnswerThinking,
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

WHOLE: list[StreamEvent] = [
    Start("id-1", "m-1"),
    ThinkingStart(0),
    ThinkingDelta(0, "hm"),
    ThinkingEnd(0, None),
    TextStart(1),
    TextDelta(1, "It "),
    TextDelta(1, "rains."),
    TextEnd(1),
    ToolStart(2, "c1", "look"),
    ToolArgs(2, '{"a"'),
    ToolArgs(2, ":1}"),
    ToolEnd(2),
    RefusalDelta("no"),
    UsageUpdate(Usage(output_total=7)),
    Finish("stop"),
]


def heard(events: Sequence[StreamEvent]) -> Answer:
    listening = Heard()
    for event in events:
        listening.add(event)
    return listening.done()


@pytest.mark.parametrize("until", range(len(WHOLE) + 1))
def test_a_stream_is_heard_as_it_is_collected_wherever_it_ends(until: int) -> None:
    assert heard(WHOLE[:until]) == collect(WHOLE[:until])


@pytest.mark.parametrize(
    "event",
    [
        TextDelta(9, "x"),
        ThinkingDelta(9, "x"),
        ToolArgs(9, "x"),
        ThinkingEnd(9, None),
        ToolEnd(9, None),
        TextEnd(9),
        TextDelta(0, ""),
    ],
    ids=lambda event: type(event).__name__,
)
def test_events_of_a_block_that_never_began_are_passed_over(event: StreamEvent) -> None:
    assert heard([event, *WHOLE, event]) == collect(WHOLE)


def test_what_is_forgotten_is_gone_and_what_comes_then_counts() -> None:
    listening = Heard()
    for event in WHOLE[:7]:
        listening.add(event)
    listening.forget()
    listening.add(TextDelta(1, "of the block that is forgotten"))
    assert listening.done() == Answer()
    listening.add(TextStart(3))
    listening.add(TextDelta(3, "more"))
    assert listening.done().parts == [AnswerText("more")]


def test_asking_twice_gives_the_same() -> None:
    listening = Heard()
    for event in WHOLE:
        listening.add(event)
    parts = [AnswerThinking("hm"), AnswerText("It rains."), AnswerCall("c1", "look", '{"a":1}'), AnswerRefusal("no")]
    assert listening.done().parts == parts == listening.done().parts
