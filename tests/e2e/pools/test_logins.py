"""Several OAuth logins of one provider in a pool: each with its own token and its own addresses, all kept alive, none a single
point of failure (13)."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from tests.e2e.oauth.asking import WEB, said
from tests.e2e.oauth.conftest import assert_no_secret_in
from tests.e2e.oauth.logins import LOGINS, GeminiLogin, KiroLogin, Login
from tests.e2e.plain import RIGHT, plain
from tests.e2e.pools.asking import at_once, health
from tests.e2e.pools.conftest import ServeAt
from tests.e2e.pools.logins import JsonLogin, Logins, counts, label
from tests.e2e.proxy import Proxy
from tests.fakes.code_assist_scripts import PROJECT
from tests.fakes.oauth import Scripted

TEXT = "Hello, world!"
OF_TWO = "project-of-two"


def own_project(login: Login) -> None:
    """Google names none, so the one that is set counts."""
    if isinstance(login, GeminiLogin):
        login.fake.load, login.fake.projects = "no-project", {OF_TWO}


@pytest.fixture(scope="module")
def logins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logins]:
    with ExitStack() as stack:
        found = Logins(tmp_path_factory.mktemp("pooled"), stack)
        own_project(found.pools["gemini-cli-oauth"][1])
        yield found
        assert found.violations == []


@pytest.fixture(scope="module")
def proxy(serve_at: ServeAt, logins: Logins, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """Accounts are alike, so that conversations spread. The background must not renew first."""
    home = tmp_path_factory.mktemp("proxy") / "logins"
    home.mkdir()
    more = {("claude-kiro-oauth", "two"): {"kiro_wire": "aws-json-1.0", "kiro_profile_arn": JsonLogin.profile}}
    more["gemini-cli-oauth", "two"] = {"project_id": OF_TWO}
    logins.write(home / "aiclient.toml", more)
    found = serve_at(home, {"CONFIG": str(home / "aiclient.toml"), "CRON_REFRESH_TOKEN": "false"})
    yield found
    found.stop()
    assert_no_secret_in(found.log, found.dump)


@pytest.fixture(params=LOGINS)
def pool(request: pytest.FixtureRequest, proxy: Proxy, logins: Logins) -> Iterator[list[Login]]:
    """The two of each provider, in turn, well at the end."""
    yield logins.pools[request.param]
    for login in logins.pools[request.param]:
        login.mend()
        login.log_in()
    own_project(logins.pools[request.param][1])


def ask(proxy: Proxy, pool: list[Login], number: int) -> httpx.Response:
    """A conversation of its own for each number; whole and streamed in turn."""
    asked = plain("chat", f"{pool[0].model}-text", f"Talk {number}", stream=number % 2 == 0)
    return WEB.post(f"{proxy.url}/{pool[0].provider}{asked.path}", json=asked.body, headers=RIGHT)


def spread(proxy: Proxy, pool: list[Login], first: int = 0) -> None:
    """Requests until both have been asked."""
    before = counts(pool)
    for number in range(first, first + 40):
        assert said(ask(proxy, pool, number)) == TEXT
        if all(now > then for now, then in zip(counts(pool), before, strict=True)):
            return
    raise AssertionError(f"one of them is never asked: {counts(pool)}")


def test_each_is_asked_at_its_own_address_with_its_own_token(proxy: Proxy, pool: list[Login]) -> None:
    """The fakes know no token but their own."""
    spread(proxy, pool)
    first, second = pool
    assert first.bearer != second.bearer
    assert first.bearer == first.document()[first.access]
    assert second.bearer == second.document()[second.access]


def test_a_token_that_is_refused_is_renewed_once_and_serves(proxy: Proxy, pool: list[Login]) -> None:
    """At the token server of its own account."""
    before = [login.refreshes for login in pool]
    for login in pool:
        login.end_access()
    spread(proxy, pool, 100)
    assert [login.refreshes - then for login, then in zip(pool, before, strict=True)] == [1, 1]


def test_a_dead_login_costs_no_request(proxy: Proxy, pool: list[Login]) -> None:
    """Refused access and refused refresh: the other one serves, the file stays, and no storm comes to the token server."""
    dead, well = pool
    dead.end_access()
    dead.revoke()
    document, refused, began = dead.document(), len(dead.refused), time.monotonic()
    answers = at_once(8, lambda lane: [ask(proxy, pool, 200 + lane * 4 + number) for number in range(4)])
    assert {said(answer) for lane in answers for answer in lane} == {TEXT}
    assert time.monotonic() - began < 10
    assert len(dead.refused) - refused <= 4
    assert dead.document() == document
    row = health(proxy)[label(dead.provider, 0)]
    assert row["state"] == "needs login"
    assert f"aiclient login {dead.provider}" in row["advice"]
    assert len(well.generated) >= 32


def test_a_dead_token_server_costs_no_request(proxy: Proxy, pool: list[Login]) -> None:
    ill, _ = pool
    server = ill.fake.auth if isinstance(ill, KiroLogin) else ill.tokens  # type: ignore[attr-defined]
    ill.end_access()
    server.scripted += [Scripted(503, {"error": "unavailable"})] * 40
    left = len(server.scripted)
    began = time.monotonic()
    answers = at_once(6, lambda lane: [ask(proxy, pool, 300 + lane * 4 + number) for number in range(4)])
    assert {said(answer) for lane in answers for answer in lane} == {TEXT}
    assert time.monotonic() - began < 10
    assert left - len(server.scripted) <= 4, "tries in 10 s"
    server.scripted.clear()


# --- settings of one account, seen at the outside ---


def test_kiros_settings_are_each_accounts_own(proxy: Proxy, logins: Logins) -> None:
    """kiro_wire, kiro_profile_arn, kiro_base_url; and which server renews: kiro_auth_base_url or kiro_oidc_base_url."""
    pool = logins.pools["claude-kiro-oauth"]
    for login in pool:
        login.end_access()
    spread(proxy, pool, 500)
    social, idc = pool
    assert social.generated[-1].path.endswith("/generateAssistantResponse")
    assert idc.generated[-1].header("x-amz-target")
    assert b"FAKEPROFILE1" in social.generated[-1].body
    assert JsonLogin.profile.encode() in idc.generated[-1].body
    assert [path for path in _posted(social) if "/social/" in path or "/oidc/" in path] == ["/social/refreshToken"]
    assert {path for path in _posted(idc) if "/social/" in path or "/oidc/" in path} == {"/oidc/token"}


def _posted(login: Login) -> list[str]:
    """The last renewal's path, among others."""
    paths = [each.path for each in login.fake.requests]
    return [path for path in paths if path.endswith(("refreshToken", "/token"))][-1:]


def test_geminis_settings_are_each_accounts_own(proxy: Proxy, logins: Logins) -> None:
    """project_id, gemini_code_assist_base_url, gemini_oauth_token_url, client id and secret."""
    pool = logins.pools["gemini-cli-oauth"]
    spread(proxy, pool, 600)
    assert [login.generated[-1].json["project"] for login in pool] == [PROJECT, OF_TWO]
    for login in pool:
        assert isinstance(login, GeminiLogin)
        assert login.tokens.refreshes > 0, "its own token server, which knows its own client alone"
