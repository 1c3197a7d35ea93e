"""Kiro's two refresh calls: what is sent, and what each refusal means."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from creds import kiro_refresh
from creds.account import CredentialError
from creds.kiro_calls import Said
from creds.kiro_files import KEYS
from creds.kiro_refresh import KiroRefresh
from creds.token import Dead, Token, Unavailable
from tests.fakes.kiro import KiroFake
from tests.fakes.kiro_auth import ARN, Scripted

NOW = 1_790_000_000.0


@pytest.fixture
def fake() -> Iterator[KiroFake]:
    with KiroFake() as running:
        assert isinstance(running, KiroFake)
        yield running
        assert running.violations == []


def refresh_at(fake: KiroFake, folder: Path | None = None) -> KiroRefresh:
    return KiroRefresh(fake.base("social"), fake.base("oidc"), folder=folder, now=lambda: NOW)


def login(fake: KiroFake, kind: str = "social", **more: object) -> Token:
    return KEYS.load(fake.auth.ide_login(kind, **more), "file")  # type: ignore[arg-type]


async def test_1_4_a_social_login_is_refreshed_at_kiros_server(fake: KiroFake) -> None:
    old = login(fake)
    new = await refresh_at(fake)(old)
    (request,) = fake.requests
    assert (request.path, request.json) == ("/social/refreshToken", {"refreshToken": old.refresh})
    assert new.refresh not in (None, old.refresh)
    assert (new.expires_at, new.extra) == (NOW + 3600, {"profileArn": ARN})


@pytest.mark.parametrize("kind", ["IdC", "builder-id", "IDC"])
async def test_1_4_any_other_is_refreshed_at_awss(fake: KiroFake, tmp_path: Path, kind: str) -> None:
    fake.auth.write_second_file(tmp_path)
    old = login(fake, kind)
    new = await refresh_at(fake, tmp_path)(old)
    (request,) = fake.requests
    assert request.path == "/oidc/token"
    assert request.json == {
        "clientId": "fake-client",
        "clientSecret": "fake-client-secret",
        "refreshToken": old.refresh,
        "grantType": "refresh_token",
    }
    assert (new.expires_at, new.extra) == (NOW + 3600, {})


async def test_an_answer_without_optional_fields_says_nothing_of_them(fake: KiroFake) -> None:
    fake.auth.rotates = fake.auth.names_profile = False
    new = await refresh_at(fake)(login(fake))
    assert (new.refresh, new.extra) == (None, {})


@pytest.mark.parametrize(
    ("kind", "status", "body", "error"),
    [
        ("IdC", 400, {"error": "invalid_grant", "error_description": "Invalid refresh token provided"}, Dead),
        ("IdC", 400, {"__type": "com.amazon.aws#InvalidGrantException"}, Dead),
        ("IdC", 401, {"error": "invalid_client"}, Dead),
        ("IdC", 400, {"error": "expired_token"}, Dead),
        ("IdC", 400, {"__type": "InvalidClientException"}, Dead),
        ("IdC", 401, {"__type": "ExpiredTokenException"}, Dead),
        ("IdC", 400, {"__type": "UnauthorizedClientException"}, Dead),
        ("IdC", 400, {"error": "invalid_request"}, CredentialError),
        ("IdC", 400, {"error": "unsupported_grant_type"}, CredentialError),
        ("IdC", 429, {"error": "slow_down"}, Unavailable),
        ("IdC", 500, {"__type": "InternalServerException"}, Unavailable),
        ("IdC", 200, {"tokenType": "Bearer"}, Unavailable),
        ("social", 401, {"message": "Bad credentials"}, Dead),
        ("social", 403, {"message": "Forbidden"}, Dead),
        ("social", 400, {"error": "invalid_grant"}, Dead),
        ("social", 400, {"message": "what?"}, CredentialError),
        ("social", 429, {"message": "slow"}, Unavailable),
        ("social", 503, {}, Unavailable),
    ],
)
async def test_1_4_what_a_refusal_means(
    fake: KiroFake, tmp_path: Path, kind: str, status: int, body: object, error: type[CredentialError]
) -> None:
    fake.auth.write_second_file(tmp_path)
    fake.auth.scripted.append(Scripted(status, body))
    with pytest.raises(CredentialError) as caught:
        await refresh_at(fake, tmp_path)(login(fake, kind))
    assert type(caught.value) is error


async def test_a_refusal_in_plain_text_is_one_and_a_page_of_a_network_is_not(fake: KiroFake) -> None:
    fake.auth.scripted += [
        Scripted(403, "Forbidden", {"content-type": "text/plain"}),
        Scripted(403, "<p>Please log in to this network</p>", {"content-type": "text/html"}),
    ]
    with pytest.raises(Dead, match="Forbidden"):
        await refresh_at(fake)(login(fake))
    with pytest.raises(Unavailable):
        await refresh_at(fake)(login(fake))


async def test_no_error_repeats_a_secret(fake: KiroFake, tmp_path: Path) -> None:
    fake.auth.write_second_file(tmp_path)
    old = login(fake, "IdC")
    said = json.dumps(
        {"error": "invalid_grant", "error_description": f"{old.refresh} of fake-client-secret, {old.access}"}
    )
    fake.auth.scripted.append(Scripted(400, said))
    with pytest.raises(Dead) as caught:
        await refresh_at(fake, tmp_path)(old)
    for secret in (old.refresh, old.access, "fake-client-secret"):
        assert str(secret) not in str(caught.value)


async def test_a_token_that_was_cut_is_not_sent(fake: KiroFake) -> None:
    with pytest.raises(Dead, match="cut short"):
        await refresh_at(fake)(login(fake, refreshToken="aor" + "x" * 50 + "..."))
    assert fake.requests == []


@pytest.mark.parametrize(
    ("extra", "configured", "url"),
    [
        ({"authMethod": "social"}, "", "https://prod.us-east-1.auth.desktop.kiro.dev/refreshToken"),
        ({"authMethod": "social"}, "eu-central-1", "https://prod.eu-central-1.auth.desktop.kiro.dev/refreshToken"),
        ({"authMethod": "IdC", "region": "eu-west-1"}, "us-east-1", "https://oidc.eu-west-1.amazonaws.com/token"),
        ({"authMethod": "IdC"}, "", "https://oidc.us-east-1.amazonaws.com/token"),
    ],
)
async def test_the_servers_are_in_the_region_of_the_login(
    monkeypatch: pytest.MonkeyPatch, extra: dict[str, object], configured: str, url: str
) -> None:
    asked: list[str] = []

    def send(method: str, url: str, headers: object, content: bytes) -> Said:
        asked.append(url)
        return Said(200, {"accessToken": "aoa"})

    monkeypatch.setattr(kiro_refresh, "send", send)
    token = Token("aoa", "r" * 120, 0.0, {"clientId": "c", "clientSecret": "s", **extra})
    await KiroRefresh(region=configured)(token)
    assert asked == [url]
