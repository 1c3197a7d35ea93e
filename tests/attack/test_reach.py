"""Promises 24 to 27: nobody's page, no other host, no other path, no other header. What the end-to-end tests have is not repeated."""

import asyncio
import itertools
import json
import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, override

import httpx
import pytest

from tests.attack.asking import Connection
from tests.attack.figures import WHOLE, note
from tests.attack.test_malformed_http import said
from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import PLAIN_MODEL, PROTOCOLS, PROVIDERS, RIGHT, error_of, own_provider, path_of, plain
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.server import FakeServer, Line, Recorded


class Trap(FakeServer):
    """Nothing may ever come here. redirect: where it sends whoever came."""

    redirect = ""

    @override
    async def play(self, request: Recorded, line: Line) -> None:
        if self.redirect:
            await line.answer(307, {"location": self.redirect}, b"")
        else:
            await line.answer(200, {"content-type": "application/json"}, b'{"caught": true}')


@pytest.fixture(scope="module")
def trap() -> Iterator[Trap]:
    with Trap() as fake:
        yield fake


@pytest.fixture
def web() -> Iterator[httpx.Client]:
    with httpx.Client(trust_env=False, timeout=15) as client:
        yield client


# --- 24 ---


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1.nip.io",
            "localhost.evil.example",
            "evil.example#localhost",
            "evil.example:80@localhost",
            "0x7f000001.x",
        ),
        *(
            "localhost,evil.example",
            "[::1].evil.example",
            "127.0.0.1%00.evil.example",
            "metadata.google.internal",
            "0.0.0.0.x",
        ),
        *(
            "api.openai.com",
            "api.anthropic.com",
            "generativelanguage.googleapis.com",
            "xn--lcalhost-1ma.example",
            "localhost.",
        ),
    ],
)
def test_24_a_name_that_only_looks_like_ours_is_refused(target: Proxy, upstreams: Upstreams, host: str) -> None:
    """Vendors' names too: in reverse mode nobody is stood in for. `localhost.` may be called what it is."""
    before = upstreams.asked
    head = f"GET /v1/models HTTP/1.1\r\nHost: {host}\r\nx-api-key: {CLIENT_KEY}\r\n\r\n"
    got, _ = said(target.port, head.encode())
    assert got.split()[1] in (b"400", b"403", b"421")
    assert upstreams.asked == before


@pytest.mark.parametrize("path", ["/v1/models", "/health", "/v1/messages", "/api/hello", "/nowhere"])
@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_24_no_answer_grants_anything_to_a_page(web: httpx.Client, target: Proxy, method: str, path: str) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST", **RIGHT}
    headers |= {"access-control-request-private-network": "true", "access-control-request-local-network": "true"}
    answer = web.request(method, target.url + path, headers=headers)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith(("access-control-", "cross-origin-"))]


# --- 25 ---


def forms(trap_port: int, port: int) -> list[str]:
    trap, own = f"127.0.0.1:{trap_port}", f"127.0.0.1:{port}"
    return [
        f"POST http://{trap}/v1/messages HTTP/1.1\r\nHost: {own}",
        f"POST http://{trap}/v1/messages HTTP/1.1\r\nHost: {trap}",
        f"POST http://{own}@{trap}/v1/messages HTTP/1.1\r\nHost: {own}",
        f"POST http://{trap}#@{own}/v1/messages HTTP/1.1\r\nHost: {own}",
        f"POST //{trap}/v1/messages HTTP/1.1\r\nHost: {own}",
        f"POST /\\{trap}/v1/messages HTTP/1.1\r\nHost: {own}",
        f"POST /@{trap}/v1/messages HTTP/1.1\r\nHost: {own}",
        f"POST @{trap}/v1/messages HTTP/1.1\r\nHost: {own}",
        f"POST {trap}/v1/messages HTTP/1.1\r\nHost: {own}",
        f"POST /v1/messages HTTP/1.1\r\nHost: {own}\r\nX-Forwarded-Host: {trap}",
        f"POST /v1/messages HTTP/1.1\r\nHost: {own}\r\nForwarded: host={trap};proto=http",
        f"POST /v1/messages HTTP/1.1\r\nHost: {own}\r\nX-Original-URL: http://{trap}/\r\nX-Rewrite-URL: http://{trap}/",
        f"POST /v1/messages HTTP/1.1\r\nHost: {own}\r\nX-Base-URL: http://{trap}\r\nModel-Provider: http://{trap}",
        f"POST /http:/{trap}/v1/messages HTTP/1.1\r\nHost: {own}",
        f"CONNECT {trap} HTTP/1.1\r\nHost: {own}",
        f"CONNECT {own} HTTP/1.1\r\nHost: {trap}",
    ]


