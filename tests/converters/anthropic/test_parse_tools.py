"""4.1, 4.3 and 5 on the way in."""

import pytest

from converters.anthropic.parse_tools import parse_tools
from converters.errors import ConversionError
from converters.json_codec import Json
from converters.turns import Cache, Chat, Tool, ToolChoice

SCHEMA: Json = {"type": "object", "properties": {}}
SEARCH: Json = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}


def parsed(tools: Json = None, choice: Json = None) -> Chat:
    chat = Chat("m", "anthropic")
    parse_tools({"tools": tools, "tool_choice": choice}, chat)
    return chat


def test_4_1_a_custom_tool_is_a_function() -> None:
    raw: Json = {
        "name": "get",
        "type": "custom",
        "description": "d",
        "input_schema": SCHEMA,
        "strict": True,
        "cache_control": {"type": "ephemeral"},
        "defer_loading": True,
    }
    (tool,) = parsed([raw]).tools
    assert isinstance(SCHEMA, dict)
    assert tool == Tool("get", "d", SCHEMA, True, cache=Cache(), native=("anthropic", raw))
    assert parsed([{"name": "get"}]).tools[0].schema is None


@pytest.mark.parametrize("kind", ["bash_20250124", "text_editor_20250728", "computer_20250124", "memory_20250818"])
def test_4_3_schema_less_client_tools_are_builtin(kind: str) -> None:
    raw: Json = {"type": kind, "name": "x"}
    assert parsed([raw]).tools == [Tool("x", kind="builtin", kind_name=kind, native=("anthropic", raw))]


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (SEARCH, "web_search"),
        ({"type": "web_fetch_20250910", "name": "web_fetch"}, "web_fetch"),
        ({"type": "code_execution_20250825", "name": "code_execution"}, "code_execution"),
        ({"type": "tool_search_tool_bm25_20251119", "name": "s"}, "s"),
        ({"type": "mcp_toolset", "mcp_server_name": "files"}, "files"),
        ({"type": "bash_code_execution_20300101"}, "bash_code_execution_20300101"),
    ],
)
def test_4_3_server_tools_are_hosted(raw: Json, name: str) -> None:
    assert isinstance(raw, dict)
    kind = raw["type"]
    assert isinstance(kind, str)
    assert parsed([raw]).tools == [Tool(name, kind="hosted", kind_name=kind, native=("anthropic", raw))]


@pytest.mark.parametrize(
    ("raw", "choice"),
    [
        (None, None),
        ({"type": "auto"}, ToolChoice("auto")),
        ({"type": "any"}, ToolChoice("required")),
        ({"type": "none"}, ToolChoice("none")),
        ({"type": "tool", "name": "get"}, ToolChoice("required", ("get",))),
        ({"type": "tool", "name": "web_search"}, ToolChoice("required", ("web_search",), "web_search_20250305")),
    ],
)
def test_5_tool_choice(raw: Json, choice: ToolChoice | None) -> None:
    assert parsed([SEARCH], raw).tool_choice == choice


@pytest.mark.parametrize(("disabled", "parallel"), [(True, False), (False, None), (None, None)])
def test_5_parallel_calls(disabled: Json, parallel: bool | None) -> None:
    chat = parsed([SEARCH], {"type": "any", "disable_parallel_tool_use": disabled})
    assert (chat.parallel, chat.tool_choice) == (parallel, ToolChoice("required"))


@pytest.mark.parametrize(
    ("tools", "choice", "param"),
    [
        ("get", None, "tools"),
        (["get"], None, "tools[0]"),
        ([{"description": "d"}], None, "tools[0].name"),
        ([{"name": "get", "type": 3}], None, "tools[0].type"),
        ([{"name": "get", "input_schema": "{}"}], None, "tools[0].input_schema"),
        ([{"name": "get", "strict": "yes"}], None, "tools[0].strict"),
        ([{"name": "get", "cache_control": {"type": "eternal"}}], None, "tools[0].cache_control.type"),
        ([{"type": "web_search_20250305", "cache_control": 1}], None, "tools[0].cache_control"),
        (None, "auto", "tool_choice"),
        (None, {}, "tool_choice.type"),
        (None, {"type": "tool"}, "tool_choice.name"),
        (None, {"type": "any", "disable_parallel_tool_use": 1}, "tool_choice.disable_parallel_tool_use"),
    ],
)
def test_17_what_is_malformed_is_a_400_that_names_the_field(tools: Json, choice: Json, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        parsed(tools, choice)
    assert (caught.value.status, caught.value.param) == (400, param)
