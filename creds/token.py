"""A token, where it is kept, and how one is refreshed: what every OAuth account is made of."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Protocol

from creds.account import CredentialError

LONGEST_QUOTE = 200
LONGEST_LIFE = 1e9  # seconds, 30 years; more is a mistake
NOTHING: Mapping[str, object] = MappingProxyType({})


class Missing(CredentialError):
    """There is nothing where the token should be: its owner never logged in there, or logged out."""


class Dead(CredentialError):
    """The refresh token was refused. Only a new login mends that; asking again does not. The message has no full stop."""


class Unavailable(CredentialError):
    """No answer on the refresh token: network, 429, 5xx, a page in place of an answer. Later it may work."""


@dataclass(frozen=True, slots=True)
class Token:
    """An access token with what renews it.

    refresh: None if there is none. expires_at: unix seconds, 0 = unknown. extra: whatever else its file or its server said of
    it (`resource_url`, `id_token`, a client secret); may be secret, so it is not shown either.
    """

    access: str = field(repr=False)
    refresh: str | None = field(default=None, repr=False)
    expires_at: float = 0.0
    extra: Mapping[str, object] = field(default=NOTHING, repr=False, hash=False)

    def __post_init__(self) -> None:
        """CredentialError for what cannot be a header's value; it also keeps CR and LF out of request heads."""
        if not all("!" <= c <= "~" for c in self.access + (self.refresh or "")):
            raise CredentialError("the token holds a blank, a line break or a non-ASCII character")

    def lasts(self, now: float, margin: float = 0.0) -> bool:
        """Whether it can be used for `margin` more seconds. One of unknown end lasts until it is refused."""
        return bool(self.access) and (not self.expires_at or self.expires_at > now + margin)

    def renewed(self, answer: "Token") -> "Token":
        """This token after a refresh: what `answer` does not name stays as it was."""
        return replace(answer, refresh=answer.refresh or self.refresh, extra={**self.extra, **answer.extra})


# One refresh call. Returns what the server said, so perhaps without a refresh token; raises Dead, Unavailable, or a plain
# CredentialError for what neither a new login nor time mends (a setting is missing or wrong).
Refresh = Callable[[Token], Awaitable[Token]]


class Source(Protocol):
    """Where a token is kept. Its calls do short file work; only `lock` waits. `write` is called in another thread."""

    @property
    def label(self) -> str:
        """A path, or `base64`; for people."""
        ...

    def read(self) -> Token:
        """Raises Missing when there is none, CredentialError when it cannot be read."""
        ...

    def newer(self) -> bool:
        """Whether someone else wrote it since our last read or write."""
        ...

    def write(self, token: Token) -> None:
        """Keep it: whole or not at all, with whatever else was there. CredentialError if it cannot be kept.

        If someone else put another login there since our last read, that one stays, and `newer` says so.
        """
        ...

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Held while a token is refreshed, against other processes. Raises Unavailable when it is not to be had."""
        ...


def end_after(now: float, expires_in: object) -> float:
    """When a token ends whose answer says `expires_in` (seconds, a number or its text) -> unix seconds, 0 = unknown."""
    try:
        seconds = float(expires_in) if isinstance(expires_in, str | int | float) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return now + seconds if 0 < seconds < LONGEST_LIFE else 0.0


def quoted(text: str, *secrets: str | None) -> str:
    """What a server said, fit for an error message: one line, short, without the secrets it may have repeated."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "***")
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= LONGEST_QUOTE else line[:LONGEST_QUOTE] + "..."
