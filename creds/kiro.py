"""Kiro accounts: a login of the Kiro IDE, one of the Kiro CLI, or an API key. One class, four kinds of it.

Where an account is spoken to and as which profile is part of what it is, so its credential knows both.
Source: AWS's own clients of the service and what readers of Kiro's files agree on (read 2026-11).
"""

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode

from creds.account import CredentialError, Scheme, State, Status
from creds.api_key import parse_key
from creds.kiro_calls import JSON, US, Said, checked_arn, checked_region, region_of, send
from creds.kiro_cli import LOGIN as CLI_LOGIN
from creds.kiro_cli import RENEW, CliSource, cli_file, is_database, run_the_cli
from creds.kiro_files import API_KEY, KEYS, Kind, kind_of, kiro_file
from creds.kiro_refresh import KiroRefresh
from creds.kiro_usage import Usage, UsageLimits
from creds.oauth import OAuthCredential
from creds.token import Refresh, Source, Token, Unavailable
from creds.token_file import Base64Source, FileSource

PROFILE_PAUSE = 3600.0  # seconds between two questions for the profile of an account that has none
DOUBT_PAUSE = 60.0  # and for one that was refused
LOGIN = "aiclient login claude-kiro-oauth"
IDE_LOGIN = f"sign in to the Kiro IDE, or {LOGIN}"
BASE64_LOGIN = f"{LOGIN}, and set kiro_oauth_creds_base64 anew"
KEY_REFUSED = (
    "Kiro refused the API key: it is wrong or revoked, or the organisation's administrator does not allow API keys; set another"
    " one as kiro_api_key and restart"
)
AWS_JSON = "application/x-amz-json-1.0"
_SERVICE = "AmazonCodeWhispererService"

