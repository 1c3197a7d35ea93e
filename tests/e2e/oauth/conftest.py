"""The accounts, a proxy that has all three, and the checks after each test: nothing unneeded goes upstream, no token goes anywhere else."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.conftest import SOON, Launch
from tests.e2e.oauth.logins import LOGINS, SECRETS, Login, Stage
from tests.e2e.plain import PROTOCOLS
from tests.e2e.proxy import Proxy
from tests.e2e.sdks import CLIENTS, Client
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.server import Recorded

OWN = {"gemini-cli-oauth": "gemini", "openai-qwen-oauth": "chat"}  # provider -> the client protocol that it speaks
ROUTES = [(protocol, provider) for protocol in PROTOCOLS for provider in LOGINS]
ROUTE_NAMES = [f"{protocol}->{provider}" for protocol, provider in ROUTES]
# Tests end and renew tokens as they like: the background must not do it first.
QUIET = {"CRON_REFRESH_TOKEN": "false", **SOON, "QUOTA_REST_SECONDS": "0"}


@dataclass
class Route:
    """A client and one of the accounts."""

    client: Client
    login: Login
    _seen: int = field(init=False)

    def __post_init__(self) -> None:
        self._seen = len(self.login.generated)

    @property
    def protocol(self) -> str:
        return self.client.protocol

    @property
    def provider(self) -> str:
        return self.login.provider

    def model(self, script: str, *, thinking: bool = False) -> str:
        return f"{self.login.thinking_model if thinking else self.login.model}-{script}"

    @property
    def sent(self) -> list[Recorded]:
        """The upstream requests of this test for answers."""
        return self.login.generated[self._seen :]


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield Stage(tmp_path_factory.mktemp("logins"), stack)


@pytest.fixture(scope="session")
def started() -> list[Proxy]:
    """The proxies of these tests."""
    return []


@pytest.fixture(scope="session")
def start_here(start: Launch, started: list[Proxy]) -> Iterator[Launch]:
    """As `start`; and no token may stand in what the proxy wrote."""

    def start_one(name: str, settings: Mapping[str, str]) -> Proxy:
        started.append(proxy := start(name, settings))
        return proxy

    yield start_one
    for proxy in started:
        proxy.stop()
        assert_no_secret_in(proxy.log, proxy.dump)


def assert_no_secret_in(*files: Path) -> None:
    for path in files:
        content = path.read_bytes()
        found = [secret for secret in SECRETS if secret.encode() in content]
        assert not found, f"{path} holds {found}: ...{around(content, found[0])!r}"


def around(content: bytes, secret: str) -> bytes:
    at = content.index(secret.encode())
    return content[max(0, at - 200) : at + len(secret)]


@pytest.fixture(scope="session")
def oauth_proxy(start_here: Launch, stage: Stage) -> Proxy:
    """All three accounts, each of the file that settings name."""
    return start_here("oauth", {**stage.settings, **QUIET})


@pytest.fixture(scope="session")
def clients(oauth_proxy: Proxy) -> Iterator[dict[tuple[str, str], Client]]:
    """(protocol, provider) -> its SDK client."""
    made = {
        (protocol, provider): CLIENTS[protocol](
            oauth_proxy.url, provider, CLIENT_KEY, own=OWN.get(provider) == protocol
        )
        for protocol, provider in ROUTES
    }
    yield made
    for client in made.values():
        client.close()


@pytest.fixture(params=ROUTES, ids=ROUTE_NAMES)
def route(request: pytest.FixtureRequest, clients: Mapping[tuple[str, str], Client], stage: Stage) -> Iterator[Route]:
    """Each of the twelve, in turn."""
    client = clients[request.param]
    yield Route(client, stage.of(request.param[1]))
    for secret in SECRETS:
        assert secret.encode() not in client.raw
        assert secret not in repr(client.transport.headers)


@pytest.fixture(params=LOGINS)
def login(request: pytest.FixtureRequest, stage: Stage) -> Iterator[Login]:
    """Each of the accounts in turn, with a new login in its file."""
    found = stage.of(request.param)
    found.log_in()
    yield found
    found.mend()
    found.log_in()


@pytest.fixture(autouse=True)
def _nothing_unneeded_goes_to_these_providers(stage: Stage) -> Iterator[None]:
    before = len(stage.violations)
    yield
    assert stage.violations[before:] == []
