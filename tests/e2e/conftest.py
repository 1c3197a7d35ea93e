"""Fakes, proxies and clients for the whole run. A test fails, whatever it checks, when something came upstream that never should."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest

from tests.e2e.clients import PROTOCOLS, Client, connect
from tests.e2e.proxy import Proxy, launch
from tests.fakes.anthropic import AnthropicFake
from tests.fakes.openai import OpenAIFake
from tests.fakes.provider import FakeProvider
from tests.fakes.samples import ANTHROPIC_KEY, CLIENT_KEY, OPENAI_KEY
from tests.fakes.server import Recorded

PROVIDERS = {"openai-custom": "chat", "claude-custom": "anthropic"}
PLAIN_MODEL = {"openai-custom": "gpt-4.1", "claude-custom": "claude-sonnet-4-5"}
REASONING_MODEL = {"openai-custom": "gpt-5.4", "claude-custom": "claude-sonnet-4-5"}


@dataclass
class Upstreams:
    """Both fakes."""

    openai: OpenAIFake
    claude: AnthropicFake

    def of(self, provider: str) -> FakeProvider:
        return {"openai-custom": self.openai, "claude-custom": self.claude}[provider]

    @property
    def violations(self) -> list[str]:
        return self.openai.violations + self.claude.violations

    @property
    def settings(self) -> dict[str, str]:
        return {
            "API_KEY": CLIENT_KEY,
            "OPENAI_API_KEY": OPENAI_KEY,
            "OPENAI_BASE_URL": f"{self.openai.url}/v1",
            "CLAUDE_API_KEY": ANTHROPIC_KEY,
            "CLAUDE_BASE_URL": self.claude.url,
        }


@dataclass
class Pair:
    """A client protocol and a provider behind the proxy."""

    client: Client
    provider: str
    fake: FakeProvider
    proxy: Proxy
    _seen: int = field(init=False)

    def __post_init__(self) -> None:
        self._seen = len(self.fake.requests)

    @property
    def same(self) -> bool:
        """Both speak the same protocol."""
        return self.client.protocol == PROVIDERS[self.provider]

    def model(self, script: str, *, thinking: bool = False) -> str:
        return f"{(REASONING_MODEL if thinking else PLAIN_MODEL)[self.provider]}-{script}"

    @property
    def sent(self) -> list[Recorded]:
        """The upstream requests of this test."""
        return self.fake.requests[self._seen :]


type Launch = Callable[[str, Mapping[str, str]], Proxy]


@pytest.fixture(scope="session")
def upstreams() -> Iterator[Upstreams]:
    with OpenAIFake(OPENAI_KEY) as chat, AnthropicFake(ANTHROPIC_KEY) as claude:
        assert isinstance(chat, OpenAIFake)
        assert isinstance(claude, AnthropicFake)
        chat.secrets = [CLIENT_KEY, ANTHROPIC_KEY]
        claude.secrets = [CLIENT_KEY, OPENAI_KEY]
        yield Upstreams(chat, claude)


@pytest.fixture(scope="session")
def running() -> list[Proxy]:
    """Every proxy started so far."""
    return []


@pytest.fixture(scope="session")
def start(tmp_path_factory: pytest.TempPathFactory, running: list[Proxy]) -> Iterator[Launch]:
    """Starts a proxy with settings; all are stopped at the end, and no key may stand in what they wrote."""

    def start_one(name: str, settings: Mapping[str, str]) -> Proxy:
        proxy = launch(tmp_path_factory.mktemp("proxy") / name, settings)
        running.append(proxy)
        return proxy

    yield start_one
    with ExitStack() as stopping:  # all are stopped, also when one is stubborn
        for proxy in running:
            stopping.callback(proxy.stop)
    for proxy in running:
        written = proxy.log.read_bytes() + proxy.dump.read_bytes()
        for key in (CLIENT_KEY, OPENAI_KEY, ANTHROPIC_KEY):
            assert key.encode() not in written, f"{proxy.log.parent.name} wrote the key {key[:8]}..."


@pytest.fixture(scope="session")
def proxy(start: Launch, upstreams: Upstreams) -> Proxy:
    """Both accounts, default settings."""
    return start("main", upstreams.settings)


@pytest.fixture(scope="session")
def impatient(start: Launch, upstreams: Upstreams) -> Proxy:
    """Deadlines of a second or less."""
    deadlines = {"FIRST_BYTE_SECONDS": "0.6", "IDLE_SECONDS": "1", "HEARTBEAT_SECONDS": "0.3"}
    return start("impatient", {**upstreams.settings, **deadlines})


@pytest.fixture(scope="session")
def client_of() -> Iterator[Callable[[Proxy, str, str], Client]]:
    """(proxy, protocol, provider) -> its SDK client, made once."""
    made: dict[tuple[int, str, str], Client] = {}

    def get(proxy: Proxy, protocol: str, provider: str) -> Client:
        key = (proxy.port, protocol, provider)
        if key not in made:
            made[key] = connect(protocol, proxy.url, provider, CLIENT_KEY)
        return made[key]

    yield get
    for client in made.values():
        client.close()


PAIRS = [(protocol, provider) for protocol in PROTOCOLS for provider in PROVIDERS]
PAIR_NAMES = [f"{protocol}->{PROVIDERS[provider]}" for protocol, provider in PAIRS]


@pytest.fixture(params=PAIRS, ids=PAIR_NAMES)
def pair(
    request: pytest.FixtureRequest,
    proxy: Proxy,
    upstreams: Upstreams,
    client_of: Callable[[Proxy, str, str], Client],
) -> Pair:
    """Each of the four pairs, in turn."""
    protocol, provider = request.param
    return Pair(client_of(proxy, protocol, provider), provider, upstreams.of(provider), proxy)


@pytest.fixture(params=PAIRS, ids=PAIR_NAMES)
def impatient_pair(
    request: pytest.FixtureRequest,
    impatient: Proxy,
    upstreams: Upstreams,
    client_of: Callable[[Proxy, str, str], Client],
) -> Pair:
    """Each of the four pairs, behind the proxy with short deadlines."""
    protocol, provider = request.param
    return Pair(client_of(impatient, protocol, provider), provider, upstreams.of(provider), impatient)


@pytest.fixture(params=[False, True], ids=["whole", "stream"])
def stream(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture(scope="session")
def web() -> Iterator[httpx.Client]:
    """A plain HTTP client, for what an SDK would not send."""
    with httpx.Client(trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def _nothing_unneeded_goes_upstream_and_nothing_crashes(upstreams: Upstreams, running: list[Proxy]) -> Iterator[None]:
    before = len(upstreams.violations)
    yield
    assert upstreams.violations[before:] == []
    for proxy in running:
        news = proxy.news()
        assert "Traceback" not in news, news
        assert "crashed" not in news, news
