"""Code Assist's project: found out, set up where there is none, and found out anew when Google no longer takes it."""

from collections.abc import Iterator

import pytest

from tests.e2e.oauth.asking import ask, refused, said
from tests.e2e.oauth.logins import GeminiLogin, Stage
from tests.e2e.plain import PROTOCOLS
from tests.e2e.proxy import Proxy
from tests.fakes.code_assist_scripts import LOADS

TEXT = "Hello, world!"


@pytest.fixture
def google(stage: Stage) -> Iterator[GeminiLogin]:
    stage.gemini.log_in()
    stage.gemini.fake.asked.clear()
    yield stage.gemini
    stage.gemini.mend()
    stage.gemini.log_in()


def test_the_project_is_found_out_once_for_a_login(oauth_proxy: Proxy, google: GeminiLogin) -> None:
    for protocol in PROTOCOLS:
        for stream in (False, True):
            assert said(ask(oauth_proxy, google, protocol, stream=stream), protocol) == TEXT
    assert google.fake.asked["loadCodeAssist"] == 1
    google.log_in()
    assert said(ask(oauth_proxy, google)) == TEXT
    assert google.fake.asked["loadCodeAssist"] == 2, "another login may be another account"


def test_an_account_without_a_project_is_set_up_and_waited_for(oauth_proxy: Proxy, google: GeminiLogin) -> None:
    """The operation is looked at until it is done."""
    google.fake.load, google.fake.polls = "new-free", 1
    assert said(ask(oauth_proxy, google)) == TEXT
    asked = google.fake.asked
    assert (asked["loadCodeAssist"], asked["onboardUser"], asked["operation"]) == (1, 1, 1)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_project_that_is_refused_is_found_out_anew_and_the_request_succeeds(
    oauth_proxy: Proxy, google: GeminiLogin, monkeypatch: pytest.MonkeyPatch, stream: bool, protocol: str
) -> None:
    assert said(ask(oauth_proxy, google)) == TEXT
    load = LOADS["standard"]
    assert isinstance(load, dict)
    monkeypatch.setitem(LOADS, "moved", {**load, "cloudaicompanionProject": "fake-project-2"})
    google.fake.load, google.fake.projects = "moved", {"fake-project-2"}
    asked = len(google.generated)
    assert said(ask(oauth_proxy, google, protocol, stream=stream), protocol) == TEXT
    assert [request.json["project"] for request in google.generated[asked:]] == ["fake-project-1", "fake-project-2"]
    assert google.fake.asked["loadCodeAssist"] == 2


def test_a_project_that_is_refused_again_is_asked_for_once(oauth_proxy: Proxy, google: GeminiLogin) -> None:
    assert said(ask(oauth_proxy, google)) == TEXT
    google.fake.projects = {"of somebody else"}
    for _ in range(4):
        assert "fake-project-1" in refused(ask(oauth_proxy, google))
    assert google.fake.asked["loadCodeAssist"] == 2
