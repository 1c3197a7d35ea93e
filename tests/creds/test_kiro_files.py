"""The Kiro IDE's two files: what they say of a login, and that the second is found by its name alone."""

import json
from pathlib import Path

import pytest

from creds.account import CredentialError
from creds.kiro_files import KEYS, auth_region, check_refresh_token, client_of, kind_of, kiro_file
from creds.token import Dead, Token

WHOLE = "aor" + "r" * 120


def token(**extra: object) -> Token:
    return Token("aoa1", WHOLE, 0.0, extra)


def test_the_ides_file_is_in_the_folder_of_awss_tools() -> None:
    assert kiro_file() == Path.home() / ".aws/sso/cache/kiro-auth-token.json"


def test_1_1_the_ides_names_are_read_and_written() -> None:
    document = {"accessToken": "a", "refreshToken": "r", "expiresAt": "2026-11-22T10:00:00.123Z", "provider": "Google"}
    read = KEYS.load(document, "file")
    assert (read.access, read.refresh, read.extra) == ("a", "r", {"provider": "Google"})
    assert read.expires_at == pytest.approx(1_795_341_600.123)
    written = KEYS.dump(Token("b", "s", 1_795_345_200.0), document)
    assert written == {**document, "accessToken": "b", "refreshToken": "s", "expiresAt": "2026-11-22T11:00:00Z"}
    assert KEYS.dump(Token("b", "s", 1_795_345_200.0), {})["expiresAt"] == "2026-11-22T11:00:00Z"


@pytest.mark.parametrize(
    ("extra", "kind"),
    [
        ({"authMethod": "social"}, "social"),
        ({"authMethod": "SOCIAL", "clientIdHash": "x"}, "social"),
        ({"authMethod": "IdC"}, "idc"),
        ({"authMethod": "idc"}, "idc"),
        ({"authMethod": "builder-id"}, "idc"),
        ({"authMethod": "external_idp"}, "idc"),
        ({"clientIdHash": "abc"}, "idc"),
        ({"clientId": "abc"}, "idc"),
        ({}, "social"),
    ],
)
def test_1_1_the_kind_of_a_login_however_it_is_spelled(extra: dict[str, object], kind: str) -> None:
    assert kind_of(token(**extra)) == kind


def test_1_1_an_api_key_may_stand_in_a_file_of_another_program() -> None:
    read = KEYS.load({"kiroApiKey": "ksk_1", "priority": 1}, "file")
    assert (kind_of(read), read.access, read.expires_at) == ("api_key", "ksk_1", 0.0)


@pytest.mark.parametrize(
    ("extra", "region"),
    [
        ({"region": "eu-west-1"}, "eu-west-1"),
        ({"idcRegion": "eu-west-1", "region": "us-east-1"}, "eu-west-1"),
        ({"authRegion": "eu-west-1", "idcRegion": "x"}, "eu-west-1"),
        ({}, ""),
    ],
)
def test_the_region_of_the_login(extra: dict[str, object], region: str) -> None:
    assert auth_region(token(**extra)) == region


def test_the_second_file_is_looked_up_by_its_hash_only(tmp_path: Path) -> None:
    """Another application's client in the same folder must not be picked up."""
    put = {"clientId": "other", "clientSecret": "other-secret"}
    (tmp_path / "botocore-client-id-us-east-1.json").write_text(json.dumps(put))
    login = token(clientIdHash="abc123")
    with pytest.raises(CredentialError, match=r"cannot read .*abc123\.json"):
        client_of(login, tmp_path)
    own = {"clientId": "own", "clientSecret": "own-secret", "region": "eu-west-1", "expiresAt": "2099-01-01T00:00:00Z"}
    (tmp_path / "abc123.json").write_text(json.dumps(own))
    client = client_of(login, tmp_path)
    assert (client.id, client.secret, client.region) == ("own", "own-secret", "eu-west-1")
    assert "own-secret" not in repr(client)


def test_the_client_may_stand_in_the_file_itself(tmp_path: Path) -> None:
    assert client_of(token(clientId="c", clientSecret="s", clientIdHash="none"), tmp_path).id == "c"
    assert client_of(token(client_id="c", client_secret="s"), None).secret == "s"


@pytest.mark.parametrize(
    ("extra", "has_folder", "problem"),
    [
        ({}, True, "names no OAuth client"),
        ({"clientId": "alone"}, True, "names no OAuth client"),
        ({"clientIdHash": "abc"}, False, "put `clientId` and `clientSecret` of that second file"),
        ({"clientIdHash": "../../etc/passwd"}, True, "put `clientId` and `clientSecret` of that second file"),
    ],
)
def test_a_client_that_is_not_there_is_named(
    tmp_path: Path, extra: dict[str, object], has_folder: bool, problem: str
) -> None:
    with pytest.raises(CredentialError, match=problem):
        client_of(token(**extra), tmp_path if has_folder else None)


@pytest.mark.parametrize("content", ["{", "[]", '{"clientId": "alone"}'])
def test_a_second_file_that_holds_none_says_so(tmp_path: Path, content: str) -> None:
    (tmp_path / "abc.json").write_text(content)
    with pytest.raises(CredentialError, match=r"abc\.json holds no `clientId` and `clientSecret`"):
        client_of(token(clientIdHash="abc"), tmp_path)


@pytest.mark.parametrize("refresh", ["aor-short", "a" * 60 + "..." + "b" * 60, None])
def test_1_1_a_refresh_token_that_was_cut_is_refused_before_it_is_sent(refresh: str | None) -> None:
    with pytest.raises(Dead, match="the refresh token is cut short"):
        check_refresh_token(Token("aoa1", refresh))
    check_refresh_token(Token("aoa1", WHOLE))
