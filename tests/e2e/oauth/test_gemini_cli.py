"""What a Gemini CLI that is pointed at us by `CODE_ASSIST_ENDPOINT` sends, by plain HTTP, to each of the providers."""

import json
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.oauth.asking import WEB
from tests.e2e.oauth.logins import LOGINS, SECRETS, Stage
from tests.e2e.plain import PLAIN_MODEL, RIGHT
from tests.e2e.proxy import Proxy
from tests.fakes.scripts import UNICODE
from tests.grammar_gemini import check_gemini_stream, fold_gemini_answer

METADATA = {"ideType": "IDE_UNSPECIFIED", "platform": "PLATFORM_UNSPECIFIED", "pluginType": "GEMINI"}
MODELS = PLAIN_MODEL | {name: login.model for name, login in LOGINS.items()}
CONTENTS = [{"role": "user", "parts": [{"text": "Hi"}]}]


def call(proxy: Proxy, provider: str, method: str, body: object) -> httpx.Response:
    url = f"{proxy.url}/{provider}/v1internal:{method}" if provider else f"{proxy.url}/v1internal:{method}"
    answer = WEB.post(url, json=body, headers=RIGHT)
    assert not any(secret in answer.text for secret in SECRETS)
    return answer


@pytest.fixture(params=MODELS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def here(provider: str, oauth_proxy: Proxy, proxy: Proxy) -> Proxy:
    """The proxy that has an account of this provider."""
    return oauth_proxy if provider in LOGINS else proxy


def envelope(provider: str, script: str) -> dict[str, Any]:
    request = {"contents": CONTENTS, "session_id": "s-1"}
    return {"model": f"{MODELS[provider]}-{script}", "project": "aiclient", "user_prompt_id": "p-1", "request": request}


def test_a_whole_answer_comes_in_the_envelope(here: Proxy, provider: str) -> None:
    answer = call(here, provider, "generateContent", envelope(provider, "unicode"))
    assert answer.status_code == 200, answer.text
    assert fold_gemini_answer(answer.json()["response"]).text == "".join(UNICODE)


def test_a_stream_comes_in_envelopes(here: Proxy, provider: str) -> None:
    answer = call(here, provider, "streamGenerateContent?alt=sse", envelope(provider, "unicode"))
    assert answer.headers["content-type"].startswith("text/event-stream"), answer.text
    payloads = [json.loads(row[6:]) for row in answer.text.split("\n") if row.startswith("data: ")]
    plain = b"".join(b"data: %s\n\n" % json.dumps(payload["response"]).encode() for payload in payloads)
    assert check_gemini_stream(plain).text == "".join(UNICODE)


def test_tokens_are_counted(here: Proxy, provider: str) -> None:
    body = {"request": {"model": f"models/{MODELS[provider]}-text", "contents": CONTENTS}}
    answer = call(here, provider, "countTokens", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["totalTokens"] > 0


def test_the_handshake_is_answered_here_and_nobody_is_asked(
    here: Proxy, provider: str, stage: Stage, upstreams: Upstreams
) -> None:
    asked = [len(login.fake.requests) for login in stage.logins], upstreams.asked
    loaded = call(here, provider, "loadCodeAssist", {"metadata": METADATA}).json()
    assert loaded["currentTier"]["id"]
    assert loaded["cloudaicompanionProject"]
    boarded = call(here, provider, "onboardUser", {"tierId": loaded["currentTier"]["id"], "metadata": METADATA}).json()
    assert boarded["done"]
    for method in ("retrieveUserQuota", "listExperiments", "fetchAdminControls", "recordCodeAssistMetrics"):
        assert call(here, provider, method, {"project": "aiclient"}).status_code == 200, method
    assert ([len(login.fake.requests) for login in stage.logins], upstreams.asked) == asked


def test_a_refusal_is_googles_kind_of_error(here: Proxy, provider: str) -> None:
    answer = call(here, provider, "generateContent", envelope(provider, "e429"))
    assert answer.status_code == 429
    assert answer.json()["error"]["status"] == "RESOURCE_EXHAUSTED"


def test_a_model_that_names_its_provider_needs_no_prefix(oauth_proxy: Proxy) -> None:
    for provider, login in LOGINS.items():
        body = {**envelope(provider, "text"), "model": f"{provider}:{login.model}-text"}
        answer = call(oauth_proxy, "", "generateContent", body)
        assert answer.status_code == 200, answer.text
        assert fold_gemini_answer(answer.json()["response"]).text == "Hello, world!"


def test_a_stranger_is_refused(oauth_proxy: Proxy) -> None:
    answer = WEB.post(f"{oauth_proxy.url}/v1internal:loadCodeAssist", json={"metadata": METADATA})
    assert answer.status_code == 401
