"""What the tests over all sixteen pairs share: one answer in each provider's own words, pipes, checkers, requests.

The answer says TEXT in two pieces, then calls `f` with `{"x":1}`; it read 5 tokens and wrote 7.
"""

import json
from itertools import pairwise
from typing import Any

import pytest

from converters.collect import collect
from converters.events import StreamEvent
from converters.json_codec import dumps
from converters.loss import Loss
from converters.pipe import StreamPipe, TeePipe
from converters.prepare import prepare
from converters.profile import DEFAULT
from converters.wire import Ask
from converters.wires import WIRES
from tests.grammar import Folded, check_anthropic_stream, check_chat_stream, fold_anthropic_answer, fold_chat_answer
from tests.grammar_gemini import check_gemini_stream, fold_gemini_answer
from tests.grammar_responses import check_responses_stream, fold_responses_answer

TEXT = "Grüße 😀 to\n\ndata: you"
PIECES = (TEXT[:7], TEXT[7:])
PAIRS = [(provider, client) for provider in WIRES for client in WIRES]
CROSS = [(provider, client) for provider, client in PAIRS if provider != client]
pairs = pytest.mark.parametrize(("provider", "client"), PAIRS)
cross_pairs = pytest.mark.parametrize(("provider", "client"), CROSS)

type Frames = list[bytes]
type JsonObject = dict[str, Any]


def data(payload: object) -> bytes:
    return b"data: " + json.dumps(payload, ensure_ascii=False).encode() + b"\n\n"


def event(kind: str, **more: object) -> bytes:
    return b"event: " + kind.encode() + b"\n" + data({"type": kind, **more})


# --- Chat Completions ---

CHAT_HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "served"}
CHAT_USAGE = {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}


