"""1.2 Same protocol on both sides: the provider gets the client's bytes, the client gets the provider's."""

from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.proxy import Proxy
from tests.fakes.provider import FakeProvider
from tests.fakes.samples import ANTHROPIC_KEY, CLIENT_KEY, OPENAI_KEY
from tests.fakes.scripts import SCRIPTS, Script

PATHS = {"openai-custom": "/v1/chat/completions", "claude-custom": "/v1/messages"}
MODELS = {"openai-custom": "gpt-4.1", "claude-custom": "claude-sonnet-4-5"}
CREDENTIALS: dict[str, dict[str, str]] = {
    "openai-custom": {"authorization": f"Bearer {OPENAI_KEY}"},
    "claude-custom": {"x-api-key": ANTHROPIC_KEY, "anthropic-version": "2023-06-01"},
}
# Unknown fields, white space, integers past 64 bits, 1.0 and 1e3, escapes, keys in no order, repeated text.
ODD = (
    b'\n{ "unheard_of" : {"b":1,"a":[ 1.0 ,1e3, 12345678901234567890123, -0.0, true,null ]},\t'
    b'"stream" :%s, "model": "%s-odd" ,"max_tokens":77,\r\n "messages":[{"content":"\\u00fc\\ud83d\\ude00 \\/ \xc3\xa4"'
    b', "role":"user" , "x-extra":"\\t"}] , "zz":""} \n'
)


@pytest.fixture(params=list(PATHS))
def provider(request: pytest.FixtureRequest, upstreams: Upstreams) -> str:
    name = str(request.param)
    upstreams.of(name).scripts[f"{MODELS[name]}-odd"] = Script(SCRIPTS["unicode"].reply, lenient=True)
    return name


def post(web: httpx.Client, url: str, body: bytes, **headers: str) -> httpx.Response:
    return web.post(url, content=body, headers={"content-type": "application/json", **headers})


def direct(web: httpx.Client, fake: FakeProvider, provider: str, body: bytes) -> httpx.Response:
    """What the provider answers without a proxy."""
    return post(web, fake.url + PATHS[provider], body, **CREDENTIALS[provider], **{"user-agent": "aiclient/0"})


@pytest.mark.parametrize("streams", [b"true", b"false"])
def test_1_2_every_byte_of_the_request_and_of_the_answer_passes(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, provider: str, streams: bytes
) -> None:
    fake, body = upstreams.of(provider), ODD % (streams, MODELS[provider].encode())
    expected = direct(web, fake, provider, body)
    assert expected.status_code == 200, expected.text

    answer = post(web, f"{proxy.url}/{provider}{PATHS[provider]}", body, authorization=f"Bearer {CLIENT_KEY}")

    assert answer.status_code == 200, answer.text
    assert fake.requests[-1].body == body
    assert answer.content == expected.content
    assert answer.headers["content-type"] == expected.headers["content-type"]


@pytest.mark.parametrize(
    "script", ["crlf", "cr", "comments", "noise", "bytes", "interleaved", "redacted", "e400", "e429", "e404"]
)
def test_1_2_the_providers_own_form_passes_too(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, provider: str, script: str
) -> None:
    """Line ends, comments, unknown events, errors: all as the provider wrote them."""
    fake = upstreams.of(provider)
    model = f"{MODELS[provider]}-{script}"
    body = b'{"model":"%s","max_tokens":77,"stream":true,"messages":[{"role":"user","content":"Hi"}]}' % model.encode()
    expected = direct(web, fake, provider, body)
    answer = post(web, f"{proxy.url}/{provider}{PATHS[provider]}", body, authorization=f"Bearer {CLIENT_KEY}")
    assert (answer.status_code, answer.content) == (expected.status_code, expected.content)
    assert answer.headers.get("retry-after") == expected.headers.get("retry-after")


def test_10_betas_and_the_beta_query_go_to_anthropic_and_nothing_else_of_the_head_does(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams
) -> None:
    """10. The fixture of all these tests refuses unneeded headers; here the client brings every kind."""
    junk = {
        "cookie": "session=1",
        "referer": "http://127.0.0.1/x",
        "x-stainless-lang": "python",
        "x-forwarded-for": "10.1.2.3",
        "forwarded": "for=10.1.2.3",
        "via": "1.1 elsewhere",
        "x-real-ip": "10.1.2.3",
        "x-custom": "1",
        "user-agent": "claude-cli/2.0",
        "anthropic-dangerous-direct-browser-access": "true",
        "accept-language": "de",
    }
    wanted = {"anthropic-beta": "context-management-2025-06-27,other", "anthropic-version": "2026-10-21"}
    body = (
        b'{"model":"claude-sonnet-4-5","max_tokens":9,"context_management":{"edits":[]},'
        b'"messages":[{"role":"user","content":"Hi"}]}'
    )
    url = f"{proxy.url}/v1/messages?beta=true&key={CLIENT_KEY}"
    answer = post(web, url, body, **junk, **wanted)
    assert answer.status_code == 200, answer.text
    sent = upstreams.claude.requests[-1]
    assert sent.target == "/v1/messages?beta=true"
    assert {name: sent.header(name) for name in wanted} == wanted
    assert sent.header("x-api-key") == ANTHROPIC_KEY
    assert (sent.header("user-agent") or "").startswith("aiclient/")


def test_26_a_query_means_nothing_to_openai_and_stays_here(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams
) -> None:
    body: dict[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "Hi"}]}
    url = f"{proxy.url}/v1/chat/completions?beta=true&api-version=1&key={CLIENT_KEY}"
    assert web.post(url, json=body).status_code == 200
    assert upstreams.openai.requests[-1].target == "/v1/chat/completions"


def test_10_a_client_of_another_protocol_brings_no_headers_at_all(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams
) -> None:
    headers = {"openai-organization": "org-1", "openai-beta": "x", "authorization": f"Bearer {CLIENT_KEY}"}
    body: dict[str, Any] = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Hi"}]}
    assert web.post(f"{proxy.url}/claude-custom/v1/chat/completions", json=body, headers=headers).status_code == 200
    names = {name.lower() for name, _ in upstreams.claude.requests[-1].headers}
    assert names <= {
        "host",
        "user-agent",
        "accept",
        "accept-encoding",
        "content-type",
        "content-length",
        "anthropic-version",
        "x-api-key",
        "connection",
    }
