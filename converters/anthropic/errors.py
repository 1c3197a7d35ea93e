"""Errors of the Messages API: what a provider's mean, and how ours are told to a client (conversion tables 15).

Source: Anthropic API documentation, "Errors" (read 2026-11).
"""

import re
from collections.abc import Mapping
from html import unescape

from converters.errors import Failure, Kind, UpstreamError
from converters.json_codec import Json, JsonObject, loads
from converters.retry_after import retry_after

_MAX_TEXT = 500  # characters kept of a body that is no JSON

_KIND_OF_TYPE = {
    "invalid_request_error": Kind.BAD_REQUEST,
    "authentication_error": Kind.AUTH,
    "billing_error": Kind.PAYMENT,
    "permission_error": Kind.FORBIDDEN,
    "not_found_error": Kind.NOT_FOUND,
    "conflict_error": Kind.SERVER,  # worth another try
    "request_too_large": Kind.TOO_LARGE,
    "rate_limit_error": Kind.RATE_LIMIT,
    "api_error": Kind.SERVER,
    "timeout_error": Kind.TIMEOUT,
    "overloaded_error": Kind.OVERLOADED,
    "insufficient_quota": Kind.PAYMENT,  # of gateways that speak this protocol: no wait will help
}
_KIND_OF_STATUS = {
    401: Kind.AUTH,
    402: Kind.PAYMENT,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    409: Kind.SERVER,
    413: Kind.TOO_LARGE,
    429: Kind.RATE_LIMIT,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}
_STATUS_OF_TYPE = {  # of an error that came inside a stream, without a status
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "insufficient_quota": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_NO_CREDIT = re.compile(r"credit balance|spend(?:ing)? limit|insufficient (?:credit|balance|quota)", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"prompt is too long|context_length_exceeded|maximum context length|exceeds? (?:the )?context (?:limit|window)",
    re.IGNORECASE,
)

_TYPE_OF_STATUS = {
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
_NO_THREADS = "thread_unsupported_request"  # the SDK reads it in `details`, and then sends the whole history
_PROMPT_TOO_LONG = "prompt is too long"  # agents look for these words and compact their history


# --- of a provider ---


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """`error.type` counts first: gateways send an overload as 429. headers: names in lower case."""
    try:
        payload = loads(body)
    except ValueError:
        payload = None
    wait = retry_after(headers)
    if isinstance(payload, dict) and (error := _error_in(payload)) is not None:
        return _of(error, status, wait)
    text = _readable(body)
    message = f"{text} (HTTP {status})" if text else f"the provider answered HTTP {status}"
    return UpstreamError(_kind(None, status, text), message, status=status, retry_after=wait)


def error_in(payload: JsonObject) -> UpstreamError | None:
    """The error that a stream event or a 200 body is; None if it is none."""
    error = _error_in(payload)
    return None if error is None else _of(error, None, None)


def _error_in(payload: JsonObject) -> Json:
    error = payload.get("error")
    return (error or {}) if payload.get("type") == "error" else (error or None)


def _of(error: Json, status: int | None, wait: float | None) -> UpstreamError:
    if not isinstance(error, dict):
        error = {"message": error if isinstance(error, str) else ""}
    words = [word for word in (error.get("type"), error.get("code")) if isinstance(word, str)]
    name = next((word for word in words if word in _KIND_OF_TYPE), words[0] if words else None)
    message = error.get("message")
    text = message if isinstance(message, str) and message else name or "the provider named no reason"
    known = _STATUS_OF_TYPE.get(name or "", 500) if status is None or status < 400 else status
    kind = _kind(name, known, " ".join((text, *words)))
    return UpstreamError(kind, text, status=known, retry_after=wait, code=name)


def _kind(name: str | None, status: int, text: str) -> Kind:
    kind = _KIND_OF_TYPE.get(name or "") or _KIND_OF_STATUS.get(status)
    if kind is None:
        kind = Kind.SERVER if status >= 500 or status < 400 else Kind.BAD_REQUEST
    if kind in (Kind.BAD_REQUEST, Kind.TOO_LARGE) and _TOO_LONG.search(text):
        return Kind.CONTEXT_LENGTH
    if status < 500 and kind is not Kind.NOT_FOUND and _NO_CREDIT.search(text):
        return Kind.PAYMENT
    return kind


def _readable(body: bytes) -> str:
    """What a body that is no error object says: a page's title, or its text. An edge answers in HTML (413)."""
    text = body[: 64 * _MAX_TEXT].decode("utf-8", "replace")
    if "<" in text and (title := re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)):
        text = title[1]
    text = unescape(re.sub(r"<[^>]*>", " ", text))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_MAX_TEXT]


# --- to a client ---


def write_error(failure: Failure, request_id: str) -> tuple[int, JsonObject]:
    status, error = _told(failure)
    return status, {"type": "error", "error": error, "request_id": request_id}


def error_event(failure: Failure) -> JsonObject:
    """The same inside a stream, where the status is gone."""
    return {"type": "error", "error": _told(failure)[1]}


def _told(failure: Failure) -> tuple[int, JsonObject]:
    status, message = failure.status, failure.message
    if status == 503:
        # An account that was refused is our trouble and no overload: the client shall not wait long and try again.
        status = 500 if failure.kind in (Kind.AUTH, Kind.FORBIDDEN) else 529
    if failure.kind is Kind.CONTEXT_LENGTH or failure.code == "context_length_exceeded":
        if not message.lower().startswith(_PROMPT_TOO_LONG):
            message = f"{_PROMPT_TOO_LONG}: {message}"
    elif failure.param and failure.param not in message:
        message = f"{failure.param}: {message}"
    name = _TYPE_OF_STATUS.get(status) or ("api_error" if status >= 500 else "invalid_request_error")
    error: JsonObject = {"type": name, "message": message}
    if failure.code == _NO_THREADS:
        error["details"] = {"error_code": _NO_THREADS, "unsupported": ["thread"]}
    return status, error
