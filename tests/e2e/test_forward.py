"""Forward mode: a client that cannot be given a base URL is given a proxy, and talks to us in the name of its API."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import anthropic
import httpx
import openai
import pytest

from tests.e2e.conftest import CLIENT_KEY, Upstreams
from tests.e2e.proxy import Proxy, launch


@pytest.fixture(scope="module")
def forward(tmp_path_factory: pytest.TempPathFactory, upstreams: Upstreams) -> Iterator[Proxy]:
    proxy = launch(tmp_path_factory.mktemp("proxy") / "forward", upstreams.settings, mode="regular")
    yield proxy
    proxy.stop()
    written = proxy.log.read_bytes() + proxy.dump.read_bytes()
    assert CLIENT_KEY.encode() not in written


def trust(proxy: Proxy) -> ssl.SSLContext:
    """As HTTPS_PROXY and a CA file would have it."""
    home = Path(proxy.log.parent)
    authority = next(home.rglob("mitmproxy-ca-cert.pem"))
    return ssl.create_default_context(cafile=str(authority))


def test_the_sdks_reach_the_accounts_by_their_vendors_own_names(forward: Proxy, upstreams: Upstreams) -> None:
    before = len(upstreams.claude.requests), len(upstreams.openai.requests)
    http = {"proxy": forward.url, "verify": trust(forward)}
    claude = anthropic.Anthropic(api_key=CLIENT_KEY, http_client=anthropic.DefaultHttpxClient(**http), max_retries=0)
    said = claude.messages.create(
        model="claude-opus-5", max_tokens=100, messages=[{"role": "user", "content": "Hi"}], stream=False
    )
    assert said.content[0].type == "text"
    gpt = openai.OpenAI(api_key=CLIENT_KEY, http_client=openai.DefaultHttpxClient(**http), max_retries=0)
    answer = gpt.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "Hi"}])
    assert answer.choices[0].message.content
    assert (len(upstreams.claude.requests), len(upstreams.openai.requests)) == (before[0] + 1, before[1] + 1)


@pytest.mark.parametrize("url", ["https://example.com/", "https://127.0.0.1:9/", "https://api.openai.com.evil.test/"])
def test_25_no_tunnel_to_anywhere_else(forward: Proxy, url: str) -> None:
    with pytest.raises(httpx.ProxyError, match="403"):
        httpx.get(url, proxy=forward.url, verify=trust(forward))


@pytest.mark.parametrize("url", ["http://example.com/v1/models", "http://169.254.169.254/v1/models"])
def test_25_no_plain_request_to_anywhere_else(forward: Proxy, url: str) -> None:
    answer = httpx.get(url, proxy=forward.url, headers={"x-api-key": CLIENT_KEY})
    assert answer.status_code == 403
    assert "is not served here" in answer.json()["error"]["message"]


def test_23_a_vendors_name_opens_nothing_without_our_key(forward: Proxy) -> None:
    answer = httpx.get(
        "https://api.openai.com/v1/models",
        proxy=forward.url,
        verify=trust(forward),
        headers={"authorization": "Bearer sk-of-the-vendor"},
    )
    assert answer.status_code == 401
