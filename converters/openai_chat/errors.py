"""What a provider's error says to do next (conversion rules 15).

Source: OpenAI guide "Error codes" (read 2026-11), and bodies that compatible servers were recorded to send.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from converters.errors import Kind, UpstreamError
from converters.json_codec import Json, JsonObject, loads
from converters.openai_errors import kind_of, write_error
from converters.retry_after import retry_after

__all__ = ["error_in_answer", "read_error", "write_error"]

_MESSAGE_LIMIT = 2000  # characters kept of a body that is not JSON


def read_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """An HTTP error answer of any vendor. headers: lower-case names; body: JSON of any shape, HTML, anything."""
    found = _read_body(body)
    message = found.message or f"the provider answered {status}"
    # Google calls each limit a quota: one that ends soon is no lack of credit.
    kind = Kind.RATE_LIMIT if status == 429 and found.delay else kind_of(status, found.words, found.message)
    return UpstreamError(
        kind,
        message,
        status=status,
        retry_after=retry_after(headers, f"retry in {found.delay}" if found.delay else message),
        code=found.code,
    )


def error_in_answer(body: JsonObject) -> UpstreamError:
    """An error object in a stream, or in a whole answer of status 200; a body that is no answer at all counts as one."""
    found = _read(body)
    status = found.status
    kind = kind_of(status, found.words, found.message)
    message = found.message or "the provider's answer is not a chat completion"
    return UpstreamError(kind, message, status=status, retry_after=retry_after({}, message), code=found.code)


@dataclass(frozen=True, slots=True)
class _Found:
    """What an error body says. words: its code and type, lower case. status: HTTP status named inside the body. delay: of
    Google's `RetryInfo`, like `37s`."""

    message: str = ""
    code: str | None = None
    words: tuple[str, ...] = ()
    status: int | None = None
    delay: str = ""


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
        _delay(error.get("details")),
    )


def _delay(details: Json) -> str:
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(delay := detail.get("retryDelay"), str):
            return delay
    return ""


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
