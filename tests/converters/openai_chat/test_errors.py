"""15: errors for the client, and what a provider's error says to do next."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import ConversionError, Failure, Kind, UpstreamError, failure_of
from converters.json_codec import Json, JsonObject, dumps
from converters.openai_chat.errors import error_in_answer, read_error, write_error


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
        (Failure(422, "m"), 422, "invalid_request_error", None),
        (Failure(429, "m"), 429, "rate_limit_error", "rate_limit_exceeded"),
        (Failure(500, "m"), 500, "server_error", None),
        (Failure(502, "m"), 502, "server_error", None),
        (Failure(503, "m"), 503, "server_error", None),
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


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (Kind.CONTEXT_LENGTH, 400, "context_length_exceeded"),
        (Kind.PAYMENT, 402, "insufficient_quota"),
        (Kind.NOT_FOUND, 404, "model_not_found"),
        (Kind.RATE_LIMIT, 429, "rate_limit_exceeded"),
        (Kind.AUTH, 503, "own_word"),
        (Kind.OVERLOADED, 503, "own_word"),
    ],
)
def test_15_2_clients_act_on_openais_codes_whatever_the_providers_word(kind: Kind, status: int, code: str) -> None:
    written, body = write_error(failure_of(UpstreamError(kind, "m", code="own_word")), "")
    assert (written, body["error"]) == (status, {**body["error"], "code": code})  # type: ignore[dict-item]


def test_15_1_a_conversion_error_names_its_field() -> None:
    error = ConversionError("bad", param="messages[2].content[0]", code="unsupported_content")
    assert write_error(failure_of(error), "") == (
        400,
        {
            "error": {
                "message": "bad",
                "type": "invalid_request_error",
                "param": "messages[2].content[0]",
                "code": "unsupported_content",
            }
        },
    )


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
        (405, Kind.BAD_REQUEST),
        (408, Kind.TIMEOUT),
        (413, Kind.TOO_LARGE),
        (422, Kind.BAD_REQUEST),
        (429, Kind.RATE_LIMIT),
        (500, Kind.SERVER),
        (502, Kind.SERVER),
        (503, Kind.OVERLOADED),
        (504, Kind.TIMEOUT),
        (529, Kind.OVERLOADED),
        (302, Kind.SERVER),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html><body>oops</body></html>", b'{"error":{"message":"m"}}'])
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
        (403, {"code": "insufficient_quota", "message": "m"}, Kind.PAYMENT),
        (403, {"message": "Free allocated quota exceeded."}, Kind.PAYMENT),
        (400, {"message": "Your credit balance is too low to access the API"}, Kind.PAYMENT),
        (400, {"code": "context_length_exceeded", "message": "m"}, Kind.CONTEXT_LENGTH),
        (400, {"message": "This model's maximum context length is 8192 tokens"}, Kind.CONTEXT_LENGTH),
        (400, {"message": "prompt is too long: 210000 tokens > 200000"}, Kind.CONTEXT_LENGTH),
        (400, {"message": "Input is too long for requested model."}, Kind.CONTEXT_LENGTH),
        (400, {"message": "Range of input length should be [1, 98304]"}, Kind.CONTEXT_LENGTH),
        (413, {"message": "the context window is 4096"}, Kind.CONTEXT_LENGTH),
        (422, {"message": "exceeds the context length"}, Kind.CONTEXT_LENGTH),
        (429, {"message": "too many tokens for your context length tier"}, Kind.RATE_LIMIT),
        (400, {"code": "invalid_api_key", "message": "m"}, Kind.AUTH),
        (403, {"code": "model_not_found", "message": "m"}, Kind.NOT_FOUND),
        (400, {"code": "rate_limit_exceeded", "message": "m"}, Kind.RATE_LIMIT),
        (429, {"type": "overloaded_error", "message": "m"}, Kind.OVERLOADED),
        (429, {"type": "tokens", "message": "m"}, Kind.RATE_LIMIT),
        (401, {"type": "invalid_request_error", "message": "m"}, Kind.AUTH),
        (500, {"type": "invalid_request_error", "message": "m"}, Kind.SERVER),
        (503, {"code": "slow_down", "message": "m"}, Kind.RATE_LIMIT),
    ],
)
def test_15_2_the_body_is_asked_before_the_status(status: int, error: JsonObject, kind: Kind) -> None:
    assert read(status, {"error": error}).kind is kind


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        ({"error": {"message": "m", "code": "c"}}, "m", "c"),
        ({"error": {"message": "m", "code": 400}}, "m", None),
        ({"error": "m"}, "m", None),
        ({"error": "invalid", "error_description": "m"}, "m", None),
        ({"code": "Throttling", "message": "m", "request_id": "r"}, "m", "Throttling"),
        ({"message": "m"}, "m", None),
        ({"detail": "m"}, "m", None),
        ({"detail": [{"loc": ["body"], "msg": "m"}]}, "m", None),
        ({"errors": [{"message": "m"}]}, "m", None),
        ([{"error": {"message": "m"}}], "m", None),
        ({"error": {"message": {"message": "m"}}}, "m", None),
        ("m", "m", None),
        (
            b"<html><head><title>502</title><style>a{}</style></head><body>\n Bad\n gateway</body>",
            "502 Bad gateway",
            None,
        ),
        (b"\xff\xfe not json", "\ufffd\ufffd not json", None),
        ({}, "the provider answered 418", None),
        ([], "the provider answered 418", None),
        ({"error": {"message": 3}}, "the provider answered 418", None),
    ],
)
def test_15_2_error_bodies_of_any_vendor_are_read(body: Json | bytes, message: str, code: str | None) -> None:
    error = read(418, body)
    assert (str(error), error.code) == (message, code)


def test_15_2_a_page_in_the_way_is_kept_short() -> None:
    assert len(str(read(502, b"x" * 100_000))) == 2000


def test_15_2_retry_after_comes_from_headers_and_message() -> None:
    assert read(429, {"error": {"message": "m"}}, {"retry-after": "7"}).retry_after == 7.0
    assert read(429, {"error": {"message": "Please try again in 20s."}}).retry_after == 20.0
    assert read(429, {"error": {"message": "m"}}).retry_after is None


def test_15_2_a_quota_of_googles_compatible_endpoint_that_ends_soon_is_a_rate_limit() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.Help"}, {"retryDelay": "37s"}]
    error = {"code": 429, "message": "You exceeded your current quota", "status": "RESOURCE_EXHAUSTED"}
    assert read(429, [{"error": error}]).kind is Kind.PAYMENT
    said = read(429, [{"error": error | {"details": details}}])
    assert (said.kind, said.retry_after) == (Kind.RATE_LIMIT, 37.0)


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ({"error": {"message": "m", "code": 503}}, Kind.OVERLOADED, 503),
        ({"error": {"message": "m", "code": "429"}}, Kind.RATE_LIMIT, 429),
        ({"error": {"message": "m", "status_code": 400}}, Kind.BAD_REQUEST, 400),
        ({"error": {"message": "m", "type": "invalid_request_error"}}, Kind.BAD_REQUEST, None),
        ({"error": {"message": "prompt is too long"}}, Kind.CONTEXT_LENGTH, None),
        ({"error": {"message": "m", "type": "server_error"}}, Kind.SERVER, None),
        ({"error": {"message": "m", "type": "timeout"}}, Kind.TIMEOUT, None),
        ({"error": {"message": "m", "code": 12}}, Kind.SERVER, None),
        ({}, Kind.SERVER, None),
    ],
)
def test_15_3_in_an_answer_the_error_object_alone_decides(body: JsonObject, kind: Kind, status: int | None) -> None:
    error = error_in_answer(body)
    assert (error.kind, error.status) == (kind, status)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["error", "errors", "message", "code", "type", "detail", "status", "x_groq", "msg"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)


@given(st.integers(300, 599), JSON.map(dumps) | st.binary(max_size=20))
def test_15_2_any_error_body_gives_an_upstream_error_with_a_message(status: int, body: bytes) -> None:
    error = read_error(status, {}, body)
    assert str(error)
    assert error.status == status
