"""18.2: plain Gemini requests go into Code Assist's envelope, answers come out of it, whole and in slices."""

import json
from typing import Any

import pytest

from converters.code_assist import Opener, enclose, enclose_count, open_answer
from converters.errors import ConversionError, UpstreamError
from converters.gemini import WIRE
from converters.gemini.reader import StreamReader
from converters.gemini.tokens import PLACEHOLDER
from converters.pipe import TeePipe
from converters.profile import DEFAULT
from converters.sse import MAX_FRAME
from converters.strip import strip_reasoning
from converters.wire import Ask

type JsonObject = dict[str, Any]

BODY = b'{ "contents": [{"parts": [{"text": "Z\xc3\xbcrich \\u00e9", "n": 1.0}]}], "generationConfig": {"topK": 64} }'


def enclosed(body: bytes = BODY, **changed: str) -> bytes:
    words = {"model": "gemini-2.5-pro", "project": "p-1", "prompt_id": "req_1", "session_id": "s-1"}
    return enclose(body, **{**words, **changed})


def test_18_2_the_envelope_has_these_members_in_these_spellings() -> None:
    outer = json.loads(enclosed())
    assert list(outer) == ["model", "project", "user_prompt_id", "request"]
    assert (outer["model"], outer["project"], outer["user_prompt_id"]) == ("gemini-2.5-pro", "p-1", "req_1")
    assert outer["request"] == {**json.loads(BODY), "session_id": "s-1"}


def test_18_2_inside_the_body_keeps_the_clients_bytes() -> None:
    assert b'"request":' + BODY + b"}" == enclosed(session_id="")[-len(BODY) - 11 :]
    assert BODY[:-2] in enclosed()


def test_18_2_what_is_not_known_is_left_out() -> None:
    outer = json.loads(enclosed(prompt_id="", session_id=""))
    assert list(outer) == ["model", "project", "request"]
    assert "session_id" not in outer["request"]


@pytest.mark.parametrize(
    ("asked", "sent"),
    [
        ("models/gemini-2.5-pro", "gemini-2.5-pro"),
        ("gemini-3.5-flash", "gemini-3-flash"),
        ("gemini-99-unheard-of", "gemini-99-unheard-of"),
    ],
)
def test_18_2_the_model_bears_this_wires_name(asked: str, sent: str) -> None:
    assert json.loads(enclosed(model=asked))["model"] == sent
    assert json.loads(enclose_count(BODY, asked))["request"]["model"] == f"models/{sent}"


def test_18_2_a_model_in_the_body_does_not_come_along() -> None:
    outer = json.loads(enclosed(b'{"model": "models/x", "contents": [{"parts": [{"text": "\\"model\\""}]}]}'))
    assert outer["request"] == {"contents": [{"parts": [{"text": '"model"'}]}], "session_id": "s-1"}


@pytest.mark.parametrize("name", ["cachedContent", "cached_content"])
def test_18_2_cached_content_is_refused_by_its_name(name: str) -> None:
    with pytest.raises(ConversionError, match="has no caches") as refused:
        enclosed(json.dumps({"contents": [], name: "cachedContents/abc"}).encode())
    assert refused.value.param == name
    assert refused.value.status == 400


def test_18_2_an_empty_reference_to_a_cache_is_left_out_and_the_words_in_a_text_mean_nothing() -> None:
    body: JsonObject = {"contents": [{"parts": [{"text": '"cachedContent"'}]}], "cachedContent": ""}
    assert json.loads(enclosed(json.dumps(body).encode()))["request"].keys() == {"contents", "session_id"}


def test_7_4_reasoning_can_be_left_out_of_a_body_that_is_in_the_envelope() -> None:
    """For the one more try after a refusal of old signatures."""
    called: JsonObject = {"functionCall": {"name": "a", "args": {}}}
    turn = {"role": "model", "parts": [{"text": "Hm", "thought": True}, {**called, "thoughtSignature": "b2xk"}]}
    outer = json.loads(enclosed(json.dumps({"contents": [said("Hi"), turn]}).encode(), model="gemini-3-pro-preview"))
    assert strip_reasoning("gemini", outer, "gemini-3-pro-preview")
    signed = {**called, "thoughtSignature": PLACEHOLDER}
    assert outer["request"]["contents"] == [said("Hi"), {"role": "model", "parts": [signed]}]


