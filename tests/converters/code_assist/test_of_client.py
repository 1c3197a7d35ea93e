"""18.2, the other way round: a client that speaks Code Assist is a Gemini client in an envelope."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from converters.code_assist import (
    EnclosedPipe,
    Encloser,
    Opener,
    disclose_count,
    disclose_request,
    enclose,
    enclose_answer,
    open_answer,
)
from converters.errors import ConversionError, Kind, UpstreamError
from converters.json_codec import JsonObject

INNER: JsonObject = {
    "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
    "tools": [{"functionDeclarations": [{"name": "read_file", "parametersJsonSchema": {"type": "object"}}]}],
    "generationConfig": {"temperature": 1, "thinkingConfig": {"thinkingBudget": 8192}},
}
OUTER: JsonObject = {
    "model": "gemini-2.5-pro",
    "project": "aiclient",
    "user_prompt_id": "prompt-1",
    "request": {**INNER, "session_id": "75edce2e"},
    "enabled_credit_types": ["GOOGLE_ONE_AI"],
}


def test_18_2_a_request_comes_out_of_its_envelope_without_what_only_the_envelope_knows() -> None:
    found = disclose_request(OUTER)
    assert json.loads(found.body) == INNER
    assert (found.model, found.prompt_id, found.session_id) == ("gemini-2.5-pro", "prompt-1", "75edce2e")


def test_18_2_what_was_enclosed_is_disclosed_again() -> None:
    body = json.dumps(INNER).encode()
    outer = enclose(body, model="gemini-2.5-pro", project="p", prompt_id="q", session_id="s")
    found = disclose_request(json.loads(outer))
    assert json.loads(found.body) == INNER
    assert (found.model, found.prompt_id, found.session_id) == ("gemini-2.5-pro", "q", "s")


def test_18_2_a_prompt_or_conversation_that_is_not_named_is_empty() -> None:
    found = disclose_request({"model": "models/gemini-2.5-pro", "request": INNER})
    assert (found.model, found.prompt_id, found.session_id) == ("gemini-2.5-pro", "", "")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "m"}, "request"),
        ({"model": "m", "request": []}, "request"),
        ({"model": "m", "request": {}}, "request.contents"),
        ({"request": INNER}, "model"),
        ({"model": 7, "request": INNER}, "model"),
        ({"model": "m", "request": {**INNER, "session_id": 7}}, "request.sessionId"),
    ],
)
def test_18_2_a_broken_envelope_is_refused_by_the_fields_name(body: JsonObject, param: str) -> None:
    with pytest.raises(ConversionError) as refused:
        disclose_request(body)
    assert refused.value.param == param


def test_16_a_count_comes_out_of_its_envelope() -> None:
    found = disclose_count({"request": {"model": "models/gemini-2.5-pro", "contents": INNER["contents"]}})
    assert found.model == "gemini-2.5-pro"
    assert json.loads(found.body) == {"contents": INNER["contents"]}


def test_16_a_count_without_a_model_is_refused() -> None:
    with pytest.raises(ConversionError) as refused:
        disclose_count({"request": {"contents": []}})
    assert refused.value.param == "request.model"


ANSWER: JsonObject = {"candidates": [{"finishReason": "STOP"}], "responseId": "r-1"}
ERROR: JsonObject = {"error": {"code": 503, "message": "No.", "status": "UNAVAILABLE"}}


def framed(payload: object) -> bytes:
    return b"data: " + json.dumps(payload, separators=(",", ":")).encode() + b"\n\n"


def test_18_2_an_answer_goes_into_the_envelope_and_comes_out_the_same() -> None:
    body = framed(ANSWER)[6:-2]
    assert json.loads(enclose_answer(body)) == {"response": ANSWER, "traceId": "r-1"}
    assert open_answer(enclose_answer(body)) == body


@pytest.mark.parametrize("body", [json.dumps(ERROR).encode(), b"[]", b"<html>"])
def test_18_2_errors_stay_outside_of_the_envelope(body: bytes) -> None:
    assert enclose_answer(body) == body


def test_18_2_a_stream_goes_into_envelopes_and_comes_out_the_same() -> None:
    stream = framed(ANSWER) + framed({"candidates": []}) + framed(ERROR)
    encloser, opener = Encloser(), Opener()
    enclosed = encloser.feed(stream) + encloser.close()
    assert enclosed == framed({"response": ANSWER, "traceId": "r-1"}) + framed(
        {"response": {"candidates": []}}
    ) + framed(ERROR)
    assert opener.feed(enclosed) == stream


def test_18_2_a_frame_that_is_no_answer_passes() -> None:
    encloser = Encloser()
    assert encloser.feed(b"data: {oh\n\ndata: 17") == b"data: {oh\n\n"
    assert encloser.close() == b"data: 17\n\n"


class FakePipe:
    """Hands out what it is fed."""

    started = True
    failed: UpstreamError | None = None

    def feed(self, data: bytes) -> bytes:
        return data

    def close(self) -> bytes:
        return framed(ANSWER)

    def fail(self, kind: Kind, message: str) -> bytes:
        self.failed = UpstreamError(kind, message)
        return framed(ERROR)

    def heartbeat(self) -> bytes:
        return b": beat\n\n"


def test_18_2_a_pipe_for_such_a_client_gives_envelopes_to_the_end() -> None:
    pipe = EnclosedPipe(FakePipe())
    assert pipe.feed(framed(ANSWER)) == pipe.close() == framed({"response": ANSWER, "traceId": "r-1"})
    assert pipe.heartbeat() == b": beat\n\n"
    assert (pipe.started, pipe.failed) == (True, None)


def test_18_2_an_error_that_ends_a_pipe_is_told_outside_of_the_envelope() -> None:
    pipe = EnclosedPipe(FakePipe())
    assert pipe.fail(Kind.TIMEOUT, "slow") == framed(ERROR)
    assert pipe.failed is not None


def test_18_2_what_the_official_client_sent_is_read() -> None:
    """Recorded requests, from a folder that the environment names."""
    folder = os.environ.get("AICLIENT_TEST_CODE_ASSIST_CAPTURES")
    if not folder:
        pytest.skip("AICLIENT_TEST_CODE_ASSIST_CAPTURES names no folder")
    found: list[Any] = []
    for path in sorted(Path(folder).glob("*.json")):
        recorded = json.loads(path.read_text())
        if "enerateContent" in recorded["path"]:
            found.append(disclose_request(recorded["body"]))
    assert found
    assert all(one.model and one.session_id for one in found)
