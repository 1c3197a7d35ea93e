"""15, and the contract's error table: reason first, then words, then name, then status."""

import json

import pytest

from converters.errors import Kind, UpstreamError, failure_of
from converters.json_codec import JsonObject
from converters.kiro.errors import error_in_frame, error_name, read_error
from converters.openai_chat import WIRE as CHAT

NAMED = "com.amazon.aws.codewhisperer#"


def http(status: int, name: str = "", message: str = "", reason: str | None = None, **headers: str) -> UpstreamError:
    fields = {"__type": name and NAMED + name, "message": message, "reason": reason}
    body = json.dumps({key: value for key, value in fields.items() if value}).encode()
    return read_error(status, {key.replace("_", "-"): value for key, value in headers.items()}, body)


@pytest.mark.parametrize(
    ("status", "name", "message", "reason", "kind", "code"),
    [
        (400, "ValidationException", "x", "CONTENT_LENGTH_EXCEEDS_THRESHOLD", Kind.CONTEXT_LENGTH, None),
        (400, "ValidationException", "x", "INVALID_CONVERSATION_ID", Kind.BAD_REQUEST, None),
        (400, "ValidationException", "x", "INVALID_KMS_GRANT", Kind.FORBIDDEN, None),
        (400, "ValidationException", "x", "INVALID_MODEL_ID", Kind.NOT_FOUND, None),
        (400, "ValidationException", "x", "REQUEST_BODY_INVALID", Kind.BAD_REQUEST, None),
        (400, "ValidationException", "Improperly formed request.", None, Kind.BAD_REQUEST, "ValidationException"),
        (400, "ValidationException", "Input is too long.", None, Kind.CONTEXT_LENGTH, "ValidationException"),
        (
            400,
            "ValidationException",
            "profileArn is required for this request.",
            None,
            Kind.FORBIDDEN,
            "profile_required",
        ),
        (403, "AccessDeniedException", "x", "FEATURE_NOT_SUPPORTED", Kind.FORBIDDEN, None),
        (403, "AccessDeniedException", "x", "TEMPORARILY_SUSPENDED", Kind.FORBIDDEN, "suspended"),
        (403, "AccessDeniedException", "Your User ID temporarily is suspended", None, Kind.FORBIDDEN, "suspended"),
        (
            403,
            "AccessDeniedException",
            "x",
            "UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS",
            Kind.FORBIDDEN,
            None,
        ),
        (
            403,
            "AccessDeniedException",
            "The bearer token included in the request is invalid.",
            None,
            Kind.AUTH,
            "AccessDeniedException",
        ),
        (
            401,
            "AccessDeniedException",
            "The bearer token included in the request is expired.",
            None,
            Kind.AUTH,
            "AccessDeniedException",
        ),
        (
            403,
            "AccessDeniedException",
            "User is not authorized to make this call.",
            None,
            Kind.FORBIDDEN,
            "AccessDeniedException",
        ),
        (403, "ExpiredTokenException", "x", None, Kind.AUTH, "ExpiredTokenException"),
        (401, "", "", None, Kind.AUTH, None),
        (429, "ThrottlingException", "slow", None, Kind.RATE_LIMIT, "ThrottlingException"),
        (429, "ThrottlingException", "slow", "DAILY_REQUEST_COUNT", Kind.RATE_LIMIT, None),
        (429, "ThrottlingException", "slow", "MONTHLY_REQUEST_COUNT", Kind.PAYMENT, None),
        (400, "ThrottlingException", "slow", "MONTHLY_REQUEST_COUNT", Kind.PAYMENT, None),
        (429, "ThrottlingException", "slow", "INSUFFICIENT_MODEL_CAPACITY", Kind.OVERLOADED, None),
        (400, "ThrottlingException", "slow", None, Kind.RATE_LIMIT, "ThrottlingException"),
        (402, "ServiceQuotaExceededException", "x", "MONTHLY_REQUEST_COUNT", Kind.PAYMENT, None),
        (402, "ServiceQuotaExceededException", "x", "OVERAGE_REQUEST_LIMIT_EXCEEDED", Kind.PAYMENT, None),
        (402, "ServiceQuotaExceededException", "x", None, Kind.PAYMENT, "ServiceQuotaExceededException"),
        (429, "ServiceQuotaExceededException", "x", None, Kind.RATE_LIMIT, "ServiceQuotaExceededException"),
        (400, "ServiceQuotaExceededException", "x", "CONVERSATION_LIMIT_EXCEEDED", Kind.BAD_REQUEST, None),
        (404, "ResourceNotFoundException", "x", None, Kind.NOT_FOUND, "ResourceNotFoundException"),
        (409, "ConflictException", "x", "CUSTOMER_KMS_KEY_DISABLED", Kind.FORBIDDEN, None),
        (409, "ConflictException", "x", None, Kind.FORBIDDEN, "ConflictException"),
        (500, "InternalServerException", "x", "MODEL_TEMPORARILY_UNAVAILABLE", Kind.OVERLOADED, None),
        (
            500,
            "InternalServerException",
            "Encountered unexpectedly high load when processing the request",
            None,
            Kind.OVERLOADED,
            "InternalServerException",
        ),
        (500, "InternalServerException", "x", None, Kind.SERVER, "InternalServerException"),
        (503, "ServiceUnavailableException", "x", None, Kind.OVERLOADED, "ServiceUnavailableException"),
        (500, "ServiceUnavailableException", "x", None, Kind.OVERLOADED, "ServiceUnavailableException"),
        (412, "DryRunOperationException", "x", None, Kind.BAD_REQUEST, "DryRunOperationException"),
        (429, "ThrottlingError", "slow", None, Kind.RATE_LIMIT, "ThrottlingError"),
        (402, "", "", None, Kind.PAYMENT, None),
        (413, "", "", None, Kind.TOO_LARGE, None),
        (418, "", "", None, Kind.BAD_REQUEST, None),
        (502, "", "", None, Kind.SERVER, None),
        (504, "", "", None, Kind.TIMEOUT, None),
        (429, "ThrottlingException", "slow", "A_NEW_REASON", Kind.RATE_LIMIT, None),
    ],
)
def test_5_the_table_of_errors(
    status: int, name: str, message: str, reason: str | None, kind: Kind, code: str | None
) -> None:
    error = http(status, name, message, reason)
    assert (error.kind, error.status, error.code) == (kind, status, code or reason)
    assert error.retry_after is None


