"""What can be seen of accounts: who is asked, how a login is renewed, how long one rests that failed."""

import subprocess
import sys

import pytest

from tests.e2e.settings.effects import Effect, ask, good, mark, refused, seen, until
from tests.e2e.settings.ways import Started
from tests.fakes.kiro_auth import ARN
from tests.fakes.scripts import HttpError, Script

OTHER_PROJECT = "a-project-of-mine"
LOGIN_URL = "https://login.example.com/auth"
REGION = "eu-central-1"
NEAR = 20 * 60.0  # seconds until a login ends that is renewed ahead with the setting alone
LOCKED = 8  # accounts whose keys are refused
SEED, STRUCK = "42", ".x..xxx.x..x.x.."  # which of the first tries fail with it, at a rate of a half


def account(provider: str, model: str) -> Effect:
    """Key and base URL: the fake takes its own key alone."""

    def effect(started: Started) -> None:
        words = mark(started, f"account {provider}")
        good(ask(started, provider, model, words))
        assert len(seen(started, provider, words)) == 1

    return effect


def login(provider: str) -> Effect:
    """A login that is over is renewed where the settings say, then its provider is asked where they say."""

    def effect(started: Started) -> None:
        found = started.place.stage.of(provider)
        found.log_in(ends_in=-10)
        before = found.refreshes, len(found.generated)
        answer = ask(started, provider, f"{found.model}-text")
        good(answer)
        assert (found.refreshes, len(found.generated)) == (before[0] + 1, before[1] + 1)

    return effect


def code_assist(started: Started) -> None:
    """The same with Google's login; and the project that is set is the one that Code Assist is asked for."""
    login("gemini-cli-oauth")(started)
    loads = [request.json for request in started.place.stage.gemini.fake.requests if "loadCodeAssist" in request.path]
    assert [asked.get("cloudaicompanionProject") for asked in loads] == [OTHER_PROJECT]


def kiro(started: Started) -> None:
    """kiro_wire, kiro_profile_arn and kiro_thinking, in one request."""
    found = started.place.stage.kiro
    answer = ask(started, "claude-kiro-oauth", f"{found.model}-text", reasoning_effort="high")
    good(answer)
    sent = next(request for request in reversed(found.fake.requests) if b"conversationState" in request.body)
    assert sent.header("content-type") == "application/x-amz-json-1.0"
    assert sent.json["profileArn"] == ARN
    assert b"<thinking_mode>" in sent.body


def gemini_base64(started: Started) -> None:
    found = started.place.stage.gemini
    good(ask(started, found.provider, f"{found.model}-text"))
    assert found.bearer == found.document()["access_token"]


def provider_pools_file(started: Started) -> None:
    rows = started.web.get("/health").json()["providers"]["claude-custom"]["accounts"]
    assert "claude-custom:pooled" in [row["label"] for row in rows]


def request_max_retries(started: Started) -> None:
    words = mark(started, "retries")
    refused(ask(started, "openaiResponses-custom", "gpt-4.1-e500", words), 500, 503)
    assert len(seen(started, "openaiResponses-custom", words)) == 2, "one retry"


