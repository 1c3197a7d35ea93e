"""Requests that are right in the client's protocol and, sent on naively, a 400 in the provider's. The strict fake must take each."""

from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Upstreams
from tests.e2e.proxy import Proxy
from tests.fakes.samples import ANTHROPIC_TOOLS, CLIENT_KEY, OPENAI_TOOLS, PNG, PNG_URL
from tests.fakes.scripts import TEXT, Script
from tests.grammar import fold_anthropic_answer, fold_chat_answer

type Body = dict[str, Any]

PATHS = {"chat": "/v1/chat/completions", "anthropic": "/v1/messages"}
HI: Body = {"role": "user", "content": "Hi"}


def call(id_: str, arguments: str = "{}", name: str = "get_weather") -> Body:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*each: Body, content: str | None = None) -> Body:
    return {"role": "assistant", "content": content, "tool_calls": list(each)}


def told(id_: str, content: object = "x") -> Body:
    return {"role": "tool", "tool_call_id": id_, "content": content}


def schema(**properties: Body) -> Body:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def formatted(wanted: Body) -> Body:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": wanted}}}


LOOP: Body = {"messages": [HI, calls(call("a"), call("b")), told("b"), told("a")], "tools": OPENAI_TOOLS}
SYSTEM: Body = {"role": "system", "content": "Be brief."}

