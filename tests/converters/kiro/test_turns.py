"""2.2, 18.1, 3.1.1, 3.1.2, 3.1.10, 3.1.11: messages that alternate and are never empty."""

import pytest

from converters.errors import ConversionError
from converters.json_codec import JsonObject
from converters.kiro.content import token_of
from converters.kiro.turns import (
    MAX_CONTENT,
    MAX_HISTORY,
    Message,
    alternating,
    keep_last_images,
    messages_of,
    system_texts,
    write_assistant,
    write_history,
    write_user,
)
from converters.loss import Loss
from converters.turns import Base64, Cache, Chat, Image, Part, SystemText, Text, Thinking, ToolCall, ToolResult, Turn

CALL: JsonObject = {"toolUseId": "c", "name": "f", "input": {}}
RESULT: JsonObject = {"toolUseId": "c", "content": [{"text": "r"}], "status": "success"}
IMAGE: JsonObject = {"format": "png", "source": {"bytes": "iVBO"}}


def user(*texts: str) -> Message:
    return Message(True, [*texts])


def assistant(*texts: str) -> Message:
    return Message(False, [*texts])


def test_3_1_1_neighbours_of_one_side_are_merged() -> None:
    first = Message(True, ["a"], [IMAGE], [], [RESULT])
    merged = alternating(
        [first, Message(True, ["b"], [IMAGE], [], [RESULT]), assistant("c"), assistant("d"), user("e")]
    )
    assert [message.texts for message in merged] == [["a", "b"], ["c", "d"], ["e"]]
    assert (merged[0].images, merged[0].results) == ([IMAGE, IMAGE], [RESULT, RESULT])


def test_3_1_1_merged_assistant_messages_keep_calls_and_the_first_reasoning() -> None:
    merged = alternating(
        [
            user("q"),
            Message(False, [], [], [CALL], [], {"a": 1}),
            Message(False, [], [], [CALL], [], {"b": 2}),
            user("r"),
        ]
    )
    assert (merged[1].calls, merged[1].reasoning) == ([CALL, CALL], {"a": 1})


def test_3_1_1_an_empty_message_is_left_out_and_its_neighbours_meet() -> None:
    assert [message.texts for message in alternating([user("a"), assistant(), user("b")])] == [["a", "b"]]
    assert alternating([user(), assistant()]) == []


def test_18_1_gaps_are_filled() -> None:
    """3.1.1: begins with the user; 3.1.10: no prefill."""
    assert alternating([assistant("a")]) == [user("Continue."), assistant("a"), user("Continue.")]
    assert alternating([user("q"), assistant("a")]) == [user("q"), assistant("a"), user("Continue.")]


def written_user(message: Message, *, empty: bool = False) -> JsonObject:
    written = write_user(message, "m", empty)
    assert written.keys() == {"userInputMessage"}
    found = written["userInputMessage"]
    assert isinstance(found, dict)
    assert (found.pop("modelId"), found.pop("origin")) == ("m", "AI_EDITOR")
    return found


def written_assistant(message: Message, *, empty: bool = False) -> JsonObject:
    written = write_assistant(message, empty)
    assert written.keys() == {"assistantResponseMessage"}
    found = written["assistantResponseMessage"]
    assert isinstance(found, dict)
    return found


def test_18_1_a_user_message() -> None:
    """3.1.9: what is empty is left out."""
    assert written_user(user("a", "b")) == {"content": "a\n\nb"}
    assert written_user(Message(True, ["a"], [IMAGE], [], [RESULT])) == {
        "content": "a",
        "images": [IMAGE],
        "userInputMessageContext": {"toolResults": [RESULT]},
    }


@pytest.mark.parametrize(
    ("message", "content", "where_empty_is_allowed"),
    [
        (Message(True, results=[RESULT]), "Tool results provided.", ""),
        (Message(True, images=[IMAGE]), "Continue.", "Continue."),
    ],
    ids=["results", "images"],
)
def test_3_1_2_a_user_message_without_words(message: Message, content: str, where_empty_is_allowed: str) -> None:
    assert written_user(message)["content"] == content
    assert written_user(message, empty=True)["content"] == where_empty_is_allowed


