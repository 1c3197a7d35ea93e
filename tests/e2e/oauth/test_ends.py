"""Accounts that their provider no longer serves: no storm of retries, and a sentence that names another way; until a new login."""

from dataclasses import dataclass

import httpx
import pytest

from tests.e2e.conftest import Launch
from tests.e2e.oauth.asking import ask, refused, said
from tests.e2e.oauth.conftest import QUIET
from tests.e2e.oauth.logins import Login, Stage
from tests.e2e.plain import PROTOCOLS, RIGHT, plain
from tests.e2e.proxy import Proxy


@dataclass(frozen=True)
class End:
    """script: the model that is asked. refreshes: how often a token may be renewed for it. asked: how often the provider is asked for
    an answer. words: of the sentence."""

    provider: str
    words: tuple[str, ...]
    script: str = "text"
    refreshes: int = 0
    asked: int = 1


ENDS = {
    "Kiro suspends the account": End("claude-kiro-oauth", ("suspended", "claude-custom")),
    "Google serves this client no longer": End(
        "gemini-cli-oauth", ("no longer serves", "gemini-custom"), script="client"
    ),
    "Google has stopped the account": End(
        "gemini-cli-oauth", ("stopped this account", "gemini-custom"), script="banned"
    ),
    "Google wants it verified": End("gemini-cli-oauth", ("verified", "https://accounts.example.com"), script="verify"),
    "Google gives it no project": End("gemini-cli-oauth", ("UNSUPPORTED_CLIENT", "gemini-custom"), asked=0),
    # Asked twice: the first 401 may have been about the token, the second one is about the service.
    "Qwen's free service has ended": End(
        "openai-qwen-oauth", ("ended on 2026-04-15", "openai-custom"), refreshes=1, asked=2
    ),
}


def begin(stage: Stage, end: End, name: str) -> Login:
    login = stage.of(end.provider)
    login.log_in()
    stage.kiro.fake.suspended = name.startswith("Kiro")
    stage.qwen.fake.ended = name.startswith("Qwen")
    stage.gemini.fake.load = "unsupported" if name.endswith("no project") else "standard"
    return login


@pytest.mark.parametrize("name", ENDS)
def test_an_account_that_is_not_served_is_left_alone(oauth_proxy: Proxy, stage: Stage, name: str) -> None:
    end = ENDS[name]
    login = begin(stage, end, name)
    requests, refreshes, asked = len(login.fake.requests), login.refreshes, len(login.generated)
    first = refused(ask(oauth_proxy, login, script=end.script))
    settled = len(login.fake.requests)
    sentences = [first]
    for protocol in PROTOCOLS:
        for stream in (False, True):
            sentences.append(refused(ask(oauth_proxy, login, protocol, end.script, stream=stream), protocol))
    for sentence in sentences:
        assert all(word in sentence for word in end.words), sentence
    assert len(login.fake.requests) == settled, "nobody is asked again"
    assert settled - requests <= end.asked + 1, "no storm"
    assert (len(login.generated) - asked, login.refreshes - refreshes) == (end.asked, end.refreshes)
    login.mend()
    login.log_in()
    assert said(ask(oauth_proxy, login)) == "Hello, world!", "a new login is taken without a restart"


def test_the_next_of_a_chain_answers_for_an_account_that_has_ended(
    start_here: Launch, stage: Stage, stream: bool
) -> None:
    """The first request finds it out, the next ones know it; no client sees anything."""
    chain = "openai-qwen-oauth:coder-model-text,claude-kiro-oauth:claude-sonnet-4.5-text,gemini-cli-oauth:gemini-2.5-flash-text"
    proxy = start_here("chain", {**stage.settings, **QUIET, "ROUTES": f"smart={chain}"})
    for login in stage.logins:
        login.log_in()
    stage.qwen.fake.ended = stage.kiro.fake.suspended = True
    try:
        with httpx.Client(trust_env=False, timeout=30, headers=RIGHT) as web:
            for protocol in PROTOCOLS:
                asked = plain(protocol, "smart", stream=stream)
                before = len(stage.gemini.generated)
                answer = web.post(f"{proxy.url}{asked.path}", json=asked.body)
                assert said(answer, protocol) == "Hello, world!"
                assert len(stage.gemini.generated) - before == 1
    finally:
        proxy.stop()
        for login in stage.logins:
            login.mend()
            login.log_in()
