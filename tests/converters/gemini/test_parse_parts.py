"""3, 6, 7.4: parts of a Gemini client's request."""

import pytest

from converters.errors import ConversionError
from converters.gemini.parse_parts import parse_part
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.turns import (
    Audio,
    Base64,
    Document,
    FileId,
    Hosted,
    Image,
    Part,
    PlainText,
    Role,
    Text,
    Thinking,
    Token,
    ToolCall,
    ToolResult,
    Url,
    Video,
)

FILE = "https://generativelanguage.googleapis.com/v1beta/files/abc"


def parsed(part: JsonObject, role: Role = "user") -> list[Part]:
    return parse_part(part, role, "p", "id_1", Loss())


def inline(mime: str, data: str = "aGk=") -> JsonObject:
    return {"inlineData": {"mime_type": mime, "data": data}}


def file(uri: str, mime: str | None = None) -> JsonObject:
    return {"fileData": {"file_uri": uri, **({"mimeType": mime} if mime else {})}}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"text": "hi"}, Text("hi")),
        ({"text": ""}, Text("")),
        (inline("image/PNG"), Image(Base64("image/png", "aGk="))),
        (inline("image/png", "-_8"), Image(Base64("image/png", "+/8="))),
        (inline("audio/mpeg"), Audio(Base64("audio/mp3", "aGk="), "mp3")),
        (inline("audio/x-wav"), Audio(Base64("audio/wav", "aGk="), "wav")),
        (inline("video/mp4"), Video(Base64("video/mp4", "aGk="))),
        (file("https://e.com/a.png", "image/png"), Image(Url("https://e.com/a.png"))),
        (file("gs://b/a.png", "image/png"), Image(FileId("gs://b/a.png", "gemini"))),
        (file("https://www.youtube.com/watch?v=1"), Video(Url("https://www.youtube.com/watch?v=1"))),
    ],
)
def test_3_parts_of_the_user(part: JsonObject, expected: Part) -> None:
    assert parsed(part) == [expected]


@pytest.mark.parametrize(
    ("part", "src"),
    [
        (inline("application/pdf"), Base64("application/pdf", "aGk=")),
        (inline("text/plain"), PlainText("hi")),
        (file(FILE, "application/pdf"), FileId(FILE, "gemini")),
        (file("https://e.com/a.pdf"), Url("https://e.com/a.pdf")),
    ],
)
def test_3_documents_keep_their_own_form(part: JsonObject, src: object) -> None:
    assert parsed(part) == [Document(src, native=("gemini", part))]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "part",
    [
        {},
        {"unheardOf": {}},
        {"executableCode": {"code": "x"}},
        {"functionCall": {"name": "f"}},
        {"functionResponse": {"response": {}}},
        {"inlineData": {"data": "aGk="}},
        {"inlineData": 5},
        inline("text/plain", "//79"),
        file("gs://b/a.mp3", "audio/mp3"),
        {"text": 5},
    ],
)
def test_17_what_a_user_cannot_say_is_refused(part: JsonObject) -> None:
    with pytest.raises(ConversionError) as caught:
        parsed(part)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        ({"text": "hi"}, [Text("hi")]),
        ({"text": "hm", "thought": True}, [Thinking("hm")]),
        ({"text": "hm", "thought": True, "thoughtSignature": "c2ln"}, [Thinking("hm", Token("g", "c2ln"))]),
        ({"text": "hi", "thoughtSignature": "c2ln"}, [Thinking("", Token("g", "c2ln", "text")), Text("hi")]),
        ({"text": "", "thoughtSignature": "c2ln"}, [Thinking("", Token("g", "c2ln", "text"))]),
        ({"thoughtSignature": "c2ln"}, [Thinking("", Token("g", "c2ln", "text"))]),
        ({}, []),
        (
            {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "c2ln", "thought": True},
            [ToolCall("id_1", "f", {"a": 1}, token=Token("g", "c2ln", "call"))],
        ),
        ({"functionCall": {"name": "f"}}, [ToolCall("id_1", "f", {})]),
        (inline("image/png"), [Image(Base64("image/png", "aGk="))]),
    ],
)
def test_7_4_parts_of_the_model(part: JsonObject, expected: list[Part]) -> None:
    assert parsed(part, "assistant") == expected


@pytest.mark.parametrize(
    ("part", "text"),
    [
        ({"executableCode": {"language": "PYTHON", "code": "print(1)\n"}}, "```python\nprint(1)\n```\n"),
        ({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}, "```\n1\n```\n"),
        ({"toolCall": {"id": "x"}}, ""),
    ],
)
def test_3_steps_of_the_provider_are_fenced_text(part: JsonObject, text: str) -> None:
    (kind,) = part
    assert parsed(part, "assistant") == [Hosted(kind, text, ("gemini", part))]


def test_6_the_model_gives_no_results() -> None:
    with pytest.raises(ConversionError):
        parsed({"functionResponse": {"name": "f"}}, "assistant")


@pytest.mark.parametrize(
    ("response", "text", "is_error"),
    [
        ({"output": "x"}, "x", False),
        ({"result": "x"}, "x", False),
        ({"content": "x"}, "x", False),
        ({"error": "x"}, "x", True),
        ({"name": "f", "content": "x"}, "x", False),
        ({"name": "other", "content": "x"}, '{"name":"other","content":"x"}', False),
        ({"output": {"a": 1.0}}, '{"output":{"a":1.0}}', False),
        ({"output": "x", "more": 1}, '{"output":"x","more":1}', False),
        ({"text": "x"}, '{"text":"x"}', False),
        ({}, "{}", False),
        (None, "", False),
        ("x", "x", False),
        (["x"], '["x"]', False),
    ],
)
def test_6_3_responses(response: Json, text: str, is_error: bool) -> None:
    part: JsonObject = {"functionResponse": {"name": "f", "response": response}}
    assert parsed(part) == [ToolResult("id_1", [Text(text)], "f", is_error)]


def test_6_3_media_in_a_result() -> None:
    part: JsonObject = {"functionResponse": {"name": "f", "response": {"output": "x"}, "parts": [inline("image/png")]}}
    (result,) = parsed(part)
    assert isinstance(result, ToolResult)
    assert result.parts == [Text("x"), Image(Base64("image/png", "aGk="))]
    part = {"functionResponse": {"name": "f", "parts": [inline("audio/wav")]}}
    with pytest.raises(ConversionError):
        parsed(part)


def test_3_an_address_that_is_none_is_still_a_document() -> None:
    """Judged by its host: one that cannot be read is no video."""
    (part,) = parsed(file("https://[e.com/a"))
    assert isinstance(part, Document)
