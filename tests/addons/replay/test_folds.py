"""What a client understands of a stream."""

import json
from typing import Any

from addons.replay.folds import understood
from tests.addons.records.samples import ANTHROPIC_STREAM

SSE = "text/event-stream"


def stream(*payloads: object) -> bytes:
    return b"".join(
        b"data: " + (each if isinstance(each, bytes) else json.dumps(each).encode()) + b"\n\n" for each in payloads
    )


def chunk(delta: dict[str, Any] | None = None, **more: object) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": None, **more}]
    return {"id": "c1", "choices": choices} | (more if delta is None else {})


def test_chat_text_calls_and_reason_are_put_together() -> None:
    pieces: list[dict[str, Any]] = [
        {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 1, "id": "c2", "type": "function", "function": {"name": "g", "arguments": '{"b"'}},
        {"index": 0, "function": {"arguments": "{}"}},
        {"index": 1, "function": {"arguments": ":1}"}},
    ]
    body = stream(
        chunk({"role": "assistant", "content": "He"}),
        chunk({"content": "llo"}),
        *(chunk({"tool_calls": [piece]}) for piece in pieces),
        chunk({}, finish_reason="tool_calls"),
        chunk(None, usage={"total_tokens": 3}),
        b"[DONE]",
    )
    found: Any = understood("chat", body, SSE)
    [choice] = found["choices"]
    assert choice["message"]["content"] == "Hello"
    assert [(call["id"], call["function"]) for call in choice["message"]["tool_calls"]] == [
        ("c1", {"name": "f", "arguments": "{}"}),
        ("c2", {"name": "g", "arguments": '{"b":1}'}),
    ]
    assert choice["finish_reason"] == "tool_calls"
    assert (found["usage"], found["besides"]) == ({"total_tokens": 3}, ["[DONE]"])


def test_chat_an_error_inside_the_stream_is_seen() -> None:
    found: Any = understood("chat", stream(chunk({"content": "He"}), {"error": {"type": "server_error"}}), SSE)
    assert found["error"] == {"type": "server_error"}
    assert "besides" not in found


def test_anthropic_blocks_and_deltas_are_put_together() -> None:
    found: Any = understood("anthropic", b"".join(ANTHROPIC_STREAM), SSE)
    assert found["content"] == [{"type": "text", "text": "It rains."}]
    assert (found["stop_reason"], found["usage"]) == ("end_turn", {"input_tokens": 11, "output_tokens": 7})
    assert found["events"] == [
        *("message_start", "content_block_start 0", "content_block_stop 0", "message_delta", "message_stop"),
    ]


def test_anthropic_a_missing_end_and_an_error_show_and_a_ping_does_not() -> None:
    cut: Any = understood("anthropic", b"".join(ANTHROPIC_STREAM[:-1]) + stream({"type": "ping"}), SSE)
    assert cut["events"][-1] == "message_delta"
    error = stream({"type": "error", "error": {"type": "overloaded_error", "message": "x"}})
    broken: Any = understood("anthropic", ANTHROPIC_STREAM[0] + error, SSE)
    assert broken["error"]["type"] == "overloaded_error"


def test_anthropic_arguments_and_signatures_grow() -> None:
    def delta(index: int, **said: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": said}

    body = stream(
        {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": ""}},
        delta(0, type="thinking_delta", thinking="Hm"),
        delta(0, type="signature_delta", signature="c2ln"),
        {"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "name": "f", "input": {}}},
        delta(1, type="input_json_delta", partial_json='{"a"'),
        delta(1, type="input_json_delta", partial_json=":1}"),
        delta(1, type="citations_delta", citation="x"),
    )
    found: Any = understood("anthropic", body, SSE)
    thinking, call = found["content"]
    assert (thinking["thinking"], thinking["signature"]) == ("Hm", "c2ln")
    assert (call["arguments"], call["citations_delta"]) == ('{"a":1}', [{"citation": "x"}])


def test_responses_deltas_stand_beside_the_final_answer() -> None:
    """A client may read either."""
    body = stream(
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "Hel"},
        {"type": "response.output_text.delta", "output_index": 0, "content_index": 0, "delta": "lo"},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "id": "m"}},
        {"type": "response.completed", "response": {"status": "completed"}},
    )
    found: Any = understood("responses", body, SSE)
    assert found["streamed"] == [
        {"added": "message", "output_text.delta 0": "Hello", "done": {"type": "message", "id": "m"}}
    ]
    assert (found["ends"], found["final"]) == ("response.completed", {"status": "completed"})


def test_responses_an_error_event_is_seen() -> None:
    found: Any = understood("responses", stream({"type": "error", "code": "x"}), SSE)
    assert found == {"error": {"code": "x"}, "streamed": []}


def gemini(*parts: dict[str, Any], **more: object) -> dict[str, Any]:
    return {
        "candidates": [{"content": {"role": "model", "parts": list(parts)}, **more}],
        "usageMetadata": {"n": len(parts)},
    }


EVENTS = (
    gemini({"text": "Let me", "thought": True}),
    gemini({"text": " see", "thought": True}, {"text": "He"}),
    gemini({"text": "llo"}, {"functionCall": {"name": "f"}}),
    gemini(finishReason="STOP"),
)


def test_gemini_pieces_of_one_text_are_one_part() -> None:
    found: Any = understood("gemini", stream(*EVENTS), SSE)
    assert found["candidate"] == {
        "parts": [{"text": "Let me see", "thought": True}, {"text": "Hello"}, {"functionCall": {"name": "f"}}],
        "finishReason": "STOP",
    }
    assert found["usageMetadata"] == {"n": 0}


def test_gemini_an_array_is_understood_as_the_stream_that_it_is() -> None:
    assert understood("gemini", json.dumps(EVENTS).encode(), "application/json") == understood(
        "gemini", stream(*EVENTS), SSE
    )


def test_a_whole_answer_is_what_it_is() -> None:
    assert understood("chat", b'{"choices": []}', "application/json") == {"choices": []}
    assert understood("chat", b"<html>", "text/html") == "<html>"
