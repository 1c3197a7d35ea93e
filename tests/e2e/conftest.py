"""Fakes, proxies and clients for the whole run. A test fails, whatever it checks, when something came upstream that never should."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

import httpx
import pytest

from tests.e2e.plain import ALL_KEYS, KEYS, PAIR_NAMES, PAIRS, PLAIN_MODEL, PROTOCOLS, PROVIDERS, REASONING_MODEL
from tests.e2e.proxy import Proxy, launch
from tests.e2e.sdks import CLIENTS, Client
from tests.fakes.anthropic import AnthropicFake
from tests.fakes.gemini import GeminiFake
from tests.fakes.openai import OpenAIFake
from tests.fakes.provider import FakeProvider
from tests.fakes.responses import ResponsesFake
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.server import Recorded

# mcp 2 and mitmproxy do not go together on Python 3.12: mitmproxy holds typing-extensions back there.
collect_ignore = ["test_mcp.py"] if sys.version_info < (3, 13) else []

FAKES: Mapping[str, type[FakeProvider]] = {
    "openai-custom": OpenAIFake,
    "openaiResponses-custom": ResponsesFake,
    "claude-custom": AnthropicFake,
    "gemini-custom": GeminiFake,
}


# What is tried again, is tried soon, however often an account has failed in other tests.
SOON = {
    "REQUEST_BASE_DELAY": "20",
    "ERROR_REST_SECONDS": "0.05",
    "RATE_REST_SECONDS": "0.05",
    "AUTH_REST_SECONDS": "0.05",
    "ACCOUNT_WAIT_SECONDS": "1",
}


@dataclass
class Upstreams:
    """The fakes of all providers."""

    fakes: Mapping[str, FakeProvider]

    def of(self, provider: str) -> FakeProvider:
        return self.fakes[provider]

    @property
    def violations(self) -> list[str]:
        return [each for fake in self.fakes.values() for each in fake.violations]

    @property
    def asked(self) -> int:
        """How many requests came to any of them."""
        return sum(len(fake.requests) for fake in self.fakes.values())

    @property
    def settings(self) -> dict[str, str]:
        return {
            "API_KEY": CLIENT_KEY,
            **SOON,
            "OPENAI_API_KEY": KEYS["openai-custom"],
            "OPENAI_BASE_URL": f"{self.of('openai-custom').url}/v1",
            "OPENAI_RESPONSES_API_KEY": KEYS["openaiResponses-custom"],
            "OPENAI_RESPONSES_BASE_URL": f"{self.of('openaiResponses-custom').url}/v1",
            "CLAUDE_API_KEY": KEYS["claude-custom"],
            "CLAUDE_BASE_URL": self.of("claude-custom").url,
            "GEMINI_API_KEY": KEYS["gemini-custom"],
            "GEMINI_BASE_URL": self.of("gemini-custom").url,
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
    def protocol(self) -> str:
        return self.client.protocol

    @property
    def wire(self) -> str:
        """What the provider speaks."""
        return PROVIDERS[self.provider]

    @property
    def same(self) -> bool:
        """Both speak the same protocol."""
        return self.protocol == self.wire

    def model(self, script: str, *, thinking: bool = False) -> str:
        return f"{(REASONING_MODEL if thinking else PLAIN_MODEL)[self.provider]}-{script}"

    @property
    def sent(self) -> list[Recorded]:
        """The upstream requests of this test."""
        return self.fake.requests[self._seen :]


type Launch = Callable[[str, Mapping[str, str]], Proxy]
type ClientOf = Callable[[Proxy, str, str], Client]


@pytest.fixture(scope="session")
def upstreams() -> Iterator[Upstreams]:
    with ExitStack() as stack:
        fakes = {}
        for name, kind in FAKES.items():
            fakes[name] = fake = kind(KEYS[name])
            stack.enter_context(fake)
            fake.secrets = [key for key in ALL_KEYS if key != KEYS[name]]
        yield Upstreams(fakes)


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
        for key in ALL_KEYS:
            assert key.encode() not in written, f"{proxy.log.parent.name} wrote the key {key[:8]}..."


@pytest.fixture(scope="session")
def proxy(start: Launch, upstreams: Upstreams) -> Proxy:
    """All accounts, default settings."""
    return start("main", upstreams.settings)


@pytest.fixture(scope="session")
def impatient(start: Launch, upstreams: Upstreams) -> Proxy:
    """Deadlines of a second or less."""
    deadlines = {"FIRST_BYTE_SECONDS": "0.6", "IDLE_SECONDS": "1", "HEARTBEAT_SECONDS": "0.3"}
    return start("impatient", {**upstreams.settings, **deadlines})


@pytest.fixture(scope="session")
def client_of() -> Iterator[ClientOf]:
    """(proxy, protocol, provider) -> its SDK client, made once."""
    made: dict[tuple[int, str, str], Client] = {}

    def get(proxy: Proxy, protocol: str, provider: str) -> Client:
        key = (proxy.port, protocol, provider)
        if key not in made:
            own = PROVIDERS[provider] == protocol
            made[key] = CLIENTS[protocol](proxy.url, provider, CLIENT_KEY, own=own)
        return made[key]

    yield get
    for client in made.values():
        client.close()


@pytest.fixture(params=PAIRS, ids=PAIR_NAMES)
def pair(request: pytest.FixtureRequest, proxy: Proxy, upstreams: Upstreams, client_of: ClientOf) -> Pair:
    """Each of the 16 pairs, in turn."""
    protocol, provider = request.param
    return Pair(client_of(proxy, protocol, provider), provider, upstreams.of(provider), proxy)


@pytest.fixture(params=PROTOCOLS)
def impatient_pairs(
    request: pytest.FixtureRequest, impatient: Proxy, upstreams: Upstreams, client_of: ClientOf
) -> list[Pair]:
    """A protocol's client with each of the providers, behind the proxy with short deadlines."""
    protocol = str(request.param)
    return [
        Pair(client_of(impatient, protocol, provider), provider, upstreams.of(provider), impatient)
        for provider in PROVIDERS
    ]


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
