"""4.2, 4.3, 4.5, 9, 11, 12, 14.7, 18.1: frames -> events, whatever the slices."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import Kind, UpstreamError
from converters.events import (
    Citation,
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
from converters.kiro.content import token_of
from converters.kiro.reader import StreamReader, read_answer
from converters.profile import DEFAULT, Profile
from converters.turns import Chat, Reasoning, Text, Turn
from tests.converters.four_wires import cut
from tests.fakes import kiro_frames as frames

TAGS = Profile(thinking="tags")
USAGE = frames.usage(5, 7)
COUNTED = UsageUpdate(Usage(5, output_total=7))


def asked(**fields: object) -> Chat:
    return Chat("claude-sonnet-4.5", "chat", turns=[Turn("user", [Text("x" * 40)])], **fields)  # type: ignore[arg-type]


def run(slices: Iterable[bytes], chat: Chat | None = None, profile: Profile = DEFAULT) -> list[StreamEvent]:
    reader = StreamReader(profile, chat)
    return [*(event for data in slices for event in reader.feed(data)), *reader.close()]


def refused(*slices: bytes, chat: Chat | None = None) -> tuple[list[StreamEvent], UpstreamError]:
    """What came before the error, and the error."""
    reader, events = StreamReader(DEFAULT, chat), list[StreamEvent]()

    def read() -> None:
        for data in slices:
            events.extend(reader.feed(data))
        events.extend(reader.close())

    with pytest.raises(UpstreamError) as caught:
        read()
    return events, caught.value


def text(block: int, *pieces: str) -> list[StreamEvent]:
    return [TextStart(block), *(TextDelta(block, piece) for piece in pieces), TextEnd(block)]


ANSWER = [
    frames.opening(),
    frames.thinking("hm 😀"),
    frames.thinking(signature="sig"),
    frames.text("Grüße"),
    frames.text("\n"),
    frames.text("\n"),
    *frames.call("c1", "f", '{"a":', '"é"}'),
    frames.tool("c2", "g", {"b": 1}, stop=True),
    frames.metering(),
    USAGE,
]
EVENTS: list[StreamEvent] = [
    Start("u-1"),
    ThinkingStart(0),
    ThinkingDelta(0, "hm 😀"),
    ThinkingEnd(0, token_of("sig")),
    *text(1, "Grüße", "\n", "\n"),
    ToolStart(2, "c1", "f"),
    ToolArgs(2, '{"a":'),
    ToolArgs(2, '"é"}'),
    ToolEnd(2),
    ToolStart(3, "c2", "g"),
    ToolArgs(3, '{"b":1}'),
    ToolEnd(3),
    COUNTED,
    Finish("tool_calls"),
]


def test_18_1_a_whole_answer() -> None:
    assert run(ANSWER) == EVENTS
    assert run([b"".join(ANSWER)]) == EVENTS
    assert run([b"".join(ANSWER[i : i + 2]) for i in range(0, len(ANSWER), 2)]) == EVENTS


def test_20_every_byte_by_itself_gives_the_same_events() -> None:
    assert run(bytes([byte]) for byte in b"".join(ANSWER)) == EVENTS


@given(st.lists(st.integers(0, 10_000), max_size=12))
def test_20_any_slices_give_the_same_events(places: list[int]) -> None:
    assert run(cut(b"".join(ANSWER), places)) == EVENTS


def test_4_2_the_model_is_named_if_the_first_frame_names_it() -> None:
    assert run([frames.text("a", "served")])[0] == Start(None, "served")


@pytest.mark.parametrize(
    "extra",
    [
        frames.event("messageMetadataEvent", {"conversationId": "c"}),
        frames.event("toolResultEvent", {"toolResult": {}}),
        frames.event("codeReferenceEvent", {"references": []}),
        frames.event("followupPromptEvent", {"followupPrompt": {"content": "x"}}),
        frames.event("intentsEvent", {}),
        frames.event("interactionComponentsEvent", {}),
        frames.event("dryRunSucceedEvent", {}),
        frames.metering(),
        frames.frame({":message-type": "event", ":event-type": "dryRunSucceedEvent"}),
    ],
)
def test_4_2_known_events_of_no_use_are_passed_over(extra: bytes) -> None:
    reader = StreamReader(DEFAULT)
    events = [*reader.feed(frames.text("a") + extra + frames.text("b") + USAGE), *reader.close()]
    assert events == [Start(), *text(0, "a", "b")[:-1], COUNTED, TextEnd(0), Finish("stop")]
    assert reader.skipped == 0


def test_4_2_unknown_events_are_counted() -> None:
    reader = StreamReader(DEFAULT)
    list(reader.feed(frames.with_all_header_types("newEvent", {"a": 1}) + frames.text("a") + frames.frame({})))
    assert reader.skipped == 2


def test_4_2_all_header_types_may_stand_beside_the_events_own() -> None:
    assert run([frames.with_all_header_types("assistantResponseEvent", {"content": "a"}), USAGE]) == [
        Start(),
        *text(0, "a")[:-1],
        COUNTED,
        TextEnd(0),
        Finish("stop"),
    ]


def test_4_2_code_is_text_and_the_other_reasoning_event_is_reasoning() -> None:
    events = run(
        [
            frames.event("reasoningEvent", {"content": "hm"}),
            frames.event("reasoningEvent", {"text": " so"}),
            frames.event("codeEvent", {"content": "x = 1"}),
        ]
    )
    assert events[1:4] == [ThinkingStart(0), ThinkingDelta(0, "hm"), ThinkingDelta(0, " so")]
    assert events[5:7] == [TextStart(1), TextDelta(1, "x = 1")]


def test_4_2_redacted_reasoning() -> None:
    events = run([frames.thinking(redacted="AAAA"), frames.text("a")])
    assert events[1:3] == [ThinkingStart(0), ThinkingEnd(0, token_of("AAAA", redacted=True))]


def test_13_links_are_citations() -> None:
    links = {"supplementaryWebLinks": [{"url": "https://a", "title": "A", "snippet": "s"}, {"title": "no url"}, 3]}
    cited = {"target": {"range": {"start": 1, "end": 4}}, "citationText": "t", "citationLink": "https://b"}
    events = run(
        [
            frames.text("word"),
            frames.event("citationEvent", cited),
            frames.event("citationEvent", {"target": {"location": 3}, "citationLink": "https://c"}),
            frames.event("citationEvent", {"citationText": "no link"}),
            frames.event("supplementaryWebLinksEvent", links),
            frames.event("supplementaryWebLinksEvent", {}),
        ]
    )
    assert [event for event in events if isinstance(event, Citation)] == [
        Citation("https://b", "t", 1, 4),
        Citation("https://c"),
        Citation("https://a", "A"),
    ]


def test_11_the_end_of_the_body_is_the_end_of_the_answer() -> None:
    assert run([frames.text("a")])[-1] == Finish("stop")
    assert run([frames.text("a"), *frames.call("c", "f")])[-1] == Finish("tool_calls")


# --- thinking in tags ---


@pytest.mark.parametrize(
    ("profile", "chat", "splits"),
    [
        (TAGS, asked(reasoning=Reasoning("high")), True),
        (TAGS, asked(), False),
        (TAGS, asked(reasoning=Reasoning("none")), False),
        (TAGS, None, False),
        (DEFAULT, asked(reasoning=Reasoning("high")), False),
    ],
)
def test_4_3_tags_are_read_only_when_they_were_asked_for(profile: Profile, chat: Chat | None, splits: bool) -> None:
    pieces = ["<thin", "king>use `</thinking>`", "\n\nso</thi", "nking>\n", "\nanswer"]
    events = run([frames.text(piece) for piece in pieces], chat, profile)
    thought = "".join(event.text for event in events if isinstance(event, ThinkingDelta))
    said = "".join(event.text for event in events if isinstance(event, TextDelta))
    expected = ("use `</thinking>`\n\nso", "answer") if splits else ("", "".join(pieces))
    assert (thought, said) == expected
    assert all(event.token is None for event in events if isinstance(event, ThinkingEnd))


# --- limits that are ours ---


def test_9_a_stop_sequence_across_frames_ends_the_answer() -> None:
    reader = StreamReader(DEFAULT, asked(stop=["END"]))
    events = [*reader.feed(frames.text("a E")), *reader.feed(frames.text("ND b"))]
    assert events == [
        Start(),
        TextStart(0),
        TextDelta(0, "a "),
        TextEnd(0),
        Finish("stop_sequence", stop_sequence="END"),
    ]
    assert reader.cut
    assert [*reader.feed(frames.text("more") + USAGE), *reader.close()] == [COUNTED]
    assert not reader.estimated


def test_9_the_most_tokens_end_the_answer() -> None:
    events = run([frames.text("abcdefgh"), frames.text("ijkl"), *frames.call("c", "f")], asked(max_tokens=2))
    assert events == [
        Start(),
        *text(0, "abcdefgh"),
        Finish("length"),
        UsageUpdate(Usage(14, output_total=2)),
    ]


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        frames.exception("ThrottlingException", "slow"),
        frames.with_bad_checksum(USAGE),
        USAGE[:-3],
        frames.tool("c", "f", '{"half'),
    ],
    ids=["closed", "exception", "damaged", "inside a frame", "inside a call"],
)
def test_9_what_breaks_behind_the_cut_breaks_nothing(rest: bytes) -> None:
    reader = StreamReader(DEFAULT, asked(stop=["b"]))
    events = [*reader.feed(frames.text("ab")), *reader.feed(rest), *reader.close()]
    assert events[-2:] == [Finish("stop_sequence", stop_sequence="b"), UsageUpdate(Usage(14, output_total=1))]
    assert reader.estimated


# --- usage ---


def test_4_5_counted_usage_wins_over_the_percentage() -> None:
    for body in ([frames.context(50.0), USAGE], [USAGE, frames.context(50.0)]):
        reader = StreamReader(DEFAULT, asked())
        events = [*reader.feed(frames.text("a") + b"".join(body)), *reader.close()]
        assert [event for event in events if isinstance(event, UsageUpdate)] == [COUNTED]
        assert not reader.estimated


@pytest.mark.parametrize(
    ("body", "usage"),
    [
        ([frames.context(1.0)], Usage(2000 - 2, output_total=2)),
        ([frames.context(0.5), frames.context(1.0)], Usage(2000 - 2, output_total=2)),
        ([frames.event("metadataEvent", {"tokenUsage": {"contextUsagePercentage": 1.0}})], Usage(1998, output_total=2)),
        ([], Usage(14, output_total=2)),
    ],
)
def test_12_without_counts_usage_is_estimated(body: list[bytes], usage: Usage) -> None:
    reader = StreamReader(DEFAULT, asked())
    events = [*reader.feed(frames.text("abcdefgh") + b"".join(body)), *reader.close()]
    assert events[-2:] == [UsageUpdate(usage), Finish("stop")]
    assert reader.estimated


# --- errors ---


def test_15_3_an_exception_frame_is_an_error_behind_what_was_said() -> None:
    events, error = refused(
        frames.text("a") + frames.exception("ThrottlingException", "slow", reason="DAILY_REQUEST_COUNT")
    )
    assert events == [Start(), TextStart(0), TextDelta(0, "a")]
    assert (error.kind, error.code, str(error)) == (Kind.RATE_LIMIT, "DAILY_REQUEST_COUNT", "slow")


@pytest.mark.parametrize(
    ("frame", "kind"),
    [
        (frames.error("InternalServerException", "oops"), Kind.SERVER),
        (frames.error("ThrottlingException", "oops"), Kind.RATE_LIMIT),
        (frames.event("error", {"message": "oops", "reason": "MODEL_TEMPORARILY_UNAVAILABLE"}), Kind.OVERLOADED),
        (frames.exception("error", "oops"), Kind.SERVER),
        (
            frames.event("invalidStateEvent", {"reason": "INVALID_TASK_ASSIST_PLAN", "message": "oops"}),
            Kind.BAD_REQUEST,
        ),
        (frames.event("modelTemporarilyUnavailableEvent", {"message": "oops"}), Kind.OVERLOADED),
        (frames.event("modelUnavailableEvent", {"message": "oops"}), Kind.OVERLOADED),
        (
            frames.frame({":message-type": "exception", ":exception-type": "ValidationException"}, b"oops"),
            Kind.BAD_REQUEST,
        ),
    ],
)
def test_4_2_errors_of_each_kind(frame: bytes, kind: Kind) -> None:
    assert refused(frame)[1].kind is kind


@pytest.mark.parametrize(
    "frame",
    [
        frames.exception("ContentLengthExceededException", "full"),
        frames.exception("ValidationException", "full", reason="CONTENT_LENGTH_EXCEEDS_THRESHOLD"),
    ],
)
def test_11_a_full_window_ends_an_answer_that_had_begun(frame: bytes) -> None:
    events = run([frames.text("a"), frames.tool("c", "f", '{"half'), frame, frames.text("late"), USAGE])
    assert events[-4:-1] == [ToolArgs(1, '{"half'), ToolEnd(1), events[-2]]
    assert isinstance(events[-2], Finish)
    assert (events[-2].reason, events[-1]) == ("length", COUNTED)
    assert refused(frame)[1].kind is Kind.CONTEXT_LENGTH


@pytest.mark.parametrize(
    "body",
    [
        [b""],
        [frames.opening()],
        [frames.text("a"), USAGE[:-1]],
        [frames.text("a"), frames.with_bad_prelude(USAGE)],
        [frames.text("a"), frames.with_bad_checksum(USAGE)],
        [frames.tool("c", "f", '{"half')],
        [frames.event("x", b"no json"), frames.event("x", b"[]"), frames.event("x", b"\xff")],
        [b'{"message":"not a stream at all"}'],
    ],
    ids=["empty", "opening alone", "cut", "prelude", "checksum", "inside a call", "unreadable", "json"],
)
def test_14_7_a_broken_stream_is_never_passed_off_as_whole(body: list[bytes]) -> None:
    events, error = refused(*body)
    assert error.kind is Kind.BROKEN_STREAM
    assert not any(isinstance(event, Finish) for event in events)


def test_14_1_two_unreadable_payloads_are_counted_and_passed_over() -> None:
    reader = StreamReader(DEFAULT)
    bad = frames.event("assistantResponseEvent", b"{")
    list(reader.feed(bad + bad + frames.text("a") + bad + bad))
    assert reader.skipped == 4


def test_4_2_an_answer_that_says_nothing_is_one_if_it_ends_as_answers_end() -> None:
    for end in (frames.metering(), frames.context(1.0), USAGE):
        assert run([frames.opening(), end])[-1] == Finish("stop")


def test_13_a_whole_json_answer_is_an_error() -> None:
    with pytest.raises(UpstreamError) as caught:
        read_answer({"__type": "a#ThrottlingException", "message": "slow"}, DEFAULT)
    assert (caught.value.kind, caught.value.status) == (Kind.RATE_LIMIT, 429)
