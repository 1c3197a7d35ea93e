"""Errors, both ways: what a Responses client is told, and what a provider's error says to do next (conversion rules 15).

Source: OpenAI guide "Error codes", OpenAI API reference "response object", `error` (read 2026-11).
"""

import re
from collections.abc import Mapping
from html import unescape

from converters.errors import Failure, Kind, UpstreamError
from converters.json_codec import Json, JsonObject, loads
from converters.openai_errors import error_code, kind_of, write_error
from converters.retry_after import retry_after

__all__ = ["error_in_answer", "error_object", "failed_error", "read_error", "write_error"]

_MAX_TEXT = 500  # characters kept of a body that is no JSON


# --- for the client ---


def failed_error(failure: Failure) -> JsonObject:
    """`response.error` of a failed response; here a code is required."""
    return {"code": error_code(failure, None) or "server_error", "message": failure.message}


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


def _kind(status: int | None, words: list[str], message: str) -> Kind:
    """A conflict that says no more is worth another try."""
    kind = kind_of(status, words, message)
    return Kind.SERVER if status == 409 and kind is Kind.BAD_REQUEST else kind


def _readable(body: bytes) -> str:
    """What a person would read of a page that a gateway put in the way."""
    text = body[: 64 * _MAX_TEXT].decode("utf-8", "replace")
    text = re.sub(r"(?is)<(script|style).*?</\1>|<[^>]*>", " ", text)
    return " ".join(unescape(text).split())[:_MAX_TEXT]
