"""15.2: what the client is told of an error."""

import pytest

from converters.errors import ConversionError, Failure, Kind, UpstreamError, failure_of

STATUS = {
    Kind.BAD_REQUEST: 400,
    Kind.CONTEXT_LENGTH: 400,
    Kind.AUTH: 503,
    Kind.PAYMENT: 402,
    Kind.FORBIDDEN: 503,
    Kind.NOT_FOUND: 404,
    Kind.TOO_LARGE: 413,
    Kind.RATE_LIMIT: 429,
    Kind.OVERLOADED: 503,
    Kind.SERVER: 502,
    Kind.TIMEOUT: 504,
    Kind.UNREACHABLE: 502,
    Kind.BROKEN_STREAM: 502,
}


@pytest.mark.parametrize("kind", Kind)
def test_15_2_each_kind_has_its_status(kind: Kind) -> None:
    assert failure_of(UpstreamError(kind, "x")).status == STATUS[kind]


@pytest.mark.parametrize("kind", [Kind.AUTH, Kind.FORBIDDEN])
@pytest.mark.parametrize("status", [401, 403])
def test_15_2_a_refused_account_is_never_401_or_403(kind: Kind, status: int) -> None:
    """The client would throw its own key away."""
    assert failure_of(UpstreamError(kind, "x", status=status)).status == 503


@pytest.mark.parametrize(
    ("kind", "status", "told"),
    [
        (Kind.SERVER, 500, 500),
        (Kind.SERVER, 520, 502),
        (Kind.SERVER, None, 502),
        (Kind.BAD_REQUEST, 422, 422),
        (Kind.BAD_REQUEST, 405, 405),
        (Kind.BAD_REQUEST, 418, 400),
        (Kind.BAD_REQUEST, 302, 400),
        (Kind.OVERLOADED, 529, 503),
        (Kind.RATE_LIMIT, 200, 429),
    ],
)
def test_a_status_that_means_something_to_clients_stays(kind: Kind, status: int | None, told: int) -> None:
    assert failure_of(UpstreamError(kind, "x", status=status)).status == told


def test_an_upstream_error_keeps_message_code_and_wait() -> None:
    error = UpstreamError(Kind.RATE_LIMIT, "slow down", status=429, retry_after=1.5, code="rpm")
    assert failure_of(error) == Failure(429, "slow down", None, "rpm", 1.5, Kind.RATE_LIMIT)


def test_15_1_a_conversion_error_names_the_field() -> None:
    error = ConversionError("bad", param="messages[0]", code="invalid_type", status=413)
    failure = failure_of(error)
    assert (failure.status, failure.message, failure.param, failure.code) == (413, "bad", "messages[0]", "invalid_type")
    assert failure.retry_after is None
    assert failure.kind is Kind.BAD_REQUEST


def test_15_2_an_account_that_is_missing_is_no_fault_of_the_client_and_no_overload() -> None:
    failure = failure_of(ConversionError("log in", status=503, code="no_account"))
    assert (failure.status, failure.kind) == (503, Kind.AUTH)
