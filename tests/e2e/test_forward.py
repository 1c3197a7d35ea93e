"""Forward mode: a client that cannot be given a base URL is given a proxy, and talks to us in the name of its API."""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import types

from tests.e2e.conftest import Upstreams
from tests.e2e.plain import ALL_KEYS, PROVIDERS
from tests.e2e.proxy import Proxy, launch
from tests.fakes.samples import CLIENT_KEY


@pytest.fixture(scope="module")
def forward(tmp_path_factory: pytest.TempPathFactory, upstreams: Upstreams) -> Iterator[Proxy]:
    proxy = launch(tmp_path_factory.mktemp("proxy") / "forward", upstreams.settings, mode="regular")
    yield proxy
    proxy.stop()
    written = proxy.log.read_bytes() + proxy.dump.read_bytes()
    assert not [key for key in ALL_KEYS if key.encode() in written]


def trust(proxy: Proxy) -> ssl.SSLContext:
    """As HTTPS_PROXY and a CA file would have it."""
    home = Path(proxy.log.parent)
    authority = next(home.rglob("mitmproxy-ca-cert.pem"))
    return ssl.create_default_context(cafile=str(authority))


def test_the_sdks_reach_the_accounts_by_their_vendors_own_names(forward: Proxy, upstreams: Upstreams) -> None:
    before = {name: len(upstreams.of(name).requests) for name in PROVIDERS}
    http: dict[str, Any] = {"proxy": forward.url, "verify": trust(forward)}
    claude = anthropic.Anthropic(api_key=CLIENT_KEY, http_client=anthropic.DefaultHttpxClient(**http), max_retries=0)
    said = claude.messages.create(
        model="claude-opus-5", max_tokens=100, messages=[{"role": "user", "content": "Hi"}], stream=False
    )
    assert said.content[0].type == "text"
    gpt = openai.OpenAI(api_key=CLIENT_KEY, http_client=openai.DefaultHttpxClient(**http), max_retries=0)
    answer = gpt.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "Hi"}])
    assert answer.choices[0].message.content
    assert gpt.responses.create(model="gpt-4.1", input="Hi", store=False).output_text
    gemini = genai.Client(api_key=CLIENT_KEY, http_options=types.HttpOptions(client_args=http))
    assert gemini.models.generate_content(model="gemini-2.5-flash", contents="Hi").text
    gemini.close()
    assert {name: len(upstreams.of(name).requests) - before[name] for name in PROVIDERS} == dict.fromkeys(PROVIDERS, 1)


@pytest.mark.parametrize("url", ["https://example.com/", "https://127.0.0.1:9/", "https://api.openai.com.evil.test/"])
def test_25_no_tunnel_to_anywhere_else(forward: Proxy, url: str) -> None:
    with pytest.raises(httpx.ProxyError, match="403"):
        httpx.get(url, proxy=forward.url, verify=trust(forward))


@pytest.mark.parametrize("url", ["http://example.com/v1/models", "http://169.254.169.254/v1/models"])
def test_25_no_plain_request_to_anywhere_else(forward: Proxy, url: str) -> None:
    answer = httpx.get(url, proxy=forward.url, headers={"x-api-key": CLIENT_KEY})
    assert answer.status_code == 403
    assert "is not served here" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("https://api.openai.com/v1/models", {"authorization": "Bearer sk-of-the-vendor"}),
        ("https://api.anthropic.com/v1/models", {"x-api-key": "sk-ant-of-the-vendor"}),
        ("https://generativelanguage.googleapis.com/v1beta/models", {"x-goog-api-key": "AIza-of-the-vendor"}),
        ("https://generativelanguage.googleapis.com/v1beta/models?key=AIza-of-the-vendor", {}),
    ],
)
def test_23_a_vendors_name_opens_nothing_without_our_key(forward: Proxy, url: str, key: dict[str, str]) -> None:
    assert httpx.get(url, proxy=forward.url, verify=trust(forward), headers=key).status_code == 401
