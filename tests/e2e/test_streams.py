"""However a provider's bytes are cut, wrapped and decorated, the client's stream is the same and right."""

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor

import anthropic
import httpx
import openai
import pytest

from tests.e2e.conftest import Pair
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY, OPENAI_TOOLS
from tests.fakes.scripts import TEXT
from tests.grammar import check_anthropic_stream, check_chat_stream

FORMS = ["bytes", "sevens", "one", "crlf", "crlfbytes", "cr", "comments", "noise", "prelude", "slow", "late"]


@pytest.mark.parametrize("form", FORMS)
def test_20_2_any_cut_of_the_upstream_bytes_gives_the_same_answer(pair: Pair, form: str) -> None:
    if pair.same and form == "noise":
        pytest.skip(
            "in bypass the noise is the provider's own, and OpenAI's SDK trips over it with and without a proxy"
        )
    if pair.same:
        answer = pair.client.sdk_text(pair.model(form))
    else:
        answer = pair.client.ask(pair.model(form), [pair.client.user("Hi")], stream=True).folded.text
    assert answer == "".join(TEXT)


@pytest.mark.parametrize("form", ["usagefinish", "usageevery"])
def test_12_usage_is_read_wherever_a_compatible_vendor_puts_it(pair: Pair, form: str) -> None:
    if (pair.client.protocol, pair.provider) != ("anthropic", "openai-custom"):
        pytest.skip("a matter of Chat vendors, and in bypass their own")
    usage = pair.client.ask(pair.model(form), [pair.client.user("Hi")], stream=True).folded.usage or {}
    assert (usage["input_tokens"], usage["output_tokens"]) == (25, 12)


def test_14_7_a_provider_that_forgets_done_ends_well_all_the_same(pair: Pair) -> None:
    """finish_reason was there, `[DONE]` was not. (Anthropic's stream without message_stop, after its stop reason.)"""
    assert pair.client.sdk_text(pair.model("nodone")) == "".join(TEXT)


def test_1_4_a_whole_answer_to_a_stream_request_becomes_a_stream(pair: Pair) -> None:
    """1.4 Decided by the answer's content type, not by what was asked."""
    answer = pair.client.ask(pair.model("wholejson"), [pair.client.user("Hi")], stream=True)
    assert answer.folded.text == "".join(TEXT)


def test_text_is_not_held_back(pair: Pair) -> None:
    """The first words are with the client while the provider is still at it: 200 words, one each 50 ms."""
    protocol, provider = pair.client.protocol, pair.provider
    path = {"chat": "/v1/chat/completions", "anthropic": "/v1/messages"}[protocol]
    body = {"model": pair.model("paced"), "max_tokens": 100, "stream": True, "messages": [pair.client.user("Hi")]}
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    url = f"{pair.proxy.url}/{provider}{path}"
    with httpx.stream("POST", url, json=body, headers=headers, trust_env=False, timeout=10) as answer:
        seen = b""
        for part in answer.iter_raw():
            seen += part
            if seen.count(b"tick ") >= 3:
                break
        assert not pair.sent[-1].answered.is_set()


@pytest.fixture
async def async_openai(proxy: Proxy) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(
        api_key=CLIENT_KEY, base_url=f"{proxy.url}/claude-custom/v1", max_retries=0
    ) as client:
        yield client


@pytest.fixture
async def async_anthropic(proxy: Proxy) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(
        api_key=CLIENT_KEY, base_url=f"{proxy.url}/openai-custom", max_retries=0
    ) as client:
        yield client


async def test_the_async_openai_sdk_streams_from_anthropic(async_openai: openai.AsyncOpenAI) -> None:
    stream = await async_openai.chat.completions.create(
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
    whole = await async_openai.chat.completions.create(
        model="claude-sonnet-4-5-text", messages=[{"role": "user", "content": "Hi"}]
    )
    assert whole.choices[0].message.content == "".join(TEXT)


async def test_the_async_anthropic_sdk_streams_from_openai(async_anthropic: anthropic.AsyncAnthropic) -> None:
    async with async_anthropic.messages.stream(
        model="gpt-4.1-text", max_tokens=100, messages=[{"role": "user", "content": "Hi"}]
    ) as stream:
        assert "".join([text async for text in stream.text_stream]) == "".join(TEXT)
    whole = await async_anthropic.messages.create(
        model="gpt-4.1-text", max_tokens=100, messages=[{"role": "user", "content": "Hi"}]
    )
    assert whole.content[0].to_dict()["text"] == "".join(TEXT)


def test_many_streams_at_once_do_not_mix(web: httpx.Client, proxy: Proxy) -> None:
    """50 clients of both protocols on both providers, each with its own text."""

    def one(number: int) -> str:
        protocol = ("chat", "anthropic")[number % 2]
        provider, model = (("openai-custom", "gpt-4.1-unicode"), ("claude-custom", "claude-sonnet-4-5-unicode"))[
            number // 2 % 2
        ]
        path = {"chat": "/v1/chat/completions", "anthropic": "/v1/messages"}[protocol]
        body = {
            "model": model,
            "max_tokens": 100,
            "stream": True,
            "messages": [{"role": "user", "content": str(number)}],
        }
        headers = {"x-api-key": CLIENT_KEY}
        raw = web.post(f"{proxy.url}/{provider}{path}", json=body, headers=headers).content
        return (check_chat_stream if protocol == "chat" else check_anthropic_stream)(raw).text

    with ThreadPoolExecutor(25) as pool:
        assert len(set(pool.map(one, range(50)))) == 1
