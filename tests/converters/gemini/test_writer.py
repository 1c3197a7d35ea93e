"""13, 14.5, 15.3, 7.3, 7.4: what a Gemini client reads."""

import base64
import json
from collections.abc import Iterable

import pytest

from converters.collect import collect, replay
from converters.envelope import open_envelope
from converters.errors import Failure
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
    TextStart,
    ToolArgs,
    ToolEnd,
    ToolStart,
    Usage,
)
from converters.gemini.array import as_array
from converters.gemini.parse import parse_request
from converters.gemini.writer import Writer, write_answer
from converters.json_codec import JsonObject, loads
from converters.loss import Loss
from converters.turns import Base64, Thinking, Token, ToolCall
from converters.wire import Ask
from tests.grammar import Folded
from tests.grammar_gemini import check_gemini_array, check_gemini_stream, fold_gemini_answer

SIGNED = Token("a", "claude's")


def ask(*, show_thinking: bool = True, unwrap: bool = False) -> Ask:
    return Ask("asked-for", lambda: "a" * 30, lambda: 1, show_thinking=show_thinking, unwrap=unwrap)


def answer(*parts: AnswerPart, reason: StopReason = "stop") -> Answer:
    return Answer(Start("x"), [*parts], [], Usage(10, 4, None, 8, 2), Finish(reason))


def stream(events: Iterable[StreamEvent], wanted: Ask | None = None) -> bytes:
    """Every stream keeps the grammar of its protocol."""
    writer = Writer(wanted or ask())
    sent = b"".join(map(writer.write, events)) + writer.end()
    check_gemini_stream(sent)
    return sent


def folded(*parts: AnswerPart, wanted: Ask | None = None, reason: StopReason = "stop") -> Folded:
    """20: stream, array and whole answer agree."""
    wanted, given = wanted or ask(), answer(*parts, reason=reason)
    found = check_gemini_stream(stream(replay(given), wanted))
    assert check_gemini_array(as_array(stream(replay(given), wanted))) == found
    assert fold_gemini_answer(write_answer(given, wanted)).content == found.content
    return found


def test_13_everything_in_source_order() -> None:
    found = folded(
        AnswerThinking("Hm"),
        AnswerText("Größe \u2028"),
        AnswerImage(Base64("image/png", "aGk=")),
        AnswerRefusal("no"),
        AnswerCall("c1", "f", '{"a":1}'),
        AnswerCall("c2", "f", ""),
    )
    assert found.parts == [
        ("thinking", "Hm"),
        ("text", "Größe \u2028"),
        ("image", "image/png"),
        ("text", "no"),
        ("call", "f"),
        ("call", "f"),
    ]
    assert [(call.id, call.arguments) for call in found.calls] == [("c1", '{"a": 1}'), ("c2", "{}")]
    assert (found.model, found.id) == ("asked-for", "a" * 24)
    assert found.usage == {
        "promptTokenCount": 10,
        "candidatesTokenCount": 6,
        "cachedContentTokenCount": 4,
        "thoughtsTokenCount": 2,
        "totalTokenCount": 18,
    }


def test_13_an_empty_answer_is_whole() -> None:
    assert folded().parts == []


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("stop", "STOP"),
        ("stop_sequence", "STOP"),
        ("length", "MAX_TOKENS"),
        ("tool_calls", "STOP"),
        ("content_filter", "SAFETY"),
        ("refusal", "STOP"),
        ("pause", "STOP"),
        ("other", "OTHER"),
    ],
)
def test_11_stop_reasons(reason: StopReason, expected: str) -> None:
    assert folded(AnswerText("x"), reason=reason).stop == expected


def test_14_5_a_call_is_one_part_and_interleaved_fragments_wait() -> None:
    events: list[StreamEvent] = [
        ToolStart(0, "c1", "f"),
        ToolArgs(0, '{"a"'),
        ToolStart(1, "c2", "g"),
        ToolArgs(1, "{"),
        ToolArgs(0, ":1}"),
        ToolEnd(0),
        ToolArgs(1, "}"),
        Finish("tool_calls"),
    ]
    found = check_gemini_stream(stream(events))
    assert [(call.id, call.arguments) for call in found.calls] == [("c1", '{"a": 1}'), ("c2", "{}")]


def test_14_7_arguments_cut_by_max_tokens_are_not_patched_up() -> None:
    found = folded(AnswerCall("c1", "f", '{"a":'), reason="length")
    assert json.loads(found.calls[0].arguments) == {"_raw_arguments": '{"a":'}


