"""MCP: agents list the tools of a real MCP server, send them through the proxy as their protocol's tools, and run what the
model calls; and servers that the provider itself is to connect to (conversion rules 4.3, 17)."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e import atlas, sent
from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.mcp_agents import AGENTS
from tests.e2e.plain import PAIRS, PROVIDERS, REASONING_MODEL, RIGHT, error_of, own_provider, plain
from tests.e2e.proxy import Proxy
from tests.fakes.provider import FakeProvider
from tests.fakes.samples import ANTHROPIC_TOOLS, RESPONSES_TOOLS
from tests.fakes.scripts import HttpError, Script

CROSS = [(protocol, provider) for protocol, provider in PAIRS if PROVIDERS[provider] != protocol]
CROSS_NAMES = [f"{protocol}->{PROVIDERS[provider]}" for protocol, provider in CROSS]
DESCRIPTIONS = {
    "find_places": "Places that match. Größe egal.",
    "draw_map": "A map as a picture.",
    "delete_place": "Take a place off the map.",
}
# 4.4: what Gemini gets instead of `$ref`, `default`, `title` and `exclusiveMinimum`.
POINT = {
    "type": "object",
    "properties": {
        "latitude": {"type": "number", "minimum": -90, "maximum": 90},
        "longitude": {"type": "number"},
    },
    "required": ["latitude", "longitude"],
}
GEMINI_SCHEMAS: dict[str, Any] = {
    "find_places": {
        "type": "object",
        "properties": {
            "query": {"type": "string"},
            "kind": {"type": "string", "enum": ["café", "museum"], "description": '(default: "café")'},
            "near": {**POINT, "nullable": True, "description": "A place on the globe.\n(default: null)"},
            "limit": {"type": "integer", "minimum": 1, "description": "How many\n(default: 5)"},
            "zone": {"anyOf": [{"type": "integer"}, {"type": "string"}], "description": '(default: "local")'},
        },
        "required": ["query"],
    },
    "draw_map": {
        "type": "object",
        "properties": {"center": {**POINT, "description": "A place on the globe."}},
        "required": ["center"],
    },
    "delete_place": {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]},
}


@pytest.fixture(scope="module")
def called() -> list[str]:
    """The tools that were run, in order."""
    return []


@pytest.fixture(scope="module")
def server(called: list[str]) -> Iterator[str]:
    """The address of an MCP server."""
    with atlas.running(called) as url:
        yield url


@pytest.fixture(scope="module")
def schemas(server: str) -> dict[str, Any]:
    """The tools' schemas as the MCP client is told them."""

    async def listed() -> dict[str, Any]:
        async with atlas.connected(server) as mcp:
            return {tool.name: tool.input_schema for tool in (await mcp.list_tools()).tools}

    return asyncio.run(listed())


def played(upstreams: Upstreams, provider: str) -> FakeProvider:
    """The provider's fake, with a model that calls the MCP server's tools."""
    fake = upstreams.of(provider)
    fake.scripts["atlas"] = atlas.script()
    return fake


@pytest.mark.parametrize(("protocol", "provider"), CROSS, ids=CROSS_NAMES)
async def test_the_tools_of_an_mcp_server_are_called_across_two_protocols(
    protocol: str,
    provider: str,
    proxy: Proxy,
    upstreams: Upstreams,
    server: str,
    called: list[str],
    schemas: dict[str, Any],
) -> None:
    fake, wire = played(upstreams, provider), PROVIDERS[provider]
    before, ran = len(fake.requests), len(called)
    async with atlas.connected(server) as mcp:
        said = await AGENTS[protocol](f"{proxy.url}/{provider}", f"{REASONING_MODEL[provider]}-atlas", mcp)

    assert said == atlas.DONE
    assert sorted(called[ran:]) == sorted(DESCRIPTIONS)
    asked: list[Any] = [request.json for request in fake.requests[before:]]
    assert len(asked) == 2
    assert asked[0]["tools"] == asked[1]["tools"]
    expected = declared_by_google(schemas) if protocol == "gemini" else schemas
    assert declared(wire, asked[0]) == {
        name: (text, GEMINI_SCHEMAS[name] if wire == "gemini" else expected[name])
        for name, text in DESCRIPTIONS.items()
    }
    assert sent.calls(wire, asked[1]) == [
        (atlas.IDS[name], name, arguments) for name, arguments in atlas.ARGUMENTS.items()
    ]
    assert results(wire, asked[1]) == told(wire, protocol)


