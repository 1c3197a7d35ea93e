"""Fetching a file by URL on a caller's behalf, for a provider that takes no URLs: public addresses only, bounded, not blocking.

The address is looked up once, checked, and that very address is connected to: a name that points somewhere else a moment
later (DNS rebinding) gains nothing. Every redirect is checked in the same way.
"""

import asyncio
import base64
import ipaddress
import socket
from urllib.parse import urljoin, urlsplit

import httpx

from converters.errors import ConversionError
from converters.turns import Base64, Document, Image

LIMIT = 20 * 1024 * 1024  # bytes
SECONDS = 10.0
REDIRECTS = 3
TYPES = {Document: ("application/pdf",), Image: ("image/jpeg", "image/png", "image/gif", "image/webp")}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


async def fetch_into(part: Document | Image, url: str, allowed_hosts: frozenset[str] = frozenset()) -> None:
    """Puts the bytes behind `url` into `part.src`. allowed_hosts: names that may be private.

    Raises ConversionError 400 that names the URL.
    """
    try:
        async with asyncio.timeout(SECONDS):
            mime, content = await _get(url, allowed_hosts)
    except TimeoutError as error:
        raise _refused(url, f"it took over {SECONDS:.0f} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise _refused(url, type(error).__name__) from error
    if mime not in TYPES[type(part)]:
        raise _refused(url, f"its type is {mime[:60]!r}, needed is {' or '.join(TYPES[type(part)])}")
    part.src = Base64(mime, base64.b64encode(content).decode())


async def _get(url: str, allowed_hosts: frozenset[str]) -> tuple[str, bytes]:
    async with httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=None) as client:  # noqa: S113 (the caller bounds it all)
        for _ in range(REDIRECTS + 1):
            target, host = await _checked(url, allowed_hosts)
            request = client.build_request(
                "GET", target, headers={"host": host}, extensions={"sni_hostname": host.split(":")[0]}
            )
            response = await client.send(request, stream=True)
            try:
                if response.has_redirect_location:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status_code != 200:
                    raise _refused(url, f"it answered with HTTP status {response.status_code}")
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > LIMIT:
                        raise _refused(url, f"it is over {LIMIT} bytes")
                return response.headers.get("content-type", "").partition(";")[0].strip().lower(), bytes(content)
            finally:
                await response.aclose()
    raise _refused(url, f"more than {REDIRECTS} redirects")


async def _checked(url: str, allowed_hosts: frozenset[str]) -> tuple[str, str]:
    """The URL with its host replaced by the address to connect to, and the `Host` header's value."""
    parts = urlsplit(url)
    name = parts.hostname
    if parts.scheme not in ("http", "https") or not name or "@" in parts.netloc:
        raise _refused(url, "only plain http and https URLs are fetched")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if name not in allowed_hosts and not all(_is_public(address) for address in addresses):
        raise _refused(url, "it is not at a public address")
    address = addresses[0]
    literal = f"[{address}]" if address.version == 6 else str(address)
    target = parts._replace(netloc=f"{literal}:{port}", fragment="").geturl()
    return target, parts.netloc


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return False  # stands for any IPv4 address, private ones too
        address = address.ipv4_mapped or address
    return address.is_global and not address.is_multicast


def _refused(url: str, why: str) -> ConversionError:
    return ConversionError(f"cannot fetch {url[:200]!r} for this provider: {why}", param="url", code="fetch_failed")
