"""The small calls beside the big one: counting, model lists; and what is told of a conversion's losses."""

from typing import Any

import anthropic
import httpx
import openai
import pytest
from google import genai
from google.genai import types

from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import PAIR_NAMES, PAIRS, PLAIN_MODEL, PROTOCOLS, PROVIDERS, RIGHT, error_of, plain
from tests.e2e.proxy import Proxy
from tests.fakes.anthropic import MODELS as CLAUDE_MODELS
from tests.fakes.gemini import MODELS as GEMINI_MODELS
from tests.fakes.openai import MODELS as OPENAI_MODELS
from tests.fakes.responses import MODELS as RESPONSES_MODELS
from tests.fakes.samples import CITY_SCHEMA, CLIENT_KEY

COUNTED = 2095  # by every fake that can count
MODELS = {
    "openai-custom": sorted(OPENAI_MODELS),
    "openaiResponses-custom": sorted(RESPONSES_MODELS),
    "claude-custom": sorted(CLAUDE_MODELS),
    "gemini-custom": sorted(GEMINI_MODELS),
}


def google(url: str) -> genai.Client:
    return genai.Client(api_key=CLIENT_KEY, http_options=types.HttpOptions(base_url=url))


# --- counting ---


def count(web: httpx.Client, url: str, protocol: str, model: str) -> tuple[int, bool]:
    """(tokens, estimated)"""
    words = "Count me. " * 40
    messages = [{"role": "user", "content": words}]
    path, body, field = {
        "responses": ("/v1/responses/input_tokens", {"model": model, "input": words}, "input_tokens"),
        "anthropic": ("/v1/messages/count_tokens", {"model": model, "messages": messages}, "input_tokens"),
        "gemini": (
            f"/v1beta/models/{model}:countTokens",
            {"contents": [{"role": "user", "parts": [{"text": words}]}]},
            "totalTokens",
        ),
    }[protocol]
    answer = web.post(url + path, json=body, headers=RIGHT)
    assert answer.status_code == 200, answer.text
    if protocol == "responses":
        assert answer.json()["object"] == "response.input_tokens"
    return answer.json()[field], answer.headers.get("x-aiclient-estimated") == "1"


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("protocol", ["responses", "anthropic", "gemini"])
def test_16_counting_is_the_providers_where_it_can_count_and_estimated_elsewhere(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str, provider: str
) -> None:
    before = upstreams.asked
    tokens, estimated = count(web, f"{proxy.url}/{provider}", protocol, PLAIN_MODEL[provider])
    if provider == "openai-custom":
        assert estimated
        assert 50 < tokens < 200
        assert upstreams.asked == before
    else:
        assert (tokens, estimated) == (COUNTED, False)
        assert upstreams.asked == before + 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_16_the_sdks_count(proxy: Proxy, provider: str) -> None:
    url, model = f"{proxy.url}/{provider}", PLAIN_MODEL[provider]
    with anthropic.Anthropic(api_key=CLIENT_KEY, base_url=url, max_retries=0) as claude:
        assert claude.messages.count_tokens(model=model, messages=[{"role": "user", "content": "Hi"}]).input_tokens > 0
    with openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{url}/v1", max_retries=0) as gpt:
        assert gpt.responses.input_tokens.count(model=model, input="Hi").input_tokens > 0
    with google(url) as gemini:
        assert (gemini.models.count_tokens(model=model, contents="Hi").total_tokens or 0) > 0


# --- model lists ---


@pytest.mark.parametrize("provider", PROVIDERS)
def test_16_the_model_list_is_written_in_the_clients_form(proxy: Proxy, provider: str) -> None:
    expected, url = MODELS[provider], f"{proxy.url}/{provider}"
    with openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{url}/v1", max_retries=0) as gpt:
        page = gpt.models.list()
        assert page.object == "list"
        assert sorted(model.id for model in page) == expected
        assert gpt.models.retrieve(expected[0]).id == expected[0]
    with anthropic.Anthropic(api_key=CLIENT_KEY, base_url=url, max_retries=0) as claude:
        models = claude.models.list()
        assert sorted(model.id for model in models) == expected
        assert all(model.type == "model" for model in models.data)
        assert claude.models.retrieve(expected[0]).id == expected[0]
    with google(url) as gemini:
        assert sorted((model.name or "").removeprefix("models/") for model in gemini.models.list()) == expected
        one = gemini.models.get(model=expected[0])
        assert one.name == f"models/{expected[0]}"
        assert "generateContent" in (one.supported_actions or [])