def declared(wire: str, body: dict[str, Any]) -> dict[str, tuple[str, Any]]:
    """Name -> (description, schema) of what the provider was offered."""
    match wire:
        case "gemini":
            (tool,) = body["tools"]
            return {
                one["name"]: (one["description"], one.get("parametersJsonSchema"))
                for one in tool["functionDeclarations"]
            }
        case "anthropic":
            return {one["name"]: (one["description"], one["input_schema"]) for one in body["tools"]}
        case "responses":
            assert all(one["strict"] is False for one in body["tools"])
            return {one["name"]: (one["description"], one["parameters"]) for one in body["tools"]}
        case _:
            functions = [one["function"] for one in body["tools"]]
            return {one["name"]: (one["description"], one["parameters"]) for one in functions}


def declared_by_google(schemas: dict[str, Any]) -> dict[str, Any]:
    """What google-genai makes of them: `$ref` inlined, `exclusiveMinimum` lost, upper-case types; and we of that (4.1)."""
    point = {**schemas["find_places"]["$defs"]["Point"]}
    del point["title"]
    point["properties"] = {
        name: {key: value for key, value in one.items() if key != "title"} for name, one in point["properties"].items()
    }
    found = json.loads(json.dumps(schemas))
    for schema in found.values():
        schema.pop("$defs", None)
    properties = found["find_places"]["properties"]
    properties["near"] = {**point, "type": ["object", "null"]}
    del properties["limit"]["exclusiveMinimum"]
    found["draw_map"]["properties"]["center"] = point
    return dict(found)


def results(wire: str, body: dict[str, Any]) -> list[Any]:
    """The turns after the calls, as they went upstream."""
    turns = sent.turns(wire, body)
    match wire:
        case "gemini":
            return [part["functionResponse"] for part in turns[-1]["parts"]]
        case "anthropic":
            return list(turns[-1]["content"])
        case "responses":
            return [item for item in turns if item.get("type") == "function_call_output"]
        case _:
            return turns[2:]


def told(wire: str, protocol: str) -> list[Any]:
    """6.3: what each provider must have got. The OpenAI protocols have no word for a failed call, so their clients' results
    bear none."""
    find, draw, delete = atlas.IDS.values()
    failed = protocol not in ("chat", "responses")
    match wire:
        case "gemini":
            picture = {"inlineData": {"mimeType": "image/png", "data": atlas.MAP}}
            return [
                {"id": find, "name": "find_places", "response": {"output": atlas.FOUND}},
                {"id": draw, "name": "draw_map", "response": {"output": ""}, "parts": [picture]},
                {"id": delete, "name": "delete_place", "response": {"error" if failed else "output": atlas.MISSING}},
            ]
        case "anthropic":
            source = {"type": "base64", "media_type": "image/png", "data": atlas.MAP}
            return [
                {"type": "tool_result", "tool_use_id": find, "content": atlas.FOUND},
                {"type": "tool_result", "tool_use_id": draw, "content": [{"type": "image", "source": source}]},
                {"type": "tool_result", "tool_use_id": delete, "content": atlas.MISSING}
                | ({"is_error": True} if failed else {}),
            ]
        case "responses":
            image = {"type": "input_image", "detail": "auto", "image_url": f"data:image/png;base64,{atlas.MAP}"}
            return [
                {"type": "function_call_output", "call_id": find, "output": atlas.FOUND},
                {"type": "function_call_output", "call_id": draw, "output": [image]},
                {"type": "function_call_output", "call_id": delete, "output": atlas.MISSING},
            ]
        case _:
            url = {"url": f"data:image/png;base64,{atlas.MAP}"} | (
                {"detail": "auto"} if protocol == "responses" else {}
            )
            return [
                {"role": "tool", "tool_call_id": find, "content": atlas.FOUND},
                {"role": "tool", "tool_call_id": draw, "content": f"[image 1 of call {draw}]"},
                {"role": "tool", "tool_call_id": delete, "content": atlas.MISSING},
                {"role": "user", "content": [{"type": "image_url", "image_url": url}]},
            ]


