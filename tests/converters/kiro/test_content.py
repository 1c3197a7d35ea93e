"""3, 6 and 7.4: parts as Kiro's messages hold them, and what has no place there."""

import base64

import pytest

from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.kiro.content import (
    MAX_IMAGE,
    MAX_RESULT,
    build_call,
    build_image,
    build_reasoning,
    build_result,
    clean_input,
    image_in_words,
    token_of,
    words_of,
)
from converters.loss import Loss
from converters.turns import (
    Audio,
    Base64,
    Cache,
    Document,
    FileId,
    Hosted,
    Image,
    Part,
    PlainText,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Url,
    Video,
)

PNG = Image(Base64("image/png", "iVBO"))
PDF = Base64("application/pdf", "JVBE")
B64 = base64.b64encode("Grüße".encode()).decode()


def refusal(part: Part) -> ConversionError:
    with pytest.raises(ConversionError) as caught:
        build_image(part, Loss()) if isinstance(part, Image) else words_of(part, Loss())
    assert caught.value.code == "unsupported_content"
    return caught.value


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Text("hi"), "hi"),
        (Text(" \n"), ""),
        (Text(""), ""),
        (Refusal("no"), "no"),
        (Hosted("web_search_call", "found"), "found"),
        (Document(PlainText("t")), "t"),
        (Document(PlainText("t"), name="a.txt"), "a.txt\nt"),
        (Document(PlainText("t"), name="a.txt", title="A", context="of B"), "A\nof B\nt"),
        (Document(Base64("text/markdown", B64)), "Grüße"),
        (Document(PlainText(""), title="A"), ""),
        (PNG, ""),
        (Thinking("x"), ""),
        (ToolCall("c", "f", {}), ""),
    ],
)
def test_3_what_is_text_goes_into_the_content(part: Part, words: str) -> None:
    assert words_of(part, Loss()) == words


