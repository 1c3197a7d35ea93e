"""`aiclient login` and `aiclient logout`: the settings of every source, errors of one line."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from addons import cli, cli_login
from creds.places import own_file
from tests.fakes.authorization import GOOGLE_CLIENT, AuthorizationFake
from tests.fakes.person import Person

type Capture = pytest.CaptureFixture[str]


@pytest.fixture
def server() -> Iterator[AuthorizationFake]:
    with AuthorizationFake() as fake:
        assert isinstance(fake, AuthorizationFake)
        yield fake


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Person:
    found = Person()
    monkeypatch.setattr(cli_login, "StandardTerminal", lambda: found)
    return found


def run(capsys: Capture, *words: str) -> tuple[int, str]:
    """Exit code, error output."""
    code = cli.main(words)
    return code, capsys.readouterr().err


def test_log_in_and_out_with_settings_from_the_file(
    capsys: Capture, server: AuthorizationFake, person: Person, own_environment: Path
) -> None:
    Path("aiclient.toml").write_text(
        f'gemini_oauth_client_id = "{GOOGLE_CLIENT[0]}"\ngemini_oauth_client_secret = "{GOOGLE_CLIENT[1]}"\n'
        f'gemini_oauth_auth_url = "{server.url}/google/auth"\ngemini_oauth_token_url = "{server.url}/google/token"\n'
    )
    assert run(capsys, "login", "gemini-cli-oauth") == (0, "")
    path = own_file("gemini-cli-oauth", own_environment)
    assert path.stat().st_mode & 0o777 == 0o600
    assert person.said[1].startswith("Service: limited since 2026-06-18")
    assert run(capsys, "accounts", "--json")[0] == 0
    assert run(capsys, "logout", "gemini-cli-oauth", "--revoke") == (0, "")
    assert not path.exists()
    assert len(server.revoked) == 1


def test_flags_reach_the_login(
    capsys: Capture, server: AuthorizationFake, person: Person, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AICLIENT_KIRO_AUTH_BASE_URL", f"{server.url}/kiro")
    path = tmp_path / "kiro.json"
    person.types = ["4/guessed"]
    words = ("--no-browser", "--file", str(path), "--port", "4321", "--method", "github")
    code, err = run(capsys, "login", "kiro", *words)
    assert (code, "no such code" in err, path.exists()) == (1, True, False)
    assert "idp=Github" in person.page
    assert "localhost%3A4321" in person.page


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("login", "claude-custom"), "takes an API key, no login: set AICLIENT_CLAUDE_API_KEY or --claude-api-key"),
        (("login", "qwn"), "did you mean qwen?"),
        (("logout", "openai-custom"), "AICLIENT_OPENAI_API_KEY"),
        (("login", "gemini"), "gemini_oauth_client_id"),
    ],
)
def test_an_error_is_one_line(capsys: Capture, person: Person, words: tuple[str, ...], said: str) -> None:
    code, err = run(capsys, *words)
    assert code == 1
    assert err.startswith("aiclient: ")
    assert said in err
    assert err.count("\n") == 1


def test_a_wrong_setting_stops_a_login_too(capsys: Capture, person: Person) -> None:
    Path("aiclient.toml").write_text("port = 70000")
    code, err = run(capsys, "login", "qwen")
    assert code == 1
    assert "port = '70000'" in err
    assert person.said == []


def test_a_login_for_an_account_of_a_pool_has_its_urls_and_its_file(
    capsys: Capture, server: AuthorizationFake, person: Person, tmp_path: Path
) -> None:
    """Each URL is a setting of each account; what stands above the tables does not count for it."""
    path = tmp_path / "second.json"
    Path("aiclient.toml").write_text(
        'gemini_oauth_auth_url = "http://127.0.0.1:1/wrong"\ngemini_oauth_token_url = "http://127.0.0.1:1/wrong"\n'
        '[[account]]\nprovider = "gemini-cli-oauth"\nlabel = "second"\n'
        f'gemini_oauth_creds_file = "{path}"\n'
        f'gemini_oauth_client_id = "{GOOGLE_CLIENT[0]}"\ngemini_oauth_client_secret = "{GOOGLE_CLIENT[1]}"\n'
        f'gemini_oauth_auth_url = "{server.url}/google/auth"\ngemini_oauth_token_url = "{server.url}/google/token"\n'
    )
    assert run(capsys, "login", "gemini", "--account", "second") == (0, "")
    assert path.stat().st_mode & 0o777 == 0o600
    assert run(capsys, "login", "gemini", "--account", "gemini-cli-oauth:second") == (0, "")
    code, err = run(capsys, "login", "gemini", "--account", "third")
    assert code == 1
    assert "there is no account 'gemini-cli-oauth:third' in a pool; there are gemini-cli-oauth:second" in err


def test_an_account_without_a_file_of_its_own_has_no_place_for_a_login(capsys: Capture, person: Person) -> None:
    table = '[[account]]\nprovider = "claude-kiro-oauth"\nlabel = "key"\nkiro_api_key = "ksk_0123456789"\n'
    Path("aiclient.toml").write_text(table)
    code, err = run(capsys, "login", "kiro", "--account", "key")
    assert code == 1
    assert "claude-kiro-oauth:key names no file to log in to: set kiro_oauth_creds_file there" in err