def gemini_oauth_auth_url(started: Started) -> None:
    """The address to open in a browser."""
    command = [sys.executable, "-P", "-m", "addons", "login", "gemini-cli-oauth", "--no-browser"]
    ran = subprocess.run(
        command, env=started.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert f"{LOGIN_URL}?" in ran.stdout + ran.stderr


def kiro_base64(started: Started) -> None:
    """A login of AWS that is over, and names no profile: that is sought where the settings say, and the one in their region taken."""
    found = started.place.stage.kiro
    fake = found.fake
    fake.arn = ARN.replace("us-east-1", REGION)
    fake.profiles = [{"arn": ARN, "profileName": "there"}, {"arn": fake.arn, "profileName": "here"}]
    good(ask(started, found.provider, f"{found.model}-text"))
    asked = [(request.path.split("/")[1], request.header("x-amz-target") or "") for request in fake.requests]
    assert [server for server, target in asked if target.endswith("ListAvailableProfiles")] == ["management"]
    assert [server for server, _ in asked if server in ("social", "oidc")] == ["oidc"]
    sent = next(request for request in reversed(fake.requests) if b"conversationState" in request.body)
    assert sent.json["profileArn"] == fake.arn


def renewed_ahead(started: Started) -> None:
    until(lambda: started.place.stage.qwen.refreshes == 1)


def not_renewed_ahead(started: Started) -> None:
    with pytest.raises(AssertionError):
        started.place.stage.qwen.tokens.wait_for(1, 1)


def health_check_seconds(started: Started) -> None:
    """Once at the start, and again and again. (Where a client asks for a list of models, this account may be asked once more.)"""
    until(lambda: sum(request.path.endswith("/models") for request in started.place.beside.requests) > 3)


def account_tries(started: Started) -> None:
    words = mark(started, "tries")
    refused(ask(started, "openaiResponses-custom", "gpt-4.1-e500", words), 500, 503)
    assert len(seen(started, "openaiResponses-custom", words)) == 2


def account_wait_seconds(started: Started) -> None:
    """The account rests for a second, which is longer than a request waits for it."""
    model, words = f"gpt-4.1-{started.place.way}-busy", mark(started, "wait")
    limited = HttpError(429, "rate_limit_error", "Slow down.", {"retry-after": "1"}, code="rate_limit_exceeded")
    started.place.upstreams.of("openai-custom").scripts["busy"] = Script(error=limited, first_errors=1)
    for _ in range(2):
        refused(ask(started, "openai-custom", model, words), 429)
    assert len(seen(started, "openai-custom", words)) == 1


# --- rests: /health names their ends. Where it is by chance how long one rests, up to a time, there are eight of them ---


def _rests(started: Started, provider: str, about: str) -> list[float]:
    """Seconds, of the accounts and of their models whose name or label holds this."""
    rows = started.web.get("/health").json()["providers"][provider]["accounts"]
    rests = [(row["label"], row) for row in rows if row["until"]]
    rests += [(rest["model"], rest) for row in rows for rest in row.get("models", ())]
    return [rest["until"] - rest["since"] for name, rest in rests if about in name]


def rate_rest_seconds(started: Started) -> None:
    limited = HttpError(429, "rate_limit_error", "Slow down.", code="rate_limit_exceeded")
    started.place.upstreams.of("openai-custom").scripts["limited"] = Script(error=limited)
    for number in range(8):
        refused(ask(started, "openai-custom", f"gpt-4.1-{number}-limited"), 429)
    rests = _rests(started, "openai-custom", "-limited")
    assert len(rests) == 8
    assert 1 < max(rests) <= 8


def auth_rest_seconds(started: Started) -> None:
    """Before the account that answers, those are asked whose keys nobody knows."""
    good(ask(started, "openaiResponses-custom", "gpt-4.1-locked"))
    rests = _rests(started, "openaiResponses-custom", ":locked")
    assert len(rests) == LOCKED
    assert 1.5 < max(rests) <= 12


def quota_rest_seconds(started: Started) -> None:
    """An account that has used up its quota is asked first."""
    spent = HttpError(429, "insufficient_quota", "You exceeded your current quota.", code="insufficient_quota")
    started.place.upstreams.of("openaiResponses-custom").scripts["spent"] = Script(error=spent, first_errors=1)
    good(ask(started, "openaiResponses-custom", f"gpt-4.1-{started.place.way}-spent"))
    assert _rests(started, "openaiResponses-custom", ":spent") == [pytest.approx(15)]


def longest_rest_seconds(started: Started) -> None:
    """Its provider names 40 seconds."""
    limited = HttpError(429, "rate_limit_error", "Slow down.", {"retry-after": "40"}, code="rate_limit_exceeded")
    started.place.upstreams.of("openai-custom").scripts["away"] = Script(error=limited)
    refused(ask(started, "openai-custom", "gpt-4.1-away"), 429)
    assert _rests(started, "openai-custom", "-away") == [pytest.approx(20)]


def chaos(started: Started) -> None:
    """chaos, chaos_place and chaos_seed: some of our own tries fail, always the same, so that the account rests for these models;
    request_base_delay and error_rest_seconds: how long at most."""
    answers = [ask(started, "openai-custom", f"gpt-4.1-dice{number}", headers={}) for number in range(len(STRUCK))]
    assert "".join("x" if answer.status_code != 200 else "." for answer in answers) == STRUCK
    rests = _rests(started, "openai-custom", "-dice")
    assert len(rests) == STRUCK.count("x")
    assert 1 < max(rests) <= 5
