"""4.1, 4.2, 4.3, 5: tools and tool choice, from each client to each provider."""

from typing import Any

import pytest

from converters.errors import ConversionError
from tests.converters.four_wires import WIRES, JsonObject, converted, pairs

SCHEMA: JsonObject = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
CHOICE = {**dict.fromkeys(WIRES, "tool_choice"), "gemini": "toolConfig.functionCallingConfig"}
SCHEMA_NAME = {"chat": "parameters", "responses": "parameters", "anthropic": "input_schema"}


def declared(client: str, name: str, schema: JsonObject | None = SCHEMA, **more: Any) -> JsonObject:
    """A tool in the client's own words."""
    tool: JsonObject = {"name": name, "description": "d", **more}
    key = "parametersJsonSchema" if client == "gemini" else SCHEMA_NAME[client]
    tool |= {} if schema is None else {key: schema}
    if client == "chat":
        return {"type": "function", "function": tool}
    return {"type": "function", **tool} if client == "responses" else tool


def tools(client: str, *tools: JsonObject) -> JsonObject:
    return {"tools": [{"functionDeclarations": [*tools]}] if client == "gemini" else [*tools]}


def named(client: str, *names: str) -> JsonObject:
    return tools(client, *(declared(client, name) for name in names))


def sent_tools(provider: str, body: Any) -> list[JsonObject]:
    """Tools of the provider's body without their wrapper."""
    found: list[JsonObject] = body.get("tools", [])
    if provider == "gemini":
        assert [set(element) for element in found] == [{"functionDeclarations"}] * bool(found)
        return found[0]["functionDeclarations"] if found else []  # type: ignore[no-any-return]
    assert all(tool.get("type", "custom") == ("custom" if provider == "anthropic" else "function") for tool in found)
    return [tool["function"] for tool in found] if provider == "chat" else found


def schema_of(provider: str, tool: JsonObject) -> Any:
    return tool.get("parametersJsonSchema" if provider == "gemini" else SCHEMA_NAME[provider])


# --- 4.1 ---


@pairs
def test_4_1_wrapper_name_description_and_schema(provider: str, client: str) -> None:
    made, loss = converted(client, provider, named(client, "f", "g"))
    first, second = sent_tools(provider, made)
    assert (first["name"], first["description"], second["name"]) == ("f", "d", "g")
    assert schema_of(provider, first) == SCHEMA
    assert loss.dropped == loss.changed == {}


@pairs
def test_4_1_strict(provider: str, client: str) -> None:
    """Responses: always sent, its own default would refuse ordinary schemas."""
    (plain,) = sent_tools(provider, converted(client, provider, named(client, "f"))[0])
    assert plain.get("strict") == (False if provider == "responses" else None)
    if client == "gemini":
        return
    closed = {**SCHEMA, "additionalProperties": False}
    made, loss = converted(client, provider, tools(client, declared(client, "f", closed, strict=True)))
    (strict,) = sent_tools(provider, made)
    assert strict.get("strict") == (None if provider == "gemini" else True)
    assert [name.rpartition(".")[2] for name in loss.dropped] == (["strict"] if provider == "gemini" else [])


@pairs
def test_4_1_a_tool_without_schema(provider: str, client: str) -> None:
    (tool,) = sent_tools(provider, converted(client, provider, tools(client, declared(client, "f", None)))[0])
    assert schema_of(provider, tool) == (None if provider == "gemini" else {"type": "object", "properties": {}})


@pairs
@pytest.mark.parametrize(
    ("root", "expected"),
    [
        ({"anyOf": [SCHEMA, {"type": "null"}]}, SCHEMA),
        ({"oneOf": [SCHEMA, {"type": "object", "properties": {"x": {"type": "integer"}}}]}, {**SCHEMA, "required": []}),
        ({"allOf": [SCHEMA]}, SCHEMA),
        ({"properties": SCHEMA["properties"]}, {**SCHEMA, "required": []}),
    ],
)
def test_4_1_a_root_that_is_no_object_becomes_one(
    provider: str, client: str, root: JsonObject, expected: JsonObject
) -> None:
    (tool,) = sent_tools(provider, converted(client, provider, tools(client, declared(client, "f", root)))[0])
    made = schema_of(provider, tool)
    assert made["type"] == "object"
    assert made["properties"] == expected["properties"]
    assert made.get("required", []) == expected["required"]
    assert made.keys().isdisjoint({"anyOf", "oneOf", "allOf"})


