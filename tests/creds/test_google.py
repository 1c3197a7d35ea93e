"""Google's tokens: google-auth asks, over our transport; the sentences are ours."""
# ruff: noqa: ASYNC240 (small files, and nobody waits)

import base64
import json
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from creds.account import CredentialError, Scheme, State
from creds.google import (
    KEYS,
    LOGIN,
    NO_CLIENT,
    TOKEN_URL,
    VARIABLES,
    GoogleRefresh,
    Transport,
    google_credential,
    google_file,
)
from creds.oauth import OAuthCredential
from creds.token import Dead, Token, Unavailable
from creds.token_file import FileSource
from tests.fakes.oauth import GOOGLE_CLIENT, OAuthFake, Scripted

OLD = Token("access-0", "refresh-0")
SECRET = GOOGLE_CLIENT[1]


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> Iterator[OAuthFake]:
    waits: list[float] = []
    monkeypatch.setattr("google.auth._exponential_backoff.time", SimpleNamespace(sleep=waits.append))
    server = OAuthFake()
    server.alive = {"refresh-0"}
    with server:
        yield server


@pytest.fixture
def refresh(fake: OAuthFake) -> GoogleRefresh:
    return GoogleRefresh(fake.google_url, *GOOGLE_CLIENT, environ={})


def put(path: Path, left: float, **more: object) -> None:
    document = {"access_token": "access-0", "refresh_token": "refresh-0", "expiry_date": (time.time() + left) * 1000}
    path.write_text(json.dumps(document | more))


# --- the request ---


async def test_a_refresh_is_one_form_without_scopes_under_our_name(fake: OAuthFake, refresh: GoogleRefresh) -> None:
    token = await refresh(OLD)
    assert (token.access, token.refresh, token.extra) == ("access-1-refresh-0", "refresh-0", {"id_token": "id-1"})
    assert token.expires_at == pytest.approx(time.time() + 3599, abs=5)
    (sent,) = fake.requests
    assert b"scope" not in sent.body
    assert (sent.header("user-agent") or "").startswith("aiclient/")


@pytest.mark.parametrize(("expires_in", "known"), [("3599", True), (None, False)])
async def test_expires_in_may_be_text_or_missing(
    expires_in: object, known: bool, fake: OAuthFake, refresh: GoogleRefresh
) -> None:
    fake.expires_in = expires_in
    assert bool((await refresh(OLD)).expires_at) is known


async def test_a_rotated_refresh_token_is_taken(fake: OAuthFake, refresh: GoogleRefresh) -> None:
    fake.rotates = True
    assert (await refresh(OLD)).refresh == "refresh-0+1"


# --- the client ---


@pytest.mark.parametrize(
    ("in_file", "in_settings", "in_environ", "expected"),
    [
        ({"client_id": "f", "client_secret": "fs"}, ("s", "ss"), ("e", "es"), ("f", "fs")),
        ({"client_id": "f"}, ("s", "ss"), ("e", "es"), ("s", "ss")),
        ({"client_id": 5, "client_secret": ["x"]}, ("s", ""), ("e", "es"), ("e", "es")),
        ({}, ("", "ss"), ("e", ""), None),
        ({}, ("", ""), ("", ""), None),
    ],
    ids=["file", "settings", "environment", "halves", "none"],
)
def test_the_client_comes_whole_from_the_first_place_that_has_it(
    in_file: dict[str, object],
    in_settings: tuple[str, str],
    in_environ: tuple[str, str],
    expected: tuple[str, str] | None,
) -> None:
    environ = dict(zip(VARIABLES, in_environ, strict=True))
    assert GoogleRefresh(TOKEN_URL, *in_settings, environ).client(Token("a", "r", 0, in_file)) == expected


def test_the_environment_may_point_to_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("from-file\n")
    environ = dict(zip(VARIABLES, ("e", f"file:{tmp_path / 'secret'}"), strict=True))
    assert GoogleRefresh(environ=environ).client(OLD) == ("e", "from-file")


