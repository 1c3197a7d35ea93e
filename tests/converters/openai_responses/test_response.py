"""11, 13: the response object that a client is sent."""

import pytest

from converters.events import Finish, Start, StopReason, Usage
from converters.json_codec import JsonObject
from converters.openai_responses.response import Response, item_status
from converters.openai_responses.usage import write_usage
from converters.wire import Ask


def response(request: JsonObject | None = None, start: Start | None = None) -> Response:
    return Response(Ask("asked", lambda: "abc", lambda: 99, request=request or {}), start or Start("x", "theirs", 7))


BEGUN: JsonObject = {
    "id": "resp_abc",
    "object": "response",
    "created_at": 7,
    "completed_at": None,
    "status": "in_progress",
    "background": False,
    "error": None,
    "incomplete_details": None,
    "model": "asked",
    "output": [],
    "previous_response_id": None,
    "store": False,
    "instructions": None,
    "max_output_tokens": None,
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": None},
    "temperature": None,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": None,
    "truncation": "disabled",
    "user": None,
    "metadata": {},
    "usage": None,
}


def test_13_a_response_that_begins() -> None:
    assert response().begun() == BEGUN


def test_13_the_request_is_repeated() -> None:
    request: JsonObject = {
        "instructions": "be brief",
        "tools": [{"type": "web_search"}],
        "temperature": 0,
        "parallel_tool_calls": False,
        "metadata": {"a": "b"},
        "user": None,
        "store": True,
        "input": "hi",
        "model": "x",
    }
    repeated = {
        name: request[name] for name in ("instructions", "tools", "temperature", "parallel_tool_calls", "metadata")
    }
    assert response(request).begun() == BEGUN | repeated


def test_13_the_clock_is_asked_only_when_the_provider_names_no_time() -> None:
    assert response(start=Start()).begun()["created_at"] == 99


REASONS: list[tuple[StopReason, str, str | None]] = [
    ("stop", "completed", None),
    ("stop_sequence", "completed", None),
    ("length", "incomplete", "max_output_tokens"),
    ("tool_calls", "completed", None),
    ("content_filter", "incomplete", "content_filter"),
    ("refusal", "completed", None),
    ("pause", "completed", None),
    ("other", "completed", None),
]


@pytest.mark.parametrize(("reason", "status", "why"), REASONS)
def test_11_status(reason: StopReason, status: str, why: str | None) -> None:
    over = response().over(Finish(reason), [{"id": "i"}], Usage(3))
    assert over == BEGUN | {
        "status": status,
        "completed_at": 99 if status == "completed" else None,
        "incomplete_details": {"reason": why} if why else None,
        "output": [{"id": "i"}],
        "usage": write_usage(Usage(3)),
    }
    assert item_status(Finish(reason)) == status


def test_15_3_a_response_that_failed() -> None:
    error: JsonObject = {"code": "c", "message": "m"}
    assert response().failed(error, []) == BEGUN | {"status": "failed", "error": error}


def test_ids_of_items_differ() -> None:
    made = response()
    assert made.item_id("msg", 0) == "msg_abc00000000"
    assert len({made.item_id("msg", number) for number in range(20)}) == 20
