"""Logging in to Kiro: AWS by device code, Google and GitHub in a browser."""

from pathlib import Path

import pytest

from creds.account import CredentialError
from creds.browser_flow import Way
from creds.kiro_files import KEYS, auth_region, client_of, kind_of
from creds.login_kiro import METHODS, START_URL, KiroLogin, Method
from creds.token import Unavailable
from creds.token_file import FileSource
from tests.creds.disk import is_there, mode_of, put, text_of, written
from tests.fakes.authorization import AWS_CLIENT, REFRESH, AuthorizationFake
from tests.fakes.person import Person, redirected

WAY = Way(environ={}, seconds=10)
NOW = 1_700_000_000.0
ARN = "arn:aws:codewhisperer:us-east-1:123456789012:profile/ABC"
SLOW = "com.amazonaws.sso.oidc#SlowDownException"


class Sleeper:
    def __init__(self) -> None:
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


def login(server: AuthorizationFake, method: Method = "builder-id", **more: str) -> KiroLogin:
    return KiroLogin(
        method,
        auth_base_url=f"{server.url}/kiro",
        oidc_base_url=f"{server.url}/oidc/",
        now=lambda: NOW,
        clock=lambda: 0.0,
        sleep=Sleeper().sleep,
        **more,
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "accounts" / "claude-kiro-oauth.json"


async def test_1_5_a_builder_id_logs_in_by_device_code(server: AuthorizationFake, path: Path) -> None:
    server.polls = [(400, {"error": "authorization_pending"})]
    person = Person(browser=False)
    await login(server).run(person, path, WAY)
    assert server.problems == []
    assert "WXYZ-9876" in person.text
    assert server.requests[1].json["startUrl"] == START_URL
    assert mode_of(path) == 0o600
    assert written(path) == {
        "accessToken": "access-1",
        "refreshToken": f"{REFRESH}1",
        "expiresAt": "2023-11-14T23:13:20Z",
        "authMethod": "IdC",
        "provider": "BuilderId",
        "region": "us-east-1",
        "clientId": AWS_CLIENT[0],
        "clientSecret": AWS_CLIENT[1],
    }


async def test_1_5_an_organisation_logs_in_at_its_own_address(server: AuthorizationFake, path: Path) -> None:
    start = "https://my-org.awsapps.com/start"
    await login(server, "idc", start_url=start, region="EU-west-1").run(Person(browser=False), path, WAY)
    assert server.requests[1].json["startUrl"] == start
    kept = written(path)
    assert (kept["provider"], kept["region"], kept["startUrl"]) == ("Enterprise", "eu-west-1", start)


async def test_1_4_the_reader_of_kiros_files_understands_what_was_written(
    server: AuthorizationFake, path: Path
) -> None:
    await login(server).run(Person(browser=False), path, WAY)
    token = FileSource(path, KEYS).read()
    assert kind_of(token) == "idc"
    assert auth_region(token) == "us-east-1"
    assert client_of(token, None).secret == AWS_CLIENT[1]
    assert token.expires_at == NOW + 3600


async def test_1_5_slow_down_is_five_seconds_more(server: AuthorizationFake, path: Path) -> None:
    sleeper = Sleeper()
    server.polls = [(400, {"__type": SLOW}), (400, {"error": "authorization_pending"})]
    await KiroLogin(oidc_base_url=f"{server.url}/oidc", clock=lambda: 0.0, sleep=sleeper.sleep).run(
        Person(browser=False), path, WAY
    )
    assert sleeper.slept == [2, 7, 7]


@pytest.mark.parametrize("method", ["google", "github"])
async def test_1_5_a_social_login_goes_by_the_browser(server: AuthorizationFake, path: Path, method: Method) -> None:
    person = Person()
    await login(server, method).run(person, path, WAY)
    await person.browsing[0]
    assert person.shown[0] == 200
    assert server.problems == []
    provider = {"google": "Google", "github": "Github"}[method]
    assert server.requests[0].query["idp"] == provider
    assert written(path) == {
        "accessToken": "access-1",
        "refreshToken": f"{REFRESH}1",
        "expiresAt": "2023-11-14T23:13:20Z",
        "authMethod": "social",
        "provider": provider,
        "profileArn": ARN,
    }
    assert kind_of(FileSource(path, KEYS).read()) == "social"


async def test_a_social_login_may_be_pasted(server: AuthorizationFake, path: Path) -> None:
    person = Person(types=[lambda _: redirected(person.page)])
    await login(server, "google").run(person, path, Way(paste=True, environ={}))
    assert written(path)["accessToken"] == "access-1"


async def test_a_new_login_replaces_the_old_ones_every_trace(server: AuthorizationFake, path: Path) -> None:
    """The client of another login could not renew this one."""
    put(path, '{"accessToken": "old", "clientIdHash": "old", "profileArn": "old", "apiRegion": "old", "theirs": 1}')
    await login(server).run(Person(browser=False), path, WAY)
    assert "old" not in text_of(path)
    assert written(path)["theirs"] == 1


async def test_a_refused_code_is_told_without_being_shown(server: AuthorizationFake, path: Path) -> None:
    person = Person(types=["4/guessed-code"])
    with pytest.raises(CredentialError, match=r"HTTP 401, .*no such code .*begin again") as caught:
        await login(server, "google").run(person, path, Way(paste=True, environ={}))
    assert "guessed" not in str(caught.value)
    assert not is_there(path)


async def test_an_identity_center_needs_its_address(server: AuthorizationFake, path: Path) -> None:
    with pytest.raises(CredentialError, match=r"--start-url .*--region"):
        await login(server, "idc").run(Person(), path, WAY)
    assert server.requests == []


async def test_28_a_region_becomes_part_of_a_host_and_must_be_one(path: Path) -> None:
    with pytest.raises(CredentialError, match="not the name of an AWS region"):
        await KiroLogin(region="x.evil.test/").run(Person(), path, WAY)


async def test_a_start_url_that_aws_refuses_is_told(server: AuthorizationFake, path: Path) -> None:
    with pytest.raises(CredentialError, match=r"HTTP 400, invalid_request: fields.*--start-url and --region"):
        await login(server, "idc", start_url="not-a-url").run(Person(browser=False), path, WAY)
    with pytest.raises(CredentialError, match="HTTP 404, not_found"):
        await KiroLogin(oidc_base_url=f"{server.url}/elsewhere").run(Person(browser=False), path, WAY)


async def test_an_answer_without_a_token_is_no_login(server: AuthorizationFake, path: Path) -> None:
    server.polls = [(200, {"tokenType": "Bearer"})]
    with pytest.raises(Unavailable, match="without an access token"):
        await login(server).run(Person(browser=False), path, WAY)
    assert not is_there(path)


def test_the_default_is_the_way_that_works_without_a_browser_here() -> None:
    assert KiroLogin().method == METHODS[0] == "builder-id"
