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
from google import genai
from google.genai import errors as google_errors
from google.genai import types

from tests.e2e.conftest import Upstreams
from tests.e2e.plain import (
    PAIR_NAMES,
    PAIRS,
    PLAIN_MODEL,
    PROTOCOLS,
    PROVIDERS,
    RIGHT,
    error_of,
    own_provider,
    path_of,
    plain,
)
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.server import FakeServer, Line, Recorded

HI: list[dict[str, Any]] = [{"role": "user", "content": "Hi"}]
BODY = {"model": "gpt-4.1-text", "max_tokens": 50, "messages": HI}
KEY_FORMS: dict[str, tuple[dict[str, str], str]] = {
    "Authorization": ({"authorization": "Bearer {}"}, ""),
    "x-api-key": ({"x-api-key": "{}"}, ""),
    "x-goog-api-key": ({"x-goog-api-key": "{}"}, ""),
    "?key=": ({}, "?key={}"),
}


@pytest.fixture
def nothing_forwarded(upstreams: Upstreams) -> Iterator[None]:
    before = upstreams.asked
    yield
    assert upstreams.asked == before, "this must not reach a provider"


# --- keys ---


def with_key(form: str, key: str) -> tuple[dict[str, str], str]:
    headers, query = KEY_FORMS[form]
    return {name: value.format(key).strip() for name, value in headers.items()}, query.format(key)


@pytest.mark.parametrize("form", KEY_FORMS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_client_key_is_taken_in_every_usual_form(web: httpx.Client, proxy: Proxy, protocol: str, form: str) -> None:
    headers, query = with_key(form, CLIENT_KEY)
    for provider in PROVIDERS:
        asked = plain(protocol, f"{PLAIN_MODEL[provider]}-text")
        answer = web.post(f"{proxy.url}/{provider}{asked.path}{query}", json=asked.body, headers=headers)
        assert answer.status_code == 200, answer.text


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("key", ["wrong", "", CLIENT_KEY[:-1], CLIENT_KEY + "x", CLIENT_KEY.upper(), "ключ"])
@pytest.mark.parametrize("form", KEY_FORMS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_23_a_wrong_key_is_refused_in_the_protocols_words(
    web: httpx.Client, proxy: Proxy, protocol: str, form: str, key: str
) -> None:
    headers, query = with_key(form, key)
    raw_headers = [(name.encode(), value.encode()) for name, value in headers.items()]
    asked = plain(protocol, "gpt-4.1-text")
    answer = web.post(f"{proxy.url}{asked.path}{query}", json=asked.body, headers=raw_headers)
    assert answer.status_code == 401
    error = error_of(protocol, answer.content)
    match protocol:
        case "chat" | "responses":
            assert error["code"] == "invalid_api_key"
        case "anthropic":
            assert error["type"] == "authentication_error"
        case _:
            assert error["status"] == "UNAUTHENTICATED"
    assert not key or key == "wrong" or key not in answer.text


@pytest.mark.usefixtures("nothing_forwarded")
def test_the_sdks_raise_their_authentication_error(proxy: Proxy) -> None:
    with openai.OpenAI(api_key="wrong", base_url=f"{proxy.url}/v1", max_retries=0) as gpt:
        with pytest.raises(openai.AuthenticationError):
            gpt.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "Hi"}])
        with pytest.raises(openai.AuthenticationError):
            gpt.responses.create(model="gpt-4.1", input="Hi")
    with (
        anthropic.Anthropic(api_key="wrong", base_url=proxy.url, max_retries=0) as claude,
        pytest.raises(anthropic.AuthenticationError),
    ):
        claude.messages.create(model="claude-haiku-4-5", max_tokens=5, messages=[{"role": "user", "content": "Hi"}])
    gemini = genai.Client(api_key="wrong", http_options=types.HttpOptions(base_url=proxy.url))
    with pytest.raises(google_errors.ClientError) as caught:
        gemini.models.generate_content(model="gemini-2.5-flash", contents="Hi")
    assert (caught.value.code, caught.value.status) == (401, "UNAUTHENTICATED")
    gemini.close()


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
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_unknown_provider_is_told_which_exist(web: httpx.Client, proxy: Proxy, protocol: str) -> None:
    asked = plain(protocol, "gpt-4.1")
    by_path = web.post(f"{proxy.url}/openai-costum{asked.path}", json=asked.body, headers=RIGHT)
    header = {**RIGHT, "model-provider": "openai-costum"}
    by_header = web.post(f"{proxy.url}{asked.path}", json=asked.body, headers=header)
    for answer in (by_path, by_header):
        assert answer.status_code == 404
        message = error_of(protocol, answer.content)["message"]
        assert all(name in message for name in PROVIDERS)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_provider_is_chosen_by_path_by_header_and_else_by_protocol(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str
) -> None:
    def provider_of(prefix: str, model: str, **headers: str) -> str:
        before = {name: len(upstreams.of(name).requests) for name in PROVIDERS}
        asked = plain(protocol, model)
        answer = web.post(f"{proxy.url}{prefix}{asked.path}", json=asked.body, headers={**RIGHT, **headers})
        assert answer.status_code == 200, answer.text
        (chosen,) = [name for name in PROVIDERS if len(upstreams.of(name).requests) > before[name]]
        return chosen

    assert provider_of("", "some-model-text") == own_provider(protocol)
    for name in PROVIDERS:
        assert provider_of("", PLAIN_MODEL[name], **{"model-provider": name}) == name
        assert provider_of(f"/{name}", PLAIN_MODEL[name]) == name


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


