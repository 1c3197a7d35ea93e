"""Kiro's accounts, against a server that refuses what Kiro's would: four kinds, two wires, one profile each."""
# ruff: noqa: ASYNC240 (small files, and nobody waits)

import asyncio
import base64
import json
import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from creds import kiro
from creds.account import CredentialError, Scheme, State
from creds.kiro import IDE_LOGIN, LOGIN, Endpoint, KiroCredential, Wire, kiro_credential, official_file
from creds.kiro_cli import cli_file
from creds.kiro_files import kiro_file
from tests.fakes.kiro import API_KEY, KiroFake
from tests.fakes.kiro_auth import ARN, Scripted
from tests.fakes.kiro_scripts import SUSPENDED, refusal

EU_ARN = ARN.replace("us-east-1", "eu-central-1")
LABEL = "claude-kiro-oauth:default"


@pytest.fixture
def fake() -> Iterator[KiroFake]:
    with KiroFake() as running:
        assert isinstance(running, KiroFake)
        yield running
        assert running.violations == []


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "kiro-auth-token.json"


def put(path: Path, login: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(login))


def at(fake: KiroFake, wire: Wire = "rest-json", server: str = "q", management: str = "management") -> Endpoint:
    return Endpoint(wire, fake.base(server), fake.base(management))


def account(fake: KiroFake, file: Path | None = None, **more: object) -> KiroCredential:
    known: dict[str, object] = {
        "endpoint": at(fake),
        "auth_base_url": fake.base("social"),
        "oidc_base_url": fake.base("oidc"),
    }
    return kiro_credential(LABEL, file=file, **(known | more))  # type: ignore[arg-type]


def bearer(credential: KiroCredential) -> str:
    return dict(credential.headers(Scheme.X_API_KEY))[b"authorization"].decode().removeprefix("Bearer ")


# --- the IDE's file ---


async def test_a_token_that_lasts_is_used_as_it_is(fake: KiroFake, file: Path) -> None:
    login = fake.auth.ide_login()
    put(file, login)
    credential = account(fake, file)
    await credential.ready()
    assert bearer(credential) == login["accessToken"]
    assert (credential.kind, credential.profile_arn, credential.api_region) == ("social", ARN, "us-east-1")
    assert credential.status().state is State.VALID
    assert (credential.source, credential.label) == (str(file), LABEL)
    assert fake.requests == []


async def test_a_social_token_is_renewed_and_kept_before_it_is_used(fake: KiroFake, file: Path) -> None:
    old = fake.auth.ide_login(ends_in=60, machineId="m-1")
    put(file, old)
    file.chmod(0o644)
    credential = account(fake, file)
    await credential.ready()
    kept = json.loads(file.read_text())
    assert bearer(credential) == kept["accessToken"] != old["accessToken"]
    assert fake.auth.is_alive(kept["refreshToken"])
    assert not fake.auth.is_alive(old["refreshToken"])
    assert {name: kept[name] for name in ("machineId", "authMethod", "provider")} == {"machineId": "m-1", "authMethod": "social", "provider": "Google"}  # fmt: skip
    ends = datetime.fromisoformat(kept["expiresAt"])
    assert kept["expiresAt"].endswith("Z")
    assert abs(ends.timestamp() - time.time() - 3600) < 30
    assert file.stat().st_mode & 0o777 == 0o600
    assert sorted(found.name for found in file.parent.iterdir()) == [file.name]


@pytest.mark.parametrize("method", ["IdC", "builder-id"])
async def test_any_other_token_is_renewed_with_its_second_file(fake: KiroFake, file: Path, method: str) -> None:
    put(file, fake.auth.ide_login(method, ends_in=-10))
    second = fake.auth.write_second_file(file.parent)
    before = second.read_bytes()
    credential = account(fake, file)
    await credential.ready()
    assert credential.kind == "idc"
    assert fake.auth.is_live(bearer(credential))
    assert second.read_bytes() == before
    kept = json.loads(file.read_text())
    assert ("clientSecret" in kept, kept["authMethod"]) == (False, method)