@pytest.mark.parametrize("provider", WIRES)
def test_4_1_geminis_own_schema_form_is_understood(provider: str) -> None:
    """Upper-case types, `nullable`, numbers in strings; a property named `type` is left alone."""
    own = {
        "type": "OBJECT",
        "properties": {
            "type": {"type": "STRING", "nullable": True},
            "list": {"type": "ARRAY", "items": {"type": "INTEGER"}, "minItems": "1"},
        },
    }
    declaration = {"name": "f", "description": "d", "parameters": own}
    (tool,) = sent_tools(provider, converted("gemini", provider, tools("gemini", declaration))[0])
    nullable = {"type": "string", "nullable": True} if provider == "gemini" else {"type": ["string", "null"]}
    assert schema_of(provider, tool)["properties"] == {
        "type": nullable,
        "list": {"type": "array", "items": {"type": "integer"}, "minItems": 1},
    }


@pairs
def test_4_1_of_two_tools_with_one_name_the_first_is_kept(provider: str, client: str) -> None:
    twice = tools(client, declared(client, "f"), declared(client, "f", None))
    made, loss = converted(client, provider, twice)
    assert [schema_of(provider, tool) for tool in sent_tools(provider, made)] == [SCHEMA]
    assert list(loss.dropped) == ["tools.f"]


@pytest.mark.parametrize("provider", [wire for wire in WIRES if wire != "anthropic"])
def test_4_1_what_only_anthropics_tools_have_is_left_out_elsewhere(provider: str) -> None:
    extras = {"cache_control": {"type": "ephemeral"}, "input_examples": [{"x": 1}], "defer_loading": True}
    extras |= {"allowed_callers": ["direct"], "eager_input_streaming": True}
    made, _ = converted("anthropic", provider, tools("anthropic", declared("anthropic", "f", **extras)))
    (tool,) = sent_tools(provider, made)
    assert tool.keys().isdisjoint(extras)


# --- 4.2 ---

LONGEST = {"chat": 64, "responses": 64, "anthropic": 128, "gemini": 63}
NAMES = {  # what a client called it -> how each provider is told
    "get_weather-1": dict.fromkeys(WIRES, "get_weather-1"),
    "a b/c": dict.fromkeys(WIRES, "a_b_c"),
    "mcp.tool:x": {**dict.fromkeys(WIRES, "mcp_tool_x"), "gemini": "mcp.tool:x"},
    "1st": {**dict.fromkeys(WIRES, "1st"), "gemini": "_1st"},
}


@pairs
@pytest.mark.parametrize("name", NAMES)
def test_4_2_a_name_is_made_legal_for_each_provider(provider: str, client: str, name: str) -> None:
    made, _ = converted(client, provider, named(client, name))
    assert [tool["name"] for tool in sent_tools(provider, made)] == [NAMES[name][provider]]


@pairs
def test_4_2_the_longest_name_of_each_provider(provider: str, client: str) -> None:
    limit = LONGEST[provider]
    legal, long = "x" * limit, "x" * (limit + 1)
    made, _ = converted(client, provider, named(client, legal, long))
    first, second = (tool["name"] for tool in sent_tools(provider, made))
    assert first == legal
    assert len(second) == limit
    assert second.startswith("x" * (limit - 9) + "_")


# --- 4.3 ---

CUSTOM = {
    "chat": {
        "type": "custom",
        "custom": {
            "name": "p",
            "description": "d",
            "format": {"type": "grammar", "grammar": {"syntax": "lark", "definition": "start: X"}},
        },
    },
    "responses": {
        "type": "custom",
        "name": "p",
        "description": "d",
        "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"},
    },
}


@pytest.mark.parametrize("client", CUSTOM)
@pytest.mark.parametrize("provider", WIRES)
def test_4_3_a_custom_tool(provider: str, client: str) -> None:
    made, _ = converted(client, provider, {"tools": [CUSTOM[client]]})
    if provider in CUSTOM:
        assert made["tools"] == [CUSTOM[provider]]
        return
    (tool,) = sent_tools(provider, made)
    assert tool["description"].startswith("d")
    assert "start: X" in tool["description"]
    schema = schema_of(provider, tool)
    assert (schema["properties"], schema["required"]) == ({"input": {"type": "string"}}, ["input"])


