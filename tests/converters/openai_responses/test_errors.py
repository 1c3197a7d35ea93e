"""15: errors for the client, and what a provider's error says to do next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import ConversionError, Failure, Kind, UpstreamError, failure_of
from converters.json_codec import Json, JsonObject, dumps
from converters.openai_responses.errors import error_in_answer, error_object, failed_error, read_error, write_error


@pytest.mark.parametrize(
    ("failure", "status", "type_", "code"),
    [
        (Failure(400, "m"), 400, "invalid_request_error", None),
        (Failure(400, "m", code="unsupported_tool"), 400, "invalid_request_error", "unsupported_tool"),
        (Failure(401, "m"), 401, "invalid_request_error", "invalid_api_key"),
        (Failure(402, "m"), 402, "insufficient_quota", "insufficient_quota"),
        (Failure(403, "m"), 403, "permission_error", None),
        (Failure(404, "m"), 404, "invalid_request_error", "model_not_found"),
        (Failure(413, "m"), 413, "invalid_request_error", None),
        (Failure(429, "m"), 429, "rate_limit_error", "rate_limit_exceeded"),
        (Failure(500, "m"), 500, "server_error", None),
        (Failure(502, "m"), 502, "server_error", None),
        (Failure(503, "m", code="no_account"), 503, "server_error", "no_account"),
        (Failure(504, "m"), 504, "timeout", None),
        (Failure(529, "m"), 503, "server_error", None),
    ],
)
def test_15_2_errors_are_written_by_status(failure: Failure, status: int, type_: str, code: str | None) -> None:
    assert write_error(failure, "req_1") == (
        status,
        {"error": {"message": "m", "type": type_, "param": None, "code": code}},
    )


def test_15_1_a_conversion_error_names_its_field() -> None:
    status, body = write_error(failure_of(ConversionError("bad", param="input[2]", code="unsupported_content")), "")
    assert (status, body["error"]) == (
        400,
        {"message": "bad", "type": "invalid_request_error", "param": "input[2]", "code": "unsupported_content"},
    )


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Kind.CONTEXT_LENGTH, "context_length_exceeded"),
        (Kind.PAYMENT, "insufficient_quota"),
        (Kind.NOT_FOUND, "model_not_found"),
        (Kind.RATE_LIMIT, "rate_limit_exceeded"),
        (Kind.OVERLOADED, "own_word"),
    ],
)
def test_15_2_clients_act_on_openais_codes_whatever_the_providers_word(kind: Kind, code: str) -> None:
    failure = failure_of(UpstreamError(kind, "m", code="own_word"))
    assert failed_error(failure) == {"code": code, "message": "m"}
    assert write_error(failure, "")[1]["error"]["code"] == code  # type: ignore[index, call-overload]


def test_15_3_a_failed_response_always_has_a_code() -> None:
    assert failed_error(Failure(502, "cut")) == {"code": "server_error", "message": "cut"}


def read(status: int, body: Json | bytes, headers: dict[str, str] | None = None) -> UpstreamError:
    return read_error(status, headers or {}, body if isinstance(body, bytes) else dumps(body))


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
        (500, Kind.SERVER),
        (503, Kind.OVERLOADED),
        (504, Kind.TIMEOUT),
        (529, Kind.OVERLOADED),
        (302, Kind.SERVER),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html><body>oops</body></html>", b'{"error":{"message":"m"}}', b"[]", b"5"])
def test_15_2_without_a_word_the_status_decides(status: int, kind: Kind, body: bytes) -> None:
    error = read(status, body)
    assert (error.kind, error.status) == (kind, status)
    assert str(error)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, {"type": "insufficient_quota", "code": "insufficient_quota", "message": "m"}, Kind.PAYMENT),
        (429, {"message": "You exceeded your current quota, please check your plan"}, Kind.PAYMENT),
        (429, {"code": "credit_balance_exhausted", "message": "m"}, Kind.PAYMENT),
        (429, {"type": "tokens", "code": "rate_limit_exceeded", "message": "m"}, Kind.RATE_LIMIT),
        (400, {"code": "context_length_exceeded", "message": "m"}, Kind.CONTEXT_LENGTH),
        (400, {"message": "Your input exceeds the context window of this model."}, Kind.CONTEXT_LENGTH),
        (400, {"code": "invalid_encrypted_content", "message": "m"}, Kind.BAD_REQUEST),
        (403, {"code": "model_not_found", "message": "m"}, Kind.NOT_FOUND),
        (500, {"code": "rate_limit_exceeded", "message": "m"}, Kind.RATE_LIMIT),
    ],
)
def test_15_2_the_body_says_more_than_the_status(status: int, error: JsonObject, kind: Kind) -> None:
    assert read(status, {"error": error}).kind is kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "m"}, Kind.SERVER),
        ({"code": "rate_limit_exceeded", "message": "m"}, Kind.RATE_LIMIT),
        ({"code": "invalid_prompt", "message": "m"}, Kind.BAD_REQUEST),
        ({"code": "invalid_image_url", "message": "m"}, Kind.BAD_REQUEST),
        ({"code": "vector_store_timeout", "message": "m"}, Kind.TIMEOUT),
        ({"type": "invalid_request_error", "message": "m"}, Kind.BAD_REQUEST),
        ({"message": "maximum context length"}, Kind.CONTEXT_LENGTH),
        ("plain words", Kind.SERVER),
        ({}, Kind.SERVER),
    ],
)
def test_15_3_without_a_status_the_code_decides(error: Json, kind: Kind) -> None:
    read = error_in_answer(error)
    assert (read.kind, read.status) == (kind, None)
    assert str(read)


def test_15_2_the_message_and_the_wait_are_kept() -> None:
    error = read(429, {"error": {"message": "Rate limit reached. Please try again in 1.2s.", "code": "slow_down"}})
    assert (str(error), error.retry_after, error.code) == (
        "Rate limit reached. Please try again in 1.2s.",
        1.2,
        "slow_down",
    )
    assert read(503, b"", {"retry-after": "7"}).retry_after == 7


def test_15_2_a_page_is_read_as_a_person_would() -> None:
    page = b"<html><style>b{}</style><h1>413</h1> Request &amp; Entity Too Large</html>"
    assert str(read(413, page)) == "413 Request & Entity Too Large (HTTP 413)"


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        ({"type": "error", "code": "c", "message": "m"}, {"code": "c", "message": "m", "param": None}),
        ({"type": "error", "error": {"code": "c"}, "sequence_number": 3}, {"code": "c"}),
        ({"type": "response.failed", "response": {"error": {"code": "c"}}}, {"code": "c"}),
        ({"type": "response.failed", "response": {"error": None}}, {}),
        ({"type": "response.failed"}, {}),
        ({"error": {"code": "c"}}, {"code": "c"}),
        ({"status": "failed", "error": None}, {}),
        ({"status": "completed", "error": None}, None),
        ({"type": "response.completed", "response": {"error": None}}, None),
    ],
)
def test_15_3_errors_are_flat_or_nested(payload: JsonObject, error: Json) -> None:
    assert error_object(payload) == error


JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "message", "code", "type", "detail"]), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(st.integers(300, 599), JSON)
def test_15_2_any_error_answer_can_be_read(status: int, body: Json) -> None:
    assert str(read(status, body))
    assert str(error_in_answer(body))
