"""The fake provider as a real one is reached: over TLS, with a certificate made for the run, and a dozen more fields in its head."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from cryptography.x509 import IPAddress
from mitmproxy.certs import CertStore

from bench.answers import CHAT, MESSAGES
from bench.fake import Fake

_HOST = "127.0.0.1"
_KEY_BITS = 2048
_EDGE = b"""\
date: Mon, 23 Nov 2026 10:00:00 GMT
strict-transport-security: max-age=31536000; includeSubDomains; preload
x-content-type-options: nosniff
cf-cache-status: DYNAMIC
server: cloudflare
cf-ray: 9a1b2c3d4e5f6071-FRA
"""
_FIELDS = {
    CHAT: b"""\
access-control-expose-headers: X-Request-ID
openai-organization: bench
openai-processing-ms: 512
openai-version: 2020-10-01
x-ratelimit-limit-requests: 10000
x-ratelimit-limit-tokens: 30000000
x-ratelimit-remaining-requests: 9999
x-ratelimit-remaining-tokens: 29970000
x-ratelimit-reset-requests: 6ms
x-ratelimit-reset-tokens: 60ms
set-cookie: __cf_bm=b3nch.1-1-B3nch_b3nch; path=/; HttpOnly; Secure; SameSite=None
alt-svc: h3=":443"; ma=86400
""",
    MESSAGES: b"""\
request-id: req_011B3nch
anthropic-organization-id: 00000000-0000-4000-8000-000000000000
anthropic-ratelimit-requests-limit: 4000
anthropic-ratelimit-requests-remaining: 3999
anthropic-ratelimit-requests-reset: 2026-11-23T10:00:01Z
anthropic-ratelimit-tokens-limit: 4000000
anthropic-ratelimit-tokens-remaining: 3970000
anthropic-ratelimit-tokens-reset: 2026-11-23T10:00:01Z
via: 1.1 google
x-robots-tag: none
""",
}
REAL_FIELDS = {path: (_EDGE + lines).replace(b"\n", b"\r\n") for path, lines in _FIELDS.items()}


@contextlib.asynccontextmanager
async def provider(folder: Path) -> AsyncIterator[tuple[int, Path]]:
    """Its port, and the certificate of the authority to trust; that and the keys are written to `folder`."""
    store = CertStore.from_store(folder, "provider", _KEY_BITS)  # makes the authority
    entry = store.get_cert(None, [IPAddress(ip_address(_HOST))])
    (leaf := folder / "provider.pem").write_bytes(entry.cert.to_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(leaf, folder / "provider-ca.pem")  # both have the same key
    server = await asyncio.get_running_loop().create_server(partial(Fake, REAL_FIELDS), _HOST, 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1], folder / "provider-ca-cert.pem"
    finally:
        server.close()
