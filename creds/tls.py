"""Whose certificates are trusted."""

import ssl
from functools import cache

import httpx


@cache
def authorities() -> ssl.SSLContext:
    """Read once, and in a worker thread where others wait on this one: it takes long enough to be felt in their streams."""
    return httpx.create_ssl_context(trust_env=False)