def test_25_no_form_of_request_leads_elsewhere(target: Proxy, trap: Trap) -> None:
    body = plain("anthropic", "claude-sonnet-4-5-text").raw
    tried = forms(trap.port, target.port)
    for form in tried:
        head = f"{form}\r\nx-api-key: {CLIENT_KEY}\r\nContent-Length: {len(body)}\r\n\r\n"
        got, _ = said(target.port, head.encode() + body)
        assert b"caught" not in got, form
    for greeting in (b"\x05\x01\x00", b"\x04\x01%b\x7f\x00\x00\x01\x00" % trap.port.to_bytes(2, "big")):
        with socket.create_connection(("127.0.0.1", target.port), timeout=5) as sock:
            sock.sendall(greeting)
            sock.settimeout(0.3)
            with suppress(TimeoutError):
                assert sock.recv(100)[:1] not in (b"\x05", b"\x00")
    assert trap.requests == []
    note("25 ways to another host", f"{len(tried) + 2} forms of request, trap port called {len(trap.requests)} times")


FIELDS = (
    *(
        "api_base",
        "base_url",
        "api_url",
        "url",
        "endpoint",
        "proxy",
        "host",
        "callback",
        "webhook_url",
        "api_key",
        "azure_endpoint",
    ),
    *("user_config", "extra_headers", "extra_body", "litellm_params", "provider", "router", "metadata", "organization"),
)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_25_no_field_of_a_body_leads_elsewhere(
    web: httpx.Client, target: Proxy, upstreams: Upstreams, trap: Trap, protocol: str, provider: str
) -> None:
    values: dict[str, Any] = dict.fromkeys(FIELDS, f"http://127.0.0.1:{trap.port}/v1")
    values |= {"user_config": {"api_base": values["url"]}, "extra_headers": {"host": f"127.0.0.1:{trap.port}"}}
    asked = plain(protocol, PLAIN_MODEL[provider] + "-text", **values)
    before = len(upstreams.of(provider).requests)
    answer = web.post(f"{target.url}/{provider}{asked.path}", json=asked.body, headers=RIGHT)
    assert answer.status_code in (200, 400), answer.text
    assert trap.requests == []
    assert all(
        request.header("host") == f"127.0.0.1:{upstreams.of(provider).port}"
        for request in upstreams.of(provider).requests[before:]
    )


def with_picture(protocol: str, model: str, url: str) -> dict[str, Any]:
    """A question with a picture, and one with a document, by address."""
    match protocol:
        case "chat":
            parts: list[Any] = [
                {"type": "image_url", "image_url": {"url": url}},
                {"type": "file", "file": {"file_data": url, "filename": "x.pdf"}},
            ]
            return plain(protocol, model, messages=[{"role": "user", "content": parts}]).body
        case "responses":
            parts = [{"type": "input_image", "image_url": url}, {"type": "input_file", "file_url": url}]
            return plain(protocol, model, input=[{"role": "user", "content": parts}]).body
        case "anthropic":
            source = {"type": "url", "url": url}
            parts = [{"type": "image", "source": source}, {"type": "document", "source": source}]
            return plain(protocol, model, messages=[{"role": "user", "content": parts}]).body
        case _:
            parts = [{"fileData": {"fileUri": url, "mimeType": mime}} for mime in ("image/png", "application/pdf")]
            return plain(protocol, model, contents=[{"role": "user", "parts": parts}]).body


