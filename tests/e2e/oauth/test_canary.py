"""No token, secret or key of anybody stands where people look: the log, the dump, an error, mitmweb's pages."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.e2e.oauth.asking import ask, refused, said
from tests.e2e.oauth.conftest import QUIET, around, assert_no_secret_in
from tests.e2e.oauth.logins import MARK, SECRETS, Login, Stage
from tests.e2e.plain import PROTOCOLS, plain
from tests.e2e.proxy import Proxy, free_port, launch
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import HttpError, Script

WRONG_KEY = f"{MARK}-a-key-that-somebody-mistyped"
_PAGE = re.compile(rb"http://127\.0\.0\.1:\d+/\?token=(\w+)")


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Stage]:
    with ExitStack() as stack:
        yield (found := Stage(tmp_path / "logins", stack))
        assert found.violations == []


@pytest.fixture
def web(own: Stage, tmp_path: Path) -> Iterator[Proxy]:
    """mitmweb, with its page."""
    more = ("--set", f"web_port={free_port()}", "--set", "web_open_browser=false")
    proxy = launch(tmp_path / "web", {**own.settings, **QUIET}, program="mitmweb", more=more)
    yield proxy
    proxy.stop()


def live(proxy: Proxy, login: Login) -> None:
    """An account's life: answers, errors that repeat the token, renewals, the end of the login."""
    for protocol in PROTOCOLS:
        for stream in (False, True):
            for script in ("text", "parallel"):
                said(ask(proxy, login, protocol, script, stream=stream), protocol)
            for script in ("midcut", "e500", "nohead"):
                ask(proxy, login, protocol, script, stream=stream)
    for status in (400, 401, 403, 429, 500):
        for protocol in PROTOCOLS:
            token = login.log_in()
            login.revoke()  # nothing is renewed, so the token that was refused is the one that is repeated
            repeated = f"Bad token {token[login.access]}, see Authorization: Bearer {token[login.access]}"
            login.fake.scripts[f"echo{status}"] = Script(error=HttpError(status, "api_error", repeated))
            answer = ask(proxy, login, protocol, f"echo{status}")
            assert answer.status_code >= 400
            assert status in (401, 403) or "Bad token" in answer.text
    token = login.log_in()
    login.end_access()
    said(ask(proxy, login))
    login.log_in(ends_in=-10)
    said(ask(proxy, login))
    login.log_in(ends_in=-10)
    login.revoke()
    for protocol in PROTOCOLS:
        refused(ask(proxy, login, protocol), protocol)
    login.path.write_text(json.dumps(token)[:-20])
    assert ask(proxy, login).status_code >= 500
    login.log_in()
    with httpx.Client(trust_env=False) as http:
        asked = plain("chat", f"{login.model}-text")
        url = f"{proxy.url}/{login.provider}{asked.path}"
        assert http.post(f"{url}?key={CLIENT_KEY}", json=asked.body).status_code == 200
        for headers in ({"authorization": f"Bearer {WRONG_KEY}"}, {"x-api-key": WRONG_KEY}, {"cookie": WRONG_KEY}):
            assert WRONG_KEY not in http.post(url, json=asked.body, headers=headers).text


def test_no_token_is_in_the_log_the_dump_an_answer_or_mitmweb(web: Proxy, own: Stage) -> None:
    for login in own.logins:
        live(web, login)
    found = _PAGE.search(web.log.read_bytes())
    assert found is not None, "mitmweb says where its page is"
    address, token = found[0].partition(b"/?")[0].decode(), found[1].decode()
    with httpx.Client(base_url=address, trust_env=False, headers={"authorization": f"Bearer {token}"}) as page:
        flows = page.get("/flows").json()
        assert len(flows) > 150
        shown = {path: page.get(path) for path in ("/flows", "/flows/dump", "/events", "/options", "/state")}
        for flow in flows[:: len(flows) // 40]:
            for part in ("request", "response"):
                path = f"/flows/{flow['id']}/{part}/content/auto.json"
                shown[path] = page.get(path)
    for path, answer in shown.items():
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:200]}"
        for secret in SECRETS:
            assert secret.encode() not in answer.content, f"{path}: {around(answer.content, secret)!r}"
    assert b"gemini-2.5-flash" in shown["/flows/dump"].content, "the flows are there at all"
    assert web.stop() == 0
    assert_no_secret_in(web.log, web.dump)
    assert "claude-kiro-oauth" in web.log.read_text()