def chat_chunk(delta: object, finish: str | None = None) -> bytes:
    return data({**CHAT_HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def chat_call(**call: object) -> bytes:
    return chat_chunk({"tool_calls": [{"index": 0, **call}]})


CHAT_END: Frames = [
    chat_chunk({}, "tool_calls"),
    data({**CHAT_HEAD, "choices": [], "usage": CHAT_USAGE}),
    b"data: [DONE]\n\n",
]
CHAT_OPENING = [chat_chunk({"role": "assistant", "content": ""})]

# --- Responses ---

RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "completed_at": None,
    "status": "in_progress",
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "model": "served",
    "output": [],
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {},
    "store": False,
    "temperature": None,
    "text": {},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}
RESPONSES_USAGE = {
    "input_tokens": 5,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 7,
    "total_tokens": 12,
    "output_tokens_details": {"reasoning_tokens": 0},
}


def numbered(*events: JsonObject) -> Frames:
    """The frames of a whole Responses stream; each event names its type without the prefix."""
    return [
        event(f"response.{fields['type']}", sequence_number=number, **{k: v for k, v in fields.items() if k != "type"})
        for number, fields in enumerate(events)
    ]


def message_events(index: int) -> list[JsonObject]:
    head: JsonObject = {"id": "msg_1", "type": "message", "role": "assistant"}
    place: JsonObject = {"item_id": "msg_1", "output_index": index, "content_index": 0}
    part: JsonObject = {"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}
    item: JsonObject = {**head, "status": "in_progress", "content": []}
    return [
        {"type": "output_item.added", "output_index": index, "item": item},
        {"type": "content_part.added", **place, "part": {**part, "text": ""}},
        *({"type": "output_text.delta", **place, "delta": piece, "logprobs": []} for piece in PIECES),
        {"type": "output_text.done", **place, "text": TEXT, "logprobs": []},
        {"type": "content_part.done", **place, "part": part},
        {"type": "output_item.done", "output_index": index, "item": {**head, "status": "completed", "content": [part]}},
    ]


def call_events(index: int) -> list[JsonObject]:
    item: JsonObject = {"id": "fc_1", "type": "function_call", "call_id": "call_1", "name": "f"}
    place: JsonObject = {"item_id": "fc_1", "output_index": index}
    whole: JsonObject = {**item, "status": "completed", "arguments": '{"x":1}'}
    return [
        {
            "type": "output_item.added",
            "output_index": index,
            "item": {**item, "status": "in_progress", "arguments": ""},
        },
        {"type": "function_call_arguments.delta", **place, "delta": '{"x":'},
        {"type": "function_call_arguments.delta", **place, "delta": "1}"},
        {"type": "function_call_arguments.done", **place, "name": "f", "arguments": '{"x":1}'},
        {"type": "output_item.done", "output_index": index, "item": whole},
    ]


def response_stream(*items: list[JsonObject]) -> Frames:
    """Opening, the events of each item, and the terminal event with the items that were done."""
    middle = [fields for item in items for fields in item]
    output = [fields["item"] for fields in middle if fields["type"] == "output_item.done"]
    over: JsonObject = {**RESPONSE, "status": "completed", "completed_at": 2, "output": output}
    return numbered(
        {"type": "created", "response": {**RESPONSE}},
        {"type": "in_progress", "response": {**RESPONSE}},
        *middle,
        {"type": "completed", "response": {**over, "usage": RESPONSES_USAGE}},
    )


# --- Anthropic ---

ANTHROPIC_MESSAGE = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "served",
    "content": [],
    "stop_reason": None,
    "stop_sequence": None,
    "usage": {"input_tokens": 5, "output_tokens": 1},
}
ANTHROPIC_OPENING = [event("message_start", message=ANTHROPIC_MESSAGE), event("ping")]
ANTHROPIC_END = [
    event("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 7}),
    event("message_stop"),
]


def block(index: int, content: JsonObject, *deltas: JsonObject) -> Frames:
    return [
        event("content_block_start", index=index, content_block=content),
        *(event("content_block_delta", index=index, delta=delta) for delta in deltas),
        event("content_block_stop", index=index),
    ]


def text_block(index: int) -> Frames:
    return block(index, {"type": "text", "text": ""}, *({"type": "text_delta", "text": piece} for piece in PIECES))


def call_block(index: int) -> Frames:
    pieces: list[JsonObject] = [{"type": "input_json_delta", "partial_json": piece} for piece in ('{"x":', "1}")]
    return block(index, {"type": "tool_use", "id": "call_1", "name": "f", "input": {}}, *pieces)


# --- Gemini ---


def gemini_chunk(*parts: JsonObject, **candidate: object) -> JsonObject:
    content = {"parts": [*parts], "role": "model"}
    return {
        "candidates": [{"content": content, "index": 0, **candidate}],
        "modelVersion": "served",
        "responseId": "r1",
    }


GEMINI_USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 7, "totalTokenCount": 12}
GEMINI_CALL: JsonObject = {"functionCall": {"id": "call_1", "name": "f", "args": {"x": 1}}}
GEMINI_END = [data({**gemini_chunk({"text": ""}, finishReason="STOP"), "usageMetadata": GEMINI_USAGE})]

# --- the four streams ---

FRAMES: dict[str, Frames] = {
    "chat": [
        *CHAT_OPENING,
        *(chat_chunk({"content": piece}) for piece in PIECES),
        chat_call(id="call_1", type="function", function={"name": "f", "arguments": ""}),
        chat_call(function={"arguments": '{"x":'}),
        chat_call(function={"arguments": "1}"}),
        *CHAT_END,
    ],
    "responses": response_stream(message_events(0), call_events(1)),
    "anthropic": [*ANTHROPIC_OPENING, *text_block(0), *call_block(1), *ANTHROPIC_END],
    "gemini": [
        *(data(gemini_chunk({"text": piece})) for piece in PIECES),
        data(gemini_chunk(GEMINI_CALL)),
        *GEMINI_END,
    ],
}
STREAMS = {provider: b"".join(frames) for provider, frames in FRAMES.items()}
OPENINGS = {"chat": 1, "responses": 2, "anthropic": 2, "gemini": 0}  # frames before the first content
SAID = {"chat": 3, "responses": 6, "anthropic": 5, "gemini": 2}  # frames until the text is said, its block still open
FINISHED = {
    "chat": b'"finish_reason": "tool_calls"',
    "responses": b"event: response.completed",
    "anthropic": b'"stop_reason": "tool_use"',
    "gemini": b'"finishReason": "STOP"',
}
BUSY = {  # an error event, as it comes after SAID
    "chat": data({"error": {"message": "busy", "type": "server_error", "code": None, "param": None}}),
    "responses": event(
        "response.failed",
        sequence_number=6,
        response={**RESPONSE, "status": "failed", "error": {"code": "server_error", "message": "busy"}},
    ),
    "anthropic": event("error", error={"type": "overloaded_error", "message": "busy"}),
    "gemini": data({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}}),
}