CHAT: dict[str, Body] = {
    "9 a temperature above 1": {"temperature": 1.7},
    "9 temperature and top_p": {"temperature": 0.5, "top_p": 0.5},
    "9 no limit": {"max_tokens": None},
    "9 a limit above the model's": {"max_tokens": 999_999},
    "9 stop, also white space": {"stop": ["END", "\n", " "]},
    "9 what Anthropic has no field for": {
        "seed": 1,
        "n": 1,
        "logit_bias": {"5": 1},
        "frequency_penalty": 1,
        "logprobs": True,
    },
    "9 sampling on the newest model": {"model": "claude-opus-4-7-text", "temperature": 0.3, "top_p": 0.9},
    "7.2 effort on the newest model": {
        "model": "claude-opus-4-7-text",
        "reasoning_effort": "minimal",
        "temperature": 0,
    },
    "7.2 no effort on the newest model": {"model": "claude-opus-4-7-text", "reasoning_effort": "none"},
    "7.2 every effort": {"reasoning_effort": "xhigh"},
    "7.2 effort and a small limit": {"reasoning_effort": "high", "max_tokens": 100},
    "7.2 effort and no limit": {"reasoning_effort": "max", "max_tokens": None},
    "7.2 effort and sampling": {"reasoning_effort": "low", "temperature": 0, "top_p": 0.3},
    "7.2 effort and a forced tool": {"reasoning_effort": "low", "tools": OPENAI_TOOLS, "tool_choice": "required"},
    "7.2 effort in a loop without thinking": {**LOOP, "reasoning_effort": "medium"},
    "7.2 effort on a model that cannot": {"model": "claude-3-5-haiku-text", "reasoning_effort": "medium"},
    "2 system alone": {"messages": [SYSTEM]},
    "2 late system and developer": {"messages": [SYSTEM, HI, {"role": "developer", "content": "Now in German."}]},
    "2 system in the middle of a loop": {
        "messages": [HI, calls(call("a")), told("a"), SYSTEM, HI],
        "tools": OPENAI_TOOLS,
    },
    "2 the assistant first": {"messages": [{"role": "assistant", "content": "Hello!"}, HI]},
    "2 many user messages": {"messages": [HI, HI, {"role": "user", "content": "and", "name": "Ann"}]},
    "2 a prefill that ends in white space": {"messages": [HI, {"role": "assistant", "content": "So: \n"}]},
    "2 empty texts": {"messages": [SYSTEM, {"role": "user", "content": ""}, {"role": "assistant", "content": ""}, HI]},
    "2 an empty system text": {"messages": [{"role": "system", "content": ""}, HI]},
    "2 an empty part": {
        "messages": [{"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "x"}]}]
    },
    "3 a picture with detail": {
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG_URL, "detail": "high"}}]}
        ]
    },
    "3 a picture by address": {
        "messages": [
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://a.example/b.png"}}]}
        ]
    },
    "4 a tool without a schema": {"tools": [{"type": "function", "function": {"name": "now"}}]},
    "4 a strict tool": {
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "strict": True,
                    "parameters": schema(
                        a={"type": "string", "maxLength": 9, "pattern": "^x"}, b={"type": ["string", "null"]}
                    ),
                },
            }
        ]
    },
    "4 a schema with references": {
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "parameters": {
                        "type": "object",
                        "$defs": {"n": {"type": "object", "properties": {"next": {"$ref": "#/$defs/n"}}}},
                        "properties": {"n": {"$ref": "#/$defs/n"}},
                    },
                },
            }
        ]
    },
    "4.3 a custom tool": {"tools": [{"type": "custom", "custom": {"name": "shell", "description": "run"}}]},
    "5 one tool": {"tools": OPENAI_TOOLS, "tool_choice": {"type": "function", "function": {"name": "get_time"}}},
    "5 no tool": {"tools": OPENAI_TOOLS, "tool_choice": "none"},
    "5 one call at a time": {"tools": OPENAI_TOOLS, "parallel_tool_calls": False},
    "5 some tools": {
        "tools": OPENAI_TOOLS,
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [{"type": "function", "function": {"name": "get_time"}}]},
        },
    },
    "6 results out of order": LOOP,
    "6 calls in the history and no tools": {"messages": LOOP["messages"]},
    "6.1 ids with odd letters": {
        "messages": [HI, calls(call("call.1:ü"), call("call.1:ö")), told("call.1:ö"), told("call.1:ü")],
        "tools": OPENAI_TOOLS,
    },
    "6.2 arguments that are no JSON": {"messages": [HI, calls(call("a", "{oops")), told("a")], "tools": OPENAI_TOOLS},
    "6.2 arguments that are no object": {"messages": [HI, calls(call("a", "[1]")), told("a")], "tools": OPENAI_TOOLS},
    "6.2 no arguments": {"messages": [HI, calls(call("a", "")), told("a")], "tools": OPENAI_TOOLS},
    "6.3 an empty result": {"messages": [HI, calls(call("a"), content=""), told("a", "")], "tools": OPENAI_TOOLS},
    "6.3 a result in parts": {
        "messages": [HI, calls(call("a")), told("a", [{"type": "text", "text": "1"}, {"type": "text", "text": "2"}])],
        "tools": OPENAI_TOOLS,
    },
    "6 the legacy form": {
        "messages": [
            HI,
            {"role": "assistant", "content": None, "function_call": {"name": "get_time", "arguments": "{}"}},
            {"role": "function", "name": "get_time", "content": "noon"},
        ],
        "functions": [{"name": "get_time", "parameters": {"type": "object", "properties": {}}}],
    },
    "8 json_object": {
        "messages": [{"role": "user", "content": "json please"}],
        "response_format": {"type": "json_object"},
    },
    "8 a schema with every bound": formatted(
        schema(
            s={"type": "string", "minLength": 1, "pattern": "x", "format": "uri-reference"},
            n={"type": "integer", "minimum": 0, "multipleOf": 2},
            a={"type": "array", "items": {"type": "string"}, "minItems": 2, "uniqueItems": True},
            u={"oneOf": [{"type": "string"}, {"type": "null"}]},
        )
    ),
    "8 a schema on a model without": {"model": "claude-3-5-haiku-text", **formatted(schema(a={"type": "string"}))},
    "8 a schema and tools on a model without": {
        "model": "claude-3-5-haiku-text",
        "tools": OPENAI_TOOLS,
        **formatted(schema(a={"type": "string"})),
    },
    "10 bookkeeping": {
        "user": "ann@example.com",
        "metadata": {"a": "b"},
        "store": True,
        "service_tier": "flex",
        "verbosity": "low",
    },
    "10 too many cache marks": {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": str(i), "cache_control": {"type": "ephemeral"}}]}
            for i in range(6)
        ]
    },
}


def use(id_: str, name: str = "get_weather", **arguments: object) -> Body:
    return {"type": "tool_use", "id": id_, "name": name, "input": arguments}


def used(id_: str, content: object = "x", **more: object) -> Body:
    return {"type": "tool_result", "tool_use_id": id_, "content": content, **more}


