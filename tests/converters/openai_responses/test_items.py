"""7.4, 13, 14.4: each kind of output item, its events and its final form."""

from collections.abc import Callable
from typing import Any

import pytest

from converters.envelope import open_envelope
from converters.events import Citation
from converters.json_codec import JsonObject, loads
from converters.openai_responses.items import Call, Item, Message, Picture, Reasoning
from converters.sse import SSEDecoder, event_frame
from converters.turns import Token


class Frames:
    """Emits with a running number, as the writer does."""

    def __init__(self) -> None:
        self.next = 0

    def emit(self, event: str, fields: JsonObject) -> bytes:
        self.next += 1
        return event_frame(event, {"type": event, "sequence_number": self.next - 1, **fields})


def names(sent: bytes) -> list[str]:
    return [event.decode().removeprefix("response.") for event, _ in SSEDecoder().feed(sent)]


def test_14_4_a_message_byte_for_byte() -> None:
    frames = Frames()
    message = Message(frames.emit, 3, "msg_1")
    out = message.added() + message.begin_part("output_text") + message.delta(2, 'é"')
    frames.next = 3
    out += message.closed("completed")
    place = '"item_id":"msg_1","output_index":3,"content_index":0'
    part = '{"type":"output_text","text":"é\\"","annotations":[],"logprobs":[]}'
    head = '{"id":"msg_1","type":"message","status":'
    expected = [
        ("output_item.added", f'"output_index":3,"item":{head}"in_progress","role":"assistant","content":[]}}'),
        ("content_part.added", place + ',"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}'),
        ("output_text.delta", place + ',"delta":"é\\"","logprobs":[]'),
        ("output_text.done", place + ',"text":"é\\"","logprobs":[]'),
        ("content_part.done", f'{place},"part":{part}'),
        ("output_item.done", f'"output_index":3,"item":{head}"completed","role":"assistant","content":[{part}]}}'),
    ]
    assert out.decode() == "".join(
        f'event: response.{name}\ndata: {{"type":"response.{name}","sequence_number":{number},{fields}}}\n\n'
        for number, (name, fields) in enumerate(expected)
    )


