"""The providers that one logs in to, and where their logins are."""

import base64
import json
from pathlib import Path

import pytest

from creds.account import CredentialError, State
from creds.logins import LOGINS, Login, Place, Wish, credential_at, find, place_of
from creds.places import own_file

QWEN, GEMINI, KIRO = (find(name) for name in ("qwen", "gemini", "kiro"))
FAR = 4_000_000_000


@pytest.fixture
def home(own_environment: Path) -> Path:
    return own_environment


def put(path: Path, **fields: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(fields))


def test_a_login_has_its_providers_name_and_a_short_one() -> None:
    assert find("openai-qwen-oauth") is QWEN
    assert [login.provider for login in LOGINS] == ["gemini-cli-oauth", "claude-kiro-oauth", "openai-qwen-oauth"]
    with pytest.raises(CredentialError, match=r"did you mean gemini-cli-oauth\?"):
        find("gemini-cli-auth")
    with pytest.raises(CredentialError, match="there are gemini-cli-oauth, claude-kiro-oauth, openai-qwen-oauth"):
        find("xyz")


@pytest.mark.parametrize("login", LOGINS, ids=[login.alias for login in LOGINS])
def test_setting_then_our_own_file_then_the_official_tools(login: Login, home: Path) -> None:
    wish = Wish(home=home)
    assert place_of(login, wish) is None
    put(login.official())
    assert place_of(login, wish) == Place(login.official(), on_demand=True)
    put(own_file(login.provider, home))
    assert place_of(login, wish) == Place(own_file(login.provider, home))
    assert place_of(login, Wish({login.file_setting: "/x.json"}, home)) == Place(Path("/x.json"))


@pytest.mark.parametrize("login", [GEMINI, KIRO], ids=["gemini", "kiro"])
def test_a_base64_goes_between_the_configured_file_and_our_own(login: Login, home: Path) -> None:
    put(own_file(login.provider, home))
    settings = {login.base64_setting: "e30="}
    assert place_of(login, Wish(settings, home)) == Place(None, "e30=")
    assert place_of(login, Wish({**settings, login.file_setting: "/x.json"}, home)) == Place(Path("/x.json"))


def test_an_api_key_of_kiro_goes_before_its_logins(home: Path) -> None:
    wish = Wish({"kiro_api_key": "ksk_" + "k" * 30, "kiro_oauth_creds_file": "/x.json"}, home)
    assert place_of(KIRO, wish) == Place(None)
    assert credential_at(KIRO, wish, Place(None)).status().state is State.VALID


def test_what_is_kept_there_is_an_accounts_credential(tmp_path: Path) -> None:
    path = tmp_path / "creds.json"
    put(path, access_token="a", refresh_token="b", expiry_date=FAR * 1000)
    for login in (QWEN, GEMINI):
        assert credential_at(login, Wish(home=tmp_path), Place(path)).status().until == FAR
    text = base64.b64encode(path.read_bytes()).decode()
    assert credential_at(GEMINI, Wish(home=tmp_path), Place(None, text)).status().until == FAR
    put(path, accessToken="a", refreshToken="b", expiresAt="2096-10-02T07:06:40Z")
    assert credential_at(KIRO, Wish(home=tmp_path), Place(path)).status().until == FAR


def test_28_a_base64_and_settings_are_not_shown() -> None:
    assert "hunter2" not in repr(Place(None, "hunter2")) + repr(Wish({"gemini_oauth_client_secret": "hunter2"}))


def test_every_setting_that_matters_is_named() -> None:
    """The command without a proxy reads these from the environment, and no others."""
    assert QWEN.names == ("qwen_oauth_creds_file", "qwen_oauth_base_url")
    assert "gemini_oauth_client_secret" in GEMINI.names
    assert {"kiro_api_key", "kiro_oidc_base_url", "kiro_auth_base_url"} <= set(KIRO.names)
