"""Who may ask what: keys, hosts, origins, paths, sizes, malformed bodies; and the small calls beside the big one."""

import http.client
import json
import socket
from collections.abc import Iterator
from typing import Any

import anthropic
import httpx
import openai
import pytest

from tests.e2e.conftest import PLAIN_MODEL, PROVIDERS, Launch, Upstreams
from tests.e2e.proxy import Proxy
from tests.e2e.test_errors import error_of
from tests.fakes.anthropic import MODELS as CLAUDE_MODELS
from tests.fakes.openai import MODELS as OPENAI_MODELS
from tests.fakes.samples import CITY_SCHEMA, CLIENT_KEY
from tests.fakes.server import FakeServer, Line, Recorded

HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
BODY = {"model": "gpt-4.1-text", "max_tokens": 50, "messages": HI}
PATHS = {"chat": "/v1/chat/completions", "anthropic": "/v1/messages"}
KEY_FORMS: dict[str, tuple[dict[str, str], str]] = {
    "Authorization": ({"authorization": "Bearer {}"}, ""),
    "x-api-key": ({"x-api-key": "{}"}, ""),
    "x-goog-api-key": ({"x-goog-api-key": "{}"}, ""),
    "?key=": ({}, "?key={}"),
}
RIGHT = {"authorization": f"Bearer {CLIENT_KEY}"}


def asked(upstreams: Upstreams) -> int:
    return len(upstreams.openai.requests) + len(upstreams.claude.requests)


@pytest.fixture
def nothing_forwarded(upstreams: Upstreams) -> Iterator[None]:
    before = asked(upstreams)
    yield
    assert asked(upstreams) == before, "this must not reach a provider"


# --- keys ---


def with_key(form: str, key: str) -> tuple[dict[str, str], str]:
    headers, query = KEY_FORMS[form]
    return {name: value.format(key).strip() for name, value in headers.items()}, query.format(key)


@pytest.mark.parametrize("form", KEY_FORMS)
@pytest.mark.parametrize("protocol", PATHS)
def test_the_client_key_is_taken_in_every_usual_form(web: httpx.Client, proxy: Proxy, protocol: str, form: str) -> None:
    headers, query = with_key(form, CLIENT_KEY)
    answer = web.post(f"{proxy.url}/openai-custom{PATHS[protocol]}{query}", json=BODY, headers=headers)
    assert answer.status_code == 200, answer.text


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("key", ["wrong", "", CLIENT_KEY[:-1], CLIENT_KEY + "x", CLIENT_KEY.upper(), "ключ"])
@pytest.mark.parametrize("form", KEY_FORMS)
@pytest.mark.parametrize("protocol", PATHS)
def test_23_a_wrong_key_is_refused_in_the_protocols_words(
    web: httpx.Client, proxy: Proxy, protocol: str, form: str, key: str
) -> None:
    headers, query = with_key(form, key)
    raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = web.post(f"{proxy.url}{PATHS[protocol]}{query}", json=BODY, headers=raw_headers)
    assert answer.status_code == 401
    error = error_of(protocol, answer.content)
    if protocol == "chat":
        assert error["code"] == "invalid_api_key"
    else:
        assert error["type"] == "authentication_error"
    assert not key or key == "wrong" or key not in answer.text


@pytest.mark.usefixtures("nothing_forwarded")
def test_the_sdks_raise_their_authentication_error(proxy: Proxy) -> None:
    with (
        openai.OpenAI(api_key="wrong", base_url=f"{proxy.url}/v1", max_retries=0) as chat,
        pytest.raises(openai.AuthenticationError),
    ):
        chat.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "Hi"}])
    with (
        anthropic.Anthropic(api_key="wrong", base_url=proxy.url, max_retries=0) as claude,
        pytest.raises(anthropic.AuthenticationError),
    ):
        claude.messages.create(model="claude-sonnet-4-5", max_tokens=5, messages=[{"role": "user", "content": "Hi"}])


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("path", ["/v1/models", "/openai-custom/v1/models", "/v1/models/gpt-4.1", "/v1/unheard", "/"])
def test_23_without_a_key_nothing_is_told(web: httpx.Client, proxy: Proxy, path: str) -> None:
    answer = web.get(proxy.url + path)
    assert answer.status_code == 401
    assert "custom" not in answer.text, "not even which providers there are"


def test_23_health_tells_details_only_to_the_key(web: httpx.Client, proxy: Proxy) -> None:
    bare = web.get(f"{proxy.url}/health")
    assert (bare.status_code, bare.json()) == (200, {"status": "ok"})
    assert set(PROVIDERS) <= set(web.get(f"{proxy.url}/health", headers=RIGHT).json()["providers"])
    assert web.head(f"{proxy.url}/health").status_code == 200