@pytest.mark.parametrize("provider", WIRES)
def test_4_3_a_namespace(provider: str) -> None:
    space = {"type": "namespace", "name": "crm", "tools": [declared("responses", "get")]}
    made, _ = converted("responses", provider, {"tools": [space]})
    assert [tool["name"] for tool in sent_tools(provider, made)] == ["crm__get"]


HOSTED = {
    "chat": [{"type": "web_search"}],
    "responses": [
        *({"type": kind} for kind in ("web_search", "code_interpreter", "file_search", "image_generation", "computer")),
        {"type": "mcp", "server_label": "s"},
    ],
    "anthropic": [
        {"type": "web_search_20250305", "name": "web_search"},
        {"type": "web_fetch_20250910", "name": "web_fetch"},
        {"type": "code_execution_20250825", "name": "code_execution"},
    ],
    "gemini": [{"googleSearch": {}}, {"codeExecution": {}}, {"urlContext": {}}],
}


@pairs
def test_4_3_hosted_tools_are_dropped_elsewhere_and_named(provider: str, client: str) -> None:
    for hosted in HOSTED[client]:
        body = named(client, "f")
        body["tools"].append(hosted)
        made, loss = converted(client, provider, body)
        if provider == client:
            assert hosted in made["tools"]
            assert not loss.dropped
        else:
            assert [tool["name"] for tool in sent_tools(provider, made)] == ["f"]
            assert len(loss.dropped) == 1
            assert next(iter(loss.dropped)).startswith("tools.")


CHOSEN = {
    "chat": ({"type": "web_search"}, {"type": "web_search"}),
    "responses": ({"type": "web_search"}, {"type": "web_search"}),
    "anthropic": ({"type": "web_search_20250305", "name": "ws"}, {"type": "tool", "name": "ws"}),
}


@pytest.mark.parametrize("client", CHOSEN)
@pytest.mark.parametrize("provider", WIRES)
def test_4_3_a_choice_of_a_hosted_tool_is_refused_elsewhere(provider: str, client: str) -> None:
    tool, choice = CHOSEN[client]
    body = {"tools": [tool, declared(client, "f")], "tool_choice": choice}
    if provider == client:
        assert converted(client, provider, body)[0]["tool_choice"] == choice
        return
    with pytest.raises(ConversionError) as caught:
        converted(client, provider, body)
    assert (caught.value.status, caught.value.param) == (400, CHOICE[client])


BUILT_IN = [
    *(("anthropic", {"type": f"{kind}_20250124", "name": kind}) for kind in ("bash", "computer", "memory")),
    ("anthropic", {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}),
    *(("responses", {"type": kind}) for kind in ("local_shell", "shell", "apply_patch")),
]


@pytest.mark.parametrize(("client", "tool"), BUILT_IN)
@pytest.mark.parametrize("provider", WIRES)
def test_4_3_tools_that_the_client_runs_without_a_schema_are_refused_elsewhere(
    provider: str, client: str, tool: JsonObject
) -> None:
    if provider == client:
        assert converted(client, provider, {"tools": [tool]})[0]["tools"] == [tool]
        return
    with pytest.raises(ConversionError) as caught:
        converted(client, provider, {"tools": [tool]})
    assert (caught.value.status, caught.value.code) == (400, "unsupported_tool")


# --- 4.5 ---

INNER: JsonObject = {
    "type": "object",
    "properties": {"a": {"$ref": "#/$defs/A"}, "b": {"oneOf": [{"type": "string", "pattern": "^x"}, {"type": "null"}]}},
    "$defs": {"A": {"type": "integer", "exclusiveMinimum": 1}},
}


@pytest.mark.parametrize("provider", ["chat", "responses", "anthropic"])
def test_4_5_below_its_root_a_schema_passes_as_it_is(provider: str) -> None:
    made, loss = converted("chat", provider, tools("chat", declared("chat", "f", INNER)))
    assert schema_of(provider, sent_tools(provider, made)[0]) == INNER
    assert loss.changed == loss.dropped == {}


@pytest.mark.parametrize("client", ["chat", "responses"])
@pytest.mark.parametrize("provider", ["chat", "responses"])
def test_4_5_a_strict_schema_passes_unchanged_between_openais_protocols(provider: str, client: str) -> None:
    root: JsonObject = {"anyOf": [SCHEMA, INNER]}
    made, _ = converted(client, provider, tools(client, declared(client, "f", root, strict=True)))
    assert schema_of(provider, sent_tools(provider, made)[0]) == root


