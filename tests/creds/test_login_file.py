"""The file that a login goes into."""

import json
import os
from pathlib import Path

import pytest

from creds.account import CredentialError
from creds.google import KEYS
from creds.login_file import prepare, read_document, save_login
from creds.token import Token

TOKEN = Token("new-access", "new-refresh", 1_700_000_000.0, {"id_token": "new-id"})


async def test_a_new_file_and_its_folders_are_for_their_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "home" / "accounts" / "x.json"
    prepare(path)
    await save_login(path, KEYS, TOKEN)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [folder.stat().st_mode & 0o777 for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]
    assert json.loads(path.read_text()) == {
        "access_token": "new-access",
        "refresh_token": "new-refresh",
        "expiry_date": 1_700_000_000_000,
        "id_token": "new-id",
    }
    assert [entry.name for entry in path.parent.iterdir()] == ["x.json"]


async def test_what_went_with_the_old_login_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    """Half of one account and half of another would be a login of nobody."""
    path = tmp_path / "x.json"
    path.write_text('{"token": "old", "refresh_token": "old", "expiry": "2020-01-01", "scope": "old", "theirs": [1]}')
    await save_login(path, KEYS, Token("new", None), ("scope",))
    assert json.loads(path.read_text()) == {"access_token": "new", "theirs": [1]}


@pytest.mark.parametrize("content", ["[]", "{", "not json"])
def test_a_file_that_is_something_else_is_left_alone(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(content)
    with pytest.raises(CredentialError, match="left alone"):
        prepare(path)
    assert path.read_text() == content


def test_a_folder_that_cannot_be_made_is_told_before_anybody_logs_in(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CredentialError, match=r"cannot make the folder .*--file"):
        prepare(tmp_path / "file" / "x" / "y.json")


def test_a_folder_that_cannot_be_written_is_told_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(CredentialError, match="cannot write into"):
        prepare(tmp_path / "x.json")


def test_a_folder_in_the_place_of_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match="cannot read"):
        read_document(tmp_path)


async def test_a_login_that_cannot_be_saved_is_told(tmp_path: Path) -> None:
    with pytest.raises(CredentialError, match=r"cannot be saved in .*; name another file"):
        await save_login(tmp_path / "gone" / "x.json", KEYS, TOKEN)
