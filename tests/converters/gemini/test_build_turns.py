"""2.2, 6.3, 7.4: contents for Gemini."""

import pytest

from converters.errors import ConversionError
from converters.gemini.build_turns import build_turns
from converters.gemini.tokens import PLACEHOLDER
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.turns import (
    Base64,
    Chat,
    Image,
    Part,
    Role,
    SystemText,
    Text,
    Thinking,
    Token,
    ToolCall,
    ToolResult,
    Turn,
)

THREE, TWO = "gemini-3-pro-preview", "gemini-2.5-pro"
CONTINUE: JsonObject = {"role": "user", "parts": [{"text": "Continue."}]}


def contents(*turns: Turn, model: str = TWO) -> Json:
    return build_turns(Chat(model, "chat", turns=[*turns]), Loss())["contents"]


def turn(role: Role, *parts: Part) -> Turn:
    return Turn(role, [*parts])


def user(text: str = "hi") -> Turn:
    return turn("user", Text(text))


def model_parts(*parts: Part, model: str = THREE) -> Json:
    built = contents(user(), turn("assistant", *parts), model=model)
    assert isinstance(built, list)
    assert isinstance(content := built[1], dict)
    assert content["role"] == "model"
    return content["parts"]


def test_2_2_system_texts_are_parts_without_the_attribution_line() -> None:
    loss = Loss()
    chat = Chat(
        TWO,
        "chat",
        system=[SystemText("x-anthropic-billing-header: 1"), SystemText("a"), SystemText("")],
        turns=[user()],
    )
    assert build_turns(chat, loss, ["own"])["systemInstruction"] == {"parts": [{"text": "a"}, {"text": "own"}]}
    assert list(loss.noted) == ["system.attribution"]
    assert "systemInstruction" not in build_turns(Chat(TWO, "chat", turns=[user()]), Loss())


def test_2_2_a_later_system_message_is_user_text_in_place() -> None:
    assert contents(user(), turn("system", Text("rule"), Text(""))) == [
        {"role": "user", "parts": [{"text": "hi"}, {"text": "<system-reminder>\nrule\n</system-reminder>"}]}
    ]


def test_2_2_starts_and_ends_with_the_user_and_merges_neighbours() -> None:
    assert contents(turn("assistant", Text("a")), turn("assistant", Text("b"))) == [
        CONTINUE,
        {"role": "model", "parts": [{"text": "a"}, {"text": "b"}]},
        CONTINUE,
    ]


def test_2_2_system_alone_is_the_message_and_nothing_is_refused() -> None:
    built = build_turns(Chat(TWO, "chat", system=[SystemText("a")], turns=[turn("user", Text(""))]), Loss())
    assert built == {"contents": [{"role": "user", "parts": [{"text": "a"}]}]}
    with pytest.raises(ConversionError):
        contents(turn("user", Text("")))


def test_6_3_results_come_first_then_their_media_then_the_rest() -> None:
    calls = turn("assistant", ToolCall("1", "f", {}), ToolCall("2", "g", {}))
    results = turn(
        "user",
        ToolResult("1", [Image(Base64("image/png", "aGk="))], "f"),
        Text("more"),
        ToolResult("2", [Text("b")], "g"),
    )
    built = contents(user(), calls, turn("system", Text("late")), results)
    assert isinstance(built, list)
    assert isinstance(last := built[2], dict)
    assert isinstance(parts := last["parts"], list)
    assert [next(iter(part)) for part in parts if isinstance(part, dict)] == [
        "functionResponse",
        "functionResponse",
        "text",
        "inlineData",
        "text",
    ]


def test_7_4_tokens_go_back_on_the_kind_of_part_they_came_on() -> None:
    assert model_parts(
        Thinking("secret thought", Token("g", "T", "thought")),
        Thinking("", Token("g", "X", "text")),
        Text("a"),
        Thinking("hm", Token("g", "C", "call", "1")),
        ToolCall("1", "f", {}),
        ToolCall("2", "f", {}),
        Thinking("", Token("g", "E", "text")),
    ) == [
        {"text": "", "thoughtSignature": "T", "thought": True},
        {"text": "a", "thoughtSignature": "X"},
        {"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": "C"},
        {"functionCall": {"id": "2", "name": "f", "args": {}}},
        {"text": "", "thoughtSignature": "E"},
    ]


def test_7_4_a_calls_own_token_wins_and_a_text_token_never_goes_on_a_call() -> None:
    assert model_parts(
        Thinking("", Token("g", "old", "call")),
        ToolCall("1", "f", {}, token=Token("g", "own", "call")),
        Thinking("", Token("g", "X", "text")),
        ToolCall("2", "f", {}),
    ) == [
        {"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": "own"},
        {"text": "", "thoughtSignature": "X"},
        {"functionCall": {"id": "2", "name": "f", "args": {}}},
    ]


def test_7_4_gemini_3_gets_the_placeholder_on_the_first_call_of_each_step() -> None:
    calls = (ToolCall("1", "f", {}), ToolCall("2", "f", {}))
    assert model_parts(*calls) == [
        {"functionCall": {"id": "1", "name": "f", "args": {}}, "thoughtSignature": PLACEHOLDER},
        {"functionCall": {"id": "2", "name": "f", "args": {}}},
    ]
    assert PLACEHOLDER not in str(model_parts(*calls, model=TWO))


def test_1_3_a_longer_history_leaves_the_earlier_part_unchanged() -> None:
    history = [user(), turn("assistant", ToolCall("1", "f", {})), turn("user", ToolResult("1", [Text("x")], "f"))]
    first = contents(*history, model=THREE)
    longer = contents(*history, turn("assistant", Text("a")), user("next"), model=THREE)
    assert isinstance(first, list)
    assert isinstance(longer, list)
    assert longer[: len(first)] == first


def test_2_2_names_of_participants_are_dropped() -> None:
    loss = Loss()
    build_turns(Chat(TWO, "chat", turns=[Turn("user", [Text("x")], "bob")]), loss)
    assert list(loss.dropped) == ["messages.name"]


def test_7_4_two_tokens_of_no_text_are_both_sent_back() -> None:
    assert model_parts(Thinking("", Token("g", "X", "text")), Thinking("", Token("g", "Y", "text")), Text("a")) == [
        {"text": "", "thoughtSignature": "X"},
        {"text": "a", "thoughtSignature": "Y"},
    ]
