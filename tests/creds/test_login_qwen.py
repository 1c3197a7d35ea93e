"""Logging in at Qwen, by device code."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from creds.account import CredentialError
from creds.login_qwen import QwenLogin
from creds.qwen import qwen_credential
from tests.creds.disk import is_there, put, text_of, written
from tests.fakes.authorization import REFRESH, AuthorizationFake
from tests.fakes.person import Person

ROOT = Path(__file__).resolve().parents[2]
NOW = 1_700_000_000.0


async def no_time(_: float) -> None:
    """Sleep that takes none."""


def login(server: AuthorizationFake) -> QwenLogin:
    return QwenLogin(f"{server.url}/qwen/", now=lambda: NOW, clock=lambda: 0.0, sleep=no_time)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts" / "openai-qwen-oauth.json"


async def test_1_code_and_page_are_shown_and_the_file_is_qwen_codes(server: AuthorizationFake, path: Path) -> None:
    server.polls = [(400, {"error": "authorization_pending"}), (429, {"error": "slow_down"})]
    person = Person(browser=False)
    await login(server).run(person, path)
    assert server.problems == []
    assert "ABCD-1234" in person.text
    assert person.page == f"{server.url}/authorize?user_code=ABCD-1234"
    assert [request.path.rpartition("/")[2] for request in server.requests] == ["code", "token", "token", "token"]
    assert written(path) == {
        "access_token": "access-1",
        "refresh_token": f"{REFRESH}1",
        "expiry_date": (NOW + 21600) * 1000,
        "token_type": "Bearer",
        "resource_url": "portal.qwen.ai",
    }


async def test_the_page_is_opened_where_there_is_a_browser(server: AuthorizationFake, path: Path) -> None:
    person = Person()
    await login(server).run(person, path)
    assert len(person.browsing) == 1
    assert "opened in your browser" in person.text


async def test_the_account_can_use_what_the_login_wrote(server: AuthorizationFake, path: Path) -> None:
    await QwenLogin(f"{server.url}/qwen", clock=lambda: 0.0, sleep=no_time).run(Person(browser=False), path)
    credential = qwen_credential("openai-qwen-oauth:test", path)
    await credential.ready()
    assert credential.token.access == "access-1"


async def test_1_an_error_in_a_200_is_an_error(server: AuthorizationFake, path: Path) -> None:
    server.polls = [(200, {"error": "invalid_client", "error_description": "who?"})]
    with pytest.raises(CredentialError, match="invalid_client: who"):
        await login(server).run(Person(browser=False), path)
    assert not is_there(path)


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, {"error": "expired_token"}, "run out"),
        (401, {}, "begin again"),
        (403, "<html>WAF</html>", "HTTP 403 with text/html"),
    ],
)
async def test_1_refusals_leave_the_old_login(
    server: AuthorizationFake, path: Path, status: int, body: object, said: str
) -> None:
    put(path, '{"access_token": "old"}')
    server.polls = [(status, body)] * 3
    with pytest.raises(CredentialError, match=said):
        await login(server).run(Person(browser=False), path)
    assert text_of(path) == '{"access_token": "old"}'


async def test_1_no_code_is_told(server: AuthorizationFake, path: Path) -> None:
    server.lacks = {"device_code"}
    with pytest.raises(CredentialError, match="without a device code"):
        await login(server).run(Person(browser=False), path)
    with pytest.raises(CredentialError, match=r"gave no code .*not_found"):
        await QwenLogin(f"{server.url}/elsewhere").run(Person(browser=False), path)


async def test_2_a_login_replaces_the_old_ones_server(server: AuthorizationFake, path: Path) -> None:
    """A token goes to the host that its own login named."""
    put(path, '{"access_token": "old", "resource_url": "old.qwen.ai", "expired": "2020-01-01", "email": "x"}')
    server.polls = [(200, {"access_token": "new", "refresh_token": None, "resource_url": None})]
    await login(server).run(Person(browser=False), path)
    assert written(path) == {"access_token": "new", "email": "x"}


def test_the_command_logs_in_without_browser_and_terminal(server: AuthorizationFake, tmp_path: Path) -> None:
    """As in a container: a real process, nothing to type at, no display."""
    keep = ("PATH", "SYSTEMROOT", "LANG")
    environ = {name: os.environ[name] for name in keep if name in os.environ} | {
        "AICLIENT_HOME": str(tmp_path / "home"),
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "AICLIENT_QWEN_OAUTH_BASE_URL": f"{server.url}/qwen",
    }
    words = [sys.executable, "-P", "-m", "creds"]

    def run(*more: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [*words, *more],
            env=environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    done = run("login", "qwen")
    assert (done.returncode, done.stderr) == (0, "")
    path = tmp_path / "home" / "accounts" / "openai-qwen-oauth.json"
    assert done.stdout.splitlines()[1].startswith("Service: retired since 2026-04-15")
    assert "ABCD-1234" in done.stdout
    assert str(path) in done.stdout
    assert json.loads(path.read_text())["refresh_token"] == f"{REFRESH}1"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    for secret in ("access-1", REFRESH, "device-secret"):
        assert secret not in done.stdout
    listed = run("list", "--json")
    assert {row["provider"]: row["state"] for row in json.loads(listed.stdout)} == {
        "gemini-cli-oauth": "no login",
        "claude-kiro-oauth": "no login",
        "openai-qwen-oauth": "valid",
    }
    assert "valid" in run("check", "qwen").stdout
    assert run("logout", "qwen").returncode == 0
    assert not path.exists()
    assert run("check", "qwen").returncode == 1
