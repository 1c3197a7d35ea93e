"""14.1, 14.3, 14.7 as a reader; 11 and 12 on the way in; 13 as a whole answer."""

from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.anthropic.reader import Reader, read_answer
from converters.collect import collect
from converters.errors import Kind, UpstreamError
from converters.events import (
    Answer,
    AnswerCall,
    AnswerText,
    AnswerThinking,
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
from converters.json_codec import Json, JsonObject, dumps, loads
from converters.profile import DEFAULT
from converters.sse import event_frame
from converters.turns import Token

START: JsonObject = {
    "type": "message_start",
    "message": {"id": "msg_1", "model": "claude-x", "usage": {"input_tokens": 3, "output_tokens": 1}},
}
STOP: JsonObject = {"type": "message_stop"}
WEB: JsonObject = {"type": "web_search_result_location", "url": "https://e.com", "title": "E", "encrypted_index": "x"}


def begin(index: int, type_: str, **fields: Json) -> JsonObject:
    return {"type": "content_block_start", "index": index, "content_block": {"type": type_, **fields}}


def delta(index: int, type_: str, **fields: Json) -> JsonObject:
    return {"type": "content_block_delta", "index": index, "delta": {"type": type_, **fields}}


def end(index: int) -> JsonObject:
    return {"type": "content_block_stop", "index": index}


def finish(reason: str | None = "end_turn", **usage: Json) -> JsonObject:
    return {"type": "message_delta", "delta": {"stop_reason": reason, "stop_sequence": None}, "usage": usage}


def frames(*payloads: JsonObject) -> bytes:
    return b"".join(event_frame(str(payload.get("type")), payload) for payload in payloads)


def read(*chunks: bytes) -> list[StreamEvent]:
    reader = Reader()
    events = [event for chunk in chunks for event in reader.feed(chunk)]
    return [*events, *reader.close()]


def events_of(*payloads: JsonObject) -> list[StreamEvent]:
    """The events of a stream's middle, without the opening and the finish."""
    events = read(frames(START, *payloads, finish(), STOP))
    assert isinstance(events[0], Start)
    assert isinstance(events[-1], Finish)
    return events[2:-1]


def broken(*chunks: bytes) -> tuple[list[StreamEvent], UpstreamError]:
    """What came before the error, and the error."""
    reader, events = Reader(), list[StreamEvent]()
    try:
        for chunk in chunks:
            events.extend(reader.feed(chunk))
        events.extend(reader.close())
    except UpstreamError as error:
        return events, error
    raise AssertionError(f"no error: {events}")


# One of everything: ping, thinking with its signature, redacted thinking, text, two calls, one of them without input.
WHOLE = frames(
    {"type": "ping"},
    START,
    begin(0, "thinking", thinking="", signature=""),
    delta(0, "thinking_delta", thinking="Hm 🤔"),
    delta(0, "signature_delta", signature="sig=="),
    end(0),
    begin(1, "redacted_thinking", data="secret"),
    end(1),
    begin(2, "text", text=""),
    {"type": "ping"},
    delta(2, "text_delta", text="Größe: "),
    delta(2, "text_delta", text="3 \u2028"),
    end(2),
    begin(3, "tool_use", id="toolu_1", name="get", input={}),
    delta(3, "input_json_delta", partial_json=""),
    delta(3, "input_json_delta", partial_json='{"a":'),
    delta(3, "input_json_delta", partial_json='"ü"}'),
    end(3),
    begin(4, "tool_use", id="toolu_2", name="now", input={}),
    end(4),
    finish("tool_use", output_tokens=9, cache_read_input_tokens=4),
    STOP,
)
ANSWER = Answer(
    Start("msg_1", "claude-x"),
    [
        AnswerThinking("Hm 🤔", Token("a", "sig==")),
        AnswerThinking("", Token("x", "secret")),
        AnswerText("Größe: 3 \u2028"),
        AnswerCall("toolu_1", "get", '{"a":"ü"}'),
        AnswerCall("toolu_2", "now", ""),
    ],
    usage=Usage(7, 4, None, 9),
    finish=Finish("tool_calls", "tool_use"),
)


def test_14_3_a_stream_with_everything_is_read() -> None:
    assert collect(read(WHOLE)) == ANSWER


def test_14_3_events_come_one_for_one() -> None:
    text = (begin(0, "text", text=""), delta(0, "text_delta", text="a"), delta(0, "text_delta", text="b"), end(0))
    assert read(frames(START, *text, finish("end_turn", output_tokens=2), STOP)) == [
        Start("msg_1", "claude-x"),
        UsageUpdate(Usage(3, None, None, 1)),
        TextStart(0),
        TextDelta(0, "a"),
        TextDelta(0, "b"),
        TextEnd(0),
        UsageUpdate(Usage(3, None, None, 2)),
        Finish("stop", "end_turn"),
    ]


@pytest.mark.parametrize(
    "stream",
    [
        WHOLE.replace(b"\n", b"\r\n"),
        WHOLE.replace(b"\n", b"\r"),
        b"\xef\xbb\xbf" + WHOLE,
        b"".join(line for line in WHOLE.splitlines(keepends=True) if not line.startswith(b"event:")),
        WHOLE.replace(b"data: ", b"data:"),
        WHOLE.replace(b"data: {", b": comment\nid: 3\nretry: 5\ndata: {\ndata: "),
        WHOLE.removesuffix(b"\n\n"),
        WHOLE + b"data: [DONE]\n\n" * 5,
    ],
    ids="crlf cr bom no_event no_space odd_lines no_blank_line done".split(),
)
def test_14_1_the_forms_of_sse_make_no_difference(stream: bytes) -> None:
    assert collect(read(stream)) == ANSWER


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_20_2_any_slicing_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(WHOLE)]
    assert read(*(WHOLE[a:b] for a, b in pairwise(edges))) == read(WHOLE)


