"""4.1 to 4.3 and 5: tools and tool choice, for a provider of another protocol."""

import copy
import hashlib

import pytest

from converters.errors import ConversionError
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.tools import Fitted, NameMap, fit_tools
from converters.turns import Chat, Part, Text, Tool, ToolCall, ToolChoice, ToolResult, Turn
from converters.wire import Limits, Wire
from tests.converters.fake_wire import anthropic_wire, chat_wire

CHAT, ANTHROPIC = chat_wire().wire, anthropic_wire().wire
OBJECT: JsonObject = {"type": "object", "properties": {}}
WEB_SEARCH = Tool("web_search", kind="hosted", kind_name="web_search_20250305", native=("anthropic", {}))


def fit(
    tools: list[Tool], wire: Wire = ANTHROPIC, choice: ToolChoice | None = None, history: list[Part] | None = None
) -> tuple[Fitted, Loss]:
    loss = Loss()
    turns = [Turn("assistant", history)] if history else []
    chat = Chat("claude-opus-4-5", "chat", tools=tools, tool_choice=choice, turns=turns)
    before = copy.deepcopy(chat)
    fitted = fit_tools(chat, wire, loss)
    assert chat == before  # the same chat is built again for the next provider
    return fitted, loss


def digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:8]


def test_4_1_a_tool_without_schema_takes_an_empty_object() -> None:
    fitted, _ = fit([Tool("f")], CHAT)
    assert fitted.chat.tools == [Tool("f", schema=OBJECT)]


@pytest.mark.parametrize("wire", [CHAT, ANTHROPIC])
def test_4_1_a_root_union_is_merged(wire: Wire) -> None:
    fitted, _ = fit([Tool("f", schema={"anyOf": [OBJECT, {"type": "null"}]})], wire)
    assert fitted.chat.tools[0].schema == OBJECT


def test_4_5_a_strict_schema_goes_to_chat_as_it_is() -> None:
    schema: JsonObject = {"anyOf": [OBJECT]}
    fitted, _ = fit([Tool("f", schema=schema, strict=True)], CHAT)
    assert fitted.chat.tools[0].schema == schema


def test_4_5_a_strict_schema_is_cleaned_for_anthropic() -> None:
    schema: JsonObject = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}}
    strict, _ = fit([Tool("f", schema=schema, strict=True)])
    loose, _ = fit([Tool("f", schema=schema)])
    assert strict.chat.tools[0].schema == {
        "type": "object",
        "properties": {"a": {"type": "integer", "description": "(minimum: 1)"}},
        "additionalProperties": False,
    }
    assert loose.chat.tools[0].schema == schema


def test_4_1_of_two_tools_with_one_name_the_first_is_kept() -> None:
    fitted, loss = fit([Tool("f", "first"), Tool("g"), Tool("f", "second")])
    assert [(tool.name, tool.description) for tool in fitted.chat.tools] == [("f", "first"), ("g", None)]
    assert list(loss.dropped) == ["tools.f"]


def test_4_1_calls_without_tools_get_stubs_for_anthropic() -> None:
    calls: list[Part] = [ToolCall("1", "a.b", {}), ToolCall("2", "c", {}), ToolCall("3", "a.b", {})]
    fitted, loss = fit([], history=calls, choice=ToolChoice("auto"))
    assert [tool.name for tool in fitted.chat.tools] == ["a_b", "c"]
    assert {tool.description for tool in fitted.chat.tools} == {"not available in this turn"}
    assert fitted.chat.tools[0].schema == OBJECT
    assert fitted.chat.tool_choice == ToolChoice("none")
    assert not loss.dropped


def test_4_1_calls_without_tools_need_no_stubs_for_chat() -> None:
    fitted, _ = fit([], CHAT, history=[ToolCall("1", "a", {})])
    assert fitted.chat.tools == []
    assert fitted.chat.tool_choice is None


@pytest.mark.parametrize(
    ("limits", "name", "sent"),
    [
        (CHAT.limits, "get_weather-1", "get_weather-1"),
        (CHAT.limits, "x" * 64, "x" * 64),
        (CHAT.limits, "files.read/all", "files_read_all"),
        (CHAT.limits, "größe", "gr__e"),
        (CHAT.limits, "x" * 65, "x" * 55 + "_" + digest("x" * 65)),
        (ANTHROPIC.limits, "x" * 128, "x" * 128),
        (ANTHROPIC.limits, "y" * 200, "y" * 119 + "_" + digest("y" * 200)),
        (CHAT.limits, "", "_"),
        (Limits(name_chars="A-Za-z0-9_.:-", name_first="A-Za-z_"), "1.a", "_1.a"),
        (Limits(name_first="A-Za-z"), "1a", "t_1a"),
    ],
)
def test_4_2_an_illegal_name_is_made_legal_and_a_legal_one_stays(limits: Limits, name: str, sent: str) -> None:
    names = NameMap(limits)
    assert sent == names.legal(name)
    assert sent == names.legal(name)
    assert names.back == ({} if name == sent else {sent: name})


def test_4_2_a_collision_is_settled_by_a_hash_and_never_against_a_legal_name() -> None:
    names = NameMap(CHAT.limits, ["a.b", "a:b", "a_b"])
    assert [names.legal(name) for name in ("a_b", "a.b", "a:b")] == [
        "a_b",
        "a_b_" + digest("a.b"),
        "a_b_" + digest("a:b"),
    ]
    long = ["z" * 60 + end for end in ("....", "::::", "____")]
    names = NameMap(CHAT.limits, long)
    assert len({names.legal(name) for name in long}) == 3
    assert names.legal(long[2]) == long[2]


