"""15 Errors, both ways."""

import pytest

from converters.anthropic.errors import error_event, error_in, read_error, write_error
from converters.errors import Failure, Kind, UpstreamError, failure_of
from converters.json_codec import JsonObject, dumps


def body(type_: str, message: str) -> bytes:
    return dumps({"type": "error", "error": {"type": type_, "message": message}, "request_id": "req_1"})


# --- of a provider ---


@pytest.mark.parametrize(
    ("status", "type_", "kind"),
    [
        (400, "invalid_request_error", Kind.BAD_REQUEST),
        (401, "authentication_error", Kind.AUTH),
        (402, "billing_error", Kind.PAYMENT),
        (403, "permission_error", Kind.FORBIDDEN),
        (404, "not_found_error", Kind.NOT_FOUND),
        (409, "conflict_error", Kind.SERVER),
        (413, "request_too_large", Kind.TOO_LARGE),
        (429, "rate_limit_error", Kind.RATE_LIMIT),
        (500, "api_error", Kind.SERVER),
        (504, "timeout_error", Kind.TIMEOUT),
        (529, "overloaded_error", Kind.OVERLOADED),
        (429, "overloaded_error", Kind.OVERLOADED),  # judged by the type first
        (429, "insufficient_quota", Kind.PAYMENT),
        (418, "teapot_error", Kind.BAD_REQUEST),
    ],
)
def test_15_2_an_error_is_read_by_its_type(status: int, type_: str, kind: Kind) -> None:
    error = read_error(status, {}, body(type_, "why"))
    assert (error.kind, error.status, error.code, str(error)) == (kind, status, type_, "why")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, Kind.BAD_REQUEST),
        (401, Kind.AUTH),
        (402, Kind.PAYMENT),
        (403, Kind.FORBIDDEN),
        (404, Kind.NOT_FOUND),
        (408, Kind.TIMEOUT),
        (409, Kind.SERVER),
        (413, Kind.TOO_LARGE),
        (422, Kind.BAD_REQUEST),
        (429, Kind.RATE_LIMIT),
        (502, Kind.SERVER),
        (503, Kind.OVERLOADED),
        (504, Kind.TIMEOUT),
        (529, Kind.OVERLOADED),
    ],
)
@pytest.mark.parametrize("text", [b"", b"oops", b'{"detail": "oops"}', b"[1]", b"\xff\xfe"])
def test_15_2_without_a_type_the_status_decides(status: int, kind: Kind, text: bytes) -> None:
    error = read_error(status, {"retry-after": "3"}, text)
    assert (error.kind, error.status, error.retry_after) == (kind, status, 3)
    assert str(status) in str(error)


def test_15_2_the_page_of_an_edge_is_read_by_its_title() -> None:
    page = b"<html><head><title>413 Request Entity Too Large</title></head><body><h1>nginx</h1></body></html>"
    error = read_error(413, {}, page)
    assert error.kind is Kind.TOO_LARGE
    assert str(error) == "413 Request Entity Too Large (HTTP 413)"


def test_15_2_a_page_without_a_title_gives_its_words_in_one_line() -> None:
    assert str(read_error(502, {}, b"<h1>Bad\r\n  gate&amp;way</h1>\x1b[31m")) == "Bad gate&way [31m (HTTP 502)"


@pytest.mark.parametrize(
    "text",
    [
        "Your credit balance is too low to access the Anthropic API.",
        "This workspace has reached its spend limit.",
        "Insufficient balance",
    ],
)
@pytest.mark.parametrize("status", [400, 403, 429])
def test_15_2_credit_texts_mean_the_account(text: str, status: int) -> None:
    assert read_error(status, {}, body("invalid_request_error", text)).kind is Kind.PAYMENT


@pytest.mark.parametrize(
    "text",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "context_length_exceeded",
        "This model's maximum context length is 8192 tokens",
        "input length and `max_tokens` exceed context limit: 190000 + 21333 > 200000",
    ],
)
def test_15_2_context_overflow_is_known_by_its_words(text: str) -> None:
    assert read_error(400, {}, body("invalid_request_error", text)).kind is Kind.CONTEXT_LENGTH
    assert read_error(413, {}, body("request_too_large", text)).kind is Kind.CONTEXT_LENGTH
    assert read_error(429, {}, body("rate_limit_error", text)).kind is Kind.RATE_LIMIT


