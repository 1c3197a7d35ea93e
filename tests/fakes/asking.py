"""How the tests of the fakes ask them: plain HTTP, a whole request with the one thing under test changed."""

from typing import Any

import httpx

from tests.fakes.anthropic import AnthropicFake
from tests.fakes.gemini import GeminiFake
from tests.fakes.openai import OpenAIFake
from tests.fakes.responses import ResponsesFake
from tests.fakes.samples import ANTHROPIC_KEY, GEMINI_KEY, OPENAI_KEY, RESPONSES_KEY

type JsonObject = dict[str, Any]

HTTP = httpx.Client(trust_env=False)
OBJECT: JsonObject = {"type": "object", "properties": {}}
USER: JsonObject = {"role": "user", "content": "Hi"}
THINK: JsonObject = {"thinking": {"type": "enabled", "budget_tokens": 2000}}


def ask_openai(fake: OpenAIFake, **body: object) -> httpx.Response:
    whole: JsonObject = {"model": "gpt-4.1-text", "messages": [USER], **body}
    headers = {"authorization": f"Bearer {OPENAI_KEY}", "user-agent": "aiclient/0"}
    return HTTP.post(f"{fake.url}/v1/chat/completions", json=whole, headers=headers)


def ask_responses(fake: ResponsesFake, at: str = "", **body: object) -> httpx.Response:
    """at: what follows `/v1/responses`."""
    whole: JsonObject = {"model": "gpt-4.1-text", "input": "Hi", **body}
    headers = {"authorization": f"Bearer {RESPONSES_KEY}", "user-agent": "aiclient/0"}
    return HTTP.post(f"{fake.url}/v1/responses{at}", json=whole, headers=headers)


def ask_anthropic(fake: AnthropicFake, query: str = "", **body: object) -> httpx.Response:
    whole: JsonObject = {"model": "claude-sonnet-4-5-text", "max_tokens": 4000, "messages": [USER], **body}
    headers = {"x-api-key": ANTHROPIC_KEY, "anthropic-version": "2023-06-01", "user-agent": "aiclient/0"}
    return HTTP.post(f"{fake.url}/v1/messages{query}", json=whole, headers=headers)


def ask_gemini(
    fake: GeminiFake, model: str = "gemini-2.5-flash-text", method: str = "generateContent", **body: object
) -> httpx.Response:
    """method: with its query, as `streamGenerateContent?alt=sse`."""
    whole: JsonObject = {"contents": [{"role": "user", "parts": [{"text": "Hi"}]}], **body}
    headers = {"x-goog-api-key": GEMINI_KEY, "user-agent": "aiclient/0"}
    return HTTP.post(f"{fake.url}/v1beta/models/{model}:{method}", json=whole, headers=headers)


def tool(name: str, schema: object, **more: object) -> list[JsonObject]:
    """A list with one tool, as Chat has it."""
    return [{"type": "function", "function": {"name": name, "parameters": schema, **more}}]
