"""2.1, 6, 7.4, 17: items of a client's input become turns."""

from typing import Any

import pytest

from converters.envelope import seal
from converters.errors import ConversionError
from converters.loss import Loss
from converters.openai_responses.parse_items import parse_input
from converters.turns import (
    Base64,
    Chat,
    Hosted,
    Image,
    SystemText,
    Text,
    Thinking,
    Token,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
)


def parse(*items: Any) -> Chat:
    chat = Chat("m", "responses")
    parse_input(list(items), chat, Loss())
    return chat


def turns(*items: Any) -> list[Turn]:
    return parse(*items).turns


def call(id_: str, **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": id_, "name": "f", "arguments": "{}", **more}


def output(id_: str, text: str = "ok") -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": id_, "output": text}


USER = {"role": "user", "content": "hi"}


def test_2_1_a_string_is_one_user_text() -> None:
    chat = Chat("m", "responses")
    parse_input("hi", chat, Loss())
    assert chat.turns == [Turn("user", [Text("hi")])]


def test_2_1_the_type_of_a_message_may_be_left_out() -> None:
    assert turns(USER, {"type": "message", **USER}) == [Turn("user", [Text("hi")])] * 2


def test_2_1_leading_system_and_developer_messages_are_system_texts_and_later_ones_stay_in_place() -> None:
    chat = parse(
        {"role": "developer", "content": "a"},
        {"role": "system", "content": [{"type": "input_text", "text": "b"}, {"type": "input_text", "text": "c"}]},
        USER,
        {"role": "developer", "content": "d"},
    )
    assert chat.system == [SystemText("a"), SystemText("b"), SystemText("c")]
    assert chat.turns == [Turn("user", [Text("hi")]), Turn("system", [Text("d")])]


def test_2_1_neighbouring_items_of_the_assistant_are_one_turn_and_neighbouring_results_are() -> None:
    said = {"role": "assistant", "content": [{"type": "output_text", "text": "so"}]}
    assert turns(USER, said, call("1"), call("2"), output("1"), output("2", ""), said, USER) == [
        Turn("user", [Text("hi")]),
        Turn("assistant", [Text("so"), ToolCall("1", "f", args_text="{}"), ToolCall("2", "f", args_text="{}")]),
        Turn("user", [ToolResult("1", [Text("ok")]), ToolResult("2", [])]),
        Turn("assistant", [Text("so")]),
        Turn("user", [Text("hi")]),
    ]


def test_6_3_calls_with_an_output_between_are_two_turns() -> None:
    assert [turn.role for turn in turns(call("1"), output("1"), call("2"), output("2"))] == [
        "assistant",
        "user",
        "assistant",
        "user",
    ]


def test_6_2_arguments_are_kept_as_text() -> None:
    assert turns(call("1", arguments='{"a": 1.0}'), call("2", arguments={"a": 1}), call("3", arguments=None)) == [
        Turn(
            "assistant",
            [
                ToolCall("1", "f", args_text='{"a": 1.0}'),
                ToolCall("2", "f", args={"a": 1}),
                ToolCall("3", "f", args_text=""),
            ],
        )
    ]


def test_4_3_custom_calls_and_namespaces() -> None:
    custom = {"type": "custom_tool_call", "call_id": "2", "name": "p", "input": "free"}
    result = {"type": "custom_tool_call_output", "call_id": "2", "output": "ok"}
    assert turns(call("1", namespace="crm"), custom, result) == [
        Turn(
            "assistant",
            [ToolCall("1", "crm__f", args_text="{}"), ToolCall("2", "p", args_text="free", kind="custom")],
        ),
        Turn("user", [ToolResult("2", [Text("ok")])]),
    ]


def test_6_1_a_call_without_call_id_goes_by_its_id() -> None:
    (turn,) = turns({"type": "function_call", "id": "fc_1", "name": "f", "arguments": "{}"})
    assert turn.parts == [ToolCall("fc_1", "f", args_text="{}")]


def reasoning(sealed: str | None, text: str = "", **more: Any) -> dict[str, Any]:
    summary = [{"type": "summary_text", "text": text}] if text else []
    return {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": sealed, **more}


def test_7_4_encrypted_content_is_this_protocols_own_token() -> None:
    assert turns(reasoning("gAAA", "hm")) == [Turn("assistant", [Thinking("hm", Token("r", "gAAA", id="rs_1"))])]


@pytest.mark.parametrize("token", [Token("a", "sig"), Token("x", "data"), Token("k", "v"), Token("g", "v", "text")])
def test_7_4_an_envelope_is_opened(token: Token) -> None:
    assert turns(reasoning(seal(token), "hm")) == [Turn("assistant", [Thinking("hm", token)])]


def test_7_4_the_token_of_a_call_goes_back_to_its_call() -> None:
    token = Token("g", "sig", "call", "1")
    assert turns(call("1"), reasoning(seal(token)), call("2")) == [
        Turn("assistant", [ToolCall("1", "f", args_text="{}", token=token), ToolCall("2", "f", args_text="{}")])
    ]
    assert turns(call("9"), reasoning(seal(token)))[0].parts[1] == Thinking("", token)


def test_7_4_reasoning_without_a_token_is_text_and_without_either_is_nothing() -> None:
    own = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "raw"}]}
    assert turns(USER, reasoning(None, "hm"), own, reasoning(None))[1:] == [
        Turn("assistant", [Thinking("hm"), Thinking("raw")])
    ]


