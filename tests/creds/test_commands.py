"""Log in, log out, list, check."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from creds.account import CredentialError
from creds.commands import check, log_in, log_out, main, place_of, row_of, settings_in, until
from creds.logins import Wish, find
from creds.places import own_file
from tests.creds.disk import is_there, put, written
from tests.fakes.authorization import GOOGLE_CLIENT, REFRESH, AuthorizationFake
from tests.fakes.person import Person, redirected

QWEN, GEMINI, KIRO = (find(name) for name in ("qwen", "gemini", "kiro"))
FAR = 4_000_000_000_000  # ms
ROOT = Path(__file__).resolve().parents[2]

type Capture = pytest.CaptureFixture[str]


@pytest.fixture
def home(own_environment: Path) -> Path:
    return own_environment


def wish_at(server: AuthorizationFake, home: Path, **more: object) -> Wish:
    settings = {
        "gemini_oauth_client_id": GOOGLE_CLIENT[0],
        "gemini_oauth_client_secret": GOOGLE_CLIENT[1],
        "gemini_oauth_auth_url": f"{server.url}/google/auth",
        "gemini_oauth_token_url": f"{server.url}/google/token",
        "kiro_auth_base_url": f"{server.url}/kiro",
        "qwen_oauth_base_url": f"{server.url}/qwen",
    }
    return Wish(settings=settings, home=home, environ={}, **more)  # type: ignore[arg-type]


async def test_what_is_known_of_the_service_comes_before_anything_else(server: AuthorizationFake, home: Path) -> None:
    person = Person()
    await log_in(GEMINI, wish_at(server, home), person)
    assert person.said[1] == f"Service: {GEMINI.service.headline}."
    assert person.said[2] == f"Terms: {GEMINI.service.terms}."
    assert person.said[3].startswith("Instead: use gemini-custom")
    assert "Open this page" in "".join(person.said[4:])


async def test_the_login_is_in_our_own_place_and_used(server: AuthorizationFake, home: Path) -> None:
    put(GEMINI.official(), "{}")
    person = Person()
    wish = wish_at(server, home)
    await log_in(GEMINI, wish, person)
    path = own_file("gemini-cli-oauth", home)
    assert written(path)["refresh_token"] == f"{REFRESH}1"
    assert written(GEMINI.official()) == {}
    assert f"The login is in {path}, its access token good until 20" in person.text
    assert "not used by itself" not in person.text
    assert await check(GEMINI, wish, person)
    assert person.said[-1].startswith("gemini-cli-oauth: valid until 20")


async def test_a_login_in_another_place_has_to_be_named(server: AuthorizationFake, home: Path, tmp_path: Path) -> None:
    person = Person()
    path = tmp_path / "mine.json"
    await log_in(KIRO, wish_at(server, home, file=path, method="google"), person)
    assert written(path)["accessToken"] == "access-1"
    assert f"name it by kiro_oauth_creds_file, as {path}" in person.text
    assert not is_there(own_file("claude-kiro-oauth", home))


async def test_a_pasted_login(server: AuthorizationFake, home: Path) -> None:
    person = Person(types=[lambda _: redirected(person.page)])
    await log_in(GEMINI, wish_at(server, home, paste=True, port=4321), person)
    assert "127.0.0.1%3A4321" in person.page
    assert is_there(own_file("gemini-cli-oauth", home))


@pytest.mark.parametrize(
    ("name", "method", "said"), [("kiro", "facebook", "there are builder-id, idc"), ("qwen", "idc", "one way only")]
)
async def test_a_method_that_is_none_is_told(home: Path, name: str, method: str, said: str) -> None:
    with pytest.raises(CredentialError, match=said):
        await log_in(find(name), Wish(home=home, method=method), Person())


async def test_logging_out_removes_our_own_file_alone_and_says_what_stays(home: Path) -> None:
    path = own_file("openai-qwen-oauth", home)
    put(path, "{}")
    put(QWEN.official(), '{"theirs": 1}')
    person = Person()
    await log_out(QWEN, Wish({"qwen_oauth_creds_file": "/x.json"}, home), person)
    assert not is_there(path)
    assert [entry.name for entry in path.parent.iterdir()] == []
    assert written(QWEN.official()) == {"theirs": 1}
    assert f"Removed {path}." in person.text
    assert "until its tokens end" in person.text
    assert "qwen_oauth_creds_file is set" in person.text
    assert f"The login of Qwen Code in {QWEN.official()} stays" in person.text


async def test_logging_out_without_a_login_says_so(home: Path) -> None:
    person = Person()
    await log_out(QWEN, Wish(home=home), person)
    assert person.said == [f"There is no login of ours for openai-qwen-oauth ({own_file('openai-qwen-oauth', home)})."]


async def test_a_login_at_google_can_be_revoked(server: AuthorizationFake, home: Path) -> None:
    wish = wish_at(server, home)
    await log_in(GEMINI, wish, Person())
    path = own_file("gemini-cli-oauth", home)
    server.revoked.append(f"{REFRESH}1")  # by somebody else, so Google does not know it
    with pytest.raises(CredentialError, match="did not revoke"):
        await log_out(GEMINI, wish, Person(), revoke=True)
    assert is_there(path), "to try again"
    server.revoked.clear()
    person = Person()
    await log_out(GEMINI, wish, person, revoke=True)
    assert server.revoked == [f"{REFRESH}1"]
    assert not is_there(path)
    assert "was revoked" in person.text


async def test_revoking_where_there_is_no_such_call_is_refused(home: Path) -> None:
    path = own_file("openai-qwen-oauth", home)
    put(path, "{}")
    with pytest.raises(CredentialError, match="without --revoke"):
        await log_out(QWEN, Wish(home=home), Person(), revoke=True)
    assert is_there(path)


def test_a_row_says_what_can_be_done_with_a_login(home: Path) -> None:
    wish = Wish(home=home)
    none = row_of(QWEN, wish, place_of(QWEN, wish))
    assert (none.state, none.source, none.advice) == ("no login", "", "log in: aiclient login openai-qwen-oauth")
    put(QWEN.official(), json.dumps({"access_token": "a", "refresh_token": "b", "expiry_date": FAR}))
    theirs = row_of(QWEN, wish, place_of(QWEN, wish))
    assert (theirs.state, theirs.until, theirs.used) == ("valid", FAR / 1000, "when named")
    assert (theirs.service, theirs.source) == ("retired", str(QWEN.official()))
    put(own_file(QWEN.provider, home), "{")
    ours = row_of(QWEN, wish, place_of(QWEN, wish))
    assert (ours.state, ours.used) == ("needs login", "always")
    assert "not a JSON object" in ours.advice
    wrong = Wish({"kiro_api_key": "hunter2-hunter2"}, home)
    key = row_of(KIRO, wrong, place_of(KIRO, wrong))
    assert (key.state, key.source) == ("needs login", "kiro_api_key")
    assert "hunter2" not in repr(key)


async def test_checking_says_what_is_wrong(server: AuthorizationFake, home: Path) -> None:
    """The fake knows no refresh by these tokens."""
    person = Person()
    wish = wish_at(server, home)
    assert not await check(QWEN, wish, person)
    assert "no login" in person.text
    put(own_file(QWEN.provider, home), json.dumps({"access_token": "a", "refresh_token": "secret-b", "expiry_date": 1}))
    assert not await check(QWEN, wish, person)
    assert "Qwen refused the refresh token" in person.said[-1]
    assert "secret-b" not in person.text


def test_a_time_for_people() -> None:
    assert until(1_700_000_000.0) == "until 2023-11-14 22:13 UTC"
    assert until(None) == until(0) == ""


def test_settings_come_from_the_environment_with_references_looked_up(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    environ = {
        "AICLIENT_GEMINI_OAUTH_CLIENT_SECRET": f"file:{tmp_path / 'secret'}",
        "AICLIENT_GEMINI_OAUTH_CLIENT_ID": "env:not-looked-up",
        "AICLIENT_QWEN_OAUTH_BASE_URL": "http://127.0.0.1:1",
        "AICLIENT_PORT": "4000",
    }
    found = settings_in(environ)
    assert found["gemini_oauth_client_secret"] == "s3cret"
    assert found["gemini_oauth_client_id"] == "env:not-looked-up"
    assert found["qwen_oauth_base_url"] == "http://127.0.0.1:1"
    assert "port" not in found
    with pytest.raises(CredentialError, match="AICLIENT_KIRO_API_KEY is `env:X`"):
        settings_in({"AICLIENT_KIRO_API_KEY": "env:X"})


def test_list_names_every_login_and_no_secret(capsys: Capture, home: Path) -> None:
    put(own_file("openai-qwen-oauth", home), json.dumps({"access_token": "hunter2", "expiry_date": FAR}))
    assert main(["list"]) == 0
    out = capsys.readouterr().out
    assert [line.split()[0] for line in out.splitlines()] == [
        "gemini-cli-oauth",
        "claude-kiro-oauth",
        "openai-qwen-oauth",
    ]
    assert f"valid  until 2096-10-02 07:06 UTC  {own_file('openai-qwen-oauth', home)}" in out
    assert main(["list", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert rows[2]["until"] == FAR / 1000
    assert "hunter2" not in out + str(rows)


def test_check_of_all_is_of_those_there_are(capsys: Capture, home: Path) -> None:
    assert main(["check"]) == 0
    assert "no logins" in capsys.readouterr().out
    put(own_file("openai-qwen-oauth", home), json.dumps({"access_token": "a", "expiry_date": FAR}))
    assert main(["check"]) == 0
    assert capsys.readouterr().out.startswith("openai-qwen-oauth: valid until 2096")
    assert main(["check", "gemini"]) == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["login", "xyz"], 1, "creds: 'xyz' is not a provider"),
        (["logout", "kiro", "--revoke"], 1, "creds: Kiro has no way"),
        (["login", "gemini"], 1, "creds: to log in at Google"),
        (["login", "kiro", "--port", "0"], 2, "must be a port from 1 to 65535"),
        ([], 2, "COMMAND"),
    ],
)
def test_errors_are_one_line_and_their_code(capsys: Capture, words: list[str], code: int, said: str) -> None:
    try:
        result = main(words)
    except SystemExit as e:
        result = int(e.code or 0)
    err = capsys.readouterr().err
    assert result == code
    assert said in err
    assert code == 2 or err.count("\n") == 1


def test_ctrl_c_is_no_error_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(coroutine: object) -> int:
        assert asyncio.iscoroutine(coroutine)
        coroutine.close()
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["creds.commands"].asyncio, "run", interrupted)
    assert main(["list"]) == 130


# --- as a program, with a person at its pipes ---


def program(server: AuthorizationFake, home: Path, *words: str) -> "subprocess.Popen[str]":
    environ = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ} | {
        "AICLIENT_HOME": str(home),
        "HOME": str(home.parent),
        "PYTHONPATH": str(ROOT),
        "AICLIENT_GEMINI_OAUTH_CLIENT_ID": GOOGLE_CLIENT[0],
        "AICLIENT_GEMINI_OAUTH_CLIENT_SECRET": GOOGLE_CLIENT[1],
        "AICLIENT_GEMINI_OAUTH_AUTH_URL": f"{server.url}/google/auth",
        "AICLIENT_GEMINI_OAUTH_TOKEN_URL": f"{server.url}/google/token",
    }
    words = (sys.executable, "-P", "-m", "creds", *words)
    pipe = subprocess.PIPE
    return subprocess.Popen(words, env=environ, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def told(running: "subprocess.Popen[str]", last: str) -> str:
    """Its output up to a line with `last` in it, which is the page's address and what follows."""
    assert running.stdout
    lines = []
    for line in running.stdout:
        lines.append(line)
        if last in line:
            break
    return "".join(lines)


