"""Errors, both ways: what a Chat client is told, and what a provider's error says to do next (conversion rules 15).

Source: OpenAI guide "Error codes" (read 2026-11), and bodies that compatible servers were recorded to send.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from converters.errors import Failure, Kind, UpstreamError
from converters.json_codec import Json, JsonObject, loads
from converters.retry_after import retry_after

_MESSAGE_LIMIT = 2000  # characters kept of a body that is not JSON


# --- for the client ---


def write_error(failure: Failure, request_id: str) -> tuple[int, JsonObject]:
    """(HTTP status, body). The request id has no place in this body: it goes into the `x-request-id` header."""
    status = 503 if failure.status == 529 else failure.status
    type_, code = _TYPES.get(status) or ("server_error" if status >= 500 else "invalid_request_error", None)
    code = (_CODES.get(failure.kind) if failure.kind else None) or failure.code or code
    error: JsonObject = {"message": str(failure.message), "type": type_, "param": failure.param, "code": code}
    return status, {"error": error}


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
    """An HTTP error answer of any vendor. headers: lower-case names; body: JSON of any shape, HTML, anything."""
    found = _read_body(body)
    message = found.message or f"the provider answered {status}"
    return UpstreamError(
        _kind(status, found), message, status=status, retry_after=retry_after(headers, message), code=found.code
    )


def error_in_answer(body: JsonObject) -> UpstreamError:
    """An error object in a stream, or in a whole answer of status 200; a body that is no answer at all counts as one."""
    found = _read(body)
    status = found.status
    kind = _kind(status, found)
    message = found.message or "the provider's answer is not a chat completion"
    return UpstreamError(kind, message, status=status, retry_after=retry_after({}, message), code=found.code)


@dataclass(frozen=True, slots=True)
class _Found:
    """What an error body says. words: its code and type, lower case. status: HTTP status named inside the body."""

    message: str = ""
    code: str | None = None
    words: tuple[str, ...] = ()
    status: int | None = None


def _read_body(body: bytes) -> _Found:
    try:
        value = loads(body)
    except ValueError:
        return _Found(_plain(body.decode(errors="replace")))
    if isinstance(value, list) and value:  # Google's compatible endpoint puts a list around it
        value = value[0]
    return _read(value) if isinstance(value, dict) else _Found(_plain(value if isinstance(value, str) else ""))


def _read(body: JsonObject) -> _Found:
    """`{"error":{...}}`, `{"error":"text"}`, `{"message","code"}`, `{"detail":...}`, `{"errors":[...]}`, `x_groq.error`."""
    groq = body.get("x_groq")
    error = body.get("error") or (groq.get("error") if isinstance(groq, dict) else None)
    errors = body.get("errors")
    if not error and isinstance(errors, list) and errors:
        error = errors[0]
    if isinstance(error, str):
        return _from(body, error)
    return _from(error if isinstance(error, dict) else body, "")


def _from(error: JsonObject, text: str) -> _Found:
    code, type_ = error.get("code"), error.get("type")
    words = tuple(word.lower() for word in (code, type_, error.get("status"), text) if isinstance(word, str) and word)
    named = next(
        (value for value in (code, error.get("status_code"), error.get("status")) if _is_error_status(value)), None
    )
    return _Found(
        _text(error.get("message")) or _text(error.get("error_description")) or text or _text(error.get("detail")),
        code if isinstance(code, str) else None,
        words,
        int(named) if isinstance(named, int | str) else None,
    )


def _is_error_status(value: Json) -> bool:
    if isinstance(value, str):
        return re.fullmatch("[45][0-9][0-9]", value) is not None
    return isinstance(value, int) and 400 <= value <= 599


def _text(value: Json) -> str:
    """FastAPI servers put a list of `{"msg"}` into `detail`; routers nest a message once more."""
    match value:
        case str():
            return value
        case {"message": str(text)} | [{"msg": str(text)}, *_] | [{"message": str(text)}, *_]:
            return text
    return ""


def _plain(text: str) -> str:
    """What a person would read of a page that a gateway put in the way."""
    text = re.sub(r"(?is)<(script|style).*?</\1>|<[^>]*>", " ", text)
    return " ".join(text.split())[:_MESSAGE_LIMIT]


_QUOTA = frozenset(
    "insufficient_quota quota_exceeded credit_balance_exhausted billing_hard_limit_reached billing_not_active"
    " billing_error throttling.allocationquota arrearage".split()
)
_WORDS: dict[str, Kind] = {
    **dict.fromkeys(_QUOTA, Kind.PAYMENT),
    "context_length_exceeded": Kind.CONTEXT_LENGTH,
    "invalid_api_key": Kind.AUTH,
    "authentication_error": Kind.AUTH,
    "model_not_found": Kind.NOT_FOUND,
    "request_too_large": Kind.TOO_LARGE,
    "rate_limit_exceeded": Kind.RATE_LIMIT,
    "rate_limit_error": Kind.RATE_LIMIT,
    "throttling": Kind.RATE_LIMIT,
    "throttling.ratequota": Kind.RATE_LIMIT,
    "slow_down": Kind.RATE_LIMIT,
    "overloaded_error": Kind.OVERLOADED,
    "engine_overloaded_error": Kind.OVERLOADED,
    "service_unavailable_error": Kind.OVERLOADED,
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
    r"exceeded your current quota|credit balance is too low|free allocated quota|insufficient (?:credits|balance)",
    re.IGNORECASE,
)
_CONTEXT_TEXT = re.compile(
    r"context.length|context.window|maximum context|prompt is too long|input is too long|range of input length"
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


def _kind(status: int | None, found: _Found) -> Kind:
    """The body is asked before the status: a 403 can be a quota, a 400 a prompt that is too long."""
    named = next((_WORDS[word] for word in found.words if word in _WORDS), None)
    if named is Kind.PAYMENT or _QUOTA_TEXT.search(found.message):
        return Kind.PAYMENT
    if status in _CONTEXT_STATUS and _CONTEXT_TEXT.search(found.message):
        return Kind.CONTEXT_LENGTH
    if named is not None:
        return named
    if status is None:
        return next((_VAGUE_WORDS[word] for word in found.words if word in _VAGUE_WORDS), Kind.SERVER)
    if status in _STATUS:
        return _STATUS[status]
    return Kind.BAD_REQUEST if 400 <= status < 500 else Kind.SERVER
