"""Where the official tools keep their logins: found without a setting, used where somebody names the provider, kept in order."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.e2e.oauth.asking import ask, refused, said
from tests.e2e.oauth.conftest import QUIET, assert_no_secret_in
from tests.e2e.oauth.logins import Login, Stage
from tests.e2e.plain import RIGHT, plain
from tests.e2e.proxy import Proxy, launch
from tests.fakes.oauth import GOOGLE_CLIENT

OFFICIAL = {
    "gemini-cli-oauth": ".gemini/oauth_creds.json",
    "claude-kiro-oauth": ".aws/sso/cache/kiro-auth-token.json",
    "openai-qwen-oauth": ".qwen/oauth_creds.json",
}
TEXT = "Hello, world!"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def own(home: Path, tmp_path: Path) -> Iterator[Stage]:
    """Logged in where the official tools put it."""
    with ExitStack() as stack:
        stage = Stage(tmp_path / "unused", stack)
        for login in stage.logins:
            login.path = home / OFFICIAL[login.provider]
            login.path.parent.mkdir(parents=True)
            login.log_in()
        yield stage
        assert stage.violations == []


@pytest.fixture
def found(home: Path, own: Stage) -> Iterator[Proxy]:
    """Knows where the servers are, and nothing of files or of Google's client."""
    told = ("_CREDS_FILE", "_CLIENT_ID", "_CLIENT_SECRET")
    settings = {name: value for name, value in own.settings.items() if not name.endswith(told)}
    proxy = launch(home, {**settings, **QUIET})
    yield proxy
    assert proxy.stop() == 0
    assert_no_secret_in(proxy.log, proxy.dump)
    assert "Traceback" not in proxy.log.read_text()


def unnamed(proxy: Proxy, login: Login) -> httpx.Response:
    asked = plain("chat", f"{login.model}-text")
    with httpx.Client(trust_env=False) as web:
        return web.post(f"{proxy.url}{asked.path}", json=asked.body, headers=RIGHT)


def test_the_official_files_are_used_where_the_provider_is_named(found: Proxy, own: Stage) -> None:
    for login in own.logins:
        unnamed(found, login)
        assert login.fake.requests == [], "nobody named this provider"
        assert said(ask(found, login)) == TEXT
    for login in (own.kiro, own.qwen):
        login.log_in(ends_in=-10, of_the_tool="kept")
        assert said(ask(found, login)) == TEXT
        assert login.document()["of_the_tool"] == "kept"
        assert login.mode == 0o600
        assert list(login.path.parent.iterdir()) == [login.path]

    own.gemini.log_in(ends_in=-10)
    sentence = refused(ask(found, own.gemini))
    assert "gemini_oauth_client_id" in sentence
    assert "client_secret" in sentence
    client = dict(zip(("client_id", "client_secret"), GOOGLE_CLIENT, strict=True))
    own.gemini.log_in(ends_in=-10, **client)
    assert said(ask(found, own.gemini)) == TEXT
    assert own.gemini.document().items() >= client.items()
