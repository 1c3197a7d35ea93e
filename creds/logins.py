"""The providers that one logs in to: what each needs for it, where its logins are, how one is looked at and ended."""

import difflib
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from creds.account import Credential, CredentialError
from creds.browser_flow import Way
from creds.google import KEYS as GOOGLE_KEYS
from creds.google import TOKEN_URL, google_credential, google_file
from creds.kiro import Endpoint, kiro_credential, official_file
from creds.login_google import AUTH_URL, GoogleLogin, revoke
from creds.login_kiro import METHODS, KiroLogin
from creds.login_qwen import QwenLogin
from creds.places import credential_file
from creds.qwen import OAUTH_BASE_URL, qwen_credential, qwen_file
from creds.service import GEMINI_CLI, KIRO, QWEN, Service
from creds.terminal import Terminal
from creds.token import Token
from creds.token_file import FileSource


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on a command line, and what settings say. settings: by name; what is not set is missing or "".

    file: where the login goes, None for our own place.
    """

    settings: Mapping[str, str] = field(default_factory=dict, repr=False)
    home: Path = Path("~/.aiclient")
    file: Path | None = None
    paste: bool = False
    port: int = 0
    method: str = ""
    start_url: str = ""
    region: str = ""
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)

    def of(self, name: str, default: str = "") -> str:
        """A setting, else its default."""
        return self.settings.get(name, "").strip() or default

    @property
    def way(self) -> Way:
        return Way(paste=self.paste, port=self.port, environ=self.environ)


type Run = Callable[[Wish, Terminal, Path], Awaitable[Token]]


@dataclass(frozen=True, slots=True)
class Login:
    """A provider with a login. alias: its short name. tool: whose login it is. The names of settings are "" where there is none.

    settings: the further ones that `run` and `credential` read. methods: the first is the default; empty if there is no choice.
    credential: of a label, a file or a base64. revoke: blocking; None where the vendor has no such call.
    """

    provider: str
    alias: str
    tool: str
    service: Service
    official: Callable[[], Path]
    file_setting: str
    run: Run
    credential: Callable[[Wish, str, Path | None, str], Credential]
    base64_setting: str = ""
    key_setting: str = ""
    settings: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    revoke: Callable[[Wish, Path], None] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of every setting that matters to it."""
        own = (self.key_setting, self.file_setting, self.base64_setting)
        return tuple(name for name in (*own, *self.settings) if name)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a provider's login is. file: None for a base64 or an API key. on_demand: it is the official tool's, which nobody told
    us to use."""

    file: Path | None
    base64: str = field(default="", repr=False)
    on_demand: bool = False


def place_of(login: Login, wish: Wish) -> Place | None:
    """An API key, else the login by the order of `credential_file`, base64 in its place. None where there is neither."""
    if login.key_setting and wish.of(login.key_setting):
        return Place(None)
    configured = wish.of(login.file_setting)
    base64 = wish.of(login.base64_setting) if login.base64_setting else ""
    if base64 and not configured:
        return Place(None, base64)
    file, on_demand = credential_file(login.provider, configured, wish.home, login.official())
    return Place(file, on_demand=on_demand) if file else None


def credential_at(login: Login, wish: Wish, place: Place) -> Credential:
    """What is kept there, as an account's credential."""
    return login.credential(wish, f"{login.provider}:default", place.file, place.base64)


def find(name: str) -> Login:
    """By the provider's name or its short one. CredentialError names what there is."""
    for login in LOGINS:
        if name in (login.provider, login.alias):
            return login
    known = [word for login in LOGINS for word in (login.provider, login.alias)]
    near = difflib.get_close_matches(name, known, n=1)
    cure = f"did you mean {near[0]}?" if near else f"there are {', '.join(login.provider for login in LOGINS)}"
    raise CredentialError(f"{name!r} is not a provider that one logs in to; {cure}")


