"""Log in to a Google account for Code Assist: browser, loopback redirect, PKCE and `state`.

Source: Google, "OAuth 2.0 for Mobile & Desktop Apps"; google-gemini/gemini-cli, packages/core/src/code_assist/oauth2.ts (read
2026-11), whose redirect path and scopes these are. That tool sends no PKCE in this flow; we do.
"""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

from creds.account import CredentialError
from creds.browser_flow import Granted, Page, Way, ask_browser
from creds.google import KEYS, TOKEN_URL, VARIABLES
from creds.login_file import prepare, read_document, save_login
from creds.pkce import METHOD
from creds.store import resolve_secret
from creds.terminal import Terminal
from creds.token import Token, Unavailable, end_after, quoted
from creds.token_file import parse_object
from creds.token_server import post_form

AUTH_URL = "https://accounts.google.com/o/oauth2/v2/auth"
PATH = "/oauth2callback"
SCOPES = " ".join(
    "https://www.googleapis.com/auth/" + name for name in ("cloud-platform", "userinfo.email", "userinfo.profile")
)
KEPT = ("scope", "token_type", "id_token")
OF_A_LOGIN = (*KEPT, "client_id", "client_secret")
NO_CLIENT = (
    "to log in at Google, an OAuth client id and secret are needed, which are missing: set gemini_oauth_client_id and"
    f" gemini_oauth_client_secret (environment {VARIABLES[0]} and {VARIABLES[1]}), or put `client_id` and `client_secret` into"
    " {path}. Take those of an OAuth client of your own (Google Cloud console, APIs & Services, Credentials, type Desktop app), or"
    " the pair in your Gemini CLI installation (code_assist/oauth2.js in @google/gemini-cli-core)"
)


@dataclass(frozen=True, slots=True)
class GoogleLogin:
    """client_id, client_secret: as set, "" where they are not. now: unix seconds."""

    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    auth_url: str = AUTH_URL
    token_url: str = TOKEN_URL
    now: Callable[[], float] = time.time

    async def run(self, terminal: Terminal, path: Path, way: Way) -> Token:
        """A login from nothing to `path`. Raises CredentialError that says what went wrong; the file is as before then."""
        client_id, secret = self.client(path, way.environ)
        prepare(path)

        def url(redirect: str, state: str, challenge: str) -> str:
            """`prompt`: without it Google hands out a refresh token at the first consent alone."""
            query = {
                "client_id": client_id,
                "redirect_uri": redirect,
                "response_type": "code",
                "scope": SCOPES,
                "access_type": "offline",
                "prompt": "consent",
                "state": state,
                "code_challenge": challenge,
                "code_challenge_method": METHOD,
            }
            return f"{self.auth_url}?{urlencode(query)}"

        granted = await ask_browser(Page(url, PATH), terminal, way)
        token = await asyncio.to_thread(self._exchange, granted, client_id, secret)
        await save_login(path, KEYS, token, OF_A_LOGIN)
        if email := email_in(token.extra):
            terminal.say(f"Logged in as {email}.")
        if token.refresh is None:
            terminal.say("Google gave no refresh token: this login ends within the hour.")
        return token

    def client(self, path: Path, environ: Mapping[str, str]) -> tuple[str, str]:
        """The OAuth client's id and secret: from the settings, else the environment, else the file. A pair is never mixed from
        two. CredentialError when there is none."""
        document = read_document(path)
        for pair in (
            (self.client_id, self.client_secret),
            tuple(resolve_secret(environ.get(name, ""), name, environ).strip() for name in VARIABLES),
            (document.get("client_id"), document.get("client_secret")),
        ):
            match pair:
                case (str(client_id), str(secret)) if client_id and secret:
                    return client_id, secret
        raise CredentialError(NO_CLIENT.format(path=path))

    def _exchange(self, granted: Granted, client_id: str, secret: str) -> Token:
        form = {
            "grant_type": "authorization_code",
            "code": granted.code,
            "client_id": client_id,
            "client_secret": secret,
            "redirect_uri": granted.redirect,
            "code_verifier": granted.pkce.verifier,
        }
        answer = post_form(self.token_url, form)
        if answer.status != 200 or "error" in answer.fields:
            said = answer.error(granted.code, secret, granted.pkce.verifier)
            if answer.status == 401 or answer.text("error") == "invalid_client":
                raise CredentialError(f"Google does not accept the OAuth client's id and secret ({said}); check them")
            raise CredentialError(f"Google gave no token for this login ({said}); begin again")
        access = answer.text("access_token")
        if not access:
            raise Unavailable("Google's token server answered without an access token")
        extra = {name: text for name in KEPT if (text := answer.text(name))}
        extra |= {"client_id": client_id, "client_secret": secret}  # whatever the settings say later, it is theirs
        ends = end_after(self.now(), answer.fields.get("expires_in"))
        return Token(access, answer.text("refresh_token") or None, ends, extra)


def email_in(extra: Mapping[str, object]) -> str:
    """The address in an id token, to be shown; "" if there is none. Not verified: it came from the token server itself."""
    parts = str(extra.get("id_token", "")).split(".")
    try:
        claims = parse_object(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (IndexError, ValueError):
        return ""
    email = (claims or {}).get("email")
    return quoted(email) if isinstance(email, str) else ""


def revoke(token: Token, token_url: str = TOKEN_URL) -> None:
    """End the grant at Google: every login of this account through the same OAuth client ends with it. Raises CredentialError.
    Blocking."""
    url = token_url.rpartition("/")[0] + "/revoke"
    secret = token.refresh or token.access
    answer = post_form(url, {"token": secret})
    if answer.status != 200:
        raise CredentialError(f"Google did not revoke the login ({answer.error(secret)})")
