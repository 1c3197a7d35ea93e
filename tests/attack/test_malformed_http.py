"""Promise 2: malformed HTTP is refused, never smuggled; what is never finished is given up."""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.attack.figures import note
from tests.attack.wire_cases import BODY, CASES, CL, HIDDEN, WHOLE_HIDDEN, Case, post
from tests.e2e.conftest import Upstreams
from tests.e2e.plain import error_of
from tests.e2e.proxy import Proxy

_STATUS = re.compile(rb"^HTTP/1\.1 (\d{3}) ", re.MULTILINE)
QUIET = 0.3  # seconds without another byte: there is no more
GIVEN_UP = 2 + 5 + 2  # seconds: the deadline, the time a refused client may linger, and some for a busy machine


@dataclass(frozen=True)
class Outcome:
    """got: all that came back. served, smuggled: the request that is to be seen, or the hidden one, went upstream."""

    got: bytes
    seconds: float
    served: bool
    smuggled: bool


def said(port: int, raw: bytes, *, until_closed: bool = False) -> tuple[bytes, float]:
    """What comes back, until the proxy closes or has said nothing more for a moment; and how long that took."""
    began = time.monotonic()
    got = bytearray()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
        try:
            sock.sendall(raw)
            sock.settimeout(GIVEN_UP if until_closed else 5)
            while more := sock.recv(65536):
                got += more
                if not until_closed:
                    sock.settimeout(QUIET)
        except TimeoutError:
            assert got, "neither answered nor closed"
        except ConnectionError:
            pass  # closed while we were sending
    return bytes(got), time.monotonic() - began


@pytest.fixture(scope="module")
def outcomes(hasty: Proxy, upstreams: Upstreams) -> dict[str, Outcome]:
    """All cases, many at once; each has a model of its own, of the same length, by which it is known upstream."""

    def attempt(number: int) -> tuple[bytes, float]:
        case = CASES[number]
        return said(hasty.port, marked(case.raw, number), until_closed=case.unfinished)

    with ThreadPoolExecutor(16) as pool:
        told = list(pool.map(attempt, range(len(CASES))))
    bodies = b"\n".join(request.body for fake in upstreams.fakes.values() for request in fake.requests)
    return {
        case.name: Outcome(*told[number], mark(number) in bodies, hidden(number) in bodies)
        for number, case in enumerate(CASES)
    }


def mark(number: int) -> bytes:
    return b"case-%05d" % number


def hidden(number: int) -> bytes:
    return b"smug%04d" % number


def marked(raw: bytes, number: int) -> bytes:
    assert len(mark(number)) == len(b"sonnet-4-5")
    assert len(hidden(number)) == len(b"smuggled")
    return raw.replace(b"sonnet-4-5", mark(number)).replace(b"smuggled", hidden(number))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_2_malformed_http_is_refused_and_hides_nothing(outcomes: dict[str, Outcome], case: Case) -> None:
    outcome = outcomes[case.name]
    got = outcome.got
    statuses = [int(found) for found in _STATUS.findall(got)]
    assert all(status < 500 for status in statuses), got[:500]
    assert not outcome.smuggled, "the hidden request was served"
    finals = [status for status in statuses if status != 100]
    assert len(finals) <= 1, got[:2000]
    if case.unfinished:
        assert outcome.seconds < GIVEN_UP
        assert finals in ([], [408])
    if case.refused:
        assert not outcome.served, "it went upstream"
        assert all(status >= 400 for status in finals), got[:500]
    if finals and finals[0] >= 400:
        head, _, body = got.rpartition(b"\r\n\r\n")
        assert b"application/json" in head
        assert_well_formed(body)


def test_what_is_right_is_served_and_what_is_hidden_would_be_seen(
    outcomes: dict[str, Outcome], hasty: Proxy, upstreams: Upstreams
) -> None:
    """Else the cases above would show nothing."""
    assert sum(outcome.served for outcome in outcomes.values()) >= 5
    said(hasty.port, post(CL, body=BODY + WHOLE_HIDDEN))
    assert HIDDEN.encode() in upstreams.of("claude-custom").requests[-1].body


def assert_well_formed(body: bytes) -> None:
    """In the protocol of the path, or in Chat's where there was none."""
    protocol = "anthropic" if b'"request_id"' in body else "chat"
    error_of(protocol, body)


def test_there_are_enough_of_them() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 65


def test_2_the_next_client_is_served(outcomes: dict[str, Outcome], hasty: Proxy) -> None:
    got, _ = said(hasty.port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert got.startswith(b"HTTP/1.1 200 ")
    failed = sum(b"HTTP/1.1 5" in outcome.got for outcome in outcomes.values())
    smuggled = sum(outcome.smuggled for outcome in outcomes.values())
    waited = max(outcomes[case.name].seconds for case in CASES if case.unfinished)
    note(
        "2 malformed HTTP",
        f"{len(CASES)} cases, {failed} x 5xx, {smuggled} hidden requests served, unfinished ones closed within {waited:.1f} s",
    )
