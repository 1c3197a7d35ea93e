"""Proxies and strict fakes of the end-to-end tests, for this folder; and the table of figures."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from typing import override

import pytest

from tests.attack.figures import ROWS
from tests.e2e.conftest import (
    FAKES,
    Launch,
    Upstreams,
    _nothing_unneeded_goes_upstream_and_nothing_crashes,
    running,
    start,
    web,
)
from tests.e2e.plain import ALL_KEYS, KEYS
from tests.e2e.proxy import Proxy
from tests.fakes.provider import FakeProvider
from tests.fakes.scripts import HttpError
from tests.fakes.server import Line, Recorded

__all__ = ["_nothing_unneeded_goes_upstream_and_nothing_crashes", "running", "start", "web"]

# The default run takes a sample; `./run.sh test attack` all of it.
collect_ignore = (
    [] if "AICLIENT_TEST_ATTACK_COUNT" in os.environ else ["test_exhaustion.py", "test_http2.py", "test_keys.py"]
)
UNREADABLE = HttpError(400, "invalid_request_error", "The request cannot be read.")


def _patient(kind: type[FakeProvider]) -> type[FakeProvider]:
    """The same fake, which says 400 to what it does not understand: its rules are written for requests that have some sense."""

    class Patient(kind):  # type: ignore[misc,valid-type]
        @override
        async def play(self, request: Recorded, line: Line) -> None:
            try:
                await super().play(request, line)
            except ConnectionError:
                raise
            except Exception:
                headers, body = self.error_answer(UNREADABLE, None)
                await line.answer(400, headers, body)

    return Patient


@pytest.fixture(scope="session")
def upstreams() -> Iterator[Upstreams]:
    with ExitStack() as stack:
        fakes = {}
        for name, kind in FAKES.items():
            fakes[name] = fake = _patient(kind)(KEYS[name])
            stack.enter_context(fake)
            fake.secrets = [key for key in ALL_KEYS if key != KEYS[name]]
        yield Upstreams(fakes)


@pytest.fixture(scope="session")
def target(start: Launch, upstreams: Upstreams) -> Proxy:
    """All accounts, default settings; but it need not be waited for at its end."""
    return start("target", {**upstreams.settings, "GRACE_SECONDS": "2"})


@pytest.fixture(scope="session")
def hasty(start: Launch, upstreams: Upstreams) -> Proxy:
    """It waits two seconds for a head or a body."""
    return start("hasty", {**upstreams.settings, "HEADER_SECONDS": "2", "BODY_SECONDS": "2", "GRACE_SECONDS": "2"})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not ROWS:
        return
    width = max(len(what) for what, _ in ROWS)
    terminalreporter.section("attacks")
    for what, figures in ROWS:
        terminalreporter.write_line(f"{what:<{width}}  {figures}")
