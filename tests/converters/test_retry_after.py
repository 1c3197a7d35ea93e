"""Retry-After rules: all forms of the hint, the longest counts."""

import pytest

from converters.retry_after import retry_after

DATE = {"date": "Sun, 22 Nov 2026 10:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "2500", "retry-after": "2"}, 2.5),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30.0),
        ({"retry-after": "Wed, 99 Oct 2026 07:28:30 GMT", "date": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}, 360.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "12ms"}, 0.012),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "1h2m3s"}, 3723.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "7"}, 7.0),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "later"}, None),
        ({"x-ratelimit-remaining-tokens": "5", "x-ratelimit-reset-tokens": "6m0s"}, None),
        ({"retry-after": "1", "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "3s"}, 3.0),
        ({"x-ratelimit-reset-requests": "6s"}, 6.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "9"}, 9.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795341630", **DATE}, 30.0),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1795341630000", **DATE}, 30.0),
        ({"x-ratelimit-remaining": "3", "x-ratelimit-reset": "1795341630", **DATE}, None),
    ],
)
def test_15_2_retry_after_of_headers(headers: dict[str, str], expected: float | None) -> None:
    assert retry_after(headers, "") == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Rate limit reached. Please try again in 1.2s. Visit ...", 1.2),
        ("Please try again in 20ms.", 0.02),
        ("Please try again in 6m0s", 360.0),
        ("retry after 30s", 30.0),
        ("Please try again later", None),
    ],
)
def test_15_2_retry_after_of_the_message(message: str, expected: float | None) -> None:
    assert retry_after({}, message) == (None if expected is None else pytest.approx(expected))


def test_15_2_the_longest_hint_counts() -> None:
    assert retry_after({"retry-after": "1"}, "Please try again in 9s") == 9.0


@pytest.mark.parametrize("window", ["requests", "tokens", "input-tokens", "output-tokens"])
def test_15_2_a_reset_counts_only_when_nothing_remains(window: str) -> None:
    reset = {f"anthropic-ratelimit-{window}-reset": "2026-11-22T10:01:00Z", **DATE}
    assert retry_after({**reset, f"anthropic-ratelimit-{window}-remaining": "1"}) is None
    assert retry_after({**reset, f"anthropic-ratelimit-{window}-remaining": "0"}) == 60
    assert retry_after({**reset, f"anthropic-ratelimit-{window}-remaining": "0", "retry-after": "90"}) == 90
    odd = {f"anthropic-ratelimit-{window}-reset": "later", f"anthropic-ratelimit-{window}-remaining": "0", **DATE}
    assert retry_after(odd) is None


def test_15_2_a_refused_subscription_window_names_its_end() -> None:
    headers = {"anthropic-ratelimit-unified-reset": "1795341660", **DATE}
    assert retry_after({**headers, "anthropic-ratelimit-unified-status": "allowed"}) is None
    assert retry_after({**headers, "anthropic-ratelimit-unified-status": "rejected"}) == 60