async def _log_in_google(wish: Wish, terminal: Terminal, path: Path) -> Token:
    login = GoogleLogin(
        wish.of("gemini_oauth_client_id"),
        wish.of("gemini_oauth_client_secret"),
        wish.of("gemini_oauth_auth_url", AUTH_URL),
        wish.of("gemini_oauth_token_url", TOKEN_URL),
    )
    return await login.run(terminal, path, wish.way)


def _google(wish: Wish, label: str, file: Path | None, base64: str) -> Credential:
    return google_credential(
        label,
        file,
        base64,
        wish.of("gemini_oauth_client_id"),
        wish.of("gemini_oauth_client_secret"),
        wish.of("gemini_oauth_token_url", TOKEN_URL),
    )


def _revoke_google(wish: Wish, path: Path) -> None:
    revoke(FileSource(path, GOOGLE_KEYS).read(), wish.of("gemini_oauth_token_url", TOKEN_URL))


async def _log_in_kiro(wish: Wish, terminal: Terminal, path: Path) -> Token:
    method = next((method for method in METHODS if method == wish.method), METHODS[0])
    login = KiroLogin(
        method,
        wish.start_url,
        wish.region,
        wish.of("kiro_auth_base_url"),
        wish.of("kiro_oidc_base_url"),
    )
    return await login.run(terminal, path, wish.way)


def _kiro(wish: Wish, label: str, file: Path | None, base64: str) -> Credential:
    return kiro_credential(
        label,
        file=file,
        base64=base64,
        api_key=wish.of("kiro_api_key"),
        auth_base_url=wish.of("kiro_auth_base_url"),
        oidc_base_url=wish.of("kiro_oidc_base_url"),
        region=wish.of("kiro_region"),
        profile_arn=wish.of("kiro_profile_arn"),
        endpoint=Endpoint(
            wire="aws-json-1.0" if wish.of("kiro_wire") == "aws-json-1.0" else "rest-json",
            base_url=wish.of("kiro_base_url"),
            management_base_url=wish.of("kiro_management_base_url"),
        ),
    )


async def _log_in_qwen(wish: Wish, terminal: Terminal, path: Path) -> Token:
    return await QwenLogin(wish.of("qwen_oauth_base_url", OAUTH_BASE_URL)).run(terminal, path)


def _qwen(wish: Wish, label: str, file: Path | None, base64: str) -> Credential:
    return qwen_credential(label, file, base64, wish.of("qwen_oauth_base_url", OAUTH_BASE_URL))


LOGINS: tuple[Login, ...] = (
    Login(
        provider="gemini-cli-oauth",
        alias="gemini",
        tool="the Gemini CLI",
        service=GEMINI_CLI,
        official=google_file,
        file_setting="gemini_oauth_creds_file",
        base64_setting="gemini_oauth_creds_base64",
        settings=(
            *("gemini_oauth_client_id", "gemini_oauth_client_secret"),
            *("gemini_oauth_auth_url", "gemini_oauth_token_url"),
        ),
        run=_log_in_google,
        credential=_google,
        revoke=_revoke_google,
    ),
    Login(
        provider="claude-kiro-oauth",
        alias="kiro",
        tool="Kiro",
        service=KIRO,
        official=official_file,
        file_setting="kiro_oauth_creds_file",
        base64_setting="kiro_oauth_creds_base64",
        key_setting="kiro_api_key",
        settings=(
            *("kiro_auth_base_url", "kiro_oidc_base_url", "kiro_region", "kiro_profile_arn"),
            *("kiro_wire", "kiro_base_url", "kiro_management_base_url"),
        ),
        methods=METHODS,
        run=_log_in_kiro,
        credential=_kiro,
    ),
    Login(
        provider="openai-qwen-oauth",
        alias="qwen",
        tool="Qwen Code",
        service=QWEN,
        official=qwen_file,
        file_setting="qwen_oauth_creds_file",
        settings=("qwen_oauth_base_url",),
        run=_log_in_qwen,
        credential=_qwen,
    ),
)
