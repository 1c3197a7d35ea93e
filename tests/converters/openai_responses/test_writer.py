"""4.3, 7.3, 7.4, 11, 12, 13, 14.4, 14.6, 15.3: events become a Responses client's answer, streamed or whole."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.collect import collect, replay
from converters.envelope import seal
from converters.errors import Failure, Kind
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
    ImageOut,
    RefusalDelta,
    Start,
    StopReason,
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
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.openai_responses import WIRE
from converters.openai_responses.reader import StreamReader, read_answer
from converters.openai_responses.writer import StreamWriter, write_answer
from converters.profile import DEFAULT
from converters.turns import Base64, Thinking, Token, ToolCall
from converters.wire import Ask
from tests.grammar import Folded
from tests.grammar_responses import check_responses_stream, fold_responses_answer

SPACE: JsonObject = {"type": "namespace", "name": "crm", "tools": [{"type": "function", "name": "get"}]}


def ask(*, show_thinking: bool = True, request: JsonObject | None = None) -> Ask:
    stem = "abcdefghijklmnopqrstuvwxyz"
    return Ask("asked", lambda: stem, lambda: 99, show_thinking=show_thinking, request=request or {})


def stream(events: Iterable[StreamEvent], asked: Ask | None = None) -> bytes:
    """Every stream keeps the grammar of its protocol."""
    writer = StreamWriter(asked or ask())
    sent = b"".join(map(writer.write, events)) + writer.end()
    check_responses_stream(sent)
    return sent


def names(sent: bytes) -> list[str]:
    return [line[7:].decode() for line in sent.split(b"\n") if line.startswith(b"event: ")]


def output(sent: bytes) -> list[Any]:
    """Output of the terminal event."""
    *_, last = (line[6:] for line in sent.split(b"\n") if line.startswith(b"data: "))
    items: list[Any] = json.loads(last)["response"]["output"]
    return items


def folded(events: Iterable[StreamEvent], asked: Ask | None = None) -> Folded:
    """Checks stream and whole against their grammar and each other."""
    events = list(events)
    told = check_responses_stream(stream(events, asked))
    assert fold_responses_answer(write_answer(collect(events), asked or ask())).content == told.content
    return told


START = Start("msg_1", "theirs", 7)
HELLO: list[StreamEvent] = [START, TextStart(0), TextDelta(0, "hé"), TextDelta(0, "llo"), TextEnd(0), Finish("stop")]
CALLED = Finish("tool_calls")


def test_14_4_the_events_of_a_text() -> None:
    sent = stream([*HELLO, UsageUpdate(Usage(3, 1, None, 2))])
    assert names(sent) == [
        *["response.created", "response.in_progress", "response.output_item.added", "response.content_part.added"],
        *["response.output_text.delta", "response.output_text.delta", "response.output_text.done"],
        *["response.content_part.done", "response.output_item.done", "response.completed"],
    ]
    told = check_responses_stream(sent)
    assert (told.text, told.model, told.stop, (told.usage or {})["total_tokens"]) == ("héllo", "asked", "completed", 5)


def test_14_4_the_opening_events_wait_for_the_first_content() -> None:
    writer = StreamWriter(ask())
    assert writer.write(START) == writer.write(UsageUpdate(Usage(3))) == writer.write(TextStart(0)) == b""
    assert writer.heartbeat() == b": keep-alive\n\n"
    assert names(writer.write(TextDelta(0, "a")))[:2] == ["response.created", "response.in_progress"]
    assert names(writer.write(TextDelta(0, "b"))) == ["response.output_text.delta"]


def test_14_4_the_terminal_event_waits_for_the_end() -> None:
    writer = StreamWriter(ask())
    sent = [names(writer.write(event)) for event in HELLO]
    assert sent[-1] == ["response.output_text.done", "response.content_part.done", "response.output_item.done"]
    assert writer.write(UsageUpdate(Usage(3, None, None, 4))) == b""
    assert b'"input_tokens":3,' in (end := writer.end())
    assert names(end) == ["response.completed"]
    assert writer.end() == writer.write(TextDelta(0, "late")) == b""


def test_14_4_an_answer_without_content_is_complete() -> None:
    assert names(stream([START, Finish("stop")])) == ["response.created", "response.in_progress", "response.completed"]
    assert folded([START, Finish("stop")]).parts == []


def test_14_4_neighbouring_texts_are_parts_of_one_message() -> None:
    events: list[StreamEvent] = [
        START,
        TextStart(0),
        TextDelta(0, "a"),
        TextEnd(0),
        RefusalDelta("n"),
        RefusalDelta("o"),
        Finish("refusal"),
    ]
    told = folded(events)
    assert told.parts == [("text", "a"), ("refusal", "no")]
    assert len(output(stream(events))) == 1


def test_14_4_items_in_source_order() -> None:
    events: list[StreamEvent] = [
        START,
        ThinkingStart(0),
        ThinkingDelta(0, "h"),
        ThinkingDelta(0, "m"),
        ThinkingEnd(0),
        TextStart(1),
        TextDelta(1, "so"),
        TextEnd(1),
        ToolStart(2, "c", "f"),
        ToolArgs(2, "{}"),
        ToolEnd(2),
        ToolStart(3, "d", "p", "custom"),
        ToolArgs(3, "free"),
        ToolEnd(3),
        TextStart(4),
        TextDelta(4, "."),
        CALLED,
    ]
    assert folded(events).parts == [("thinking", "hm"), ("text", "so"), ("call", "f"), ("call", "p"), ("text", ".")]
    kinds = [item["type"] for item in output(stream(events))]
    assert kinds == ["reasoning", "message", "function_call", "custom_tool_call", "message"]


def test_14_6_interleaved_calls_come_one_after_another() -> None:
    events: list[StreamEvent] = [
        START,
        ToolStart(0, "c", "f"),
        ToolArgs(0, '{"a'),
        ToolStart(1, "d", "g"),
        ToolArgs(1, "{}"),
        ToolArgs(0, '":1}'),
        ToolEnd(0),
        ToolEnd(1),
        CALLED,
    ]
    assert [(call.id, call.arguments) for call in folded(events).calls] == [("c", '{"a":1}'), ("d", "{}")]


def test_14_6_what_has_no_block_waits_for_the_open_call() -> None:
    events: list[StreamEvent] = [
        START,
        ToolStart(0, "c", "f"),
        ToolArgs(0, "{"),
        RefusalDelta("no"),
        ToolArgs(0, "}"),
        ToolEnd(0),
        CALLED,
    ]
    assert check_responses_stream(stream(events)).parts == [("call", "f"), ("refusal", "no")]


def test_14_6_a_refusal_between_thoughts_breaks_nothing() -> None:
    events: list[StreamEvent] = [
        START,
        ThinkingStart(0),
        ThinkingDelta(0, "a"),
        RefusalDelta("no"),
        ThinkingDelta(0, "b"),
        ThinkingEnd(0, Token("r", "v")),
        Finish("stop"),
    ]
    told = check_responses_stream(stream(events))
    assert (told.parts, told.signatures) == ([("thinking", "a"), ("refusal", "no"), ("thinking", "b")], ["v"])


def test_6_2_a_call_without_arguments_sends_an_empty_object() -> None:
    assert folded([START, ToolStart(0, "c", "f"), ToolEnd(0), CALLED]).calls[0].arguments == "{}"
    assert folded([START, ToolStart(0, "c", "p", "custom"), ToolEnd(0), CALLED]).calls[0].arguments == ""


def test_4_3_a_namespace_is_restored() -> None:
    events: list[StreamEvent] = [START, ToolStart(0, "c", "crm__get"), ToolArgs(0, "{}"), ToolEnd(0), CALLED]
    asked = ask(request={"tools": [SPACE]})
    assert folded(events, asked).calls[0].name == "get"
    (call,) = output(stream(events, asked))
    assert (call["name"], call["namespace"]) == ("get", "crm")
    (call,) = output(stream(events))
    assert call["name"] == "crm__get"


# --- reasoning ---


@pytest.mark.parametrize(
    ("token", "sealed"),
    [
        (Token("r", "gAAA"), ["gAAA"]),
        (Token("a", "sig"), [seal(Token("a", "sig"))]),
        (Token("k", "v"), [seal(Token("k", "v"))]),
        (Token("n", ""), []),
        (None, []),
    ],
)
def test_7_4_tokens_are_encrypted_content(token: Token | None, sealed: list[str]) -> None:
    told = folded([START, ThinkingStart(9), ThinkingDelta(9, "hm"), ThinkingEnd(9, token), *HELLO[1:]])
    assert (told.thinking, told.signatures) == ("hm", sealed)


def test_7_4_redacted_thinking_is_an_item_without_a_summary() -> None:
    sent = stream([START, ThinkingStart(0), ThinkingEnd(0, Token("x", "d")), *HELLO[1:]])
    assert output(sent)[0]["summary"] == []
    assert check_responses_stream(sent).signatures == [seal(Token("x", "d"))]


def test_7_4_the_token_of_a_call_comes_back_to_its_call() -> None:
    """20.5: the second request, made of what the first answer gave, carries the token unchanged."""
    token = Token("g", "sig", "call")
    events: list[StreamEvent] = [START, ToolStart(0, "c", "f"), ToolArgs(0, "{}"), ToolEnd(0, token), CALLED]
    folded(events)
    (turn,) = WIRE.parse_request({"model": "m", "input": output(stream(events))}, Loss()).turns
    assert turn.parts == [ToolCall("c", "f", args_text="{}", token=Token("g", "sig", "call", "c"))]


@pytest.mark.parametrize("token", [Token("a", "sig"), Token("x", "data"), Token("r", "gAAA"), Token("k", "v")])
def test_20_5_tokens_survive_the_clients_next_request(token: Token) -> None:
    events: list[StreamEvent] = [START, ThinkingStart(9), ThinkingDelta(9, "hm"), ThinkingEnd(9, token), *HELLO[1:]]
    (turn,) = WIRE.parse_request({"model": "m", "input": output(stream(events))}, Loss()).turns
    thinking = turn.parts[0]
    assert isinstance(thinking, Thinking)
    assert thinking.token is not None
    assert (thinking.token.origin, thinking.token.value) == (token.origin, token.value)


def test_7_3_thinking_can_be_left_out() -> None:
    events: list[StreamEvent] = [
        START,
        ThinkingStart(9),
        ThinkingDelta(9, "hm"),
        ThinkingEnd(9, Token("a", "s")),
        *HELLO[1:],
    ]
    told = folded(events, ask(show_thinking=False))
    assert (told.thinking, told.signatures, told.text) == ("", [], "héllo")


# --- the end ---


@pytest.mark.parametrize(
    ("reason", "stop", "status"),
    [
        ("stop", "completed", "completed"),
        ("length", "max_output_tokens", "incomplete"),
        ("content_filter", "content_filter", "incomplete"),
        ("pause", "completed", "completed"),
    ],
)
def test_11_the_end_and_the_status_of_the_last_item(reason: StopReason, stop: str, status: str) -> None:
    call: list[StreamEvent] = [ToolStart(1, "c", "f"), ToolArgs(1, "{}"), ToolEnd(1)]
    events: list[StreamEvent] = [*HELLO[:-1], *call, Finish(reason)]
    assert folded(events).stop == stop
    assert [item["status"] for item in output(stream(events))] == ["completed", status]
    assert names(stream(events))[-1] == f"response.{status}"


def test_14_7_arguments_that_were_cut_are_not_patched_up() -> None:
    events: list[StreamEvent] = [START, ToolStart(0, "c", "f"), ToolArgs(0, '{"a'), ToolEnd(0), Finish("length")]
    assert folded(events).calls[0].arguments == '{"a'


def test_15_3_an_error_ends_the_stream_with_the_next_number() -> None:
    writer = StreamWriter(ask())
    sent = b"".join(map(writer.write, HELLO[:4])) + writer.error(Failure(502, "cut", kind=Kind.BROKEN_STREAM))
    told = check_responses_stream(sent, broken=True)
    assert told.error == {"code": "server_error", "message": "cut"}
    assert writer.end() == writer.write(TextDelta(0, "late")) == b""


def test_15_3_an_error_before_anything_was_sent_is_of_a_response_that_begins() -> None:
    """OpenAI's SDK raises something else when `response.failed` is the first event."""
    sent = StreamWriter(ask()).error(Failure(429, "wait", kind=Kind.RATE_LIMIT))
    assert names(sent) == ["response.created", "response.in_progress", "response.failed"]
    told = check_responses_stream(sent, broken=True)
    assert told.error == {"code": "rate_limit_exceeded", "message": "wait"}


