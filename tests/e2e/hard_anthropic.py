"""Messages requests that are right, and sent on naively a 400 in another protocol. By section and what is hard; each a change
of the plain request."""

from tests.e2e.hard_chat import HI, Body, schema
from tests.fakes.samples import ANTHROPIC_TOOLS, PNG


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
