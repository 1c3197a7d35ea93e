"""Errors, both ways: what a Responses client is told, and what a provider's error says to do next (conversion rules 15).

Source: OpenAI guide "Error codes", OpenAI API reference "response object", `error` (read 2026-11).
"""

import re
from collections.abc import Mapping
from html import unescape

from converters.errors import Failure, Kind, UpstreamError
from converters.json_codec import Json, JsonObject, loads
from converters.retry_after import retry_after

_MAX_TEXT = 500  # characters kept of a body that is no JSON


# --- for the client ---


def write_error(failure: Failure, request_id: str) -> tuple[int, JsonObject]:
    """(HTTP status, body). The request id has no place in this body: it goes into the `x-request-id` header."""
    status = 503 if failure.status == 529 else failure.status
    type_, code = _TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error", None)
    error: JsonObject = {
        "message": failure.message,
        "type": type_,
        "param": failure.param,
        "code": _code(failure, code),
    }
    return status, {"error": error}


def failed_error(failure: Failure) -> JsonObject:
    """`response.error` of a failed response; here a code is required."""
    return {"code": _code(failure, None) or "server_error", "message": failure.message}


def _code(failure: Failure, default: str | None) -> str | None:
    return (_CODES.get(failure.kind) if failure.kind else None) or failure.code or default


_TYPES: dict[int, tuple[str, str | None]] = {
    401: ("invalid_request_error", "invalid_api_key"),
    402: ("insufficient_quota", "insufficient_quota"),
    403: ("permission_error", None),
    404: ("invalid_request_error", "model_not_found"),
    408: ("timeout", None),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    504: ("timeout", None),
}
_CODES = {  # words that clients act on: they stand in place of another vendor's word for the same
    Kind.CONTEXT_LENGTH: "context_length_exceeded",
    Kind.PAYMENT: "insufficient_quota",
    Kind.NOT_FOUND: "model_not_found",
    Kind.RATE_LIMIT: "rate_limit_exceeded",
}


# --- from a provider ---


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An HTTP error answer. headers: lower-case names; body: JSON of any shape, HTML, anything."""
    try:
        payload = loads(body)
    except ValueError:
        payload = None
    if isinstance(payload, list) and payload:
        payload = payload[0]
    if not isinstance(payload, dict):
        text = _readable(body) if payload is None else ""
        return _made({"message": f"{text} (HTTP {status})" if text else ""}, status, headers)
    error = payload.get("error") or payload
    return _made(error if isinstance(error, dict) else {"message": error}, status, headers)


def error_in_answer(error: Json) -> UpstreamError:
    """The error object of a failed response, of an `error` event, or of a body of status 200."""
    return _made(error if isinstance(error, dict) else {"message": error}, None, {})


def error_object(payload: JsonObject) -> Json:
    """The error that an event or a whole body holds, None if it is none. An `error` event is flat as documented, or nested
    as seen from OpenAI and Azure; a response is `failed` and names its error inside."""
    if payload.get("type") == "error":
        return payload.get("error") or {key: payload.get(key) for key in ("code", "message", "param")}
    response = payload.get("response")
    if payload.get("type") == "response.failed":
        return (response.get("error") if isinstance(response, dict) else None) or {}
    return payload.get("error") or ({} if payload.get("status") == "failed" else None)


def _made(error: JsonObject, status: int | None, headers: Mapping[str, str]) -> UpstreamError:
    words = [word.lower() for word in (error.get("code"), error.get("type")) if isinstance(word, str) and word]
    said = error.get("message") or error.get("detail")
    code = error.get("code")
    if isinstance(said, str) and said:
        message = said
    else:
        message = words[0] if words else "the provider named no reason" if status is None else f"HTTP {status}"
    return UpstreamError(
        _kind(status, words, message),
        message,
        status=status,
        retry_after=retry_after(headers, message),
        code=code if isinstance(code, str) else words[0] if words else None,
    )


_QUOTA = "insufficient_quota credit_balance_exhausted billing_hard_limit_reached billing_not_active billing_error"
_PICTURES = (
    "invalid_image invalid_image_format invalid_base64_image invalid_image_url image_too_large image_too_small"
    " image_parse_error image_content_policy_violation invalid_image_mode image_file_too_large empty_image_file"
    " unsupported_image_media_type failed_to_download_image image_file_not_found"
)
_WORDS: dict[str, Kind] = {
    **dict.fromkeys(_QUOTA.split(), Kind.PAYMENT),
    **dict.fromkeys(_PICTURES.split(), Kind.BAD_REQUEST),
    "invalid_prompt": Kind.BAD_REQUEST,
    "bio_policy": Kind.BAD_REQUEST,
    "data_residency_mismatch": Kind.BAD_REQUEST,
    "context_length_exceeded": Kind.CONTEXT_LENGTH,
    "invalid_api_key": Kind.AUTH,
    "authentication_error": Kind.AUTH,
    "model_not_found": Kind.NOT_FOUND,
    "request_too_large": Kind.TOO_LARGE,
    "rate_limit_exceeded": Kind.RATE_LIMIT,
    "rate_limit_error": Kind.RATE_LIMIT,
    "too_many_requests": Kind.RATE_LIMIT,
    "slow_down": Kind.RATE_LIMIT,
    "overloaded_error": Kind.OVERLOADED,
    "server_is_overloaded": Kind.OVERLOADED,
    "vector_store_timeout": Kind.TIMEOUT,
}
_VAGUE_WORDS: dict[str, Kind] = {  # they count only where no status says more
    "invalid_request_error": Kind.BAD_REQUEST,
    "permission_error": Kind.FORBIDDEN,
    "not_found_error": Kind.NOT_FOUND,
    "timeout": Kind.TIMEOUT,
}
_STATUS: dict[int, Kind] = {
    401: Kind.AUTH,
    402: Kind.PAYMENT,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    409: Kind.SERVER,  # worth another try
    413: Kind.TOO_LARGE,
    429: Kind.RATE_LIMIT,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}
_QUOTA_TEXT = re.compile(r"exceeded your current quota|credit balance|insufficient (?:credits|balance)", re.IGNORECASE)
_CONTEXT_TEXT = re.compile(
    r"context.length|context.window|maximum context|prompt is too long|input is too long|input exceeds", re.IGNORECASE
)
_CONTEXT_STATUS = (400, 413, 422, None)


def _kind(status: int | None, words: list[str], message: str) -> Kind:
    """The body is asked before the status: a 429 can be a quota, a 400 a prompt that is too long."""
    named = next((_WORDS[word] for word in words if word in _WORDS), None)
    if named is Kind.PAYMENT or _QUOTA_TEXT.search(message):
        return Kind.PAYMENT
    if status in _CONTEXT_STATUS and _CONTEXT_TEXT.search(message):
        return Kind.CONTEXT_LENGTH
    if named is not None:
        return named
    if status is None:
        return next((_VAGUE_WORDS[word] for word in words if word in _VAGUE_WORDS), Kind.SERVER)
    return _STATUS.get(status) or (Kind.BAD_REQUEST if 400 <= status < 500 else Kind.SERVER)


def _readable(body: bytes) -> str:
    """What a person would read of a page that a gateway put in the way."""
    text = body[: 64 * _MAX_TEXT].decode("utf-8", "replace")
    text = re.sub(r"(?is)<(script|style).*?</\1>|<[^>]*>", " ", text)
    return " ".join(unescape(text).split())[:_MAX_TEXT]
