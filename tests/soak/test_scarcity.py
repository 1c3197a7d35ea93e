"""Promises 16, 17 and 22: a disk without room, no descriptors left, SIGTERM, each with answers under way."""

import json
import resource
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.e2e.oauth.logins import GeminiLogin
from tests.e2e.plain import checked_answer, plain
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY
from tests.soak.asking import whole
from tests.soak.conftest import started
from tests.soak.crowd import Order
from tests.soak.programs import FEW, Watched, crowd, report_of, settings_for
from tests.soak.told import tell

AGAIN_SECONDS = 11  # a refused token is renewed once in ten seconds
SAVED_SECONDS = 60  # accounts are looked after each half minute
PAIRS = [("chat", "openai-custom"), ("anthropic", "openai-custom"), ("gemini", "claude-custom")]


def limit(proxy: Proxy, what: int, to: int) -> tuple[int, int]:
    """The soft limit of the running proxy; gives what it was."""
    old = resource.prlimit(proxy.process.pid, what)
    resource.prlimit(proxy.process.pid, what, (to, old[1]))
    return old


# --- 16: no file can be written ---


@pytest.fixture
def login(tmp_path: Path) -> Iterator[GeminiLogin]:
    """An account whose refresh token works once, and whose access token has just ended."""
    login = GeminiLogin(tmp_path / "login")
    login.tokens.rotates = True
    for server in login.servers:
        server.start()
    login.log_in(ends_in=-10)
    yield login
    for server in login.servers:
        server.stop()


def test_16_on_a_full_disk_requests_go_on_and_a_rotated_token_is_kept(
    program: str, provider: int, login: GeminiLogin, tmp_path: Path
) -> None:
    """Not a byte can be written to any file, the log's among them. The refresh token on the disk is void after the first
    renewal; every further one must use its successor, which is in memory alone, until there is room again."""
    with started(program, tmp_path, {**settings_for(provider), **login.settings}) as proxy:
        old = limit(proxy, resource.RLIMIT_FSIZE, 0)
        on_disk = login.path.read_bytes()
        answered = 0
        for _ in range(100):
            for protocol, account in PAIRS:
                ask = plain(protocol, "paced-2-1-x", stream=True)
                answered += whole(proxy.port, account, ask)[0] == 200
        for round_ in range(2):
            if round_:
                login.end_access()  # so that the next request has to renew it
                time.sleep(AGAIN_SECONDS)
            status, body = whole(proxy.port, login.provider, plain("gemini", login.model))
            assert status == 200, body
            assert checked_answer("gemini", body).text
            assert login.refreshes == round_ + 1
        assert login.refused == [], "a void refresh token was used"
        assert login.path.read_bytes() == on_disk, "something was written after all"
        assert list(login.path.parent.glob(".*")) == [], "a draft was left"
        resource.prlimit(proxy.process.pid, resource.RLIMIT_FSIZE, old)
        deadline = time.monotonic() + SAVED_SECONDS
        while login.document()[login.refresh] not in login.tokens.alive:
            assert time.monotonic() < deadline, "the token that works was not saved when there was room again"
            time.sleep(0.5)
        status, _ = whole(proxy.port, "openai-custom", plain("chat", "paced-2-1-x", stream=True))
        tell("full disk", program, requests=100 * len(PAIRS), answered=answered, renewals=login.refreshes)
        assert answered == 100 * len(PAIRS)
        assert status == 200
        assert proxy.stop() == 0
        log = proxy.log.read_text()
        assert "Traceback" not in log, log[-3000:]
        assert log.count("the log could not be written for a while") == 1


# --- 17: no descriptors left ---


def test_17_streams_under_way_outlive_a_lack_of_descriptors(proxy: Proxy, program: str) -> None:
    """Fifty streams are held, and room is left for ten more descriptors: of hundred clients that come then most wait or are
    refused, not one stream is lost, and all is as before when they have gone."""
    watched = Watched(proxy.process.pid)
    held = Order(proxy.port, "anthropic", "openai-custom", clients=50, ramp=0.5, pieces=100, milliseconds=100)
    more = Order(proxy.port, "chat", "openai-custom", clients=100, ramp=0.5, pieces=2, milliseconds=10)
    before = watched.settled(0, 0.5)
    with crowd(held) as clients:
        deadline = time.monotonic() + 10
        while watched.descriptors < before + 95 and time.monotonic() < deadline:
            time.sleep(0.05)
        old = limit(proxy, resource.RLIMIT_NOFILE, watched.descriptors + 10)
        with crowd(more) as others:
            time.sleep(3)
            assert proxy.process.poll() is None
            resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE, old)
            late = report_of(others)
        report = report_of(clients)
    tell("no descriptors", program, held=50, exact=report.exact, came_meanwhile=100, served_late_or_at_once=late.exact)
    assert report.faults == []
    assert report.exact == 50
    assert watched.settled(before) <= before + FEW
    status, _ = whole(proxy.port, "openai-custom", plain("chat", "paced-1-1-x", stream=True))
    assert status == 200


# --- 22: SIGTERM ---


def test_22_three_hundred_streams_end_whole_after_sigterm(provider: int, program: str, tmp_path: Path) -> None:
    """Four seconds are left of each when the signal comes, within a grace time of ten."""
    with started(program, tmp_path, {**settings_for(provider), "GRACE_SECONDS": "10"}) as proxy:
        watched = Watched(proxy.process.pid)
        order = Order(proxy.port, "gemini", "claude-custom", clients=300, ramp=2, pieces=30, milliseconds=200)
        before = watched.descriptors
        with crowd(order) as clients:
            deadline = time.monotonic() + 20
            while watched.descriptors < before + 590 and time.monotonic() < deadline:
                time.sleep(0.05)
            began = time.monotonic()
            proxy.process.send_signal(signal.SIGTERM)
            report = report_of(clients)
            assert proxy.process.wait(10) == 0
            seconds = time.monotonic() - began
        tell("sigterm", program, streams=300, exact=report.exact, seconds=seconds)
        assert report.faults == []
        assert report.exact == 300
        assert seconds < 10


def test_22_three_hundred_streams_that_do_not_end_are_ended_with_an_error_event(
    provider: int, program: str, tmp_path: Path
) -> None:
    with started(program, tmp_path, {**settings_for(provider), "GRACE_SECONDS": "4"}) as proxy:
        ask = plain("anthropic", "paced-100-200-x", stream=True)
        with ThreadPoolExecutor(300) as pool:
            answers = [pool.submit(whole, proxy.port, "openai-custom", ask) for _ in range(300)]
            deadline = time.monotonic() + 20
            watched = Watched(proxy.process.pid)
            while watched.descriptors < 590 and time.monotonic() < deadline:
                time.sleep(0.05)
            time.sleep(0.5)
            began = time.monotonic()
            proxy.process.send_signal(signal.SIGTERM)
            assert proxy.process.wait(8) == 0
            seconds = time.monotonic() - began
            ended = [answer.result(5)[1] for answer in answers]
        tell("sigterm", f"never ending ({program})", streams=300, seconds=seconds)
        assert all(b"event: error" in each.rstrip().rpartition(b"\n\n")[2] for each in ended)
        assert not any(b"message_stop" in each for each in ended)
        assert CLIENT_KEY not in proxy.log.read_text()
        assert json.loads(ended[0].rpartition(b"data: ")[2])["type"] == "error"
