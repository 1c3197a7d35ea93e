"""Chat requests that are right, and sent on naively a 400 in another protocol. By section and what is hard; each a change of
the plain request."""

from typing import Any

from tests.fakes.samples import OPENAI_TOOLS, PNG_URL

type Body = dict[str, Any]

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
