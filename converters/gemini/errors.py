"""Errors of the Gemini API: what a provider's mean, and how ours are told to a client (conversion tables 15).

Source: Google's error model (google.rpc.Status and its details), and the classifier of gemini-cli (read 2026-11).
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from math import ceil

from converters.errors import Failure, Kind, UpstreamError
from converters.json_codec import Json, JsonObject, loads
from converters.retry_after import retry_after

_MAX_TEXT = 500  # characters kept of a body that is no JSON
_MAX_NESTED = 3  # errors whose message is an error in JSON
_HOUR = 3600.0
_MINUTE = 60.0

_KIND_OF_REASON = {  # google.rpc.ErrorInfo: counts before all else
    "API_KEY_INVALID": Kind.AUTH,
    "API_KEY_EXPIRED": Kind.AUTH,
    "ACCESS_TOKEN_EXPIRED": Kind.AUTH,
    "CREDENTIALS_MISSING": Kind.AUTH,
    "MODEL_CAPACITY_EXHAUSTED": Kind.OVERLOADED,  # the model is full, not the account
    "MODEL_CAPACITY_EXCEEDED": Kind.OVERLOADED,
    "INSUFFICIENT_G1_CREDITS_BALANCE": Kind.PAYMENT,
    "BILLING_DISABLED": Kind.PAYMENT,
}
_KIND_OF_NAME = {
    "INVALID_ARGUMENT": Kind.BAD_REQUEST,
    "FAILED_PRECONDITION": Kind.FORBIDDEN,  # of the account: its country, its project
    "OUT_OF_RANGE": Kind.BAD_REQUEST,
    "UNAUTHENTICATED": Kind.AUTH,
    "PERMISSION_DENIED": Kind.FORBIDDEN,
    "NOT_FOUND": Kind.NOT_FOUND,
    "RESOURCE_EXHAUSTED": Kind.RATE_LIMIT,
    "CANCELLED": Kind.SERVER,  # worth another try
    "INTERNAL": Kind.SERVER,
    "UNKNOWN": Kind.SERVER,
    "UNAVAILABLE": Kind.OVERLOADED,
    "DEADLINE_EXCEEDED": Kind.TIMEOUT,
}
_SURE = {402: Kind.PAYMENT, 413: Kind.TOO_LARGE}  # these share their names with other statuses
_KIND_OF_STATUS = {
    401: Kind.AUTH,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    429: Kind.RATE_LIMIT,
    499: Kind.SERVER,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}
_CODE_ASSIST = re.compile(r"(?:[a-z-]+-)?cloudcode-pa\.(?:[a-z]+\.)*googleapis\.com")  # and its staging variants
_SPENT = ("QUOTA_EXHAUSTED", "RATE_LIMIT_EXCEEDED")  # of Code Assist: for long, unless it says for how long
_TOO_LONG = re.compile(
    r"token count .*exceeds|exceeds the maximum number of tokens|context_length_exceeded|context (?:length|window)",
    re.IGNORECASE,
)
_NO_QUOTA = re.compile(r"limit: 0(?![.\d])")
_FULL = re.compile(r"exhausted your capacity|capacity exceeded|MODEL_CAPACITY_EXHAUSTED", re.IGNORECASE)
_RESETS = re.compile(r"resets? (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+)", re.IGNORECASE)
_NO_CREDIT = re.compile(r"billing|credits? (?:balance|are depleted)|prepayment", re.IGNORECASE)

_NAME_OF_STATUS = {
    401: "UNAUTHENTICATED",
    402: "FAILED_PRECONDITION",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


# --- of a provider ---


@dataclass(frozen=True, slots=True)
class _Found:
    """What an error object says. name: `status`; details: by the last word of their type."""

    message: str = ""
    status: int | None = None
    name: str = ""
    details: list[tuple[str, JsonObject]] = field(default_factory=list)

    def of(self, kind: str) -> Iterator[JsonObject]:
        return (detail for name, detail in self.details if name == kind)


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The body may be a list around the object, its message may be another error in JSON. headers: names in lower case."""
    try:
        payload = loads(body)
    except ValueError:
        payload = None
    error = _error_in(payload)
    if error is None:
        text = _readable(body)
        message = f"{text} (HTTP {status})" if text else f"the provider answered HTTP {status}"
        return _of(_Found(message), status, headers)
    return _of(_read(error), status, headers)


def error_in(payload: Json) -> UpstreamError | None:
    """The error that a stream's element or a 200 body is; None if it is none."""
    error = _error_in(payload)
    return None if error is None else _of(_read(error), None, {})


def _error_in(payload: Json) -> Json:
    if isinstance(payload, list):
        return next((error for item in payload if (error := _error_in(item)) is not None), None)
    return (payload.get("error") or None) if isinstance(payload, dict) else None