async def test_a_refused_thread_passes_so_that_the_sdk_sends_the_whole_history(
    proxy: Proxy, upstreams: Upstreams, server: str
) -> None:
    """1.2: the SDK's tool runner lets the provider keep the history if it can, and reads in the error that it cannot."""
    fake = played(upstreams, "claude-custom")
    refusal = {"error_code": "thread_unsupported_request", "unsupported": ["thread"]}
    error = {"type": "invalid_request_error", "message": "no threads", "details": refusal}
    body = json.dumps({"type": "error", "error": error, "request_id": "req_fake"}).encode()
    script = atlas.script()
    fake.scripts["nothread"] = Script(script.reply, script.after_tools, error=HttpError(400, body=body), first_errors=1)
    before = len(fake.requests)
    async with atlas.connected(server) as mcp:
        said = await AGENTS["anthropic"](f"{proxy.url}/claude-custom", "claude-sonnet-4-5-nothread", mcp)
    assert said == atlas.DONE
    threads = [request.json.get("thread") for request in fake.requests[before:]]
    assert threads == [{"type": "create"}, None, None]


# --- servers that the provider connects to ---

SECRETS = {"authorization": "mcp-oauth-token-4715", "header": "mcp-header-token-4716"}
HOSTED: dict[str, dict[str, Any]] = {
    "responses": {
        "tools": [
            {
                "type": "mcp",
                "server_label": "atlas",
                "server_url": "https://mcp.example/sse",
                "authorization": SECRETS["authorization"],
                "headers": {"X-Key": SECRETS["header"]},
                "require_approval": "never",
                "allowed_tools": ["find_places"],
            }
        ]
    },
    "anthropic": {
        "mcp_servers": [
            {
                "type": "url",
                "name": "atlas",
                "url": "https://mcp.example/sse",
                "authorization_token": SECRETS["authorization"],
            }
        ],
        "tools": [{"type": "mcp_toolset", "mcp_server_name": "atlas", "default_config": {"enabled": True}}],
    },
}
DROPPED = {"responses": "tools.mcp", "anthropic": "tools.mcp_toolset,mcp_servers"}
FUNCTIONS = {"responses": RESPONSES_TOOLS, "anthropic": ANTHROPIC_TOOLS}
FORCED = {
    "responses": [{"type": "mcp", "server_label": "atlas"}, "required"],
    "anthropic": [{"type": "any"}],
}
HOSTED_CROSS = [(protocol, provider) for protocol, provider in CROSS if protocol in HOSTED]
HOSTED_NAMES = [f"{protocol}->{PROVIDERS[provider]}" for protocol, provider in HOSTED_CROSS]
BETA = {"anthropic-beta": "mcp-client-2025-11-20"}


def ask(web: httpx.Client, proxy: Proxy, protocol: str, provider: str, **more: Any) -> httpx.Response:
    request = plain(protocol, f"{REASONING_MODEL[provider]}-text", **more)
    headers = {**RIGHT, **(BETA if protocol == "anthropic" else {})}
    return web.post(f"{proxy.url}/{provider}{request.path}", content=request.raw, headers=headers)