def test_20_2_one_byte_at_a_time_gives_the_same_events() -> None:
    assert read(*(bytes([byte]) for byte in WHOLE)) == read(WHOLE)


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop_sequence"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("tool_use", "tool_calls"),
        ("pause_turn", "pause"),
        ("refusal", "content_filter"),
        ("something_new", "other"),
    ],
)
def test_11_stop_reasons(native: str, reason: str) -> None:
    assert collect(read(frames(START, finish(native), STOP))).finish == Finish(reason, native)  # type: ignore[arg-type]


def test_11_a_stop_sequence_is_named() -> None:
    ending: JsonObject = {"type": "message_delta", "delta": {"stop_reason": "stop_sequence", "stop_sequence": "END"}}
    assert read(frames(START, ending))[-1] == Finish("stop_sequence", "stop_sequence", "END")


@pytest.mark.parametrize(
    ("native", "reason"), [("end_turn", "tool_calls"), ("max_tokens", "length"), ("refusal", "content_filter")]
)
def test_11_a_call_turns_only_a_plain_stop_into_tool_calls(native: str, reason: str) -> None:
    call = (begin(0, "tool_use", id="t", name="f", input={}), end(0))
    assert read(frames(START, *call, finish(native)))[-1] == Finish(reason, native)  # type: ignore[arg-type]


def test_11_hosted_calls_do_not_count() -> None:
    hosted = (
        begin(0, "server_tool_use", id="srvtoolu_1", name="web_search", input={}),
        delta(0, "input_json_delta", partial_json='{"query":"x"}'),
        end(0),
        begin(1, "web_search_tool_result", tool_use_id="srvtoolu_1", content=[{"type": "web_search_result"}]),
        end(1),
        begin(2, "compaction", content=None),
        delta(2, "compaction_delta", content="long ago"),
        delta(2, "text_delta", text="not the answer"),
        end(2),
        begin(3, "fallback"),
        end(3),
        begin(4, "text", text=""),
        delta(4, "text_delta", text="hi"),
        end(4),
    )
    assert events_of(*hosted) == [TextStart(0), TextDelta(0, "hi"), TextEnd(0)]
    assert read(frames(START, *hosted, finish()))[-1] == Finish("stop", "end_turn")


def test_13_web_citations_are_read_and_others_are_not() -> None:
    found = events_of(
        begin(0, "text", text="", citations=[]),
        delta(0, "citations_delta", citation=WEB),
        delta(0, "citations_delta", citation={"type": "char_location", "document_title": "d"}),
        delta(0, "citations_delta", citation=None),
        delta(0, "text_delta", text="a"),
        end(0),
    )
    assert found == [TextStart(0), Citation("https://e.com", "E"), TextDelta(0, "a"), TextEnd(0)]


def test_14_3_a_call_whose_input_came_with_its_start_is_read() -> None:
    """Some compatible vendors send no fragments; one that sends both means the fragments."""
    whole = begin(0, "tool_use", id="t", name="f", input={"a": 1})
    assert events_of(whole, end(0)) == [ToolStart(0, "t", "f"), ToolArgs(0, '{"a":1}'), ToolEnd(0)]
    both = (whole, delta(0, "input_json_delta", partial_json='{"a":2}'), end(0))
    assert events_of(*both) == [ToolStart(0, "t", "f"), ToolArgs(0, '{"a":2}'), ToolEnd(0)]