def test_15_3_behind_a_stream_that_passed_the_error_is_of_its_response_and_has_the_next_number() -> None:
    passed = b"".join(map(StreamWriter(ask()).write, HELLO[:4]))
    frames = [frame + b"\n\n" for frame in passed.split(b"\n\n")[:-1]]
    writer = StreamWriter(Ask("other", lambda: "fresh", lambda: 1))
    writer.follow(b": hi\n\ndata: {oops\n\n" + frames[0], frames[-1])
    told = check_responses_stream(passed + writer.error(Failure(502, "cut")), broken=True)
    assert (told.model, told.error) == ("asked", {"code": "server_error", "message": "cut"})


def test_15_3_behind_frames_that_tell_nothing_the_error_is_of_a_response_of_its_own() -> None:
    writer = StreamWriter(ask())
    writer.follow(b"data: 5\n\n", b"")
    assert check_responses_stream(writer.error(Failure(502, "cut")), broken=True).error is not None


# --- pictures and citations ---


def test_3_a_picture_is_an_item() -> None:
    told = folded([START, ImageOut(Base64("image/png", "AA==")), *HELLO[1:]])
    assert told.parts == [("image", "AA=="), ("text", "héllo")]


def test_13_citations_belong_to_the_text_before() -> None:
    cited = Citation("https://a", "A", 1, 2)
    events: list[StreamEvent] = [*HELLO[:-1], cited, ToolStart(1, "c", "f"), ToolEnd(1), Citation("https://b"), CALLED]
    annotation = {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 1, "end_index": 2}
    message, _ = output(stream(events))
    assert message["content"][0]["annotations"] == [annotation]
    whole: Any = write_answer(collect([*events[:-2], CALLED]), ask())
    assert whole["output"][0]["content"][0]["annotations"] == [annotation]


