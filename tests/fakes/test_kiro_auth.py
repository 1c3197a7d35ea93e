"""The fake's token servers: what they refuse, and that a refresh token works once."""

import json
from pathlib import Path

import pytest

from tests.fakes.kiro_auth import ARN, DEVICE_GRANT, HASH, OIDC_PATH, SOCIAL_PATH, KiroAuth

CLIENT = {"clientId": "fake-client", "clientSecret": "fake-client-secret"}


def test_a_social_refresh_rotates_and_the_old_token_is_dead() -> None:
    auth = KiroAuth()
    login = auth.ide_login()
    status, answer = auth.answer(SOCIAL_PATH, {"refreshToken": login["refreshToken"]})
    assert (status, answer["profileArn"], answer["expiresIn"]) == (200, ARN, 3600)
    assert auth.is_live(str(answer["accessToken"]))
    assert auth.is_alive(answer["refreshToken"])
    assert auth.answer(SOCIAL_PATH, {"refreshToken": login["refreshToken"]})[0] == 401
    assert (auth.refreshes, auth.refused) == (1, ["401"])


def test_a_refresh_token_stays_where_it_does_not_rotate() -> None:
    auth = KiroAuth()
    auth.rotates = False
    login = auth.ide_login()
    for _ in range(2):
        status, answer = auth.answer(SOCIAL_PATH, {"refreshToken": login["refreshToken"]})
        assert (status, "refreshToken" in answer) == (200, False)


def test_oidc_wants_the_client_that_the_login_was_made_with() -> None:
    auth = KiroAuth()
    login = auth.ide_login("IdC")
    asked = {**CLIENT, "grantType": "refresh_token", "refreshToken": login["refreshToken"]}
    assert auth.answer(OIDC_PATH, {**asked, "clientSecret": "other"})[0] == 401
    status, answer = auth.answer(OIDC_PATH, asked)
    assert (status, answer["tokenType"]) == (200, "Bearer")
    assert auth.answer(OIDC_PATH, asked) == (
        400,
        {"error": "invalid_grant", "error_description": "Invalid refresh token provided"},
    )


@pytest.mark.parametrize(
    ("path", "body", "error"),
    [
        (SOCIAL_PATH, {"refresh_token": "x"}, "invalid_request"),
        (SOCIAL_PATH, {"refreshToken": "x", "clientId": "y"}, "invalid_request"),
        (OIDC_PATH, {**CLIENT, "grantType": "password"}, "unsupported_grant_type"),
        (OIDC_PATH, {"grantType": "refresh_token", "refreshToken": "x"}, "invalid_request"),
    ],
)
def test_what_is_malformed_is_refused(path: str, body: object, error: str) -> None:
    status, answer = KiroAuth().answer(path, body)
    assert (status, answer["error"]) == (400, error)


def test_a_social_refresh_token_is_none_of_oidc() -> None:
    auth = KiroAuth()
    asked = {**CLIENT, "grantType": "refresh_token", "refreshToken": auth.ide_login()["refreshToken"]}
    assert auth.answer(OIDC_PATH, asked)[1]["error"] == "invalid_grant"


def test_a_device_is_waited_for_until_its_code_was_entered() -> None:
    auth = KiroAuth()
    scopes = {"scopes": ["codewhisperer:completions"], "grantTypes": [DEVICE_GRANT, "refresh_token"]}
    _, client = auth.answer("/oidc/client/register", {"clientName": "aiclient", "clientType": "public", **scopes})
    who = {"clientId": client["clientId"], "clientSecret": client["clientSecret"]}
    _, device = auth.answer("/oidc/device_authorization", {**who, "startUrl": "https://view.awsapps.com/start"})
    poll = {**who, "grantType": DEVICE_GRANT, "deviceCode": device["deviceCode"]}
    assert auth.answer(OIDC_PATH, poll)[1]["error"] == "authorization_pending"
    auth.approved = True
    assert auth.is_live(str(auth.answer(OIDC_PATH, poll)[1]["accessToken"]))
    assert auth.answer(OIDC_PATH, poll)[1]["error"] == "expired_token"


def test_access_tokens_end() -> None:
    now = 100.0
    auth = KiroAuth(now=lambda: now)
    auth.ttl = 1.0
    access, _ = auth.issue()
    assert auth.is_live(access)
    now = 101.0
    assert not auth.is_live(access)


def test_the_second_file_is_named_by_the_first(tmp_path: Path) -> None:
    auth = KiroAuth()
    path = auth.write_second_file(tmp_path)
    assert path.name == f"{auth.ide_login('IdC')['clientIdHash']}.json" == f"{HASH}.json"
    assert json.loads(path.read_text())["clientId"] == "fake-client"
