"""7.3, 7.4, 11, 12, 13, 14.2, 15.3: events become a Chat client's answer, streamed or whole."""

import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.collect import collect, replay
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
from converters.openai_chat.reader import StreamReader, read_answer
from converters.openai_chat.writer import StreamWriter, write_answer
from converters.profile import DEFAULT
from converters.turns import Base64, Token
from converters.wire import Ask
from tests.grammar import check_chat_stream, fold_chat_answer

HEAD = b'data: {"id":"chatcmpl-abcdefghijklmnopqrstuvwx","object":"chat.completion.chunk","created":7,"model":"asked"'


def ask(*, include_usage: bool = False, show_thinking: bool = True) -> Ask:
    return Ask("asked", lambda: "abcdefghijklmnopqrstuvwxyz", lambda: 99, include_usage, show_thinking)


def stream(events: Iterable[StreamEvent], asked: Ask | None = None) -> bytes:
    """Every stream keeps the grammar of its protocol."""
    asked = asked or ask()
    writer = StreamWriter(asked)
    sent = b"".join(map(writer.write, events)) + writer.end()
    check_chat_stream(sent, include_usage=asked.include_usage)
    return sent


def delta(text: str, finish: str = "null") -> bytes:
    return (
        HEAD + b',"choices":[{"index":0,"delta":' + text.encode() + b',"finish_reason":' + finish.encode() + b"}]}\n\n"
    )


OPENING = delta('{"role":"assistant","content":""}')
START = Start("msg_1", "theirs", 7)
HELLO: list[StreamEvent] = [START, TextStart(0), TextDelta(0, "hé"), TextEnd(0), Finish("stop")]


def test_14_2_a_stream_byte_for_byte() -> None:
    assert stream([*HELLO, UsageUpdate(Usage(3, 1, None, 2))], ask(include_usage=True)) == (
        OPENING
        + delta('{"content":"hé"}')
        + delta("{}", '"stop"')
        + HEAD
        + b',"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5,'
        + b'"prompt_tokens_details":{"cached_tokens":1}}}\n\n'
        + b"data: [DONE]\n\n"
    )


def test_14_2_usage_only_if_asked_for() -> None:
    assert b"usage" not in stream([*HELLO, UsageUpdate(Usage(3))])
    assert check_chat_stream(stream(HELLO, ask(include_usage=True)), include_usage=True).usage == {
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
    }


def test_14_2_the_opening_chunk_waits_for_the_first_content() -> None:
    writer = StreamWriter(ask())
    assert writer.write(START) == writer.write(UsageUpdate(Usage(3))) == writer.write(TextStart(0)) == b""
    assert writer.heartbeat() == b": keep-alive\n\n"
    assert writer.write(TextDelta(0, "a")) == OPENING + delta('{"content":"a"}')
    assert writer.write(TextDelta(0, "b")) == delta('{"content":"b"}')


def test_14_2_the_finish_chunk_waits_for_the_end() -> None:
    """An error may still come; an answer that was finished must not be followed by one."""
    writer = StreamWriter(ask())
    assert [writer.write(event) for event in HELLO][-1] == b""
    assert writer.end() == delta("{}", '"stop"') + b"data: [DONE]\n\n"


def test_14_2_an_answer_without_content_still_has_its_role_and_finish() -> None:
    assert stream([START, Finish("stop")]) == OPENING + delta("{}", '"stop"') + b"data: [DONE]\n\n"


