"""Tokens under a running proxy: renewed once, written back, shared with the tools that they belong to, and never lost."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.conftest import Launch
from tests.e2e.oauth.asking import ask, ask_many, refused, said
from tests.e2e.oauth.conftest import QUIET, assert_no_secret_in
from tests.e2e.oauth.logins import KiroLogin, Login, Stage
from tests.e2e.plain import PROTOCOLS
from tests.e2e.proxy import Proxy
from tests.fakes.kiro import API_KEY
from tests.fakes.oauth import Scripted
from tests.fakes.samples import CLIENT_KEY

TEXT = "Hello, world!"


def test_a_token_that_has_ended_before_the_start_is_renewed_once_for_all(
    start_here: Launch, stage: Stage, tmp_path: Path
) -> None:
    """With the background at work too, and a token server that takes its time."""
    with ExitStack() as stack:
        own = Stage(tmp_path, stack)
        for login in own.logins:
            login.log_in(ends_in=-10)
        own.gemini.tokens.delay = own.qwen.tokens.delay = 0.3
        proxy = start_here("expired", own.settings)
        for login in own.logins:
            answers = ask_many([proxy], login, 24)
            assert {said(answer) for answer in answers} == {TEXT}
            assert (login.refreshes, login.refused) == (1, [])
            assert len(login.generated) == 24, "none was sent with the old token"
        assert own.violations == []
        proxy.stop()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_token_that_ends_in_the_middle_is_renewed_and_the_client_sees_nothing_of_it(
    oauth_proxy: Proxy, login: Login, stream: bool, protocol: str
) -> None:
    assert said(ask(oauth_proxy, login, protocol, stream=stream), protocol) == TEXT
    login.end_access()
    before, refreshes = len(login.generated), login.refreshes
    assert said(ask(oauth_proxy, login, protocol, stream=stream), protocol) == TEXT
    assert (len(login.generated) - before, login.refreshes - refreshes) == (2, 1)


def test_24_that_are_refused_at_once_share_one_renewal(oauth_proxy: Proxy, login: Login) -> None:
    assert said(ask(oauth_proxy, login)) == TEXT
    login.end_access()
    refreshes = login.refreshes
    assert {said(answer) for answer in ask_many([oauth_proxy], login, 24)} == {TEXT}
    assert login.refreshes - refreshes == 1


def test_a_late_refusal_of_the_old_token_is_no_refusal_of_the_new_one(oauth_proxy: Proxy, stage: Stage) -> None:
    """Qwen's is known by a refusal of a token just renewed: this is none."""
    login = stage.qwen
    login.log_in()
    assert said(ask(oauth_proxy, login)) == TEXT
    login.end_access()
    login.fake.late_refusals = 1
    refreshes, before, arrived = login.refreshes, len(login.generated), len(login.fake.requests)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, oauth_proxy, login)
        login.fake.wait_for(arrived + 1)
        assert said(ask(oauth_proxy, login)) == TEXT
        assert said(slow.result()) == TEXT
    assert (len(login.generated) - before, login.refreshes - refreshes) == (4, 1)


def test_a_renewed_token_is_written_back_and_the_owners_keys_stay(oauth_proxy: Proxy, login: Login) -> None:
    of_the_tool = {"made_by": {"tool": "official", "big": 12345678901234567890}, "accounts": ["ä"]}
    old = login.log_in(ends_in=-10, **of_the_tool)
    assert said(ask(oauth_proxy, login)) == TEXT
    new = login.document()
    assert new[login.access] not in ("", old[login.access])
    assert new[login.access] == login.bearer
    assert type(new[login.end]) is type(old[login.end])
    assert new[login.end] > old[login.end]
    assert {name: new[name] for name in of_the_tool} == of_the_tool
    assert new.keys() >= old.keys()
    assert login.mode == 0o600
    assert [path.name for path in login.path.parent.iterdir() if path != login.path] == [], "no lock, no draft is left"


def test_a_refresh_token_that_is_dead_is_said_to_be_in_the_clients_protocol(oauth_proxy: Proxy, login: Login) -> None:
    login.log_in(ends_in=-10)
    login.revoke()
    before, asked = len(login.refused), len(login.generated)
    for protocol in PROTOCOLS:
        for stream in (False, True):
            sentence = refused(ask(oauth_proxy, login, protocol, stream=stream), protocol)
            assert f"aiclient login {login.provider}" in sentence, sentence
    assert len(login.refused) - before == 1, "the token server was asked once"
    assert len(login.generated) == asked, "the provider was not asked"
    login.log_in()
    assert said(ask(oauth_proxy, login)) == TEXT, "a new login is taken without a restart"


