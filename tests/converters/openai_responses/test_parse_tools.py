"""4.1, 4.3, 5: tools and tool choice of a client."""

from typing import Any

import pytest

from converters.errors import ConversionError
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.openai_responses.parse_tools import flat_name, namespaces, parse_tool_choice, parse_tools
from converters.turns import Cache, Tool, ToolChoice

SCHEMA: JsonObject = {"type": "object", "properties": {}}


def parse(*tools: Any) -> list[Tool]:
    return parse_tools({"tools": list(tools)}, "", Loss())


def test_4_1_a_function_is_flat() -> None:
    assert parse({"type": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": True}) == [
        Tool("f", "d", SCHEMA, True)
    ]


def test_4_1_what_is_not_said_stays_open() -> None:
    assert parse({"type": "function", "name": "f", "strict": None}, {"name": "g"}) == [Tool("f"), Tool("g")]


def test_4_1_a_function_nested_as_in_chat_is_read_too() -> None:
    assert parse({"type": "function", "function": {"name": "f", "parameters": SCHEMA}}) == [Tool("f", None, SCHEMA)]


def test_10_a_cache_mark_on_a_tool() -> None:
    assert parse({"type": "function", "name": "f", "cache_control": {"type": "ephemeral"}}) == [
        Tool("f", cache=Cache())
    ]


def test_4_3_a_custom_tool_keeps_its_grammar() -> None:
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /a/"}
    assert parse(
        {"type": "custom", "name": "p", "format": grammar}, {"type": "custom", "name": "q", "format": {"type": "text"}}
    ) == [
        Tool("p", kind="custom", grammar={"syntax": "lark", "definition": "start: /a/"}),
        Tool("q", kind="custom"),
    ]


SPACE: JsonObject = {
    "type": "namespace",
    "name": "crm",
    "description": "d",
    "tools": [{"type": "function", "name": "get"}, {"type": "custom", "name": "put"}],
}


def test_4_3_a_namespace_is_flattened() -> None:
    assert parse(SPACE) == [Tool("crm__get"), Tool("crm__put", kind="custom")]
    assert namespaces({"tools": [SPACE]}) == {"crm__get": ("crm", "get"), "crm__put": ("crm", "put")}


def test_4_3_a_tool_declared_directly_wins_over_one_of_a_namespace() -> None:
    loss = Loss()
    direct: JsonObject = {"type": "function", "name": "crm__get", "description": "mine"}
    assert parse_tools({"tools": [SPACE, direct]}, "", loss) == [
        Tool("crm__get", "mine"),
        Tool("crm__put", kind="custom"),
    ]
    assert list(loss.dropped) == ["tools.crm__get"]
    assert namespaces({"tools": [SPACE, direct]}) == {"crm__put": ("crm", "put")}


def test_4_3_namespaces_of_tools_added_later_are_known() -> None:
    added: JsonObject = {"type": "additional_tools", "role": "developer", "tools": [SPACE]}
    assert namespaces({"input": ["x", added]}) == {"crm__get": ("crm", "get"), "crm__put": ("crm", "put")}


@pytest.mark.parametrize(
    "request_", [{}, {"tools": 5}, {"tools": [5, {"type": "namespace", "name": 1}, {"type": "namespace", "name": "a"}]}]
)
def test_a_request_without_namespaces_has_none(request_: JsonObject) -> None:
    assert namespaces(request_) == {}


@pytest.mark.parametrize(
    "kind", ["web_search", "file_search", "code_interpreter", "image_generation", "computer", "tool_search"]
)
def test_4_3_hosted_tools_are_kept_as_such(kind: str) -> None:
    assert parse({"type": kind}) == [Tool(kind, kind="hosted", kind_name=kind, native=("responses", {"type": kind}))]


def test_4_3_several_remote_servers_are_told_apart() -> None:
    names = [tool.name for tool in parse({"type": "mcp", "server_label": "a"}, {"type": "mcp", "server_label": "b"})]
    assert names == ["mcp.a", "mcp.b"]


@pytest.mark.parametrize("kind", ["local_shell", "shell", "apply_patch"])
def test_4_3_tools_that_the_client_runs_without_a_schema_are_built_in(kind: str) -> None:
    (tool,) = parse({"type": kind})
    assert (tool.kind, tool.kind_name) == ("builtin", kind)


@pytest.mark.parametrize(
    ("tool", "param"),
    [
        (5, "tools[0]"),
        ({"type": "function"}, "tools[0].name"),
        ({"type": "function", "name": "f", "parameters": []}, "tools[0].parameters"),
        ({"type": "custom", "name": "f", "format": {"type": "grammar"}}, "tools[0].format.syntax"),
        ({"type": "namespace", "tools": []}, "tools[0].name"),
        ({"type": "namespace", "name": "a", "tools": [{"type": "web_search"}]}, "tools[0].tools[0].type"),
    ],
)
def test_17_malformed_tools_are_named(tool: Any, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        parse(tool)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (None, None),
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ({"type": "function", "name": "f"}, ToolChoice("required", ("f",))),
        ({"type": "function", "function": {"name": "f"}}, ToolChoice("required", ("f",))),
        ({"type": "function", "name": "get", "namespace": "crm"}, ToolChoice("required", ("crm__get",))),
        ({"type": "custom", "name": "p"}, ToolChoice("required", ("p",))),
        (
            {
                "type": "allowed_tools",
                "mode": "auto",
                "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "p"}],
            },
            ToolChoice("auto", ("f", "p")),
        ),
        ({"type": "web_search"}, ToolChoice("required", hosted="web_search")),
        ({"type": "mcp", "server_label": "a"}, ToolChoice("required", hosted="mcp")),
        ({"type": "apply_patch"}, ToolChoice("required", hosted="apply_patch")),
    ],
)
def test_5_tool_choice(choice: Any, expected: ToolChoice | None) -> None:
    assert parse_tool_choice({"tool_choice": choice}) == expected


@pytest.mark.parametrize(
    ("choice", "param"),
    [
        ("sometimes", "tool_choice"),
        (5, "tool_choice"),
        ({}, "tool_choice.type"),
        ({"type": "function"}, "tool_choice.name"),
        ({"type": "allowed_tools", "mode": "none", "tools": [{"type": "function", "name": "f"}]}, "tool_choice.mode"),
        ({"type": "allowed_tools", "mode": "auto", "tools": []}, "tool_choice.tools"),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "mcp"}]}, "tool_choice.tools[0]"),
    ],
)
def test_5_malformed_choices_are_named(choice: Any, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        parse_tool_choice({"tool_choice": choice})
    assert caught.value.param == param


def test_4_3_names_are_joined_with_two_underscores() -> None:
    assert flat_name("get", "crm") == "crm__get"
    assert flat_name("get", None) == flat_name("get", "") == "get"
