"""The Google Cloud project behind a Code Assist account: found out once, kept until Google no longer takes it.

Source: gemini-cli, packages/core/src/code_assist/{setup,server}.ts (read 2026-11).
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache

import httpx
from pydantic import BaseModel, ValidationError

from creds.account import CredentialError, Scheme, Status
from creds.code_assist_answers import (
    FREE,
    SECURITY_POLICY,
    STANDARD,
    UNSUPPORTED_CLIENT,
    VALIDATION_REQUIRED,
    Bucket,
    Loaded,
    Operation,
    Quota,
    Refusal,
    Tier,
    read_refusal,
)
from creds.oauth import OAuthCredential
from creds.service import GEMINI_CLI
from creds.tls import authorities
from creds.token import Unavailable

CALL_SECONDS = 30.0
POLL_SECONDS = 5.0
POLLS = 24  # two minutes
FAILED_SECONDS = 30.0  # Google is left in peace for so long after it gave no project
_ENVIRONMENT = ("GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT_ID")
_METADATA = {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}
_OPERATION = re.compile(r"operations(?:/[\w~-][\w.~-]*)+")
_OF_THE_PROJECT = frozenset("CONSUMER_INVALID USER_PROJECT_DENIED SERVICE_DISABLED IAM_PERMISSION_DENIED".split())
_PROJECT = re.compile(r"(?<![\w-])projects?(?![\w-])|caller does not have permission", re.IGNORECASE)
_TERMS = re.compile(r"terms of service|\bToS\b|violation", re.IGNORECASE)

type Sleep = Callable[[float], Awaitable[None]]


class Unserved(CredentialError):
    """Google does not serve this account here any more. Asking again does not help, and nothing is tried to look different."""


class _RefusedError(CredentialError):
    def __init__(self, refusal: Refusal) -> None:
        where = f" (see {refusal.link})" if refusal.link else ""
        super().__init__(f"Code Assist refused to say which project this account has: {refusal.message}{where}")
        self.refusal = refusal


def configured_project(setting: str, environ: Mapping[str, str]) -> str:
    """The project that the user names: by the setting, else by Google's own variables; "" if by none."""
    return next((name for name in (setting, *(environ.get(name, "") for name in _ENVIRONMENT)) if name), "")