ADDRESSES = (
    *(
        "http://127.0.0.1:{}/x.png",
        "http://localhost:{}/x.pdf",
        "http://[::1]:{}/x",
        "http://[::ffff:127.0.0.1]:{}/x",
        "http://0:{}/",
    ),
    *(
        "http://0x7f000001:{}/x",
        "http://2130706433:{}/x",
        "http://127.1:{}/x",
        "http://0177.0.0.1:{}/x",
        "http://0.0.0.0:{}/x",
    ),
    *(
        "http://user@127.0.0.1:{}/x",
        "http://evil.example@127.0.0.1:{}/x",
        "http://169.254.169.254:{}/latest/meta-data/",
        "gopher://127.0.0.1:{}/",
    ),
    *(
        "file:///etc/hostname?{}",
        "http://127.0.0.1:{}\\@example.com/x",
        "http://[fe80::1]:{}/x",
        "ftp://127.0.0.1:{}/x",
        "HTTP://127.0.0.1:{}/X",
    ),
)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_25_no_address_in_a_body_is_fetched_from_here(
    web: httpx.Client, target: Proxy, trap: Trap, protocol: str, provider: str
) -> None:
    """What a provider takes as an address goes there as one; what has to be fetched is refused, this machine's ports above all."""
    model = PLAIN_MODEL[provider] + "-lenient"
    for address in ADDRESSES if WHOLE else ADDRESSES[::4]:
        body = with_picture(protocol, model, address.format(trap.port))
        answer = web.post(f"{target.url}/{provider}{path_of(protocol, model)}", json=body, headers=RIGHT)
        assert answer.status_code in (200, 400), (address, answer.text)
        if answer.status_code == 400:
            error_of(protocol, answer.content)
    assert trap.requests == []


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_25_a_providers_redirect_is_not_followed(
    web: httpx.Client, redirected: Proxy, trap: Trap, protocol: str, stream: bool
) -> None:
    for provider in PROVIDERS if WHOLE else [own_provider(protocol)]:
        asked = plain(protocol, PLAIN_MODEL[provider] + "-text", stream=stream)
        answer = web.post(f"{redirected.url}/{provider}{asked.path}", json=asked.body, headers=RIGHT)
        assert answer.status_code >= 400
        error_of(protocol, answer.content)
        assert "location" not in answer.headers
    assert trap.requests == []


@pytest.fixture(scope="module")
def redirected(start: Launch, upstreams: Upstreams, trap: Trap) -> Iterator[Proxy]:
    with Trap() as fake:
        fake.redirect = f"{trap.url}/v1/messages"
        urls = {name: fake.url for name in upstreams.settings if name.endswith("_BASE_URL")}
        yield start("redirected", {**upstreams.settings, **urls})


# --- 26 ---

HEADERS = {
    "cookie": "session=1",
    "x-forwarded-for": "10.0.0.1",
    "x-forwarded-host": "evil.example",
    "x-forwarded-proto": "https",
    "x-real-ip": "10.0.0.1",
    "forwarded": "for=10.0.0.1",
    "via": "1.1 evil",
    "true-client-ip": "10.0.0.1",
    "cf-connecting-ip": "10.0.0.1",
    "referer": "http://127.0.0.1/secret",
    "sec-fetch-site": "none",
    "proxy-authorization": "Bearer x",
    "authorization-x": f"Bearer {CLIENT_KEY}",
    "x-amz-security-token": "x",
    "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    "baggage": "user=1",
    "x-stainless-os": "Linux",
    "dnt": "1",
    "te": "trailers",
    "max-forwards": "0",
    "range": "bytes=0-5",
    "if-none-match": "*",
    "cache-control": "no-cache",
    "accept-language": "de",
    "priority": "u=1",
    "x-unheard-of": "1",
}


CONNECTIONS = ("authorization", "x-api-key, keep-alive", "content-length", "host, transfer-encoding", "close")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_26_no_header_of_the_client_goes_along(
    target: Proxy, upstreams: Upstreams, protocol: str, provider: str
) -> None:
    """The fake notes every header that is not needed; `Connection: authorization` takes none away either."""
    asked, fake = plain(protocol, PLAIN_MODEL[provider] + "-text"), upstreams.of(provider)
    client = Connection(target.port)
    for named in CONNECTIONS:
        before = len(fake.requests)
        headers = {**HEADERS, "connection": named, "x-api-key": CLIENT_KEY}
        assert (await client.ask("POST", f"/{provider}{asked.path}", [*headers.items()], asked.raw)).status == 200
        (request,) = fake.requests[before:]
        assert request.header("connection") is None
        assert not {name.lower() for name, _ in request.headers} & HEADERS.keys()
        assert CLIENT_KEY not in repr(request)
    client.close()


# --- 27 ---

