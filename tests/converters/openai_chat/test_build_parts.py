"""3, 18.3: content of a Chat Completions message."""

from dataclasses import replace

import pytest

from converters.errors import ConversionError
from converters.json_codec import Json
from converters.loss import Loss
from converters.openai_chat.build_parts import user_content
from converters.profile import DEFAULT
from converters.turns import Audio, Base64, Cache, Document, FileId, Image, Part, PlainText, Text, Thinking, Url, Video

PNG, PDF = Base64("image/png", "AA=="), Base64("application/pdf", "JVBE")
STRINGS = replace(DEFAULT, string_content=True)


def content(*parts: Part) -> Json:
    return user_content(parts, DEFAULT, Loss())


def test_18_3_a_single_text_is_a_plain_string_and_several_are_a_list() -> None:
    assert content(Text("a")) == "a"
    assert content(Text("a"), Text("b")) == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert content() is None


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Image(PNG), {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}),
        (Image(Url("https://x"), "low"), {"type": "image_url", "image_url": {"url": "https://x", "detail": "low"}}),
        (
            Audio(Base64("audio/wav", "Uk"), "wav"),
            {"type": "input_audio", "input_audio": {"data": "Uk", "format": "wav"}},
        ),
        (
            Document(PDF),
            {"type": "file", "file": {"filename": "document.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (
            Document(PDF, "a.pdf"),
            {"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        ),
        (Document(FileId("file-1", "chat")), {"type": "file", "file": {"file_id": "file-1"}}),
    ],
)
def test_3_parts_are_written(part: Part, expected: Json) -> None:
    assert content(part) == [expected]


def test_3_a_text_document_is_a_text_with_its_title_first() -> None:
    assert content(Document(PlainText("body"), "a.txt", "Title", "context")) == "Title\ncontext\nbody"
    assert content(Document(PlainText("body"), "a.txt")) == "a.txt\nbody"
    assert content(Document(PlainText("body"))) == "body"


def test_3_title_and_context_of_a_file_stand_before_it() -> None:
    written = content(Document(PDF, title="T", context="C"))
    assert isinstance(written, list)
    assert written[0] == {"type": "text", "text": "T\nC"}


def test_3_detail_original_is_sent_as_high() -> None:
    loss = Loss()
    assert user_content([Image(Url("u"), "original")], DEFAULT, loss) == [
        {"type": "image_url", "image_url": {"url": "u", "detail": "high"}}
    ]
    assert list(loss.changed) == ["messages.detail"]


@pytest.mark.parametrize(
    "part",
    [
        Document(Url("https://x/a.pdf")),
        Document(FileId("f", "anthropic")),
        Image(FileId("f", "anthropic")),
        Video(Url("https://x/a.mp4")),
        Thinking("a"),
    ],
)
def test_3_what_cannot_be_sent_is_a_400_and_never_dropped(part: Part) -> None:
    with pytest.raises(ConversionError) as caught:
        content(part)
    assert caught.value.param == "messages"


def test_3_video_is_a_vendors_convention() -> None:
    assert user_content([Video(Url("https://x"))], replace(DEFAULT, video=True), Loss()) == [
        {"type": "video_url", "video_url": {"url": "https://x"}}
    ]


def test_18_3_content_must_be_a_string_for_some_vendors() -> None:
    assert user_content([Text("a"), Text("b")], STRINGS, Loss()) == "a\nb"
    with pytest.raises(ConversionError):
        user_content([Text("a"), Image(PNG)], STRINGS, Loss())


def test_10_cache_marks_are_removed_and_noted() -> None:
    loss = Loss()
    assert user_content([Text("a", Cache())], DEFAULT, loss) == "a"
    assert list(loss.noted) == ["cache_control"]
