"""4.1, 4.3, 5: tools and tool choice of a client's request."""

import pytest

from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.openai_chat.parse_tools import parse_tool_choice, parse_tools
from converters.turns import Cache, Tool, ToolChoice

SCHEMA: JsonObject = {"type": "object", "properties": {"city": {"type": "string"}}}


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}},
            Tool("f", "d", SCHEMA, True),
        ),
        ({"function": {"name": "f"}}, Tool("f")),
        ({"type": "function", "function": {"name": "f", "parameters": None}}, Tool("f")),
        (
            {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            Tool("f", cache=Cache("1h")),
        ),
        (
            {"type": "function", "function": {"name": "f", "cache_control": {"type": "ephemeral"}}},
            Tool("f", cache=Cache()),
        ),
        ({"type": "custom", "custom": {"name": "c", "description": "d"}}, Tool("c", "d", kind="custom")),
        ({"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}, Tool("c", kind="custom")),
        (
            {
                "type": "custom",
                "custom": {
                    "name": "c",
                    "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}},
                },
            },
            Tool("c", kind="custom", grammar={"syntax": "lark", "definition": "start: X"}),
        ),
        (
            {"type": "web_search", "depth": 2},
            Tool(
                "web_search", kind="hosted", kind_name="web_search", native=("chat", {"type": "web_search", "depth": 2})
            ),
        ),
    ],
)
def test_4_1_tools_are_read(tool: JsonObject, expected: Tool) -> None:
    assert parse_tools({"tools": [tool]}) == [expected]


def test_4_1_legacy_functions_are_tools() -> None:
    assert parse_tools({"functions": [{"name": "f", "description": "d", "parameters": SCHEMA}]}) == [
        Tool("f", "d", SCHEMA)
    ]


@pytest.mark.parametrize(
    ("tools", "param"),
    [
        ({}, "tools"),
        (["f"], "tools[0]"),
        ([{"type": "function"}], "tools[0].function"),
        ([{"type": "function", "function": {}}], "tools[0].function.name"),
        ([{"type": "function", "function": {"name": "f", "parameters": "{}"}}], "tools[0].function.parameters"),
        ([{"type": "function", "function": {"name": "f", "strict": "yes"}}], "tools[0].function.strict"),
        ([{"type": "custom", "custom": {}}], "tools[0].custom.name"),
        (
            [{"type": "custom", "custom": {"name": "c", "format": {"type": "grammar"}}}],
            "tools[0].custom.format.grammar",
        ),
        (
            [{"type": "custom", "custom": {"name": "c", "format": {"type": "grammar", "grammar": {"syntax": "lark"}}}}],
            "tools[0].custom.format.grammar.definition",
        ),
    ],
)
def test_17_a_malformed_tool_is_a_400_with_its_path(tools: Json, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        parse_tools({"tools": tools})
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ("any", ToolChoice("required")),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("required", ("f",))),
        ({"type": "custom", "custom": {"name": "c"}}, ToolChoice("required", ("c",))),
        ({"type": "function", "name": "f"}, ToolChoice("required", ("f",))),
        (
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [
                        {"type": "function", "function": {"name": "f"}},
                        {"type": "custom", "custom": {"name": "c"}},
                    ],
                },
            },
            ToolChoice("required", ("f", "c")),
        ),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "name": "f"}]}},
            ToolChoice("auto", ("f",)),
        ),
        ({"type": "web_search"}, ToolChoice("required", hosted="web_search")),
        (None, None),
    ],
)
def test_5_tool_choice_is_read(choice: Json, expected: ToolChoice | None) -> None:
    assert parse_tool_choice({"tool_choice": choice}) == expected


@pytest.mark.parametrize(
    ("choice", "expected"),
    [("auto", ToolChoice("auto")), ("none", ToolChoice("none")), ({"name": "f"}, ToolChoice("required", ("f",)))],
)
def test_5_the_legacy_function_call_is_a_choice(choice: Json, expected: ToolChoice) -> None:
    assert parse_tool_choice({"function_call": choice}) == expected


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tool_choice": "maybe"}, "tool_choice"),
        ({"tool_choice": []}, "tool_choice"),
        ({"tool_choice": {}}, "tool_choice.type"),
        ({"tool_choice": {"type": "function"}}, "tool_choice.function"),
        ({"tool_choice": {"type": "function", "function": {}}}, "tool_choice.function.name"),
        ({"tool_choice": {"type": "allowed_tools"}}, "tool_choice.allowed_tools"),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "all", "tools": [{}]}}},
            "tool_choice.allowed_tools.mode",
        ),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": []}}},
            "tool_choice.allowed_tools.tools",
        ),
        (
            {"tool_choice": {"type": "allowed_tools", "allowed_tools": {"mode": "auto", "tools": [{"type": "mcp"}]}}},
            "tool_choice.allowed_tools.tools[0]",
        ),
        ({"function_call": "required!"}, "function_call"),
        ({"function_call": {}}, "function_call.name"),
    ],
)
def test_17_a_malformed_choice_is_a_400(body: JsonObject, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        parse_tool_choice(body)
    assert caught.value.param == param
