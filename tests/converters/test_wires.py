"""The table of wires, and what every row of it must do alike."""

import json

import pytest

from converters.errors import ConversionError, Failure, Kind
from converters.json_codec import Json
from converters.loss import Loss
from converters.profile import DEFAULT
from converters.wire import Ask, Wire
from converters.wires import WIRES

every = pytest.mark.parametrize("wire", WIRES.values(), ids=lambda wire: wire.name)

OPENAI = {"message", "type", "param", "code"}
ERROR_FIELDS = {
    "chat": OPENAI,
    "responses": OPENAI,
    "anthropic": {"type", "message"},
    "gemini": {"code", "message", "status"},
}
HISTORY = {"chat": "messages", "responses": "input", "anthropic": "messages", "gemini": "contents"}
HI: dict[str, Json] = {
    "chat": [{"role": "user", "content": "hi"}],
    "responses": "hi",
    "anthropic": [{"role": "user", "content": "hi"}],
    "gemini": [{"role": "user", "parts": [{"text": "hi"}]}],
}
CONTENT = {"chat": "content", "responses": "content", "anthropic": "content", "gemini": "parts"}


def ask() -> Ask:
    return Ask("asked-for", lambda: "a" * 24, lambda: 1_700_000_000, include_usage=True)


def test_each_wire_stands_under_its_own_name() -> None:
    assert set(WIRES) == {"chat", "responses", "anthropic", "gemini"}
    assert all(name == wire.name for name, wire in WIRES.items())
    assert len({wire.title for wire in WIRES.values()}) == len(WIRES)


@every
@pytest.mark.parametrize("kind", [None, *Kind])
@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 413, 415, 422, 429, 500, 502, 503, 504])
def test_15_1_every_failure_has_a_status_and_a_body_with_its_message(
    wire: Wire, kind: Kind | None, status: int
) -> None:
    told, body = wire.write_error(Failure(status, "the reason", kind=kind), "req_1")
    assert told >= 400
    assert (told == 401) is (status == 401)
    error = body["error"]
    assert isinstance(error, dict)
    assert "the reason" in str(error["message"])
    assert error.keys() >= ERROR_FIELDS[wire.name]
    assert isinstance(error["status" if wire.name == "gemini" else "type"], str)
    if wire.name == "gemini":
        assert error["code"] == told
    assert body.keys() == ({"type", "error", "request_id"} if wire.name == "anthropic" else {"error"})


@every
@pytest.mark.parametrize(
    "history",
    [
        *(None, [], {}, 5, [None], [[]], [5]),
        *([{"role": "nobody", "CONTENT": "x"}], [{"role": "user", "CONTENT": 5}], [{"role": "user", "CONTENT": [5]}]),
        [{"role": "user", "CONTENT": [{"type": "unheard_of"}]}],
    ],
)
def test_17_a_malformed_history_is_a_conversion_error_and_nothing_else(wire: Wire, history: Json) -> None:
    """`CONTENT` stands for what the protocol calls it."""
    named = json.loads(json.dumps(history).replace("CONTENT", CONTENT[wire.name]))
    refused(wire, {"model": "m", "max_tokens": 9, HISTORY[wire.name]: named})


@every
@pytest.mark.parametrize("missing", ["model", "history", "both"])
def test_17_a_request_without_its_model_or_history_is_a_conversion_error(wire: Wire, missing: str) -> None:
    whole: dict[str, Json] = {"model": "m", HISTORY[wire.name]: HI[wire.name]}
    if missing in ("model", "both"):
        whole["model"] = 5
    if missing in ("history", "both"):
        del whole[HISTORY[wire.name]]
    refused(wire, {**whole, "max_tokens": 9})


def refused(wire: Wire, body: dict[str, Json]) -> None:
    with pytest.raises(ConversionError) as caught:
        wire.parse_request(body, Loss())
    assert caught.value.status == 400
    assert str(caught.value)


@every
@pytest.mark.parametrize("status", [300, 302, 400, 401, 404, 429, 500, 529, 999])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"<html>",
        b"null",
        b"[]",
        b"5",
        b'"x"',
        b"{}",
        b'{"error":null}',
        b'{"error":5}',
        b'{"error":{"message":5,"type":[]}}',
        b"[" * 100_000,
    ],
)
def test_15_2_any_error_answer_can_be_read(wire: Wire, status: int, body: bytes) -> None:
    error = wire.read_error(status, {}, body)
    assert str(error)
    if status in (401, 429):
        assert error.kind is {401: Kind.AUTH, 429: Kind.RATE_LIMIT}[status]


@every
@pytest.mark.parametrize("count", [0, 1])
def test_14_7_a_stream_that_ends_before_its_terminal_event_is_broken(wire: Wire, count: int) -> None:
    reader = wire.stream_reader(DEFAULT)
    for _ in range(count):
        assert list(reader.feed(b": keep-alive\n\n")) == []
    with pytest.raises(Exception, match=r".") as caught:
        list(reader.close())
    assert getattr(caught.value, "kind", None) is Kind.BROKEN_STREAM


@every
def test_15_3_an_error_in_mid_stream_is_whole_frames_and_no_end(wire: Wire) -> None:
    writer = wire.stream_writer(ask())
    frames = writer.error(Failure(503, "the reason\n\ndata: [DONE]"))
    assert frames.endswith(b"\n\n")
    assert frames.count(b"\n\n") == (3 if wire.name == "responses" else 1)  # a response has to begin before it fails
    assert b"data: [DONE]\n" not in frames
    assert b"message_stop" not in frames