async def test_without_a_client_an_expired_token_says_what_is_missing_and_where_one_finds_it(
    fake: OAuthFake, tmp_path: Path
) -> None:
    path = tmp_path / "oauth_creds.json"
    put(path, -5)
    refresh = GoogleRefresh(fake.google_url, environ={})
    credential = OAuthCredential("gemini-cli-oauth:default", FileSource(path, KEYS), refresh, time.time)
    with pytest.raises(CredentialError) as caught:
        await credential.ready()
    assert not isinstance(caught.value, Dead)
    for words in (
        *("OAuth client id and secret are needed", "gemini_oauth_client_id and gemini_oauth_client_secret"),
        *(
            "`client_id` and `client_secret` to the credentials file",
            "your own OAuth client",
            "Gemini CLI installation",
        ),
    ):
        assert words in str(caught.value)
    assert (credential.status().state, credential.status().advice) == (State.EXPIRED, NO_CLIENT)
    assert fake.requests == []
    put(path, -5, client_id=GOOGLE_CLIENT[0], client_secret=SECRET)
    await credential.ready()
    assert fake.refreshes == 1


async def test_without_a_client_a_token_that_lasts_is_used(fake: OAuthFake, tmp_path: Path) -> None:
    path = tmp_path / "oauth_creds.json"
    put(path, 100)
    refresh = GoogleRefresh(fake.google_url, environ={})
    await OAuthCredential("x", FileSource(path, KEYS), refresh, time.time).ready()


# --- refusals: gemini-cli 1.4 ---


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, {"error": "invalid_grant", "error_description": "Bad Request"}, Dead, "revoked, expired or of another"),
        (400, {"error": "invalid_grant", "error_subtype": "invalid_rapt"}, Dead, "your organisation wants a new login"),
        (
            400,
            {"error": "invalid_grant", "error_subtype": "rapt_required"},
            Dead,
            "your organisation wants a new login",
        ),
        (400, {"error": "invalid_request"}, CredentialError, "refused the request (HTTP 400 invalid_request)"),
        (400, {"error": "unsupported_grant_type"}, CredentialError, "unsupported_grant_type"),
        (401, {"error": "invalid_client"}, CredentialError, "gemini_oauth_client_id and gemini_oauth_client_secret"),
        (401, {"error": "unauthorized_client"}, CredentialError, "does not accept the OAuth client"),
        (403, {"error": "access_denied"}, Dead, "do not allow this login (HTTP 403 access_denied)"),
        (403, {"error": "org_internal"}, Dead, "org_internal"),
        (403, {"error": "admin_policy_enforced"}, Dead, "admin_policy_enforced"),
        (200, {"token_type": "Bearer"}, Unavailable, "cannot be read"),
        (200, {"access_token": 5}, Unavailable, "without an access token"),
        (200, {"access_token": "a", "expires_in": "soon"}, Unavailable, "cannot be read"),
        (200, {"access_token": "a", "expires_in": 10**30}, Unavailable, "cannot be read"),
        (400, {"error": {"code": 400}, "error_description": 7}, CredentialError, "HTTP 400"),
        (400, "<html>", Unavailable, "no JSON object"),
        (403, "<html>", Unavailable, "no JSON object"),
        (200, "<html>", Unavailable, "no JSON object"),
        (302, "", Unavailable, "no JSON object"),
        (502, {"error": "bad_gateway"}, Unavailable, "is not available (HTTP 502 bad_gateway)"),
    ],
    ids=str,
)
async def test_1_4_each_refusal_is_what_it_means(
    status: int, body: object, kind: type[CredentialError], words: str, fake: OAuthFake, refresh: GoogleRefresh
) -> None:
    fake.scripted = [Scripted(status, body)]
    with pytest.raises(CredentialError) as caught:
        await refresh(OLD)
    assert (type(caught.value), len(fake.requests)) == (kind, 1)
    assert words in str(caught.value)


