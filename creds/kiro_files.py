"""The Kiro IDE's login: `~/.aws/sso/cache/kiro-auth-token.json`, and beside it the file of the OAuth client it was made with.

The first names the second by `clientIdHash`. That folder is shared by all of AWS's tools: any other file in it is none of ours.
Source: what readers of these files agree on (kiro.rs, kiro-gateway, kirollm, AIClient-2-API; read 2026-11); Kiro does not
document them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from creds.account import CredentialError
from creds.kiro_calls import checked_region
from creds.store import MAX_SECRET_BYTES
from creds.token import Dead, Token
from creds.token_file import Keys, parse_object

# Further names: of other programs that keep these logins. An API key in such a file is a credential by itself.
KEYS = Keys(
    access=("accessToken", "access_token", "kiroApiKey"),
    refresh=("refreshToken", "refresh_token"),
    expiry=("expiresAt", "expires_at"),
    iso=True,
)
API_KEY = "ksk_"  # how one begins
WHOLE_REFRESH_TOKEN = 100  # characters that every one has
_HASH = re.compile(r"[0-9A-Za-z_-]{1,128}")

type Kind = Literal["social", "idc", "api_key", "cli"]


def kiro_file() -> Path:
    """Where the Kiro IDE keeps its login."""
    return Path.home() / ".aws" / "sso" / "cache" / "kiro-auth-token.json"


@dataclass(frozen=True, slots=True)
class Client:
    """The OAuth client that a login through IAM Identity Center (Builder ID included) was made with. region: "" = not said."""

    id: str
    secret: str = field(repr=False)
    region: str = ""


def kind_of(token: Token) -> Kind:
    """By what the file says, however it is spelled; by the client it names where it says nothing."""
    if token.access.startswith(API_KEY):
        return "api_key"
    extra = token.extra
    method = _text(extra, "authMethod", "auth_method").lower()
    if method:
        return "social" if method == "social" else "idc"
    return "idc" if _text(extra, "clientIdHash", "clientId", "client_id") else "social"


def auth_region(token: Token) -> str:
    """Where the login is refreshed, which may be elsewhere than where Kiro answers; "" if the file does not say."""
    return checked_region(_text(token.extra, "authRegion", "idcRegion", "region"))


def client_of(token: Token, folder: Path | None) -> Client:
    """The client's id and secret: in the file itself, else in the second one. folder: None for a base64.

    Raises CredentialError that says which file is missing.
    """
    found = _client(token.extra)
    if found is not None:
        return found
    name = _text(token.extra, "clientIdHash")
    if not name:
        raise CredentialError(
            "the Kiro login names no OAuth client: neither `clientIdHash` nor `clientId` and `clientSecret` stand in it"
        )
    if folder is None or not _HASH.fullmatch(name):
        raise CredentialError(
            "the Kiro login names its OAuth client by `clientIdHash` alone: put `clientId` and `clientSecret` of"
            " that second file (~/.aws/sso/cache) into it"
        )
    return _second_file(folder / f"{name}.json")


def check_refresh_token(token: Token) -> None:
    """Raises Dead for one that was copied from where it is shown shortened: the server would only call it invalid."""
    refresh = token.refresh or ""
    if "..." in refresh or len(refresh) < WHOLE_REFRESH_TOKEN:
        raise Dead(
            f"the refresh token is cut short ({len(refresh)} characters; a whole one has over {WHOLE_REFRESH_TOKEN}):"
            " take the file itself, not what a page or terminal shows of it"
        )


def _second_file(path: Path) -> Client:
    try:
        with path.open("rb") as file:
            document = parse_object(file.read(MAX_SECRET_BYTES))
    except OSError as e:
        raise CredentialError(
            f"cannot read {path} ({e.strerror}): the Kiro login cannot be renewed without that second file"
        ) from e
    found = _client(document or {})
    if found is None:
        raise CredentialError(f"{path} holds no `clientId` and `clientSecret`, so the Kiro login cannot be renewed")
    return found


def _client(document: Mapping[str, object]) -> Client | None:
    id_, secret = _text(document, "clientId", "client_id"), _text(document, "clientSecret", "client_secret")
    return Client(id_, secret, checked_region(document.get("region"))) if id_ and secret else None


def _text(document: Mapping[str, object], *names: str) -> str:
    """The first of the fields that is a text and not empty."""
    return next((value.strip() for name in names if isinstance(value := document.get(name), str) and value.strip()), "")
