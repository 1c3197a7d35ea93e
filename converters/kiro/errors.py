"""What Kiro's errors mean: HTTP answers and frames of a stream (conversion tables 15).

Its reason counts first, then its words where one name stands for several things, then its name, then the status.
Source: models of the service in AWS's own clients, and answers that its users report (read 2026-11).
"""

import re
from collections.abc import Mapping
from html import unescape

from converters.errors import Kind, UpstreamError
from converters.json_codec import JsonObject, loads
from converters.retry_after import retry_after

SUSPENDED = "suspended"
PROFILE_REQUIRED = "profile_required"
_MAX_TEXT = 500  # characters kept of a body that is no JSON

_KIND_OF_REASON = {
    "CONTENT_LENGTH_EXCEEDS_THRESHOLD": Kind.CONTEXT_LENGTH,
    "INVALID_MODEL_ID": Kind.NOT_FOUND,
    **dict.fromkeys(
        "INVALID_CONVERSATION_ID REQUEST_BODY_INVALID CONVERSATION_LIMIT_EXCEEDED INVALID_TASK_ASSIST_PLAN".split(),
        Kind.BAD_REQUEST,
    ),
    **dict.fromkeys(  # of the account, its rights and its keys: another account may do
        "INVALID_KMS_GRANT FEATURE_NOT_SUPPORTED TEMPORARILY_SUSPENDED UNAUTHORIZED_CUSTOMIZATION_RESOURCE_ACCESS"
        " UNAUTHORIZED_WORKSPACE_CONTEXT_FEATURE_ACCESS CUSTOMER_KMS_KEY_DISABLED CUSTOMER_KMS_KEY_INVALID_KEY_POLICY"
        " MISMATCHED_KMS_KEY".split(),
        Kind.FORBIDDEN,
    ),
    "DAILY_REQUEST_COUNT": Kind.RATE_LIMIT,
    "MONTHLY_REQUEST_COUNT": Kind.PAYMENT,  # used up until the account's reset date
    "OVERAGE_REQUEST_LIMIT_EXCEEDED": Kind.PAYMENT,
    "INSUFFICIENT_MODEL_CAPACITY": Kind.OVERLOADED,  # the model is full, not the account
    "MODEL_TEMPORARILY_UNAVAILABLE": Kind.OVERLOADED,
}
_KIND_OF_WORDS = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, code)
    for pattern, kind, code in (
        (r"suspended", Kind.FORBIDDEN, SUSPENDED),
        (r"bearer token\b.*\b(?:invalid|expired)|token has expired", Kind.AUTH, None),
        (r"profileArn is required", Kind.FORBIDDEN, PROFILE_REQUIRED),
        (r"not authorized", Kind.FORBIDDEN, None),
        (r"input is too long|content length exceeds", Kind.CONTEXT_LENGTH, None),
        (r"unexpectedly high load", Kind.OVERLOADED, None),
    )
)
_OF_NAME = {  # without its ending: (kind, status when it comes in a stream)
    "validation": (Kind.BAD_REQUEST, 400),
    "serialization": (Kind.BAD_REQUEST, 400),
    "dryrunoperation": (Kind.BAD_REQUEST, 400),
    "invalidstate": (Kind.BAD_REQUEST, 400),
    "contentlengthexceeded": (Kind.CONTEXT_LENGTH, 400),
    "accessdenied": (Kind.FORBIDDEN, 403),
    "expiredtoken": (Kind.AUTH, 401),
    "unauthorized": (Kind.AUTH, 401),
    "unrecognizedclient": (Kind.AUTH, 403),
    "resourcenotfound": (Kind.NOT_FOUND, 404),
    "conflict": (Kind.FORBIDDEN, 409),
    "throttling": (Kind.RATE_LIMIT, 429),
    "toomanyrequests": (Kind.RATE_LIMIT, 429),
    "servicequotaexceeded": (Kind.RATE_LIMIT, 429),
    "internalserver": (Kind.SERVER, 500),
    "serviceunavailable": (Kind.OVERLOADED, 503),
}
_KIND_OF_STATUS = {
    401: Kind.AUTH,
    402: Kind.PAYMENT,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    413: Kind.TOO_LARGE,
    429: Kind.RATE_LIMIT,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
}
_ACCOUNT = re.compile(r"arn:aws[\w-]*:\S*|(?<=user id) ?\([^)]*\)|\b\d{12}\b", re.IGNORECASE)


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An HTTP error of the service, or of a load balancer before it. headers: lower-case names."""
    try:
        payload = loads(body)
    except ValueError:
        payload = None
    found = payload if isinstance(payload, dict) else {}
    name = headers.get("x-amzn-errortype") or _first(found, "code", "__type")
    message = _first(found, "message", "Message") or (_readable(body) if payload is None else "")
    return _error(name, message, _first(found, "reason"), status, headers)


def error_in_frame(name: str, payload: JsonObject) -> UpstreamError:
    """An exception or error frame. `error` is the stream's own name of an InternalServerException."""
    name = "InternalServerException" if name == "error" else name or _first(payload, "__type")
    return _error(name, _first(payload, "message"), _first(payload, "reason"), None, {})


def error_name(name: str) -> str:
    """`com.amazon#ThrottlingException:http://...` -> `ThrottlingException`."""
    return name.split(":", 1)[0].rpartition("#")[2].strip()


def _error(name: str, message: str, reason: str, status: int | None, headers: Mapping[str, str]) -> UpstreamError:
    name = error_name(name)
    known, usual = _OF_NAME.get(re.sub(r"(?:Exception|Error)$", "", name).lower(), (None, None))
    if status is None or status < 400:
        status = usual or 500
    kind, code = _KIND_OF_REASON.get(reason), None
    if kind is None or reason == "TEMPORARILY_SUSPENDED":
        in_words, code = _by_words(message)
        kind = kind or in_words
    if kind is None and status in (401, 402):  # names that are shared with other statuses
        kind = _KIND_OF_STATUS[status]
    kind = kind or known or _KIND_OF_STATUS.get(status)
    if kind is None:
        kind = Kind.BAD_REQUEST if status < 500 else Kind.SERVER
    if reason == "TEMPORARILY_SUSPENDED":
        code = SUSPENDED
    said = _ACCOUNT.sub("...", message) or f"the provider answered {name or f'HTTP {status}'}"
    wait = retry_after(headers, message)
    return UpstreamError(kind, said, status=status, retry_after=wait, code=code or reason or name or None)


def _by_words(message: str) -> tuple[Kind | None, str | None]:
    for pattern, kind, code in _KIND_OF_WORDS:
        if pattern.search(message):
            return kind, code
    return None, None


def _first(found: JsonObject, *names: str) -> str:
    return next((value for name in names if isinstance(value := found.get(name), str) and value), "")


def _readable(body: bytes) -> str:
    """What a body that is no error object says: a page's title, or its text."""
    text = body[: 64 * _MAX_TEXT].decode("utf-8", "replace")
    if "<" in text and (title := re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)):
        text = title[1]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", text)).split())[:_MAX_TEXT]
