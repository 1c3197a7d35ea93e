"""Fetching a file by URL on a caller's behalf, for a provider that takes no URLs: public addresses only, bounded, not blocking.

The address is looked up once, checked, and that very address is connected to: a name that points somewhere else a moment
later (DNS rebinding) gains nothing. Every redirect is checked in the same way.
"""

import asyncio
import base64
import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx

from converters.errors import ConversionError
from converters.places import name_place
from converters.turns import Base64, Document, Image
from creds.tls import authorities

LIMIT = 20 * 1024 * 1024  # bytes
SECONDS = 10.0
REDIRECTS = 3
FILES = 32  # of one request
TYPES = {Document: ("application/pdf",), Image: ("image/jpeg", "image/png", "image/gif", "image/webp")}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class _Unfit(Exception):
    """Why a file cannot be had, in words."""


async def fetch_into(part: Document | Image, url: str, allowed_hosts: frozenset[str] = frozenset()) -> None:
    """Puts the bytes behind `url` into `part.src`. allowed_hosts: names that may be private.

    Raises ConversionError 400 that names the URL and the part's place in the request.
    """
    try:
        mime, content = await _bounded(url, allowed_hosts)
        if mime not in TYPES[type(part)]:
            raise _Unfit(f"its type is {mime[:60]!r}, needed is {' or '.join(TYPES[type(part)])}")
    except _Unfit as unfit:
        message = f"cannot fetch {_shown(url)!r} for this provider: {unfit}"
        refused = ConversionError(message, param="url", code="fetch_failed")
        name_place(part, refused)
        raise refused from unfit
    part.src = Base64(mime, base64.b64encode(content).decode())


async def fetch_all(remote: Sequence[tuple[Document | Image, str]], allowed_hosts: frozenset[str]) -> None:
    """All files of one request, side by side; the first that fails ends the others. Raises as `fetch_into`."""
    if len(remote) > FILES:
        raise ConversionError(
            f"{len(remote)} files by URL are more than the {FILES} that are fetched for one request",
            param="url",
            code="fetch_failed",
        )
    try:
        async with asyncio.TaskGroup() as group:
            for part, url in remote:
                group.create_task(fetch_into(part, url, allowed_hosts))
    except* ConversionError as errors:
        raise errors.exceptions[0] from None


async def _bounded(url: str, allowed_hosts: frozenset[str]) -> tuple[str, bytes]:
    try:
        async with asyncio.timeout(SECONDS):
            return await _get(url, allowed_hosts)
    except TimeoutError as error:
        raise _Unfit(f"it took over {SECONDS:.0f} s") from error
    except socket.gaierror as error:
        raise _Unfit("its host was not found") from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise _Unfit(type(error).__name__) from error


async def _get(url: str, allowed_hosts: frozenset[str]) -> tuple[str, bytes]:
    trusted = await asyncio.to_thread(authorities)
    async with httpx.AsyncClient(verify=trusted, trust_env=False, follow_redirects=False, timeout=None) as client:  # noqa: S113 (the caller bounds it all)
        for hops in range(REDIRECTS + 1):
            target = await _checked(url, allowed_hosts, "what it leads to" if hops else "it")
            request = client.build_request(
                "GET", target.url, headers={"host": target.host}, extensions={"sni_hostname": target.name}
            )
            response = await client.send(request, stream=True)
            try:
                if response.has_redirect_location:
                    url = urljoin(url, response.headers["location"])
                    continue
                if response.status_code != 200:
                    raise _Unfit(f"it answered with HTTP status {response.status_code}")
                content = bytearray()
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) > LIMIT:
                        raise _Unfit(f"it is over {LIMIT} bytes")
                return response.headers.get("content-type", "").partition(";")[0].strip().lower(), bytes(content)
            finally:
                await response.aclose()
    raise _Unfit(f"more than {REDIRECTS} redirects")


@dataclass(frozen=True, slots=True)
class _Target:
    """url: with the address to connect to in place of the host. host: the `Host` header's value. name: whose certificate."""

    url: str
    host: str
    name: str


async def _checked(url: str, allowed_hosts: frozenset[str], called: str) -> _Target:
    """called: what the URL is to the client, in words."""
    parts = urlsplit(url)
    name = parts.hostname
    if parts.scheme not in ("http", "https") or not name or "@" in parts.netloc:
        raise _Unfit("only plain http and https URLs are fetched")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    if name not in allowed_hosts and not all(_is_public(address) for address in addresses):
        raise _Unfit(f"{called} is not at a public address")
    address = addresses[0]
    literal = f"[{address}]" if address.version == 6 else str(address)
    return _Target(parts._replace(netloc=f"{literal}:{port}", fragment="").geturl(), parts.netloc, name)


def _is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return False  # stands for any IPv4 address, private ones too
        address = address.ipv4_mapped or address
    return address.is_global and not address.is_multicast


def _shown(url: str) -> str:
    """Without what may be a secret, since errors are logged: a signed query, a name and password."""
    place, question, _ = url.partition("?")
    scheme, slashes, rest = place.partition("//")
    host, slash, path = rest.partition("/")
    shown = f"{scheme}{slashes}{host.rpartition('@')[2]}{slash}{path}"[:200]
    return shown + "?..." if question else shown