# --- 13, 20 ---


def test_13_a_whole_answer() -> None:
    answer = Answer(START, [AnswerText("a")], [], Usage(3, None, None, 2), Finish("stop"))
    whole: Any = write_answer(answer, ask(request={"instructions": "be brief", "temperature": 0}))
    assert whole["output"] == [
        {
            "id": "msg_abcdefghijklmnopqrstuvwxyz00000000",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}],
        }
    ]
    assert (whole["instructions"], whole["temperature"], whole["created_at"], whole["completed_at"]) == (
        "be brief",
        0,
        7,
        99,
    )
    assert whole["usage"]["total_tokens"] == 5


TEXT = st.text(max_size=8)
TOKENS = st.none() | st.builds(Token, st.sampled_from("axrgkn"), TEXT.filter(bool))
PARTS: st.SearchStrategy[AnswerPart] = st.one_of(
    st.builds(AnswerText, TEXT),
    st.builds(AnswerThinking, TEXT, TOKENS),
    st.builds(AnswerCall, st.uuids().map(str), TEXT.filter(bool), st.just('{"a":1}'), st.just("function"), TOKENS),
    st.builds(AnswerCall, st.uuids().map(str), TEXT.filter(bool), TEXT, st.just("custom")),
    st.builds(AnswerRefusal, TEXT.filter(bool)),
    st.builds(AnswerImage, st.just(Base64("image/png", "AA=="))),
)
COUNTS = st.none() | st.integers(0, 99)
REASONS: list[StopReason] = [
    "stop",
    "stop_sequence",
    "length",
    "tool_calls",
    "content_filter",
    "refusal",
    "pause",
    "other",
]
ANSWERS = st.builds(
    Answer,
    st.builds(Start, st.none() | TEXT, st.none(), st.none() | st.integers(1)),
    st.lists(PARTS, max_size=6),
    st.lists(st.builds(Citation, TEXT, st.none() | TEXT, COUNTS, COUNTS), max_size=2),
    st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS),
    st.builds(Finish, st.sampled_from(REASONS)),
)


