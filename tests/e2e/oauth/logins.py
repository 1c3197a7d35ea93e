"""The three logins as their official tools leave them, and the servers behind them. One face: a test is written once for all."""

import json
import os
import time
from abc import ABC, abstractmethod
from contextlib import ExitStack
from pathlib import Path
from typing import Any, ClassVar, override

from tests.fakes.code_assist import CodeAssistFake
from tests.fakes.code_assist_scripts import PROJECT
from tests.fakes.kiro import API_KEY, KiroFake
from tests.fakes.oauth import GOOGLE_CLIENT, OAuthFake
from tests.fakes.provider import FakeProvider
from tests.fakes.qwen import QwenFake
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.server import FakeServer, Recorded

MARK = "c4n4ry"  # in every token of Google's and Qwen's
# What no log, dump or answer may hold: Kiro's tokens end in these letters.
SECRETS = (MARK, "a" * 40, "r" * 40, GOOGLE_CLIENT[1], API_KEY, CLIENT_KEY)


class Login(ABC):
    """One account. path: its credentials file. fake: its provider. access, refresh, end: the names of these in the file."""

    provider: ClassVar[str]
    model: ClassVar[str]
    thinking_model: ClassVar[str]
    access: ClassVar[str] = "access_token"
    refresh: ClassVar[str] = "refresh_token"
    end: ClassVar[str] = "expiry_date"
    fake: FakeProvider

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "login.json"

    @property
    @abstractmethod
    def servers(self) -> list[FakeServer]: ...

    @property
    @abstractmethod
    def settings(self) -> dict[str, str]:
        """Without `AICLIENT_`; of the file."""

    @property
    @abstractmethod
    def refreshes(self) -> int:
        """How often the token server renewed this account."""

    @property
    @abstractmethod
    def refused(self) -> list[str]:
        """What the token server answered to those it did not renew."""

    @abstractmethod
    def made(self, *, ends_in: float) -> dict[str, Any]:
        """A new login, good for the servers, that ends in so many seconds."""

    @abstractmethod
    def end_access(self) -> None:
        """The provider takes none of the access tokens given out so far."""

    @abstractmethod
    def revoke(self) -> None:
        """The token server takes none of the refresh tokens given out so far."""

    @abstractmethod
    def mend(self) -> None:
        """The servers as they were at the start."""

    def log_in(self, *, ends_in: float = 3600, **more: object) -> dict[str, Any]:
        """The official tool logs in anew, and puts its file where it belongs. more: further keys."""
        document = {**self.made(ends_in=ends_in), **more}
        draft = self.path.with_suffix(".draft")
        draft.write_text(json.dumps(document))
        draft.chmod(0o600)
        draft.replace(self.path)
        return document

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.path.read_text())
        return document

    @property
    def mode(self) -> int:
        return os.stat(self.path).st_mode & 0o777

    @property
    def generated(self) -> list[Recorded]:
        """The requests for an answer, refused ones too."""
        words = ("generateContent", "streamGenerateContent", "chat/completions", "generateAssistantResponse")
        return [request for request in self.fake.requests if request.path.endswith(words)]

    @property
    def bearer(self) -> str:
        """The access token of the latest of them."""
        return (self.generated[-1].header("authorization") or "").removeprefix("Bearer ")


