"""Proxies and providers for this folder; and these tests only for who asks for them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY
from tests.soak.programs import PROGRAMS, START, enough_descriptors, paced_provider, settings_for
from tests.soak.told import table

HERE = Path(__file__).resolve().parent


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """True, which leaves it out, unless this folder or something in it was named."""
    named = [Path(config.invocation_params.dir, argument.partition("::")[0]).resolve() for argument in config.args]
    return None if any(path.is_relative_to(HERE) for path in named) else True


@pytest.fixture(scope="session", autouse=True)
def _linux() -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("memory and descriptors are read from /proc")
    enough_descriptors()


@pytest.fixture(scope="session")
def provider() -> Iterator[int]:
    """The port of the paced provider."""
    with paced_provider() as port:
        yield port


@pytest.fixture(scope="module", params=PROGRAMS)
def program(request: pytest.FixtureRequest) -> str:
    """How the proxy is started."""
    return str(request.param)


@contextmanager
def started(program: str, home: Path, settings: Mapping[str, str]) -> Iterator[Proxy]:
    """It must end well, without a crash and without keys in its log."""
    proxy = START[program](home / program, settings)
    try:
        yield proxy
        assert proxy.stop() == 0
    finally:
        proxy.process.kill()
        proxy.process.wait()
    log = proxy.log.read_text()
    assert "Traceback" not in log, log[-3000:]
    assert "crashed" not in log
    assert CLIENT_KEY not in log


@pytest.fixture
def proxy(program: str, provider: int, tmp_path: Path) -> Iterator[Proxy]:
    """A new one for each test, in front of the paced provider."""
    with started(program, tmp_path, settings_for(provider)) as proxy:
        yield proxy


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures, whatever was captured."""
    if lines := table():
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
