"""4.1, 4.3, 4.4, 5: tools for Gemini."""

import pytest

from converters.gemini.build_tools import build_tools
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.turns import Chat, Tool, ToolChoice

SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "string", "title": "A"}}}
SEARCH = Tool("googleSearch", kind="hosted", kind_name="googleSearch", native=("gemini", {"googleSearch": {}}))


def built(
    *tools: Tool, choice: ToolChoice | None = None, model: str = "gemini-2.5-pro", loss: Loss | None = None
) -> JsonObject:
    return build_tools(Chat(model, "chat", tools=[*tools], tool_choice=choice), loss or Loss())


def test_4_1_all_functions_in_one_element_with_cleaned_schemas() -> None:
    loss = Loss()
    assert built(Tool("a", "d", SCHEMA, strict=True), Tool("b"), loss=loss) == {
        "tools": [
            {
                "functionDeclarations": [
                    {
                        "name": "a",
                        "description": "d",
                        "parametersJsonSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
                    },
                    {"name": "b"},
                ]
            }
        ]
    }
    assert list(loss.dropped) == ["tools.strict"]


def test_4_4_a_root_without_properties_is_left_out() -> None:
    assert built(Tool("a", schema={"type": "object", "properties": {}})) == {
        "tools": [{"functionDeclarations": [{"name": "a"}]}]
    }


def test_4_4_constraints_that_are_lost_are_noted() -> None:
    loss = Loss()
    built(Tool("a", schema={**SCHEMA, "patternProperties": {}}), loss=loss)
    assert "patternProperties" in loss.noted["tools.schema"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("required", ("a",)), {"mode": "ANY", "allowedFunctionNames": ["a"]}),
        (ToolChoice("required", ("a", "b")), {"mode": "ANY", "allowedFunctionNames": ["a", "b"]}),
    ],
)
def test_5_tool_choice(choice: ToolChoice, expected: JsonObject) -> None:
    assert built(Tool("a"), Tool("b"), choice=choice)["toolConfig"] == {"functionCallingConfig": expected}
    assert "toolConfig" not in built(choice=choice)
    assert "toolConfig" not in built(Tool("a"))


def test_5_a_subset_to_choose_from_freely_filters_the_declarations() -> None:
    assert built(Tool("a"), Tool("b"), choice=ToolChoice("auto", ("b",))) == {
        "tools": [{"functionDeclarations": [{"name": "b"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "AUTO"}},
    }


def test_4_3_functions_win_over_hosted_tools_before_gemini_3() -> None:
    loss = Loss()
    assert built(SEARCH, Tool("a"), loss=loss) == {"tools": [{"functionDeclarations": [{"name": "a"}]}]}
    assert list(loss.dropped) == ["tools.googleSearch"]
    assert built(SEARCH) == {"tools": [{"googleSearch": {}}]}
    assert built(SEARCH, Tool("a"), model="gemini-3-flash")["tools"] == [
        {"functionDeclarations": [{"name": "a"}]},
        {"googleSearch": {}},
    ]
