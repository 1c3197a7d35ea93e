"""The demo model: what a first agent run needs, without an account."""

import json
from typing import Any

import pytest

from addons.providers.demo import Demo, example
from converters.collect import collect
from converters.events import Answer, AnswerCall, AnswerText
from converters.turns import Chat, Image, Text, Tool, ToolResult, Turn, Url

READ = Tool("read_file", schema={"type": "object", "properties": {"path": {"type": "string"}}, "required": ["path"]})
SEARCH = Tool("search", schema={"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]})


def say(text: str, *tools: Tool) -> Chat:
    return Chat("m", "chat", turns=[Turn("user", [Text(text)])], tools=list(tools))


def answer(chat: Chat) -> Answer:
    return collect(Demo().answer(chat))


def text_of(found: Answer) -> str:
    return "".join(part.text for part in found.parts if isinstance(part, AnswerText))


def test_it_says_plainly_what_it_is_and_what_to_do() -> None:
    found = answer(say("What is the weather?"))
    assert "not a real language model" in text_of(found)
    assert "OPENAI_API_KEY" in text_of(found)
    assert '"What is the weather?"' in text_of(found)
    assert found.finish is not None
    assert found.finish.reason == "stop"


def test_it_is_deterministic_ids_included() -> None:
    for chat in (say("Hi"), say("use the tool", READ), Chat("m", "chat")):
        assert list(Demo().answer(chat)) == list(Demo().answer(chat))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Please use a tool.", "read_file"),
        ("use the tools", "read_file"),
        ("call search now", "search"),
        ("SEARCH!", "search"),
        ("use the tool search", "search"),  # a name is more than the word
    ],
)
def test_it_calls_a_tool_that_is_asked_for(text: str, name: str) -> None:
    found = answer(say(text, READ, SEARCH))
    (call,) = found.parts
    assert isinstance(call, AnswerCall)
    assert call.name == name
    assert call.id.startswith("call_")
    assert json.loads(call.args_text) == ({"path": "demo"} if name == "read_file" else {"query": "demo"})
    assert found.finish is not None
    assert found.finish.reason == "tool_calls"


@pytest.mark.parametrize("text", ["toolbox", "research", "Hello", ""])
def test_it_calls_no_tool_that_is_not_asked_for(text: str) -> None:
    assert all(isinstance(part, AnswerText) for part in answer(say(text, READ, SEARCH)).parts)


def test_it_takes_instructions_after_the_users_turn_for_what_they_are() -> None:
    """Claude Code tells of its tools in a system message behind the prompt."""
    chat = say("Hello", READ)
    chat.turns.append(Turn("system", [Text("Read files with the tool read_file.")]))
    assert 'You wrote: "Hello"' in text_of(answer(chat))


def test_it_calls_no_tool_that_the_provider_would_have_to_run() -> None:
    assert text_of(answer(say("use the tool", Tool("web_search", kind="hosted"))))


def test_a_custom_tool_gets_free_text() -> None:
    (call,) = answer(say("use the tool", Tool("patch", kind="custom"))).parts
    assert isinstance(call, AnswerCall)
    assert (call.kind, call.args_text) == ("custom", "demo")


def test_it_reports_what_the_tool_answered_and_calls_no_second_one() -> None:
    chat = say("use the tool", READ)
    chat.turns.append(Turn("user", [ToolResult("c1", [Text("42 degrees")]), Text("use the tool")]))
    assert text_of(answer(chat)).endswith("the tool answered: 42 degrees")


def test_a_result_without_text_is_reported_too() -> None:
    chat = Chat("m", "chat", turns=[Turn("user", [ToolResult("c1", [Image(Url("https://x.test/a.png"))])])])
    assert text_of(answer(chat)).endswith("the tool answered: (no text)")


def test_what_is_quoted_is_cut() -> None:
    assert len(text_of(answer(say("x" * 100_000)))) < 1000


