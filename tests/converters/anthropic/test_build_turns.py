"""2.2 and the order rules of 6.3 on the way out."""

import pytest

from converters.anthropic.build_turns import build_turns
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.profile import DEFAULT, Profile
from converters.turns import Cache, Chat, Image, Part, SystemText, Text, Thinking, ToolCall, ToolResult, Turn, Url


def built(
    *turns: Turn, system: list[SystemText] | None = None, profile: Profile = DEFAULT, loss: Loss | None = None
) -> JsonObject:
    return build_turns(Chat("m", "chat", system=system or [], turns=[*turns]), profile, loss or Loss())


def user(*parts: Part | str) -> Turn:
    return Turn("user", [Text(part) if isinstance(part, str) else part for part in parts])


def assistant(*parts: Part | str) -> Turn:
    return Turn("assistant", [Text(part) if isinstance(part, str) else part for part in parts])


def text(words: str) -> JsonObject:
    return {"type": "text", "text": words}


def message(role: str, *content: Json) -> JsonObject:
    return {"role": role, "content": [text(block) if isinstance(block, str) else block for block in content]}


def test_2_2_system_is_one_block_per_text_with_its_mark() -> None:
    system = [SystemText("a", Cache("1h")), SystemText(""), SystemText("x-anthropic-billing-header: v1")]
    assert built(user("hi"), system=system) == {
        "system": [
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            text("x-anthropic-billing-header: v1"),
        ],
        "messages": [message("user", "hi")],
    }


LATE = (user("a"), Turn("system", [Text("be brief", Cache()), Text(" ")]), user("b"))


def test_2_2_a_late_system_message_is_a_reminder_in_place() -> None:
    reminder = text("<system-reminder>\nbe brief\n</system-reminder>")
    reminder["cache_control"] = {"type": "ephemeral"}
    assert built(*LATE) == {"messages": [message("user", "a", reminder, "b")]}


def test_2_2_a_late_system_message_may_be_native_or_hoisted() -> None:
    brief: JsonObject = {**text("be brief"), "cache_control": {"type": "ephemeral"}}
    assert built(*LATE, profile=Profile(mid_system="native")) == {
        "messages": [message("user", "a"), message("system", brief), message("user", "b")]
    }
    loss = Loss()
    assert built(*LATE, system=[SystemText("s")], profile=Profile(mid_system="hoist"), loss=loss) == {
        "system": [text("s"), brief],
        "messages": [message("user", "a", "b")],
    }
    assert list(loss.changed) == ["messages.system"]


def test_2_2_the_first_message_is_of_the_user() -> None:
    assert built(assistant("hello"), user("hi"))["messages"] == [
        message("user", "Continue."),
        message("assistant", "hello"),
        message("user", "hi"),
    ]


def test_2_2_neighbours_of_a_role_are_merged() -> None:
    turns = (user("a"), user("b"), assistant("c"), assistant("d"), user("e"))
    assert built(*turns)["messages"] == [
        message("user", "a", "b"),
        message("assistant", "c", "d"),
        message("user", "e"),
    ]


def test_2_2_empty_messages_are_dropped_before_neighbours_are_merged() -> None:
    assert built(user("a"), assistant("", Thinking("unsigned")), user("b"))["messages"] == [message("user", "a", "b")]


def test_2_2_the_white_space_at_the_end_of_a_prefill_is_stripped_and_nowhere_else() -> None:
    assert built(user("a "), assistant("b "), user("c "), assistant("d \n", " e \n"))["messages"] == [
        message("user", "a "),
        message("assistant", "b "),
        message("user", "c "),
        message("assistant", "d \n", " e"),
    ]


def test_2_2_system_text_without_a_message_is_the_only_user_message() -> None:
    assert built(system=[SystemText("a"), SystemText("b")]) == {"messages": [message("user", "a", "b")]}
    assert built(user(""), system=[SystemText("a")]) == {"messages": [message("user", "a")]}


def test_17_nothing_at_all_is_a_400() -> None:
    with pytest.raises(ConversionError) as caught:
        built(user(" "), system=[SystemText("")])
    assert caught.value.param == "messages"


def test_6_3_results_come_first_in_their_message() -> None:
    one, two = ToolResult("t1", [Text("1")]), ToolResult("t2", [Text("2")])
    calls = assistant(ToolCall("t1", "f", {}), ToolCall("t2", "f", {}))
    messages = built(user("q"), calls, user("look", one, Image(Url("u"))), user(two, "then"))["messages"]
    assert isinstance(messages, list)
    assert messages[-1] == message(
        "user",
        {"type": "tool_result", "tool_use_id": "t1", "content": "1"},
        {"type": "tool_result", "tool_use_id": "t2", "content": "2"},
        "look",
        {"type": "image", "source": {"type": "url", "url": "u"}},
        "then",
    )


def test_2_1_a_name_on_a_message_is_dropped_with_a_warning() -> None:
    loss = Loss()
    built(Turn("user", [Text("hi")], name="ann"), loss=loss)
    assert list(loss.dropped) == ["messages.name"]