type Wire = Literal["rest-json", "aws-json-1.0"]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How Kiro is spoken to. The URLs: empty for its own, by region. thinking: how it is asked for."""

    wire: Wire = "rest-json"
    base_url: str = ""
    management_base_url: str = ""
    thinking: Literal["native", "tags", "off"] = "native"


class KeySource:
    """Implements Source: an API key, which neither ends nor changes."""

    label = "kiro_api_key"

    def __init__(self, key: str) -> None:
        self._token = Token(key)

    def read(self) -> Token:
        return self._token

    def newer(self) -> bool:
        return False

    def write(self, token: Token) -> None:
        """It is the user's to keep."""

    def lock(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()


class KiroCredential:
    """Implements Credential: the tokens of an account, and the profile it is used as.

    source: of the tokens. region, arn: as configured, "" = not. now: unix seconds.
    """

    def __init__(
        self,
        tokens: OAuthCredential,
        source: Source,
        now: Callable[[], float] = time.time,
        *,
        endpoint: Endpoint | None = None,
        region: str = "",
        arn: str = "",
    ) -> None:
        self.tokens = tokens
        self.endpoint = endpoint or Endpoint()
        self._source, self._now, self._region, self._arn = source, now, region, arn
        self._found_arn = ""  # by asking
        self._sought_at: float | None = None
        self._seeking = asyncio.Lock()
        self._limits = UsageLimits(self._ask_usage, now)

    # --- what it is; each raises CredentialError while there is no token to tell from ---

    @property
    def label(self) -> str:
        return self.tokens.label

    @property
    def source(self) -> str:
        """Where the token is kept, for people."""
        return self.tokens.source

    @property
    def kind(self) -> Kind:
        return "cli" if isinstance(self._source, CliSource) else kind_of(self.tokens.token)

    @property
    def profile_arn(self) -> str:
        """The profile that requests name; "" if it is not known, or not needed."""
        if self._arn or self.kind == "api_key":
            return self._arn
        extra = self.tokens.token.extra
        named = extra.get("profileArn") or extra.get("profile_arn")
        return checked_arn(named, f"`profileArn` in {self.source}") or self._found_arn

    @property
    def api_region(self) -> str:
        """Where Kiro answers: where the profile lives, else as configured. The login's own region says nothing of it."""
        named = self.tokens.token.extra.get("apiRegion")
        return region_of(self.profile_arn) or self._region or checked_region(named) or US

    @property
    def base_url(self) -> str:
        return self.endpoint.base_url or f"https://q.{self.api_region}.amazonaws.com"

    # --- Credential ---

    def headers(self, scheme: Scheme) -> list[tuple[bytes, bytes]]:
        """`Authorization: Bearer TOKEN`; API keys say that they are one."""
        headers = self.tokens.headers(scheme)
        return [*headers, (b"tokentype", b"API_KEY")] if self.kind == "api_key" else headers

    async def ready(self) -> None:
        """A token that lasts, and the profile known as far as it can be. Raises CredentialError that says what to do."""
        await self._look_ahead()
        await self.tokens.ready()
        await self._seek_profile()

    async def renew(self) -> bool:
        await self._look_ahead()
        return await self.tokens.renew()

    async def keep(self, margin: float) -> None:
        """For the background. The CLI's token is the CLI's to renew."""
        await self._look_ahead()
        if self.kind != "cli":
            await self.tokens.keep(margin)

    def suspend(self, reason: str) -> None:
        """No use until a restart or a newer file."""
        self.tokens.suspend(reason)

    def status(self) -> Status:
        status = self.tokens.status()
        if status.state is State.EXPIRED and self.kind == "cli":
            return Status(
                State.NEEDS_LOGIN, status.until, f"{self.label}: the Kiro CLI's access token has ended; {RENEW}"
            )
        return status

    async def usage(self) -> Usage:
        """How much of the plan is used up; at most one question in 5 minutes. Raises CredentialError."""
        return await self._limits.of()

    def doubt_profile(self) -> bool:
        """The service wants a profile, or not this one. Whether it will be sought (anew), at the next `ready`: not where it is
        named, and not when that was just done."""
        if self.profile_arn != self._found_arn or self._sought_within(DOUBT_PAUSE):
            return False
        self._found_arn, self._sought_at = "", None
        return True

    def _sought_within(self, seconds: float) -> bool:
        return self._sought_at is not None and 0 <= self._now() - self._sought_at < seconds

    async def _look_ahead(self) -> None:
        if isinstance(self._source, CliSource):
            await self._source.look_ahead()

    # --- the account's own calls ---

    async def _seek_profile(self) -> None:
        """Ask which profile the account has, if nothing says it. Many have none, and are served without: no answer is no error."""
        async with self._seeking:
            if self.profile_arn or self.kind == "api_key":
                return
            if self._sought_within(PROFILE_PAUSE):
                return
            self._sought_at = self._now()
            try:
                said = await self._call("ListAvailableProfiles", {"maxResults": 10})
                self._found_arn = self._chosen(said.fields.get("profiles")) if said.status == 200 else ""
            except CredentialError:
                return

    def _chosen(self, profiles: object) -> str:
        """The first that lives in the configured region, else the first."""
        listed = profiles if isinstance(profiles, list) else []
        arns = [checked_arn(item.get("arn"), "an answer of Kiro") for item in listed if isinstance(item, dict)]
        here = (arn for arn in arns if arn and region_of(arn) == (self._region or US))
        return next(here, next((arn for arn in arns if arn), ""))

    async def _ask_usage(self) -> Mapping[str, object]:
        await self.ready()
        asked = {"origin": "AI_EDITOR", "resourceType": "AGENTIC_REQUEST"}
        if self.profile_arn:
            asked["profileArn"] = self.profile_arn
        said = await self._call("GetUsageLimits", asked)
        stopped = said.text("reason") == "TEMPORARILY_SUSPENDED"
        if said.status in (401, 403) and not stopped and await self.renew():
            said = await self._call("GetUsageLimits", asked)
        if said.status == 200:
            return said.fields
        problem = said.problem(self.tokens.token.access)
        if said.passing:
            raise Unavailable(f"{self.label}: Kiro does not tell its limits just now ({problem})")
        if stopped:
            self.suspend(suspended(self.label))
        raise CredentialError(f"{self.label}: Kiro does not tell its limits ({problem})")

    async def _call(self, name: str, asked: Mapping[str, object]) -> Said:
        """A call of the management service, in the account's wire. Raises Unavailable."""
        base = self.endpoint.management_base_url or self.base_url
        headers = {n.decode(): value.decode() for n, value in self.headers(Scheme.BEARER)}
        content = json.dumps(asked).encode()
        if self.endpoint.wire == "aws-json-1.0":
            headers |= {"content-type": AWS_JSON, "x-amz-target": f"{_SERVICE}.{name}"}
            return await asyncio.to_thread(send, "POST", f"{base}/", headers, content)
        if name == "GetUsageLimits":
            return await asyncio.to_thread(send, "GET", f"{base}/getUsageLimits?{urlencode(asked)}", headers)
        headers["content-type"] = JSON
        return await asyncio.to_thread(send, "POST", f"{base}/{name}", headers, content)


def suspended(label: str) -> str:
    """The sentence for an account that Kiro has stopped."""
    return (
        f"{label}: Kiro has suspended this account, so it is not used any more; its owner has to settle that with Kiro's support"
        " (another account, or claude-custom with an API key of Anthropic, works meanwhile), then restart"
    )


def official_file() -> Path:
    """Where the Kiro IDE keeps its login; the CLI's database, if only that is there."""
    ide, cli = kiro_file(), cli_file()
    return cli if cli.is_file() and not ide.is_file() else ide


def kiro_credential(
    label: str,
    *,
    file: Path | None = None,
    base64: str | None = None,
    api_key: str | None = None,
    auth_base_url: str = "",
    oidc_base_url: str = "",
    region: str = "",
    profile_arn: str = "",
    endpoint: Endpoint | None = None,
) -> KiroCredential:
    """The account of an API key, else of a file or a base64, else of the IDE's own file; a file may be the CLI's database. Same arguments,
    same object: all who use an account share its refresh. A base64 counts only where no file is given.

    Raises CredentialError for a key, a region or a profile that is none.
    """
    return _kiro_credential(
        label,
        None if api_key or (base64 and not file) else file or kiro_file(),
        None if api_key or file else base64 or None,
        _checked_key(api_key) if api_key else None,
        auth_base_url,
        oidc_base_url,
        checked_region(region),
        checked_arn(profile_arn),
        endpoint or Endpoint(),
    )


def _checked_key(text: str) -> str:
    key = parse_key(text, "kiro_api_key").key
    if not key.startswith(API_KEY):
        raise CredentialError(f"kiro_api_key is no API key of Kiro: those begin with {API_KEY}")
    return key


@lru_cache(maxsize=4096)
def _kiro_credential(
    label: str,
    file: Path | None,
    base64: str | None,
    api_key: str | None,
    auth_base_url: str,
    oidc_base_url: str,
    region: str,
    arn: str,
    endpoint: Endpoint,
) -> KiroCredential:
    def refresh(folder: Path | None) -> KiroRefresh:
        return KiroRefresh(auth_base_url, oidc_base_url, region, folder)

    source: Source
    renewal: Refresh
    if api_key:
        source, renewal, login = KeySource(api_key), refresh(None), "set another kiro_api_key"
    elif file is None:
        source, renewal, login = Base64Source(base64 or "", KEYS), refresh(None), BASE64_LOGIN
    elif is_database(file):
        source, renewal, login = CliSource(file), run_the_cli, CLI_LOGIN
    else:
        source, renewal = FileSource(file, KEYS), refresh(file.parent)
        login = IDE_LOGIN if file == kiro_file() else LOGIN
    tokens = OAuthCredential(label, source, renewal, time.time, login=login)
    return KiroCredential(tokens, source, endpoint=endpoint, region=region, arn=arn)
