"""PKCE (RFC 7636, method S256) and `state`: what ties the answer of a login to the one who began it."""

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

METHOD = "S256"

type FreshBytes = Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Pkce:
    """verifier: 43 to 128 characters, kept until the code is exchanged."""

    verifier: str = field(repr=False)

    @property
    def challenge(self) -> str:
        """What the login page is told: SHA-256 of the verifier, base64url without padding."""
        return _base64url(hashlib.sha256(self.verifier.encode("ascii")).digest())


def fresh_pkce(fresh: FreshBytes = secrets.token_bytes) -> Pkce:
    """Of 32 fresh bytes, as RFC 7636 section 4.1 advises."""
    return Pkce(_base64url(fresh(32)))


def fresh_state(fresh: FreshBytes = secrets.token_bytes) -> str:
    """32 fresh bytes as hex."""
    return fresh(32).hex()


def _base64url(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode("ascii")