class Project:
    """Which project the account's requests are counted for.

    tokens: the account's. base_url: with its version (`.../v1internal`). configured: what the user set; Google's own answer
    comes before it. agent: our User-Agent. now: seconds that do not go back.
    Raises CredentialError for a project's number in the place of its id.
    """

    def __init__(
        self,
        tokens: OAuthCredential,
        base_url: str,
        configured: str = "",
        *,
        agent: str,
        now: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        if configured.isdigit():
            raise CredentialError(
                f"project_id: {configured} is a project's number; its id is needed, which has letters (my-project-123)"
            )
        self._tokens, self._base_url, self._configured = tokens, base_url, configured
        self._agent, self._now, self._sleep = agent, now, sleep
        self._asking = asyncio.Lock()
        self._id: str | None = None
        self._tier = ""
        self._failure: tuple[float, CredentialError] | None = None
        self._doubted: set[str] = set()

    @property
    def at_hand(self) -> str | None:
        """Its id, if it is known."""
        return self._id

    @property
    def tier(self) -> str:
        """What the account may use, as `standard-tier`; "" until the project is known."""
        return self._tier

    async def id(self) -> str:
        """Asks Google the first time, one at a time. Raises CredentialError that says what to do."""
        async with self._asking:
            if self._id is not None:
                return self._id
            if self._failure is not None and self._now() - self._failure[0] < FAILED_SECONDS:
                raise self._failure[1].with_traceback(None)
            try:
                self._id, self._tier = await self._discovered()
            except CredentialError as error:
                self._failure = (self._now(), error)
                raise
            return self._id

    def forget(self) -> None:
        """To be found out anew, at the next use."""
        self._id, self._tier, self._failure = None, "", None
        self._doubted.clear()

    def doubt(self) -> None:
        """Google refused the project. It is found out anew at the next use; once, for the answer may well be the same."""
        if self._id is not None and self._id not in self._doubted:
            self._doubted.add(self._id)
            self._id, self._failure = None, None

    def is_named(self, reason: str, message: str) -> bool:
        """Whether a refusal is about the project."""
        own = self._id is not None and re.search(rf"(?<![\w-]){re.escape(self._id)}(?![\w-])", message)
        return reason in _OF_THE_PROJECT or bool(own or _PROJECT.search(message))

    async def quota(self) -> list[Bucket]:
        """For people to look at. Raises CredentialError."""
        asked = {"project": await self.id()}
        async with self._http() as http:
            return (await self._ask(http, Quota, "retrieveUserQuota", asked)).buckets or []

    # --- finding it out ---

    async def _discovered(self) -> tuple[str, str]:
        """(project, tier), by the official client's rules."""
        async with self._http() as http:
            loaded = await self._load(http)
            if loaded.current_tier is not None:
                project, tier = loaded.cloudaicompanion_project or self._configured, loaded.tier
            else:
                self._check_eligible(loaded)
                tier = loaded.onboard_to
                project = await self._onboard(http, tier) or self._configured
        if not project:
            raise _no_project(loaded)
        return project, tier

    async def _load(self, http: httpx.AsyncClient) -> Loaded:
        try:
            return await self._ask(http, Loaded, "loadCodeAssist", self._about(self._configured))
        except _RefusedError as error:
            if SECURITY_POLICY in error.refusal.reasons:
                return Loaded(current_tier=Tier(id=STANDARD))
            raise

    def _check_eligible(self, loaded: Loaded) -> None:
        wanted = loaded.ineligible_for(VALIDATION_REQUIRED)
        if wanted is not None and wanted.validation_url:
            raise CredentialError(
                f"Google wants this account verified first: open {wanted.validation_url}, then try again"
            )
        if loaded.ineligible_for(UNSUPPORTED_CLIENT) and not (self._configured and loaded.onboard_to != FREE):
            raise _no_project(loaded)

    async def _onboard(self, http: httpx.AsyncClient, tier: str) -> str:
        """ "" when Google has made no project. The free tier has one of Google's, and refuses to hear of another."""
        asked = {"tierId": tier, **self._about("" if tier == FREE else self._configured)}
        operation = await self._ask(http, Operation, "onboardUser", asked)
        for _ in range(POLLS):
            if operation.done or not operation.name:
                break
            if not _OPERATION.fullmatch(operation.name):
                raise CredentialError("Code Assist named an operation that is none")
            await self._sleep(POLL_SECONDS)
            operation = await self._ask(http, Operation, operation.name)
        else:
            raise Unavailable("Google is still setting up Code Assist for this account; try again in some minutes")
        if operation.error is not None:
            raise CredentialError(f"Google could not set up Code Assist for this account: {operation.error.message}")
        return operation.project

    def _about(self, project: str) -> dict[str, object]:
        if not project:
            return {"metadata": _METADATA}
        return {"cloudaicompanionProject": project, "metadata": {**_METADATA, "duetProject": project}}

    # --- calls ---

    def _http(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(verify=authorities(), trust_env=False, timeout=CALL_SECONDS)

    async def _ask[A: BaseModel](
        self, http: httpx.AsyncClient, kind: type[A], method: str, body: Mapping[str, object] | None = None
    ) -> A:
        """A method by its name, with a body; or an operation, by its own. Raises Unavailable, CredentialError."""
        response = await self._send(http, method, body)
        if response.status_code == 401 and await self._tokens.renew():
            response = await self._send(http, method, body)
        if response.status_code == 429 or response.status_code >= 500:
            said = read_refusal(response.status_code, response.content).message
            raise Unavailable(f"Code Assist does not answer just now: {said}")
        if response.status_code != 200:
            raise _RefusedError(read_refusal(response.status_code, response.content))
        try:
            return kind.model_validate_json(response.content)
        except ValidationError as error:
            raise CredentialError(
                f"Code Assist answered {method} in no known shape ({error.error_count()} faults)"
            ) from None

    async def _send(self, http: httpx.AsyncClient, method: str, body: Mapping[str, object] | None) -> httpx.Response:
        headers = [(b"user-agent", self._agent.encode()), *self._tokens.headers(Scheme.BEARER)]
        try:
            if body is None:
                return await http.get(f"{self._base_url}/{method}", headers=headers)
            return await http.post(f"{self._base_url}:{method}", json=body, headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable(f"Code Assist cannot be reached ({type(error).__name__})") from error


def _no_project(loaded: Loaded) -> CredentialError:
    unsupported = loaded.ineligible_for(UNSUPPORTED_CLIENT)
    if unsupported is not None:
        said = unsupported.reason_message or "it gives no reason"
        return Unserved(
            f"Google no longer serves this account here ({UNSUPPORTED_CLIENT}): {said}; {GEMINI_CLI.alternatives}"
        )
    if loaded.reasons:
        return CredentialError(f"Google gives this account no Code Assist: {loaded.reasons}")
    return CredentialError(
        "this account needs a Google Cloud project: set project_id to the id of one that has Gemini Code Assist enabled"
    )


class CodeAssistCredential:
    """Implements Credential: the tokens of a Google account, and the project that goes with them."""

    def __init__(self, tokens: OAuthCredential, project: Project) -> None:
        self.tokens, self.project = tokens, project
        self._login: str | None = None  # tells one login in the file from the next

    @property
    def source(self) -> str:
        """Where the token is kept, for people."""
        return self.tokens.source

    def headers(self, scheme: Scheme) -> list[tuple[bytes, bytes]]:
        return self.tokens.headers(scheme)

    async def ready(self) -> None:
        """A token that lasts, and the project known. Raises CredentialError that says what to do."""
        await self.tokens.ready()
        login = self.tokens.token.refresh
        if login != self._login:
            self.project.forget()  # perhaps another account's
            self._login = login
        try:
            await self.project.id()
        except Unserved as error:
            self.tokens.suspend(str(error))
            raise

    async def keep(self, margin: float) -> None:
        """The token alone: for the background."""
        await self.tokens.keep(margin)

    async def renew(self) -> bool:
        return await self.tokens.renew()

    def status(self) -> Status:
        return self.tokens.status()

    def judge(self, status: int | None, reason: str, message: str) -> None:
        """What Google's refusal of a request says of the account: it is suspended, or its project is found out anew."""
        if reason == VALIDATION_REQUIRED:
            self.tokens.suspend(f"Google wants this account verified: {message} Then restart aiclient")
        elif reason == UNSUPPORTED_CLIENT:
            self.tokens.suspend(f"Google no longer serves this account here: {message}; {GEMINI_CLI.alternatives}")
        elif status == 403 and _TERMS.search(message):
            self.tokens.suspend(f"Google has stopped this account: {message}; {GEMINI_CLI.alternatives}")
        elif status in (403, 404) and self.project.is_named(reason, message):
            self.project.doubt()


@lru_cache(maxsize=4096)
def code_assist_credential(
    tokens: OAuthCredential, base_url: str, project: str = "", *, agent: str
) -> CodeAssistCredential:
    """base_url: with its version. project: as configured. Same arguments, same object: the project is found out once.

    Raises CredentialError for a project's number.
    """
    return CodeAssistCredential(tokens, Project(tokens, base_url, project, agent=agent))
