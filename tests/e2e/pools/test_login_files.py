"""Logins in the seed project's file: its names for files and addresses, relative paths, and the background that keeps all alive."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.oauth.asking import WEB, said
from tests.e2e.oauth.conftest import assert_no_secret_in
from tests.e2e.oauth.logins import LOGINS, GeminiLogin, KiroLogin, Login
from tests.e2e.plain import RIGHT, plain
from tests.e2e.pools.asking import health, until
from tests.e2e.pools.conftest import ServeAt
from tests.e2e.pools.logins import Logins, counts, label
from tests.e2e.proxy import Proxy
from tests.fakes.oauth import GOOGLE_CLIENT


@pytest.fixture(scope="module")
def logins(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Logins]:
    """Each ends in a minute."""
    with ExitStack() as stack:
        found = Logins(tmp_path_factory.mktemp("seed") / "configs", stack, ends_in=60)
        yield found
        assert found.violations == []


def entry(login: Login, name: str, folder: Path) -> dict[str, object]:
    """As that program writes it; the servers that it has no name for go by ours."""
    file = "./" + str(login.path.relative_to(folder.parent))
    found: dict[str, object] = {"uuid": f"0000-{name}", "customName": name, "isHealthy": True, "usageCount": 3}
    if isinstance(login, KiroLogin):
        found |= {
            "KIRO_OAUTH_CREDS_FILE_PATH": file,
            "KIRO_BASE_URL": login.fake.base("q") + "/generateAssistantResponse",
            "KIRO_REFRESH_URL": login.fake.base("social") + "/refreshToken",
            "KIRO_REFRESH_IDC_URL": login.fake.base("oidc") + "/token",
            "KIRO_MANAGEMENT_BASE_URL": login.fake.base("management"),
        }
        return found | ({"KIRO_WIRE": "aws-json-1.0"} if login.kind != "social" else {})
    if isinstance(login, GeminiLogin):
        return found | {
            "GEMINI_OAUTH_CREDS_FILE_PATH": file,
            "GEMINI_BASE_URL": login.fake.url,
            "GEMINI_OAUTH_CLIENT_ID": GOOGLE_CLIENT[0],
            "GEMINI_OAUTH_CLIENT_SECRET": GOOGLE_CLIENT[1],
            "GEMINI_OAUTH_TOKEN_URL": login.tokens.google_url,
            "PROJECT_ID": "",
        }
    settings = login.settings
    return found | {
        "QWEN_OAUTH_CREDS_FILE_PATH": file,
        "QWEN_BASE_URL": settings["QWEN_BASE_URL"],
        "QWEN_OAUTH_BASE_URL": settings["QWEN_OAUTH_BASE_URL"],
    }


@pytest.fixture(scope="module")
def proxy(serve_at: ServeAt, logins: Logins, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    folder = logins.all[0].path.parents[2]
    assert folder.name == "configs"
    document = {
        provider: [entry(login, name, folder) for name, login in zip(("one", "two"), pool, strict=True)]
        for provider, pool in logins.pools.items()
    }
    path = folder / "provider_pools.json"
    path.write_text(json.dumps(document, indent=2))
    found = serve_at(tmp_path_factory.mktemp("proxy") / "files", {"PROVIDER_POOLS_FILE": str(path)})
    yield found
    found.stop()
    assert_no_secret_in(found.log, found.dump)


def test_the_background_renews_every_login(proxy: Proxy, logins: Logins) -> None:
    """Before any request, each once, and what is new stands in its file."""
    until(lambda: [login.refreshes for login in logins.all] == [1] * 6)
    until(lambda: {row["state"] for row in health(proxy).values()} == {"healthy"})
    assert [login.refused for login in logins.all] == [[]] * 6


@pytest.mark.parametrize("provider", LOGINS)
def test_each_login_serves(proxy: Proxy, logins: Logins, provider: str) -> None:
    pool, number = logins.pools[provider], 0
    while 0 in counts(pool):
        asked = plain("chat", f"{pool[0].model}-text", f"Talk {number}", stream=number % 2 == 0)
        answer = WEB.post(f"{proxy.url}/{provider}{asked.path}", json=asked.body, headers=RIGHT)
        assert said(answer) == "Hello, world!"
        number += 1
        assert number < 40, counts(pool)
    assert {label(provider, 0), label(provider, 1)} <= set(health(proxy))
    assert [login.refreshes for login in pool] == [1, 1]
    for login in pool:
        assert login.bearer == login.document()[login.access]