# --- pipes and checkers ---


def new_ask(client: str) -> Ask:
    return Ask("asked-for", lambda: "a" * 24, lambda: 1_700_000_000, include_usage=client == "chat")


def pipe(provider: str, client: str) -> StreamPipe | TeePipe:
    reader, writer = WIRES[provider].stream_reader(DEFAULT), WIRES[client].stream_writer(new_ask(client))

    def watch(_: StreamEvent) -> None:
        pass

    if provider == client:
        return TeePipe(reader, writer, watch, WIRES[client].keep_alive)
    return StreamPipe(reader, writer, watch)


def through(provider: str, client: str, stream: bytes) -> bytes:
    """The client's stream. Through reader and writer also where both speak one protocol."""
    reader, writer = WIRES[provider].stream_reader(DEFAULT), WIRES[client].stream_writer(new_ask(client))
    made = StreamPipe(reader, writer, lambda _: None)
    sent = made.feed(stream) + made.close()
    assert made.failed is None, made.failed
    return sent


def answered(provider: str, client: str, body: JsonObject) -> JsonObject:
    """The client's whole answer, of the provider's whole answer."""
    return WIRES[client].write_answer(collect(WIRES[provider].read_answer(body, DEFAULT)), new_ask(client))


def check(client: str, raw: bytes, broken: bool = False) -> Folded:
    """By the grammar of the client's protocol."""
    if client == "chat":
        return check_chat_stream(raw, include_usage=True, broken=broken)
    checkers = {
        "responses": check_responses_stream,
        "anthropic": check_anthropic_stream,
        "gemini": check_gemini_stream,
    }
    return checkers[client](raw, broken=broken)


def fold(client: str, answer: JsonObject) -> Folded:
    folds = {
        "chat": fold_chat_answer,
        "responses": fold_responses_answer,
        "anthropic": fold_anthropic_answer,
        "gemini": fold_gemini_answer,
    }
    return folds[client](answer)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


# --- requests ---

MODELS = {"chat": "own", "responses": "own", "anthropic": "claude-opus-4-6", "gemini": "gemini-3-flash-preview"}
HISTORY = {"chat": "messages", "responses": "input", "anthropic": "messages", "gemini": "contents"}
CONTENT = {"chat": "content", "responses": "content", "anthropic": "content", "gemini": "parts"}


def user_message(wire: str, *parts: JsonObject) -> JsonObject:
    return {"role": "user", CONTENT[wire]: [*parts]}


QUESTION = {"chat": "text", "responses": "input_text", "anthropic": "text"}


def question(client: str) -> JsonObject:
    """The user says `q`."""
    kind = {"type": QUESTION[client]} if client in QUESTION else {}
    return user_message(client, {**kind, "text": "q"})


def converted(client: str, provider: str, body: JsonObject, model: str | None = None) -> tuple[Any, Loss]:
    """The provider's body for a client's request, and what was lost. Without a history the user says `q`."""
    loss = Loss()
    asked: JsonObject = {"model": model or MODELS[provider], HISTORY[client]: [question(client)], **body}
    if client == "anthropic":
        asked = {"max_tokens": 4096, **asked}
    chat = WIRES[client].parse_request(json.loads(json.dumps(asked)), loss)
    return json.loads(dumps(prepare(chat, WIRES[provider], DEFAULT, loss).body)), loss
