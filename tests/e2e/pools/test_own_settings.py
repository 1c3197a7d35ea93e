"""What an account of a pool sets for itself counts for it alone: seen in what each of two alike accounts is asked."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.oauth.asking import WEB, said
from tests.e2e.oauth.logins import GeminiLogin, KiroLogin, Login
from tests.e2e.plain import RIGHT, plain
from tests.e2e.pools.conftest import ServeAt
from tests.e2e.proxy import Proxy
from tests.fakes.kiro_auth import ARN
from tests.fakes.samples import CLIENT_KEY

EUROPE = ARN.replace("us-east-1", "eu-central-1").replace("FAKEPROFILE1", "FAKEPROFILE3")
CLIENT = ("second-client.apps.example", "second-client-secret")


class Pool:
    """Two accounts of a provider. own: what the second one sets for itself."""

    def __init__(self, first: Login, second: Login, own: Mapping[str, str]) -> None:
        self.logins, self.own = [first, second], own

    @property
    def tables(self) -> Iterator[str]:
        for login, own in zip(self.logins, ({}, self.own), strict=True):
            table = {"provider": login.provider, "label": login.path.parent.name}
            table |= {key.lower(): value for key, value in login.settings.items()} | dict(own)
            yield "\n".join(("[[account]]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())))


def kiros(folder: Path) -> Pool:
    """Logins that name no profile: it is sought, and both have one here and one in Europe."""
    pool = [KiroLogin(folder / name, "IdC") for name in ("usual", "own")]
    for login in pool:
        login.fake.profiles = [{"arn": ARN}, {"arn": EUROPE}]
    pool[1].fake.arn = EUROPE
    return Pool(*pool, {"kiro_region": "eu-central-1", "kiro_thinking": "tags"})


def geminis(folder: Path) -> Pool:
    """Each token server knows one OAuth client."""
    first, second = (GeminiLogin(folder / name) for name in ("usual", "own"))
    second.tokens.google_client = CLIENT
    return Pool(first, second, {"gemini_oauth_client_id": CLIENT[0], "gemini_oauth_client_secret": CLIENT[1]})


@pytest.fixture(scope="module")
def pools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Pool]]:
    folder = tmp_path_factory.mktemp("own")
    found = {"kiro": kiros(folder / "kiro"), "gemini": geminis(folder / "gemini")}
    logins = [login for pool in found.values() for login in pool.logins]
    with ExitStack() as stack:
        for login in logins:
            for server in login.servers:
                stack.enter_context(server)
            login.fake.secrets = [CLIENT_KEY]
            login.log_in(ends_in=-10)
        yield found
        assert [each for login in logins for each in login.fake.violations] == []


@pytest.fixture(scope="module")
def proxy(serve_at: ServeAt, pools: Mapping[str, Pool], tmp_path_factory: pytest.TempPathFactory) -> Proxy:
    home = tmp_path_factory.mktemp("proxy") / "own"
    home.mkdir()
    (home / "aiclient.toml").write_text("\n\n".join(table for pool in pools.values() for table in pool.tables))
    return serve_at(home, {"CONFIG": str(home / "aiclient.toml"), "CRON_REFRESH_TOKEN": "false"})


def ask_both(proxy: Proxy, logins: Sequence[Login]) -> None:
    """Conversations until each of them was asked; every one is answered."""
    for number in range(40):
        asked = plain("chat", f"{logins[0].model}-text", f"Talk {number}", reasoning_effort="high")
        assert said(WEB.post(f"{proxy.url}/{logins[0].provider}{asked.path}", json=asked.body, headers=RIGHT))
        if all(login.generated for login in logins):
            return
    raise AssertionError("one of them is never asked")


def test_kiros_region_and_way_of_thinking(proxy: Proxy, pools: Mapping[str, Pool]) -> None:
    ask_both(proxy, pools["kiro"].logins)
    usual, own = (login.generated[-1] for login in pools["kiro"].logins)
    assert (usual.json["profileArn"], own.json["profileArn"]) == (ARN, EUROPE)
    assert (b"<thinking_mode>" in usual.body, b"<thinking_mode>" in own.body) == (False, True)


def test_geminis_oauth_client(proxy: Proxy, pools: Mapping[str, Pool]) -> None:
    """A token server refuses every other client, so that a token that is over would stay so."""
    ask_both(proxy, pools["gemini"].logins)
    assert [(login.refreshes, login.refused) for login in pools["gemini"].logins] == [(1, []), (1, [])]
    assert CLIENT[1] not in proxy.log.read_text() + proxy.dump.read_text(errors="replace")