@pytest.mark.parametrize("client", ["chat", "responses"])
def test_4_5_a_strict_schema_is_closed_for_anthropic(client: str) -> None:
    made, _ = converted(client, "anthropic", tools(client, declared(client, "f", INNER, strict=True)))
    schema = schema_of("anthropic", sent_tools("anthropic", made)[0])
    assert schema["additionalProperties"] is False
    assert "anyOf" in schema["properties"]["b"]
    assert "exclusiveMinimum" not in schema["$defs"]["A"]


# --- 5 ---

CHOICES: dict[str, dict[str, Any]] = {
    "auto": {"chat": "auto", "responses": "auto", "anthropic": {"type": "auto"}, "gemini": {"mode": "AUTO"}},
    "none": {"chat": "none", "responses": "none", "anthropic": {"type": "none"}, "gemini": {"mode": "NONE"}},
    "required": {
        "chat": "required",
        "responses": "required",
        "anthropic": {"type": "any"},
        "gemini": {"mode": "ANY"},
    },
    "one tool": {
        "chat": {"type": "function", "function": {"name": "f"}},
        "responses": {"type": "function", "name": "f"},
        "anthropic": {"type": "tool", "name": "f"},
        "gemini": {"mode": "ANY", "allowedFunctionNames": ["f"]},
    },
    "subset, required": {
        "chat": {
            "type": "allowed_tools",
            "allowed_tools": {
                "mode": "required",
                "tools": [{"type": "function", "function": {"name": name}} for name in "fg"],
            },
        },
        "responses": {
            "type": "allowed_tools",
            "mode": "required",
            "tools": [{"type": "function", "name": name} for name in "fg"],
        },
        "anthropic": {"type": "any"},
        "gemini": {"mode": "ANY", "allowedFunctionNames": ["f", "g"]},
    },
    "subset, auto": {
        "chat": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
        },
        "responses": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        "anthropic": {"type": "auto"},
        "gemini": {"mode": "AUTO"},
    },
}
FILTERED = {  # which declarations are left: of f, g, h
    ("subset, required", "anthropic"): "fg",
    ("subset, auto", "anthropic"): "f",
    ("subset, auto", "gemini"): "f",
}


def choosing(client: str, choice: Any) -> JsonObject:
    if client == "gemini":
        return {"toolConfig": {"functionCallingConfig": choice}}
    return {"tool_choice": choice}


@pairs
@pytest.mark.parametrize("row", CHOICES)
def test_5_each_choice_from_each_client_to_each_provider(provider: str, client: str, row: str) -> None:
    if (
        row.startswith("subset")
        and client not in ("chat", "responses")
        and (row, client) != ("subset, required", "gemini")
    ):
        return  # cannot be said
    body = named(client, "f", "g", "h") | choosing(client, CHOICES[row][client])
    made, loss = converted(client, provider, body)
    sent = made["toolConfig"]["functionCallingConfig"] if provider == "gemini" else made["tool_choice"]
    assert sent == CHOICES[row][provider]
    assert "".join(tool["name"] for tool in sent_tools(provider, made)) == FILTERED.get((row, provider), "fgh")
    assert not loss.dropped


@pairs
def test_5_absent_stays_absent_and_no_choice_goes_without_tools(provider: str, client: str) -> None:
    for body in (named(client, "f"), choosing(client, CHOICES["required"][client])):
        made, _ = converted(client, provider, body)
        assert made.keys().isdisjoint({"tool_choice", "toolConfig", "parallel_tool_calls"})


@pairs
def test_5_one_call_at_a_time(provider: str, client: str) -> None:
    body = named(client, "f")
    if client == "gemini":
        return
    if client == "anthropic":
        body |= {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}}
    else:
        body |= {"parallel_tool_calls": False}
    made, loss = converted(client, provider, body)
    if provider == "gemini":
        (dropped,) = loss.dropped
        assert "parallel_tool" in dropped
    elif provider == "anthropic":
        assert made["tool_choice"] == {"type": "auto", "disable_parallel_tool_use": True}
    else:
        assert made["parallel_tool_calls"] is False


@pairs
def test_5_a_choice_that_names_an_undeclared_tool_is_refused(provider: str, client: str) -> None:
    body = named(client, "g") | choosing(client, CHOICES["one tool"][client])
    with pytest.raises(ConversionError) as caught:
        converted(client, provider, body)
    assert (caught.value.status, caught.value.param) == (400, CHOICE[client])
