"""4.1, 4.3, 5: tools of a Gemini client."""

import pytest

from converters.errors import ConversionError
from converters.gemini.parse_tools import parse_tools
from converters.json_codec import Json, JsonObject
from converters.turns import Chat, Tool, ToolChoice


def parsed(body: JsonObject) -> Chat:
    chat = Chat("m", "gemini")
    parse_tools(body, chat)
    return chat


def choice(calling: Json) -> ToolChoice | None:
    return parsed({"toolConfig": {"functionCallingConfig": calling}}).tool_choice


@pytest.mark.parametrize("key", ["parameters", "parametersJsonSchema", "parameters_json_schema"])
@pytest.mark.parametrize("outer", ["functionDeclarations", "function_declarations"])
def test_4_1_functions_with_either_schema(key: str, outer: str) -> None:
    declaration: JsonObject = {"name": "f", "description": "d", key: {"type": "OBJECT", "properties": {}}}
    (tool,) = parsed({"tools": [{outer: [declaration]}]}).tools
    assert (tool.name, tool.description, tool.kind) == ("f", "d", "function")
    assert tool.schema == {"type": "object", "properties": {}}


def test_4_1_a_function_without_schema_and_one_without_name() -> None:
    (tool,) = parsed({"tools": [{"functionDeclarations": [{"name": "f"}]}]}).tools
    assert tool.schema is None
    with pytest.raises(ConversionError) as caught:
        parsed({"tools": [{"functionDeclarations": [{}]}]})
    assert caught.value.param == "tools[0].functionDeclarations[0].name"


def test_4_3_hosted_tools_keep_their_definition() -> None:
    tools = parsed(
        {"tools": [{"google_search": {}, "functionDeclarations": [{"name": "f"}]}, {"codeExecution": {}}]}
    ).tools
    assert [(tool.name, tool.kind) for tool in tools] == [
        ("f", "function"),
        ("googleSearch", "hosted"),
        ("codeExecution", "hosted"),
    ]
    assert tools[1] == Tool(
        "googleSearch", kind="hosted", kind_name="googleSearch", native=("gemini", {"googleSearch": {}})
    )


@pytest.mark.parametrize(
    ("calling", "expected"),
    [
        ({}, None),
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": "VALIDATED"}, ToolChoice("auto")),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["a"]}, ToolChoice("auto", ("a",))),
        ({"mode": "ANY"}, ToolChoice("required")),
        ({"mode": "any", "allowed_function_names": ["a"]}, ToolChoice("required", ("a",))),
        ({"mode": "ANY", "allowedFunctionNames": ["a", "b"]}, ToolChoice("required", ("a", "b"))),
        ({"mode": "NONE"}, ToolChoice("none")),
        ({"mode": "MODE_UNSPECIFIED"}, None),
    ],
)
def test_5_tool_choice(calling: JsonObject, expected: ToolChoice | None) -> None:
    assert choice(calling) == expected


@pytest.mark.parametrize(
    "calling",
    [{"mode": "SOME"}, {"mode": 5}, {"allowedFunctionNames": [5]}, {"mode": "AUTO", "allowedFunctionNames": ["a"]}],
)
def test_5_a_malformed_choice_is_refused(calling: JsonObject) -> None:
    with pytest.raises(ConversionError):
        choice(calling)


def test_17_the_rest_of_the_tool_config_is_native() -> None:
    assert parsed({"toolConfig": {"retrievalConfig": {"x": 1}}}).native == {"toolConfig.retrievalConfig": {"x": 1}}
