"""Logging in at Google."""

import json
import time
from pathlib import Path

import pytest

from creds.account import CredentialError
from creds.browser_flow import Way
from creds.google import KEYS, google_credential
from creds.login_google import GoogleLogin, email_in, revoke
from creds.token import Token, Unavailable
from creds.token_file import FileSource
from tests.creds.disk import is_there, mode_of, put, text_of, written
from tests.fakes.authorization import GOOGLE_CLIENT, ID_TOKEN, REFRESH, AuthorizationFake
from tests.fakes.person import Person, redirected

WAY = Way(environ={}, seconds=10)
NOW = 1_700_000_000.0


def login(server: AuthorizationFake, client: tuple[str, str] = GOOGLE_CLIENT) -> GoogleLogin:
    return GoogleLogin(*client, f"{server.url}/google/auth", f"{server.url}/google/token", now=lambda: NOW)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "accounts" / "gemini-cli-oauth.json"


async def test_1_2_a_browser_logs_in_and_the_file_is_whole(server: AuthorizationFake, path: Path) -> None:
    person = Person()
    await login(server).run(person, path, WAY)
    await person.browsing[0]
    assert person.shown[0] == 200
    assert "Logged in as ann@example.com." in person.text
    assert server.problems == []
    assert mode_of(path) == 0o600
    assert written(path) == {
        "access_token": "access-1",
        "refresh_token": f"{REFRESH}1",
        "expiry_date": (NOW + 3599) * 1000,
        "scope": "b a",
        "token_type": "Bearer",
        "id_token": ID_TOKEN,
        "client_id": GOOGLE_CLIENT[0],
        "client_secret": GOOGLE_CLIENT[1],
    }


async def test_the_account_can_use_what_the_login_wrote(server: AuthorizationFake, path: Path) -> None:
    await GoogleLogin(*GOOGLE_CLIENT, f"{server.url}/google/auth", f"{server.url}/google/token").run(
        Person(), path, WAY
    )
    credential = google_credential("gemini-cli-oauth:test", path)
    await credential.ready()
    assert credential.token.access == "access-1"
    assert credential.token.expires_at > time.time() + 3000


async def test_no_browser_takes_what_is_pasted(server: AuthorizationFake, path: Path) -> None:
    person = Person(types=[lambda _: redirected(person.page)])
    await login(server).run(person, path, Way(paste=True, environ={}))
    assert written(path)["refresh_token"] == f"{REFRESH}1"


async def test_a_refusal_leaves_the_old_login(server: AuthorizationFake, path: Path) -> None:
    put(path, '{"access_token": "old", "refresh_token": "old"}')
    server.refuse = "access_denied"
    with pytest.raises(CredentialError, match="access_denied: you said no"):
        await login(server).run(Person(), path, WAY)
    assert written(path)["access_token"] == "old"


async def test_a_new_login_replaces_the_old_ones_every_trace(server: AuthorizationFake, path: Path) -> None:
    put(path, '{"access_token": "old", "refresh_token": "old", "id_token": "old", "expiry_date": 1, "theirs": 2}')
    server.lacks = {"refresh_token", "id_token", "expires_in", "scope"}
    person = Person()
    await login(server).run(person, path, WAY)
    after = written(path)
    assert "old" not in text_of(path)
    assert after["theirs"] == 2
    assert "expiry_date" not in after
    assert "no refresh token" in person.text
    assert "Logged in as" not in person.text


async def test_without_a_client_it_is_said_exactly_what_is_missing(server: AuthorizationFake, path: Path) -> None:
    person = Person()
    with pytest.raises(CredentialError) as caught:
        await login(server, ("id-alone", "")).run(person, path, WAY)
    said = str(caught.value)
    for word in (
        "gemini_oauth_client_id",
        "gemini_oauth_client_secret",
        "AICLIENT_GEMINI_OAUTH_CLIENT_ID",
        str(path),
        "Desktop app",
        "Gemini CLI installation",
    ):
        assert word in said
    assert person.said == []


@pytest.mark.parametrize(
    ("settings", "environ", "file", "expected"),
    [
        (("a", "b"), ("c", "d"), ("e", "f"), ("a", "b")),
        (("a", ""), ("c", "d"), ("e", "f"), ("c", "d")),
        (("", ""), ("c", ""), ("e", "f"), ("e", "f")),
    ],
)
def test_the_client_is_of_the_first_place_that_has_both_parts(
    tmp_path: Path,
    settings: tuple[str, str],
    environ: tuple[str, str],
    file: tuple[str, str],
    expected: tuple[str, str],
) -> None:
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"client_id": file[0], "client_secret": file[1]}))
    names = ("AICLIENT_GEMINI_OAUTH_CLIENT_ID", "AICLIENT_GEMINI_OAUTH_CLIENT_SECRET")
    assert expected == GoogleLogin(*settings).client(path, dict(zip(names, environ, strict=True)))


async def test_1_4_a_wrong_client_secret_is_told_without_being_shown(server: AuthorizationFake, path: Path) -> None:
    with pytest.raises(CredentialError, match="does not accept the OAuth client's id and secret") as caught:
        await login(server, (GOOGLE_CLIENT[0], "hunter2-hunter2")).run(Person(), path, WAY)
    assert "hunter2" not in str(caught.value)
    assert not is_there(path)


async def test_1_4_a_code_that_is_refused_is_told_without_being_shown(server: AuthorizationFake, path: Path) -> None:
    person = Person(types=["4/guessed-code"])
    with pytest.raises(CredentialError, match=r"invalid_grant: no such code .*begin again") as caught:
        await login(server).run(person, path, Way(paste=True, environ={}))
    assert "guessed" not in str(caught.value)


async def test_an_answer_without_a_token_is_no_login(server: AuthorizationFake, path: Path) -> None:
    server.lacks = {"access_token"}
    with pytest.raises(Unavailable, match="without an access token"):
        await login(server).run(Person(), path, WAY)
    assert not is_there(path)


async def test_revoking_ends_the_refresh_token(server: AuthorizationFake, path: Path) -> None:
    await login(server).run(Person(), path, WAY)
    token = FileSource(path, KEYS).read()
    revoke(token, f"{server.url}/google/token")
    assert server.revoked == [f"{REFRESH}1"]
    with pytest.raises(CredentialError, match=r"did not revoke .*invalid_token") as caught:
        revoke(token, f"{server.url}/google/token")
    assert REFRESH not in str(caught.value)


@pytest.mark.parametrize("id_token", ["", "x", "a.b", "a.!!.c", "a.W10.c", "a.eyJlbWFpbCI6MX0.c", None])
def test_an_id_token_that_cannot_be_read_is_not_shown(id_token: object) -> None:
    assert email_in({"id_token": id_token}) == ""
    assert email_in(Token("a", extra={"id_token": ID_TOKEN}).extra) == "ann@example.com"