def test_7_3_thinking_is_shown_only_to_those_who_ask() -> None:
    found = folded(AnswerThinking("Hm", SIGNED), AnswerText("x"), wanted=ask(show_thinking=False))
    assert (found.thinking, found.signatures, found.text) == ("", [], "x")


def test_7_4_a_foreign_token_is_an_envelope_on_the_thought() -> None:
    (signature,) = folded(AnswerThinking("Hm", SIGNED), AnswerText("x")).signatures
    assert open_envelope(base64.b64decode(signature).decode()) == SIGNED
    assert folded(AnswerThinking("Hm", Token("n", ""))).signatures == []


def test_7_4_two_turns_carry_the_token_unchanged() -> None:
    given = answer(AnswerThinking("Hm", SIGNED), AnswerText("x"), AnswerCall("c1", "f", "{}"))
    chunks = [loads(frame[6:]) for frame in stream(replay(given)).split(b"\n\n")[:-1]]
    whole = write_answer(given, ask())
    for contents in (_contents(chunks), _contents([whole])):
        body: JsonObject = {"model": "m", "contents": contents}  # type: ignore[dict-item]
        parts = parse_request(body, Loss()).turns[0].parts
        assert parts[0] == Thinking("Hm", SIGNED)
        assert isinstance(parts[-1], ToolCall)


def _contents(chunks: list[object]) -> list[object]:
    return [chunk["candidates"][0]["content"] for chunk in chunks]  # type: ignore[index]


def test_7_4_geminis_own_tokens_stay_on_their_parts() -> None:
    own = Token("g", "c2ln", "call", "c1")
    found = write_answer(
        answer(
            AnswerThinking("", Token("g", "dGV4dA==", "text")),
            AnswerText("x"),
            AnswerThinking("Hm", own),
            AnswerCall("c1", "f", "{}", token=own),
            AnswerThinking("", Token("g", "ZW5k", "text")),
        ),
        ask(),
    )
    assert [found["candidates"][0]["content"]["parts"]] == [  # type: ignore[index,call-overload]
        [
            {"text": "x", "thoughtSignature": "dGV4dA=="},
            {"text": "Hm", "thought": True},
            {"functionCall": {"id": "c1", "name": "f", "args": {}}, "thoughtSignature": "c2ln"},
            {"text": "", "thoughtSignature": "ZW5k"},
        ]
    ]
    folded(
        AnswerThinking("", Token("g", "dGV4dA==", "text")),
        AnswerText("x"),
        AnswerThinking("", Token("g", "ZW5k", "text")),
    )


def test_8_an_enum_is_unquoted() -> None:
    assert folded(AnswerText('{"text": "RED"}'), wanted=ask(unwrap=True)).text == "RED"
    assert folded(AnswerText('{"value": ["RED"]}'), wanted=ask(unwrap=True)).text == '["RED"]'
    assert folded(AnswerText("RED"), wanted=ask(unwrap=True)).text == "RED"


def test_13_citations_are_grounding_in_the_last_chunk() -> None:
    given = answer(AnswerText("x"))
    given.citations = [Citation("https://e.com", "E"), Citation("https://f.com")]
    frames = stream(replay(given)).split(b"\n\n")
    expected = [
        {"web": {"uri": "https://e.com", "title": "E"}},
        {"web": {"uri": "https://f.com", "title": "https://f.com"}},
    ]
    for last in (json.loads(frames[-2][6:]), write_answer(given, ask())):
        assert last["candidates"][0]["groundingMetadata"] == {"groundingChunks": expected}
    assert b"grounding" not in frames[0]


def test_15_3_an_error_ends_the_stream_and_begins_with_error() -> None:
    for opened in (False, True):
        writer = Writer(ask())
        body = writer.write(TextStart(0)) + (writer.write(TextDelta(0, "x")) if opened else b"")
        body += writer.error(Failure(503, "later"))
        assert writer.end() == writer.write(TextDelta(0, "y")) == writer.heartbeat() == b""
        assert check_gemini_stream(body, broken=True).error == {
            "code": 503,
            "message": "later",
            "status": "UNAVAILABLE",
        }
        assert check_gemini_array(as_array(body), broken=True).error is not None


def test_14_5_nothing_is_sent_before_the_first_content() -> None:
    writer = Writer(ask())
    assert b"".join(map(writer.write, [Start("x"), TextStart(0), Finish("stop")])) == b""
    assert collect(replay(answer(AnswerText("x")))).parts == [AnswerText("x")]


def test_13_a_text_of_nothing_is_no_part() -> None:
    assert folded(AnswerText(""), AnswerText("x"), AnswerRefusal("")).parts == [("text", "x")]