@pytest.mark.parametrize(
    ("item", "role", "text"),
    [
        ({"type": "web_search_call", "action": {"query": "x"}}, "assistant", ""),
        ({"type": "mcp_call", "name": "n", "output": "found"}, "assistant", "found"),
        ({"type": "file_search_call", "results": [{"text": "a"}, {"text": "b"}]}, "assistant", "a\nb"),
        ({"type": "code_interpreter_call", "outputs": [{"type": "logs", "logs": "1"}]}, "assistant", "1"),
        ({"type": "compaction", "encrypted_content": "x"}, "assistant", ""),
        ({"type": "some_future_call"}, "assistant", ""),
        ({"type": "shell_call_output", "output": [{"stdout": "a", "stderr": "b"}]}, "user", "a\nb"),
        ({"type": "apply_patch_call_output", "output": "done"}, "user", "done"),
        ({"type": "image_generation_call", "result": None}, "assistant", ""),
    ],
)
def test_17_hosted_steps_keep_their_readable_text(item: dict[str, Any], role: str, text: str) -> None:
    (turn,) = turns(item)
    assert (turn.role, turn.parts) == (role, [Hosted(item["type"], text, ("responses", item))])


def test_3_a_picture_of_an_earlier_answer() -> None:
    picture = {"type": "image_generation_call", "id": "ig_1", "result": "AA==", "output_format": "webp"}
    assert turns(picture) == [Turn("assistant", [Image(Base64("image/webp", "AA=="))])]


def test_4_3_tools_may_be_added_later() -> None:
    tools = [{"type": "function", "name": "g"}]
    chat = parse(USER, {"type": "additional_tools", "role": "developer", "tools": tools}, USER)
    assert (chat.tools, len(chat.turns)) == ([Tool("g")], 2)


@pytest.mark.parametrize(
    ("item", "param"),
    [
        (5, "input[0]"),
        ({}, "input[0].type"),
        ({"type": "message", "content": "x"}, "input[0].role"),
        ({"role": "nobody", "content": "x"}, "input[0].role"),
        ({"role": "user"}, "input[0].content"),
        ({"type": "function_call", "name": "f"}, "input[0].call_id"),
        ({"type": "function_call", "call_id": "1"}, "input[0].name"),
        ({"type": "function_call_output", "output": "x"}, "input[0].call_id"),
        ({"type": "item_reference", "id": "msg_1"}, "input[0]"),
        ({"id": "msg_1"}, "input[0]"),
        ({"type": "hologram"}, "input[0]"),
    ],
)
def test_17_malformed_items_are_named(item: Any, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        parse(item)
    assert caught.value.param == param


@pytest.mark.parametrize("value", [None, "", [], {}, 5])
def test_17_input_must_be_there(value: Any) -> None:
    with pytest.raises(ConversionError) as caught:
        parse_input(value, Chat("m", "responses"), Loss())
    assert caught.value.param == "input"