# --- hosts and origins ---


def raw_status(proxy: Proxy, request: bytes) -> tuple[int, bytes]:
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as sock:
        sock.sendall(request)
        response = http.client.HTTPResponse(sock)
        response.begin()
        return response.status, response.read()


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("host", ["evil.example", "evil.example:3000", "169.254.169.254", "127.0.0.1.evil.example", ""])
def test_24_a_foreign_host_is_refused(proxy: Proxy, host: str) -> None:
    """DNS rebinding: a page of evil.example calls its own name, which now points at 127.0.0.1."""
    head = f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {CLIENT_KEY}\r\n\r\n"
    status, body = raw_status(proxy, head.encode())
    assert status in (400, 403, 421)
    assert json.loads(body)["error"]["message"]


@pytest.mark.parametrize("host", ["localhost:{}", "127.0.0.1:{}", "[::1]:{}", "LOCALHOST:{}"])
def test_24_the_names_of_this_machine_are_served(proxy: Proxy, host: str) -> None:
    head = f"GET /v1/models HTTP/1.1\r\nHost: {host.format(proxy.port)}\r\nAuthorization: Bearer {CLIENT_KEY}\r\n\r\n"
    assert raw_status(proxy, head.encode())[0] == 200


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", "chrome-extension://abc"])
def test_24_a_foreign_origin_is_refused(web: httpx.Client, proxy: Proxy, origin: str) -> None:
    headers = {**RIGHT, "origin": origin}
    preflight = {
        "origin": origin,
        "access-control-request-method": "POST",
        "access-control-request-private-network": "true",
    }
    for answer in (
        web.post(f"{proxy.url}/v1/chat/completions", json=BODY, headers=headers),
        web.options(f"{proxy.url}/v1/chat/completions", headers=preflight),
    ):
        assert answer.status_code in (401, 403)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


class _Trap(FakeServer):
    async def play(self, request: Recorded, line: Line) -> None:
        await line.answer(200, {}, b"caught")


@pytest.mark.parametrize(
    "form",
    [
        "GET http://127.0.0.1:{trap}/ HTTP/1.1\r\nHost: 127.0.0.1:{trap}",
        "GET http://127.0.0.1:{trap}/v1/models HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "CONNECT 127.0.0.1:{trap} HTTP/1.1\r\nHost: 127.0.0.1:{trap}",
        "GET //127.0.0.1:{trap}/v1/models HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "GET /http://127.0.0.1:{trap}/ HTTP/1.1\r\nHost: 127.0.0.1:{port}",
        "GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:{port}@127.0.0.1:{trap}",
    ],
)
def test_25_it_is_no_open_proxy(proxy: Proxy, form: str) -> None:
    with _Trap() as trap:
        head = form.format(trap=trap.port, port=proxy.port) + f"\r\nAuthorization: Bearer {CLIENT_KEY}\r\n\r\n"
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=5) as sock:
            sock.sendall(head.encode())
            assert b"caught" not in sock.recv(4096)
        assert trap.requests == []


# --- paths ---


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize(
    "path",
    ["/v1/embeddings", "/v1/messages/batches", "/v1/../v1/files", "/v1/chat/completions/..", "/%2e%2e/v1/models"],
)
def test_27_an_unknown_path_is_told_what_exists(web: httpx.Client, proxy: Proxy, path: str) -> None:
    answer = web.post(proxy.url + path, json=BODY, headers=RIGHT)
    assert answer.status_code in (404, 405)
    if answer.status_code == 404:
        assert "openai-custom" in answer.json()["error"]["message"]


@pytest.mark.usefixtures("nothing_forwarded")
def test_an_unknown_provider_is_told_which_exist(web: httpx.Client, proxy: Proxy) -> None:
    by_path = web.post(f"{proxy.url}/openai-costum/v1/chat/completions", json=BODY, headers=RIGHT)
    by_header = web.post(f"{proxy.url}/v1/messages", json=BODY, headers={**RIGHT, "model-provider": "openai-costum"})
    for protocol, answer in (("chat", by_path), ("anthropic", by_header)):
        assert answer.status_code == 404
        message = error_of(protocol, answer.content)["message"]
        assert "openai-custom" in message
        assert "claude-custom" in message


