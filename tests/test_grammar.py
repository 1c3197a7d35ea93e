"""20.4 The grammar checkers themselves: a right stream passes, every kind of wrong one is refused with its reason."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.grammar import (
    Folded,
    check_anthropic_stream,
    check_chat_stream,
    fold_anthropic_answer,
    fold_chat_answer,
)

type Frames = list[dict[str, Any] | bytes]

HEAD = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m"}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def chunk(delta: dict[str, Any], finish: str | None = None, **more: object) -> dict[str, Any]:
    return {**HEAD, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}


def call(index: int, id_: str, name: str) -> dict[str, Any]:
    return {
        "tool_calls": [{"index": index, "id": id_, "type": "function", "function": {"name": name, "arguments": ""}}]
    }


def custom(index: int, id_: str, name: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "id": id_, "type": "custom", "custom": {"name": name, "input": ""}}]}


def signed(index: int, signature: str) -> dict[str, Any]:
    extra = {"google": {"thought_signature": signature}}
    return {"tool_calls": [{"index": index, "function": {"arguments": ""}, "extra_content": extra}]}


def fragment(index: int, text: str) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "function": {"arguments": text}}]}


ROLE = chunk({"role": "assistant", "content": ""})
DONE = b"data: [DONE]\n\n"


def chat_bytes(frames: Frames) -> bytes:
    return b"".join(f if isinstance(f, bytes) else b"data: " + json.dumps(f).encode() + b"\n\n" for f in frames)


def chat_stream() -> Frames:
    return [
        ROLE,
        b": keep-alive\n\n",
        chunk({"reasoning_content": "Hm."}),
        chunk({"content": "He"}),
        chunk({"content": "llo"}),
        chunk(call(0, "a", "f")),
        chunk(fragment(0, '{"x"')),
        chunk(fragment(0, ": 1}")),
        chunk(call(1, "b", "g")),
        chunk(fragment(1, "{}")),
        chunk({}, "tool_calls"),
        {**HEAD, "choices": [], "usage": USAGE},
        DONE,
    ]


def test_a_right_chat_stream_is_folded() -> None:
    folded = check_chat_stream(chat_bytes(chat_stream()), include_usage=True)

    assert folded.content == {
        "text": "Hello",
        "thinking": "Hm.",
        "refusal": "",
        "signatures": [],
        "redacted": [],
        "calls": [("f", {"x": 1}), ("g", {})],
        "stop": "tool_calls",
        "stop_sequence": None,
        "usage": USAGE,
    }
    assert folded.parts == [("thinking", "Hm."), ("text", "Hello"), ("call", "f"), ("call", "g")]


def test_a_signature_alone_and_a_custom_call_belong_to_a_right_chat_stream() -> None:
    frames = chat_stream()
    frames[8:10] = [
        chunk(signed(0, "sig")),
        chunk(custom(1, "b", "g")),
        chunk({"tool_calls": [{"index": 1, "custom": {"input": "free {"}}]}),
    ]
    folded = check_chat_stream(chat_bytes(frames), include_usage=True)
    assert folded.signatures == ["sig"]
    assert [call.arguments for call in folded.calls] == ['{"x": 1}', "free {"]


def _insert(at: int, frame: dict[str, Any] | bytes) -> Callable[[Frames], Frames]:
    return lambda frames: [*frames[:at], frame, *frames[at:]]


def _replace(at: int, frame: dict[str, Any] | bytes) -> Callable[[Frames], Frames]:
    return lambda frames: [*frames[:at], frame, *frames[at + 1 :]]


def _without(*at: int) -> Callable[[Frames], Frames]:
    return lambda frames: [f for i, f in enumerate(frames) if i not in at]


CHAT_FAULTS: dict[str, tuple[Callable[[Frames], Frames], str]] = {
    "no role": (_without(0), "first delta has the role"),
    "role twice": (_insert(3, ROLE), "role comes once"),
    "text in the role chunk": (_replace(0, chunk({"role": "assistant", "content": "He"})), "no text yet"),
    "id changes": (_replace(3, {**chunk({"content": "He"}), "id": "chatcmpl-2"}), "must not change"),
    "model changes": (_replace(3, {**chunk({"content": "He"}), "model": "n"}), "must not change"),
    "null text": (_replace(3, chunk({"content": None})), "content is None"),
    "text beside a call": (_replace(5, chunk({**call(0, "a", "f"), "content": "x"})), "no content beside tool deltas"),
    "call numbers begin at 1": (_replace(5, chunk(call(1, "a", "f"))), "numbered 0, 1, 2"),
    "a call without id": (_replace(5, chunk(call(0, "", "f"))), "its id and name"),
    "name repeated": (_replace(6, chunk(call(0, "a", "f"))), "only the first delta"),
    "same id twice": (_replace(8, chunk(call(1, "a", "g"))), "two calls with the id"),
    "arguments are cut": (_without(7), "not JSON"),
    "a delta of a call without words": (
        _replace(6, chunk({"tool_calls": [{"index": 0, "extra_content": {}}]})),
        "clients read the words",
    ),
    "input of a function": (
        _replace(6, chunk({"tool_calls": [{"index": 0, "custom": {"input": "x"}}]})),
        "none of a custom tool",
    ),
    "arguments of a custom tool": (_replace(5, chunk(custom(0, "a", "f"))), "arguments of a call of a custom tool"),
    "an empty signature": (_insert(8, chunk(signed(0, ""))), "thought_signature is ''"),
    "finish twice": (_insert(11, chunk({}, "stop")), "after the finish chunk"),
    "text after finish": (_insert(11, chunk({"content": "x"})), "after the finish chunk"),
    "finish with text": (_replace(10, chunk({"content": "x"}, "stop")), "empty delta"),
    "unknown finish": (_replace(10, chunk({}, "end_turn")), "finish_reason 'end_turn'"),
    "no finish": (_without(10, 11), "before any finish_reason"),
    "no usage": (_without(11), "asked for"),
    "usage twice": (_insert(12, {**HEAD, "choices": [], "usage": USAGE}), "second usage"),
    "usage beside choices": (_replace(10, chunk({}, "stop", usage=USAGE)), "usage beside choices"),
    "usage does not add up": (
        _replace(11, {**HEAD, "choices": [], "usage": {**USAGE, "total_tokens": 9}}),
        "total is not the sum",
    ),
    "no [DONE]": (_without(12), "does not end with [DONE]"),
    "something after [DONE]": (_insert(13, chunk({"content": "x"})), "follows [DONE]"),
    "an event name": (_replace(3, b'event: x\ndata: {"a": 1}\n\n'), "only `data:` lines"),
    "CRLF": (_replace(12, b"data: [DONE]\r\n\r\n"), "line ends"),
    "not JSON": (_replace(3, b"data: {nope\n\n"), "not JSON"),
    "half a frame": (_replace(12, b"data: [DONE]\n"), "inside a frame"),
    "two JSON texts in a frame": (_replace(3, b'data: {"a": 1}\ndata: {"b": 1}\n\n'), "more than one line"),
    "an error": (
        _insert(4, {"error": {"message": "m", "type": "t", "param": None, "code": None}}),
        "follows the error",
    ),
}


@pytest.mark.parametrize(("fault", "reason"), CHAT_FAULTS.values(), ids=CHAT_FAULTS)
def test_a_wrong_chat_stream_is_refused(fault: Callable[[Frames], Frames], reason: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(reason)):
        check_chat_stream(chat_bytes(fault(chat_stream())), include_usage=True)


def test_usage_that_nobody_asked_for_is_refused() -> None:
    with pytest.raises(AssertionError, match="nobody asked for"):
        check_chat_stream(chat_bytes(chat_stream()))


def test_a_broken_chat_stream_ends_with_an_error_and_nothing_else() -> None:
    error = {"error": {"message": "m", "type": "server_error", "param": None, "code": None}}
    start = chat_stream()[:4]
    assert check_chat_stream(chat_bytes([*start, error]), broken=True).error == error["error"]
    for wrong, reason in (
        (start, "must end with an error"),
        ([*start, error, DONE], "follows the error"),
        (_without(11)(chat_stream()), "must not send [DONE]"),
        ([*start, {"error": "m"}], "must be an object"),
        ([*start, chunk({}, "stop"), error], "after the finish chunk"),
    ):
        with pytest.raises(AssertionError, match=re.escape(reason)):
            check_chat_stream(chat_bytes(wrong), broken=True)


# --- anthropic ---


def anthropic_bytes(frames: Frames) -> bytes:
    return b"".join(
        f if isinstance(f, bytes) else f"event: {f['type']}\ndata: {json.dumps(f)}\n\n".encode() for f in frames
    )


def block(index: int, start: dict[str, Any], *deltas: dict[str, Any]) -> Frames:
    frames: Frames = [{"type": "content_block_start", "index": index, "content_block": start}]
    frames += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
    return [*frames, {"type": "content_block_stop", "index": index}]


START = {
    "type": "message_start",
    "message": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 0, "output_tokens": 0},
    },
}
DELTA = {
    "type": "message_delta",
    "delta": {"stop_reason": "tool_use", "stop_sequence": None},
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
STOP = {"type": "message_stop"}
THINKING = {"type": "thinking", "thinking": "", "signature": ""}
SIGNATURE = {"type": "signature_delta", "signature": "s=="}


def anthropic_stream() -> Frames:
    return [
        START,  # 0
        {"type": "ping"},
        *block(0, THINKING, {"type": "thinking_delta", "thinking": "Hm."}, SIGNATURE),  # 2-5
        *block(1, {"type": "redacted_thinking", "data": "r"}),  # 6-7
        *block(2, {"type": "text", "text": ""}, {"type": "text_delta", "text": "Hello"}),  # 8-10
        *block(
            3,
            {"type": "tool_use", "id": "a", "name": "f", "input": {}},
            {"type": "input_json_delta", "partial_json": '{"x"'},
            {"type": "input_json_delta", "partial_json": ": 1}"},
        ),  # 11-14
        DELTA,  # 15
        STOP,
    ]


def test_a_right_anthropic_stream_is_folded() -> None:
    folded = check_anthropic_stream(anthropic_bytes(anthropic_stream()))

    assert folded.content == {
        "text": "Hello",
        "thinking": "Hm.",
        "refusal": "",
        "signatures": ["s=="],
        "redacted": ["r"],
        "calls": [("f", {"x": 1})],
        "stop": "tool_use",
        "stop_sequence": None,
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    assert [kind for kind, _ in folded.parts] == ["thinking", "redacted", "text", "call"]


TEXT_9 = {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "x"}}
ANTHROPIC_FAULTS: dict[str, tuple[Callable[[Frames], Frames], str]] = {
    "no message_start": (_without(0), "message_start comes first"),
    "message_start twice": (_insert(1, START), "second message_start"),
    "ping first": (_insert(0, {"type": "ping"}), "message_start comes first"),
    "two blocks open": (_without(10), "still open"),
    "an index is skipped": (_without(6, 7), "expected 1"),
    "an index repeats": (_insert(8, {"type": "content_block_start", "index": 1, "content_block": {}}), "expected 2"),
    "a delta of another block": (_replace(9, {**TEXT_9, "index": 1}), "not the open block's"),
    "a delta after the block": (_insert(11, TEXT_9), "no open block"),
    "text in a call": (_replace(12, {**TEXT_9, "index": 3}), "text_delta in a tool_use block"),
    "no signature": (_without(4), "exactly one signature_delta"),
    "two signatures": (
        _insert(5, {"type": "content_block_delta", "index": 0, "delta": SIGNATURE}),
        "second signature_delta",
    ),
    "thinking after its signature": (
        _insert(5, {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "x"}}),
        "after its signature",
    ),
    "input given at the start": (
        _replace(
            11,
            {
                "type": "content_block_start",
                "index": 3,
                "content_block": {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
            },
        ),
        "starts with input",
    ),
    "a call without a name": (
        _replace(
            11,
            {
                "type": "content_block_start",
                "index": 3,
                "content_block": {"type": "tool_use", "id": "a", "name": "", "input": {}},
            },
        ),
        "id and name from the start",
    ),
    "arguments are cut": (_without(13), "not JSON"),
    "block left open": (_without(14), "still open"),
    "message_delta twice": (_insert(16, DELTA), "only message_stop follows"),
    "a block after message_delta": (
        _insert(16, {"type": "content_block_start", "index": 4, "content_block": {"type": "text", "text": ""}}),
        "only message_stop follows",
    ),
    "unknown stop": (
        _replace(15, {**DELTA, "delta": {"stop_reason": "stop", "stop_sequence": None}}),
        "stop_reason 'stop'",
    ),
    "no message_delta": (_without(15), "before message_delta"),
    "no message_stop": (_without(16), "does not end with message_stop"),
    "something after message_stop": (_insert(17, {"type": "ping"}), "follows message_stop"),
    "[DONE]": (_insert(17, b"data: [DONE]\n\n"), "one `event:` and one `data:` line"),
    "no event line": (_replace(9, b"data: " + json.dumps(TEXT_9).encode() + b"\n\n"), "one `event:` and one `data:`"),
    "event and type differ": (_replace(1, b'event: ping\ndata: {"type": "pong"}\n\n'), "differ"),
    "usage missing": (_replace(15, {**DELTA, "usage": {}}), "output_tokens is None"),
}


@pytest.mark.parametrize(("fault", "reason"), ANTHROPIC_FAULTS.values(), ids=ANTHROPIC_FAULTS)
def test_a_wrong_anthropic_stream_is_refused(fault: Callable[[Frames], Frames], reason: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(reason)):
        check_anthropic_stream(anthropic_bytes(fault(anthropic_stream())))


def test_a_broken_anthropic_stream_ends_with_an_error_and_nothing_else() -> None:
    error: dict[str, Any] = {"type": "error", "error": {"type": "api_error", "message": "m"}}
    start = anthropic_stream()[:10]
    assert check_anthropic_stream(anthropic_bytes([*start, error]), broken=True).error == error["error"]
    for wrong, reason in (
        (start, "must end with an error"),
        ([*start, error, STOP], "follows the error"),
        (anthropic_stream(), "must not send message_stop"),
    ):
        with pytest.raises(AssertionError, match=re.escape(reason)):
            check_anthropic_stream(anthropic_bytes(wrong), broken=True)


# --- whole answers ---


def test_a_whole_chat_answer_folds_like_its_stream() -> None:
    message = {
        "role": "assistant",
        "content": "Hello",
        "refusal": None,
        "reasoning_content": "Hm.",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
        ],
    }
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "tool_calls"}
    answer = {**HEAD, "object": "chat.completion", "choices": [choice], "usage": USAGE}
    streamed = check_chat_stream(chat_bytes(chat_stream()), include_usage=True)
    assert fold_chat_answer(answer).content == streamed.content
    with pytest.raises(AssertionError, match="object is"):
        fold_chat_answer({**answer, "object": "chat.completion.chunk"})


def test_a_whole_anthropic_answer_folds_like_its_stream() -> None:
    content = [
        {"type": "thinking", "thinking": "Hm.", "signature": "s=="},
        {"type": "redacted_thinking", "data": "r"},
        {"type": "text", "text": "Hello"},
        {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
    ]
    stop = {"stop_reason": "tool_use", "stop_sequence": None, "usage": {"input_tokens": 3, "output_tokens": 2}}
    answer = {**START["message"], "content": content, **stop}  # type: ignore[dict-item]
    streamed: Folded = check_anthropic_stream(anthropic_bytes(anthropic_stream()))
    assert fold_anthropic_answer(answer).content == streamed.content
    assert fold_anthropic_answer(answer).parts == streamed.parts