# --- what is lost ---


@pytest.fixture(scope="module")
def strict(start: Launch, upstreams: Upstreams) -> Proxy:
    return start("strict", {**upstreams.settings, "STRICT_CONVERSION": "true"})


# What these clients may say and no other provider takes.
LOST: dict[str, tuple[dict[str, Any], str]] = {
    "chat": ({"logit_bias": {"1": 1}}, "logit_bias"),
    "responses": ({"max_tool_calls": 3}, "max_tool_calls"),
    "anthropic": ({"inference_geo": "eu"}, "inference_geo"),
    "gemini": (
        {"generationConfig": {"enableEnhancedCivicAnswers": True}},
        "generationConfig.enableEnhancedCivicAnswers",
    ),
}


@pytest.mark.parametrize(("protocol", "provider"), PAIRS, ids=PAIR_NAMES)
def test_17_what_is_dropped_is_named_in_a_header_and_with_strict_conversion_refused(
    web: httpx.Client, proxy: Proxy, strict: Proxy, upstreams: Upstreams, protocol: str, provider: str
) -> None:
    if PROVIDERS[provider] == protocol:
        pytest.skip("in bypass nothing is dropped")
    change, name = LOST[protocol]
    usual = plain(protocol, PLAIN_MODEL[provider])
    lossy = plain(protocol, PLAIN_MODEL[provider], **change)
    answer = web.post(f"{proxy.url}/{provider}{lossy.path}", json=lossy.body, headers=RIGHT)
    assert answer.status_code == 200, answer.text
    header = answer.headers["x-aiclient-conversion"]
    assert header.startswith(f"{protocol}->{PROVIDERS[provider]}; dropped=")
    assert name in header.partition("dropped=")[2].partition(";")[0].split(",")

    before = upstreams.asked
    refused = web.post(f"{strict.url}/{provider}{lossy.path}", json=lossy.body, headers=RIGHT)
    assert refused.status_code == 400
    assert name in error_of(protocol, refused.content)["message"]
    assert upstreams.asked == before
    assert web.post(f"{strict.url}/{provider}{usual.path}", json=usual.body, headers=RIGHT).status_code == 200


def structured(protocol: str) -> dict[str, Any]:
    format_ = {"name": "x", "strict": True, "schema": CITY_SCHEMA}
    return {
        "chat": {
            "temperature": 0.5,
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "response_format": {"type": "json_schema", "json_schema": format_},
        },
        "responses": {
            "temperature": 0.5,
            "instructions": "Be brief.",
            "text": {"format": {"type": "json_schema", **format_}},
        },
        "anthropic": {
            "temperature": 0.5,
            "system": "Be brief.",
            "output_config": {"format": {"type": "json_schema", "schema": CITY_SCHEMA}},
        },
        "gemini": {
            "systemInstruction": {"parts": [{"text": "Be brief."}]},
            "generationConfig": {
                "temperature": 0.5,
                "responseMimeType": "application/json",
                "responseJsonSchema": CITY_SCHEMA,
            },
        },
    }[protocol]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_17_structured_output_crosses_without_loss_in_strict_conversion(
    web: httpx.Client, strict: Proxy, protocol: str, provider: str
) -> None:
    """What maps cleanly is no loss: an ordinary agent request passes with strict_conversion on."""
    asked = plain(protocol, f"{PLAIN_MODEL[provider]}-json", **structured(protocol))
    answer = web.post(f"{strict.url}/{provider}{asked.path}", json=asked.body, headers=RIGHT)
    assert answer.status_code == 200, answer.text