def test_14_2_calls_are_numbered_from_0_whatever_their_block() -> None:
    events: list[StreamEvent] = [
        *[START, TextStart(0), TextDelta(0, "a"), TextEnd(0)],
        *[ToolStart(4, "c", "f"), ToolArgs(4, '{"a'), ToolStart(7, "d", "g"), ToolArgs(7, "{}"), ToolArgs(4, '":1}')],
        *[ToolEnd(4), ToolEnd(7), Finish("tool_calls")],
    ]
    assert stream(events) == (
        OPENING
        + delta('{"content":"a"}')
        + delta('{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":"f","arguments":""}}]}')
        + delta('{"tool_calls":[{"index":0,"function":{"arguments":"{\\"a"}}]}')
        + delta('{"tool_calls":[{"index":1,"id":"d","type":"function","function":{"name":"g","arguments":""}}]}')
        + delta('{"tool_calls":[{"index":1,"function":{"arguments":"{}"}}]}')
        + delta('{"tool_calls":[{"index":0,"function":{"arguments":"\\":1}"}}]}')
        + delta("{}", '"tool_calls"')
        + b"data: [DONE]\n\n"
    )
    check_chat_stream(stream(events))


def test_6_2_a_call_without_arguments_sends_an_empty_object() -> None:
    events: list[StreamEvent] = [START, ToolStart(0, "c", "f"), ToolArgs(0, ""), ToolEnd(0), Finish("tool_calls")]
    assert check_chat_stream(stream(events)).calls[0].arguments == "{}"
    (call,) = write_answer(collect(events), ask())["choices"][0]["message"]["tool_calls"]  # type: ignore[index, call-overload, misc]
    assert call["function"]["arguments"] == "{}"  # type: ignore[index, call-overload]


def test_4_3_a_custom_call_is_written_natively() -> None:
    events = [START, ToolStart(0, "c", "p", "custom"), ToolArgs(0, "free"), ToolEnd(0), Finish("tool_calls")]
    assert stream(events).count(b'"custom":{"input":"free"}') == 1
    assert stream(events).count(b'"type":"custom","custom":{"name":"p","input":""}') == 1
    assert check_chat_stream(stream(events)).calls == fold_chat_answer(write_answer(collect(events), ask())).calls


@pytest.mark.parametrize("show", [True, False])
def test_7_3_thinking_is_reasoning_content(show: bool) -> None:
    events = [START, ThinkingStart(5), ThinkingDelta(5, "hm"), ThinkingEnd(5, Token("a", "s")), *HELLO[1:]]
    folded = check_chat_stream(stream(events, ask(show_thinking=show)))
    assert (folded.thinking, folded.signatures) == (("hm", ["s"]) if show else ("", []))
    whole = fold_chat_answer(write_answer(collect(events), ask(show_thinking=show)))
    assert (whole.thinking, whole.signatures) == (folded.thinking, folded.signatures)


def test_7_4_tokens_follow_their_thinking() -> None:
    events: list[StreamEvent] = [
        *[START, ThinkingStart(0), ThinkingDelta(0, "h"), ThinkingDelta(0, "m"), ThinkingEnd(0, Token("a", "s1"))],
        *[ThinkingStart(1), ThinkingEnd(1, Token("x", "s2")), ThinkingStart(2), ThinkingEnd(2, Token("n", ""))],
        *[ThinkingStart(3), ThinkingDelta(3, "so"), ThinkingEnd(3, Token("r", "s3")), Finish("stop")],
    ]
    chunks = [json.loads(line[6:]) for line in stream(events).split(b"\n\n") if b"reasoning_details" in line]
    assert [chunk["choices"][0]["delta"]["reasoning_details"] for chunk in chunks] == [
        [{"type": "reasoning.text", "text": "hm", "signature": "s1", "format": "anthropic-claude-v1", "index": 0}],
        [{"type": "reasoning.encrypted", "data": "s2", "format": "anthropic-claude-v1", "index": 1}],
        [{"type": "reasoning.encrypted", "data": "s3", "format": "openai-responses-v1", "index": 2}],
    ]


def test_7_4_geminis_signature_goes_with_its_call() -> None:
    events = [
        START,
        ToolStart(0, "c", "f"),
        ToolArgs(0, "{}"),
        ToolEnd(0, Token("g", "s", "call")),
        Finish("tool_calls"),
    ]
    said = (
        '{"tool_calls":[{"index":0,"function":{"arguments":""},"extra_content":{"google":{"thought_signature":"s"}}}]}'
    )
    assert delta(said) in stream(events)
    assert check_chat_stream(stream(events)).signatures == ["s"]
    assert fold_chat_answer(write_answer(collect(events), ask())).signatures == ["s"]


