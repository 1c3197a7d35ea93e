"""A conversation as chat messages: what has a place, and what is named as lost."""

from collections import Counter
from typing import Any

import pytest

from addons.dataset_export import chat
from addons.dataset_export.example import Losses, Options, Said
from tests.addons.dataset_export.rig import made
from tests.addons.dataset_export.talk import Message, assistant, call, result, text, thinking, user


def said(message: Message) -> Said:
    return Said(message["role"], message["parts"], learn=True)


@pytest.mark.parametrize(
    ("reasoning", "expected", "lost"),
    [
        ("drop", {"content": "yes"}, {"reasoning": 1}),
        ("reasoning_content", {"content": "yes", "reasoning_content": "a\n\nb"}, {}),
        ("thinking", {"content": "yes", "thinking": "a\n\nb"}, {}),
        ("think-tags", {"content": "<think>\na\n\nb\n</think>\n\nyes"}, {}),
    ],
)
def test_where_reasoning_goes(reasoning: Any, expected: dict[str, Any], lost: dict[str, int]) -> None:
    losses: Losses = Counter()
    found = chat.assistant(said(assistant(thinking("a"), thinking("b"), "yes")), Options(reasoning), losses)
    assert found == {"role": "assistant"} | expected
    assert losses == lost


def test_arguments_are_an_object_or_a_string_and_ids_stand_where_wanted() -> None:
    one = said(assistant(call("f", "c9", b=1, a="ä")))
    plain = {"type": "function", "function": {"name": "f", "arguments": {"b": 1, "a": "ä"}}}
    assert chat.assistant(one, Options(), Counter())["tool_calls"] == [plain]
    found = chat.assistant(one, Options(strings="all", call_ids=True), Counter())
    text_of_arguments = {"type": "function", "function": {"name": "f", "arguments": '{"b":1,"a":"ä"}'}}
    assert found["tool_calls"] == [{"id": "c9"} | text_of_arguments]


def test_free_text_of_a_call_becomes_an_argument_and_is_named() -> None:
    losses: Losses = Counter()
    part = {"type": "tool_call", "id": "1", "name": "f", "arguments_text": "ls -l", "custom": True}
    assert chat.arguments(part, losses) == {"input": "ls -l"}
    assert list(losses) == ["arguments that are not a JSON object (now in `input`)"]


def test_results_come_before_what_was_said_besides_them_and_know_their_tool() -> None:
    losses: Losses = Counter()
    message = said(user("And?", result("one", "c1"), result("two", "c2", name="own", error=True)))
    found = chat.others(message, {"c1": "f", "c2": "g"}, Options(call_ids=True), losses)
    assert found == [
        {"role": "tool", "content": "one", "name": "f", "tool_call_id": "c1"},
        {"role": "tool", "content": "two", "name": "own", "tool_call_id": "c2"},
        {"role": "user", "content": "And?"},
    ]
    assert losses == {"mark of a tool result as an error": 1}


def test_pictures_and_steps_of_the_provider_are_named_and_text_documents_are_text() -> None:
    losses: Losses = Counter()
    picture = {"type": "image", "sha256": "1", "bytes": 3, "data": "QUJD"}  # as records hold it with `record_media`
    document = {"type": "document", "media_type": "text/plain", "text": "file"}
    search = {"type": "hosted", "kind": "web_search", "text": "found"}
    found = chat.others(said(user("See:", picture, document)), {}, Options(), losses)
    chat.assistant(said(assistant(search, "yes")), Options(), losses)
    chat.others(said(user(result("") | {"content": [picture]})), {}, Options(), losses)
    assert found == [{"role": "user", "content": "See:\n\nfile"}]
    assert losses == {"image": 2, "hosted": 1}


def test_tools_are_functions_and_what_no_function_can_be_is_named() -> None:
    losses: Losses = Counter()
    offered = [
        {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {}}}, "strict": True},
        {"name": "g"},
        {"name": "h", "parameters": {"type": "object", "additionalProperties": False}},
        {"name": "patch", "kind": "custom", "grammar": {}},
        {"name": "web", "kind": "hosted", "type": "web_search"},
    ]
    found = chat.functions(offered, losses)
    assert found == [
        {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {"a": {}}}},
        {"name": "g", "parameters": {"type": "object", "properties": {}}},
        {"name": "h", "parameters": {"type": "object", "additionalProperties": False, "properties": {}}},
        {
            "name": "patch",
            "parameters": {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]},
        },
    ]
    assert losses == {
        "tool of free text (now with one argument, `input`)": 1,
        "tool run by the provider or defined by the vendor (hosted)": 1,
    }


def test_the_column_of_tools_is_null_objects_or_a_string() -> None:
    assert chat.tools(made(tools=[]), Options(), Counter()) is None
    assert chat.tools(made(tools=[{"name": "f"}]), Options(strings="tools"), Counter()) == (
        '[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]'
    )


def test_an_empty_message_stays_a_message() -> None:
    assert chat.others(said(user()), {}, Options(), Counter()) == [{"role": "user", "content": ""}]
    assert chat.messages(made([user("a")], assistant("b"), system=""), [], Options(), Counter()) == []
    assert text("x")["type"] == "text"
