"""20.4 The Responses checker itself: a right stream passes, every kind of wrong one is refused with its reason."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.grammar_responses import check_responses_stream, fold_responses_answer

type Frames = list[dict[str, Any]]

USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 2,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 5,
}
BASE: dict[str, Any] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 7,
    "completed_at": None,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": None,
    "model": "m",
    "output": [],
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": None,
    "status": "in_progress",
    "store": False,
    "temperature": None,
    "text": None,
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}
PART = {"type": "output_text", "text": "hi", "annotations": [], "logprobs": []}
REASONING = {
    "id": "rs_1",
    "type": "reasoning",
    "summary": [{"type": "summary_text", "text": "Hm."}],
    "encrypted_content": "v",
}
MESSAGE = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant", "content": [PART]}
CALL = {"id": "fc_1", "type": "function_call", "status": "completed", "call_id": "c", "name": "f", "arguments": "{}"}


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", **fields}


def right() -> Frames:
    """Three items: frames 2-7 reasoning, 8-14 a message, 15-18 a call; 19 is the end."""
    rs: dict[str, Any] = {"item_id": "rs_1", "output_index": 0, "summary_index": 0}
    msg: dict[str, Any] = {"item_id": "msg_1", "output_index": 1, "content_index": 0}
    fc: dict[str, Any] = {"item_id": "fc_1", "output_index": 2}
    empty = {**PART, "text": ""}
    output = [REASONING, MESSAGE, CALL]
    return copy.deepcopy(
        [
            event("created", response=BASE),
            event("in_progress", response=BASE),
            event("output_item.added", output_index=0, item={"id": "rs_1", "type": "reasoning", "summary": []}),
            event("reasoning_summary_part.added", **rs, part={"type": "summary_text", "text": ""}),
            event("reasoning_summary_text.delta", **rs, delta="Hm."),
            event("reasoning_summary_text.done", **rs, text="Hm."),
            event("reasoning_summary_part.done", **rs, part=REASONING["summary"][0]),
            event("output_item.done", output_index=0, item=REASONING),
            event("output_item.added", output_index=1, item={**MESSAGE, "status": "in_progress", "content": []}),
            event("content_part.added", **msg, part=empty),
            event("output_text.delta", **msg, delta="h", logprobs=[]),
            event("output_text.delta", **msg, delta="i", logprobs=[]),
            event("output_text.done", **msg, text="hi", logprobs=[]),
            event("content_part.done", **msg, part=PART),
            event("output_item.done", output_index=1, item=MESSAGE),
            event("output_item.added", output_index=2, item={**CALL, "status": "in_progress", "arguments": ""}),
            event("function_call_arguments.delta", **fc, delta="{}"),
            event("function_call_arguments.done", **fc, arguments="{}", name="f"),
            event("output_item.done", output_index=2, item=CALL),
            event("completed", response={**BASE, "status": "completed", "output": output, "usage": USAGE}),
        ]
    )


def raw(frames: Frames, *, number: bool = True) -> bytes:
    sent = b""
    for place, frame in enumerate(frames):
        body = {"sequence_number": place, **frame} if number else frame
        sent += f"event: {frame['type']}\ndata: {json.dumps(body)}\n\n".encode()
    return sent


def test_a_right_stream_is_folded() -> None:
    folded = check_responses_stream(b": keep-alive\n\n" + raw(right()))
    assert folded.content == {
        "text": "hi",
        "thinking": "Hm.",
        "refusal": "",
        "signatures": ["v"],
        "redacted": [],
        "calls": [("f", {})],
        "stop": "completed",
        "stop_sequence": None,
        "usage": USAGE,
    }
    assert folded.parts == [("thinking", "Hm."), ("text", "hi"), ("call", "f")]
    assert fold_responses_answer(right()[-1]["response"]).content == folded.content


def _set(place: int, *path: Any) -> Callable[[Frames], None]:
    """The last of `path` is the value for the field that the others lead to."""

    def change(frames: Frames) -> None:
        holder: Any = frames[place]
        for key in path[:-2]:
            holder = holder[key]
        holder[path[-2]] = path[-1]

    return change


def _delete(*places: int) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        for place in sorted(places, reverse=True):
            del frames[place]

    return change


def _repeat(place: int) -> Callable[[Frames], None]:
    return lambda frames: frames.insert(place + 1, copy.deepcopy(frames[place]))


FAULTS: dict[str, tuple[Callable[[Frames], None], str]] = {
    "numbers with a gap": (_set(4, "sequence_number", 9), "expected 4"),
    "no created": (_delete(0), "follows response.created"),
    "no in_progress": (_delete(1), "come first"),
    "created twice": (_repeat(0), "comes first and once"),
    "it begins with output": (_set(0, "response", "output", [MESSAGE]), "empty output"),
    "a field is missing": (lambda frames: frames[0]["response"].pop("tools"), "lacks ['tools']"),
    "the id changes": (_set(19, "response", "id", "resp_2"), "must not change"),
    "output_text on the wire": (_set(19, "response", "output_text", "hi"), "no field of the wire"),
    "an index is skipped": (_set(8, "output_index", 2), "output_index 2"),
    "an item is left open": (_delete(14), "still open"),
    "a part is left open": (_delete(13), "still open"),
    "an item of another id": (_set(10, "item_id", "msg_2"), "not the open item's"),
    "an id of the wrong kind": (_set(2, "item", "id", "x"), "id 'x'"),
    "two items with one id": (_set(8, "item", "id", "rs_1"), "id 'rs_1'"),
    "an item that starts with text": (_set(8, "item", "content", [PART]), "starts with content"),
    "a part that starts with text": (_set(9, "part", "text", "h"), "a part starts as"),
    "a delta is lost": (_delete(11), "not the joined deltas"),
    "the part differs": (_set(13, "part", "text", "ho"), "not the done value"),
    "the item differs": (_set(14, "item", "content", []), "what the done parts were"),
    "the summary differs": (_set(7, "item", "summary", []), "what the done parts were"),
    "arguments differ": (_set(18, "item", "arguments", '{"a":1}'), "not the done value"),
    "no arguments.done": (_delete(17), "no arguments done event"),
    "arguments.done without name": (_set(17, "name", None), "no name"),
    "the call_id changes": (_set(18, "item", "call_id", "d"), "call_id changed"),
    "a delta after done": (lambda frames: frames.insert(13, frames[10]), "after its done"),
    "a delta of another kind": (
        _set(10, "type", "response.refusal.delta"),
        "output_text is open",
    ),
    "an unknown event": (_set(10, "type", "response.invented"), "unknown event"),
    "output is not what was done": (_set(19, "response", "output", [MESSAGE]), "what the done items were"),
    "output is empty": (_set(19, "response", "output", []), "what the done items were"),
    "usage does not add up": (_set(19, "response", "usage", "total_tokens", 9), "not the sum"),
    "no end": (_delete(19), "does not end with a terminal event"),
    "two ends": (_repeat(19), "follows the terminal event"),
    "status is not the event's": (_set(19, "response", "status", "incomplete"), "expected 'completed'"),
    "an incomplete one that is complete": (
        _set(19, "response", "incomplete_details", {"reason": "x"}),
        "incomplete_details",
    ),
}


@pytest.mark.parametrize(("fault", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_wrong_stream_is_refused(fault: Callable[[Frames], None], reason: str) -> None:
    frames = right()
    fault(frames)
    with pytest.raises(AssertionError, match=re.escape(reason)):
        check_responses_stream(raw(frames))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda sent: sent + b"data: [DONE]\n\n", "one `event:` and one `data:` line"),
        (lambda sent: sent.replace(b"event: response.created\n", b""), "one `event:` and one `data:` line"),
        (lambda sent: sent.replace(b"event: response.created", b"event: response.begun"), "event and type differ"),
        (lambda sent: sent[:-1], "inside a frame"),
    ],
)
def test_wrong_frames_are_refused(change: Callable[[bytes], bytes], reason: str) -> None:
    with pytest.raises(AssertionError, match=re.escape(reason)):
        check_responses_stream(change(raw(right())))


def failed() -> Frames:
    broken = {**BASE, "status": "failed", "error": {"code": "server_error", "message": "cut"}, "output": [REASONING]}
    return [*right()[:11], event("failed", response=broken)]


def test_a_broken_stream_ends_with_its_error() -> None:
    folded = check_responses_stream(raw(failed()), broken=True)
    assert folded.error == {"code": "server_error", "message": "cut"}
    with pytest.raises(AssertionError, match="ends with an error"):
        check_responses_stream(raw(failed()))
    with pytest.raises(AssertionError, match="must end with"):
        check_responses_stream(raw(right()), broken=True)


def test_an_answer_that_was_cut_may_hold_half_a_call() -> None:
    half = {**CALL, "arguments": '{"a', "status": "incomplete"}
    whole = {**BASE, "output": [half], "usage": USAGE}
    cut = {**whole, "status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
    assert fold_responses_answer(cut).stop == "max_output_tokens"
    with pytest.raises(AssertionError, match="not JSON"):
        fold_responses_answer({**whole, "status": "completed", "output": [{**half, "status": "completed"}]})
    with pytest.raises(AssertionError, match="expected 'incomplete'"):
        fold_responses_answer({**cut, "output": [{**half, "status": "completed"}]})
