"""The wire as a whole: its answers to clients of all four protocols, and its tokens home again (7.4, 14, 15.3, 20)."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.collect import collect
from converters.envelope import open_envelope
from converters.errors import Kind
from converters.eventstream import CONTENT_TYPE
from converters.kiro import WIRE
from converters.loss import Loss
from converters.pipe import StreamPipe
from converters.prepare import prepare
from converters.profile import DEFAULT, Profile
from converters.turns import Chat, Reasoning, Text, Turn
from converters.wire import Wire
from converters.wires import WIRES
from tests.converters.four_wires import check, cut, fold, new_ask
from tests.converters.kiro.rules import check as check_body
from tests.fakes import kiro_frames as frames
from tests.grammar import Folded

type JsonObject = dict[str, Any]

clients = pytest.mark.parametrize("client", sorted(WIRES))
ANSWER = b"".join(
    [
        frames.opening(),
        frames.thinking("hm"),
        frames.thinking(" so"),
        frames.thinking(signature="sig/+="),
        frames.text("Grüße 😀 to\n"),
        frames.text("\n"),
        frames.text("\n"),
        frames.tool("c1", "f", '{"x":'),
        frames.tool("c2", "g"),
        frames.tool("c1", "f", "1}"),
        frames.tool("c2", "g", stop=True),
        frames.tool("c1", "f", stop=True),
        frames.metering(),
        frames.usage(5, 7, 3, 2),
    ]
)
STOPS = {"chat": "tool_calls", "responses": "completed", "anthropic": "tool_use", "gemini": "STOP"}


def pipe(client: str, profile: Profile = DEFAULT, chat: Chat | None = None) -> StreamPipe:
    return StreamPipe(WIRE.stream_reader(profile, chat), WIRES[client].stream_writer(new_ask(client)), lambda _: None)


def streamed(client: str, *slices: bytes, profile: Profile = DEFAULT, chat: Chat | None = None) -> bytes:
    made = pipe(client, profile, chat)
    sent = b"".join(made.feed(data) for data in slices) + made.close()
    assert made.failed is None, made.failed
    return sent


def whole(client: str, stream: bytes) -> JsonObject:
    reader = WIRE.stream_reader(DEFAULT)
    answer = collect([*reader.feed(stream), *reader.close()])
    return json.loads(json.dumps(WIRES[client].write_answer(answer, new_ask(client))))  # type: ignore[no-any-return]


def test_kiro_is_spoken_by_providers_alone() -> None:
    assert not isinstance(WIRE, Wire)
    assert (WIRE.name, WIRE.stream_type) == ("kiro", CONTENT_TYPE)
    assert WIRE.name not in WIRES


@clients
def test_14_an_answer_in_the_clients_own_grammar(client: str) -> None:
    found = check(client, streamed(client, ANSWER))
    assert (found.text, found.thinking) == ("Grüße 😀 to\n\n\n", "hm so")
    assert sorted((call.name, json.loads(call.arguments)) for call in found.calls) == [("f", {"x": 1}), ("g", {})]
    assert found.stop == STOPS[client]


@clients
def test_20_stream_and_whole_say_the_same(client: str) -> None:
    sent, made = check(client, streamed(client, ANSWER)), fold(client, whole(client, ANSWER))
    assert sorted(map(repr, sent.content.pop("calls"))) == sorted(map(repr, made.content.pop("calls")))
    for name in ("text", "thinking", "signatures", "stop", "usage"):
        assert sent.content[name] == made.content[name]


@clients
@given(places=st.lists(st.integers(0, 10_000), max_size=8))
def test_20_any_slices_give_the_same_stream(client: str, places: list[int]) -> None:
    assert streamed(client, *cut(ANSWER, places)) == streamed(client, ANSWER)


@clients
def test_12_usage_as_the_service_counted_it(client: str) -> None:
    usage = check(client, streamed(client, ANSWER)).usage
    assert usage is not None
    numbers = json.dumps(usage)
    counted = {"chat": 10, "responses": 10, "anthropic": 5, "gemini": 10}[client]
    names = {
        "chat": "prompt_tokens",
        "responses": "input_tokens",
        "anthropic": "input_tokens",
        "gemini": "promptTokenCount",
    }
    assert f'"{names[client]}": {counted}' in numbers


@clients
@pytest.mark.parametrize(
    "end",
    [frames.exception("InternalServerException", "oops"), frames.with_bad_checksum(ANSWER[-200:])[:50], b"\x00" * 20],
    ids=["exception", "cut", "damaged"],
)
def test_15_3_an_error_in_the_middle_ends_the_stream_as_the_client_knows_it(client: str, end: bytes) -> None:
    made = pipe(client)
    sent = made.feed(frames.text("a")) + made.feed(end) + made.close()
    assert made.failed is not None
    assert check(client, sent, broken=True).error is not None


@clients
def test_14_7_an_error_before_any_content_can_still_be_an_http_error(client: str) -> None:
    for body in (frames.opening() + frames.exception("ThrottlingException", "slow"), b""):
        made = pipe(client)
        assert made.feed(body) + made.close() == b""
        assert made.failed is not None
        assert made.failed.kind in (Kind.RATE_LIMIT, Kind.BROKEN_STREAM)


@clients
def test_9_our_own_cut_is_a_normal_end(client: str) -> None:
    chat = Chat("m", client, turns=[Turn("user", [Text("q")])], stop=["END"])
    found = check(client, streamed(client, frames.text("a E"), frames.text("ND b"), chat=chat))
    assert found.text == "a "
    assert (
        found.stop == {"chat": "stop", "responses": "completed", "anthropic": "stop_sequence", "gemini": "STOP"}[client]
    )
    assert found.stop_sequence == ("END" if client == "anthropic" else None)
    chat = Chat("m", client, turns=[Turn("user", [Text("q")])], max_tokens=1)
    found = check(client, streamed(client, frames.text("abcdefgh"), chat=chat))
    assert (found.text, found.stop) == (
        "abcd",
        {"chat": "length", "responses": "max_output_tokens", "anthropic": "max_tokens", "gemini": "MAX_TOKENS"}[client],
    )


@clients
def test_7_4_thinking_in_tags_carries_no_token(client: str) -> None:
    chat = Chat("m", client, turns=[Turn("user", [Text("q")])], reasoning=Reasoning("high"))
    stream = frames.text("<thinking>hm</thinking>\n\nso")
    found = check(client, streamed(client, stream, profile=Profile(thinking="tags"), chat=chat))
    assert (found.thinking, found.text) == ("hm", "so")
    tokens = [open_envelope(signature) for signature in found.signatures]
    assert all(token is not None and token.origin == "n" for token in tokens)
    assert len(tokens) == (client == "anthropic")


# --- 20.5: the second turn, made only of what the first answer gave the client ---


def chat_turn(answer: JsonObject) -> list[JsonObject]:
    message = answer["choices"][0]["message"]
    results = [{"role": "tool", "tool_call_id": call["id"], "content": "r"} for call in message.get("tool_calls", [])]
    return [message, *results]


def responses_turn(answer: JsonObject) -> list[JsonObject]:
    calls = [item for item in answer["output"] if item["type"] == "function_call"]
    results = [{"type": "function_call_output", "call_id": call["call_id"], "output": "r"} for call in calls]
    return [*answer["output"], *results]


def anthropic_turn(answer: JsonObject) -> list[JsonObject]:
    calls = [block for block in answer["content"] if block["type"] == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "r"} for call in calls]
    return [{"role": "assistant", "content": answer["content"]}, {"role": "user", "content": results}]


def gemini_turn(answer: JsonObject) -> list[JsonObject]:
    content = answer["candidates"][0]["content"]
    calls = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
    results = [
        {"functionResponse": {"id": call["id"], "name": call["name"], "response": {"output": "r"}}} for call in calls
    ]
    return [content, {"role": "user", "parts": results}]


SECOND = {"chat": chat_turn, "responses": responses_turn, "anthropic": anthropic_turn, "gemini": gemini_turn}
FIRST: dict[str, JsonObject] = {
    "chat": {"role": "user", "content": "q"},
    "responses": {"role": "user", "content": "q"},
    "anthropic": {"role": "user", "content": "q"},
    "gemini": {"role": "user", "parts": [{"text": "q"}]},
}
HISTORY = {"chat": "messages", "responses": "input", "anthropic": "messages", "gemini": "contents"}


def second_body(client: str, stream: bytes) -> JsonObject:
    request: JsonObject = {
        "model": "claude-sonnet-4-5",
        HISTORY[client]: [FIRST[client], *SECOND[client](whole(client, stream))],
    }
    if client == "anthropic":
        request["max_tokens"] = 100
    chat = WIRES[client].parse_request(request, Loss())
    body: JsonObject = prepare(chat, WIRE, DEFAULT, Loss()).body
    check_body(body)
    return body


@clients
def test_7_4_a_real_token_comes_home_unchanged(client: str) -> None:
    said = second_body(client, ANSWER)["conversationState"]["history"][1]["assistantResponseMessage"]
    assert said["reasoningContent"] == {"reasoningText": {"text": "hm so", "signature": "sig/+="}}
    assert said["content"] == "Grüße 😀 to\n\n\n"
    assert sorted(map(repr, said["toolUses"])) == sorted(
        map(
            repr,
            [{"toolUseId": "c1", "name": "f", "input": {"x": 1}}, {"toolUseId": "c2", "name": "g", "input": {}}],
        )
    )


@clients
def test_7_4_redacted_reasoning_comes_home_unchanged(client: str) -> None:
    stream = frames.thinking(redacted="AAAA") + frames.text("a") + b"".join(frames.call("c1", "f"))
    said = second_body(client, stream)["conversationState"]["history"][1]["assistantResponseMessage"]
    assert said["reasoningContent"] == {"redactedContent": "AAAA"}


@clients
def test_7_4_reasoning_of_tags_is_not_sent_again(client: str) -> None:
    made = WIRE.stream_reader(
        Profile(thinking="tags"),
        Chat("m", client, turns=[Turn("user", [Text("q")])], reasoning=Reasoning("high")),
    )
    stream = frames.text("<thinking>secret</thinking>\n\na") + b"".join(frames.call("c1", "f"))
    answer = WIRES[client].write_answer(collect([*made.feed(stream), *made.close()]), new_ask(client))
    request: JsonObject = {
        "model": "m",
        HISTORY[client]: [FIRST[client], *SECOND[client](json.loads(json.dumps(answer)))],
        **({"max_tokens": 9} if client == "anthropic" else {}),
    }
    body = prepare(WIRES[client].parse_request(request, Loss()), WIRE, DEFAULT, Loss()).body
    assert "secret" not in json.dumps(body)


def test_an_answer_folds_to_the_same_whatever_came_between() -> None:
    """A frame of no use changes nothing."""
    noise = frames.event("intentsEvent", {})
    folded: list[Folded] = [
        check(
            "anthropic",
            streamed("anthropic", noise.join(frame for frame in (b"", frames.text("a"), frames.text("b"), b""))),
        ),
        check("anthropic", streamed("anthropic", frames.text("a"), frames.text("b"))),
    ]
    assert folded[0].content == folded[1].content
