"""What the SDKs do on their own: chats that keep the history, tools that are called by the SDK, answers that refer to others."""

import json
from collections.abc import Iterator

import openai
import pytest
from google import genai
from google.genai import types
from pydantic import BaseModel

from tests.e2e import sent
from tests.e2e.conftest import Upstreams
from tests.e2e.plain import PLAIN_MODEL, PROVIDERS, REASONING_MODEL
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import SCRIPTS, Call, Reply, Script

ELSEWHERE = [provider for provider, wire in PROVIDERS.items() if wire != "gemini"]


class City(BaseModel):
    city: str
    degrees: float


@pytest.fixture
def gemini(proxy: Proxy, request: pytest.FixtureRequest) -> Iterator[tuple[genai.Client, str]]:
    """(google-genai, the provider it talks to)"""
    provider = str(request.param)
    with genai.Client(api_key=CLIENT_KEY, http_options=types.HttpOptions(base_url=f"{proxy.url}/{provider}")) as client:
        yield client, provider


@pytest.mark.parametrize("gemini", ELSEWHERE, indirect=True)
def test_a_chat_of_google_genai_goes_on_over_several_turns(
    gemini: tuple[genai.Client, str], upstreams: Upstreams
) -> None:
    """It sends back one Content for each chunk that it got, so the model's turns come in a row."""
    client, provider = gemini
    chat = client.chats.create(model=f"{REASONING_MODEL[provider]}-thinking")
    for question in ("6 x 7?", "Sure?", "Quite?"):
        said = "".join(chunk.text or "" for chunk in chat.send_message_stream(question))
        assert said == "42"
    roles = sent.roles(PROVIDERS[provider], upstreams.of(provider).requests[-1].json)
    assert roles == ["user", "assistant", "user", "assistant", "user"]


@pytest.mark.parametrize("gemini", PROVIDERS, indirect=True)
def test_google_genai_calls_a_python_function_by_itself(gemini: tuple[genai.Client, str], upstreams: Upstreams) -> None:
    client, provider = gemini
    asked: list[tuple[str, int]] = []

    def forecast(city: str, days: int) -> str:
        """The weather of some days."""
        asked.append((city, days))
        return "sunny ☀"

    call = Call("call_01", "forecast", ('{"city": "Zür', 'ich", "days": 3}'))
    after = SCRIPTS["tool"].after_tools
    upstreams.of(provider).scripts["afc"] = Script(Reply(calls=(call,), stop="tool_calls"), after)
    model = f"{REASONING_MODEL[provider]}-afc"
    answer = client.models.generate_content(
        model=model, contents="Weather?", config=types.GenerateContentConfig(tools=[forecast])
    )
    assert answer.text == "It is 21 °C."
    assert asked == [("Zürich", 3)]
    assert "sunny ☀" in json.dumps(upstreams.of(provider).requests[-1].json, ensure_ascii=False)


@pytest.mark.parametrize("gemini", PROVIDERS, indirect=True)
def test_8_google_genai_parses_an_answer_into_a_model(gemini: tuple[genai.Client, str]) -> None:
    client, provider = gemini
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=City)
    answer = client.models.generate_content(
        model=f"{PLAIN_MODEL[provider]}-json", contents="City and degrees?", config=config
    )
    assert answer.parsed == City(city="Zürich", degrees=21)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_8_the_openai_sdk_parses_answers_into_a_model(proxy: Proxy, provider: str) -> None:
    model = f"{PLAIN_MODEL[provider]}-json"
    with openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{proxy.url}/{provider}/v1", max_retries=0) as client:
        said = client.responses.parse(model=model, input="City and degrees?", text_format=City, store=False)
        assert said.output_parsed == City(city="Zürich", degrees=21)
        answer = client.chat.completions.parse(
            model=model, messages=[{"role": "user", "content": "City and degrees?"}], response_format=City
        )
        assert answer.choices[0].message.parsed == City(city="Zürich", degrees=21)


def test_1_2_in_bypass_a_responses_client_may_go_on_from_an_earlier_answer(proxy: Proxy) -> None:
    """What OpenAI keeps, OpenAI can be asked to go on from; elsewhere such a request is a 400."""
    with openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{proxy.url}/openaiResponses-custom/v1", max_retries=0) as client:
        first = client.responses.create(model="gpt-4.1-text", input="Hi")
        second = client.responses.create(model="gpt-4.1-text", input="And?", previous_response_id=first.id)
        assert second.output_text == "Hello, world!"
    with (
        openai.OpenAI(api_key=CLIENT_KEY, base_url=f"{proxy.url}/claude-custom/v1", max_retries=0) as client,
        pytest.raises(openai.BadRequestError, match="previous_response_id"),
    ):
        client.responses.create(model="claude-sonnet-4-5", input="And?", previous_response_id=first.id)