def page_in(text: str) -> str:
    return next(word for word in text.split() if "/google/auth" in word)


def test_a_pasted_login_of_a_real_process(server: AuthorizationFake, home: Path) -> None:
    with program(server, home, "login", "gemini", "--no-browser") as running:
        out, err = running.communicate(redirected(page_in(told(running, "Then paste"))) + "\n", timeout=30)
    assert (running.returncode, err) == (0, "")
    assert "Logged in as ann@example.com." in out
    assert written(own_file("gemini-cli-oauth", home))["refresh_token"] == f"{REFRESH}1"


def test_a_listening_login_of_a_real_process_without_a_terminal(server: AuthorizationFake, home: Path) -> None:
    """The browser runs elsewhere on this machine: nothing was opened for it."""
    with program(server, home, "login", "gemini") as running:
        page = page_in(told(running, "Waiting on port"))
        assert httpx.get(page, trust_env=False, follow_redirects=True).status_code == 200
        _, err = running.communicate(timeout=30)
    assert (running.returncode, err) == (0, "")
    assert is_there(own_file("gemini-cli-oauth", home))


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
@pytest.mark.parametrize("words", [("--no-browser",), ()], ids=["pasting", "listening"])
def test_ctrl_c_ends_it_at_once(server: AuthorizationFake, home: Path, words: tuple[str, ...]) -> None:
    """Also while a thread of it waits for a line."""
    with program(server, home, "login", "gemini", *words) as running:
        told(running, "Then paste" if words else "Waiting on port")
        running.send_signal(signal.SIGINT)
        _, err = running.communicate(timeout=10)
    assert (running.returncode, err) == (130, "")
    assert not is_there(own_file("gemini-cli-oauth", home))
