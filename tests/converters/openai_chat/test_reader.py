"""11, 12, 14.1, 14.7, 15.3: a provider's answer becomes events, streamed or whole."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.collect import collect
from converters.errors import Kind, UpstreamError
from converters.events import (
    AnswerCall,
    AnswerText,
    AnswerThinking,
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
from converters.json_codec import Json, JsonObject, dumps
from converters.openai_chat.reader import StreamReader, read_answer
from converters.profile import DEFAULT

HEAD: JsonObject = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "gpt"}
DONE = b"data: [DONE]\n\n"
START = Start("chatcmpl-1", "gpt", 7)


def frame(payload: Json) -> bytes:
    return b"data: " + dumps(payload) + b"\n\n"


def chunk(delta: Json = None, finish: Json = None, **more: Json) -> bytes:
    choice: JsonObject = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return frame({**HEAD, "choices": [choice], **more})


def usage(prompt: int, completion: int) -> JsonObject:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def read(*frames: bytes, slices: Callable[[bytes], list[bytes]] = lambda body: [body]) -> list[StreamEvent]:
    reader = StreamReader(DEFAULT)
    events = [event for data in slices(b"".join(frames)) for event in reader.feed(data)]
    return events + list(reader.close())


def until_error(*frames: bytes) -> tuple[list[StreamEvent], UpstreamError]:
    """What came before the error, and the error."""
    events: list[StreamEvent] = []
    reader = StreamReader(DEFAULT)
    with pytest.raises(UpstreamError) as caught:  # noqa: PT012 - events before the error count
        for event in reader.feed(b"".join(frames)):
            events.append(event)
        events.extend(reader.close())
    return events, caught.value


SAID = [START, TextStart(0), TextDelta(0, "hi")]
HELLO = (chunk({"role": "assistant", "content": ""}), chunk({"content": "hi"}))


def test_14_2_a_plain_stream() -> None:
    assert read(
        *HELLO,
        chunk({"content": " there"}),
        chunk(finish="stop"),
        frame({**HEAD, "choices": [], "usage": usage(3, 2)}),
        DONE,
    ) == [
        *SAID,
        TextDelta(0, " there"),
        TextEnd(0),
        Finish("stop", "stop"),
        UsageUpdate(Usage(3, None, None, 2)),
    ]


def test_there_is_one_start_with_what_the_first_chunk_knows() -> None:
    odd = frame({"id": "", "created": 0, "model": None, "choices": []})
    events = read(odd, *HELLO, chunk(finish="stop"))
    assert [event for event in events if isinstance(event, Start)] == [Start()]
    assert events[0] == Start()


# --- 11 ---


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("stop", "stop"),
        ("length", "length"),
        ("model_length", "length"),
        ("content_filter", "content_filter"),
        ("tool_calls", "stop"),
        ("eos", "other"),
    ],
)
def test_11_stop_reasons_without_calls(native: str, expected: str) -> None:
    assert read(*HELLO, chunk(finish=native), DONE)[-1] == Finish(expected, native)  # type: ignore[arg-type]


CALL = chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]})


@pytest.mark.parametrize(
    ("native", "expected"),
    [
        ("stop", "tool_calls"),
        ("tool_calls", "tool_calls"),
        ("function_call", "tool_calls"),
        ("eos", "tool_calls"),
        ("length", "length"),
        ("content_filter", "content_filter"),
    ],
)
def test_11_a_call_makes_stop_into_tool_calls_over_the_whole_stream(native: str, expected: str) -> None:
    assert read(CALL, chunk({"content": "a"}), chunk(finish=native), DONE)[-1] == Finish(expected, native)  # type: ignore[arg-type]


def test_11_a_refusal() -> None:
    assert read(chunk({"refusal": "no"}), chunk(finish="stop"), DONE)[-1] == Finish("refusal", "stop")


def test_14_6_blocks_are_closed_in_order_before_the_finish() -> None:
    other = chunk({"tool_calls": [{"index": 1, "id": "d", "function": {"name": "g", "arguments": "{}"}}]})
    assert read(CALL, other, chunk(finish="tool_calls"), DONE)[-3:] == [
        ToolEnd(0),
        ToolEnd(1),
        Finish("tool_calls", "tool_calls"),
    ]


def test_content_on_the_finish_chunk_comes_before_the_finish() -> None:
    assert read(chunk({"content": "hi"}, "stop", usage=usage(1, 1)), DONE) == [
        *SAID,
        UsageUpdate(Usage(1, None, None, 1)),
        TextEnd(0),
        Finish("stop", "stop"),
    ]


def test_a_second_finish_chunk_brings_only_its_usage() -> None:
    events = read(*HELLO, chunk(finish="length"), chunk({"content": "late"}, "stop", usage=usage(1, 2)), DONE)
    assert events == [*SAID, TextEnd(0), Finish("length", "length"), UsageUpdate(Usage(1, None, None, 2))]


def test_13_only_choice_0_is_read() -> None:
    other: JsonObject = {"index": 1, "delta": {"content": "other"}, "finish_reason": "length"}
    mine: JsonObject = {"index": 0, "delta": {"content": "hi"}, "finish_reason": "stop"}
    assert read(frame({**HEAD, "choices": [other]}), frame({**HEAD, "choices": [other, mine]}), DONE) == [
        *SAID,
        TextEnd(0),
        Finish("stop", "stop"),
    ]


# --- 12 ---


def test_12_running_usage_on_every_chunk_is_read_and_an_unchanged_one_is_not_said_again() -> None:
    events = read(
        chunk({"content": "a"}, usage=usage(9, 1)),
        chunk({"content": "b"}, usage=usage(9, 2)),
        chunk({"content": "c"}, usage=usage(9, 2)),
        chunk(finish="stop"),
        DONE,
    )
    updates = [event.usage.output_total for event in events if isinstance(event, UsageUpdate)]
    assert updates == [1, 2]
    assert collect(events).usage == Usage(9, None, None, 2)
    assert collect(events).parts == [AnswerText("abc")]


def test_12_groqs_usage_is_read() -> None:
    events = read(*HELLO, chunk(finish="stop", x_groq={"id": "r", "usage": usage(5, 6)}), DONE)
    assert collect(events).usage == Usage(5, None, None, 6)


def test_12_null_usage_erases_nothing() -> None:
    events = read(chunk({"content": "hi"}, usage=usage(5, 6)), chunk(finish="stop", usage=None), DONE)
    assert collect(events).usage == Usage(5, None, None, 6)


# --- 14.1 ---

FULL = (
    chunk({"role": "assistant", "content": ""}),
    chunk({"reasoning_content": "héllo 🙂"}),
    chunk({"content": "wörld "}),
    b": keep-alive\n\n",
    chunk({"content": "🎉"}),
    chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a'}}]}),
    chunk({"tool_calls": [{"index": 0, "function": {"arguments": '":1}'}}]}),
    chunk(finish="tool_calls"),
    frame({**HEAD, "choices": [], "usage": usage(3, 2)}),
    DONE,
)
BODY = b"".join(FULL)
WHOLE = read(BODY)


@given(st.lists(st.integers(0, len(BODY))))
def test_20_2c_any_slicing_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(BODY)]
    assert read(BODY, slices=lambda body: [body[a:b] for a, b in pairwise(edges)]) == WHOLE


@pytest.mark.parametrize(
    "form",
    [
        lambda body: body.replace(b"\n", b"\r\n"),
        lambda body: body.replace(b"\n", b"\r"),
        lambda body: body.replace(b"data: ", b"data:"),
        lambda body: b"\xef\xbb\xbf" + body,
        lambda body: body.replace(b"data: ", b"id: 1\nretry: 5\ndata: "),
        lambda body: body.replace(b"data: ", b"event: message\ndata: "),
        lambda body: body.replace(b',"choices"', b',\ndata: "choices"'),
        lambda body: body.removesuffix(b"\n\n"),
        lambda body: body.replace(b"[DONE]", b"[DONE] "),
        lambda body: body.removesuffix(DONE),
    ],
)
def test_14_1_harmless_differences_of_form(form: Callable[[bytes], bytes]) -> None:
    assert read(form(BODY)) == WHOLE
    assert read(form(BODY), slices=lambda body: [body[i : i + 1] for i in range(len(body))]) == WHOLE


def test_14_1_unreadable_frames_are_skipped_and_three_in_a_row_are_an_error() -> None:
    assert read(b"data: {oops\n\n", b"data: 3\n\n", *HELLO, b"data: \xff\n\n", chunk(finish="stop"), DONE)[
        -1
    ] == Finish("stop", "stop")
    events, error = until_error(*HELLO, *[b"data: {oops\n\n"] * 3)
    assert (events, error.kind) == (SAID, Kind.BROKEN_STREAM)


def test_14_1_unknown_frames_are_counted() -> None:
    reader = StreamReader(DEFAULT)
    body = b"".join((*HELLO, b"data: 3\n\n", chunk({"annotations": [{}]}), chunk(finish="stop"), DONE, CALL))
    list(reader.feed(body))
    assert reader.skipped == 3


# --- 14.7 ---


@pytest.mark.parametrize("body", [HELLO, (CALL,), (chunk({"reasoning_content": "hm"}),), (), (b": hi\n\n",)])
def test_14_7_a_connection_that_closes_without_finish_and_done_is_broken(body: tuple[bytes, ...]) -> None:
    """A cut stream is never passed off as a whole answer, however much of it came."""
    _, error = until_error(*body)
    assert error.kind is Kind.BROKEN_STREAM


def test_14_7_a_close_after_the_finish_is_a_normal_end() -> None:
    assert read(*HELLO, chunk(finish="stop"))[-1] == Finish("stop", "stop")


@pytest.mark.parametrize(("body", "expected"), [(HELLO, "stop"), ((CALL,), "tool_calls")])
@pytest.mark.parametrize("finish", [None, ""])
def test_14_7_done_without_a_finish_reason_ends_an_answer_with_content(
    body: tuple[bytes, ...], expected: str, finish: str | None
) -> None:
    assert read(*body, chunk(finish=finish), DONE)[-1] == Finish(expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("body", [(), (chunk({"role": "assistant", "content": ""}),)])
def test_14_7_done_without_finish_and_content_is_no_answer(body: tuple[bytes, ...]) -> None:
    _, error = until_error(*body, DONE)
    assert error.kind is Kind.BROKEN_STREAM


def test_an_answer_with_a_finish_and_no_content_is_an_answer() -> None:
    assert read(chunk(finish="stop"), DONE) == [START, Finish("stop", "stop")]


def test_14_7_arguments_cut_by_max_tokens_stay_as_they_came() -> None:
    cut = chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a'}}]})
    answer = collect(read(cut, chunk(finish="length"), DONE))
    assert answer.parts == [AnswerCall("c", "f", '{"a')]
    assert answer.finish == Finish("length", "length")


# --- 15.3 ---


@pytest.mark.parametrize(
    ("bad", "kind", "message"),
    [
        (frame({"error": {"message": "boom", "type": "server_error", "code": None}}), Kind.SERVER, "boom"),
        (frame({"error": "boom"}), Kind.SERVER, "boom"),
        (frame({**HEAD, "error": {"code": 400, "message": "too long"}, "choices": []}), Kind.BAD_REQUEST, "too long"),
        (frame({"error": {"code": 429, "message": "slow"}}), Kind.RATE_LIMIT, "slow"),
        (frame({"error": {"type": "overloaded_error", "message": "busy"}}), Kind.OVERLOADED, "busy"),
        (b"event: error\n" + frame({"error": {"message": "x", "status_code": 400}}), Kind.BAD_REQUEST, "x"),
        (b"event: error\n" + frame({"message": "x", "type": "invalid_request_error"}), Kind.BAD_REQUEST, "x"),
        (
            frame({"object": "error", "message": "vllm", "type": "BadRequestError", "code": 400}),
            Kind.BAD_REQUEST,
            "vllm",
        ),
        (frame({"code": "Throttling.RateQuota", "message": "slow"}), Kind.RATE_LIMIT, "slow"),
        (frame({**HEAD, "choices": [], "x_groq": {"error": "over"}}), Kind.SERVER, "over"),
        (
            frame({**HEAD, "choices": [{"index": 0, "delta": {}, "error": {"code": 502, "message": "up"}}]}),
            Kind.SERVER,
            "up",
        ),
        (chunk(finish="error"), Kind.SERVER, "the provider ended its answer with `error`"),
        (chunk({"content": "throttled"}, "error_finish"), Kind.RATE_LIMIT, "throttled"),
        (chunk(finish="insufficient_system_resource"), Kind.OVERLOADED, None),
    ],
)
@pytest.mark.parametrize("before", [(), HELLO, (*HELLO, chunk(finish="stop"))])
def test_15_3_an_error_frame_ends_the_answer_wherever_it_stands(
    bad: bytes, kind: Kind, message: str | None, before: tuple[bytes, ...]
) -> None:
    events, error = until_error(*before, bad, chunk({"content": "more"}), DONE)
    assert error.kind is kind
    assert message is None or str(error) == message
    assert TextDelta(0, "more") not in events
    assert (TextDelta(0, "hi") in events) == bool(before), "what came before the error is not lost"


@pytest.mark.parametrize("odd", [{"choices": 3}, {"choices": [3]}, {"choices": [{"delta": []}]}, {}, {"usage": []}])
def test_14_1_odd_chunks_do_no_harm(odd: JsonObject) -> None:
    assert read(*HELLO, frame(odd), frame({**HEAD, **odd}), chunk(finish="stop"), DONE) == [
        *SAID,
        TextEnd(0),
        Finish("stop", "stop"),
    ]


SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
WORDS = st.sampled_from(
    "text thinking url_citation reasoning.text reasoning.encrypted anthropic-claude-v1 data:x data:a/b;base64,x".split()
)
KEYS = st.sampled_from(
    "content reasoning_content reasoning reasoning_details tool_calls index id function name arguments custom input"
    " images image_url url annotations url_citation type text thinking refusal function_call signature format data".split()
)
JSON = st.recursive(
    SCALARS | WORDS, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=9
)
DELTA = st.dictionaries(KEYS, JSON | st.lists(st.dictionaries(KEYS, JSON, max_size=5), max_size=2), max_size=4)


@given(st.lists(DELTA, max_size=3))
def test_14_6_any_delta_gives_a_well_formed_answer(deltas: list[JsonObject]) -> None:
    """Every block is opened, filled and closed once, in order; thinking and text never overlap."""
    events = read(*map(chunk, deltas), chunk(finish="stop"), DONE)
    open_blocks: dict[int, StreamEvent] = {}
    seen = 0
    for event in events:
        if isinstance(event, TextStart | ThinkingStart | ToolStart):
            assert event.block == seen
            assert isinstance(event, ToolStart) or not open_blocks
            open_blocks[event.block] = event
            seen += 1
        elif isinstance(event, TextDelta | ThinkingDelta | ToolArgs):
            assert event.block in open_blocks
        elif isinstance(event, TextEnd | ThinkingEnd | ToolEnd):
            del open_blocks[event.block]
    assert open_blocks == {}
    assert isinstance(events[-1], Finish)


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "b", "refusal": "no"},
        {"content": "b", "reasoning_content": "hm"},
        {"content": "b", "tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]},
    ],
)
def test_the_short_way_for_plain_text_overlooks_nothing(delta: JsonObject) -> None:
    answer = collect(read(*HELLO, chunk(delta), chunk(finish="stop"), DONE))
    assert len(answer.parts) > 1
    assert "".join(part.text for part in answer.parts if isinstance(part, AnswerText)) == "hib"


def test_7_3_the_profile_turns_think_tags_on() -> None:
    frames = b"".join((chunk({"content": "<think>hm</think>a"}), chunk(finish="stop"), DONE))
    events = list(StreamReader(replace(DEFAULT, think_tags=True)).feed(frames))
    assert collect(events).parts == [AnswerThinking("hm"), AnswerText("a")]
    silent = b"".join((chunk({"content": "<think>hm"}), DONE))
    assert collect(StreamReader(replace(DEFAULT, think_tags=True)).feed(silent)).parts == [AnswerThinking("hm")]


# --- whole answers ---


def whole(message: Json, finish: Json = "stop", **more: Json) -> JsonObject:
    choice: JsonObject = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return {**HEAD, "object": "chat.completion", "choices": [choice], **more}


def test_1_4_a_whole_answer_is_read_as_one_chunk() -> None:
    calls: list[Json] = [
        {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}},
        {"id": "d", "type": "custom", "custom": {"name": "p", "input": "free"}},
    ]
    message: JsonObject = {
        "role": "assistant",
        "content": "hi",
        "reasoning_content": "hm",
        "refusal": None,
        "tool_calls": calls,
    }
    answer = collect(read_answer(whole(message, "tool_calls", usage=usage(1, 2)), DEFAULT))
    assert answer.start == START
    assert answer.parts == [
        AnswerThinking("hm"),
        AnswerText("hi"),
        AnswerCall("c", "f", '{"a":1}'),
        AnswerCall("d", "p", "free", "custom"),
    ]
    assert answer.usage == Usage(1, None, None, 2)
    assert answer.finish == Finish("tool_calls", "tool_calls")


def test_6_1_parallel_calls_of_a_whole_answer_have_no_index() -> None:
    calls: list[Json] = [{"function": {"name": "f", "arguments": "{}"}}, {"function": {"name": "f", "arguments": "{}"}}]
    starts = [e for e in read_answer(whole({"tool_calls": calls}), DEFAULT) if isinstance(e, ToolStart)]
    assert len({start.id for start in starts}) == 2


def test_14_7_a_whole_answer_without_finish_reason_ends_by_itself() -> None:
    assert list(read_answer(whole({"content": "hi"}, None), DEFAULT))[-1] == Finish("stop")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "x", "code": 429}}, Kind.RATE_LIMIT),
        ({"error": {"message": "x"}, "choices": []}, Kind.SERVER),
        ({"code": "Throttling", "message": "x"}, Kind.RATE_LIMIT),
        ({}, Kind.SERVER),
        ({"choices": None}, Kind.SERVER),
        ({"choices": []}, Kind.BROKEN_STREAM),
        (whole({"content": "x"}, "error"), Kind.SERVER),
    ],
)
def test_15_2_a_200_that_is_no_answer_is_an_error(body: JsonObject, kind: Kind) -> None:
    with pytest.raises(UpstreamError) as caught:
        list(read_answer(body, DEFAULT))
    assert caught.value.kind is kind
