"""Fetching a file for a provider that takes no URLs (conversion rules 3.1)."""

import asyncio
import base64
import ipaddress
import ssl
import threading
from collections.abc import AsyncIterator

import pytest

from addons import fetch
from addons.fetch import FILES, fetch_all, fetch_into
from converters.errors import ConversionError
from converters.turns import Base64, Document, Image, Url
from creds.tls import authorities

PDF = b"%PDF-1.4 small"
OWN = frozenset({"127.0.0.1"})


class Site:
    """One answer to every request. asked: the request heads."""

    def __init__(self) -> None:
        self.answer = page(PDF)
        self.asked: list[bytes] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(self.answer)
        await writer.drain()
        writer.close()


def page(body: bytes, mime: str = "application/pdf", status: str = "200 OK", more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\ncontent-type: {mime}\r\ncontent-length: {len(body)}\r\n{more}connection: close\r\n\r\n"
    )
    return head.encode() + body


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/a.pdf"
    yield site
    server.close()


async def refusal(url: str, part: Document | Image | None = None, hosts: frozenset[str] = OWN) -> str:
    with pytest.raises(ConversionError) as caught:
        await fetch_into(part or Document(Url(url)), url, hosts)
    assert caught.value.status == 400
    assert url in str(caught.value)
    return str(caught.value)


async def test_3_1_a_file_takes_the_place_of_its_url(site: Site) -> None:
    document = Document(Url(site.url))

    await fetch_into(document, site.url, OWN)

    assert document.src == Base64("application/pdf", base64.b64encode(PDF).decode())
    assert f"host: {site.url.split('/')[2]}\r\n".encode() in site.asked[0].lower()


async def test_3_1_private_addresses_are_not_asked(site: Site) -> None:
    assert "not at a public address" in await refusal(site.url, hosts=frozenset())
    assert site.asked == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.0.1",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fe80::1",
        "fd00::1",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
    ],
)
def test_3_1_what_counts_as_private(address: str) -> None:
    assert not fetch._is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700:4700::1111", "::ffff:1.1.1.1"])
def test_3_1_what_counts_as_public(address: str) -> None:
    assert fetch._is_public(ipaddress.ip_address(address))


async def test_3_1_a_redirect_to_a_private_address_is_not_followed(site: Site) -> None:
    site.answer = page(b"", status="302 Found", more="location: http://127.0.0.2/secret\r\n")
    assert "not at a public address" in await refusal_any(site.url)
    assert len(site.asked) == 1


async def refusal_any(url: str) -> str:
    with pytest.raises(ConversionError) as caught:
        await fetch_into(Document(Url(url)), url, OWN)
    return str(caught.value)


async def test_3_1_redirects_have_an_end(site: Site) -> None:
    site.answer = page(b"", status="302 Found", more="location: /again\r\n")
    assert "redirects" in await refusal_any(site.url)
    assert len(site.asked) == fetch.REDIRECTS + 1


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (page(b"<html>", "text/html"), "text/html"),
        (page(b"", status="404 Not Found"), "404"),
        (page(b"", status="302 Found"), "302"),
        (b"garbage\r\n\r\n", "Error"),
        (page(b"x" * 2000), "over 1000 bytes"),
    ],
)
async def test_3_1_what_cannot_be_used_is_a_400_that_names_the_url(
    site: Site, answer: bytes, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "LIMIT", 1000)
    site.answer = answer
    assert why in await refusal(site.url)


async def test_3_1_a_slow_site_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    monkeypatch.setattr(fetch, "SECONDS", 0.1)
    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    assert "it took over" in await refusal(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    server.close()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/b", "gopher://x", "//x", "http://"])
async def test_3_1_only_plain_web_urls(url: str) -> None:
    assert "cannot fetch" in await refusal(url)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://ann:secret@127.0.0.1/a.pdf", "'http://127.0.0.1/a.pdf'"),
        ("http://10.0.0.1/a.pdf?X-Amz-Signature=secret", "'http://10.0.0.1/a.pdf?...'"),
        ("http://10.0.0.1?secret", "'http://10.0.0.1?...'"),
        ("http://10.0.0.1/@a", "'http://10.0.0.1/@a'"),
    ],
)
async def test_3_1_a_refusal_keeps_secrets_of_the_url_to_itself(url: str, shown: str) -> None:
    """It is logged."""
    said = await refusal_any(url)
    assert shown in said
    assert "secret" not in said


async def test_3_1_a_host_that_does_not_exist_is_called_that() -> None:
    assert "its host was not found" in await refusal("http://no-such-host.invalid/a.pdf")


async def test_17_a_refusal_names_the_place_in_the_request() -> None:
    document = Document(Url("ftp://a"), place="input[2].content[1]")
    with pytest.raises(ConversionError) as caught:
        await fetch_into(document, "ftp://a")
    assert caught.value.param == "input[2].content[1]"


async def test_3_1_an_image_is_fetched_as_an_image(site: Site) -> None:
    site.answer = page(b"png", "image/png; charset=x")
    image = Image(Url(site.url))
    await fetch_into(image, site.url, OWN)
    assert image.src == Base64("image/png", base64.b64encode(b"png").decode())
    assert "image/png" in await refusal(site.url, Document(Url(site.url)))


async def test_3_1_the_trusted_authorities_are_read_once_and_beside_the_event_loop(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading them for each file would hold up every stream."""
    read_by = []

    def create(*, trust_env: bool) -> ssl.SSLContext:
        read_by.append(threading.current_thread())
        return ssl.create_default_context()

    monkeypatch.setattr(fetch.httpx, "create_ssl_context", create)
    authorities.cache_clear()
    for _ in range(2):
        await fetch_into(Document(Url(site.url)), site.url, OWN)
    authorities.cache_clear()
    assert len(read_by) == 1
    assert read_by[0] is not threading.current_thread()


async def test_3_1_the_files_of_one_request_are_fetched_side_by_side(site: Site) -> None:
    documents = [Document(Url(site.url)) for _ in range(5)]
    await fetch_all([(document, site.url) for document in documents], OWN)
    assert all(isinstance(document.src, Base64) for document in documents)
    assert len(site.asked) == 5


async def test_3_1_the_first_that_fails_ends_the_others(site: Site) -> None:
    slow = asyncio.Event()

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()
        slow.set()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/slow.pdf"
    site.answer = page(b"", status="404 Not Found")
    with pytest.raises(ConversionError, match="404"):
        await fetch_all([(Document(Url(url)), url), (Document(Url(site.url)), site.url)], OWN)
    await asyncio.wait_for(slow.wait(), 5)
    server.close()


async def test_3_1_the_number_of_files_is_bounded(site: Site) -> None:
    with pytest.raises(ConversionError, match=f"more than the {FILES}"):
        await fetch_all([(Document(Url(site.url)), site.url)] * (FILES + 1), OWN)
    assert site.asked == []
