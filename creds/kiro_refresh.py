"""Kiro's two ways to renew a login: social ones at Kiro's own server, the others at AWS's OIDC service. JSON both, no forms.

Source: AWS SSO OIDC API, CreateToken; for the social one what its readers agree on (kiro.rs, AIClient-2-API; read 2026-11).
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from creds.account import CredentialError
from creds.kiro_calls import JSON, US, Said, send
from creds.kiro_files import auth_region, check_refresh_token, client_of, kind_of
from creds.token import Dead, Token, Unavailable, end_after

_REFUSED = frozenset(("invalid_grant", "InvalidGrantException", "access_denied"))
# The client's registration, good for some 90 days, has ended.
_UNREGISTERED = frozenset(
    "invalid_client unauthorized_client expired_token InvalidClientException UnauthorizedClientException ExpiredTokenException".split()
)


@dataclass(frozen=True, slots=True)
class KiroRefresh:
    """Implements Refresh. The base URLs: empty for Kiro's and AWS's own. region: for a login that names none. folder: where the
    login's second file is, None for a base64. now: unix seconds."""

    auth_base_url: str = ""
    oidc_base_url: str = ""
    region: str = ""
    folder: Path | None = None
    now: Callable[[], float] = time.time

    async def __call__(self, token: Token) -> Token:
        check_refresh_token(token)
        return await asyncio.to_thread(self._social if kind_of(token) == "social" else self._idc, token)

    def _social(self, token: Token) -> Token:
        base = self.auth_base_url or f"https://prod.{self._region(token)}.auth.desktop.kiro.dev"
        said = _post(f"{base}/refreshToken", {"refreshToken": token.refresh})
        if said.status in (401, 403):
            raise Dead(f"Kiro refused the refresh token ({said.problem(token.refresh, token.access)})")
        return self._read(said, "Kiro", token)

    def _idc(self, token: Token) -> Token:
        client = client_of(token, self.folder)
        base = self.oidc_base_url or f"https://oidc.{self._region(token, client.region)}.amazonaws.com"
        asked = {
            "clientId": client.id,
            "clientSecret": client.secret,
            "refreshToken": token.refresh,
            "grantType": "refresh_token",
        }
        return self._read(_post(f"{base}/token", asked), "AWS", token, client.secret)

    def _region(self, token: Token, other: str = "") -> str:
        return auth_region(token) or other or self.region or US

    def _read(self, said: Said, who: str, token: Token, *secrets: str) -> Token:
        """The token that an answer holds. Raises Dead, Unavailable, CredentialError by the table of refusals."""
        problem = said.problem(token.refresh, token.access, *secrets)
        if said.status == 200 and not said.name:
            access = said.text("accessToken")
            if not access:
                raise Unavailable(f"{who}'s token server answered without an access token")
            arn = said.text("profileArn")
            extra: dict[str, object] = {"profileArn": arn} if arn else {}
            ends = end_after(self.now(), said.fields.get("expiresIn"))
            return Token(access, said.text("refreshToken") or None, ends, extra)
        if said.passing:
            raise Unavailable(f"{who}'s token server is not available ({problem})")
        if said.name in _UNREGISTERED:
            raise Dead(f"the registration that the Kiro login was made with has ended ({problem})")
        if said.name in _REFUSED:
            raise Dead(f"{who} refused the refresh token ({problem})")
        raise CredentialError(f"{who}'s token server refused the request ({problem})")


def _post(url: str, body: Mapping[str, object]) -> Said:
    return send("POST", url, {"content-type": JSON}, json.dumps(body).encode())