@pytest.mark.parametrize(
    ("part", "named"),
    [
        (Document(PDF), "application/pdf"),
        (Document(Url("https://x/a.pdf")), "https://x/a.pdf"),
        (Document(FileId("file_1", "anthropic")), "file_1"),
        (Document(Base64("text/plain", "A")), "not valid base64"),
        (Audio(Base64("audio/wav", "UklG"), "wav"), "audio"),
        (Video(Url("https://x/v")), "video"),
        (Image(Base64("image/tiff", "SUkq")), "image/tiff"),
        (Image(Url("https://x/i.png")), "https://x/i.png"),
        (Image(FileId("file_2", "responses")), "file_2"),
        (Image(Base64("image/png", "A" * (MAX_IMAGE // 3 * 4 + 8))), "larger"),
    ],
)
def test_3_what_has_no_place_is_refused_by_name(part: Part, named: str) -> None:
    error = refusal(part)
    assert named in str(error)
    assert error.param == "messages"


@pytest.mark.parametrize(
    "part", [Document(PDF), Audio(PDF, "wav"), Image(Url("https://x"))], ids=["pdf", "audio", "image"]
)
def test_3_a_refusal_names_the_place_if_it_is_known(part: Document | Audio | Image) -> None:
    part.place = "messages[1].content[0]"
    try:
        assert refusal(part).param == "messages[1].content[0]"
    finally:
        part.place = None


@pytest.mark.parametrize(
    ("mime", "format_"),
    [("image/png", "png"), ("image/jpeg", "jpeg"), ("image/jpg", "jpeg"), ("image/GIF", "gif"), ("image/webp", "webp")],
)
def test_3_images_in_base64(mime: str, format_: str) -> None:
    assert build_image(Image(Base64(mime, "AA==")), Loss()) == {"format": format_, "source": {"bytes": "AA=="}}


def test_3_detail_is_dropped_and_cache_marks_are_noted() -> None:
    loss = Loss()
    build_image(Image(Base64("image/png", "AA=="), "high", Cache()), loss)
    assert (set(loss.dropped), set(loss.noted)) == ({"messages.detail"}, {"cache_control"})
    loss = Loss()
    build_image(Image(Base64("image/png", "AA=="), "auto"), loss)
    assert loss.dropped == {}


def test_3_a_picture_of_the_assistant_is_told_in_words() -> None:
    loss = Loss()
    assert image_in_words(PNG, loss) == "[image: image/png]"
    assert image_in_words(Image(Url("u")), loss) == "[image]"
    assert set(loss.changed) == {"messages.image"}


def test_6_a_call() -> None:
    assert build_call(ToolCall("c1", "f", {"a": 1}), Loss()) == {"toolUseId": "c1", "name": "f", "input": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("", {}),
        ('{"a":12345678901234567890}', {"a": 12345678901234567890}),
        ("{broken", {"_raw_arguments": "{broken"}),
        ("[1]", {"_raw_arguments": "[1]"}),
    ],
)
def test_6_2_the_input_is_an_object(text: str, sent: JsonObject) -> None:
    assert build_call(ToolCall("c", "f", args_text=text), Loss())["input"] == sent


@pytest.mark.parametrize(
    ("value", "sent"),
    [
        ({"": 1, "a": 2}, {"a": 2}),
        ({"a": None, "b": {"": 1, "c": None, "d": 0}}, {"b": {"d": 0}}),
        ({"a": [None, {"x": None}], "b": ""}, {"a": [None, {}], "b": ""}),
        ({"a": False, "b": 0, "c": {}}, {"a": False, "b": 0, "c": {}}),
    ],
)
def test_3_1_8_empty_keys_and_null_members_are_removed(value: JsonObject, sent: JsonObject) -> None:
    assert clean_input(value) == sent


def result(*parts: Text | Image | Document, error: bool = False) -> tuple[JsonObject, list[JsonObject]]:
    return build_result(ToolResult("c1", [*parts], is_error=error), Loss())


def content(text: str) -> list[Json]:
    return [{"text": text}]


def test_6_3_a_result() -> None:
    assert result(Text("a"), Text("b")) == ({"toolUseId": "c1", "content": content("a\nb"), "status": "success"}, [])


@pytest.mark.parametrize("parts", [[], [Text("")]])
def test_6_3_a_result_is_never_empty(parts: list[Text]) -> None:
    assert result(*parts)[0]["content"] == content("(no output)")


def test_6_3_a_failure_is_told() -> None:
    assert result(Text("x"), error=True)[0]["status"] == "error"


def test_6_3_images_stand_in_the_message_and_the_text_says_so() -> None:
    built, images = result(Text("see"), PNG, Image(Base64("image/gif", "R0lG")))
    assert built["content"] == content("see\n[image 1 of call c1]\n[image 2 of call c1]")
    assert images == [
        {"format": "png", "source": {"bytes": "iVBO"}},
        {"format": "gif", "source": {"bytes": "R0lG"}},
    ]


def test_6_3_a_text_document_is_text_and_a_binary_one_is_refused() -> None:
    assert result(Document(PlainText("t")))[0]["content"] == content("t")
    with pytest.raises(ConversionError):
        result(Document(PDF))


def test_3_1_11_a_result_past_the_limit_is_refused_as_a_prompt_too_long() -> None:
    assert result(Text("x" * MAX_RESULT))[0]["content"] == content("x" * MAX_RESULT)
    with pytest.raises(ConversionError, match="prompt is too long") as caught:
        result(Text("x" * (MAX_RESULT + 1)))
    assert caught.value.code == "context_length_exceeded"


def test_7_4_kiros_own_reasoning_goes_back() -> None:
    assert build_reasoning([Thinking("why", token_of("sig"))], Loss()) == {
        "reasoningText": {"text": "why", "signature": "sig"}
    }
    assert build_reasoning([Thinking("", token_of("AAAA", redacted=True))], Loss()) == {"redactedContent": "AAAA"}
    assert build_reasoning([Text("x"), Thinking("unsigned")], Loss()) is None


def test_7_4_a_message_takes_one_piece_of_reasoning() -> None:
    loss = Loss()
    first, second = Thinking("a", token_of("1")), Thinking("b", token_of("2"))
    assert build_reasoning([first, second], loss) == {"reasoningText": {"text": "a", "signature": "1"}}
    assert set(loss.noted) == {"messages.thinking"}