IN_THE_PATH = ("no model", "a number for the model", "a word for stream")


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("case", MALFORMED)
@pytest.mark.parametrize(("protocol", "provider"), PAIRS, ids=PAIR_NAMES)
def test_1_a_malformed_body_is_a_400_that_names_the_problem(
    web: httpx.Client, proxy: Proxy, protocol: str, provider: str, case: str
) -> None:
    if protocol == "gemini" and case in IN_THE_PATH:
        pytest.skip("Gemini names model and manner in the path")
    body, word = MALFORMED[case]
    url = f"{proxy.url}/{provider}{path_of(protocol, PLAIN_MODEL[provider])}"
    answer = web.post(url, content=body, headers=RIGHT)
    assert answer.status_code == 400, answer.text
    assert word.lower() in error_of(protocol, answer.content)["message"].lower()


_CONTENT: dict[str, Any] = {"role": "user", "parts": [{"text": "x"}]}
# By protocol: a change of the body, and the word that the message must hold.
WRONG: dict[str, dict[str, tuple[dict[str, Any], str]]] = {
    "chat": {
        "no messages": ({"messages": None}, "messages"),
        "empty messages": ({"messages": []}, "messages"),
        "a string": ({"messages": "Hi"}, "messages"),
        "an unknown role": ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0]"),
        "content of a wrong type": ({"messages": [{"role": "user", "content": 7}]}, "messages[0]"),
        "an unknown part": ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "hologram"),
        "a word for the limit": ({"max_tokens": "many", "max_completion_tokens": None}, "max_tokens"),
        "a number for tools": ({"tools": 7}, "tools"),
    },
    "responses": {
        "no input": ({"input": None}, "input"),
        "empty input": ({"input": []}, "input"),
        "a number": ({"input": 7}, "input"),
        "an unknown role": ({"input": [{"role": "wizard", "content": "x"}]}, "input[0]"),
        "content of a wrong type": ({"input": [{"role": "user", "content": 7}]}, "input[0]"),
        "an unknown part": ({"input": [{"role": "user", "content": [{"type": "hologram"}]}]}, "hologram"),
        "a word for the limit": ({"max_output_tokens": "many"}, "max_output_tokens"),
        "a number for tools": ({"tools": 7}, "tools"),
        "an earlier response": ({"previous_response_id": "resp_1"}, "previous_response_id"),
        "in the background": ({"background": True}, "background"),
    },
    "anthropic": {
        "no messages": ({"messages": None}, "messages"),
        "empty messages": ({"messages": []}, "messages"),
        "a string": ({"messages": "Hi"}, "messages"),
        "an unknown role": ({"messages": [{"role": "wizard", "content": "x"}]}, "messages[0]"),
        "content of a wrong type": ({"messages": [{"role": "user", "content": 7}]}, "messages[0]"),
        "an unknown part": ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "hologram"),
        "a word for the limit": ({"max_tokens": "many"}, "max_tokens"),
        "a number for tools": ({"tools": 7}, "tools"),
    },
    "gemini": {
        "no contents": ({"contents": None}, "contents"),
        "empty contents": ({"contents": []}, "contents"),
        "a number": ({"contents": 7}, "contents"),
        "an unknown role": ({"contents": [{**_CONTENT, "role": "wizard"}]}, "contents[0]"),
        "parts of a wrong type": ({"contents": [{"role": "user", "parts": 7}]}, "contents[0]"),
        "an unknown part": ({"contents": [{"role": "user", "parts": [{"hologram": {}}]}]}, "hologram"),
        "a word for the limit": ({"generationConfig": {"maxOutputTokens": "many"}}, "maxOutputTokens"),
        "a number for tools": ({"tools": 7}, "tools"),
        "a cached content": ({"cachedContent": "cachedContents/1"}, "cachedContent"),
    },
}


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("protocol", "case"), [(each, case) for each in WRONG for case in WRONG[each]])
def test_17_what_cannot_be_converted_is_a_400_that_names_the_field(
    web: httpx.Client, proxy: Proxy, protocol: str, provider: str, case: str
) -> None:
    if PROVIDERS[provider] == protocol:
        pytest.skip("in bypass the provider answers for itself")
    change, word = WRONG[protocol][case]
    asked = plain(protocol, PLAIN_MODEL[provider], **change)
    answer = web.post(f"{proxy.url}/{provider}{asked.path}", json=asked.body, headers=RIGHT)
    assert answer.status_code == 400, answer.text
    error = error_of(protocol, answer.content)
    assert word in error["message"] + str(error.get("param"))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_20_a_body_of_32_mb_passes(web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str) -> None:
    limit = 32 * 1024 * 1024
    asked = plain(protocol, f"{PLAIN_MODEL[own_provider(protocol)]}-text", "%")
    head, _, tail = asked.raw.partition(b"%")
    body = head + b"x" * (limit - len(head) - len(tail)) + tail
    assert len(body) == limit
    answer = web.post(proxy.url + asked.path, content=body, headers={**RIGHT, "content-type": "application/json"})
    assert answer.status_code == 200, answer.text[:300]
    fake = upstreams.of(own_provider(protocol))
    assert fake.requests[-1].body == body
    fake.requests[-1].body = b""


@pytest.mark.usefixtures("nothing_forwarded")
@pytest.mark.parametrize("chunked", [False, True], ids=["declared", "chunked"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_20_a_body_of_33_mb_is_a_413(proxy: Proxy, protocol: str, chunked: bool) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
    piece, pieces = b"x" * 1024 * 1024, 33
    headers = {**RIGHT, "content-type": "application/json"}
    if chunked:
        headers["transfer-encoding"] = "chunked"
    else:
        headers["content-length"] = str(len(piece) * pieces)
    connection.putrequest("POST", path_of(protocol, "gpt-4.1"))
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
