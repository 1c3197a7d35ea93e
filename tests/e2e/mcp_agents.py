"""Agents with an MCP server's tools, one for each protocol: list the tools, ask, run what is called, send the results, until words come.

Where an SDK has a bridge to MCP of its own, it is what an agent uses; for the OpenAI protocols agents do these few lines themselves.
"""

import json
from collections.abc import Awaitable, Mapping
from typing import Any, Protocol

import anthropic
import openai
from anthropic.lib.tools.mcp import async_mcp_tool
from google import genai
from google.genai import types
from mcp import ClientSession
from mcp.types import CallToolResult, ContentBlock, ImageContent, TextContent

from tests.fakes.samples import CLIENT_KEY

QUESTION = "Where is coffee?"


class Agent(Protocol):
    """url: of the proxy with the provider's prefix. Returns the final words."""

    def __call__(self, url: str, model: str, mcp: ClientSession) -> Awaitable[str]: ...


async def chat(url: str, model: str, mcp: ClientSession) -> str:
    """Pictures stand in the tool message: not in the API's types, but what agents with MCP tools send."""
    tools: list[Any] = [
        {
            "type": "function",
            "function": {"name": tool.name, "description": tool.description, "parameters": tool.input_schema},
        }
        for tool in (await mcp.list_tools()).tools
    ]
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    async with openai.AsyncOpenAI(api_key=CLIENT_KEY, base_url=f"{url}/v1", max_retries=0) as sdk:
        while True:
            answer = await sdk.chat.completions.create(model=model, messages=messages, tools=tools)
            message = answer.choices[0].message
            if not message.tool_calls:
                return message.content or ""
            messages.append(message.to_dict())
            for call in message.tool_calls:
                assert call.type == "function"
                result = await run(mcp, call.function.name, call.function.arguments)
                content = [_chat_part(block) for block in result.content]
                messages.append({"role": "tool", "tool_call_id": call.id, "content": content})


async def responses(url: str, model: str, mcp: ClientSession) -> str:
    tools: list[Any] = [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.input_schema,
            "strict": False,
        }
        for tool in (await mcp.list_tools()).tools
    ]
    items: list[Any] = [{"role": "user", "content": QUESTION}]
    async with openai.AsyncOpenAI(api_key=CLIENT_KEY, base_url=f"{url}/v1", max_retries=0) as sdk:
        while True:
            answer = await sdk.responses.create(model=model, input=items, tools=tools, store=False)
            calls = [item for item in answer.output if item.type == "function_call"]
            if not calls:
                return answer.output_text
            items += answer.output
            for call in calls:
                result = await run(mcp, call.name, call.arguments)
                output = [_responses_part(block) for block in result.content]
                items.append({"type": "function_call_output", "call_id": call.call_id, "output": output})


async def messages(url: str, model: str, mcp: ClientSession) -> str:
    """The SDK's bridge and its tool runner."""
    tools = [async_mcp_tool(tool, mcp) for tool in (await mcp.list_tools()).tools]
    async with anthropic.AsyncAnthropic(api_key=CLIENT_KEY, base_url=url, max_retries=0) as sdk:
        runner = sdk.beta.messages.tool_runner(
            model=model, max_tokens=3000, tools=tools, messages=[{"role": "user", "content": QUESTION}]
        )
        message = await runner.until_done()
        return "".join(block.text for block in message.content if block.type == "text")


async def generate_content(url: str, model: str, mcp: ClientSession) -> str:
    """The SDK takes the MCP client itself as a tool, and calls for as long as the model wishes."""
    options = types.HttpOptions(base_url=url)
    async with genai.Client(api_key=CLIENT_KEY, http_options=options).aio as sdk:
        answer = await sdk.models.generate_content(model=model, contents=QUESTION, config={"tools": [mcp]})
        return answer.text or ""


AGENTS: Mapping[str, Agent] = {
    "chat": chat,
    "responses": responses,
    "anthropic": messages,
    "gemini": generate_content,
}


async def run(mcp: ClientSession, name: str, arguments: str) -> CallToolResult:
    result = await mcp.call_tool(name, json.loads(arguments))
    assert isinstance(result, CallToolResult)
    return result


def _chat_part(block: ContentBlock) -> dict[str, Any]:
    if isinstance(block, ImageContent):
        return {"type": "image_url", "image_url": {"url": f"data:{block.mime_type};base64,{block.data}"}}
    assert isinstance(block, TextContent)
    return {"type": "text", "text": block.text}


def _responses_part(block: ContentBlock) -> dict[str, Any]:
    if isinstance(block, ImageContent):
        url = f"data:{block.mime_type};base64,{block.data}"
        return {"type": "input_image", "image_url": url, "detail": "auto"}
    assert isinstance(block, TextContent)
    return {"type": "input_text", "text": block.text}
