"""An account: one identity at a provider, with the place it is reached at and the credential it is reached with."""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol
from urllib.parse import urlsplit

VERSION = re.compile(r"v\d+[a-z0-9.]*", re.IGNORECASE)  # v1, v4, v1beta, v1beta1, v1.1
# People paste the whole URL out of the vendor's curl example.
ENDPOINT = re.compile(
    r"/(?:chat/completions|messages|responses|models/[^/]+:[a-z]+)$"
    r"|(?P<version>/v\d+[a-z0-9.]*)/models(?:/[^/]+)?$",  # `/models` alone may be a vendor's own folder
    re.IGNORECASE,
)


class CredentialError(Exception):
    """A credential cannot be used. The message names the setting or file and the cure, never the secret."""


class Scheme(StrEnum):
    """How a wire carries an API key."""

    BEARER = "bearer"
    X_API_KEY = "x-api-key"
    X_GOOG_API_KEY = "x-goog-api-key"


class State(StrEnum):
    """What can be done with a credential now."""

    VALID = "valid"
    EXPIRING = "expiring"  # valid for a few more minutes
    EXPIRED = "expired"  # to be refreshed before its next use
    REFRESHING = "refreshing"
    NEEDS_LOGIN = "needs login"  # only its owner can mend it
    SUSPENDED = "suspended"  # by the provider


@dataclass(frozen=True, slots=True)
class Status:
    """until: unix seconds, None where there is no end. advice: one sentence on what to do, empty when nothing is."""

    state: State
    until: float | None = None
    advice: str = ""


class Credential(Protocol):
    """What proves the identity. Built by its own module; accounts only carry it."""

    def headers(self, scheme: Scheme) -> list[tuple[bytes, bytes]]:
        """The request headers that carry it. They go to the provider and nowhere else."""

    async def ready(self) -> None:
        """Before each use: refreshed if it must be. Raises CredentialError that says what to do."""

    async def renew(self) -> bool:
        """The provider refused it. Whether there is another one now, worth a second try; it never raises."""

    def status(self) -> Status: ...


@dataclass(frozen=True, slots=True)
class Account:
    """One identity at a provider.

    provider: provider id, e.g. `claude-custom`. label: what logs and pages call the account; holds no part of the secret.
    base_url: normalised, without a slash at its end; the wire appends its own constant path.
    """

    provider: str
    label: str
    base_url: str
    credential: Credential = field(repr=False)


def normalise_base(url: str, version: str = "v1") -> str:
    """A base URL as people write it -> the one that wires append their paths to.

    A path that has a version segment anywhere stays (`/api/paas/v4`, `/v1beta/openai`); any other gets `version`
    appended (`https://api.deepseek.com/anthropic` -> `.../anthropic/v1`). Repeated versions (`/v1/v1`), doubled slashes and
    a pasted endpoint path go. Idempotent. ValueError says what is wrong, without repeating what may be a password.
    """
    text = url.strip()
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError as e:
        raise ValueError("not a URL; write it like https://api.example.com/v1") from e
    if parts.scheme.lower() not in ("http", "https") or not host:
        raise ValueError("must begin with http:// or https:// and name a host, like https://api.example.com/v1")
    if "@" in parts.netloc:
        raise ValueError("must not hold a user name or password; put the key into the setting for API keys")
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise ValueError("must not have a query or fragment (`?...`, `#...`)")
    if not text.isascii() or any(c.isspace() or c == "\\" or not c.isprintable() for c in text):
        raise ValueError("must be plain ASCII without spaces or backslashes")
    if "%" in parts.path or {".", ".."} & set(parts.path.split("/")):
        raise ValueError("must not have `.`, `..` or `%` in its path")
    name = f"[{host}]" if ":" in host else host
    origin = f"{parts.scheme.lower()}://{name}" + (f":{port}" if port is not None else "")
    return origin + _versioned(parts.path, version)


def _versioned(path: str, version: str) -> str:
    path = "/" + "/".join(segment for segment in path.split("/") if segment)
    while (cut := ENDPOINT.sub(lambda found: found["version"] or "", path)) != path:
        path = cut
    segments: list[str] = []
    for segment in path.split("/"):
        if segment and not (segments and segments[-1] == segment and VERSION.fullmatch(segment)):
            segments.append(segment)
    if not any(VERSION.fullmatch(segment) for segment in segments):
        segments.append(version)
    return "/" + "/".join(segments)