def test_5_the_name_stands_in_a_header_or_in_the_body() -> None:
    header = http(400, x_amzn_errortype="ThrottlingException:http://internal.amazon.com/coral/")
    assert (header.kind, header.code) == (Kind.RATE_LIMIT, "ThrottlingException")
    code = read_error(400, {}, b'{"code":"ThrottlingException","Message":"slow"}')
    assert (code.kind, str(code)) == (Kind.RATE_LIMIT, "slow")


@pytest.mark.parametrize("name", ["a.b#XException", "XException:http://y", "a#XException:z", "XException"])
def test_5_a_name_is_cut_out(name: str) -> None:
    assert error_name(name) == "XException"


def test_5_retry_after_is_obeyed() -> None:
    assert http(429, "ThrottlingException", "slow", retry_after="7").retry_after == 7.0


def test_5_a_page_of_a_load_balancer() -> None:
    error = read_error(502, {}, b"<html><head><title>502 Bad&nbsp;Gateway</title></head><body>x</body></html>")
    assert (error.kind, str(error)) == (Kind.SERVER, "502 Bad Gateway")
    assert str(read_error(500, {}, b"\xff oops")) == "\ufffd oops"


@pytest.mark.parametrize(
    ("status", "body", "words"), [(403, b"", "HTTP 403"), (429, b"[]", "HTTP 429"), (500, b"{}", "HTTP 500")]
)
def test_5_an_error_without_words_names_its_status(status: int, body: bytes, words: str) -> None:
    assert words in str(read_error(status, {}, body))


@pytest.mark.parametrize(
    "message",
    [
        "User: arn:aws:codewhisperer:us-east-1:123456789012:profile/SECRET is not authorized",
        "Your User ID (d-secret.1) temporarily is suspended",
        "Account 123456789012 has SECRETs",
    ],
)
def test_15_2_account_ids_are_taken_out(message: str) -> None:
    said = str(http(403, "AccessDeniedException", message))
    assert "123456789012" not in said
    assert "SECRET " not in said
    assert "d-secret" not in said


@pytest.mark.parametrize(
    ("name", "payload", "kind", "status"),
    [
        ("ThrottlingException", {"message": "slow"}, Kind.RATE_LIMIT, 429),
        ("throttlingException", {"message": "slow"}, Kind.RATE_LIMIT, 429),
        ("InternalServerException", {"message": "x", "reason": "MODEL_TEMPORARILY_UNAVAILABLE"}, Kind.OVERLOADED, 500),
        ("error", {"message": "x"}, Kind.SERVER, 500),
        ("ValidationException", {"message": "x"}, Kind.BAD_REQUEST, 400),
        ("ContentLengthExceededException", {}, Kind.CONTEXT_LENGTH, 400),
        ("AccessDeniedException", {"message": "The bearer token included in the request is invalid."}, Kind.AUTH, 403),
        ("WhoKnowsException", {"message": "x"}, Kind.SERVER, 500),
        ("", {"__type": "a#ValidationException"}, Kind.BAD_REQUEST, 400),
        ("", {}, Kind.SERVER, 500),
    ],
)
def test_5_frames_use_the_same_names(name: str, payload: JsonObject, kind: Kind, status: int) -> None:
    error = error_in_frame(name, payload)
    assert (error.kind, error.status) == (kind, status)
    assert str(error)


def test_15_2_a_prompt_that_is_too_long_is_told_in_the_clients_words() -> None:
    status, body = CHAT.write_error(failure_of(http(400, "ValidationException", "Input is too long.")), "r")
    assert (status, body["error"]["code"]) == (400, "context_length_exceeded")  # type: ignore[index, call-overload]