def test_14_6_a_call_without_an_id_gets_one_and_one_without_a_name_is_dropped() -> None:
    found = events_of(begin(0, "tool_use", name="f"), end(0), begin(1, "tool_use", id="t"), end(1))
    assert found == [ToolStart(0, "toolu_msg_1_0", "f"), ToolEnd(0)]


def test_14_3_missing_block_starts_and_stops_are_done_without() -> None:
    assert events_of(
        delta(0, "text_delta", text="a"),
        delta(1, "thinking_delta", thinking="b"),
        begin(2, "tool_use", id="t", name="f"),
    ) == [
        *(TextStart(0), TextDelta(0, "a"), TextEnd(0)),
        *(ThinkingStart(1), ThinkingDelta(1, "b"), ThinkingEnd(1)),
        *(ToolStart(2, "t", "f"), ToolEnd(2)),
    ]


def test_14_3_arguments_for_no_open_call_are_dropped() -> None:
    assert events_of(delta(3, "input_json_delta", partial_json="{}"), delta(4, "new_delta")) == []


@pytest.mark.parametrize("token", ["", None, 5])
def test_7_4_thinking_without_a_signature_has_no_token(token: Json) -> None:
    block = (begin(0, "thinking", thinking="t"), delta(0, "signature_delta", signature=token), end(0))
    assert events_of(*block)[-1] == ThinkingEnd(0)


def test_7_4_a_signature_in_pieces_is_joined() -> None:
    block = (begin(0, "thinking", signature="a"), delta(0, "signature_delta", signature="b"), end(0))
    assert events_of(*block) == [ThinkingStart(0), ThinkingEnd(0, Token("a", "ab"))]


def test_12_usage_is_cumulative_and_replaces_field_by_field() -> None:
    started: JsonObject = {
        "type": "message_start",
        "message": {"id": "m", "usage": {"input_tokens": 120, "output_tokens": 1}},
    }
    ending = finish(
        "end_turn", input_tokens=20, cache_read_input_tokens=90, cache_creation_input_tokens=10, output_tokens=5
    )
    assert collect(read(frames(started, ending))).usage == Usage(120, 90, 10, 5)


def test_14_1_unknown_events_and_strange_shapes_are_ignored() -> None:
    strange: list[JsonObject] = [
        {"type": "content_block_start"},
        {"type": "content_block_delta", "index": 0},
        {"type": "content_block_delta", "index": 0, "delta": {"type": ["x"]}},
        {"type": "content_block_delta", "index": {}, "delta": {"type": "text_delta", "text": 5}},
        {"type": "content_block_stop", "index": 99},
        {"type": "message_delta"},
        {"type": "message_start", "message": 3},
        {"type": "new_event", "data": {}},
        {"type": 7},
        {"kind": "none"},
    ]
    found = [event for event in events_of(*strange) if not isinstance(event, TextStart | TextEnd | UsageUpdate)]
    assert found == []


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["type", "index", "delta", "message", "content_block", "usage", "error"]),
            st.recursive(
                st.sampled_from(
                    [
                        None,
                        0,
                        1,
                        True,
                        "",
                        "text",
                        "tool_use",
                        "thinking",
                        "message_start",
                        "content_block_start",
                        "content_block_delta",
                        "text_delta",
                        "input_json_delta",
                        "message_delta",
                        "end_turn",
                        "x",
                    ]
                ),
                lambda inner: (
                    st.lists(inner, max_size=2)
                    | st.dictionaries(st.sampled_from(["type", "text", "id", "name", "input", "stop_reason"]), inner)
                ),
                max_leaves=6,
            ),
        ),
        max_size=8,
    )
)
def test_14_1_whatever_json_comes_there_are_events_or_an_upstream_error(payloads: list[JsonObject]) -> None:
    stream = b"".join(b"data: " + dumps(payload) + b"\n\n" for payload in payloads)
    reader = Reader()
    with suppress(UpstreamError):
        collect([*reader.feed(stream), *reader.close()])


def test_14_1_two_unreadable_frames_are_skipped_and_three_in_a_row_are_an_error() -> None:
    bad = b"data: {oops\n\n"
    hi = frames(begin(0, "text"), delta(0, "text_delta", text="hi"))
    assert collect(read(frames(START), bad, bad, hi, bad, b"data: [1]\n\n", frames(finish()))).parts == [
        AnswerText("hi")
    ]
    events, error = broken(frames(START), hi, bad * 3)
    assert error.kind is Kind.BROKEN_STREAM
    assert events[-1] == TextDelta(0, "hi")