class _FormLogin(Login):
    """Google's and Qwen's, which have the same kind of file and of token server."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.tokens = OAuthFake()
        self.tokens.id_token = f"{MARK}-id"
        self._count = 0

    @property
    @override
    def refreshes(self) -> int:
        return self.tokens.refreshes

    @property
    @override
    def refused(self) -> list[str]:
        return self.tokens.refused

    @override
    def made(self, *, ends_in: float) -> dict[str, Any]:
        self._count += 1
        access, refresh = (f"{MARK}-{self.provider}-{kind}-{self._count}" for kind in ("access", "refresh"))
        self.tokens.live.add(access)
        self.tokens.alive.add(refresh)
        ends = int((time.time() + ends_in) * 1000)
        return {"access_token": access, "refresh_token": refresh, "token_type": "Bearer", "expiry_date": ends}

    @override
    def end_access(self) -> None:
        self.tokens.live.clear()

    @override
    def revoke(self) -> None:
        self.tokens.alive.clear()

    @override
    def mend(self) -> None:
        self.tokens.rotates, self.tokens.delay = False, 0.0


class _CodeAssist(CodeAssistFake):
    """Takes every token that is live."""

    def __init__(self, tokens: OAuthFake) -> None:
        super().__init__()
        self._tokens = tokens

    @override
    def check_credential(self, request: Recorded) -> None:
        given = (request.header("authorization") or "").removeprefix("Bearer ")
        self.key = given if given in self._tokens.live else "none is live"
        super().check_credential(request)


class GeminiLogin(_FormLogin):
    provider = "gemini-cli-oauth"
    model = "gemini-2.5-flash"
    thinking_model = "gemini-3.1-pro-preview"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fake: _CodeAssist = _CodeAssist(self.tokens)

    @property
    @override
    def servers(self) -> list[FakeServer]:
        return [self.tokens, self.fake]

    @property
    @override
    def settings(self) -> dict[str, str]:
        return {
            "GEMINI_OAUTH_CREDS_FILE": str(self.path),
            "GEMINI_OAUTH_CLIENT_ID": GOOGLE_CLIENT[0],
            "GEMINI_OAUTH_CLIENT_SECRET": GOOGLE_CLIENT[1],
            "GEMINI_OAUTH_TOKEN_URL": self.tokens.google_url,
            "GEMINI_CODE_ASSIST_BASE_URL": self.fake.url,
        }

    @override
    def made(self, *, ends_in: float) -> dict[str, Any]:
        return {**super().made(ends_in=ends_in), "scope": "b a", "id_token": f"{MARK}-id-0"}

    @override
    def mend(self) -> None:
        super().mend()
        self.fake.load, self.fake.projects, self.fake.polls = "standard", {PROJECT}, 0


class QwenLogin(_FormLogin):
    provider = "openai-qwen-oauth"
    model = thinking_model = "coder-model"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fake: QwenFake = QwenFake()
        self.fake.live = self.tokens.live

    @property
    @override
    def servers(self) -> list[FakeServer]:
        return [self.tokens, self.fake]

    @property
    @override
    def settings(self) -> dict[str, str]:
        return {
            "QWEN_OAUTH_CREDS_FILE": str(self.path),
            "QWEN_BASE_URL": f"{self.fake.url}/v1",
            "QWEN_OAUTH_BASE_URL": self.tokens.url,
        }

    @override
    def mend(self) -> None:
        super().mend()
        self.fake.ended = False


class KiroLogin(Login):
    """A social one; with `kind` "IdC" one that has a second file."""

    provider = "claude-kiro-oauth"
    model = thinking_model = "claude-sonnet-4.5"
    access, refresh, end = "accessToken", "refreshToken", "expiresAt"

    def __init__(self, folder: Path, kind: str = "social") -> None:
        super().__init__(folder)
        self.fake: KiroFake = KiroFake()
        self.kind = kind
        if kind != "social":
            self.fake.auth.write_second_file(folder)

    @property
    @override
    def servers(self) -> list[FakeServer]:
        return [self.fake]

    @property
    @override
    def settings(self) -> dict[str, str]:
        return {"KIRO_OAUTH_CREDS_FILE": str(self.path), **self.places}

    @property
    def places(self) -> dict[str, str]:
        """Where Kiro's servers are."""
        return {
            "KIRO_BASE_URL": self.fake.base("q"),
            "KIRO_MANAGEMENT_BASE_URL": self.fake.base("management"),
            "KIRO_AUTH_BASE_URL": self.fake.base("social"),
            "KIRO_OIDC_BASE_URL": self.fake.base("oidc"),
        }

    @property
    @override
    def refreshes(self) -> int:
        return self.fake.auth.refreshes

    @property
    @override
    def refused(self) -> list[str]:
        return self.fake.auth.refused

    @override
    def made(self, *, ends_in: float) -> dict[str, Any]:
        return dict(self.fake.auth.ide_login(self.kind, ends_in=ends_in))

    @override
    def end_access(self) -> None:
        self.fake.auth.end_access()

    @override
    def revoke(self) -> None:
        self.fake.auth.revoke()

    @override
    def mend(self) -> None:
        self.fake.suspended = False


LOGINS: dict[str, type[Login]] = {login.provider: login for login in (GeminiLogin, KiroLogin, QwenLogin)}


class Stage:
    """All three, in a folder of their own, logged in; their servers run from `start` on, until `stack` is closed."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.gemini, self.kiro, self.qwen = (
            GeminiLogin(folder / "gemini"),
            KiroLogin(folder / "kiro"),
            QwenLogin(folder / "qwen"),
        )
        for login in self.logins:
            for server in login.servers:
                stack.enter_context(server)
            login.fake.secrets = [CLIENT_KEY]
            login.log_in()

    @property
    def logins(self) -> list[Login]:
        return [self.gemini, self.kiro, self.qwen]

    def of(self, provider: str) -> Login:
        return next(login for login in self.logins if login.provider == provider)

    @property
    def settings(self) -> dict[str, str]:
        return {name: value for login in self.logins for name, value in login.settings.items()} | {
            "API_KEY": CLIENT_KEY
        }

    @property
    def violations(self) -> list[str]:
        return [each for login in self.logins for each in login.fake.violations]
