"""1.4: a whole answer is its events, folded; a stream from a whole answer is its events, replayed."""

from hypothesis import given
from hypothesis import strategies as st

from converters.collect import Collector, collect, replay
from converters.events import (
    Answer,
    AnswerCall,
    AnswerImage,
    AnswerPart,
    AnswerRefusal,
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
from converters.turns import Base64, Token

TEXT = st.text(max_size=8)
COUNT = st.none() | st.integers(0, 10**6)
TOKENS = st.none() | st.builds(Token, st.sampled_from("axrgkn"), TEXT)
PARTS: st.SearchStrategy[AnswerPart] = st.one_of(
    st.builds(AnswerText, TEXT),
    st.builds(AnswerThinking, TEXT, TOKENS),
    st.builds(AnswerCall, TEXT, TEXT, TEXT, st.sampled_from(["function", "custom"]), TOKENS),
    st.builds(AnswerImage, st.builds(Base64, TEXT, TEXT)),
)
ANSWERS = st.builds(
    Answer,
    start=st.builds(Start, st.none() | TEXT, st.none() | TEXT, COUNT),
    parts=st.lists(PARTS, max_size=6),
    citations=st.lists(st.builds(Citation, TEXT, st.none() | TEXT, COUNT, COUNT), max_size=2),
    usage=st.builds(Usage, COUNT, COUNT, COUNT, COUNT, COUNT),
    finish=st.none() | st.builds(Finish, st.sampled_from(["stop", "length", "tool_calls"]), st.none() | TEXT),
)


@given(ANSWERS, st.none() | TEXT)
def test_20_2b_folding_a_replayed_answer_gives_the_answer(answer: Answer, refusal: str | None) -> None:
    if refusal is not None:  # one refusal part: its deltas have no block, so neighbours are one text
        answer.parts.append(AnswerRefusal(refusal))
    assert collect(replay(answer)) == answer


@given(ANSWERS, st.data())
def test_however_text_is_cut_into_deltas_the_answer_is_the_same(answer: Answer, data: st.DataObject) -> None:
    assert collect(cut(replay(answer), data)) == answer


def cut(events: object, data: st.DataObject) -> list[StreamEvent]:
    out: list[StreamEvent] = []
    for event in events:  # type: ignore[attr-defined]
        match event:
            case TextDelta(block, text) | ThinkingDelta(block, text) | ToolArgs(block, text):
                place = data.draw(st.integers(0, len(text)))
                out += [type(event)(block, text[:place]), type(event)(block, text[place:])]
            case _:
                out.append(event)
    return out


def test_14_6_interleaved_calls_are_kept_apart_in_order_of_their_start() -> None:
    answer = collect(
        [
            ToolStart(0, "a", "first"),
            ToolStart(1, "b", "second"),
            ToolArgs(1, "{}"),
            ToolArgs(0, '{"x":'),
            ToolArgs(0, "1}"),
            ToolEnd(1),
            ToolEnd(0, Token("g", "sig", "call")),
        ]
    )
    assert answer.parts == [
        AnswerCall("a", "first", '{"x":1}', token=Token("g", "sig", "call")),
        AnswerCall("b", "second", "{}"),
    ]


def test_refusal_deltas_are_one_part_until_other_content_stands_between() -> None:
    answer = collect([RefusalDelta("I "), RefusalDelta("won't"), TextStart(0), TextEnd(0), RefusalDelta("no")])
    assert answer.parts == [AnswerRefusal("I won't"), AnswerText(""), AnswerRefusal("no")]


def test_12_usage_is_cumulative_and_an_absent_field_erases_nothing() -> None:
    answer = collect([UsageUpdate(Usage(10, 3, None, 1)), UsageUpdate(Usage(None, None, None, 7, 2))])
    assert answer.usage == Usage(10, 3, None, 7, 2)


def test_redacted_thinking_is_a_block_of_a_token_alone() -> None:
    token = Token("x", "opaque")
    assert collect([ThinkingStart(0), ThinkingEnd(0, token)]).parts == [AnswerThinking("", token)]


def test_an_answer_can_be_looked_at_before_it_is_done() -> None:
    collector = Collector()
    collector.add(Start("id", "m"))
    collector.add(TextStart(0))
    collector.add(TextDelta(0, "x"))
    assert collector.answer.start.model == "m"
    assert collector.answer.finish is None
    assert collector.done().parts == [AnswerText("x")]


def test_14_7_a_cut_answer_has_what_came_and_no_finish() -> None:
    answer = collect([TextStart(0), TextDelta(0, "half"), ToolStart(1, "a", "f"), ToolArgs(1, '{"x')])
    assert answer.parts == [AnswerText("half"), AnswerCall("a", "f", '{"x')]
    assert answer.finish is None
