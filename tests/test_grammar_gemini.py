"""The checker itself: it takes what is right and refuses each thing that is wrong."""

import json
from typing import Any

import pytest

from tests.grammar_gemini import check_gemini_array, check_gemini_stream, fold_gemini_answer

USAGE = {"promptTokenCount": 1, "candidatesTokenCount": 2, "thoughtsTokenCount": 3, "totalTokenCount": 6}
ERROR = {"error": {"code": 500, "message": "m", "status": "INTERNAL"}}


def chunk(*parts: Any, stop: str | None = None, **fields: Any) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
    made = {"candidates": [candidate], "modelVersion": "m", "responseId": "r"}
    if stop:
        candidate["finishReason"] = stop
        made["usageMetadata"] = USAGE
    return {**made, **fields}


def frames(*chunks: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(item).encode() + b"\n\n" for item in chunks)


CALL = {"functionCall": {"id": "c", "name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln"}
LAST = chunk({"text": ""}, stop="STOP")
GOOD = (chunk({"text": "Hm", "thought": True}), chunk({"text": "a"}), chunk({"text": "b"}), chunk(CALL), LAST)


def test_a_right_stream_is_folded() -> None:
    found = check_gemini_stream(frames(*GOOD))
    assert found.parts == [("thinking", "Hm"), ("text", "ab"), ("call", "f")]
    assert (found.stop, found.usage, found.signatures, found.id, found.model) == ("STOP", USAGE, ["c2ln"], "r", "m")
    assert check_gemini_array(json.dumps(GOOD).encode()) == found
    assert fold_gemini_answer(chunk({"text": "a"}, stop="STOP")).text == "a"
    assert check_gemini_stream(frames(GOOD[0], ERROR), broken=True).error == ERROR["error"]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        frames(*GOOD[:-1]),
        frames(*GOOD)[:-1],
        frames(*GOOD).replace(b"\n", b"\r\n"),
        b": keep-alive\n\n" + frames(*GOOD),
        frames(*GOOD) + b"data: [DONE]\n\n",
        b"event: x\n" + frames(*GOOD),
        frames(*GOOD, GOOD[0]),
        frames(*GOOD, ERROR),
        frames(GOOD[0], ERROR),
        frames({"x": 1, **ERROR}),
        frames(chunk(), LAST),
        frames(chunk({"text": "a", "functionCall": {}}), LAST),
        frames(chunk({"text": "a", "native": 1}), LAST),
        frames(chunk({"text": "a", "thought": False}), LAST),
        frames(chunk({"text": "a", "thoughtSignature": ""}), LAST),
        frames(chunk({"text": None}), LAST),
        frames(chunk(CALL, CALL), LAST),
        frames(chunk({"functionCall": {"name": "f", "args": {}}}), LAST),
        frames(chunk({"functionCall": {"id": "c", "name": "f", "args": "{}"}}), LAST),
        frames(chunk({"text": "a"}, usageMetadata=USAGE), LAST),
        frames(chunk({"text": "a"}, responseId="other"), LAST),
        frames(chunk({"text": "a"}, modelVersion=""), LAST),
        frames(chunk({"text": "a"}, stop="DONE")),
        frames({**LAST, "usageMetadata": {**USAGE, "totalTokenCount": 5}}),
        frames({**LAST, "usageMetadata": {}}),
    ],
)
def test_a_wrong_stream_is_refused(raw: bytes) -> None:
    with pytest.raises(AssertionError):
        check_gemini_stream(raw)


def test_a_broken_stream_must_say_so_and_not_look_complete() -> None:
    for raw in (frames(GOOD[0]), frames(*GOOD)):
        with pytest.raises(AssertionError):
            check_gemini_stream(raw, broken=True)
    with pytest.raises(AssertionError):
        check_gemini_array(b"{}")