REASONS: list[tuple[StopReason, str]] = [
    *[("stop", "stop"), ("stop_sequence", "stop"), ("length", "length"), ("tool_calls", "tool_calls")],
    *[("content_filter", "content_filter"), ("refusal", "stop"), ("pause", "stop"), ("other", "stop")],
]


@pytest.mark.parametrize(("reason", "expected"), REASONS)
def test_11_finish_reasons(reason: StopReason, expected: str) -> None:
    events = [*HELLO[:-1], Finish(reason)]
    assert check_chat_stream(stream(events)).stop == expected
    assert fold_chat_answer(write_answer(collect(events), ask())).stop == expected


def test_15_3_an_error_ends_the_stream_without_done() -> None:
    writer = StreamWriter(ask())
    sent = b"".join(map(writer.write, HELLO)) + writer.error(Failure(502, "cut", kind=Kind.BROKEN_STREAM))
    assert sent.endswith(b'data: {"error":{"message":"cut","type":"server_error","param":null,"code":null}}\n\n')
    assert check_chat_stream(sent, broken=True).text == "hé"


def test_13_a_whole_answer() -> None:
    answer = Answer(START, [AnswerText("a"), AnswerText("b")], [], Usage(3, None, None, 2), Finish("stop"))
    assert write_answer(answer, ask()) == {
        "id": "chatcmpl-abcdefghijklmnopqrstuvwx",
        "object": "chat.completion",
        "created": 7,
        "model": "asked",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "ab", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
    }


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ([], ""),
        ([AnswerThinking("hm")], ""),
        ([AnswerCall("c", "f", "{}")], None),
        ([AnswerText("a"), AnswerCall("c", "f", "{}")], "a"),
    ],
)
def test_13_content_is_null_beside_calls_and_else_a_string(parts: list[AnswerPart], expected: str | None) -> None:
    body: Any = write_answer(Answer(START, parts, finish=Finish("stop")), ask())
    assert body["choices"][0]["message"]["content"] == expected


def test_13_the_clock_is_asked_only_when_the_provider_names_no_time() -> None:
    assert write_answer(Answer(Start(), finish=Finish("stop")), ask())["created"] == 99
    assert b'"created":99' in stream([Start(), Finish("stop")])


# --- 20: stream = whole ---