def test_3_1_2_an_assistant_message_without_words() -> None:
    assert written_assistant(Message(False, calls=[CALL])) == {"content": " ", "toolUses": [CALL]}
    assert written_assistant(Message(False, calls=[CALL]), empty=True) == {"content": "", "toolUses": [CALL]}
    thought = Message(False, reasoning={"redactedContent": "x"})
    assert written_assistant(thought, empty=True) == {"content": " ", "reasoningContent": {"redactedContent": "x"}}


def test_3_1_11_sizes() -> None:
    assert written_user(user("x" * MAX_CONTENT))
    with pytest.raises(ConversionError, match="prompt is too long"):
        written_user(user("x" * (MAX_CONTENT + 1)))
    assert written_user(Message(True, ["a"], [IMAGE] * 10))
    with pytest.raises(ConversionError, match="11 images"):
        written_user(Message(True, ["a"], [IMAGE] * 11))
    pair = [user("a"), assistant("b")]
    assert len(write_history(pair * (MAX_HISTORY // 2), "m", False)) == MAX_HISTORY
    with pytest.raises(ConversionError, match="prompt is too long"):
        write_history(pair * (MAX_HISTORY // 2 + 1), "m", False)


def chat(*turns: Turn, system: tuple[SystemText, ...] = ()) -> Chat:
    return Chat("m", "chat", system=[*system], turns=[*turns])


def test_2_2_a_later_system_message_is_user_text_in_place() -> None:
    (message,) = messages_of(chat(Turn("system", [Text("be brief"), Text(" ")])), Loss())
    assert message == user("<system-reminder>\nbe brief\n</system-reminder>")


def test_2_2_system_texts_without_the_attribution_line() -> None:
    loss = Loss()
    texts = (
        SystemText("x-anthropic-billing-header: v=1; n=77\nreal"),
        SystemText("x-anthropic-billing-header: only"),
        SystemText(" "),
        SystemText("rules", Cache()),
    )
    assert system_texts(chat(system=texts), loss) == ["real", "rules"]
    assert set(loss.noted) == {"system.attribution", "cache_control"}


def test_18_1_a_turn_of_each_kind() -> None:
    parts: list[Part] = [
        Thinking("why", token_of("sig")),
        Text("a"),
        Image(Base64("image/png", "x")),
        ToolCall("c", "f", {}),
    ]
    shown = Turn("user", [ToolResult("c", [Text("r"), Image(Base64("image/png", "iVBO"))]), Text("b")])
    first, second = messages_of(chat(Turn("assistant", parts), shown), Loss())
    assert first == Message(
        False, ["a", "[image: image/png]"], [], [CALL], [], {"reasoningText": {"text": "why", "signature": "sig"}}
    )
    result = {**RESULT, "content": [{"text": "r\n[image 1 of call c]"}]}
    assert second == Message(True, ["b"], [IMAGE], [], [result])


def test_2_1_names_of_participants_are_dropped() -> None:
    loss = Loss()
    messages_of(chat(Turn("user", [Text("a")], name="bob")), loss)
    assert set(loss.dropped) == {"messages.name"}


def test_18_1_old_images_are_left_out_only_by_the_accounts_wish() -> None:
    def sample() -> list[Message]:
        return [Message(True, ["a"], [IMAGE, IMAGE]), assistant("b"), Message(True, ["c"], [IMAGE]), user("d")]

    messages, loss = sample(), Loss()
    keep_last_images(messages, None, loss)
    assert (messages, loss.changed) == (sample(), {})
    keep_last_images(messages, 2, loss)
    assert (messages, loss.changed) == (sample(), {})
    keep_last_images(messages, 1, loss)
    assert messages == [user("a", "[image left out]\n[image left out]"), *sample()[1:]]
    assert set(loss.changed) == {"messages.image"}
    keep_last_images(messages, 0, loss)
    assert not any(message.images for message in messages)
