"""2.2, 3, 6, 7.4: system texts and turns become instructions and input items."""

from typing import Any

import pytest

from converters.errors import ConversionError
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.openai_responses.build_items import build_items, content_parts
from converters.turns import (
    Audio,
    Base64,
    Cache,
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
    ToolCall,
    ToolResult,
    Turn,
    Url,
    Video,
)


def build(*turns: Turn, system: tuple[str, ...] = (), loss: Loss | None = None) -> JsonObject:
    chat = Chat("m", "chat", system=[SystemText(text) for text in system], turns=list(turns))
    return build_items(chat, loss or Loss())


def items(*turns: Turn) -> Any:
    return build(*turns)["input"]


def said(role: str, *content: JsonObject) -> JsonObject:
    return {"type": "message", "role": role, "content": [*content]}


def text(text: str) -> JsonObject:
    return {"type": "input_text", "text": text}


def answered(text: str) -> JsonObject:
    return {"type": "output_text", "text": text}


HI = Turn("user", [Text("hi")])


def test_2_2_system_texts_are_joined_with_a_blank_line() -> None:
    assert build(HI, system=("a", "b")) == {"instructions": "a\n\nb", "input": [said("user", text("hi"))]}


def test_2_2_later_system_messages_are_developer_messages_in_place() -> None:
    assert items(HI, Turn("system", [Text("a"), Text("b")]), HI)[1] == said("developer", text("a"), text("b"))


def test_2_2_anthropics_attribution_line_is_left_out() -> None:
    line = "x-anthropic-billing-header: cc_version=1"
    assert build(HI, system=(line, f"{line}\nrest"))["instructions"] == "rest"
    assert items(HI, Turn("system", [Text(line)]))[1:] == []


def test_2_2_without_a_turn_the_system_texts_are_the_input() -> None:
    assert build(system=("a", "b")) == {"input": [said("developer", text("a\n\nb"))]}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Text("a"), [text("a")]),
        (
            Image(Base64("image/png", "AA=="), "original"),
            [{"type": "input_image", "detail": "original", "image_url": "data:image/png;base64,AA=="}],
        ),
        (Image(Url("https://a/b")), [{"type": "input_image", "detail": "auto", "image_url": "https://a/b"}]),
        (Image(FileId("f", "responses")), [{"type": "input_image", "detail": "auto", "file_id": "f"}]),
        (
            Document(Base64("application/pdf", "JVBE"), title="T", context="C"),
            [
                text("T\nC"),
                {"type": "input_file", "filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            ],
        ),
        (Document(Url("https://a/b.pdf"), "b.pdf"), [{"type": "input_file", "file_url": "https://a/b.pdf"}]),
        (Document(FileId("f", "responses")), [{"type": "input_file", "file_id": "f"}]),
        (Document(PlainText("words"), "a.txt", context="C"), [text("a.txt\nC\nwords")]),
        (
            Audio(Base64("audio/wav", "AA=="), "wav"),
            [{"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}}],
        ),
    ],
)
def test_3_content(part: Part, expected: list[JsonObject]) -> None:
    assert content_parts(part, Loss()) == expected


@pytest.mark.parametrize(
    "part",
    [
        Video(Url("https://a/b.mp4")),
        Image(FileId("f", "anthropic")),
        Document(FileId("f", "chat")),
        Thinking("hm"),
    ],
)
def test_3_what_has_no_place_is_refused(part: Part) -> None:
    with pytest.raises(ConversionError) as caught:
        content_parts(part, Loss())
    assert caught.value.code == "unsupported_content"


def test_10_cache_marks_are_left_out_and_noted() -> None:
    loss = Loss()
    result = ToolResult("1", [Text("x", Cache())], cache=Cache())
    build(
        Turn("assistant", [ToolCall("1", "f", {}, cache=Cache())]),
        Turn("user", [result, Text("a", Cache("1h"))]),
        loss=loss,
    )
    assert list(loss.noted) == ["cache_control"]


# --- 6 ---


def test_6_calls_and_results_are_items_without_ids_of_their_own() -> None:
    assert items(
        Turn("assistant", [Text("a"), ToolCall("1", "f", {"b": 1.0}), Text("c"), ToolCall("2", "g", args_text="")]),
        Turn("user", [ToolResult("1", [Text("x"), Text("y")], "f"), ToolResult("2", []), Text("d")]),
    ) == [
        said("assistant", answered("a")),
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": '{"b":1.0}'},
        said("assistant", answered("c")),
        {"type": "function_call", "call_id": "2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "1", "output": "x\ny"},
        {"type": "function_call_output", "call_id": "2", "output": ""},
        said("user", text("d")),
    ]


def test_4_3_custom_calls_have_their_own_items() -> None:
    assert items(
        Turn("assistant", [ToolCall("1", "p", args_text="free", kind="custom")]),
        Turn("user", [ToolResult("1", [Text("ok")])]),
    ) == [
        {"type": "custom_tool_call", "call_id": "1", "name": "p", "input": "free"},
        {"type": "custom_tool_call_output", "call_id": "1", "output": "ok"},
    ]


@pytest.mark.parametrize(
    ("result", "output"),
    [
        (ToolResult("1", [Text("no such file")], is_error=True), "Error: no such file"),
        (ToolResult("1", [Text("ERROR 5")], is_error=True), "ERROR 5"),
        (ToolResult("1", [], is_error=True), "Error: "),
        (
            ToolResult("1", [Text("a"), Image(Url("https://a/b"))]),
            [text("a"), {"type": "input_image", "detail": "auto", "image_url": "https://a/b"}],
        ),
        (
            ToolResult("1", [Document(Url("https://a/b.pdf"))], is_error=True),
            [text("Error:"), {"type": "input_file", "file_url": "https://a/b.pdf"}],
        ),
    ],
)
def test_6_3_results(result: ToolResult, output: Any) -> None:
    assert items(Turn("user", [result])) == [{"type": "function_call_output", "call_id": "1", "output": output}]


# --- the assistant ---


def test_3_neighbouring_texts_and_refusals_are_one_message() -> None:
    assert items(Turn("assistant", [Text("a"), Refusal("no"), Text("")])) == [
        said("assistant", answered("a"), {"type": "refusal", "refusal": "no"}, answered(""))
    ]


def test_7_4_reasoning_goes_back_encrypted_and_without_its_id() -> None:
    token = Token("r", "gAAA", id="rs_1")
    assert items(Turn("assistant", [Thinking("hm", token), Thinking("", token), ToolCall("1", "f", {})]))[:2] == [
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}], "encrypted_content": "gAAA"},
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
    ]