def _read(error: Json, depth: int = 0) -> _Found:
    if not isinstance(error, dict):
        return _Found(error if isinstance(error, str) else "")
    code, name, message = error.get("code"), error.get("status"), error.get("message")
    details = error.get("details")
    found = _Found(
        message if isinstance(message, str) else "",
        code if isinstance(code, int) and 400 <= code <= 599 else None,
        name if isinstance(name, str) else "",
        [
            (str(detail.get("@type")).rpartition(".")[2], detail)
            for detail in (details if isinstance(details, list) else ())
            if isinstance(detail, dict)
        ],
    )
    if depth < _MAX_NESTED and found.message.lstrip().startswith(("{", "[")):
        try:
            inner = _error_in(loads(found.message))
        except ValueError:
            inner = None
        if inner is not None:
            nested = _read(inner, depth + 1)
            return _Found(
                nested.message, nested.status or found.status, nested.name or found.name, found.details + nested.details
            )
    return found


def _of(found: _Found, status: int | None, headers: Mapping[str, str]) -> UpstreamError:
    known = found.status if status is None or status < 400 else status
    kind = _kind(found, known)
    message = found.message or found.name or "the provider named no reason"
    if known is None:
        known = next((status for status, name in _NAME_OF_STATUS.items() if name == found.name), 500)
    reason = next((str(detail["reason"]) for detail in found.of("ErrorInfo") if detail.get("reason")), None)
    if reason == "VALIDATION_REQUIRED" and (link := _link(found)):
        message = f"{message} ({link})"
    wait = _wait(found, headers) if kind is not Kind.BAD_REQUEST else None
    return UpstreamError(kind, message, status=known, retry_after=wait, code=reason or found.name or None)


def _link(found: _Found) -> str:
    """Where the account's owner has to go."""
    for detail in found.of("ErrorInfo"):
        if isinstance(metadata := detail.get("metadata"), dict) and isinstance(
            url := metadata.get("validation_link"), str
        ):
            return url
    for detail in found.of("Help"):
        links = detail.get("links")
        for link in links if isinstance(links, list) else ():
            if isinstance(link, dict) and isinstance(url := link.get("url"), str):
                return url
    return ""


def _kind(found: _Found, status: int | None) -> Kind:
    for detail in found.of("ErrorInfo"):
        if (kind := _KIND_OF_REASON.get(str(detail.get("reason")))) is not None:
            return kind
    kind = _SURE.get(status or 500) or _KIND_OF_NAME.get(found.name) or _KIND_OF_STATUS.get(status or 500)
    if kind is None:
        kind = Kind.BAD_REQUEST if status and status < 500 else Kind.SERVER
    text = found.message
    if kind in (Kind.BAD_REQUEST, Kind.TOO_LARGE) and _TOO_LONG.search(text):
        return Kind.CONTEXT_LENGTH
    if kind is Kind.RATE_LIMIT and not found.details and _FULL.search(text):
        return Kind.OVERLOADED
    if (kind is Kind.RATE_LIMIT and _NO_QUOTA.search(text)) or (kind is Kind.FORBIDDEN and _NO_CREDIT.search(text)):
        return Kind.PAYMENT
    return kind


def _wait(found: _Found, headers: Mapping[str, str]) -> float | None:
    """The longest hint counts; a quota of a day or a minute without one is waited for as long as gemini-cli does."""
    hints = [retry_after(headers, found.message)]
    delays = [detail.get("retryDelay") for detail in found.of("RetryInfo")]
    quotas: list[str] = []
    spent = False
    for detail in found.of("ErrorInfo"):
        spent = spent or (detail.get("reason") in _SPENT and bool(_CODE_ASSIST.fullmatch(str(detail.get("domain")))))
        if isinstance(metadata := detail.get("metadata"), dict):
            delays.append(metadata.get("quotaResetDelay"))
            quotas.append(str(metadata.get("quota_limit")))
    if resets := _RESETS.search(found.message):
        delays.append(resets[1])
    hints += [retry_after({}, f"retry in {delay.strip()}") for delay in delays if isinstance(delay, str)]
    for detail in found.of("QuotaFailure"):
        violations = detail.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                quotas.append(str(violation.get("quotaId")))
    waits = [hint for hint in hints if hint is not None]
    if waits:
        return max(waits)
    if spent or any("PerDay" in quota or "Daily" in quota for quota in quotas):
        return _HOUR
    return _MINUTE if any("PerMinute" in quota for quota in quotas) else None


def _readable(body: bytes) -> str:
    """What a body that is no error object says: a page's title, or its text. A load balancer answers in HTML."""
    text = body[: 64 * _MAX_TEXT].decode("utf-8", "replace")
    if "<" in text and (title := re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)):
        text = title[1]
    text = unescape(re.sub(r"<[^>]*>", " ", text))
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:_MAX_TEXT]


# --- to a client ---


def write_error(failure: Failure, request_id: str) -> tuple[int, JsonObject]:
    """(HTTP status, body). The request id has no place in this body."""
    status = 503 if failure.status == 529 else failure.status
    message = failure.message
    if failure.param and failure.param not in message:
        message = f"{failure.param}: {message}"
    name = _NAME_OF_STATUS.get(status) or ("INTERNAL" if status >= 500 else "INVALID_ARGUMENT")
    error: JsonObject = {"code": status, "message": message, "status": name}
    if failure.retry_after is not None:
        error["details"] = [
            {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{ceil(failure.retry_after)}s"}
        ]
    return status, {"error": error}