# --- counting ---


def counted(**body: Any) -> JsonObject:
    request: JsonObject = json.loads(enclose_count(json.dumps(body).encode(), "gemini-2.5-pro"))
    assert request.keys() == {"request"}
    assert request["request"].keys() == {"model", "contents"}
    return request["request"]


def said(*texts: str, role: str = "user") -> JsonObject:
    return {"role": role, "parts": [{"text": text} for text in texts]}


def test_16_a_count_holds_contents_alone() -> None:
    assert counted(contents=[said("Hi")], safetySettings=[], labels={"a": "b"})["contents"] == [said("Hi")]


def test_16_system_prompt_tools_and_format_are_counted_as_text() -> None:
    tools = [{"functionDeclarations": [{"name": "a"}]}]
    request = counted(
        generateContentRequest={
            "model": "models/gemini-2.5-pro",
            "systemInstruction": said("Be brief."),
            "tools": tools,
            "generationConfig": {"temperature": 1, "responseSchema": {"type": "STRING"}},
            "contents": [said("Hi"), said("Ho", role="model")],
        }
    )
    front = ["Be brief.", '[{"functionDeclarations":[{"name":"a"}]}]', '{"type":"STRING"}']
    assert request["contents"] == [said(*front, "Hi"), said("Ho", role="model")]


@pytest.mark.parametrize(
    "body",
    [
        {"system_instruction": {"parts": [{"text": "Be brief."}]}, "contents": [said("Hi")]},
        {"generate_content_request": {"system_instruction": "Be brief.", "contents": [said("Hi")]}},
    ],
)
def test_16_either_spelling_of_a_count_is_read(body: JsonObject) -> None:
    assert counted(**body)["contents"] == [said("Be brief.", "Hi")]


def test_16_a_system_prompt_stands_before_a_turn_of_the_model() -> None:
    body = {"systemInstruction": said("Be brief."), "contents": [said("Ho", role="model")]}
    assert counted(**body)["contents"] == [said("Be brief."), said("Ho", role="model")]
    assert counted(systemInstruction=said("Be brief."))["contents"] == [said("Be brief.")]


def test_16_thought_flags_are_stripped() -> None:
    """A flagged part makes Code Assist's countTokens fail; one that only carried a signature says nothing without it."""
    thoughts = [{"text": "Hm", "thought": True}, {"thought": True, "thoughtSignature": "c2ln"}, {"text": "Yes"}]
    contents = [said("Hi"), {"role": "model", "parts": [{"thought": True}]}, {"role": "model", "parts": thoughts}]
    assert counted(contents=contents)["contents"] == [said("Hi"), said("Hm", "Yes", role="model")]


# --- streams ---

ANSWER: JsonObject = {
    "candidates": [{"content": {"role": "model", "parts": [{"text": "Zürich"}]}}],
    "responseId": "r-1",
}


def framed(payload: object, newline: str = "\n") -> bytes:
    return f"data: {json.dumps(payload, ensure_ascii=False)}{newline}{newline}".encode()


def payloads(stream: bytes) -> list[Any]:
    assert stream.endswith(b"\n\n")
    return [json.loads(frame.removeprefix(b"data: ")) for frame in stream[:-2].split(b"\n\n")]


def opened(stream: bytes, size: int | None = None) -> bytes:
    opener, size = Opener(), size or len(stream)
    slices = [stream[i : i + size] for i in range(0, len(stream), size)]
    return b"".join(map(opener.feed, slices)) + opener.close()


@pytest.mark.parametrize("size", [None, 1, 7])
@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
def test_18_2_a_stream_loses_its_envelopes_whatever_the_slices(newline: str, size: int | None) -> None:
    second = {**ANSWER, "usageMetadata": {"totalTokenCount": 3}}
    stream = framed({"response": ANSWER, "traceId": "t"}, newline) + b": comment\n\n"
    stream += framed({"traceId": "t", "response": second, "remainingCredits": []}, newline)
    assert payloads(opened(stream, size)) == [ANSWER, second]


def test_18_2_one_event_may_span_several_data_lines() -> None:
    rows = json.dumps({"response": ANSWER}, indent=1).split("\n")
    stream = "".join(f"data: {row}\n" for row in rows) + "\n"
    assert payloads(opened(stream.encode())) == [ANSWER]


