"""14.1, 14.5, 14.7 as a reader; 7.4, 11 and 12 on the way in; 13 as a whole answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.collect import collect
from converters.errors import Kind, UpstreamError
from converters.events import (
    AnswerCall,
    AnswerImage,
    AnswerPart,
    AnswerText,
    AnswerThinking,
    Citation,
    Finish,
    Start,
    StreamEvent,
    Usage,
)
from converters.gemini.reader import StreamReader, read_answer
from converters.json_codec import Json, JsonObject, dumps
from converters.profile import DEFAULT
from converters.sse import data_frame
from converters.turns import Base64, Token

STOP: JsonObject = {"candidates": [{"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP"}]}


def chunk(*parts: JsonObject, **candidate: Json) -> JsonObject:
    content: JsonObject = {"parts": [*parts], "role": "model"}
    return {"candidates": [{"content": content, "index": 0, **candidate}], "modelVersion": "g", "responseId": "r"}


def call(name: str, signature: str | None = None, **fields: Json) -> JsonObject:
    part: JsonObject = {"functionCall": {"name": name, "args": {"a": 1.0}, **fields}}
    return part if signature is None else {**part, "thoughtSignature": signature}


def frames(*payloads: JsonObject) -> bytes:
    return b"".join(map(data_frame, payloads))


def read(*slices: bytes) -> list[StreamEvent]:
    reader = StreamReader(DEFAULT)
    events = [event for data in slices for event in reader.feed(data)]
    return [*events, *reader.close()]


def parts(*payloads: JsonObject) -> list[AnswerPart]:
    return collect(read(frames(*payloads, STOP))).parts


def finish(*payloads: JsonObject) -> Finish | None:
    return collect(read(frames(*payloads))).finish


def broken(*slices: bytes) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        read(*slices)
    return caught.value


CHUNKS = (
    chunk({"text": "Hm", "thought": True}),
    chunk({"text": " 🤔", "thought": True}),
    {**chunk({"text": "Größe"}), "usageMetadata": {"promptTokenCount": 3}},
    chunk({"text": ' \u2028"}'}),
    chunk(call("get", "c2ln"), call("get")),
    {**STOP, "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "thoughtsTokenCount": 1}},
)
STREAM = frames(*CHUNKS)
ARRAY = b"[" + b",\r\n".join(map(dumps, CHUNKS)) + b"]"
EVENTS = read(STREAM)


def test_13_a_stream_is_its_parts() -> None:
    answer = collect(EVENTS)
    first, second = (part for part in answer.parts if isinstance(part, AnswerCall))
    assert answer.parts[:3] == [
        AnswerThinking("Hm 🤔"),
        AnswerText('Größe \u2028"}'),
        AnswerThinking("", Token("g", "c2ln", "call", first.id)),
    ]
    assert (first.name, first.args_text, first.token) == ("get", '{"a":1.0}', Token("g", "c2ln", "call", first.id))
    assert second.token is None
    assert first.id != second.id
    assert answer.start == Start("r", "g")
    assert answer.usage == Usage(3, None, None, 3, 1)
    assert answer.finish == Finish("tool_calls", "STOP")


@given(st.lists(st.integers(0, len(ARRAY)), max_size=6))
def test_14_1_any_split_gives_the_same_events(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(ARRAY)]
    for body in (STREAM, ARRAY, STREAM.replace(b"\n", b"\r\n")):
        assert read(*(body[a:b] for a, b in zip(edges, [*edges[1:], len(body)], strict=True))) == EVENTS


def test_14_1_data_over_several_lines_and_no_last_blank_line() -> None:
    assert read(b': comment\n\ndata: {"candidates":\ndata: [{"finishReason":"STOP"}]}')[-1] == Finish("stop", "STOP")


@pytest.mark.parametrize("body", [b"", frames(*CHUNKS[:3]), b"[" + dumps(CHUNKS[0]) + b"]", STREAM[:40]])
def test_14_7_a_stream_without_finish_reason_is_broken(body: bytes) -> None:
    assert broken(body).kind is Kind.BROKEN_STREAM


def test_14_1_unreadable_frames_are_skipped_until_the_third_in_a_row() -> None:
    bad = b"data: {\n\n"
    assert read(bad * 2 + frames(CHUNKS[0]) + bad * 2 + b"data: [DONE]\n\n" + frames(STOP))[-1] == Finish(
        "stop", "STOP"
    )
    assert broken(bad * 3).kind is Kind.BROKEN_STREAM


@pytest.mark.parametrize("wrap", [dumps, lambda error: dumps([error]), data_frame, lambda error: data_frame([error])])
def test_15_3_error_objects_end_the_stream(wrap: object) -> None:
    assert callable(wrap)
    error = broken(wrap({"error": {"code": 503, "status": "UNAVAILABLE", "message": "later"}}))
    assert (error.kind, str(error)) == (Kind.OVERLOADED, "later")


def test_7_4_a_call_token_ends_the_thinking_before_it() -> None:
    thought, made = parts(chunk({"text": "Hm", "thought": True}), chunk(call("f", "c2ln", id="1")))
    token = Token("g", "c2ln", "call", "1")
    assert thought == AnswerThinking("Hm", token)
    assert made == AnswerCall("1", "f", '{"a":1.0}', token=token)


def test_7_4_a_text_token_stands_before_its_text_and_one_on_nothing_at_the_end() -> None:
    assert parts(
        chunk({"text": "a"}),
        chunk({"text": "b", "thoughtSignature": "X"}),
        chunk({"text": "", "thoughtSignature": "Y"}),
    ) == [
        AnswerText("a"),
        AnswerThinking("", Token("g", "X", "text")),
        AnswerText("b"),
        AnswerThinking("", Token("g", "Y", "text")),
    ]


def test_7_4_a_token_of_the_thought_itself() -> None:
    assert parts(chunk({"text": "a", "thought": True, "thoughtSignature": "X"}, {"text": "b", "thought": True})) == [
        AnswerThinking("a", Token("g", "X", "thought")),
        AnswerThinking("b"),
    ]


def test_3_other_parts() -> None:
    assert parts(
        chunk(
            {"executableCode": {"language": "PYTHON", "code": "1"}, "thoughtSignature": "X"},
            {"codeExecutionResult": {"output": "1"}},
            {"inlineData": {"mimeType": "image/png", "data": "-_8"}},
            {"toolCall": {}, "thoughtSignature": "X"},
            {"functionCall": {}},
        )
    ) == [AnswerText("```python\n1\n```\n```\n1\n```\n"), AnswerImage(Base64("image/png", "+/8="))]


def test_6_1_made_ids_differ_from_answer_to_answer_and_not_from_replay_to_replay() -> None:
    def made(response: str) -> str:
        (part,) = parts({**chunk(call("f")), "responseId": response})
        assert isinstance(part, AnswerCall)
        return part.id

    assert made("r1") == made("r1") != made("r2")
    assert made("r1").startswith("call_")
    assert len(made("r1")) == 29


@pytest.mark.parametrize(
    ("native", "reason"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        *((word, "content_filter") for word in ("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII")),
        *(
            (word, "content_filter")
            for word in ("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "LANGUAGE")
        ),
        ("OTHER", "other"),
        ("FINISH_REASON_UNSPECIFIED", "other"),
        ("NEVER_HEARD", "other"),
    ],
)
def test_11_finish_reasons(native: str, reason: str) -> None:
    assert finish(chunk({"text": "x"}, finishReason=native)) == Finish(reason, native)  # type: ignore[arg-type]
    with_call = finish(chunk(call("f")), chunk(finishReason=native))
    assert with_call == Finish("tool_calls" if reason == "stop" else reason, native)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "native", ["MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "NO_IMAGE", "IMAGE_OTHER"]
)
def test_11_a_failed_answer_is_an_error_while_nothing_was_said(native: str) -> None:
    error = broken(frames(chunk(finishReason=native, finishMessage="why")))
    assert (error.kind, error.status, str(error), error.code) == (Kind.SERVER, 502, "why", native)
    assert finish(chunk({"text": "x"}), chunk(finishReason=native)) == Finish("other", native)


def test_11_a_blocked_prompt_is_an_empty_answer() -> None:
    blocked: JsonObject = {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": {"promptTokenCount": 1}}
    for events in (read(frames(blocked)), list(read_answer(blocked, DEFAULT))):
        answer = collect(events)
        assert (answer.parts, answer.finish, answer.usage.input_total) == ([], Finish("content_filter", "SAFETY"), 1)


def test_13_only_candidate_0_is_read() -> None:
    body: JsonObject = {
        "candidates": [
            {"index": 1, "content": {"parts": [{"text": "no"}]}, "finishReason": "SAFETY"},
            {"content": {"parts": [{"text": "yes"}]}, "finishReason": "STOP"},
        ]
    }
    answer = collect(read_answer(body, DEFAULT))
    assert (answer.parts, answer.finish) == ([AnswerText("yes")], Finish("stop", "STOP"))


def test_13_web_citations_come_once() -> None:
    grounding: JsonObject = {
        "groundingChunks": [{"web": {"uri": "https://e.com", "title": "E"}}, {"retrievedContext": {}}]
    }
    cited: JsonObject = {"citationSources": [{"uri": "https://e.com"}, {"uri": "https://f.com"}]}
    answer = collect(read(frames(chunk({"text": "x"}, groundingMetadata=grounding, citationMetadata=cited), STOP)))
    assert answer.citations == [Citation("https://e.com", "E"), Citation("https://f.com")]


def test_13_a_whole_answer_without_finish_reason_is_complete_and_one_without_candidates_is_none() -> None:
    assert list(read_answer(chunk({"text": "x"}), DEFAULT))[-1] == Finish("stop", "STOP")
    with pytest.raises(UpstreamError) as caught:
        list(read_answer({"usageMetadata": {}}, DEFAULT))
    assert caught.value.kind is Kind.BROKEN_STREAM
    with pytest.raises(UpstreamError) as caught:
        list(read_answer({"error": {"code": 429, "message": "m", "status": "RESOURCE_EXHAUSTED"}}, DEFAULT))
    assert caught.value.kind is Kind.RATE_LIMIT


@pytest.mark.parametrize(
    "payload",
    [
        {"candidates": 5},
        {"candidates": [5]},
        {"candidates": [{"content": 5}]},
        {"candidates": [{"content": {"parts": 5}}]},
        {"candidates": [{"content": {"parts": [5, {"text": 5}, {"functionCall": 5}, {"inlineData": 5}]}}]},
        {"candidates": [{"groundingMetadata": 5, "citationMetadata": 5, "finishReason": 5}]},
        {"usageMetadata": 5, "promptFeedback": 5, "responseId": 5},
    ],
)
def test_14_1_strange_shapes_are_passed_over(payload: JsonObject) -> None:
    assert parts(payload, chunk({"text": "x"})) == [AnswerText("x")]


def test_12_counts_and_citations_beside_plain_text_are_not_overlooked() -> None:
    """Chunks of one text take a short way."""
    counted: JsonObject = {**chunk({"text": "b"}), "usageMetadata": {"promptTokenCount": 7}}
    cited = chunk({"text": "c"}, groundingMetadata={"groundingChunks": [{"web": {"uri": "https://e.com"}}]})
    events = read(frames(chunk({"text": "a"}), counted, cited, STOP))
    answer = collect(events)
    assert (answer.parts, answer.usage.input_total) == ([AnswerText("abc")], 7)
    assert [citation.url for citation in answer.citations] == ["https://e.com"]


def test_14_1_parts_of_no_use_are_counted() -> None:
    reader = StreamReader(DEFAULT)
    list(reader.feed(frames(chunk({"text": "a"}, {"toolResponse": {}}, {"text": "", "thought": True}), STOP)))
    assert reader.skipped == 1
