"""2.1, 6, 7.4, 10, 17: messages of a client's request."""

import pytest

from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_chat.parse_turns import parse_turns
from converters.turns import (
    Base64,
    Cache,
    Chat,
    Image,
    Refusal,
    SystemText,
    Text,
    Thinking,
    Token,
    ToolCall,
    ToolResult,
    Turn,
)

CALL: JsonObject = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1.0}'}}


def parse(*messages: Json, loss: Loss | None = None) -> Chat:
    chat = Chat("m", "chat")
    parse_turns([*messages], chat, loss or Loss())
    return chat


def assistant(**fields: Json) -> Turn:
    return parse({"role": "assistant", **fields}).turns[0]


def test_2_1_leading_system_and_developer_messages_are_system_texts() -> None:
    chat = parse(
        {"role": "system", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "b"}, {"type": "text", "text": "c"}]},
        {"role": "user", "content": "hi"},
    )
    assert chat.system == [SystemText("a"), SystemText("b"), SystemText("c")]
    assert chat.turns == [Turn("user", [Text("hi")])]


def test_2_1_later_system_messages_stay_in_place() -> None:
    chat = parse(
        {"role": "user", "content": "hi"},
        {"role": "system", "content": "be brief"},
        {"role": "developer", "content": "be kind", "name": "ops"},
    )
    assert chat.system == []
    assert chat.turns[1:] == [Turn("system", [Text("be brief")]), Turn("system", [Text("be kind")], "ops")]


def test_2_1_names_of_users_are_kept_and_of_leading_system_texts_dropped() -> None:
    loss = Loss()
    chat = parse(
        {"role": "system", "content": "a", "name": "s"}, {"role": "user", "content": "b", "name": "u"}, loss=loss
    )
    assert chat.turns == [Turn("user", [Text("b")], "u")]
    assert list(loss.dropped) == ["messages.name"]


def test_2_1_an_uninterrupted_run_of_tool_messages_is_one_user_turn() -> None:
    chat = parse(
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
        {"role": "tool", "tool_call_id": "c2", "name": "f", "content": [{"type": "text", "text": "2"}]},
        {"role": "user", "content": "go on"},
        {"role": "tool", "tool_call_id": "c3", "content": "3"},
    )
    assert chat.turns == [
        Turn("user", [ToolResult("c1", [Text("1")]), ToolResult("c2", [Text("2")], "f")]),
        Turn("user", [Text("go on")]),
        Turn("user", [ToolResult("c3", [Text("3")])]),
    ]


def test_2_1_legacy_function_calls_get_an_id_and_their_results_find_them() -> None:
    messages: list[Json] = [
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": '{"a":1}'}},
        {"role": "function", "name": "f", "content": "2"},
        {"role": "function", "name": "g", "content": "orphan"},
    ]
    chat = parse(*messages)
    calls = [part for turn in chat.turns for part in turn.parts if isinstance(part, ToolCall)]
    results = [part for turn in chat.turns for part in turn.parts if isinstance(part, ToolResult)]
    assert [result.call_id for result in results[:2]] == [call.id for call in calls]
    assert len({result.call_id for result in results}) == 3
    assert calls[0].id.startswith("call_")
    assert len(calls[0].id) == 29
    assert parse(*messages) == chat, "ids must not change from request to request"


def test_6_calls_keep_their_arguments_verbatim() -> None:
    turn = assistant(content="so", tool_calls=[CALL])
    assert turn.parts == [Text("so"), ToolCall("c1", "f", args_text='{"a": 1.0}')]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"id": "c", "function": {"name": "f"}}, ToolCall("c", "f", args_text="")),
        ({"id": "c", "function": {"name": "f", "arguments": {"a": 1}}}, ToolCall("c", "f", args={"a": 1})),
        (
            {"id": "c", "type": "custom", "custom": {"name": "p", "input": "free"}},
            ToolCall("c", "p", args_text="free", kind="custom"),
        ),
        (
            {"id": "c", "function": {"name": "f", "arguments": "{}"}, "cache_control": {"type": "ephemeral"}},
            ToolCall("c", "f", args_text="{}", cache=Cache()),
        ),
        (
            {
                "id": "c",
                "function": {"name": "f", "arguments": "{}"},
                "extra_content": {"google": {"thought_signature": "sig"}},
            },
            ToolCall("c", "f", args_text="{}", token=Token("g", "sig", "call")),
        ),
    ],
)
def test_6_tool_calls_are_read(call: JsonObject, expected: ToolCall) -> None:
    assert assistant(tool_calls=[call]).parts == [expected]


