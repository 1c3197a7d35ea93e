"""How long a provider asks to wait: the longest of its hints counts. No clock: dates count from the answer's own `date` header.

Read are `retry-after-ms`; `retry-after` in seconds or as an HTTP date; the reset of each rate window that has nothing left, or
does not say what is (OpenAI's durations like `6m0s`, routers' unix time in seconds or milliseconds, Anthropic's RFC 3339
moments, unix seconds of a subscription window that refused); and
"Please try again in 6m0s" in the message. Source: the vendors' pages on rate limits (read 2026-11).
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_MOMENT = 1e9  # what is greater is unix time
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_TRY_AGAIN = re.compile(r"(?:try again|retry) (?:in|after) ((?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+)", re.IGNORECASE)
_OPENAI = "x-ratelimit-reset"
_ANTHROPIC = re.compile(r"(anthropic-ratelimit-[a-z-]+)-remaining")


def retry_after(headers: Mapping[str, str], message: str = "") -> float | None:
    """Seconds, never negative; None when the provider named no time. headers: lower-case names."""
    hints = [hint for hint in (*_headers(headers), *_windows(headers)) if hint is not None]
    if found := _TRY_AGAIN.search(message):
        hints.append(_seconds(found[1].lower()))
    return max(0.0, *hints) if hints else None


def _headers(headers: Mapping[str, str]) -> Iterator[float | None]:
    milliseconds = _number(headers.get("retry-after-ms"))
    yield None if milliseconds is None else milliseconds / 1000
    wait = headers.get("retry-after")
    seconds = _number(wait)
    yield _until(_http_date(wait), headers) if seconds is None else seconds


def _windows(headers: Mapping[str, str]) -> Iterator[float | None]:
    for name, value in headers.items():
        if name.startswith(_OPENAI) and headers.get(name.replace("reset", "remaining", 1), "0").strip() == "0":
            yield _reset(value, headers)
        elif value.strip() == "0" and (window := _ANTHROPIC.fullmatch(name)):
            yield _until(_rfc3339(headers.get(f"{window[1]}-reset")), headers)
    if headers.get("anthropic-ratelimit-unified-status") == "rejected":
        yield _until(_number(headers.get("anthropic-ratelimit-unified-reset")), headers)


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _reset(text: str, headers: Mapping[str, str]) -> float | None:
    """`6m0s`, `12ms`; a bare number is seconds, or a moment."""
    number = _number(text)
    if number is None:
        return _seconds(text) if _DURATION.search(text) else None
    if number < _MOMENT:
        return number
    return _until(number if number < _MOMENT * 1000 else number / 1000, headers)


def _seconds(text: str) -> float:
    return sum(float(number) * _UNITS[unit] for number, unit in _DURATION.findall(text))


def _until(then: float | None, headers: Mapping[str, str]) -> float | None:
    now = _http_date(headers.get("date"))
    return None if then is None or now is None else then - now


def _http_date(text: str | None) -> float | None:
    try:
        return _unix(parsedate_to_datetime(text or ""))
    except (ValueError, OverflowError):
        return None


def _rfc3339(text: str | None) -> float | None:
    try:
        return _unix(datetime.fromisoformat(text or ""))
    except (ValueError, OverflowError):
        return None


def _unix(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