def test_7_4_reasoning_that_led_to_nothing_is_left_out() -> None:
    """The API answers 400 to a reasoning item without its following item."""
    loss = Loss()
    sent = build(HI, Turn("assistant", [Text("a"), Thinking("hm", Token("r", "v"))]), loss=loss)["input"]
    assert sent == [said("user", text("hi")), said("assistant", answered("a"))]
    assert list(loss.noted) == ["messages.thinking"]


def test_17_hosted_steps_of_this_protocol_go_back_as_they_came() -> None:
    raw: JsonObject = {"type": "web_search_call", "id": "ws_1"}
    native = ("responses", raw)
    assert items(Turn("assistant", [Text("a"), Hosted("web_search_call", "", native)]))[1] == raw
    assert items(Turn("user", [Hosted("shell_call_output", "", native), Hosted("other", "words")])) == [
        raw,
        said("user", text("words")),
    ]


def test_3_pictures_of_the_assistant_become_words() -> None:
    loss = Loss()
    sent = build(Turn("assistant", [Image(Base64("image/png", "AA=="))]), loss=loss)["input"]
    assert sent == [said("assistant", answered("[image: image/png]"))]
    assert list(loss.changed) == ["messages.image"]


def test_3_files_of_the_assistant_are_refused() -> None:
    with pytest.raises(ConversionError):
        items(Turn("assistant", [Document(Url("https://a"))]))


def test_2_1_names_of_messages_are_dropped() -> None:
    loss = Loss()
    build(Turn("user", [Text("hi")], name="Ann"), loss=loss)
    assert list(loss.dropped) == ["messages.name"]


def test_20_3_a_turn_added_leaves_the_earlier_items_as_they_were() -> None:
    history = [HI, Turn("assistant", [Text("a"), ToolCall("1", "f", {})]), Turn("user", [ToolResult("1", [])])]
    shorter = items(*history)
    assert items(*history, Turn("assistant", [Text("b")]), HI)[: len(shorter)] == shorter


def test_10_a_cache_mark_on_a_later_system_text_is_noted() -> None:
    loss = Loss()
    build(Turn("user", [Text("a")]), Turn("system", [Text("b", Cache())]), loss=loss)
    assert list(loss.noted) == ["cache_control"]