def test_14_4_a_message_with_a_refusal_behind_its_text() -> None:
    frames = Frames()
    message = Message(frames.emit, 0, "msg_1")
    message.begin_part("output_text")
    message.delta(0, "a")
    assert message.begin_part("output_text") == b""
    assert names(message.begin_part("refusal")) == ["output_text.done", "content_part.done", "content_part.added"]
    assert names(message.delta(0, "n") + message.delta(0, "o")) == ["refusal.delta"] * 2
    message.closed("incomplete")
    assert message.body == {
        "id": "msg_1",
        "type": "message",
        "status": "incomplete",
        "role": "assistant",
        "content": [
            {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
            {"type": "refusal", "refusal": "no"},
        ],
    }


def test_13_citations_are_annotations_of_their_text() -> None:
    message = Message(Frames().emit, 0, "msg_1")
    message.begin_part("output_text")
    sent = message.cite(Citation("https://a", "A", 1, 2)) + message.cite(Citation("https://b"))
    assert names(sent) == ["output_text.annotation.added"] * 2
    message.closed("completed")
    body: Any = message.body
    assert body["content"][0]["annotations"] == [
        {"type": "url_citation", "url": "https://a", "title": "A", "start_index": 1, "end_index": 2},
        {"type": "url_citation", "url": "https://b", "title": "", "start_index": 0, "end_index": 0},
    ]


def test_14_4_reasoning_with_a_summary() -> None:
    item = Reasoning(Frames().emit, 0, "rs_1")
    sent = item.added() + item.begin_summary() + item.begin_summary() + item.delta(0, "h") + item.delta(0, "m")
    item.token = Token("r", "gAAA", id="rs_theirs")
    assert names(sent + item.closed("completed")) == [
        *["output_item.added", "reasoning_summary_part.added"],
        *["reasoning_summary_text.delta"] * 2,
        *["reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done"],
    ]
    assert item.body == {
        "id": "rs_1",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": "hm"}],
        "encrypted_content": "gAAA",
    }


@pytest.mark.parametrize("token", [Token("a", "s"), Token("x", "d"), Token("g", "t", "call", "c"), Token("k", "v")])
def test_7_4_a_foreign_token_travels_in_an_envelope(token: Token) -> None:
    item = Reasoning(Frames().emit, 0, "rs_1")
    item.token = token
    assert names(item.added() + item.closed("completed")) == ["output_item.added", "output_item.done"]
    assert open_envelope(str(item.body["encrypted_content"])) == token


@pytest.mark.parametrize("token", [None, Token("n", "")])
def test_7_4_reasoning_without_a_token_has_none(token: Token | None) -> None:
    item = Reasoning(Frames().emit, 0, "rs_1")
    item.token = token
    item.closed("completed")
    assert item.body["encrypted_content"] is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "function",
            [
                {"output_index": 1, "item": {"type": "function_call", "status": "in_progress", "arguments": ""}},
                {"item_id": "i", "output_index": 1, "delta": "{}"},
                {"item_id": "i", "output_index": 1, "arguments": "{}", "name": "f"},
                {"output_index": 1, "item": {"type": "function_call", "status": "completed", "arguments": "{}"}},
            ],
        ),
        (
            "custom",
            [
                {"output_index": 1, "item": {"type": "custom_tool_call", "status": "in_progress", "input": ""}},
                {"item_id": "i", "output_index": 1, "delta": "{}"},
                {"item_id": "i", "output_index": 1, "input": "{}"},
                {"output_index": 1, "item": {"type": "custom_tool_call", "status": "completed", "input": "{}"}},
            ],
        ),
    ],
)
def test_14_4_calls(kind: str, expected: list[JsonObject]) -> None:
    call = Call(Frames().emit, 1, "i", "c", "f", kind, None)
    sent = call.added() + call.delta(1, "{}") + call.closed("completed")
    payloads = [loads(data) for _, data in SSEDecoder().feed(sent)]
    for payload, fields in zip(payloads, expected, strict=True):
        assert isinstance(payload, dict)
        del payload["type"], payload["sequence_number"]
        if isinstance(item := fields.get("item"), dict):
            fields["item"] = {"id": "i", "call_id": "c", "name": "f", **item}
    assert payloads == expected


def test_4_3_the_namespace_of_a_call_is_restored() -> None:
    assert Call(Frames().emit, 0, "i", "c", "get", "function", "crm").body["namespace"] == "crm"
    assert "namespace" not in Call(Frames().emit, 0, "i", "c", "get", "function", None).body


@pytest.mark.parametrize(
    ("kind", "fragments", "lacks"),
    [("function", [], True), ("function", [" "], True), ("function", ["{"], False), ("custom", [], False)],
)
def test_14_4_a_function_needs_arguments_that_can_be_parsed(kind: str, fragments: list[str], lacks: bool) -> None:
    call = Call(Frames().emit, 0, "i", "c", "f", kind, None)
    for fragment in fragments:
        call.delta(0, fragment)
    assert call.lacks_arguments is lacks


def test_3_a_picture() -> None:
    picture = Picture(Frames().emit, 0, "ig_1", "image/webp", "AA==")
    assert b"AA==" not in picture.added()
    picture.closed("completed")
    assert picture.body == {
        "id": "ig_1",
        "type": "image_generation_call",
        "status": "completed",
        "result": "AA==",
        "output_format": "webp",
    }


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda emit: Message(emit, 0, "i"), "incomplete"),
        (lambda emit: Call(emit, 0, "i", "c", "f", "function", None), "incomplete"),
        (lambda emit: Picture(emit, 0, "i", "image/png", "AA=="), "completed"),
    ],
)
def test_13_the_last_item_of_an_answer_that_was_cut_says_so(make: Callable[..., Item], status: str) -> None:
    """A picture has no such status, and came whole."""
    item = make(Frames().emit)
    item.closed("incomplete")
    assert item.body["status"] == status
