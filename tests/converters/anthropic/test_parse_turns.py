"""2.1 messages -> turns."""

import pytest

from converters.anthropic.parse_turns import parse_turns
from converters.errors import ConversionError
from converters.json_codec import Json
from converters.loss import Loss
from converters.turns import Text, ToolCall, ToolResult, Turn

CALL: Json = {"type": "tool_use", "id": "t1", "name": "get", "input": {"a": 1}}
RESULT: Json = {"type": "tool_result", "tool_use_id": "t1", "content": "42"}


def turns(*messages: Json) -> list[Turn]:
    return parse_turns({"messages": [*messages]}, Loss())


def text(words: str) -> Json:
    return {"type": "text", "text": words}


def test_2_1_roles_and_both_forms_of_content() -> None:
    assert turns(
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [text("a"), text("b")]},
        {"role": "user", "content": []},
    ) == [Turn("user", [Text("hi")]), Turn("assistant", [Text("a"), Text("b")]), Turn("user", [])]


def test_2_1_system_messages_stay_in_place() -> None:
    assert turns(
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "now brief"},
        {"role": "system", "content": [text("a"), text("b")]},
    )[1:] == [Turn("system", [Text("now brief")]), Turn("system", [Text("a"), Text("b")])]


def test_2_1_a_mid_conv_system_block_splits_its_message() -> None:
    late: Json = {"type": "mid_conv_system", "content": [text("brief")]}
    assert turns({"role": "user", "content": [RESULT, late, text("go")]}) == [
        Turn("user", [ToolResult("t1", [Text("42")])]),
        Turn("system", [Text("brief")]),
        Turn("user", [Text("go")]),
    ]
    assert turns({"role": "user", "content": [late]}) == [Turn("system", [Text("brief")])]


def test_6_results_learn_the_name_of_their_tool() -> None:
    found = turns(
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": [CALL, {"type": "mid_conv_system", "content": "x"}]},
        {"role": "user", "content": [RESULT, {"type": "tool_result", "tool_use_id": "t2"}]},
    )
    assert found[1].parts == [ToolCall("t1", "get", {"a": 1})]
    assert found[-1].parts == [ToolResult("t1", [Text("42")], "get"), ToolResult("t2", [], None)]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("hi", "messages[0]"),
        ({"content": "hi"}, "messages[0].role"),
        ({"role": "tool", "content": "hi"}, "messages[0].role"),
        ({"role": 3, "content": "hi"}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"),
        ({"role": "user", "content": 3}, "messages[0].content"),
        ({"role": "user", "content": ["hi"]}, "messages[0].content[0]"),
        ({"role": "system", "content": [{"type": "image"}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": "mid_conv_system", "content": 3}]}, "messages[0].content[0].content"),
    ],
)
def test_17_what_is_malformed_is_a_400_that_names_the_field(message: Json, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        turns(message)
    assert (caught.value.status, caught.value.param) == (400, param)