def fold(body: bytes) -> dict[str, Any]:
    """What a client library makes of a stream: strings are joined, lists extended, calls merged by their index."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "refusal": None}
    folded: dict[str, Any] = {}
    assert body.endswith(b"data: [DONE]\n\n")
    for line in body.removesuffix(b"data: [DONE]\n\n").split(b"\n\n")[:-1]:
        chunk = json.loads(line.removeprefix(b"data: "))
        folded |= {name: chunk[name] for name in ("id", "created", "model")}
        folded["usage"] = chunk.get("usage")
        for choice in chunk["choices"]:
            folded["finish_reason"] = choice["finish_reason"]
            for name, value in choice["delta"].items():
                if name == "tool_calls":
                    calls = message.setdefault("tool_calls", [])
                    for call in value:
                        place = call.pop("index")
                        if place == len(calls):
                            calls.append(call)
                            continue
                        for kind, key in (("function", "arguments"), ("custom", "input")):
                            if kind in call:
                                calls[place][kind][key] += call[kind][key]
                        if "extra_content" in call:
                            calls[place]["extra_content"] = call["extra_content"]
                elif isinstance(value, list):
                    message.setdefault(name, []).extend(value)
                elif name != "role":
                    message[name] = (message.get(name) or "") + value
    if message["content"] == "" and "tool_calls" in message:
        message["content"] = None
    return folded | {"message": message}


def unfolded(answer: dict[str, Any]) -> dict[str, Any]:
    (choice,) = answer["choices"]
    head = {name: answer[name] for name in ("id", "created", "model", "usage")}
    return head | {"finish_reason": choice["finish_reason"], "message": choice["message"]}


TEXT = st.text(max_size=8)
TOKENS = st.none() | st.builds(Token, st.sampled_from("axrgkn"), TEXT.filter(bool))
CALL_TOKENS = st.none() | st.builds(Token, st.just("g"), TEXT.filter(bool), st.just("call"))
ARGUMENTS = st.just("") | st.dictionaries(TEXT, TEXT | st.integers(), max_size=2).map(json.dumps)
PARTS: st.SearchStrategy[AnswerPart] = st.one_of(
    st.builds(AnswerText, TEXT),
    st.builds(AnswerThinking, TEXT, TOKENS),
    st.builds(AnswerCall, st.uuids().map(str), TEXT.filter(bool), ARGUMENTS, st.just("function"), CALL_TOKENS),
    st.builds(AnswerCall, st.uuids().map(str), TEXT.filter(bool), TEXT, st.just("custom"), CALL_TOKENS),
    st.builds(AnswerRefusal, TEXT.filter(bool)),
    st.builds(AnswerImage, st.just(Base64("image/png", "AA=="))),
)
COUNTS = st.none() | st.integers(0, 99)
ANSWERS = st.builds(
    Answer,
    st.builds(Start, st.none() | TEXT, st.none(), st.none() | st.integers(1)),
    st.lists(PARTS, max_size=5),
    st.lists(st.builds(Citation, TEXT, st.none() | TEXT, COUNTS, COUNTS), max_size=2),
    st.builds(Usage, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS),
    st.builds(Finish, st.sampled_from([reason for reason, _ in REASONS])),
)


@given(ANSWERS)
def test_20_2b_the_stream_folds_into_the_whole_answer(answer: Answer) -> None:
    whole: Any = write_answer(answer, ask())
    assert fold(stream(replay(answer), ask(include_usage=True))) == unfolded(whole)


# --- a Chat answer read and written again says the same ---

SAFE_PARTS: st.SearchStrategy[AnswerPart] = st.one_of(
    st.builds(AnswerText, TEXT.filter(lambda text: bool(text.strip()))),
    st.builds(AnswerCall, st.uuids().map(str), TEXT.filter(bool), st.just('{"a":1}'), st.just("function"), CALL_TOKENS),
    st.builds(AnswerCall, st.uuids().map(str), TEXT.filter(bool), TEXT, st.just("custom"), CALL_TOKENS),
)


@st.composite
def chat_answers(draw: st.DrawFn) -> Answer:
    """As Chat Completions has it: thinking first, one text, then calls."""
    parts: list[AnswerPart] = []
    if draw(st.booleans()):
        parts.append(
            AnswerThinking(
                draw(TEXT.filter(bool)), draw(st.none() | st.builds(Token, st.sampled_from("ar"), TEXT.filter(bool)))
            )
        )
    rest = draw(st.lists(SAFE_PARTS, min_size=1, max_size=3))
    parts += [part for part in rest if isinstance(part, AnswerText)][:1]
    parts += [part for part in rest if isinstance(part, AnswerCall)]
    reason: StopReason = "tool_calls" if isinstance(parts[-1], AnswerCall) else "stop"
    usage = Usage(draw(st.integers(0, 9)), draw(COUNTS), draw(COUNTS), draw(st.integers(0, 9)), None)
    return Answer(Start("chatcmpl-abcdefghijklmnopqrstuvwx", "asked", 7), parts, [], usage, Finish(reason, reason))


@given(chat_answers())
def test_what_was_written_is_read_back(answer: Answer) -> None:
    body = stream(replay(answer), ask(include_usage=True))
    reader = StreamReader(DEFAULT)
    assert collect([*reader.feed(body), *reader.close()]) == answer
    assert collect(read_answer(write_answer(answer, ask()), DEFAULT)) == answer
