"""1.2 Same protocol on both sides: the provider gets the client's bytes, the client gets the provider's."""

import re
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.plain import KEYS, PLAIN_MODEL, PROVIDERS, error_of, path_of, plain
from tests.e2e.proxy import Proxy
from tests.fakes.provider import FakeProvider
from tests.fakes.samples import ANTHROPIC_KEY, CLIENT_KEY
from tests.fakes.scripts import SCRIPTS, Script

CREDENTIALS: dict[str, dict[str, str]] = {
    "openai-custom": {"authorization": f"Bearer {KEYS['openai-custom']}"},
    "openaiResponses-custom": {"authorization": f"Bearer {KEYS['openaiResponses-custom']}"},
    "claude-custom": {"x-api-key": ANTHROPIC_KEY, "anthropic-version": "2023-06-01"},
    "gemini-custom": {"x-goog-api-key": KEYS["gemini-custom"]},
}
# Unknown fields, white space, integers past 64 bits, 1.0 and 1e3, escapes, keys in no order, repeated text.
_HEAD = (
    b'\n{ "unheard_of" : {"b":1,"a":[ 1.0 ,1e3, 12345678901234567890123, -0.0, true,null ]},\t'
    b'"stream" :%s, "model": "%s-odd" ,'
)
_TEXT = b'"\\u00fc\\ud83d\\ude00 \\/ \xc3\xa4"'
_MESSAGES = (
    _HEAD
    + b'"max_tokens":77,\r\n "messages":[{"content":'
    + _TEXT
    + b', "role":"user" , "x-extra":"\\t"}] , "zz":""} \n'
)
_ITEMS = (
    _HEAD + b'"store": false,\r\n "input":[{"content":' + _TEXT + b', "role":"user" , "x-extra":"\\t"}] , "zz":""} \n'
)
_CONTENTS = (
    b'\n{ "unheard_of" : {"b":1,"a":[ 1.0 ,1e3, 12345678901234567890123, -0.0, true,null ]},\t'
    b'"generationConfig":{"maxOutputTokens":77 },\r\n "contents":[{"parts":[{"text":' + _TEXT + b', "x-extra":"\\t"}],'
    b' "role":"user" }] , "zz":""} \n'
)
ODD = {"chat": _MESSAGES, "responses": _ITEMS, "anthropic": _MESSAGES, "gemini": _CONTENTS}
_FRESH = re.compile(rb'"(resp|msg|rs|fc)_[0-9a-f]{48}"')  # the one thing that a fake never gives twice


def odd(provider: str, streams: bool) -> bytes:
    body = ODD[PROVIDERS[provider]]
    filled = (b"true" if streams else b"false", PLAIN_MODEL[provider].encode())
    return body % filled if body.count(b"%s") else body


@pytest.fixture(params=list(PROVIDERS))
def provider(request: pytest.FixtureRequest, upstreams: Upstreams) -> str:
    name = str(request.param)
    upstreams.of(name).scripts[f"{PLAIN_MODEL[name]}-odd"] = Script(SCRIPTS["unicode"].reply, lenient=True)
    return name


def post(web: httpx.Client, url: str, body: bytes, **headers: str) -> httpx.Response:
    return web.post(url, content=body, headers={"content-type": "application/json", **headers})


def direct(web: httpx.Client, fake: FakeProvider, provider: str, path: str, body: bytes) -> httpx.Response:
    """What the provider answers without a proxy."""
    return post(web, fake.url + path, body, **CREDENTIALS[provider], **{"user-agent": "aiclient/0"})


def without_ids(body: bytes) -> bytes:
    return _FRESH.sub(rb'"\1_"', body)


@pytest.mark.parametrize("streams", [True, False], ids=["stream", "whole"])
def test_1_2_every_byte_of_the_request_and_of_the_answer_passes(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, provider: str, streams: bool
) -> None:
    fake, body = upstreams.of(provider), odd(provider, streams)
    path = path_of(PROVIDERS[provider], f"{PLAIN_MODEL[provider]}-odd", stream=streams)
    expected = direct(web, fake, provider, path, body)
    assert expected.status_code == 200, expected.text

    answer = post(web, f"{proxy.url}/{provider}{path}", body, authorization=f"Bearer {CLIENT_KEY}")

    assert answer.status_code == 200, answer.text
    assert fake.requests[-1].body == body
    assert fake.requests[-1].target == path
    assert without_ids(answer.content) == without_ids(expected.content)
    assert answer.headers["content-type"] == expected.headers["content-type"]


