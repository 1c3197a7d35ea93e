"""The conversation: one shape for all protocols."""

import base64
import hashlib

import pytest

from addons.records.conversation import conversation, parts_of
from converters.events import (
    Answer,
    AnswerCall,
    AnswerImage,
    AnswerPart,
    AnswerRefusal,
    AnswerText,
    AnswerThinking,
    Citation,
)
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.turns import (
    Audio,
    Base64,
    Chat,
    Document,
    FileId,
    Hosted,
    Image,
    Part,
    PlainText,
    Refusal,
    SystemText,
    Text,
    Thinking,
    Token,
    Tool,
    ToolCall,
    ToolResult,
    Turn,
    Url,
    Video,
)
from converters.wires import WIRES

PNG = base64.b64encode(b"\x89PNG pixels").decode()
INLINE = {"media_type": "image/png", "sha256": hashlib.sha256(b"\x89PNG pixels").hexdigest(), "bytes": 11}


def part_of(part: Part, **options: bool) -> object:
    talk = conversation(Chat("m", "chat", turns=[Turn("user", [part])]), None, **options)
    messages = talk["messages"]
    assert isinstance(messages, list)
    assert isinstance(messages[0], dict)
    parts = messages[0]["parts"]
    assert isinstance(parts, list)
    return parts[0]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Text("hi"), {"type": "text", "text": "hi"}),
        (Thinking("hm"), {"type": "thinking", "text": "hm"}),
        (Thinking("hm", Token("a", "secret")), {"type": "thinking", "text": "hm", "signature": True}),
        (
            ToolCall("c1", "f", args={"a": 1}),
            {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}},
        ),
        (
            ToolCall("c1", "f", args_text='{"a": 1}'),
            {"type": "tool_call", "id": "c1", "name": "f", "arguments": {"a": 1}},
        ),
        (ToolCall("c1", "f", args_text=""), {"type": "tool_call", "id": "c1", "name": "f", "arguments": {}}),
        (
            ToolCall("c1", "f", args_text="[1"),
            {"type": "tool_call", "id": "c1", "name": "f", "arguments_text": "[1"},
        ),
        (
            ToolCall("c1", "f", args_text="{}", kind="custom"),
            {"type": "tool_call", "id": "c1", "name": "f", "arguments_text": "{}", "custom": True},
        ),
        (
            ToolResult("c1", [Text("rain"), Image(Url("https://x/y.png"))], name="f", is_error=True),
            {
                "type": "tool_result",
                "id": "c1",
                "name": "f",
                "content": [{"type": "text", "text": "rain"}, {"type": "image", "url": "https://x/y.png"}],
                "error": True,
            },
        ),
        (Image(Base64("image/png", PNG), detail="low"), {"type": "image", **INLINE, "detail": "low"}),
        (Image(FileId("file-1", "chat")), {"type": "image", "file_id": "file-1"}),
        (
            Document(PlainText("words"), name="a.txt", title="A"),
            {"type": "document", "media_type": "text/plain", "text": "words", "name": "a.txt", "title": "A"},
        ),
        (Audio(Base64("image/png", PNG), "wav"), {"type": "audio", **INLINE}),
        (Video(Url("https://x/y.mp4")), {"type": "video", "url": "https://x/y.mp4"}),
        (Refusal("no"), {"type": "refusal", "text": "no"}),
        (Hosted("web_search", "found"), {"type": "hosted", "kind": "web_search", "text": "found"}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "as",
)
def test_every_kind_of_part_has_its_shape(part: Part, expected: JsonObject) -> None:
    assert expected == part_of(part)


def test_inline_content_is_kept_where_it_is_asked_for() -> None:
    assert part_of(Image(Base64("image/png", PNG)), media=True) == {"type": "image", **INLINE, "data": PNG}


def test_content_that_is_no_base64_is_hashed_as_it_is() -> None:
    part = part_of(Image(Base64("image/png", "!")))
    assert part == {"type": "image", "media_type": "image/png", "sha256": hashlib.sha256(b"!").hexdigest(), "bytes": 1}


def test_every_kind_of_answer_part_has_its_shape() -> None:
    parts: list[AnswerPart] = [
        AnswerText("It rains."),
        AnswerThinking("hm", Token("x", "sealed")),
        AnswerCall("c2", "f", '{"a":1}'),
        AnswerCall("c3", "f", '{"a":'),
        AnswerCall("c4", "g", "ls", kind="custom"),
        AnswerRefusal("no"),
        AnswerImage(Base64("image/png", PNG)),
    ]
    talk = conversation(
        Chat("m", "chat"), Answer(parts=parts, citations=[Citation("https://x", "X"), Citation("https://y")])
    )
    assert talk["answer"] == {
        "role": "assistant",
        "parts": [
            {"type": "text", "text": "It rains."},
            {"type": "thinking", "text": "hm", "signature": True},
            {"type": "tool_call", "id": "c2", "name": "f", "arguments": {"a": 1}},
            {"type": "tool_call", "id": "c3", "name": "f", "arguments_text": '{"a":'},
            {"type": "tool_call", "id": "c4", "name": "g", "arguments_text": "ls", "custom": True},
            {"type": "refusal", "text": "no"},
            {"type": "image", **INLINE},
        ],
        "citations": [{"url": "https://x", "title": "X"}, {"url": "https://y"}],
    }


def test_system_and_tools_come_before_the_messages() -> None:
    tools = [
        Tool("f", "does", {"type": "object"}, strict=True),
        Tool("bash", kind="builtin", kind_name="bash_20250124", native=("anthropic", {"type": "bash_20250124"})),
    ]
    chat = Chat(
        "m", "chat", system=[SystemText("Be brief.")], tools=tools, turns=[Turn("user", [Text("hi")], name="ann")]
    )
    assert conversation(chat, None) == {
        "system": [{"type": "text", "text": "Be brief."}],
        "tools": [
            {"name": "f", "description": "does", "parameters": {"type": "object"}, "strict": True},
            {"name": "bash", "kind": "builtin", "type": "bash_20250124", "native": {"type": "bash_20250124"}},
        ],
        "messages": [{"role": "user", "parts": [{"type": "text", "text": "hi"}], "name": "ann"}],
        "answer": None,
    }


def test_two_protocols_say_the_same_in_the_same_shape() -> None:
    chat = {
        "model": "m",
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"city":"Oslo"}'}}
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "rain"},
        ],
    }
    anthropic = {
        "model": "m",
        "max_tokens": 10,
        "system": "Be brief.",
        "messages": [
            {"role": "user", "content": "Weather?"},
            {
                "role": "assistant",
                "content": [{"type": "tool_use", "id": "c1", "name": "f", "input": {"city": "Oslo"}}],
            },
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "rain"}]},
        ],
    }
    of_chat = conversation(WIRES["chat"].parse_request(chat, Loss()), None)
    of_anthropic = conversation(WIRES["anthropic"].parse_request(anthropic, Loss()), None)
    assert of_chat == of_anthropic


def test_parts_are_found_inside_tool_results() -> None:
    inner: JsonObject = {"type": "image", "url": "u"}
    result: JsonObject = {"type": "tool_result", "content": [inner]}
    text: JsonObject = {"type": "text", "text": "x"}
    assert list(parts_of([{"role": "user", "parts": [result, text]}])) == [result, inner, text]