@pytest.mark.parametrize("length", range(0, len(WHOLE), 37))
def test_14_7_a_cut_stream_is_never_a_whole_answer(length: int) -> None:
    """Wherever it is cut before its stop reason was told."""
    if length > WHOLE.index(b"message_delta"):
        assert read(WHOLE[:-3])[-1] == Finish("tool_calls", "tool_use")
        return
    events, error = broken(WHOLE[:length])
    assert error.kind is Kind.BROKEN_STREAM
    assert not any(isinstance(event, Finish) for event in events)


def test_14_7_a_stop_reason_without_message_stop_is_a_whole_answer() -> None:
    assert read(frames(START, finish("max_tokens")))[-1] == Finish("length", "max_tokens")


def test_14_7_message_stop_without_a_stop_reason_is_a_plain_stop() -> None:
    assert read(frames(START, finish(None), STOP))[-1] == Finish("stop")


def test_14_7_nothing_counts_after_the_finish() -> None:
    assert read(frames(START, finish(), begin(0, "text", text="late"), finish("max_tokens"), STOP))[-1] == Finish(
        "stop", "end_turn"
    )


def test_14_7_a_block_left_open_is_closed_by_the_finish() -> None:
    assert read(frames(START, begin(0, "text", text="a"), finish()))[-2:] == [TextEnd(0), Finish("stop", "end_turn")]


@pytest.mark.parametrize("tail", [b"", frames(STOP)])
def test_15_3_an_error_event_is_raised_after_what_came_before_it(tail: bytes) -> None:
    error_frame = frames({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})
    events, error = broken(frames(START, begin(0, "text", text="hi")) + error_frame + tail)
    assert (error.kind, error.status, str(error)) == (Kind.OVERLOADED, 529, "Overloaded")
    assert events[-1] == TextDelta(0, "hi")


def test_15_3_an_error_frame_without_a_type_is_an_error_too() -> None:
    _, error = broken(b'data: {"error": {"type": "rate_limit_error", "message": "slow"}}\n\n')
    assert (error.kind, error.status) == (Kind.RATE_LIMIT, 429)


# --- whole ---


def message(*content: Json, **fields: Json) -> JsonObject:
    return {"id": "msg_1", "type": "message", "model": "claude-x", "content": [*content], **fields}


def test_13_a_whole_answer_is_read_like_its_stream() -> None:
    body = message(
        {"type": "thinking", "thinking": "Hm 🤔", "signature": "sig=="},
        {"type": "redacted_thinking", "data": "secret"},
        {"type": "text", "text": "Größe: 3 \u2028"},
        {"type": "tool_use", "id": "toolu_1", "name": "get", "input": {"a": "ü"}},
        {"type": "tool_use", "id": "toolu_2", "name": "now", "input": {}},
        stop_reason="tool_use",
        usage={"input_tokens": 3, "cache_read_input_tokens": 4, "output_tokens": 9},
    )
    assert collect(read_answer(loads_object(body), DEFAULT)) == ANSWER


def loads_object(body: JsonObject) -> JsonObject:
    value = loads(dumps(body))
    assert isinstance(value, dict)
    return value


def test_13_citations_of_a_whole_answer_are_read() -> None:
    body = message({"type": "text", "text": "a", "citations": [WEB]}, stop_reason="stop_sequence", stop_sequence="X")
    answer = collect(read_answer(body, DEFAULT))
    assert answer.citations == [Citation("https://e.com", "E")]
    assert answer.finish == Finish("stop_sequence", "stop_sequence", "X")


def test_13_an_answer_without_a_stop_reason_is_a_plain_stop() -> None:
    assert collect(read_answer(message({"type": "text", "text": "a"}), DEFAULT)).finish == Finish("stop")


def test_15_2_an_answer_that_is_an_error_is_raised() -> None:
    with pytest.raises(UpstreamError, match="busy") as caught:
        list(read_answer({"type": "error", "error": {"type": "overloaded_error", "message": "busy"}}, DEFAULT))
    assert caught.value.kind is Kind.OVERLOADED


@pytest.mark.parametrize("body", [{}, {"choices": []}, {"type": "message", "content": "text"}])
def test_13_what_is_no_message_is_an_error(body: JsonObject) -> None:
    with pytest.raises(UpstreamError) as caught:
        list(read_answer(body, DEFAULT))
    assert caught.value.kind is Kind.BROKEN_STREAM