async def test_a_second_file_that_is_missing_is_named_and_looked_for_again(fake: KiroFake, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    put(file, fake.auth.ide_login("IdC", ends_in=-10))
    credential = account(fake, file)
    with pytest.raises(CredentialError, match="cannot be renewed without that second file"):
        await credential.ready()
    assert credential.status().state is State.EXPIRED
    fake.auth.write_second_file(file.parent)
    monkeypatch.setattr("creds.oauth.PAUSE", 0.0)
    await credential.ready()
    assert fake.auth.refreshes == 1


async def test_the_ides_newer_file_wins_after_a_refusal(fake: KiroFake, file: Path) -> None:
    """The IDE rotated the token: the file has another one, which is tried before a login is asked for."""
    put(file, fake.auth.ide_login())
    credential = account(fake, file)
    await credential.ready()
    newer = fake.auth.ide_login()
    put(file, newer)
    assert await credential.renew()
    assert bearer(credential) == newer["accessToken"]
    assert fake.auth.refreshes == 0


async def test_a_dead_login_says_what_to_do_and_the_file_stays(fake: KiroFake, file: Path) -> None:
    put(file, fake.auth.ide_login(ends_in=-10))
    before = file.read_bytes()
    fake.auth.revoke()
    credential = account(fake, file)
    with pytest.raises(CredentialError, match=f"Kiro refused the refresh token .*; log in again: {LOGIN}"):
        await credential.ready()
    assert credential.status().state is State.NEEDS_LOGIN
    assert file.read_bytes() == before
    put(file, fake.auth.ide_login())
    await credential.ready()
    assert credential.status().state is State.VALID


async def test_one_refresh_for_all_who_wait(fake: KiroFake, file: Path) -> None:
    put(file, fake.auth.ide_login(ends_in=1))
    await asyncio.gather(*(account(fake, file).ready() for _ in range(20)))
    assert fake.auth.refreshes == 1


async def test_tokens_of_a_second_are_renewed_again(fake: KiroFake, file: Path) -> None:
    fake.auth.ttl = 1.0
    put(file, fake.auth.ide_login(ends_in=-1))
    credential = account(fake, file)
    await credential.ready()
    first = bearer(credential)
    await asyncio.sleep(1.01)
    await credential.ready()
    assert bearer(credential) != first
    assert fake.auth.refreshes == 2


async def test_the_background_renews_ahead_of_need(fake: KiroFake, file: Path) -> None:
    put(file, fake.auth.ide_login(ends_in=600))
    credential = account(fake, file)
    await credential.keep(300)
    assert fake.auth.refreshes == 0
    await credential.keep(900)
    assert fake.auth.refreshes == 1


async def test_a_busy_server_does_not_take_a_token_that_lasts(fake: KiroFake, file: Path) -> None:
    login = fake.auth.ide_login(ends_in=60)
    put(file, login)
    fake.auth.scripted.append(Scripted(503, {}))
    credential = account(fake, file)
    await credential.ready()
    assert bearer(credential) == login["accessToken"]


# --- base64, API key ---


async def test_a_base64_is_never_written(fake: KiroFake, file: Path) -> None:
    login = fake.auth.ide_login("IdC", ends_in=-5, clientId="fake-client", clientSecret="fake-client-secret")
    put(kiro_file(), {})
    text = base64.b64encode(json.dumps(login).encode()).decode()
    credential = account(fake, base64=text)
    await credential.ready()
    assert fake.auth.is_live(bearer(credential))
    assert credential.source == "base64"
    assert kiro_file().read_text() == "{}"
    assert account(fake, base64=text) is credential


async def test_an_api_key_says_that_it_is_one(fake: KiroFake) -> None:
    credential = account(fake, api_key=f" {API_KEY}\n")
    await credential.ready()
    assert credential.headers(Scheme.BEARER) == [
        (b"authorization", f"Bearer {API_KEY}".encode()),
        (b"tokentype", b"API_KEY"),
    ]
    assert (credential.kind, credential.profile_arn, credential.status().state) == ("api_key", "", State.VALID)
    assert not await credential.renew()
    await credential.keep(3600)
    assert fake.requests == []
    assert API_KEY not in repr(credential)


async def test_an_api_key_may_stand_in_a_file(fake: KiroFake, file: Path) -> None:
    put(file, {"kiroApiKey": API_KEY})
    credential = account(fake, file)
    await credential.ready()
    assert (credential.kind, len(credential.headers(Scheme.BEARER))) == ("api_key", 2)


@pytest.mark.parametrize("key", ["sk-ant-other", "ksk_with blank"])
def test_what_is_no_api_key_is_refused(key: str) -> None:
    with pytest.raises(CredentialError, match=r"^kiro_api_key") as caught:
        kiro_credential(LABEL, api_key=key)
    assert key not in str(caught.value)


def test_an_api_key_goes_before_a_file_and_a_file_before_a_base64(file: Path) -> None:
    put(file, {"accessToken": "aoa", "expiresAt": "2099-01-01T00:00:00Z"})
    assert kiro_credential(LABEL, file=file, base64="e30=", api_key=API_KEY).kind == "api_key"
    assert kiro_credential(LABEL, file=file, base64="e30=").source == str(file)
    assert kiro_credential(LABEL, base64="e30=").source == "base64"
    assert kiro_credential(LABEL).source == str(kiro_file())


# --- the CLI's database ---


def cli_database(path: Path, access: str, ends_in: float) -> None:
    ends = datetime.fromtimestamp(time.time() + ends_in, UTC).isoformat()
    value = json.dumps(
        {"access_token": access, "refresh_token": "aor-of-the-cli", "expires_at": ends, "region": "eu-west-1"}
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as made, made:
        made.execute("CREATE TABLE IF NOT EXISTS auth_kv (key TEXT PRIMARY KEY, value TEXT)")
        made.execute("INSERT OR REPLACE INTO auth_kv VALUES ('kirocli:odic:token', ?)", (value,))


async def test_1_2_the_clis_token_is_used_while_it_lasts(fake: KiroFake, tmp_path: Path) -> None:
    access, _ = fake.auth.issue("cli")
    path = tmp_path / "data.sqlite3"
    cli_database(path, access, 60)
    credential = account(fake, path)
    await credential.ready()
    await credential.keep(900)
    assert (credential.kind, bearer(credential), credential.profile_arn) == ("cli", access, ARN)
    assert credential.status().state is State.EXPIRING
    assert (fake.auth.refreshes, fake.auth.refused, fake.asked) == (0, [], ["ListAvailableProfiles"])


async def test_1_2_when_it_has_ended_the_cli_has_to_run_once(fake: KiroFake, tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    cli_database(path, "aoa-ended", -1)
    credential = account(fake, path)
    with pytest.raises(CredentialError, match="run `kiro-cli` once"):
        await credential.ready()
    assert not await credential.renew()
    status = credential.status()
    assert status.state is State.NEEDS_LOGIN
    assert "run `kiro-cli` once" in status.advice
    access, _ = fake.auth.issue("cli")
    cli_database(path, access, 3600)
    await credential.ready()
    assert bearer(credential) == access
    assert [request.path for request in fake.requests] == ["/management/ListAvailableProfiles"]


async def test_a_refused_token_of_the_cli_is_read_again(fake: KiroFake, tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    cli_database(path, "aoa-1", 3600)
    credential = account(fake, path, profile_arn=ARN)
    await credential.ready()
    assert not await credential.renew()
    cli_database(path, "aoa-2", 3601)
    assert await credential.renew()
    assert bearer(credential) == "aoa-2"


def test_without_the_ides_file_the_clis_database_is_the_official_place() -> None:
    assert official_file() == kiro_file()
    cli_database(cli_file(), "aoa", 60)
    assert official_file() == cli_file()
    put(kiro_file(), {})
    assert official_file() == kiro_file()


# --- profile and region ---


@pytest.mark.parametrize(
    ("login", "region", "arn", "api_region"),
    [
        ({"profileArn": EU_ARN}, "", "", "eu-central-1"),
        ({"profileArn": EU_ARN}, "us-east-1", "", "eu-central-1"),
        ({"profileArn": ARN}, "", EU_ARN, "eu-central-1"),
        ({"region": "eu-west-1"}, "", "", "us-east-1"),
        ({"region": "eu-west-1"}, "eu-central-1", "", "eu-central-1"),
        ({"apiRegion": "eu-central-1"}, "", "", "eu-central-1"),
    ],
)
def test_2_the_region_is_the_profiles_else_as_configured_and_never_the_logins(
    file: Path, login: dict[str, str], region: str, arn: str, api_region: str
) -> None:
    put(file, {"accessToken": "aoa", "expiresAt": "2099-01-01T00:00:00Z", **login})
    credential = kiro_credential(LABEL, file=file, region=region, profile_arn=arn)
    assert credential.profile_arn == arn or credential.profile_arn == login.get("profileArn", "")
    assert (credential.api_region, credential.base_url) == (api_region, f"https://q.{api_region}.amazonaws.com")


@pytest.mark.parametrize(("name", "value"), [("region", "evil.example/"), ("profile_arn", "FAKE")])
def test_a_setting_that_is_none_is_refused(name: str, value: str) -> None:
    with pytest.raises(CredentialError):
        kiro_credential(LABEL, **{name: value})


@pytest.mark.parametrize("wire", ["rest-json", "aws-json-1.0"])
async def test_a_profile_that_nothing_names_is_asked_for_once(fake: KiroFake, file: Path, wire: Wire) -> None:
    put(file, fake.auth.ide_login("IdC"))
    credential = account(fake, file, endpoint=at(fake, wire))
    for _ in range(3):
        await credential.ready()
    assert (credential.profile_arn, fake.asked) == (ARN, ["ListAvailableProfiles"])
    assert "profileArn" not in json.loads(file.read_text())


async def test_the_profile_of_the_configured_region_is_taken(fake: KiroFake, file: Path) -> None:
    fake.profiles = [{"arn": ARN}, {"profileName": "none"}, {"arn": EU_ARN}]
    put(file, fake.auth.ide_login("IdC"))
    credential = account(fake, file, region="eu-central-1")
    await credential.ready()
    assert credential.profile_arn == EU_ARN


@pytest.mark.parametrize("profiles", [[], [{"arn": "junk"}]])
async def test_many_have_none_and_are_served_without(
    fake: KiroFake, file: Path, profiles: list[dict[str, object]]
) -> None:
    fake.profiles = profiles
    put(file, fake.auth.ide_login("IdC"))
    credential = account(fake, file)
    await credential.ready()
    await credential.ready()
    assert (credential.profile_arn, fake.asked) == ("", ["ListAvailableProfiles"])


async def test_a_profile_that_was_refused_is_sought_again_after_a_while(fake: KiroFake, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    fake.profiles = []
    put(file, fake.auth.ide_login("IdC"))
    credential = account(fake, file)
    await credential.ready()
    fake.profiles = [{"arn": ARN}]
    assert not credential.doubt_profile()
    await credential.ready()
    assert credential.profile_arn == ""
    monkeypatch.setattr(kiro, "DOUBT_PAUSE", 0.0)
    assert credential.doubt_profile()
    await credential.ready()
    assert credential.profile_arn == ARN
    fake.profiles = [{"arn": EU_ARN}]
    assert credential.doubt_profile()
    await credential.ready()
    assert credential.profile_arn == EU_ARN


def test_a_profile_that_is_named_is_not_sought(file: Path) -> None:
    put(file, {"accessToken": "aoa", "expiresAt": "2099-01-01T00:00:00Z", "profileArn": ARN})
    assert not kiro_credential(LABEL, file=file).doubt_profile()


async def test_the_profile_of_a_social_answer_is_kept(fake: KiroFake, file: Path) -> None:
    put(file, fake.auth.ide_login(ends_in=-5, profileArn=None))
    credential = account(fake, file)
    await credential.ready()
    assert (credential.profile_arn, fake.asked) == (ARN, [])
    assert json.loads(file.read_text())["profileArn"] == ARN


# --- usage, suspension ---


@pytest.mark.parametrize("wire", ["rest-json", "aws-json-1.0"])
@pytest.mark.parametrize("management", ["q", "management"])
async def test_6_usage_in_both_wires(fake: KiroFake, file: Path, wire: Wire, management: str) -> None:
    put(file, fake.auth.ide_login())
    credential = account(fake, file, endpoint=at(fake, wire, management=management))
    usage = await credential.usage()
    assert await credential.usage() is usage
    assert (usage.title, usage.limit, fake.asked) == ("KIRO FREE", 560.0, ["GetUsageLimits"])
    assert fake.requests[0].path.startswith(f"/{management}/")


async def test_6_without_an_address_of_its_own_the_management_is_where_answers_are(fake: KiroFake) -> None:
    credential = account(fake, api_key=API_KEY, endpoint=Endpoint("rest-json", fake.base("q")))
    await credential.usage()
    (request,) = fake.requests
    assert (request.path, request.query) == (
        "/q/getUsageLimits",
        {"origin": "AI_EDITOR", "resourceType": "AGENTIC_REQUEST"},
    )


async def test_6_a_refused_token_is_renewed_once(fake: KiroFake, file: Path) -> None:
    put(file, fake.auth.ide_login())
    credential = account(fake, file)
    fake.auth.end_access()
    assert (await credential.usage()).title == "KIRO FREE"
    assert fake.auth.refreshes == 1


@pytest.mark.parametrize(("status", "said"), [(429, "just now"), (400, "does not tell its limits")])
async def test_6_a_refusal_is_told_and_not_repeated(fake: KiroFake, status: int, said: str) -> None:
    fake.usage_refusals.append(refusal(status, "SomeException", "no"))
    credential = account(fake, api_key=API_KEY)
    for _ in range(2):
        with pytest.raises(CredentialError, match=said):
            await credential.usage()
    assert len(fake.requests) == 1


async def test_a_suspension_ends_the_accounts_use_until_a_new_login(fake: KiroFake, file: Path) -> None:
    put(file, fake.auth.ide_login())
    credential = account(fake, file)
    fake.usage_refusals.append(refusal(403, "AccessDeniedException", SUSPENDED, "TEMPORARILY_SUSPENDED"))
    with pytest.raises(CredentialError):
        await credential.usage()
    assert credential.status().state is State.SUSPENDED
    with pytest.raises(CredentialError, match="Kiro has suspended this account"):
        await credential.ready()
    assert not await credential.renew()
    assert fake.auth.refreshes == 0
    put(file, fake.auth.ide_login())
    os.utime(file, (time.time() + 5, time.time() + 5))
    await credential.ready()


def test_the_same_account_is_the_same_object(file: Path) -> None:
    first = kiro_credential(LABEL, file=file)
    assert kiro_credential(LABEL, file=file) is first
    assert kiro_credential(LABEL, file=file, region="eu-central-1") is not first


async def test_the_cure_names_the_tool_that_the_file_belongs_to(fake: KiroFake) -> None:
    put(kiro_file(), fake.auth.ide_login(ends_in=-5, refreshToken=None))
    with pytest.raises(CredentialError, match=f"holds no refresh token; log in again: {IDE_LOGIN}"):
        await account(fake).ready()