def test_the_provider_is_chosen_by_path_by_header_and_else_by_protocol(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams
) -> None:
    def provider_of(path: str, **headers: str) -> str:
        before = len(upstreams.openai.requests)
        answer = web.post(proxy.url + path, json=BODY, headers={**RIGHT, **headers})
        assert answer.status_code == 200, answer.text
        return "openai-custom" if len(upstreams.openai.requests) > before else "claude-custom"

    assert provider_of("/v1/chat/completions") == "openai-custom"
    assert provider_of("/v1/messages") == "claude-custom"
    for name in PROVIDERS:
        header = {"model-provider": name}
        assert provider_of("/v1/messages", **header) == provider_of("/v1/chat/completions", **header) == name
        assert provider_of(f"/{name}/v1/messages") == provider_of(f"/{name}/v1/chat/completions") == name


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize(
    ("method", "path"),
    [("HEAD", "/"), ("GET", "/api/hello"), ("POST", "/api/hello"), ("POST", "/api/event_logging/batch")],
)
def test_side_calls_of_clients_are_answered_quietly(web: httpx.Client, proxy: Proxy, method: str, path: str) -> None:
    answer = web.request(method, proxy.url + path, headers=RIGHT)
    assert answer.status_code < 300
    assert not answer.content or answer.json() == {}


# --- bodies ---

MALFORMED: dict[str, tuple[bytes, str]] = {
    "not JSON": (b'{"model": "m", "messages": [}', "JSON"),
    "empty": (b"", "JSON"),
    "a list": (b"[1]", "object"),
    "cut": (b'{"model": "m"', "JSON"),
    "not UTF-8": (b'{"model": "\xff\xfe"}', "JSON"),
    "NaN": (b'{"model": "m", "temperature": NaN}', "JSON"),
    "too deep": (b'{"model":"m","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "JSON"),
    "no model": (b'{"messages": []}', "model"),
    "a number for the model": (b'{"model": 7, "messages": []}', "model"),
    "a word for stream": (b'{"model": "m", "stream": "yes", "messages": []}', "stream"),
}


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("protocol", PATHS)
def test_1_a_malformed_body_is_a_400_that_names_the_problem(
    web: httpx.Client, proxy: Proxy, protocol: str, provider: str, case: str
) -> None:
    body, word = MALFORMED[case]
    answer = web.post(f"{proxy.url}/{provider}{PATHS[protocol]}", content=body, headers=RIGHT)
    assert answer.status_code == 400, answer.text
    assert word.lower() in error_of(protocol, answer.content)["message"].lower()


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no messages": ({"messages": None}, "messages"),
    "empty messages": ({"messages": []}, "messages"),
    "a string": ({"messages": "Hi"}, "messages"),
    "an unknown role": ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0]"),
    "content of a wrong type": ({"messages": [{"role": "user", "content": 7}]}, "messages[0]"),
    "an unknown part": ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "hologram"),
    "a word for the limit": ({"max_tokens": "many"}, "max_tokens"),
    "a number for tools": ({"tools": 7}, "tools"),
}


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("case", WRONG)
@pytest.mark.parametrize(("protocol", "provider"), [("chat", "claude-custom"), ("anthropic", "openai-custom")])
def test_17_what_cannot_be_converted_is_a_400_that_names_the_field(
    web: httpx.Client, proxy: Proxy, protocol: str, provider: str, case: str
) -> None:
    change, word = WRONG[case]
    body = {"model": PLAIN_MODEL[provider], "max_tokens": 50, "messages": HI, **change}
    answer = web.post(f"{proxy.url}/{provider}{PATHS[protocol]}", json=body, headers=RIGHT)
    assert answer.status_code == 400, answer.text
    error = error_of(protocol, answer.content)
    assert word in error["message"] + str(error.get("param"))