def test_18_2_a_last_event_without_its_blank_line_counts() -> None:
    stream = framed({"response": ANSWER}) + framed({"response": {"candidates": []}}).rstrip()
    assert payloads(opened(stream)) == [ANSWER, {"candidates": []}]


def test_18_2_an_event_goes_on_as_soon_as_it_is_whole() -> None:
    opener = Opener()
    assert opener.feed(framed({"response": ANSWER})[:-1]) == b""
    assert payloads(opener.feed(b"\n")) == [ANSWER]
    assert opener.close() == b""


def test_18_2_the_trace_is_the_id_where_there_is_none() -> None:
    bare = {"candidates": []}
    stream = framed({"response": bare, "traceId": "t-1"}) + framed({"response": ANSWER, "traceId": "t-1"})
    assert [payload["responseId"] for payload in payloads(opened(stream))] == ["t-1", "r-1"]
    assert json.loads(open_answer(json.dumps({"response": bare, "traceId": "t-1"}).encode()))["responseId"] == "t-1"


def test_18_2_a_missing_response_is_an_answer_without_candidates() -> None:
    assert payloads(opened(framed({"traceId": "t-1"}))) == [{"candidates": [], "responseId": "t-1"}]
    assert json.loads(open_answer(b'{"traceId": "t-1"}')) == {"candidates": [], "responseId": "t-1"}


def test_18_2_error_events_pass() -> None:
    error = {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}
    stream = framed({"response": ANSWER}) + framed(error)
    assert payloads(opened(stream)) == [ANSWER, error]


@pytest.mark.parametrize("data", [b"{not json", b"\xff\xfe", b"17", b'[{"error": {"code": 500}}]'])
def test_18_2_what_is_no_object_passes_for_the_reader_to_judge(data: bytes) -> None:
    assert opened(b"data: " + data + b"\n\n") == b"data: " + data + b"\n\n"
    assert opened(b"data: {\ndata: oh\n\n") == b"data: {\ndata: oh\n\n"


def test_18_2_an_endless_frame_is_not_collected_for_ever() -> None:
    opener = Opener()
    with pytest.raises(UpstreamError, match="one stream frame is over"):
        opener.feed(b"data: " + b"x" * (MAX_FRAME + 1))


def piped(stream: bytes, size: int) -> tuple[bytes, UpstreamError | None]:
    """Through the pipe of a Gemini client: bypass inside the envelope."""
    ask = Ask("gemini-2.5-pro", lambda: "0" * 24, lambda: 0)
    pipe = TeePipe(StreamReader(DEFAULT), WIRE.stream_writer(ask), lambda event: None, WIRE.keep_alive, Opener())
    out = b"".join(pipe.feed(stream[i : i + size]) for i in range(0, len(stream), size))
    return out + pipe.close(), pipe.failed


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_1_2_a_gemini_client_is_bypass_inside_the_envelope(size: int) -> None:
    end: JsonObject = {"candidates": [{"content": {"parts": [{"text": ""}]}, "finishReason": "STOP"}]}
    stream = framed({"response": ANSWER}) + framed({"response": end}).rstrip()
    out, failed = piped(stream, size)
    assert payloads(out) == [ANSWER, end]
    assert failed is None


def test_1_2_a_stream_that_breaks_inside_the_envelope_ends_in_an_error() -> None:
    out, failed = piped(framed({"response": ANSWER}), 7)
    assert failed is not None
    assert payloads(out)[0] == ANSWER
    assert payloads(out)[1]["error"]["code"] == 502


# --- whole answers ---


def test_18_2_a_whole_answer_loses_its_envelope() -> None:
    assert json.loads(open_answer(json.dumps({"response": ANSWER, "traceId": "t"}).encode())) == ANSWER


@pytest.mark.parametrize(
    "body",
    [
        b'{ "error": {"code": 429, "message": "No."} }',
        b'[ {"error": {"code": 429, "message": "No."}} ]',
        b'{ "totalTokens": 31 }',
        b"<html>502</html>",
        b"",
    ],
)
def test_18_2_errors_counts_and_pages_pass_to_the_byte(body: bytes) -> None:
    assert open_answer(body) == body


def test_16_a_count_that_names_no_number_is_0() -> None:
    assert json.loads(open_answer(b"{}")) == {"totalTokens": 0}