@given(ANSWERS)
def test_20_2b_stream_and_whole_say_the_same_and_keep_the_grammar(answer: Answer) -> None:
    told = check_responses_stream(stream(replay(answer)))
    assert fold_responses_answer(write_answer(answer, ask())).content == told.content


EVENTS = st.one_of(
    st.builds(TextStart, st.integers(0, 2)),
    st.builds(TextDelta, st.integers(0, 2), TEXT),
    st.builds(TextEnd, st.integers(0, 2)),
    st.builds(ThinkingStart, st.integers(3, 4)),
    st.builds(ThinkingDelta, st.integers(3, 4), TEXT),
    st.builds(ThinkingEnd, st.integers(3, 4), TOKENS),
    st.integers(5, 7).map(lambda block: ToolStart(block, f"c{block}", "f", "custom")),
    st.builds(ToolArgs, st.integers(5, 7), TEXT),
    st.builds(ToolEnd, st.integers(5, 7)),
    st.builds(RefusalDelta, TEXT.filter(bool)),
    st.builds(ImageOut, st.just(Base64("image/png", "AA=="))),
    st.builds(Citation, st.just("https://a")),
)


@given(st.lists(EVENTS, max_size=20))
def test_14_4_no_order_of_events_breaks_the_grammar(events: list[StreamEvent]) -> None:
    seen: set[int] = set()
    once: list[StreamEvent] = []
    for event in events:
        if isinstance(event, ToolStart):
            if event.block in seen:
                continue
            seen.add(event.block)
        once.append(event)
    check_responses_stream(stream([START, *once, Finish("stop")]))


def safe(part: AnswerPart) -> AnswerPart:
    """As this protocol has it: tokens of its own, on reasoning only."""
    if isinstance(part, AnswerThinking):
        return AnswerThinking(part.text or "hm", Token("r", "gAAA"))
    if isinstance(part, AnswerCall):
        return AnswerCall(part.id, part.name, part.args_text, part.kind)
    return part


@given(st.lists(PARTS.filter(lambda part: part not in (AnswerText(""),)).map(safe), max_size=5))
def test_20_2_a_responses_answer_read_and_written_again_says_the_same(parts: list[AnswerPart]) -> None:
    reason: StopReason = "length"
    answer = Answer(START, parts, [], Usage(1, 2, 3, 4, 5), Finish(reason))
    reader = StreamReader()
    again = collect([*reader.feed(stream(replay(answer))), *reader.close()])
    for part in again.parts:
        if isinstance(part, AnswerThinking) and part.token:
            part.token.id = None
    assert again.parts == collect(replay(answer)).parts
    assert again.usage == answer.usage
    whole = collect(read_answer(write_answer(answer, ask()), DEFAULT))
    assert [type(part) for part in whole.parts] == [type(part) for part in again.parts]