@pytest.mark.parametrize("status", [408, 429, 500, 503, 504])
async def test_1_4_what_passes_is_asked_three_times_by_google_auth(
    status: int, fake: OAuthFake, refresh: GoogleRefresh
) -> None:
    fake.scripted = [Scripted(status, {"error": "x"})] * 2
    assert (await refresh(OLD)).access == "access-1-refresh-0"
    fake.scripted = [Scripted(status, {"error": "x"})] * 3
    with pytest.raises(Unavailable, match=f"HTTP {status}"):
        await refresh(OLD)
    assert len(fake.requests) == 6


async def test_the_fake_knows_its_client(fake: OAuthFake) -> None:
    with pytest.raises(CredentialError, match="does not accept the OAuth client") as caught:
        await GoogleRefresh(fake.google_url, GOOGLE_CLIENT[0], "wrong-secret", {})(OLD)
    assert "wrong-secret" not in str(caught.value)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        await GoogleRefresh("http://127.0.0.1:1/token", *GOOGLE_CLIENT, {})(OLD)


async def test_no_secret_is_in_what_is_said(fake: OAuthFake) -> None:
    """The fake repeats the refresh token, as servers may."""
    refresh = GoogleRefresh(fake.google_url, GOOGLE_CLIENT[0], SECRET, {VARIABLES[1]: "hunter2-env"})
    secret = Token("hunter2-access", "hunter2-refresh")
    with pytest.raises(Dead, match=r"Bad refresh token \*\*\*") as caught:
        await refresh(secret)
    shown = "".join(traceback.format_exception(caught.value)) + repr(refresh) + repr(Transport())
    assert "hunter2" not in shown
    assert SECRET not in shown


# --- accounts ---


async def test_an_account_renews_its_file_in_place(fake: OAuthFake, tmp_path: Path) -> None:
    path = tmp_path / "oauth_creds.json"
    put(path, 10, scope="b a", token_type="Bearer", mine=[1])
    credential = google_credential("gemini-cli-oauth:default", path, None, *GOOGLE_CLIENT, fake.google_url)
    await credential.ready()
    document = json.loads(path.read_text())
    assert document.pop("expiry_date") == pytest.approx((time.time() + 3599) * 1000, abs=5000)
    assert document == {
        "access_token": "access-1-refresh-0",
        "refresh_token": "refresh-0",
        "scope": "b a",
        "token_type": "Bearer",
        "id_token": "id-1",
        "mine": [1],
    }
    assert credential.headers(Scheme.X_GOOG_API_KEY) == [(b"authorization", b"Bearer access-1-refresh-0")]
    assert credential.login == LOGIN


async def test_a_token_server_that_is_down_does_not_matter_while_the_token_lasts(
    fake: OAuthFake, tmp_path: Path
) -> None:
    path = tmp_path / "oauth_creds.json"
    put(path, 100)
    fake.scripted = [Scripted(503, {})] * 3
    credential = google_credential("x", path, None, *GOOGLE_CLIENT, fake.google_url)
    await credential.ready()
    assert (credential.token.access, len(fake.requests)) == ("access-0", 3)


async def test_base64_is_renewed_in_memory_alone(fake: OAuthFake, tmp_path: Path) -> None:
    text = base64.b64encode(b'{"access_token": "a", "refresh_token": "refresh-0", "expiry_date": 1}').decode()
    credential = google_credential("x", tmp_path / "none.json", text, *GOOGLE_CLIENT, fake.google_url)
    await credential.ready()
    assert (credential.source, credential.token.access) == ("base64", "access-1-refresh-0")
    assert list(tmp_path.iterdir()) == []


def test_the_same_arguments_are_the_same_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = google_credential("x", tmp_path / "a", None, "c", "s", TOKEN_URL)
    assert google_credential("x", tmp_path / "a", None, "c", "s", TOKEN_URL) is one
    assert google_credential("x", tmp_path / "b", None, "c", "s", TOKEN_URL) is not one
    monkeypatch.setenv("HOME", str(tmp_path))
    assert google_file() == tmp_path / ".gemini" / "oauth_creds.json"
    assert google_credential("x").source == str(google_file())
    monkeypatch.setenv("HOME", str(tmp_path / "other"))
    assert google_credential("x").source == str(tmp_path / "other" / ".gemini" / "oauth_creds.json")
