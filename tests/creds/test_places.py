"""Which file an account comes from."""

from pathlib import Path

import pytest

from creds.places import credential_file, home, own_file

HOME, OFFICIAL = Path("/h/.aiclient"), Path("/h/.gemini/oauth_creds.json")
OWN = HOME / "accounts" / "gemini-cli-oauth.json"


@pytest.mark.parametrize(
    ("configured", "there", "expected"),
    [
        ("/x/creds.json", {OWN, OFFICIAL}, (Path("/x/creds.json"), False)),
        ("/x/creds.json", set(), (Path("/x/creds.json"), False)),  # its own error says that it is missing
        ("", {OWN, OFFICIAL}, (OWN, False)),
        (" ", {OWN}, (OWN, False)),
        ("", {OFFICIAL}, (OFFICIAL, True)),  # another program's: only when somebody names the provider
        ("", set(), (None, False)),
    ],
)
def test_the_configured_file_then_our_own_then_the_official_tools(
    configured: str, there: set[Path], expected: tuple[Path | None, bool]
) -> None:
    assert expected == credential_file("gemini-cli-oauth", configured, HOME, OFFICIAL, there.__contains__)


def test_a_tilde_in_a_configured_path_is_the_persons_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/h")
    assert credential_file("x", " ~/creds.json ", HOME, OFFICIAL) == (Path("/h/creds.json"), False)


def test_files_are_looked_for_on_the_disk(tmp_path: Path) -> None:
    assert credential_file("x", "", tmp_path, tmp_path / "official") == (None, False)
    own_file("x", tmp_path).mkdir(parents=True)  # no file
    assert credential_file("x", "", tmp_path, tmp_path / "official") == (None, False)
    (tmp_path / "official").write_text("{}")
    assert credential_file("x", "", tmp_path, tmp_path / "official") == (tmp_path / "official", True)


def test_our_home_is_the_variables_or_in_the_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/h")
    assert home({}) == home({"AICLIENT_HOME": ""}) == HOME
    assert home({"AICLIENT_HOME": "~/x"}) == Path("/h/x")
