"""What both OpenAI protocols share of errors: the shape a client gets, and what a provider's words and status say to do next.

Source: OpenAI guide "Error codes" (read 2026-11), and bodies that compatible servers were recorded to send.
"""

import re
from collections.abc import Sequence

from converters.errors import Failure, Kind
from converters.json_codec import JsonObject

# --- for the client ---


def write_error(failure: Failure, request_id: str) -> tuple[int, JsonObject]:
    """(HTTP status, body). The request id has no place in this body: it goes into the `x-request-id` header."""
    status = 503 if failure.status == 529 else failure.status
    type_, code = _TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error", None)
    error: JsonObject = {
        "message": str(failure.message),
        "type": type_,
        "param": failure.param,
        "code": error_code(failure, code),
    }
    return status, {"error": error}


def error_code(failure: Failure, default: str | None) -> str | None:
    """The word for machines: ours for what clients act on, else the provider's."""
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

_QUOTA = frozenset(
    "insufficient_quota quota_exceeded credit_balance_exhausted billing_hard_limit_reached billing_not_active"
    " billing_error throttling.allocationquota arrearage".split()
)
_PICTURES = (
    "invalid_image invalid_image_format invalid_base64_image invalid_image_url image_too_large image_too_small"
    " image_parse_error image_content_policy_violation invalid_image_mode image_file_too_large empty_image_file"
    " unsupported_image_media_type failed_to_download_image image_file_not_found"
)
_WORDS: dict[str, Kind] = {
    **dict.fromkeys(_QUOTA, Kind.PAYMENT),
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
    "throttling": Kind.RATE_LIMIT,
    "throttling.ratequota": Kind.RATE_LIMIT,
    "slow_down": Kind.RATE_LIMIT,
    "overloaded_error": Kind.OVERLOADED,
    "engine_overloaded_error": Kind.OVERLOADED,
    "server_is_overloaded": Kind.OVERLOADED,
    "service_unavailable_error": Kind.OVERLOADED,
    "vector_store_timeout": Kind.TIMEOUT,
}
_VAGUE_WORDS: dict[str, Kind] = {  # they count only where no status says more
    "invalid_request_error": Kind.BAD_REQUEST,
    "badrequesterror": Kind.BAD_REQUEST,
    "permission_error": Kind.FORBIDDEN,
    "not_found_error": Kind.NOT_FOUND,
    "timeout": Kind.TIMEOUT,
    "timeout_error": Kind.TIMEOUT,
}
_QUOTA_TEXT = re.compile(
    r"exceeded your current quota|credit balance|free allocated quota|insufficient (?:credits|balance)",
    re.IGNORECASE,
)
_CONTEXT_TEXT = re.compile(
    r"context.length|context.window|maximum context|prompt is too long|input is too long|input exceeds|range of input length"
    r"|input token count.*exceeds|reduce the length of the (?:messages|prompt)",
    re.IGNORECASE,
)
_STATUS: dict[int, Kind] = {
    401: Kind.AUTH,
    402: Kind.PAYMENT,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    413: Kind.TOO_LARGE,
    429: Kind.RATE_LIMIT,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}
_CONTEXT_STATUS = (400, 413, 422, None)


def kind_of(status: int | None, words: Sequence[str], message: str) -> Kind:
    """words: code and type, lower case. The body is asked before the status: a 403 can be a quota, a 400 a prompt that is too
    long."""
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