def test_4_2_names_are_mapped_in_definitions_history_and_choice_alike() -> None:
    history: list[Part] = [
        ToolCall("1", "a.b", {}),
        ToolResult("1", [], "a.b"),
        Text("a.b"),
        ToolCall("2", "gone!", {}),
    ]
    fitted, _ = fit([Tool("a.b"), Tool("c")], choice=ToolChoice("required", ("a.b",)), history=history)
    assert [tool.name for tool in fitted.chat.tools] == ["a_b", "c"]
    assert fitted.chat.tool_choice == ToolChoice("required", ("a_b",))
    assert fitted.chat.turns[0].parts == [
        ToolCall("1", "a_b", {}),
        ToolResult("1", [], "a_b"),
        Text("a.b"),
        ToolCall("2", "gone_", {}),
    ]
    assert fitted.names == {"a_b": "a.b", "gone_": "gone!"}


def test_4_3_a_custom_tool_travels_as_a_function_of_one_string() -> None:
    tool = Tool("apply.patch", "Edits.", kind="custom", grammar={"syntax": "lark", "definition": "start: X"})
    fitted, loss = fit([tool], history=[ToolCall("1", "apply.patch", args_text="free\n", kind="custom")])
    assert fitted.chat.tools == [
        Tool(
            "apply_patch",
            "Edits.\n\nThe input must match this lark grammar:\nstart: X",
            {
                "type": "object",
                "properties": {"input": {"type": "string"}},
                "required": ["input"],
                "additionalProperties": False,
            },
        )
    ]
    assert fitted.chat.turns[0].parts == [ToolCall("1", "apply_patch", {"input": "free\n"})]
    assert fitted.custom == {"apply_patch"}
    assert not loss.dropped


def test_4_3_a_custom_tool_stays_one_where_the_protocol_has_them() -> None:
    tool = Tool("patch", kind="custom", grammar={"syntax": "regex", "definition": "a*"})
    call = ToolCall("1", "patch", args_text="aa", kind="custom")
    fitted, _ = fit([tool], CHAT, history=[call])
    assert fitted.chat.tools == [tool]
    assert fitted.chat.turns[0].parts == [call]
    assert fitted.custom == frozenset()


def test_4_3_a_hosted_tool_is_dropped_and_named() -> None:
    fitted, loss = fit([WEB_SEARCH, Tool("web_search")], CHAT, choice=ToolChoice("auto"))
    assert fitted.chat.tools == [Tool("web_search", schema=OBJECT)]
    assert list(loss.dropped) == ["tools.web_search_20250305"]


def test_4_3_a_hosted_tool_stays_in_its_own_protocol() -> None:
    fitted, loss = fit([WEB_SEARCH], choice=ToolChoice("required", hosted="web_search_20250305"))
    assert fitted.chat.tools == [WEB_SEARCH]
    assert fitted.chat.tool_choice == ToolChoice("required", hosted="web_search_20250305")
    assert not loss.dropped


@pytest.mark.parametrize(
    "choice",
    [
        ToolChoice("required", hosted="web_search_20250305"),
        ToolChoice("required", ("web_search",)),
        ToolChoice("required"),
    ],
)
def test_4_3_a_choice_that_requires_a_hosted_tool_is_refused(choice: ToolChoice) -> None:
    with pytest.raises(ConversionError, match="web_search") as refused:
        fit([WEB_SEARCH], CHAT, choice=choice)
    assert (refused.value.status, refused.value.param, refused.value.code) == (400, "tool_choice", "unsupported_tool")


def test_4_3_required_is_served_when_a_function_is_left_beside_the_hosted_tool() -> None:
    fitted, _ = fit([WEB_SEARCH, Tool("f")], CHAT, choice=ToolChoice("required"))
    assert fitted.chat.tool_choice == ToolChoice("required")


def test_4_3_a_builtin_tool_is_refused_elsewhere() -> None:
    bash = Tool("bash", kind="builtin", kind_name="bash_20250124", native=("anthropic", {}))
    with pytest.raises(ConversionError, match="bash_20250124") as refused:
        fit([Tool("f"), bash], CHAT)
    assert (refused.value.status, refused.value.param, refused.value.code) == (400, "tools[1]", "unsupported_tool")
    assert fit([bash])[0].chat.tools == [bash]


@pytest.mark.parametrize("choice", [ToolChoice("auto"), ToolChoice("none"), ToolChoice("required")])
def test_5_a_choice_without_tools_is_left_out(choice: ToolChoice) -> None:
    assert fit([], CHAT, choice=choice)[0].chat.tool_choice is None


def test_5_an_absent_choice_stays_absent() -> None:
    assert fit([Tool("f")])[0].chat.tool_choice is None


@pytest.mark.parametrize("names", [("g",), ("f", "g")])
def test_5_a_choice_that_names_an_undeclared_tool_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ConversionError, match="`g`") as refused:
        fit([Tool("f")], choice=ToolChoice("auto", names))
    assert refused.value.param == "tool_choice"


def test_4_1_a_root_that_must_be_made_an_object_is_noted() -> None:
    union: JsonObject = {"anyOf": [{"type": "object", "properties": {"a": {"type": "string"}}}]}
    for schema, noted in ((union, ["tools.schema"]), ({"type": ["object", "null"]}, ["tools.schema"]), (OBJECT, [])):
        _, loss = fit([Tool("f", schema=schema)], CHAT)
        assert list(loss.noted) == noted


def test_4_1_a_root_that_says_too_little_is_completed_without_a_word() -> None:
    fitted, loss = fit([Tool("f", schema={"description": "d"})], CHAT)
    assert fitted.chat.tools == [Tool("f", schema={"description": "d", **OBJECT})]
    assert loss.noted == {}
