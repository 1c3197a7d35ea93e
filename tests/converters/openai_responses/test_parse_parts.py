"""3: content parts of a client's items."""

from typing import Any

import pytest

from converters.errors import ConversionError
from converters.loss import Loss
from converters.openai_responses.parse_parts import (
    assistant_parts,
    joined_texts,
    result_parts,
    text_parts,
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
    Url,
)

PNG = "data:image/png;base64,AA=="


def user(*parts: Any) -> list[Part]:
    return user_parts({"content": list(parts)}, "content", "input[0]")


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"type": "input_text", "text": "a"}, Text("a")),
        ({"type": "text", "text": ""}, Text("")),
        (
            {"type": "input_text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
            Text("a", Cache("1h")),
        ),
        ({"type": "input_image", "image_url": PNG, "detail": "high"}, Image(Base64("image/png", "AA=="), "high")),
        ({"type": "input_image", "image_url": "https://a/b.png"}, Image(Url("https://a/b.png"))),
        (
            {"type": "input_image", "image_url": {"url": "https://a/b.png", "detail": "low"}},
            Image(Url("https://a/b.png"), "low"),
        ),
        ({"type": "input_image", "file_id": "file-1"}, Image(FileId("file-1", "responses"))),
        ({"type": "input_file", "file_id": "file-1"}, Document(FileId("file-1", "responses"))),
        ({"type": "input_file", "file_url": "https://a/b.pdf"}, Document(Url("https://a/b.pdf"))),
        (
            {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
            Document(Base64("application/pdf", "JVBE"), "a.pdf"),
        ),
        ({"type": "input_file", "file_data": "JVBE"}, Document(Base64("application/pdf", "JVBE"))),
        (
            {"type": "input_file", "filename": "a.txt", "file_data": "data:text/plain;base64,aGk="},
            Document(PlainText("hi"), "a.txt"),
        ),
        (
            {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
            Audio(Base64("audio/wav", "AA=="), "wav"),
        ),
    ],
)
def test_3_user_parts(part: Any, expected: Part) -> None:
    assert user(part) == [expected]


def test_3_a_string_is_one_text() -> None:
    assert user_parts({"content": "hi"}, "content", "p") == [Text("hi")]


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (5, "input[0].content[0]"),
        ({"text": "a"}, "input[0].content[0].type"),
        ({"type": "input_text"}, "input[0].content[0].text"),
        ({"type": "input_image"}, "input[0].content[0].image_url"),
        ({"type": "input_image", "image_url": "data:oops"}, "input[0].content[0].image_url"),
        ({"type": "input_file"}, "input[0].content[0].file_data"),
        ({"type": "input_audio"}, "input[0].content[0].input_audio"),
        ({"type": "input_video", "url": "x"}, "input[0].content[0]"),
    ],
)
def test_17_malformed_and_unknown_parts_are_named(part: Any, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        user(part)
    assert caught.value.param == param


@pytest.mark.parametrize("content", [None, 5, {}])
def test_17_content_must_be_there(content: Any) -> None:
    with pytest.raises(ConversionError) as caught:
        user_parts({"content": content}, "content", "input[0]")
    assert caught.value.param == "input[0].content"


def test_3_system_messages_hold_texts_only() -> None:
    assert text_parts({"content": [{"type": "input_text", "text": "a"}]}, "p") == [Text("a")]
    with pytest.raises(ConversionError):
        text_parts({"content": [{"type": "input_image", "image_url": PNG}]}, "p")


def test_3_assistant_parts() -> None:
    loss = Loss()
    content: Any = [
        {"type": "output_text", "text": "a", "annotations": [], "logprobs": []},
        {"type": "refusal", "refusal": "no"},
        {"type": "hologram"},
    ]
    assert assistant_parts({"content": content}, "p", loss) == [Text("a"), Refusal("no")]
    assert list(loss.dropped) == ["input.content.hologram"]
    assert assistant_parts({"content": "a"}, "p", loss) == [Text("a")]
    assert assistant_parts({"content": None}, "p", loss) == assistant_parts({"content": ""}, "p", loss) == []


@pytest.mark.parametrize("kind", [["output_text"], {"type": "output_text"}, 7], ids=["list", "object", "number"])
def test_17_a_kind_of_part_that_is_no_string_is_named(kind: Any) -> None:
    with pytest.raises(ConversionError) as caught:
        assistant_parts({"content": [{"type": kind, "text": "a"}]}, "input[1]", Loss())
    assert caught.value.param == "input[1].content[0].type"


def test_3_a_part_without_a_kind_is_dropped() -> None:
    loss = Loss()
    assert assistant_parts({"content": [{"text": "a"}]}, "p", loss) == []
    assert list(loss.dropped) == ["input.content"]


def test_6_3_results_are_a_string_or_parts() -> None:
    assert result_parts({"output": '{"a":1}'}, "p") == [Text('{"a":1}')]
    assert result_parts({"output": None}, "p") == result_parts({"output": ""}, "p") == []
    both: Any = [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": PNG}]
    assert result_parts({"output": both}, "p") == [Text("a"), Image(Base64("image/png", "AA=="))]
    with pytest.raises(ConversionError):
        result_parts({"output": [{"type": "input_audio"}]}, "p")


def test_7_3_texts_of_a_summary_are_joined() -> None:
    summary: Any = [{"type": "summary_text", "text": "a"}, {"type": "summary_text", "text": ""}, {"text": "b"}]
    assert joined_texts({"summary": summary}, "summary", "p") == "a\n\nb"
    assert joined_texts({}, "summary", "p") == ""