def test_20_a_body_of_32_mb_passes(web: httpx.Client, proxy: Proxy, upstreams: Upstreams) -> None:
    limit = 32 * 1024 * 1024
    for protocol, model in (("chat", "gpt-4.1-text"), ("anthropic", "claude-sonnet-4-5-text")):
        head = b'{"model":"%s","max_tokens":50,"messages":[{"role":"user","content":"' % model.encode()
        body = head + b"x" * (limit - len(head) - 4) + b'"}]}'
        assert len(body) == limit
        answer = web.post(
            proxy.url + PATHS[protocol], content=body, headers={**RIGHT, "content-type": "application/json"}
        )
        assert answer.status_code == 200, answer.text[:300]
        fake = upstreams.openai if protocol == "chat" else upstreams.claude
        assert fake.requests[-1].body == body
        fake.requests[-1].body = b""


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
@pytest.mark.parametrize("protocol", PATHS)
def test_20_a_body_of_33_mb_is_a_413(proxy: Proxy, protocol: str, chunked: bool) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
    piece, pieces = b"x" * 1024 * 1024, 33
    headers = {**RIGHT, "content-type": "application/json"}
    if chunked:
        headers["transfer-encoding"] = "chunked"
    else:
        headers["content-length"] = str(len(piece) * pieces)
    connection.putrequest("POST", PATHS[protocol])
    for name, value in headers.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        for _ in range(pieces):
            connection.send(b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            connection.send(b"0\r\n\r\n")
    except OSError:
        pass  # answered and closed while we were still sending
    answer = connection.getresponse()
    assert answer.status == 413
    error_of(protocol, answer.read())
    connection.close()


# --- counting and lists ---


def test_16_count_tokens_is_forwarded_to_anthropic_and_estimated_elsewhere(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams
) -> None:
    body = {"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "Count me. " * 40}]}
    url = "{}/{}/v1/messages/count_tokens"
    forwarded = web.post(url.format(proxy.url, "claude-custom"), json=body, headers=RIGHT)
    assert forwarded.json() == {"input_tokens": 2095}
    assert "x-aiclient-estimated" not in forwarded.headers
    before = asked(upstreams)
    estimated = web.post(url.format(proxy.url, "openai-custom"), json=body, headers=RIGHT)
    assert estimated.headers["x-aiclient-estimated"] == "1"
    assert 50 < estimated.json()["input_tokens"] < 200
    assert asked(upstreams) == before
    with anthropic.Anthropic(api_key=CLIENT_KEY, base_url=f"{proxy.url}/openai-custom", max_retries=0) as claude:
        counted = claude.messages.count_tokens(model="gpt-4.1", messages=[{"role": "user", "content": "Hi"}])
    assert counted.input_tokens > 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_16_the_model_list_is_written_in_the_clients_form(proxy: Proxy, provider: str) -> None:
    expected = list(OPENAI_MODELS if provider == "openai-custom" else CLAUDE_MODELS)
    with openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{proxy.url}/{provider}/v1", max_retries=0) as chat:
        page = chat.models.list()
        assert page.object == "list"
        assert sorted(model.id for model in page) == sorted(expected)
    with anthropic.Anthropic(api_key=CLIENT_KEY, base_url=f"{proxy.url}/{provider}", max_retries=0) as claude:
        models = claude.models.list()
        assert sorted(model.id for model in models) == sorted(expected)
        assert all(model.type == "model" for model in models.data)


# --- strict_conversion ---


@pytest.fixture(scope="module")
def strict(start: Launch, upstreams: Upstreams) -> Proxy:
    return start("strict", {**upstreams.settings, "STRICT_CONVERSION": "true"})


def test_17_what_is_dropped_is_named_in_a_header_and_with_strict_conversion_refused(
    web: httpx.Client, proxy: Proxy, strict: Proxy, upstreams: Upstreams
) -> None:
    dropped: dict[str, dict[str, Any]] = {
        "claude-custom": {"seed": 7, "logit_bias": {"1": 1}, "presence_penalty": 0.5},
        "openai-custom": {"top_k": 5},
    }
    for provider, protocol in (("claude-custom", "chat"), ("openai-custom", "anthropic")):
        body = {"model": PLAIN_MODEL[provider], "max_tokens": 50, "messages": HI}
        path = f"/{provider}{PATHS[protocol]}"
        lossy = web.post(proxy.url + path, json={**body, **dropped[provider]}, headers=RIGHT)
        assert lossy.status_code == 200, lossy.text
        header = lossy.headers["x-aiclient-conversion"]
        assert header.startswith(f"{protocol}->{PROVIDERS[provider]}; dropped=")
        assert set(header.partition("dropped=")[2].partition(";")[0].split(",")) >= set(dropped[provider])

        before = asked(upstreams)
        refused = web.post(strict.url + path, json={**body, **dropped[provider]}, headers=RIGHT)
        assert refused.status_code == 400
        assert any(name in error_of(protocol, refused.content)["message"] for name in dropped[provider])
        assert asked(upstreams) == before
        assert web.post(strict.url + path, json=body, headers=RIGHT).status_code == 200


def test_17_structured_output_crosses_without_loss_in_strict_conversion(web: httpx.Client, strict: Proxy) -> None:
    """What maps cleanly is no loss: an ordinary agent request passes with strict_conversion on."""
    body = {
        "model": "claude-sonnet-4-5-json",
        "max_completion_tokens": 50,
        "temperature": 0.5,
        "messages": [{"role": "system", "content": "Be brief."}, *HI],
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": CITY_SCHEMA}},
    }
    answer = web.post(f"{strict.url}/claude-custom/v1/chat/completions", json=body, headers=RIGHT)
    assert answer.status_code == 200, answer.text