OURS = {
    "openai-custom": r"/v1/(chat/completions|models)",
    "openaiResponses-custom": r"/v1/(responses(/[\w-]+(/(input_items|cancel))?|/input_tokens|/compact)?|models)",
    "claude-custom": r"/v1/(messages|messages/count_tokens|models)",
    "gemini-custom": r"/v1beta/models(/[^:]+(:(generateContent|streamGenerateContent|countTokens))?)?",
}
PARTS = (
    "..",
    ".",
    "%2e%2e",
    "%2E%2E%2f",
    "..%5c",
    "%00",
    "%0d%0ax:y",
    "..;",
    "v1",
    "files",
    "models",
    "messages",
    "x",
    "%3f",
    "%23",
    "",
)
STARTS = ("/v1/messages/", "/v1/chat/completions/", "/v1/responses/", "/v1/models/", "/v1beta/models/", "/v1/", "/")


async def test_27_no_path_of_the_client_reaches_a_provider(target: Proxy, upstreams: Upstreams) -> None:
    body = plain("anthropic", "claude-sonnet-4-5-text").raw
    before = {name: len(fake.requests) for name, fake in upstreams.fakes.items()}
    paths = [
        f"{prefix}{begin}{'/'.join(parts)}{verb}"
        for prefix in ("", *(f"/{name}" for name in PROVIDERS))
        for begin in STARTS
        for parts in itertools.product(PARTS, PARTS[:6])
        for verb in ("", ":generateContent")
    ]
    connections = [Connection(target.port) for _ in range(4)]
    waiting = iter(paths[:: 1 if WHOLE else 40])
    tried = 0

    async def work(connection: Connection) -> None:
        nonlocal tried
        for path in waiting:
            for method in ("GET", "POST"):
                answer = await connection.ask(method, path, [*RIGHT.items()], body if method == "POST" else b"")
                assert answer.status < 500, (path, answer.body)
                tried += 1
        connection.close()

    await asyncio.gather(*map(work, connections))
    odd = odd_paths(upstreams, before)
    note("27 paths", f"{tried} requests, {len(odd)} odd paths upstream")
    assert sorted(set(odd)) == []


def odd_paths(upstreams: Upstreams, before: dict[str, int]) -> list[str]:
    """Upstream paths that are none of ours, or could be read as another."""
    return [
        request.target
        for name, fake in upstreams.fakes.items()
        for request in fake.requests[before[name] :]
        if not re.fullmatch(OURS[name], request.path) or {".", ".."} & set(request.path.split("/"))
    ]


NAMES = (
    "a:b",
    "a?b=c",
    "a#b",
    "a b",
    "a%2e%2e",
    "ü",
    "a\r\nx: 1",
    "a\x00b",
    "a&alt=json",
    "x" * 3000,
    "models%2fx",
    "a\\..\\b",
)
# Slashes are kept in a name, so these lead out of the path that they belong to.
LEADING_OUT = ("..", "../../v1/files", "a/../b", "models/../x", "//evil.example/x", "./a")


@pytest.mark.parametrize("protocol", [each for each in PROTOCOLS if each != "gemini"])
def test_27_a_models_name_in_a_body_stays_one_part_of_the_path(
    web: httpx.Client, target: Proxy, upstreams: Upstreams, protocol: str
) -> None:
    named(web, target, upstreams, protocol, NAMES)
    fake = upstreams.of("gemini-custom")
    fake.violations = [
        each for each in fake.violations if "/v1beta/models/a%" not in each
    ]  # it knows no name with a colon


def test_27_a_models_name_in_a_body_does_not_lead_out_of_the_path(
    web: httpx.Client, target: Proxy, upstreams: Upstreams
) -> None:
    named(web, target, upstreams, "chat", LEADING_OUT)


def named(web: httpx.Client, target: Proxy, upstreams: Upstreams, protocol: str, names: tuple[str, ...]) -> None:
    before = {name: len(fake.requests) for name, fake in upstreams.fakes.items()}
    for name in names:
        asked = plain(protocol, name)
        raw = json.dumps(asked.body).encode()
        answer = web.post(f"{target.url}/gemini-custom{asked.path}", content=raw, headers=RIGHT)
        assert answer.status_code < 500, (name, answer.text)
    assert odd_paths(upstreams, before) == []
