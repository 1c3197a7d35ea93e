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
    assert found["usage"] == {"total_tokens": 3}
    assert found["events"] == ["role content", "content", "tool_calls", "finish_reason", "usage", "[DONE]"]


def test_chat_an_error_inside_the_stream_is_seen() -> None:
    found: Any = understood("chat", stream(chunk({"content": "He"}), {"error": {"type": "server_error"}}), SSE)
    assert found["error"] == {"type": "server_error"}
    assert found["events"] == ["content", "error"]


def test_anthropic_blocks_and_deltas_are_put_together() -> None:
    found: Any = understood("anthropic", b"".join(ANTHROPIC_STREAM), SSE)
    assert found["content"] == [{"type": "text", "text": "It rains."}]
    assert (found["stop_reason"], found["usage"]) == ("end_turn", {"input_tokens": 11, "output_tokens": 7})
    block = ("content_block_start 0", "content_block_delta 0", "content_block_stop 0")
    assert found["events"] == ["message_start", *block, "message_delta", "message_stop"]


def test_anthropic_a_frame_with_the_wrong_name_shows() -> None:
    """Anthropic's own SDK goes by the name and not by the type."""
    found: Any = understood("anthropic", b'event: message\ndata: {"type": "message_stop"}\n\n', SSE)
    assert found["events"] == ["message_stop as 'message'"]


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


def named(*payloads: dict[str, Any]) -> bytes:
    return b"".join(f"event: {each['type']}\n".encode() + stream(each) for each in payloads)


def test_responses_everything_stands_beside_the_final_answer() -> None:
    """A client may read either, and wait for any of the events."""
    text = {"output_index": 0, "content_index": 0}
    body = named(
        {"type": "response.created", "sequence_number": 0, "response": {"status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}},
        {"type": "response.output_text.delta", **text, "delta": "Hel", "sequence_number": 2},
        {"type": "response.output_text.delta", **text, "delta": "lo", "sequence_number": 3},
        {"type": "response.output_text.done", **text, "text": "Hello"},
        {"type": "response.output_item.done", "output_index": 0, "item": {"type": "message", "id": "m"}},
        {"type": "response.completed", "response": {"status": "completed"}},
    )
    found: Any = understood("responses", body, SSE)
    assert found["created"] == {"status": "in_progress"}
    assert found["streamed"] == [
        {
            "output_item.added": {"output_index": 0, "item": {"type": "message"}},
            "output_text.delta 0": "Hello",
            "output_text.done 0": {**text, "text": "Hello"},
            "output_item.done": {"output_index": 0, "item": {"type": "message", "id": "m"}},
        }
    ]
    assert (found["ends"], found["final"]) == ("response.completed", {"status": "completed"})
    assert found["events"] == [
        "response.created",
        *("response.output_item.added 0", "response.output_text.delta 0 0"),
        *("response.output_text.done 0 0", "response.output_item.done 0"),
        "response.completed",
    ]


def test_responses_an_error_event_is_seen() -> None:
    found: Any = understood("responses", named({"type": "error", "code": "x"}), SSE)
    assert found == {"error": {"code": "x"}, "streamed": [], "events": ["error"]}


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
    parts = [{"text": "Let me see", "thought": True}, {"text": "Hello"}, {"functionCall": {"name": "f"}}]
    assert found["candidates"] == [{"parts": parts, "finishReason": "STOP"}]
    assert found["usageMetadata"] == {"n": 0}
    assert found["events"] == ["text thought", "text", "functionCall", "finishReason"]


def test_gemini_every_candidate_counts() -> None:
    def candidate(index: int, text: str) -> dict[str, Any]:
        return {"index": index, "content": {"parts": [{"text": text}]}}

    found: Any = understood("gemini", stream({"candidates": [candidate(0, "a"), candidate(1, "b")]}), SSE)
    assert [each["parts"] for each in found["candidates"]] == [[{"text": "a"}], [{"text": "b"}]]


def test_code_assist_every_frame_is_taken_out_of_its_envelope() -> None:
    enclosed = [{"response": each, "traceId": "t"} for each in EVENTS]
    plain = understood("gemini", stream(*EVENTS), SSE)
    assert understood("gemini", stream(*enclosed), SSE, enclosed=True) == plain
    assert understood("gemini", b'{"response": {"a": 1}}', "application/json", enclosed=True) == {"a": 1}
    error = b'{"error": {"code": 500}}'
    assert understood("gemini", error, "application/json", enclosed=True) == {"error": {"code": 500}}


def test_gemini_an_array_is_understood_as_the_stream_that_it_is() -> None:
    assert understood("gemini", json.dumps(EVENTS).encode(), "application/json") == understood(
        "gemini", stream(*EVENTS), SSE
    )


def test_a_whole_answer_is_what_it_is() -> None:
    assert understood("chat", b'{"choices": []}', "application/json") == {"choices": []}
    assert understood("chat", b"<html>", "text/html") == "<html>"
