"""Typed errors. The kind of an upstream error says what to do next: wait, change account, log in again, give up."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What went wrong upstream."""

    BAD_REQUEST = "bad_request"  # the client's own fault: no retry
    CONTEXT_LENGTH = "context_length"  # the prompt is too long: agents react to it by compacting
    AUTH = "auth"  # the account's credential was refused
    PAYMENT = "payment"  # no credit
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"  # model or path
    TOO_LARGE = "too_large"
    RATE_LIMIT = "rate_limit"
    OVERLOADED = "overloaded"
    SERVER = "server"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"  # no connection
    BROKEN_STREAM = "broken_stream"  # cut, or not the protocol


class ConversionError(Exception):
    """The client asked for what is malformed or impossible on the chosen provider.

    param: path of the field in the client's own request, e.g. `messages[2].content[0]`. status: HTTP status for the client.
    code: machine-readable, e.g. `unsupported_tool`.
    """

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.param, self.code, self.status = param, code, status


class UpstreamError(Exception):
    """The provider refused, or broke off.

    status: its HTTP status, None if there was no answer. retry_after: seconds it asked to wait, None if it named none.
    code: the provider's own machine-readable word.
    """

    def __init__(
        self,
        kind: Kind,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
        code: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind, self.status, self.retry_after, self.code = kind, status, retry_after, code


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as the client is told of it; each wire writes it in its own shape.

    status: HTTP, before a wire's own translation (Anthropic says 529 where others say 503). retry_after: seconds.
    """

    status: int
    message: str
    param: str | None = None
    code: str | None = None
    retry_after: float | None = None
    kind: Kind | None = None


_STATUS = {
    Kind.BAD_REQUEST: 400,
    Kind.CONTEXT_LENGTH: 400,
    Kind.AUTH: 503,  # never 401: the client would throw its own key away
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


def failure_of(error: ConversionError | UpstreamError) -> Failure:
    """What the client is told. A provider's 500 stays 500, 501 to 599 that mean "server" become 502."""
    if isinstance(error, ConversionError):
        kind = Kind.AUTH if error.status == 503 else Kind.BAD_REQUEST  # 503: there is no account that could be asked
        return Failure(error.status, str(error), error.param, error.code, kind=kind)
    status = _STATUS[error.kind]
    if error.kind is Kind.SERVER and error.status == 500:
        status = 500
    if error.kind is Kind.BAD_REQUEST and error.status in (405, 409, 415, 422):
        status = error.status
    return Failure(status, str(error), None, error.code, error.retry_after, error.kind)
