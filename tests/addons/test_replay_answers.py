"""Recorded answers: kept in a file, read back, and written in another form."""

import json
from typing import Any

import pytest

from addons.replay.captured import Answered, Captured
from addons.replay_answers import Answers, Form, Recorded, failure_in, form_of, rewritten, rewritten_whole
from converters.errors import Kind, UpstreamError
from converters.events import StreamEvent, Usage
from converters.wire import Ask
from tests.addons.records.samples import ANTHROPIC_STREAM, whole_answer

WHOLE: Form = ("anthropic", "", "whole")
STREAM: Form = ("anthropic", "", "sse")
PIECES = [(n / 10, chunk) for n, chunk in enumerate(ANTHROPIC_STREAM)]
GEMINI = b'{"candidates":[{"content":{"role":"model","parts":[{"text":"It rains."}]},"finishReason":"STOP","index":0}]}'


def ask() -> Ask:
    return Ask("m", lambda: "0" * 24, lambda: 1)


def ignored(_: StreamEvent) -> None:
    """Nobody looks."""


def captured(answer: Answered, **record: Any) -> Captured:
    return Captured(
        id="req_1",
        where="",
        protocol="anthropic",
        action="generate",
        method="POST",
        path="/",
        query={},
        headers=[],
        body=b"",
        said={},
        asked="m",
        code_assist=False,
        provider="",
        target="",
        state="complete",
        attempts=[],
        answer=answer,
        record=record,
    )


@pytest.mark.parametrize(
    ("asked", "form"),
    [
        (("anthropic", False, False, False), ("anthropic", "", "whole")),
        (("chat", False, True, False), ("chat", "", "sse")),
        (("gemini", False, True, True), ("gemini", "", "sse")),
        (("gemini", False, True, False), ("gemini", "", "array")),
        (("gemini", True, True, False), ("gemini", "code_assist", "sse")),
        (("gemini", True, False, False), ("gemini", "code_assist", "whole")),
    ],
    ids=str,
)
def test_the_form_says_how_an_answer_is_written(asked: tuple[str, bool, bool, bool], form: Form) -> None:
    protocol, code_assist, stream, sse = asked
    assert form_of(protocol, code_assist=code_assist, stream=stream, sse=sse) == form


def test_what_was_put_is_got_piece_by_piece() -> None:
    answers = Answers()
    cut = [(0.1, "ü".encode()[:1]), (0.2, "ü".encode()[1:])]
    places = [
        answers.put(STREAM, captured(Answered(200, [("content-type", "text/event-stream")], cut, True))),
        answers.put(
            WHOLE,
            captured(Answered(200, [], [(0.0, b"{}")], False), began=5.0, ended=7.5, usage={"input_tokens": 3}),
        ),
    ]
    second, first = answers.get(places[1]), answers.get(places[0])
    assert (first.form, first.status, first.headers, first.pieces) == (
        STREAM,
        200,
        [("content-type", "text/event-stream")],
        cut,
    )
    assert second.pieces == [(2.5, b"{}")]  # when it was there
    assert second.usage == Usage(3)
    answers.close()


def test_usage_that_a_stream_does_not_say_is_taken_from_the_record() -> None:
    chat = (
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,'
        b'"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}\n\n'
        b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{},'
        b'"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    )
    recorded = Recorded(("chat", "", "sse"), 200, [], [(0.0, chat)], {"usage": {"input_tokens": 9, "output_tokens": 4}})
    said = json.loads(rewritten_whole(recorded, WHOLE, ask(), ignored))
    assert (said["usage"]["input_tokens"], said["usage"]["output_tokens"]) == (9, 4)


def test_a_stream_that_was_cut_ends_with_an_error_event() -> None:
    pieces = rewritten(Recorded(STREAM, 200, [], PIECES[:4]), ("chat", "", "sse"), ask(), ignored)
    assert b'"error"' in pieces[-1][1]
    assert b"[DONE]" not in b"".join(data for _, data in pieces)
    with pytest.raises(UpstreamError):
        rewritten_whole(Recorded(STREAM, 200, [], PIECES[:4]), ("chat", "", "whole"), ask(), ignored)


@pytest.mark.parametrize(
    "recorded",
    [
        Recorded(("gemini", "", "whole"), 200, [], [(0.0, GEMINI)]),
        Recorded(("gemini", "code_assist", "whole"), 200, [], [(0.0, b'{"response":' + GEMINI + b"}")]),
        Recorded(("gemini", "code_assist", "sse"), 200, [], [(0.0, b'data: {"response":' + GEMINI + b"}\n\n")]),
        Recorded(("gemini", "", "array"), 200, [], [(0.0, b"[" + GEMINI[:20]), (0.1, GEMINI[20:] + b"\n]")]),
        Recorded(("gemini", "", "sse"), 200, [], [(0.0, b"data: " + GEMINI + b"\n\n")]),
        Recorded(WHOLE, 200, [], [(0.0, whole_answer())]),
        Recorded(STREAM, 200, [], PIECES),
    ],
    ids=lambda recorded: " ".join(recorded.form),
)
@pytest.mark.parametrize("form", [WHOLE, STREAM, ("chat", "", "sse"), ("responses", "", "whole")], ids=" ".join)
def test_every_form_is_read_and_written(recorded: Recorded, form: Form) -> None:
    if form[2] == "whole":
        said = rewritten_whole(recorded, form, ask(), ignored)
        assert b"It rains." in said
    else:
        said = b"".join(data for _, data in rewritten(recorded, form, ask(), ignored))
        assert b"rai" in said


def test_an_error_is_what_its_protocol_says() -> None:
    body = b'{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}'
    error = failure_in(Recorded(WHOLE, 429, [("retry-after", "7")], [(0.0, body)]))
    assert (error.kind, error.retry_after, str(error)) == (Kind.RATE_LIMIT, 7.0, "slow down")
