"""4.1 and 5 on the way out."""

import pytest

from converters.anthropic.build_tools import build_tools
from converters.json_codec import Json, JsonObject
from converters.turns import Cache, Chat, Tool, ToolChoice

SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}}}


def chat(*tools: Tool, choice: ToolChoice | None = None, parallel: bool | None = None) -> Chat:
    return Chat("m", "chat", tools=[*tools], tool_choice=choice, parallel=parallel)


def tools_of(*tools: Tool) -> Json:
    return build_tools(chat(*tools))["tools"]


A, B, C = (Tool(name, "d", SCHEMA) for name in "abc")


def test_4_1_a_function_is_a_flat_tool() -> None:
    assert tools_of(Tool("f", "d", SCHEMA)) == [{"name": "f", "description": "d", "input_schema": SCHEMA}]
    assert tools_of(Tool("f")) == [{"name": "f", "input_schema": {"type": "object", "properties": {}}}]


@pytest.mark.parametrize(("strict", "sent"), [(True, {"strict": True}), (False, {}), (None, {})])
def test_4_1_strict_is_sent_only_if_set(strict: bool | None, sent: JsonObject) -> None:
    assert tools_of(Tool("f", None, SCHEMA, strict)) == [{"name": "f", "input_schema": SCHEMA, **sent}]


def test_10_the_cache_mark_of_a_tool_is_kept() -> None:
    assert tools_of(Tool("f", None, SCHEMA, cache=Cache("1h"))) == [
        {"name": "f", "input_schema": SCHEMA, "cache_control": {"type": "ephemeral", "ttl": "1h"}}
    ]


def test_4_1_extras_of_its_own_protocol_are_kept_and_of_others_are_not() -> None:
    extras: JsonObject = {"defer_loading": True, "input_examples": [{"a": "x"}], "allowed_callers": ["direct"]}
    raw: JsonObject = {"name": "old", **extras, "eager_input_streaming": None, "unknown": 1}
    assert tools_of(Tool("f", None, SCHEMA, native=("anthropic", raw))) == [
        {"name": "f", "input_schema": SCHEMA, **extras}
    ]
    assert tools_of(Tool("f", None, SCHEMA, native=("chat", raw))) == [{"name": "f", "input_schema": SCHEMA}]


def test_4_3_server_and_builtin_tools_of_its_own_protocol_pass_as_they_came() -> None:
    search: JsonObject = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    bash: JsonObject = {"type": "bash_20250124", "name": "bash"}
    built = tools_of(
        Tool("web_search", kind="hosted", kind_name="web_search_20250305", native=("anthropic", search)),
        Tool("bash", kind="builtin", kind_name="bash_20250124", native=("anthropic", bash)),
    )
    assert built == [search, bash]
    assert isinstance(built, list)
    assert built[0] is not search  # marks may be taken off what was built, never off the client's own


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("required"), {"type": "any"}),
        (ToolChoice("required", ("b",)), {"type": "tool", "name": "b"}),
    ],
)
def test_5_tool_choice(choice: ToolChoice, sent: JsonObject) -> None:
    built = build_tools(chat(A, B, choice=choice))
    assert built["tool_choice"] == sent
    assert isinstance(built["tools"], list)
    assert len(built["tools"]) == 2


def test_5_absent_stays_absent_and_no_choice_goes_without_tools() -> None:
    assert "tool_choice" not in build_tools(chat(A))
    assert build_tools(chat(choice=ToolChoice("required"), parallel=False)) == {}


@pytest.mark.parametrize(
    ("choice", "names", "sent"),
    [
        (ToolChoice("required", ("c", "a")), ["a", "c"], "any"),
        (ToolChoice("auto", ("a", "b")), ["a", "b"], "auto"),
        (ToolChoice("auto", ("b",)), ["b"], "auto"),
    ],
)
def test_5_a_subset_leaves_the_other_tools_out(choice: ToolChoice, names: list[str], sent: str) -> None:
    built = build_tools(chat(A, B, C, choice=choice))
    assert built["tools"] == [{"name": name, "description": "d", "input_schema": SCHEMA} for name in names]
    assert built["tool_choice"] == {"type": sent}


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (None, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("auto"), {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("required"), {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice("required", ("a",)), {"type": "tool", "name": "a", "disable_parallel_tool_use": True}),
        (ToolChoice("none"), {"type": "none"}),
    ],
)
def test_5_calls_one_at_a_time(choice: ToolChoice | None, sent: JsonObject) -> None:
    assert build_tools(chat(A, choice=choice, parallel=False))["tool_choice"] == sent
    assert "tool_choice" not in build_tools(chat(A, parallel=True))
