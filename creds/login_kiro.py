"""Log in to Kiro: with a Google or GitHub account in a browser, or with AWS (Builder ID, IAM Identity Center) by device code.

Source: AWS SSO OIDC API (RegisterClient, StartDeviceAuthorization, CreateToken) for the second; for the first what its readers
agree on (kiro.rs, AIClient-2-API; read 2026-11): Kiro does not document it.
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from creds.account import CredentialError
from creds.browser_flow import Granted, Page, Way, ask_browser
from creds.device_flow import DeviceCode, Sleep, explained, granted, read_device_code, show
from creds.kiro_calls import JSON, US, checked_region
from creds.kiro_files import KEYS
from creds.login_file import prepare, save_login
from creds.pkce import METHOD
from creds.terminal import Terminal
from creds.token import Token, Unavailable, end_after
from creds.token_server import Answer, ask

START_URL = "https://view.awsapps.com/start"  # of Builder ID
SCOPES = [f"codewhisperer:{name}" for name in "completions analysis conversations transformations taskassist".split()]
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
NAMES = ("deviceCode", "userCode", "verificationUri", "verificationUriComplete", "expiresIn", "interval")
PATH = "/oauth/callback"
IDENTITY_PROVIDERS = {"google": "Google", "github": "Github"}
OF_A_LOGIN = tuple(
    "authMethod auth_method provider profileArn profile_arn region authRegion idcRegion apiRegion clientIdHash clientId client_id"
    " clientSecret client_secret startUrl".split()
)

type Method = Literal["builder-id", "idc", "google", "github"]
METHODS: tuple[Method, ...] = ("builder-id", "idc", "google", "github")


@dataclass(frozen=True, slots=True)
class KiroLogin:
    """method: by which account. start_url: of an organisation's Identity Center. region: where that is, "" for us-east-1. The base
    URLs: empty for Kiro's and AWS's own. now: unix seconds. clock: seconds that do not go back."""

    method: Method = "builder-id"
    start_url: str = ""
    region: str = ""
    auth_base_url: str = ""
    oidc_base_url: str = ""
    now: Callable[[], float] = time.time
    clock: Callable[[], float] = time.monotonic
    sleep: Sleep = asyncio.sleep

    async def run(self, terminal: Terminal, path: Path, way: Way) -> Token:
        """A login from nothing to `path`. Raises CredentialError that says what went wrong; the file is as before then."""
        if self.method == "idc" and not self.start_url:
            raise CredentialError(
                "which Identity Center? Give its address by --start-url (like https://my-org.awsapps.com/start), and its region by"
                " --region if that is not us-east-1"
            )
        prepare(path)
        social = IDENTITY_PROVIDERS.get(self.method)
        token = await (self._social(social, terminal, way) if social else self._device(terminal))
        await save_login(path, KEYS, token, OF_A_LOGIN)
        return token

    # --- Google, GitHub ---

    async def _social(self, provider: str, terminal: Terminal, way: Way) -> Token:
        base = (
            self.auth_base_url.rstrip("/") or f"https://prod.{US}.auth.desktop.kiro.dev"
        )  # the one region it was seen in

        def url(redirect: str, state: str, challenge: str) -> str:
            query = {
                "idp": provider,
                "redirect_uri": redirect,
                "code_challenge": challenge,
                "code_challenge_method": METHOD,
                "state": state,
            }
            return f"{base}/login?{urlencode(query)}"

        grant = await ask_browser(Page(url, PATH, host="localhost"), terminal, way)
        answer = await asyncio.to_thread(self._exchange, base, grant)
        arn = answer.text("profileArn")
        extra = {"authMethod": "social", "provider": provider, **({"profileArn": arn} if arn else {})}
        return self._token(answer, extra)

    def _exchange(self, base: str, grant: Granted) -> Answer:
        body = {"code": grant.code, "code_verifier": grant.pkce.verifier, "redirect_uri": grant.redirect}
        answer = _post(f"{base}/oauth/token", body)
        if answer.status != 200 or "error" in answer.fields:
            said = explained(answer, grant.code, grant.pkce.verifier)
            raise CredentialError(f"Kiro gave no token for this login (HTTP {answer.status}, {said}); begin again")
        return answer

    # --- AWS ---

    async def _device(self, terminal: Terminal) -> Token:
        region = checked_region(self.region) or US
        base = self.oidc_base_url.rstrip("/") or f"https://oidc.{region}.amazonaws.com"
        client_id, secret, code = await asyncio.to_thread(self._begin, base)
        await show(code, terminal)
        client = {"clientId": client_id, "clientSecret": secret}
        asked = {**client, "grantType": GRANT, "deviceCode": code.code}
        answer = await granted(code, lambda: _post(f"{base}/token", asked), now=self.clock, sleep=self.sleep)
        provider = "BuilderId" if self.method == "builder-id" else "Enterprise"
        more = {"startUrl": self.start_url} if self.method == "idc" else {}
        return self._token(answer, {"authMethod": "IdC", "provider": provider, "region": region, **client, **more})

    def _begin(self, base: str) -> tuple[str, str, DeviceCode]:
        """The OAuth client's id and secret, and the code. What is registered is a program, not a person."""
        asked = {
            "clientName": "aiclient",
            "clientType": "public",
            "scopes": SCOPES,
            "grantTypes": [GRANT, "refresh_token"],
        }
        registered = _good(_post(f"{base}/client/register", asked))
        client_id, secret = registered.text("clientId"), registered.text("clientSecret")
        if not client_id or not secret:
            raise CredentialError("AWS's login server registered no OAuth client")
        start = self.start_url if self.method == "idc" else START_URL
        body = {"clientId": client_id, "clientSecret": secret, "startUrl": start}
        return client_id, secret, read_device_code(_good(_post(f"{base}/device_authorization", body), secret), NAMES)

    def _token(self, answer: Answer, extra: Mapping[str, object]) -> Token:
        access = answer.text("accessToken")
        if not access:
            raise Unavailable("Kiro's login server answered without an access token")
        ends = end_after(self.now(), answer.fields.get("expiresIn"))
        return Token(access, answer.text("refreshToken") or None, ends, extra)


def _good(answer: Answer, *secrets: str) -> Answer:
    if answer.status == 200 and "error" not in answer.fields:
        return answer
    raise CredentialError(
        f"AWS's login server gave no code (HTTP {answer.status}, {explained(answer, *secrets)}); check the method, and"
        " --start-url and --region for an Identity Center"
    )


def _post(url: str, body: Mapping[str, object]) -> Answer:
    return ask(url, json.dumps(body).encode(), {"content-type": JSON})