def turn(role: str, *blocks: Body) -> Body:
    return {"role": role, "content": list(blocks)}


def text(words: str, **more: object) -> Body:
    return {"type": "text", "text": words, **more}


MARK = {"cache_control": {"type": "ephemeral"}}
PICTURE: Body = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
TOOLS: Body = {"tools": ANTHROPIC_TOOLS}

ANTHROPIC: dict[str, Body] = {
    "9 what Chat has no field for": {"top_k": 5, "service_tier": "auto", "inference_geo": "eu"},
    "9 six stop sequences": {"stop_sequences": list("ABCDEF")},
    "9 a limit for a reasoning model": {"model": "gpt-5.4-text", "max_tokens": 500},
    "9 a temperature for a reasoning model": {
        "model": "gpt-5.4-text",
        "thinking": {"type": "enabled", "budget_tokens": 2000},
    },
    "7.1 thinking on a plain model": {"thinking": {"type": "enabled", "budget_tokens": 2000}},
    "7.1 adaptive with an effort": {
        "model": "gpt-5.4-text",
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "max"},
    },
    "7.1 no thinking": {"model": "gpt-5.4-text", "thinking": {"type": "disabled"}},
    "2 a marked system list": {"system": [text("Be brief.", **MARK), text("x-anthropic-billing-header: cc_version=2")]},
    "2 a system turn": {"messages": [HI, {"role": "system", "content": "Now in German."}, HI]},
    "2 many user turns": {"messages": [HI, HI]},
    "2 a prefill": {"messages": [HI, turn("assistant", text("So:"))]},
    "10 marks everywhere": {
        "tools": [{**ANTHROPIC_TOOLS[0], **MARK}],
        "messages": [
            turn("user", text("x", **MARK)),
            turn("assistant", use("a") | MARK),
            turn("user", used("a", **MARK)),
        ],
    },
    "10 a long user id": {"metadata": {"user_id": "user_" + "0123456789abcdef" * 9}},
    "3 documents": {
        "messages": [
            turn(
                "user",
                text("Read."),
                {
                    "type": "document",
                    "title": "T",
                    "context": "C",
                    "citations": {"enabled": True},
                    "source": {"type": "text", "media_type": "text/plain", "data": "plain"},
                },
                {
                    "type": "search_result",
                    "source": "s",
                    "title": "t",
                    "content": [text("found")],
                    "citations": {"enabled": True},
                },
            )
        ]
    },
    "3 a picture by address": {
        "messages": [turn("user", {"type": "image", "source": {"type": "url", "url": "https://a.example/b.png"}})]
    },
    "4 a schema without properties": {"tools": [{"name": "f", "input_schema": {"type": "object"}}]},
    "4 extras of a tool": {
        "tools": [
            {**ANTHROPIC_TOOLS[0], "type": "custom", "input_examples": [{"city": "x"}], "eager_input_streaming": True}
        ]
    },
    "4.2 a name of 128 letters": {"tools": [{"name": "n" * 128, "input_schema": {"type": "object"}}]},
    "5 any tool, one at a time": {**TOOLS, "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
    "5 a named tool": {**TOOLS, "tool_choice": {"type": "tool", "name": "get_time"}},
    "5 no tool": {**TOOLS, "tool_choice": {"type": "none"}},
    "6 a call without input, an error, an empty result": {
        **TOOLS,
        "messages": [
            HI,
            turn("assistant", use("a", "get_time"), use("b", city="x"), use("c")),
            turn("user", used("b", "boom", is_error=True), used("c", ""), {"type": "tool_result", "tool_use_id": "a"}),
        ],
    },
    "6 results, then words and a picture": {
        **TOOLS,
        "messages": [
            HI,
            turn("assistant", text("ok"), use("a")),
            turn("user", used("a", [text("r"), PICTURE]), text("and?"), PICTURE),
        ],
    },
    "6 results in two turns": {
        **TOOLS,
        "messages": [
            HI,
            turn("assistant", use("a"), use("b")),
            turn("user", used("b")),
            turn("user", used("a"), text("x")),
        ],
    },
    "6 two pictures as results": {
        **TOOLS,
        "messages": [
            HI,
            turn("assistant", use("a"), use("b")),
            turn("user", used("a", [PICTURE]), used("b", [PICTURE])),
        ],
    },
    "7.4 reasoning of Anthropic in the history": {
        **TOOLS,
        "messages": [
            HI,
            turn(
                "assistant",
                {"type": "thinking", "thinking": "t", "signature": "c2ln"},
                {"type": "redacted_thinking", "data": "cg=="},
                use("a"),
            ),
            turn("user", used("a")),
        ],
    },
    "8 an output format": {
        "output_config": {"format": {"type": "json_schema", "schema": schema(a={"type": "string"})}}
    },
    "17 a hosted step in the history": {
        **TOOLS,
        "messages": [
            HI,
            turn(
                "assistant",
                {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}},
                {
                    "type": "web_search_tool_result",
                    "tool_use_id": "srvtoolu_1",
                    "content": [
                        {
                            "type": "web_search_result",
                            "url": "https://a.example",
                            "title": "t",
                            "encrypted_content": "e",
                        }
                    ],
                },
                text("Found."),
            ),
            HI,
        ],
    },
}


