"""Qwen Code's OAuth accounts. The free service behind them ended on 2026-04-15; what is here works for who still has one.

Source: QwenLM/qwen-code, packages/core/src/qwen/{qwenOAuth2,sharedTokenManager}.ts (read 2026-11).
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from creds.account import CredentialError
from creds.oauth import OAuthCredential
from creds.service import QWEN
from creds.token import Dead, Token, Unavailable, end_after, quoted
from creds.token_file import Base64Source, FileSource, Keys
from creds.token_server import Answer, post_form

OAUTH_BASE_URL = "https://chat.qwen.ai"
TOKEN_PATH = "/api/v1/oauth2/token"  # noqa: S105
CLIENT_ID = "f0304373b74a44d2b584a3fb70ca9e56"  # Qwen Code's own; public, there is no secret
BASE_URL = "https://portal.qwen.ai/v1"  # for a token that names no host of its own
HOSTS = ("qwen.ai", "aliyuncs.com")
LOGIN = f"aiclient login openai-qwen-oauth ({QWEN.warning})"
KEYS = Keys(expiry=("expiry_date", "expired"))  # `expired` in files of CLIProxyAPI
KEPT = ("resource_url", "token_type", "scope", "id_token")
ENDED = (
    "Qwen's free OAuth service ended on 2026-04-15: logins and refreshes still succeed, but its models refuse the token."
    f" Instead, {QWEN.alternatives}"
)


def qwen_file() -> Path:
    """Where Qwen Code keeps its login; its lock is `oauth_creds.lock` beside it."""
    return Path.home() / ".qwen" / "oauth_creds.json"


@dataclass(frozen=True, slots=True)
class QwenRefresh:
    """Implements Refresh. now: unix seconds."""

    oauth_base_url: str = OAUTH_BASE_URL
    now: Callable[[], float] = time.time

    async def __call__(self, token: Token) -> Token:
        return await asyncio.to_thread(self._ask, token)

    def _ask(self, token: Token) -> Token:
        form = {"grant_type": "refresh_token", "refresh_token": token.refresh or "", "client_id": CLIENT_ID}
        answer = post_form(self.oauth_base_url.rstrip("/") + TOKEN_PATH, form)
        if answer.status == 200 and "error" not in answer.fields:
            return read_token(answer, self.now())
        said = answer.error(token.refresh, token.access)
        if answer.passing:
            raise Unavailable(f"Qwen's token server is not available ({said})")
        if answer.status in (400, 401) or answer.text("error") == "invalid_grant":
            raise Dead(f"Qwen refused the refresh token ({said})")
        raise CredentialError(f"Qwen's token server refused the request ({said})")


def read_token(answer: Answer, now: float) -> Token:
    """A token answer, of a login or a refresh -> Token; what it does not say is left out. Unavailable if it holds no token."""
    access = answer.text("access_token")
    if not access:
        raise Unavailable("Qwen's token server answered without an access token")
    extra = {name: text for name in KEPT if (text := answer.text(name))}
    return Token(access, answer.text("refresh_token") or None, end_after(now, answer.fields.get("expires_in")), extra)


def qwen_base_url(extra: Mapping[str, object]) -> str:
    """Where a token is to be used: its `resource_url`, a host or a URL, ends in `/v1` then. CredentialError for a host that
    is not Qwen's or Alibaba Cloud's: a token does not go wherever a file says."""
    resource = extra.get("resource_url")
    if not isinstance(resource, str) or not resource.strip():
        return BASE_URL
    url = resource.strip()
    url = (url if "://" in url else f"https://{url}").rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    else:
        odd = "@" in parts.netloc or "\\" in url or parts.query or parts.fragment or not url.isascii()
        if parts.scheme == "https" and not odd and any(host == own or host.endswith("." + own) for own in HOSTS):
            return url if url.endswith("/v1") else f"{url}/v1"
    raise CredentialError(
        f"the Qwen credentials name {quoted(host) or 'something'} as their server, which is not an https address under"
        f" {' or '.join(HOSTS)}; if it is right, set qwen_base_url"
    )


def says_service_ended(status: int, text: str) -> bool:
    """Whether an answer of the models' server is the one that every token gets since the end."""
    return status == 401 and "invalid access token or token expired" in text.lower()


def note_refusal(credential: OAuthCredential, status: int, text: str) -> bool:
    """Suspend an account whose fresh token is refused as if it were expired. Whether it was."""
    if credential.renewed_at is None or not says_service_ended(status, text):
        return False
    credential.suspend(ENDED)
    return True


def qwen_credential(
    label: str, file: Path | None = None, base64: str | None = None, oauth_base_url: str = OAUTH_BASE_URL
) -> OAuthCredential:
    """The account of a credentials file, by default Qwen Code's, or of its base64. Same arguments, same object: all who use an
    account share its refresh."""
    return _qwen_credential(label, None if base64 else file or qwen_file(), base64, oauth_base_url)


@lru_cache(maxsize=4096)
def _qwen_credential(label: str, file: Path | None, base64: str | None, oauth_base_url: str) -> OAuthCredential:
    source = FileSource(file, KEYS) if file else Base64Source(base64 or "", KEYS)
    return OAuthCredential(label, source, QwenRefresh(oauth_base_url), time.time, login=LOGIN)
