"""3.1.4 to 3.1.7, 4 and 5: definitions, stubs, descriptions and choice."""

import pytest

from converters.json_codec import JsonObject
from converters.kiro.tools import MAX_DESCRIPTION, build_tools, choice_in_words, fit_description, stub, undeclared_calls
from converters.loss import Loss
from converters.turns import Cache, Chat, Text, Tool, ToolCall, ToolChoice, Turn

EMPTY: JsonObject = {"type": "object", "properties": {}}


def asked(*tools: Tool, called: tuple[str, ...] = (), choice: ToolChoice | None = None) -> Chat:
    calls = Turn("assistant", [ToolCall(name, name, {}) for name in called])
    return Chat("m", "chat", turns=[Turn("user", [Text("q")]), calls], tools=[*tools], tool_choice=choice)


def names(chat: Chat, loss: Loss | None = None) -> list[str]:
    tools, _ = build_tools(chat, loss or Loss())
    return [tool["toolSpecification"]["name"] for tool in tools]  # type: ignore[index, call-overload, misc]


def test_4_1_a_definition() -> None:
    schema: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
    tools, words = build_tools(asked(Tool("f", "does f", schema)), Loss())
    assert tools == [{"toolSpecification": {"name": "f", "description": "does f", "inputSchema": {"json": schema}}}]
    assert words == []


def test_4_1_strict_is_dropped_and_cache_marks_are_noted() -> None:
    loss = Loss()
    build_tools(asked(Tool("f", strict=True, cache=Cache())), loss)
    assert (set(loss.dropped), set(loss.noted)) == ({"tools.strict"}, {"cache_control"})
    loss = Loss()
    build_tools(asked(Tool("f", strict=False)), loss)
    assert loss.dropped == {}


@pytest.mark.parametrize("description", [None, "", " \n"])
def test_3_1_6_an_empty_description_becomes_the_name(description: str | None) -> None:
    assert fit_description(Tool("f", description)) == ("f", None)


def test_3_1_6_a_description_of_the_greatest_length_is_kept() -> None:
    text = "d" * MAX_DESCRIPTION
    assert fit_description(Tool("f", text)) == (text, None)


def test_3_1_6_a_longer_description_overflows_into_the_system_text() -> None:
    text = "d" * MAX_DESCRIPTION + "THE END"
    description, overflow = fit_description(Tool("f", text))
    assert len(description) == MAX_DESCRIPTION
    assert description.startswith("ddd")
    assert "`f`" in description
    assert overflow is not None
    assert overflow.endswith(text)
    loss = Loss()
    _, words = build_tools(asked(Tool("f", text)), loss)
    assert words == [overflow]
    assert set(loss.changed) == {"tools.description"}


def test_3_1_4_called_names_that_nobody_declares_get_stubs() -> None:
    chat = asked(Tool("Read"), called=("read", "Gone", "gone", "other"))
    assert undeclared_calls(chat, chat.tools) == ["Gone", "other"]
    assert names(chat) == ["Read", "Gone", "other"]
    assert build_tools(chat, Loss())[0][1] == stub("Gone")
    assert stub("x") == {
        "toolSpecification": {
            "name": "x",
            "description": "not available in this turn",
            "inputSchema": {"json": EMPTY},
        }
    }


def test_4_1_without_tools_the_history_still_gets_stubs() -> None:
    assert names(asked(called=("f",))) == ["f"]
    assert names(asked()) == []


A, B, C = Tool("a"), Tool("b"), Tool("c")


@pytest.mark.parametrize(
    ("choice", "sent", "words"),
    [
        (None, ["a", "b", "c"], []),
        (ToolChoice("auto"), ["a", "b", "c"], []),
        (ToolChoice("none"), ["b"], []),
        (ToolChoice("required"), ["a", "b", "c"], ["Call at least one of the tools in your answer."]),
        (ToolChoice("required", ("a",)), ["a", "b", "c"], ["Call the tool `a` in your answer."]),
        (ToolChoice("auto", ("a", "b")), ["a", "b"], []),
        (ToolChoice("auto", ("a",)), ["a", "b"], []),
        (ToolChoice("required", ("b", "c")), ["b", "c"], ["Call at least one of the tools in your answer."]),
    ],
)
def test_5_choices(choice: ToolChoice | None, sent: list[str], words: list[str]) -> None:
    """5: `none` leaves the stubs of the history, a subset filters, what forces a call is asked for in words."""
    chat, loss = asked(A, B, C, called=("b",), choice=choice), Loss()
    tools, said = build_tools(chat, loss)
    assert names(chat) == sent
    assert said == words
    assert ("tool_choice" in loss.changed) == bool(words)
    if choice is not None and choice.mode == "none":
        assert tools == [stub("b")]


def test_5_a_choice_that_forces_nothing_needs_no_words() -> None:
    assert choice_in_words(ToolChoice("auto"), Loss()) is None


def test_5_the_parallel_flag_is_dropped() -> None:
    chat, loss = asked(A), Loss()
    chat.parallel = False
    build_tools(chat, loss)
    assert set(loss.dropped) == {"parallel_tool_calls"}
    chat.parallel, loss = True, Loss()
    build_tools(chat, loss)
    assert loss.dropped == {}