def test_it_reports_usage() -> None:
    usage = answer(say("Hi")).usage
    assert usage.input_total is not None
    assert usage.input_total > 0
    assert usage.output_total is not None
    assert usage.output_total > 10


REAL_SCHEMAS: list[dict[str, Any]] = [
    {"type": "object", "properties": {}},
    {},
    {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "properties": {
            "file_path": {"type": "string", "description": "absolute"},
            "offset": {"type": "number"},
            "limit": {"type": "integer", "exclusiveMinimum": 0, "maximum": 9007199254740991},
        },
        "required": ["file_path", "limit"],
        "additionalProperties": False,
    },
    {
        "type": "object",
        "properties": {
            "todos": {
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "object",
                    "properties": {
                        "content": {"type": "string", "minLength": 10},
                        "status": {"type": "string", "enum": ["pending", "done"]},
                        "done": {"type": "boolean"},
                    },
                    "required": ["content", "status", "done"],
                },
            },
            "when": {"anyOf": [{"type": "integer", "minimum": 7}, {"type": "null"}]},
            "mode": {"const": "fast"},
            "note": {"type": ["string", "null"]},
        },
        "required": ["todos", "when", "mode", "note"],
    },
    {"properties": {"a": {"oneOf": [{"type": "array", "items": {"type": "string"}}]}}, "required": ["a"]},
]


@pytest.mark.parametrize("schema", REAL_SCHEMAS)
def test_an_example_fits_the_schema(schema: dict[str, Any]) -> None:
    value = example(schema)
    assert isinstance(value, dict)
    assert misfit(value, schema) == ""


def misfit(value: Any, schema: dict[str, Any]) -> str:
    """A small validator of our own: what does not fit, "" if all does."""
    if "const" in schema:
        return "" if value == schema["const"] else f"{value!r} is not the constant"
    if "enum" in schema:
        return "" if value in schema["enum"] else f"{value!r} is none of the enum"
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return "" if any(not misfit(value, branch) for branch in schema[union]) else f"{value!r} fits no branch"
    kinds: dict[str, Any] = {
        "object": dict,
        "array": list,
        "string": str,
        "boolean": bool,
        "integer": int,
        "number": (int, float),
    }
    named = schema.get("type", "object")
    kind = named[0] if isinstance(named, list) else named
    if not isinstance(value, kinds[kind]) or (isinstance(value, bool) and kind in ("integer", "number")):
        return f"{value!r} is no {kind}"
    if kind in ("integer", "number"):
        low = value >= schema.get("minimum", value) and value > schema.get("exclusiveMinimum", value - 1)
        return "" if low else f"{value} is too small"
    if kind == "string":
        return "" if len(value) >= schema.get("minLength", 0) else f"{value!r} is too short"
    if kind == "array":
        if len(value) < schema.get("minItems", 0):
            return "too few items"
        return next((found for item in value if (found := misfit(item, schema.get("items", {})))), "")
    if kind == "object":
        missing = set(schema.get("required", [])) - value.keys()
        unknown = value.keys() - schema.get("properties", {}).keys()
        if missing or unknown:
            return f"missing {missing}, unknown {unknown}"
        return next((found for name in value if (found := misfit(value[name], schema["properties"][name]))), "")
    return ""


def test_a_hostile_schema_costs_little() -> None:
    schema: dict[str, Any] = {"type": "string", "minLength": 10**9}
    for _ in range(50):
        schema = {"type": "array", "minItems": 10**9, "items": schema}
    deep: dict[str, Any] = {"type": "object"}
    for _ in range(100):
        deep = {"type": "object", "properties": {"a": deep}, "required": ["a"] * 20}
    bounds: dict[str, Any] = {"type": "integer", "minimum": 1e308, "exclusiveMinimum": float("inf")}
    for hostile in (schema, deep, bounds):
        assert len(json.dumps(example(hostile))) < 10_000_000
    assert example({"type": [], "required": "x", "properties": [], "enum": [], "anyOf": [5]}, 1) == "demo"
