"""14.3 the stream a client reads, 13 the whole answer, 7.3, 11, 12 and 15.3 on the way out."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.anthropic.writer import Writer, write_answer
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
from converters.json_codec import JsonObject, dumps_text, loads
from converters.sse import SSEDecoder
from converters.turns import Base64, Token
from converters.wire import Ask
from tests.grammar import Call, Folded, check_anthropic_stream, fold_anthropic_answer

ASK = Ask("claude-asked", new_id=lambda: "abcdefghijklmnopqrstuvwxyz", now=lambda: 7)
BLIND = Ask("claude-asked", new_id=lambda: "abcdefghijklmnopqrstuvwxyz", now=lambda: 7, show_thinking=False)
ZEROS: JsonObject = {
    "input_tokens": 0,
    "cache_creation_input_tokens": 0,
    "cache_read_input_tokens": 0,
    "output_tokens": 0,
}
DONE = Finish("stop")
PNG = Base64("image/png", "aGVsbG8=")
HI: list[StreamEvent] = [TextStart(0), TextDelta(0, "hi"), TextEnd(0)]
DENIED: list[StreamEvent] = [RefusalDelta("I "), RefusalDelta("won't")]


def stream(events: Iterable[StreamEvent], ask: Ask = ASK) -> bytes:
    """Every stream keeps the grammar of its protocol."""
    writer = Writer(ask)
    sent = b"".join([*map(writer.write, events), writer.end()])
    check_anthropic_stream(sent)
    return sent


def folded(*events: StreamEvent, ask: Ask = ASK) -> Folded:
    return check_anthropic_stream(stream(events, ask))


def payloads(raw: bytes) -> list[JsonObject]:
    found = [loads(data) for _, data in SSEDecoder().feed(raw)]
    return [payload for payload in found if isinstance(payload, dict)]


def test_14_3_the_bytes_of_a_short_answer() -> None:
    events = [Start("msg_up", "gpt", 5), *HI, DONE, UsageUpdate(Usage(9, 4, 2, 3, 1))]
    assert stream(events) == (
        b"event: message_start\n"
        b'data: {"type":"message_start","message":{"id":"msg_up","type":"message","role":"assistant",'
        b'"model":"claude-asked","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,'
        b'"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}\n\n'
        b"event: content_block_start\n"
        b'data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hi"}}\n\n'
        b"event: content_block_stop\n"
        b'data: {"type":"content_block_stop","index":0}\n\n'
        b"event: message_delta\n"
        b'data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{'
        b'"input_tokens":3,"cache_creation_input_tokens":2,"cache_read_input_tokens":4,"output_tokens":3,'
        b'"output_tokens_details":{"thinking_tokens":1}}}\n\n'
        b"event: message_stop\n"
        b'data: {"type":"message_stop"}\n\n'
    )


def test_14_3_nothing_is_sent_before_the_first_content() -> None:
    """So that a provider that fails at once can still become an HTTP error."""
    writer = Writer(ASK)
    for event in (Start("x"), UsageUpdate(Usage(5)), TextStart(0), TextDelta(0, "")):
        assert writer.write(event) == b""
    first = payloads(writer.write(TextDelta(0, "a")))
    assert [payload["type"] for payload in first] == ["message_start", "content_block_start", "content_block_delta"]


@pytest.mark.parametrize("id_", [None, "chatcmpl-1", ""])
def test_13_an_id_of_another_protocol_becomes_a_fresh_one(id_: str | None) -> None:
    assert folded(Start(id_), *HI, DONE).id == "msg_abcdefghijklmnopqrstuvwx"


def test_12_input_usage_known_at_the_start_is_told_there() -> None:
    opening = payloads(stream([Start(), UsageUpdate(Usage(7)), *HI, DONE]))[0]
    assert opening["message"] == {
        "id": "msg_abcdefghijklmnopqrstuvwx",
        "type": "message",
        "role": "assistant",
        "model": "claude-asked",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**ZEROS, "input_tokens": 7},
    }


def test_14_3_message_delta_waits_for_the_end_and_has_the_late_usage() -> None:
    writer = Writer(ASK)
    sent = b"".join(map(writer.write, [*HI, DONE, UsageUpdate(Usage(9, None, None, 3))]))
    assert b"message_delta" not in sent
    assert check_anthropic_stream(sent + writer.end()).usage == {**ZEROS, "input_tokens": 9, "output_tokens": 3}


def test_14_3_an_answer_without_content_has_start_delta_and_stop() -> None:
    cases: list[list[StreamEvent]] = [[Start(), DONE], [DONE], []]
    for events in cases:
        assert [p["type"] for p in payloads(stream(events))] == ["message_start", "message_delta", "message_stop"]


def test_14_3_everything_in_order() -> None:
    found = folded(
        Start("msg_1"),
        ThinkingStart(0),
        ThinkingDelta(0, "hm"),
        ThinkingDelta(0, " hm"),
        ThinkingEnd(0, Token("a", "sig==")),
        ThinkingStart(1),
        ThinkingEnd(1, Token("x", "secret")),
        TextStart(2),
        TextDelta(2, "ok"),
        TextEnd(2),
        ToolStart(3, "toolu_1", "get"),
        ToolArgs(3, '{"a":'),
        ToolArgs(3, '"ü\\n"}'),
        ToolEnd(3),
        Finish("tool_calls"),
    )
    assert found.parts == [("thinking", "hm hm"), ("redacted", "secret"), ("text", "ok"), ("call", "get")]
    assert (found.signatures, found.redacted, found.stop) == (["sig=="], ["secret"], "tool_use")
    assert found.calls == [Call("toolu_1", "get", '{"a":"ü\\n"}')]


@pytest.mark.parametrize("fragments", [[], [""], [" ", "\n"]])
def test_14_3_a_call_without_arguments_sends_an_empty_object(fragments: list[str]) -> None:
    found = folded(ToolStart(0, "t", "f"), *(ToolArgs(0, text) for text in fragments), ToolEnd(0), DONE)
    assert loads(found.calls[0].arguments) == {}
    assert '"partial_json":"{}"' in stream([ToolStart(0, "t", "f"), ToolEnd(0), DONE]).decode()


def test_14_6_interleaved_calls_are_made_sequential() -> None:
    found = folded(
        ToolStart(0, "a", "f"),
        ToolStart(1, "b", "g"),
        ToolArgs(1, '{"y":2}'),
        ToolArgs(0, '{"x":1}'),
        Finish("tool_calls"),
    )
    assert found.calls == [Call("a", "f", '{"x":1}'), Call("b", "g", '{"y":2}')]


def test_14_7_arguments_cut_by_max_tokens_are_not_patched_up() -> None:
    found = folded(ToolStart(0, "a", "f"), ToolArgs(0, '{"x":"y'), Finish("length"))
    assert (found.calls[0].arguments, found.stop) == ('{"x":"y', "max_tokens")


@pytest.mark.parametrize(
    ("token", "signature"),
    [
        (Token("a", "sig=="), "sig=="),
        (Token("r", "enc", id="rs_1"), seal(Token("r", "enc", id="rs_1"))),
        (Token("g", "sig", "call"), seal(Token("g", "sig", "call"))),
        (Token("n", ""), seal(Token("n", ""))),
        (None, seal(Token("n", ""))),
    ],
)
def test_7_4_every_thinking_block_has_exactly_one_signature(token: Token | None, signature: str) -> None:
    assert folded(ThinkingStart(0), ThinkingDelta(0, "t"), ThinkingEnd(0, token), DONE).signatures == [signature]
    whole = write_answer(Answer(parts=[AnswerThinking("t", token)]), ASK)
    assert whole["content"] == [{"type": "thinking", "thinking": "t", "signature": signature}]


def test_7_4_a_token_without_text_is_a_thinking_block() -> None:
    found = folded(ThinkingStart(0), ThinkingEnd(0, Token("r", "enc")), DONE)
    assert (found.parts, found.signatures) == ([("thinking", "")], [seal(Token("r", "enc"))])


def test_7_3_thinking_is_shown_only_to_a_client_that_asked_and_costs_no_number() -> None:
    events: list[StreamEvent] = [
        ThinkingStart(0),
        ThinkingDelta(0, "t"),
        ThinkingEnd(0, Token("a", "s")),
        ThinkingStart(1),
        ThinkingEnd(1, Token("x", "r")),
        TextStart(2),
        TextDelta(2, "hi"),
        TextEnd(2),
        DONE,
    ]
    assert folded(*events).parts == [("thinking", "t"), ("redacted", "r"), ("text", "hi")]
    assert folded(*events, ask=BLIND).parts == [("text", "hi")]
    assert write_answer(collect(events), BLIND)["content"] == [{"type": "text", "text": "hi"}]


STOPS: list[tuple[StopReason, str]] = [
    ("stop", "end_turn"),
    ("stop_sequence", "stop_sequence"),
    ("length", "max_tokens"),
    ("tool_calls", "tool_use"),
    ("content_filter", "refusal"),
    ("refusal", "refusal"),
    ("pause", "pause_turn"),
    ("other", "end_turn"),
]


@pytest.mark.parametrize(("reason", "native"), STOPS)
def test_11_stop_reasons(reason: StopReason, native: str) -> None:
    finish = Finish(reason, "theirs", "END")
    found = folded(*HI, finish)
    sequence = "END" if reason == "stop_sequence" else None
    assert (found.stop, found.stop_sequence) == (native, sequence)
    whole = write_answer(collect([*HI, finish]), ASK)
    assert (whole["stop_reason"], whole["stop_sequence"]) == (native, sequence)


@pytest.mark.parametrize(
    ("reason", "native"),
    [("stop", "tool_use"), ("length", "max_tokens"), ("content_filter", "refusal"), ("other", "end_turn")],
)
def test_11_a_call_makes_only_a_plain_stop_into_tool_use(reason: StopReason, native: str) -> None:
    events: list[StreamEvent] = [ToolStart(0, "t", "f"), ToolEnd(0), *HI, Finish(reason)]
    assert folded(*events).stop == native
    assert write_answer(collect(events), ASK)["stop_reason"] == native


def test_11_a_refusal_is_a_text_block_with_its_words() -> None:
    found = folded(*DENIED, DONE)
    assert (found.parts, found.stop) == ([("text", "I won't")], "refusal")
    whole = write_answer(collect([*DENIED, DONE]), ASK)
    assert (whole["content"], whole["stop_reason"]) == ([{"type": "text", "text": "I won't"}], "refusal")


def test_3_a_picture_is_a_text_block_naming_type_and_size() -> None:
    events: list[StreamEvent] = [*HI, ImageOut(PNG), DONE]
    assert folded(*events).parts == [("text", "hi"), ("text", "[image: image/png, 5 bytes]")]
    whole = write_answer(collect(events), ASK)
    assert whole["content"] == [{"type": "text", "text": "hi"}, {"type": "text", "text": "[image: image/png, 5 bytes]"}]


def test_13_citations_are_left_out() -> None:
    assert folded(TextStart(0), TextDelta(0, "hi"), Citation("https://e.com"), TextEnd(0), DONE).parts == [
        ("text", "hi")
    ]


def test_13_a_whole_answer() -> None:
    answer = Answer(
        Start("msg_1", "gpt", 5),
        [
            AnswerThinking("hm", Token("a", "s")),
            AnswerThinking("", Token("x", "r")),
            AnswerThinking(""),
            AnswerText(""),
            AnswerText("hi"),
            AnswerCall("t", "f", '{"a":1}'),
        ],
        usage=Usage(9, 4, 2, 3),
        finish=Finish("tool_calls"),
    )
    assert write_answer(answer, ASK) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-asked",
        "content": [
            {"type": "thinking", "thinking": "hm", "signature": "s"},
            {"type": "redacted_thinking", "data": "r"},
            {"type": "text", "text": "hi"},
            {"type": "tool_use", "id": "t", "name": "f", "input": {"a": 1}},
        ],
        "stop_reason": "tool_use",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 3,
            "cache_creation_input_tokens": 2,
            "cache_read_input_tokens": 4,
            "output_tokens": 3,
        },
    }


@pytest.mark.parametrize("args", ["[1]", '{"a":', "words"])
def test_13_the_input_of_a_call_is_always_an_object(args: str) -> None:
    whole = write_answer(Answer(parts=[AnswerCall("t", "f", args)]), ASK)
    assert whole["content"] == [{"type": "tool_use", "id": "t", "name": "f", "input": {"_raw_arguments": args}}]
    assert write_answer(Answer(parts=[AnswerCall("t", "f", "")]), ASK)["content"] == [
        {"type": "tool_use", "id": "t", "name": "f", "input": {}}
    ]


def test_14_7_a_heartbeat_is_a_ping_after_message_start() -> None:
    writer = Writer(ASK)
    writer.write(Start("msg_1"))
    assert [p["type"] for p in payloads(writer.heartbeat())] == ["message_start", "ping"]
    assert writer.heartbeat() == b'event: ping\ndata: {"type":"ping"}\n\n'
    sent = b"".join(map(writer.write, [*HI, DONE]))
    assert b"message_start" not in sent
    writer.end()
    assert writer.heartbeat() == b""


def test_14_7_nothing_follows_the_end() -> None:
    writer = Writer(ASK)
    b"".join(map(writer.write, [*HI, DONE]))
    writer.end()
    assert writer.end() == writer.write(TextDelta(0, "late")) == writer.write(RefusalDelta("late")) == b""


def test_15_3_an_error_ends_the_stream_and_message_stop_never_comes() -> None:
    writer = Writer(ASK)
    sent = b"".join(map(writer.write, HI[:2]))
    sent += writer.error(Failure(502, "cut", kind=Kind.BROKEN_STREAM))
    assert check_anthropic_stream(sent, broken=True).error == {"type": "api_error", "message": "cut"}
    assert writer.end() == writer.heartbeat() == b""


# --- whatever comes ---

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
TOKENS = st.sampled_from([None, Token("a", "s"), Token("r", "e"), Token("g", "g", "call"), Token("n", "")])
PARTS: st.SearchStrategy[AnswerPart] = st.one_of(
    st.builds(AnswerText, TEXTS),
    st.builds(AnswerThinking, TEXTS, TOKENS),
    st.just(AnswerThinking("", Token("x", "redacted"))),
    st.builds(AnswerRefusal, TEXTS),
    st.just(AnswerImage(PNG)),
    st.builds(lambda value: AnswerCall("", "f", dumps_text({"k": value})), TEXTS | st.integers()),
    st.builds(AnswerCall, st.just(""), st.just("g"), st.just("")),
)


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    parts = draw(st.lists(PARTS, max_size=6))
    for number, part in enumerate(parts):
        if isinstance(part, AnswerCall):
            part.id = f"c{number}"
    reason = draw(st.sampled_from([reason for reason, _ in STOPS]))
    sizes = st.none() | st.integers(0, 99)
    usage = Usage(draw(sizes), draw(sizes), draw(sizes), draw(sizes), draw(sizes))
    return Answer(Start(), parts, [Citation("https://e.com")], usage, Finish(reason, None, "END"))


@given(answers(), st.booleans(), st.integers(1, 4))
def test_20_2_the_stream_folded_is_the_whole_answer(answer: Answer, shown: bool, piece: int) -> None:
    ask = ASK if shown else BLIND
    cut: list[StreamEvent] = []
    for event in replay(answer):
        match event:
            case TextDelta(block, text) | ThinkingDelta(block, text):
                cut += [type(event)(block, text[i : i + piece]) for i in range(0, len(text), piece)]
            case ToolArgs(block, text):
                cut += [ToolArgs(block, text[i : i + piece]) for i in range(0, len(text), piece)]
            case _:
                cut.append(event)
    streamed = check_anthropic_stream(stream(cut, ask))
    whole = fold_anthropic_answer(write_answer(collect(cut), ask))
    assert streamed.content == whole.content
    assert streamed.parts == whole.parts