@pytest.mark.parametrize("protocol", HOSTED)
def test_1_2_a_hosted_server_passes_as_it_came_to_a_provider_of_the_same_protocol(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str
) -> None:
    provider = own_provider(protocol)
    fake = upstreams.of(provider)
    answer = ask(web, proxy, protocol, provider, **HOSTED[protocol])
    assert answer.status_code == 200, answer.text
    expected = plain(protocol, f"{REASONING_MODEL[provider]}-text", **HOSTED[protocol]).raw
    assert fake.requests[-1].body == expected
    assert fake.requests[-1].header("anthropic-beta") == (BETA["anthropic-beta"] if protocol == "anthropic" else None)


@pytest.mark.parametrize(("protocol", "provider"), HOSTED_CROSS, ids=HOSTED_NAMES)
def test_17_a_hosted_server_is_left_out_elsewhere_and_named(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str, provider: str
) -> None:
    """With functions beside it, which stay, and without; its credentials go to nobody."""
    fake = upstreams.of(provider)
    for functions in ([], FUNCTIONS[protocol]):
        wish = {**HOSTED[protocol], "tools": [*HOSTED[protocol]["tools"], *functions]}
        answer = ask(web, proxy, protocol, provider, **wish)
        assert answer.status_code == 200, answer.text
        named = answer.headers["x-aiclient-conversion"]
        assert named.startswith(f"{protocol}->{PROVIDERS[provider]}; dropped={DROPPED[protocol]}"), named
        body: Any = fake.requests[-1].json
        assert list(declared(PROVIDERS[provider], body) if functions else body.get("tools", [])) == [
            one["name"] for one in functions
        ]
        for told_nobody in (*SECRETS.values(), "mcp.example", "atlas", "allowed_tools"):
            assert told_nobody.encode() not in fake.requests[-1].body
    log = proxy.log.read_bytes()
    assert all(secret.encode() not in log for secret in SECRETS.values())


@pytest.mark.parametrize(("protocol", "provider"), HOSTED_CROSS, ids=HOSTED_NAMES)
def test_4_3_a_choice_that_needs_the_hosted_server_is_refused(
    web: httpx.Client, proxy: Proxy, upstreams: Upstreams, protocol: str, provider: str
) -> None:
    asked = upstreams.asked
    for choice in FORCED[protocol]:
        answer = ask(web, proxy, protocol, provider, **HOSTED[protocol], tool_choice=choice)
        assert answer.status_code == 400
        error = error_of(protocol, answer.content)
        assert "tool_choice" in error["message"]
        assert error.get("param", "tool_choice") == "tool_choice"
    assert upstreams.asked == asked


@pytest.fixture(scope="module")
def strict(start: Launch, upstreams: Upstreams) -> Proxy:
    return start("strict-mcp", {**upstreams.settings, "STRICT_CONVERSION": "true"})


def test_17_with_strict_conversion_a_hosted_server_is_refused_and_its_credentials_are_told_nobody(
    web: httpx.Client, strict: Proxy, upstreams: Upstreams
) -> None:
    """Nor are they in the log. (A dump holds what client and provider said to each other.)"""
    asked, answers = upstreams.asked, []
    for protocol, provider in HOSTED_CROSS:
        answers.append(ask(web, strict, protocol, provider, **HOSTED[protocol]))
        assert answers[-1].status_code == 400
        assert f"`{DROPPED[protocol].partition(',')[0]}`" in error_of(protocol, answers[-1].content)["message"]
    assert upstreams.asked == asked
    for protocol in HOSTED:  # same protocol: a good answer, and an error
        provider = own_provider(protocol)
        assert ask(web, strict, protocol, provider, **HOSTED[protocol]).status_code == 200
        broken = {**HOSTED[protocol], "top_p": "much"}
        answers.append(ask(web, strict, protocol, provider, **broken))
        assert answers[-1].status_code == 400
    written = strict.log.read_bytes() + b"".join(repr(a.headers.raw).encode() + a.content for a in answers)
    assert b"HTTP" in written or b"400" in written
    for secret in SECRETS.values():
        assert secret.encode() not in written