@pytest.mark.parametrize(
    "script", ["crlf", "cr", "comments", "noise", "bytes", "interleaved", "redacted", "e400", "e429", "e500"]
)
def test_1_2_the_providers_own_form_passes_too(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, provider: str, script: str
) -> None:
    """Line ends, comments, unknown events, errors: all as the provider wrote them."""
    fake = upstreams.of(provider)
    asked = plain(PROVIDERS[provider], f"{PLAIN_MODEL[provider]}-{script}", stream=True)
    expected = direct(web, fake, provider, asked.path, asked.raw)
    answer = post(web, f"{proxy.url}/{provider}{asked.path}", asked.raw, authorization=f"Bearer {CLIENT_KEY}")
    assert answer.status_code == expected.status_code
    assert without_ids(answer.content) == without_ids(expected.content)
    if named := expected.headers.get("retry-after"):
        assert answer.headers["retry-after"] == named


def test_the_404_of_a_model_is_the_providers_with_a_hint_at_those_it_has(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, provider: str
) -> None:
    asked = plain(PROVIDERS[provider], f"{PLAIN_MODEL[provider]}-e404")
    answer = post(web, f"{proxy.url}/{provider}{asked.path}", asked.raw, authorization=f"Bearer {CLIENT_KEY}")
    assert answer.status_code == 404
    error = error_of(PROVIDERS[provider], answer.content)
    assert error["message"].startswith("The model does not exist.")
    assert PLAIN_MODEL[provider] in error["message"].replace(f"{PLAIN_MODEL[provider]}-e404", "")


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
    sent = upstreams.of("claude-custom").requests[-1]
    assert sent.target == "/v1/messages?beta=true"
    assert {name: sent.header(name) for name in wanted} == wanted
    assert sent.header("x-api-key") == ANTHROPIC_KEY
    assert (sent.header("user-agent") or "").startswith("aiclient/")


def test_26_a_query_means_nothing_to_openai_and_stays_here(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams
) -> None:
    for provider in ("openai-custom", "openaiResponses-custom"):
        asked = plain(PROVIDERS[provider], "gpt-4.1")
        url = f"{proxy.url}/{provider}{asked.path}?beta=true&api-version=1&key={CLIENT_KEY}"
        assert web.post(url, json=asked.body).status_code == 200
        assert upstreams.of(provider).requests[-1].target == asked.path


@pytest.mark.parametrize("query", ["alt=sse", "", "$alt=json;enum-encoding=int", "alt=json"])
def test_26_google_is_always_asked_for_events_and_never_with_a_key_in_the_query(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, query: str
) -> None:
    """Also where the client wants its stream as one array, which is written here."""
    asked = plain("gemini", "gemini-2.5-flash", stream=True)
    path = asked.path.partition("?")[0]
    answer = web.post(f"{proxy.url}/gemini-custom{path}?{query}&key={CLIENT_KEY}", json=asked.body)
    assert answer.status_code == 200, answer.text
    assert upstreams.of("gemini-custom").requests[-1].target == asked.path


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("protocol", PROVIDERS.values())
def test_10_a_client_of_another_protocol_brings_no_headers_at_all(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str, provider: str
) -> None:
    headers = {
        "openai-organization": "org-1",
        "openai-beta": "x",
        "anthropic-beta": "x",
        "x-goog-api-client": "x",
        "x-goog-user-project": "x",
        "authorization": f"Bearer {CLIENT_KEY}",
    }
    if protocol == PROVIDERS[provider]:
        pytest.skip("a client of the same protocol may bring some")
    asked = plain(protocol, PLAIN_MODEL[provider])
    answer = web.post(f"{proxy.url}/{provider}{asked.path}", json=asked.body, headers=headers)
    assert answer.status_code == 200, answer.text
    own: dict[str, set[str]] = {
        "openai-custom": {"authorization"},
        "openaiResponses-custom": {"authorization"},
        "claude-custom": {"x-api-key", "anthropic-version"},
        "gemini-custom": {"x-goog-api-key"},
    }
    names = {name.lower() for name, _ in upstreams.of(provider).requests[-1].headers}
    usual = {"host", "user-agent", "accept", "accept-encoding", "content-type", "content-length", "connection"}
    assert names <= usual | own[provider]
    assert own[provider] <= names


def test_10_what_openais_and_googles_own_clients_bring_and_what_goes_on(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams
) -> None:
    """The fixture of all these tests refuses what is not needed; here the clients bring every kind."""
    junk = {"x-stainless-lang": "python", "cookie": "a=b", "x-goog-api-client": "genai/3", "x-server-timeout": "30"}
    for provider in ("openai-custom", "openaiResponses-custom", "gemini-custom"):
        asked = plain(PROVIDERS[provider], PLAIN_MODEL[provider])
        url = f"{proxy.url}/{provider}{asked.path}"
        headers: dict[str, Any] = {**junk, "authorization": f"Bearer {CLIENT_KEY}"}
        assert web.post(url, json=asked.body, headers=headers).status_code == 200
        assert (upstreams.of(provider).requests[-1].header("user-agent") or "").startswith("aiclient/")