def test_assistant_parts_stand_in_the_order_thinking_text_refusal_calls() -> None:
    turn = assistant(content="a", refusal="no", reasoning_content="hm", tool_calls=[CALL], name="bot")
    assert [type(part) for part in turn.parts] == [Thinking, Text, Refusal, ToolCall]
    assert turn.name == "bot"


def test_an_empty_answer_is_an_empty_text_only_without_calls() -> None:
    assert assistant(content="").parts == [Text("")]
    assert assistant(content="", tool_calls=[CALL]).parts == [ToolCall("c1", "f", args_text='{"a": 1.0}')]
    assert assistant(content=None).parts == []


def test_3_pictures_of_an_earlier_answer_are_read() -> None:
    image: JsonObject = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    assert assistant(content="a", images=[image]).parts == [Text("a"), Image(Base64("image/png", "AA=="))]


def test_10_a_message_level_cache_mark_goes_to_the_last_part() -> None:
    mark: JsonObject = {"type": "ephemeral"}
    chat = parse(
        {"role": "system", "content": "s", "cache_control": mark},
        {
            "role": "user",
            "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
            "cache_control": mark,
        },
        {"role": "assistant", "content": "a", "tool_calls": [CALL], "cache_control": mark},
        {"role": "tool", "tool_call_id": "c1", "content": "r", "cache_control": mark},
    )
    assert chat.system == [SystemText("s", Cache())]
    assert chat.turns[0].parts == [Text("a"), Text("b", Cache())]
    assert chat.turns[1].parts[-1] == ToolCall("c1", "f", args_text='{"a": 1.0}', cache=Cache())
    assert chat.turns[2].parts == [ToolResult("c1", [Text("r")], cache=Cache())]


def test_17_a_spoken_answer_of_the_history_is_dropped() -> None:
    loss = Loss()
    parse({"role": "assistant", "content": None, "audio": {"id": "audio_1"}}, loss=loss)
    assert set(loss.dropped) == {"messages.audio"}


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("hi", "messages[0]"),
        ({}, "messages[0].role"),
        ({"role": "robot", "content": "a"}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"),
        ({"role": "system"}, "messages[0].content"),
        ({"role": "tool", "content": "a"}, "messages[0].tool_call_id"),
        ({"role": "function", "content": "a"}, "messages[0].name"),
        ({"role": "user", "content": "a", "name": 3}, "messages[0].name"),
        ({"role": "assistant", "content": 3}, "messages[0].content"),
        ({"role": "assistant", "tool_calls": {}}, "messages[0].tool_calls"),
        ({"role": "assistant", "tool_calls": [{}]}, "messages[0].tool_calls[0].id"),
        ({"role": "assistant", "tool_calls": [{"id": "c"}]}, "messages[0].tool_calls[0].function"),
        ({"role": "assistant", "tool_calls": [{"id": "c", "type": "odd"}]}, "messages[0].tool_calls[0].type"),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": 3}}]},
            "messages[0].tool_calls[0].function.arguments",
        ),
        ({"role": "assistant", "reasoning_content": 3}, "messages[0].reasoning_content"),
        ({"role": "assistant", "reasoning_details": "x"}, "messages[0].reasoning_details"),
    ],
)
def test_17_malformed_messages_are_a_400_with_their_path(message: Json, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        parse(message)
    assert caught.value.param == param