def ask(web: httpx.Client, proxy: Proxy, protocol: str, provider: str, change: Body, model: str) -> httpx.Response:
    body = {"model": model, "max_tokens": 4000, "messages": [HI], **change}
    body = {name: value for name, value in body.items() if value is not None}
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    return web.post(f"{proxy.url}/{provider}{PATHS[protocol]}", json=body, headers=headers)


@pytest.mark.parametrize("case", CHAT)
def test_a_chat_request_is_made_good_for_anthropic(web: httpx.Client, proxy: Proxy, case: str) -> None:
    answer = ask(web, proxy, "chat", "claude-custom", CHAT[case], "claude-sonnet-4-5-text")
    assert answer.status_code == 200, answer.text
    assert fold_chat_answer(answer.json()).text == "".join(TEXT)


@pytest.mark.parametrize("case", ANTHROPIC)
def test_an_anthropic_request_is_made_good_for_openai(web: httpx.Client, proxy: Proxy, case: str) -> None:
    answer = ask(web, proxy, "anthropic", "openai-custom", ANTHROPIC[case], "gpt-4.1-text")
    assert answer.status_code == 200, answer.text
    assert fold_anthropic_answer(answer.json()).text == "".join(TEXT)


# Right in the sense of the wider family of vendors and routers, not of the protocol's own vendor.
EXTENSIONS = {"10 too many cache marks"}


def test_the_tables_hold_what_the_clients_own_vendor_would_take(web: httpx.Client, upstreams: Upstreams) -> None:
    """Else a 400 would be the right answer, and the tables ask for miracles."""
    wrong = []
    for case, change in CHAT.items():
        body = {"max_completion_tokens": 4000, "messages": [HI], **change, "model": "gpt-4.1-text"}
        if "reasoning_effort" in change:
            body = {**body, "model": "gpt-5.4-text", "temperature": None}
        body = {name: value for name, value in body.items() if value is not None and name != "max_tokens"}
        headers = {"authorization": f"Bearer {upstreams.openai.key}", "user-agent": "aiclient/0"}
        answer = web.post(f"{upstreams.openai.url}/v1/chat/completions", json=body, headers=headers)
        wrong += [] if answer.status_code == 200 or case in EXTENSIONS else [(case, answer.json()["error"]["message"])]
    upstreams.claude.scripts["lenient"] = Script(
        lenient=True
    )  # for the signature, which another fake could have issued
    for case, change in ANTHROPIC.items():
        adaptive = (change.get("thinking") or {}).get("type") == "adaptive" or case == "2 a system turn"
        model = "claude-opus-4-7-lenient" if adaptive else "claude-sonnet-4-5-lenient"
        body = {"max_tokens": 4000, "messages": [HI], **change, "model": model}
        headers = {"x-api-key": upstreams.claude.key, "anthropic-version": "2023-06-01", "user-agent": "aiclient/0"}
        answer = web.post(f"{upstreams.claude.url}/v1/messages", json=body, headers=headers)
        wrong += [] if answer.status_code == 200 else [(case, answer.json()["error"]["message"])]
    assert wrong == []
