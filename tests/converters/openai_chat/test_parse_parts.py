"""3, 10: content parts of a client's messages."""

import pytest

from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.openai_chat.parse_parts import (
    assistant_parts,
    mark_last,
    read_images,
    result_parts,
    text_parts,
    thinking_text,
    user_parts,
)
from converters.turns import (
    Audio,
    Base64,
    Cache,
    Document,
    FileId,
    Image,
    Part,
    PlainText,
    Refusal,
    Text,
    Thinking,
    Url,
    Video,
)

PNG = Base64("image/png", "AA==")
PDF = Base64("application/pdf", "JVBE")
PATH = "messages[0]"


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "text", "text": "hi"}, Text("hi")),
        ({"type": "text", "text": ""}, Text("")),
        ({"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}}, Text("a", Cache("1h"))),
        (
            {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
            Image(PNG, "low"),
        ),
        ({"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}, Image(Url("https://x.example/a.png"))),
        ({"type": "image_url", "image_url": "data:image/png;base64,AA=="}, Image(PNG)),
        (
            {"type": "image_url", "image_url": {"url": "https://x"}, "cache_control": {"type": "ephemeral"}},
            Image(Url("https://x"), cache=Cache()),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
            Audio(Base64("audio/wav", "UklG"), "wav"),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "SUQz", "format": "mp3"}},
            Audio(Base64("audio/mp3", "SUQz"), "mp3"),
        ),
        (
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
            Document(PDF, "a.pdf"),
        ),
        ({"type": "file", "file": {"file_data": "JVBE"}}, Document(PDF)),
        ({"type": "file", "file": {"file_id": "file-1"}}, Document(FileId("file-1", "chat"))),
        (
            {"type": "file", "file": {"filename": "a.txt", "file_data": "data:text/plain;base64,aGk="}},
            Document(PlainText("hi"), "a.txt"),
        ),
        ({"type": "file", "file": {"file_data": "https://x.example/a.pdf"}}, Document(Url("https://x.example/a.pdf"))),
        ({"type": "video_url", "video_url": {"url": "https://x.example/a.mp4"}}, Video(Url("https://x.example/a.mp4"))),
    ],
)
def test_3_user_parts_are_read(part: JsonObject, expected: Part) -> None:
    assert user_parts({"content": [part]}, PATH) == [expected]


@pytest.mark.parametrize(
    ("content", "param"),
    [
        (None, "messages[0].content"),
        (3, "messages[0].content"),
        (["hi"], "messages[0].content[0]"),
        ([{}], "messages[0].content[0].type"),
        ([{"type": "hologram"}], "messages[0].content[0]"),
        ([{"type": "text"}], "messages[0].content[0].text"),
        ([{"type": "text", "text": 3}], "messages[0].content[0].text"),
        ([{"type": "text", "text": "a", "cache_control": "yes"}], "messages[0].content[0].cache_control"),
        ([{"type": "image_url"}], "messages[0].content[0].image_url"),
        ([{"type": "image_url", "image_url": ""}], "messages[0].content[0].image_url"),
        ([{"type": "image_url", "image_url": {}}], "messages[0].content[0].image_url.url"),
        ([{"type": "image_url", "image_url": {"url": "data:oops"}}], "messages[0].content[0].image_url.url"),
        ([{"type": "input_audio", "input_audio": {"data": "x"}}], "messages[0].content[0].input_audio.format"),
        ([{"type": "file", "file": {}}], "messages[0].content[0].file.file_data"),
    ],
)
def test_17_malformed_and_unknown_user_content_is_a_400(content: Json, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        user_parts({"content": content}, PATH)
    assert caught.value.param == param


def test_a_string_is_one_text() -> None:
    assert user_parts({"content": "hi"}, PATH) == text_parts({"content": "hi"}, PATH) == [Text("hi")]
    assert result_parts({"content": ""}, PATH) == result_parts({"content": None}, PATH) == []


def test_2_1_a_system_message_holds_text_only() -> None:
    assert text_parts({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, PATH) == [
        Text("a"),
        Text("b"),
    ]
    for content in (None, [{"type": "image_url", "image_url": "https://x"}]):
        with pytest.raises(ConversionError):
            text_parts({"content": content}, PATH)


def test_6_3_pictures_in_tool_results_are_read() -> None:
    content: list[Json] = [
        {"type": "text", "text": "a"},
        {"type": "image_url", "image_url": "data:image/png;base64,AA=="},
    ]
    assert result_parts({"content": content}, PATH) == [Text("a"), Image(PNG)]
    with pytest.raises(ConversionError):
        result_parts({"content": [{"type": "video_url", "video_url": "https://x"}]}, PATH)


def test_17_unknown_items_of_the_assistants_history_are_dropped_by_name() -> None:
    dropped: list[str] = []
    content: list[Json] = [
        {"type": "text", "text": "a"},
        {"type": "refusal", "refusal": "no"},
        {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
        {"type": "image_url", "image_url": "data:image/png;base64,AA=="},
        {"type": "compaction", "blob": "x"},
    ]
    parts = assistant_parts({"content": content}, PATH, lambda name, why: dropped.append(name))
    assert parts == [Text("a"), Refusal("no"), Thinking("hm"), Image(PNG)]
    assert dropped == ["messages.content.compaction"]


def test_3_assistant_images_are_read() -> None:
    images: list[Json] = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]
    assert read_images({"images": images}, PATH) == [Image(PNG)]
    assert read_images({}, PATH) == []


@pytest.mark.parametrize(
    ("content", "expected"),
    [("a", "a"), ([{"type": "text", "text": "a"}, {"text": "b"}, 3], "ab"), (None, ""), (3, "")],
)
def test_thinking_parts_hold_text_or_a_list_of_it(content: Json, expected: str) -> None:
    assert thinking_text({"type": "thinking", "thinking": content}) == expected


def test_10_a_messages_mark_goes_to_its_last_part_and_a_parts_own_wins() -> None:
    parts: list[Part] = [Text("a"), Text("b"), Thinking("c")]
    mark_last(parts, Cache("1h"))
    assert parts == [Text("a"), Text("b", Cache("1h")), Thinking("c")]
    mark_last(parts, Cache("5m"))
    assert parts[1] == Text("b", Cache("1h"))
    mark_last(parts, None)
    mark_last([], Cache())
    assert parts[0] == Text("a")
