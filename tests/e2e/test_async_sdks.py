"""The asynchronous halves of the SDKs, each over a provider of another protocol."""

from collections.abc import AsyncIterator

import anthropic
import openai
import pytest
from google import genai
from google.genai import types

from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY, OPENAI_TOOLS
from tests.fakes.scripts import TEXT


@pytest.fixture
async def chat(proxy: Proxy) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"{proxy.url}/claude-custom/v1"
    async with openai.AsyncOpenAI(api_key=CLIENT_KEY, base_url=url, max_retries=0) as client:
        yield client


@pytest.fixture
async def responses(proxy: Proxy) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"{proxy.url}/gemini-custom/v1"
    async with openai.AsyncOpenAI(api_key=CLIENT_KEY, base_url=url, max_retries=0) as client:
        yield client


@pytest.fixture
async def claude(proxy: Proxy) -> AsyncIterator[anthropic.AsyncAnthropic]:
    url = f"{proxy.url}/openai-custom"
    async with anthropic.AsyncAnthropic(api_key=CLIENT_KEY, base_url=url, max_retries=0) as client:
        yield client


@pytest.fixture
async def gemini(proxy: Proxy) -> AsyncIterator[genai.client.AsyncClient]:
    options = types.HttpOptions(base_url=f"{proxy.url}/openaiResponses-custom")
    async with genai.Client(api_key=CLIENT_KEY, http_options=options).aio as client:
        yield client


async def test_chat_streams_from_anthropic(chat: openai.AsyncOpenAI) -> None:
    stream = await chat.chat.completions.create(
        model="claude-sonnet-4-5-parallel",
        messages=[{"role": "user", "content": "Hi"}],
        tools=OPENAI_TOOLS,
        stream=True,
    )
    names = [
        call.function.name
        async for chunk in stream
        for choice in chunk.choices
        for call in choice.delta.tool_calls or []
        if call.function and call.function.name
    ]
    assert names == ["get_weather", "get_time"]
    whole = await chat.chat.completions.create(
        model="claude-sonnet-4-5-text", messages=[{"role": "user", "content": "Hi"}]
    )
    assert whole.choices[0].message.content == "".join(TEXT)


async def test_responses_streams_from_gemini(responses: openai.AsyncOpenAI) -> None:
    async with responses.responses.stream(model="gemini-2.5-flash-text", input="Hi", store=False) as stream:
        assert (await stream.get_final_response()).output_text == "".join(TEXT)
    whole = await responses.responses.create(model="gemini-2.5-flash-text", input="Hi", store=False)
    assert whole.output_text == "".join(TEXT)


async def test_anthropic_streams_from_chat(claude: anthropic.AsyncAnthropic) -> None:
    async with claude.messages.stream(
        model="gpt-4.1-text", max_tokens=100, messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        assert "".join([text async for text in stream.text_stream]) == "".join(TEXT)
    whole = await claude.messages.create(
        model="gpt-4.1-text", max_tokens=100, messages=[{"role": "user", "content": "Hi"}]
    )
    assert whole.content[0].to_dict()["text"] == "".join(TEXT)


async def test_gemini_streams_from_responses(gemini: genai.client.AsyncClient) -> None:
    stream = await gemini.models.generate_content_stream(model="gpt-4.1-text", contents="Hi")
    assert "".join([chunk.text or "" async for chunk in stream]) == "".join(TEXT)
    whole = await gemini.models.generate_content(model="gpt-4.1-text", contents="Hi")
    assert whole.text == "".join(TEXT)
