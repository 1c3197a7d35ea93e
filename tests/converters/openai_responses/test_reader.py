"""11, 12, 14.1, 14.7, 15.3: a provider's answer becomes events, streamed or whole."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

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
    Usage,
    UsageUpdate,
)
from converters.json_codec import Json, JsonObject
from converters.openai_responses.reader import StreamReader, read_answer
from converters.profile import DEFAULT
from converters.sse import event_frame
from converters.turns import Token

START = Start("resp_1", "gpt", 7)
USAGE: JsonObject = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 1},
    "output_tokens": 2,
    "output_tokens_details": {"reasoning_tokens": 1},
    "total_tokens": 5,
}
COUNTED = UsageUpdate(Usage(3, 1, None, 2, 1))


def response(status: str, **more: Any) -> JsonObject:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 7.0,
        "model": "gpt",
        "status": status,
        "error": None,
        **more,
    }


def frame(kind: str, **fields: Any) -> bytes:
    return event_frame(kind, {"type": kind, **fields})


def item(event: str, index: int, body: JsonObject) -> bytes:
    return frame(f"response.output_item.{event}", output_index=index, item=body)


def over(status: str = "completed", **more: Any) -> bytes:
    return frame(f"response.{status}", response=response(status, usage=USAGE, **more))


CREATED = frame("response.created", response=response("in_progress", output=[])) + frame(
    "response.in_progress", response=response("in_progress", output=[])
)
SAY = frame("response.output_text.delta", output_index=0, content_index=0, item_id="m", delta="hi", logprobs=[])
SAID = [START, TextStart(0), TextDelta(0, "hi")]


def read(*frames: bytes, slices: Callable[[bytes], list[bytes]] = lambda body: [body]) -> list[StreamEvent]:
    reader = StreamReader()
    events = [event for data in slices(b"".join(frames)) for event in reader.feed(data)]
    return events + list(reader.close())


def until_error(*frames: bytes) -> tuple[list[StreamEvent], UpstreamError]:
    """What came before the error, and the error."""
    events: list[StreamEvent] = []
    reader = StreamReader()
    with pytest.raises(UpstreamError) as caught:  # noqa: PT012 - events before the error count
        for event in reader.feed(b"".join(frames)):
            events.append(event)
        events.extend(reader.close())
    return events, caught.value


def test_14_4_a_plain_stream() -> None:
    assert read(CREATED, SAY, SAY, over()) == [
        *SAID,
        TextDelta(0, "hi"),
        TextEnd(0),
        COUNTED,
        Finish("stop", "completed"),
    ]


def test_a_stream_that_says_only_its_end_is_read_from_there() -> None:
    content: Json = [{"type": "output_text", "text": "hi", "annotations": []}]
    events = read(over(output=[{"type": "message", "id": "m", "content": content}]))
    assert events == [*SAID, TextEnd(0), COUNTED, Finish("stop", "completed")]


# --- 11 ---

CALL = item("done", 1, {"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": "{}"})
REFUSE = frame("response.refusal.delta", output_index=0, content_index=0, item_id="m", delta="no")


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ((SAY, over()), Finish("stop", "completed")),
        ((SAY, CALL, over()), Finish("tool_calls", "completed")),
        ((REFUSE, over()), Finish("refusal", "completed")),
        ((SAY, over("incomplete", incomplete_details={"reason": "max_output_tokens"})), Finish("length", "incomplete")),
        (
            (CALL, over("incomplete", incomplete_details={"reason": "content_filter"})),
            Finish("content_filter", "incomplete"),
        ),
        ((SAY, over("incomplete", incomplete_details=None)), Finish("other", "incomplete")),
        (
            (
                SAY,
                frame(
                    "response.completed",
                    response=response("incomplete", incomplete_details={"reason": "max_output_tokens"}),
                ),
            ),
            Finish("length", "incomplete"),
        ),
    ],
)
def test_11_stop_reasons(frames: tuple[bytes, ...], expected: Finish) -> None:
    assert read(CREATED, *frames)[-1] == expected


def test_11_hosted_calls_do_not_count() -> None:
    search = item("done", 0, {"type": "web_search_call", "id": "w", "status": "completed"})
    assert read(CREATED, search, over()) == [START, COUNTED, Finish("stop", "completed")]


def test_14_7_nothing_is_read_after_the_end() -> None:
    assert read(CREATED, SAY, over(), SAY, frame("error", message="late"))[-1] == Finish("stop", "completed")


# --- 14.1 ---

FULL = (
    CREATED,
    item("added", 0, {"type": "reasoning", "id": "r", "summary": [], "encrypted_content": "early"}),
    frame("response.reasoning_summary_text.delta", output_index=0, summary_index=0, item_id="r", delta="héllo 🙂"),
    item("done", 0, {"type": "reasoning", "id": "r", "summary": [{"text": "héllo 🙂"}], "encrypted_content": "final"}),
    b": keep-alive\n\n",
    frame("response.output_text.delta", output_index=1, content_index=0, item_id="m", delta="wörld"),
    frame("response.output_text.delta", output_index=1, content_index=0, item_id="m", delta=" 🎉"),
    item("added", 2, {"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": ""}),
    frame("response.function_call_arguments.delta", output_index=2, item_id="f", delta='{"a'),
    frame("response.function_call_arguments.delta", output_index=2, item_id="f", delta='":1}', obfuscation="x"),
    over(),
)
BODY = b"".join(FULL)
WHOLE = read(BODY)


def test_14_1_the_full_stream() -> None:
    answer = collect(WHOLE)
    assert answer.parts == [
        AnswerThinking("héllo 🙂", Token("r", "final", id="r")),
        AnswerText("wörld 🎉"),
        AnswerCall("c", "f", '{"a":1}'),
    ]
    assert answer.usage == Usage(3, 1, None, 2, 1)


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
        lambda body: b"".join(line + b"\n" for line in body.split(b"\n") if not line.startswith(b"event: "))[:-1],
        lambda body: body.replace(b'"type":"response.', b'"kind":"response.'),
        lambda body: body.removesuffix(b"\n\n"),
        lambda body: body + b"data: [DONE]\n\n",
    ],
)
def test_14_1_harmless_differences_of_form(form: Callable[[bytes], bytes]) -> None:
    assert read(form(BODY)) == WHOLE
    assert read(form(BODY), slices=lambda body: [body[i : i + 1] for i in range(len(body))]) == WHOLE


def test_14_1_unreadable_frames_are_skipped_and_three_in_a_row_are_an_error() -> None:
    assert read(b"data: {oops\n\n", b"data: 3\n\n", CREATED, b"data: \xff\n\n", SAY, over())[:3] == SAID
    events, error = until_error(CREATED, SAY, *[b"data: {oops\n\n"] * 3)
    assert (events, error.kind) == (SAID, Kind.BROKEN_STREAM)


def test_14_1_unknown_events_are_counted() -> None:
    reader = StreamReader()
    frames = (CREATED, frame("response.web_search_call.searching", output_index=0), frame("response.new.thing"), over())
    events = [event for data in frames for event in reader.feed(data)]
    assert (events, reader.skipped) == ([START, COUNTED, Finish("stop", "completed")], 2)


# --- 14.7, 15.3 ---


@pytest.mark.parametrize("frames", [(), (CREATED,), (CREATED, SAY), (CREATED, SAY, b"data: [DONE]\n\n")])
def test_14_7_a_stream_without_its_terminal_event_is_broken(frames: tuple[bytes, ...]) -> None:
    assert until_error(*frames)[1].kind is Kind.BROKEN_STREAM


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (frame("error", code="rate_limit_exceeded", message="slow", param=None, sequence_number=3), Kind.RATE_LIMIT),
        (frame("error", error={"code": "server_error", "message": "oops"}), Kind.SERVER),
        (frame("response.failed", response={"error": {"code": "invalid_prompt", "message": "no"}}), Kind.BAD_REQUEST),
        (frame("response.failed", response={"status": "failed", "error": None}), Kind.SERVER),
        (b'data: {"error":{"message":"oops","code":"context_length_exceeded"}}\n\n', Kind.CONTEXT_LENGTH),
        (frame("response.cancelled", response={"status": "cancelled"}), Kind.SERVER),
    ],
)
def test_15_3_errors_in_a_stream(error: bytes, kind: Kind) -> None:
    events, raised = until_error(CREATED, SAY, error)
    assert (events, raised.kind) == (SAID, kind)


# --- whole ---


def test_13_a_whole_answer_says_what_its_stream_said() -> None:
    output: Json = [
        {"type": "reasoning", "id": "r", "summary": [{"text": "héllo 🙂"}], "encrypted_content": "final"},
        {"type": "message", "id": "m", "content": [{"type": "output_text", "text": "wörld 🎉", "annotations": []}]},
        {"type": "function_call", "id": "f", "call_id": "c", "name": "f", "arguments": '{"a":1}'},
    ]
    whole = collect(read_answer(response("completed", output=output, usage=USAGE), DEFAULT))
    assert whole == collect(WHOLE)


def test_13_an_incomplete_whole_answer() -> None:
    body = response("incomplete", output=[], incomplete_details={"reason": "max_output_tokens"})
    assert list(read_answer(body, DEFAULT)) == [START, Finish("length", "incomplete")]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"error": {"message": "m", "code": "rate_limit_exceeded"}}, Kind.RATE_LIMIT),
        (response("failed") | {"error": {"code": "server_error", "message": "m"}, "output": []}, Kind.SERVER),
        (response("in_progress", output=[]), Kind.BROKEN_STREAM),
        (response("completed"), Kind.BROKEN_STREAM),
        (response("cancelled", output=[]), Kind.SERVER),
        ({}, Kind.BROKEN_STREAM),
    ],
)
def test_13_a_body_that_is_no_finished_response_is_an_error(body: JsonObject, kind: Kind) -> None:
    with pytest.raises(UpstreamError) as caught:
        list(read_answer(body, DEFAULT))
    assert caught.value.kind is kind
