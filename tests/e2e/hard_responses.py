"""Responses requests that are right, and sent on naively a 400 in another protocol. By section and what is hard; each a change
of the plain request."""

from typing import Any

from tests.fakes.samples import CITY_SCHEMA, PDF_URL, PNG_URL, RESPONSES_TOOLS

type Body = dict[str, Any]


def user(content: object = "Hi") -> Body:
    return {"role": "user", "content": content}


def call(id_: str, arguments: str = "{}", name: str = "get_weather", **more: object) -> Body:
    return {"type": "function_call", "call_id": id_, "name": name, "arguments": arguments, **more}


def told(id_: str, output: object = "x") -> Body:
    return {"type": "function_call_output", "call_id": id_, "output": output}


def said(*parts: Body, **more: object) -> Body:
    return {"type": "message", "role": "assistant", "content": list(parts), **more}


def text(words: str) -> Body:
    return {"type": "output_text", "text": words, "annotations": []}


TOOLS: Body = {"tools": RESPONSES_TOOLS}
CUSTOM: Body = {"type": "custom", "name": "shell", "description": "run", "format": {"type": "text"}}
PICTURE: Body = {"type": "input_image", "image_url": PNG_URL, "detail": "high"}
LOOP: Body = {**TOOLS, "input": [user(), call("a"), call("b"), told("b"), told("a")]}

RESPONSES: dict[str, Body] = {
    "9 a temperature above 1": {"temperature": 1.7},
    "9 temperature and top_p": {"temperature": 0.5, "top_p": 0.5},
    "9 no limit": {"max_output_tokens": None},
    "9 a limit above the model's": {"max_output_tokens": 999_999},
    "9 the smallest limit": {"max_output_tokens": 16},
    "7.2 every effort": {"reasoning": {"effort": "xhigh", "summary": "auto"}},
    "7.2 no effort": {"reasoning": {"effort": "none"}},
    "7.2 effort and a small limit": {"reasoning": {"effort": "high"}, "max_output_tokens": 100},
    "7.2 effort and a forced tool": {**TOOLS, "reasoning": {"effort": "low"}, "tool_choice": "required"},
    "7.2 effort in a loop without thinking": {**LOOP, "reasoning": {"effort": "medium"}},
    "2 instructions and developer messages": {
        "instructions": "Be brief.",
        "input": [
            {"role": "developer", "content": "In German."},
            user(),
            {"role": "system", "content": "In French."},
            user(),
        ],
    },
    "2 instructions alone would not do": {"instructions": "Be brief.", "input": "Hi"},
    "2 the assistant first": {"input": [said(text("Hello!")), user()]},
    "2 the assistant last": {"input": [user(), said(text("So: \n"))]},
    "2 many user messages": {"input": [user(), user(), user("and")]},
    "2 the assistant's words as a text": {"input": [user(), {"role": "assistant", "content": "Hello!"}, user()]},
    "2 empty texts": {"input": [user(""), said(text("")), user()]},
    "3 a picture": {"input": [user([{"type": "input_text", "text": "Look."}, PICTURE])]},
    "3 a document": {
        "input": [
            user(
                [
                    {"type": "input_file", "filename": "a.pdf", "file_data": PDF_URL},
                    {"type": "input_text", "text": "Read."},
                ]
            )
        ]
    },
    "4 a strict tool": {
        "tools": [{"type": "function", "name": "f", "strict": True, "parameters": CITY_SCHEMA, "description": "d"}]
    },
    "4 a tool without a schema": {"tools": [{"type": "function", "name": "now", "parameters": None, "strict": False}]},
    "4.3 a custom tool": {"tools": [CUSTOM]},
    "4.3 a custom tool and its call": {
        "tools": [CUSTOM],
        "input": [
            user(),
            {"type": "custom_tool_call", "call_id": "a", "name": "shell", "input": "ls\n"},
            {"type": "custom_tool_call_output", "call_id": "a", "output": "x"},
        ],
    },
    "4.3 a hosted tool": {"tools": [*RESPONSES_TOOLS, {"type": "web_search"}]},
    "4.3 a namespace": {
        "tools": [{"type": "namespace", "name": "files", "description": "d", "tools": [RESPONSES_TOOLS[0]]}],
    },
    "5 one tool": {**TOOLS, "tool_choice": {"type": "function", "name": "get_time"}},
    "5 no tool": {**TOOLS, "tool_choice": "none"},
    "5 one call at a time": {**TOOLS, "parallel_tool_calls": False},
    "5 some tools": {
        **TOOLS,
        "tool_choice": {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": "get_time"}],
        },
    },
    "6 results out of order": LOOP,
    "6 calls in the history and no tools": {"input": LOOP["input"]},
    "6 words between a call and its result": {**TOOLS, "input": [user(), call("a"), user("wait"), told("a")]},
    "6 words after a call": {**TOOLS, "input": [user(), said(text("1")), call("a"), said(text("2")), told("a")]},
    "6.1 ids with odd letters": {
        **TOOLS,
        "input": [user(), call("call.1:ü"), call("call.1:ö"), told("call.1:ö"), told("call.1:ü")],
    },
    "6.2 arguments that are no JSON": {**TOOLS, "input": [user(), call("a", "{oops"), told("a")]},
    "6.2 arguments that are no object": {**TOOLS, "input": [user(), call("a", "[1]"), told("a")]},
    "6.2 no arguments": {**TOOLS, "input": [user(), call("a", ""), told("a")]},
    "6.3 an empty result": {**TOOLS, "input": [user(), call("a"), told("a", "")]},
    "6.3 a picture as a result": {
        **TOOLS,
        "input": [user(), call("a"), told("a", [{"type": "input_text", "text": "r"}, PICTURE])],
    },
    "7.4 reasoning without a token": {
        "input": [user(), {"type": "reasoning", "id": "rs_1", "summary": []}, said(text("42")), user()]
    },
    "7.4 a refusal in the history": {"input": [user(), said({"type": "refusal", "refusal": "No."}), user()]},
    "8 json_object": {"input": "json please", "text": {"format": {"type": "json_object"}}},
    "8 a schema": {"text": {"format": {"type": "json_schema", "name": "n", "strict": True, "schema": CITY_SCHEMA}}},
    "8 verbosity": {"text": {"verbosity": "low"}},
    "10 bookkeeping": {
        "user": "ann@example.com",
        "metadata": {"a": "b"},
        "prompt_cache_key": "k",
        "safety_identifier": "s",
        "service_tier": "flex",
        "truncation": "auto",
        "max_tool_calls": 3,
    },
    "17 a hosted step in the history": {
        "input": [
            user(),
            {
                "type": "web_search_call",
                "id": "ws_1",
                "status": "completed",
                "action": {"type": "search", "query": "q", "queries": ["q"]},
            },
            said(text("Found."), status="completed", id="msg_1"),
            user(),
        ]
    },
}
# Where OpenAI itself wants what is stored, or another model.
NOT_OPENAIS = {"7.4 reasoning without a token", "17 a hosted step in the history"}