def test_15_1_the_shape_of_other_gateways_is_read() -> None:
    error = read_error(400, {}, b'{"error": {"message": "too big", "code": "context_length_exceeded", "type": null}}')
    assert (error.kind, error.code) == (Kind.CONTEXT_LENGTH, "context_length_exceeded")
    assert str(read_error(500, {}, b'{"error": "plain"}')) == "plain"
    assert read_error(404, {}, b'{"error": {}, "type": "error"}').kind is Kind.NOT_FOUND


@pytest.mark.parametrize(
    ("type_", "kind", "status"),
    [
        ("overloaded_error", Kind.OVERLOADED, 529),
        ("rate_limit_error", Kind.RATE_LIMIT, 429),
        ("api_error", Kind.SERVER, 500),
        ("invalid_request_error", Kind.BAD_REQUEST, 400),
        ("new_error", Kind.SERVER, 500),
    ],
)
def test_15_3_an_error_within_a_stream_gets_the_status_it_would_have_had(type_: str, kind: Kind, status: int) -> None:
    error = error_in({"type": "error", "error": {"type": type_, "message": "m"}})
    assert error is not None
    assert (error.kind, error.status) == (kind, status)


@pytest.mark.parametrize("payload", [{"type": "message"}, {"type": "message", "error": None}, {}])
def test_15_2_what_is_no_error_is_none(payload: JsonObject) -> None:
    assert error_in(payload) is None


# --- to a client ---


@pytest.mark.parametrize(
    ("status", "told", "type_"),
    [
        (400, 400, "invalid_request_error"),
        (401, 401, "authentication_error"),
        (402, 402, "billing_error"),
        (403, 403, "permission_error"),
        (404, 404, "not_found_error"),
        (405, 405, "invalid_request_error"),
        (413, 413, "request_too_large"),
        (429, 429, "rate_limit_error"),
        (500, 500, "api_error"),
        (502, 502, "api_error"),
        (503, 529, "overloaded_error"),
        (504, 504, "timeout_error"),
        (529, 529, "overloaded_error"),
    ],
)
def test_15_2_an_error_is_written_in_its_shape(status: int, told: int, type_: str) -> None:
    assert write_error(Failure(status, "why"), "req_7") == (
        told,
        {"type": "error", "error": {"type": type_, "message": "why"}, "request_id": "req_7"},
    )


@pytest.mark.parametrize("kind", [Kind.AUTH, Kind.FORBIDDEN])
def test_15_2_a_dead_account_of_ours_is_no_401_and_no_overload(kind: Kind) -> None:
    status, error = write_error(failure_of(UpstreamError(kind, "refused", status=401)), "r")
    assert (status, error["error"]) == (500, {"type": "api_error", "message": "refused"})


def test_15_2_context_overflow_begins_with_the_words_that_agents_look_for() -> None:
    overflow = UpstreamError(Kind.CONTEXT_LENGTH, "maximum context length is 8192")
    status, error = write_error(failure_of(overflow), "r")
    assert status == 400
    assert error["error"] == {
        "type": "invalid_request_error",
        "message": "prompt is too long: maximum context length is 8192",
    }
    again = Failure(400, "Prompt is too long: 9 > 8", code="context_length_exceeded")
    assert write_error(again, "r")[1]["error"] == {
        "type": "invalid_request_error",
        "message": "Prompt is too long: 9 > 8",
    }


def test_17_the_field_is_named_in_the_message() -> None:
    for message, told in (("must be a list", "messages: must be a list"), ("`messages` is bad", "`messages` is bad")):
        error = write_error(Failure(400, message, param="messages"), "r")[1]["error"]
        assert error == {"type": "invalid_request_error", "message": told}


def test_15_3_the_error_event_has_no_status() -> None:
    assert error_event(Failure(503, "busy")) == {
        "type": "error",
        "error": {"type": "overloaded_error", "message": "busy"},
    }


def test_17_a_thread_nobody_keeps_is_refused_in_the_words_that_the_sdk_reads() -> None:
    """Its tool runner asks for one unless told not to, and then sends the whole history instead."""
    error = write_error(Failure(400, "no", param="thread", code="thread_unsupported_request"), "r")[1]["error"]
    assert error == {
        "type": "invalid_request_error",
        "message": "thread: no",
        "details": {"error_code": "thread_unsupported_request", "unsupported": ["thread"]},
    }
