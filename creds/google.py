"""Google accounts as the Gemini CLI logs them in. google-auth does the token work; this file reads, asks and explains.

Source: google-auth, google/oauth2/credentials.py; google-gemini/gemini-cli, packages/core/src/code_assist/oauth2.ts (read 2026-11).
The OAuth client's id and secret are not ours to hand out: they come from the credentials file, the settings or the environment.
"""

import asyncio
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from functools import lru_cache
from pathlib import Path
from typing import override

from google.auth.exceptions import GoogleAuthError, TransportError
from google.auth.transport import Request, Response
from google.oauth2.credentials import Credentials

from creds.account import CredentialError
from creds.oauth import OAuthCredential
from creds.store import resolve_secret
from creds.token import Dead, Token, Unavailable
from creds.token_file import Base64Source, FileSource, Keys
from creds.token_server import Answer, ask

TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105
LOGIN = "aiclient login gemini-cli-oauth"
# `token` and `expiry` are google-auth's own names, in its authorized-user files.
KEYS = Keys(access=("access_token", "token"), expiry=("expiry_date", "expiry"))
VARIABLES = ("AICLIENT_GEMINI_OAUTH_CLIENT_ID", "AICLIENT_GEMINI_OAUTH_CLIENT_SECRET")
NO_CLIENT = (
    "the access token has expired, and to renew it an OAuth client id and secret are needed, which are missing: set"
    " gemini_oauth_client_id and gemini_oauth_client_secret, or add `client_id` and `client_secret` to the credentials file."
    " They must be those of the client that you logged in with: your own OAuth client (Google Cloud console, APIs & Services,"
    " Credentials, type Desktop app), or the pair in your Gemini CLI installation (code_assist/oauth2.js in"
    " @google/gemini-cli-core) if that tool wrote the file"
)


def google_file() -> Path:
    """Where the Gemini CLI keeps its login."""
    return Path.home() / ".gemini" / "oauth_creds.json"


class _Response(Response):
    """An Answer as google-auth reads it."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    @override
    def status(self) -> int:
        return self._answer.status

    @property
    @override
    def headers(self) -> Mapping[str, str]:
        return self._answer.headers

    @property
    @override
    def data(self) -> bytes:
        return self._answer.body


class Transport(Request):
    """google-auth's requests over httpx. last: the answer to the newest of them."""

    def __init__(self) -> None:
        self.last: Answer | None = None

    @override
    def __call__(
        self,
        url: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        **_: object,
    ) -> Response:
        """Only ever asked to POST. TransportError when there is no answer to go on."""
        self.last = None
        try:
            self.last = ask(url, body or b"", headers or {})
        except Unavailable as e:
            raise TransportError(str(e)) from None  # type: ignore[no-untyped-call]
        return _Response(self.last)


@dataclass(frozen=True, slots=True)
class GoogleRefresh:
    """Implements Refresh. client_id, client_secret: from the settings; "" where there is none."""

    token_url: str = TOKEN_URL
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    async def __call__(self, token: Token) -> Token:
        client = self.client(token)
        if client is None:
            raise CredentialError(NO_CLIENT)
        return await asyncio.to_thread(self._ask, token, *client)

    def client(self, token: Token) -> tuple[str, str] | None:
        """The OAuth client's id and secret from the first place that has both: a pair is never mixed from two."""
        from_file = tuple(v if isinstance(v := token.extra.get(k), str) else "" for k in ("client_id", "client_secret"))
        from_environ = tuple(
            resolve_secret(self.environ.get(name, ""), name, self.environ).strip() for name in VARIABLES
        )
        for pair in (from_file, (self.client_id, self.client_secret), from_environ):
            match pair:
                case (str(client_id), str(secret)) if client_id and secret:
                    return client_id, secret
        return None

    def _ask(self, token: Token, client_id: str, client_secret: str) -> Token:
        """No scopes are named, as the official client does not: the grant's own stay."""
        transport = Transport()
        credentials = Credentials(  # type: ignore[no-untyped-call]
            token=None,
            refresh_token=token.refresh,
            token_uri=self.token_url,
            client_id=client_id,
            client_secret=client_secret,
        )
        try:
            credentials.refresh(transport)  # type: ignore[no-untyped-call]
        except TransportError as e:
            raise Unavailable(str(e)) from None
        except (GoogleAuthError, TypeError, ValueError, AttributeError, OverflowError):  # all but the first: odd fields
            raise _refusal(transport.last, token.refresh, client_secret) from None
        return _read(credentials)


def _read(credentials: Credentials) -> Token:
    access, refresh, expiry = credentials.token, credentials.refresh_token, credentials.expiry
    if not isinstance(access, str) or not access:
        raise Unavailable("Google's token server answered without an access token")
    extra: dict[str, object] = {"id_token": credentials.id_token} if credentials.id_token else {}
    ends = expiry.replace(tzinfo=UTC).timestamp() if expiry else 0.0  # naive UTC
    return Token(access, refresh, ends, extra)


def _refusal(answer: Answer | None, *secrets: str | None) -> CredentialError:
    """What a refusal means. Source: the token endpoint's error table, "OAuth 2.0 for Mobile & Desktop Apps"."""
    if answer is None or answer.passing:
        return Unavailable(
            f"Google's token server is not available ({answer.error(*secrets) if answer else 'no answer'})"
        )
    said, error = answer.error(*secrets), answer.text("error")
    if error == "invalid_grant":
        if answer.text("error_subtype") in ("invalid_rapt", "rapt_required"):
            return Dead(f"your organisation wants a new login from time to time ({said})")
        return Dead(f"Google refused the refresh token: it is revoked, expired or of another OAuth client ({said})")
    if answer.status == 401 or error in ("invalid_client", "unauthorized_client"):
        return CredentialError(
            f"Google does not accept the OAuth client's id and secret ({said}); check gemini_oauth_client_id and"
            " gemini_oauth_client_secret, or `client_id` and `client_secret` in the credentials file"
        )
    if answer.status == 403:
        return Dead(f"you or your organisation do not allow this login ({said})")
    if answer.status == 200:
        return Unavailable("Google's token server gave an answer that cannot be read")
    return CredentialError(f"Google's token server refused the request ({said})")


def google_credential(
    label: str,
    file: Path | None = None,
    base64: str | None = None,
    client_id: str = "",
    client_secret: str = "",
    token_url: str = TOKEN_URL,
) -> OAuthCredential:
    """The account of a credentials file, by default the Gemini CLI's, or of its base64. Same arguments, same object: all who
    use an account share its refresh."""
    return _google_credential(
        label, None if base64 else file or google_file(), base64, client_id, client_secret, token_url
    )


@lru_cache(maxsize=4096)
def _google_credential(
    label: str, file: Path | None, base64: str | None, client_id: str, client_secret: str, token_url: str
) -> OAuthCredential:
    # Google keeps a refresh token: a file that cannot be written does no harm.
    source = FileSource(file, KEYS, rotates=False) if file else Base64Source(base64 or "", KEYS)
    return OAuthCredential(label, source, GoogleRefresh(token_url, client_id, client_secret), time.time, login=LOGIN)
