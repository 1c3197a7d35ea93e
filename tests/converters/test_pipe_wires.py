"""Pipes between the real wires: grammar, slicing and breaks, for every pair."""

import json
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.errors import Kind
from converters.events import StreamEvent
from converters.pipe import StreamPipe, TeePipe
from converters.profile import DEFAULT
from converters.wire import Ask
from converters.wires import WIRES
from tests.grammar import Folded, check_anthropic_stream, check_chat_stream

TEXT = "Grüße 😀 to\n\ndata: you"


def chat_frame(delta: dict[str, object], finish: str | None = None, **more: object) -> bytes:
    chunk = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "served",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        **more,
    }
    return b"data: " + json.dumps(chunk, ensure_ascii=False).encode() + b"\n\n"


def call_delta(**function: str) -> dict[str, object]:
    head = {"id": "call_1", "type": "function"} if "name" in function else {}
    return {"tool_calls": [{"index": 0, **head, "function": function}]}


def event(kind: str, **more: object) -> bytes:
    payload = json.dumps({"type": kind, **more}, ensure_ascii=False).encode()
    return b"event: " + kind.encode() + b"\ndata: " + payload + b"\n\n"


STREAMS = {
    "chat": b"".join(
        [
            chat_frame({"role": "assistant", "content": ""}),
            *(chat_frame({"content": piece}) for piece in (TEXT[:7], TEXT[7:])),
            chat_frame(call_delta(name="f", arguments="")),
            chat_frame(call_delta(arguments='{"x":')),
            chat_frame(call_delta(arguments="1}")),
            chat_frame({}, "tool_calls"),
            b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"served","choices":[],'
            b'"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12}}\n\n',
            b"data: [DONE]\n\n",
        ]
    ),
    "anthropic": b"".join(
        [
            event(
                "message_start",
                message={
                    "id": "msg_1",
                    "type": "message",
                    "role": "assistant",
                    "model": "served",
                    "content": [],
                    "stop_reason": None,
                    "stop_sequence": None,
                    "usage": {"input_tokens": 5, "output_tokens": 1},
                },
            ),
            event("ping"),
            event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
            *(
                event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})
                for piece in (TEXT[:7], TEXT[7:])
            ),
            event("content_block_stop", index=0),
            event(
                "content_block_start",
                index=1,
                content_block={"type": "tool_use", "id": "call_1", "name": "f", "input": {}},
            ),
            event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": '{"x":'}),
            event("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": "1}"}),
            event("content_block_stop", index=1),
            event(
                "message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 7}
            ),
            event("message_stop"),
        ]
    ),
}
PAIRS = [(provider, client) for provider in WIRES for client in WIRES]
pairs = pytest.mark.parametrize(("provider", "client"), PAIRS)


def pipe(provider: str, client: str) -> StreamPipe | TeePipe:
    ask = Ask("asked-for", lambda: "a" * 24, lambda: 1_700_000_000, include_usage=True)
    reader, writer = WIRES[provider].stream_reader(DEFAULT), WIRES[client].stream_writer(ask)

    def watch(_: StreamEvent) -> None:
        pass

    if provider == client:
        return TeePipe(reader, writer, watch, WIRES[client].keep_alive)
    return StreamPipe(reader, writer, watch)


def check(client: str, raw: bytes, broken: bool = False) -> Folded:
    if client == "chat":
        return check_chat_stream(raw, include_usage=True, broken=broken)
    return check_anthropic_stream(raw, broken=broken)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


@pairs
def test_20_4_the_clients_stream_keeps_its_grammar_and_says_the_same(provider: str, client: str) -> None:
    made = pipe(provider, client)
    folded = check(client, made.feed(STREAMS[provider]) + made.close())
    assert folded.text == TEXT
    assert [(call.name, json.loads(call.arguments)) for call in folded.calls] == [("f", {"x": 1})]
    assert made.failed is None


@pairs
@settings(max_examples=25)
@given(places=st.lists(st.integers(0, 4000), max_size=40))
def test_20_2c_any_slicing_gives_the_same_bytes(provider: str, client: str, places: list[int]) -> None:
    whole, sliced = pipe(provider, client), pipe(provider, client)
    expected = whole.feed(STREAMS[provider]) + whole.close()
    assert b"".join(map(sliced.feed, cut(STREAMS[provider], places))) + sliced.close() == expected


@pairs
def test_20_2c_byte_by_byte_gives_the_same_bytes(provider: str, client: str) -> None:
    whole, sliced = pipe(provider, client), pipe(provider, client)
    body = STREAMS[provider]
    expected = whole.feed(body) + whole.close()
    assert b"".join(sliced.feed(body[i : i + 1]) for i in range(len(body))) + sliced.close() == expected


@pairs
@settings(max_examples=40)
@given(where=st.floats(0, 1), cut_off=st.booleans())
def test_4_wherever_a_stream_is_cut_it_never_looks_complete(
    provider: str, client: str, where: float, cut_off: bool
) -> None:
    body = STREAMS[provider]
    kept = body[: int(where * len(body))]
    made = pipe(provider, client)
    out = made.feed(kept)
    out += made.fail(Kind.BROKEN_STREAM, "reset by peer") if cut_off else made.close()
    if made.failed is None:  # only after the provider said why it stopped
        assert any(
            mark in kept for mark in (b'"finish_reason": "tool_calls"', b'"stop_reason": "tool_use"', b'"tool_calls"')
        )
        if provider != client:
            check(client, out)
    elif out:
        check(client, out, broken=True)
    else:
        assert not made.started


@pairs
def test_5_an_error_event_of_the_provider_ends_the_clients_stream(provider: str, client: str) -> None:
    error = b'data: {"type":"error","error":{"type":"overloaded_error","message":"busy","code":null,"param":null}}\n\n'
    marks = {"chat": b'{"tool_calls"', "anthropic": b"event: content_block_start"}
    body = STREAMS[provider]
    start = body[: body.rindex(b"\n\n", 0, body.index(marks[provider], 600)) + 2]
    made = pipe(provider, client)
    out = made.feed(start) + made.feed((b"event: error\n" if provider == "anthropic" else b"") + error)
    assert made.failed is not None
    folded = check(client, out, broken=True)
    assert folded.error is not None
    assert "busy" in str(folded.error)


@pairs
def test_an_error_event_first_of_all_can_become_an_http_error(provider: str, client: str) -> None:
    opening = STREAMS[provider][: STREAMS[provider].index(b"\n\n") + 2]
    made = pipe(provider, client)
    out = made.feed(opening)
    out += made.feed(b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"busy"}}\n\n')
    assert out == b""
    assert not made.started
    assert made.failed is not None
    assert made.failed.kind is Kind.OVERLOADED


@pairs
@settings(max_examples=25)
@given(places=st.lists(st.integers(0, 4000), max_size=12))
def test_heartbeats_between_any_slices_leave_the_grammar_whole(provider: str, client: str, places: list[int]) -> None:
    made = pipe(provider, client)
    out = b"".join(made.feed(piece) + made.heartbeat() for piece in cut(STREAMS[provider], places)) + made.close()
    folded = check(client, out)
    assert folded.text == TEXT
    assert [call.name for call in folded.calls] == ["f"]