def test_a_file_that_is_half_written_changes_nothing_and_a_whole_one_is_taken(oauth_proxy: Proxy, login: Login) -> None:
    assert said(ask(oauth_proxy, login)) == TEXT
    token = login.bearer
    new = json.dumps(login.made(ends_in=3600))
    for size in (0, 1, len(new) // 2, len(new) - 1):
        login.path.write_text(new[:size])
        assert said(ask(oauth_proxy, login)) == TEXT
        assert login.bearer == token
    login.path.write_text(new)
    assert said(ask(oauth_proxy, login)) == TEXT
    assert login.bearer == json.loads(new)[login.access]


def test_the_official_tools_newer_file_is_taken_and_nothing_renewed(oauth_proxy: Proxy, login: Login) -> None:
    assert said(ask(oauth_proxy, login)) == TEXT
    refreshes = login.refreshes
    for ends_in in (3600, 60 * 60 * 24):
        new = login.log_in(ends_in=ends_in)
        assert said(ask(oauth_proxy, login)) == TEXT
        assert login.bearer == new[login.access]
    assert login.refreshes == refreshes


def test_a_token_server_that_is_down_does_not_stop_a_token_that_lasts(oauth_proxy: Proxy, stage: Stage) -> None:
    """Near its end, and its renewal fails: it is used all the same. When it has ended, the error says what failed."""
    for login in (stage.gemini, stage.qwen):
        busy = Scripted(503, "<html>busy</html>", {"content-type": "text/html"})
        login.tokens.scripted += [busy, busy]
        login.log_in(ends_in=60)
        assert said(ask(oauth_proxy, login)) == TEXT
        login.log_in(ends_in=-1)
        sentence = refused(ask(oauth_proxy, login))
        assert "cannot be renewed just now" in sentence
        assert "HTTP 503" in sentence
        login.log_in()


def test_base64_credentials_are_renewed_in_memory_alone(start_here: Launch, tmp_path: Path) -> None:
    with ExitStack() as stack:
        own = Stage(tmp_path / "files", stack)
        settings = {**own.settings, **QUIET}
        for login, name in ((own.gemini, "GEMINI"), (own.kiro, "KIRO")):
            document = json.dumps(login.made(ends_in=-10)).encode()
            settings[f"{name}_OAUTH_CREDS_BASE64"] = base64.b64encode(document).decode()
            del settings[f"{name}_OAUTH_CREDS_FILE"]
        proxy = start_here("base64", settings)
        for login in (own.gemini, own.kiro):
            for _ in range(2):
                assert said(ask(proxy, login)) == TEXT
            assert login.refreshes == 1
        proxy.stop()
        home = proxy.log.parent
        assert_no_secret_in(*(p for p in home.rglob("*") if p.is_file() and p.name != "mitmproxy-ca.pem"))


@pytest.fixture
def second(start_here: Launch, stage: Stage) -> Proxy:
    """Another program with the same files."""
    return start_here("second", {**stage.settings, **QUIET})


def test_two_programs_that_share_a_file_never_use_a_refresh_token_twice(
    oauth_proxy: Proxy, second: Proxy, stage: Stage
) -> None:
    """All three servers void a refresh token when it is used."""
    stage.gemini.tokens.rotates = stage.qwen.tokens.rotates = True
    try:
        for login in stage.logins:
            refreshes, before = login.refreshes, len(login.refused)
            rounds = 5
            for _ in range(rounds):
                login.log_in(ends_in=-10)
                assert {said(answer) for answer in ask_many([oauth_proxy, second], login, 6)} == {TEXT}
            assert (login.refreshes - refreshes, login.refused[before:]) == (rounds, []), login.provider
    finally:
        for login in stage.logins:
            login.mend()
            login.log_in()
        second.stop()


def test_an_api_key_and_a_login_of_an_organisation_in_the_other_wire(start_here: Launch, tmp_path: Path) -> None:
    """Kiro's key (`ksk_`), and a login through IAM Identity Center, whose client stands in a second file."""
    with ExitStack() as stack:
        kiro = KiroLogin(tmp_path, "IdC")
        stack.enter_context(kiro.fake)
        kiro.log_in(ends_in=-10)
        wire = {"KIRO_WIRE": "aws-json-1.0", "KIRO_BASE_URL": kiro.fake.base("runtime"), "API_KEY": CLIENT_KEY}
        proxy = start_here("idc", {**kiro.settings, **wire, "KIRO_MANAGEMENT_BASE_URL": "", **QUIET})
        for stream in (False, True):
            assert said(ask(proxy, kiro, "anthropic", stream=stream), "anthropic") == TEXT
        assert kiro.refreshes == 1
        proxy.stop()
        keyed = start_here("ksk", {**kiro.places, "KIRO_API_KEY": API_KEY, "API_KEY": CLIENT_KEY})
        assert said(ask(keyed, kiro, "anthropic"), "anthropic") == TEXT
        kiro.fake.keys.clear()
        for _ in range(3):
            assert "kiro_api_key" in refused(ask(keyed, kiro, "anthropic"), "anthropic")
        assert len(kiro.generated) < 6, "a refused key is not tried again and again"
        keyed.stop()
        assert kiro.fake.violations == []
