"""3, 6.3, 7.4: parts for Gemini."""

import pytest

from converters.errors import ConversionError
from converters.gemini.build_parts import build_call, build_part, build_result
from converters.json_codec import JsonObject
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
    Token,
    ToolCall,
    ToolResult,
    Url,
    Video,
)

PNG = Base64("image/png", "aGk=")
PDF = Base64("application/pdf", "aGk=")


def blob(mime: str) -> JsonObject:
    return {"inlineData": {"mimeType": mime, "data": "aGk="}}


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (Text("a"), [{"text": "a"}]),
        (Text(""), []),
        (Refusal("no"), [{"text": "no"}]),
        (Image(PNG), [blob("image/png")]),
        (Image(Base64("image/JPG", "aGk=")), [blob("image/jpeg")]),
        (Image(FileId("gs://b/x", "gemini")), [{"fileData": {"fileUri": "gs://b/x"}}]),
        (Image(Url("gs://b/x")), [{"fileData": {"fileUri": "gs://b/x"}}]),
        (Document(PDF, "a.pdf"), [blob("application/pdf")]),
        (Document(PDF, title="T", context="C"), [{"text": "T\nC"}, blob("application/pdf")]),
        (Document(PlainText("words"), "a.txt"), [{"text": "a.txt\nwords"}]),
        (Document(PlainText("words"), "a.txt", native=("gemini", {"own": 1})), [{"own": 1}]),
        (Audio(Base64("audio/wav", "aGk="), "wav"), [blob("audio/wav")]),
        (Video(Base64("video/mp4", "aGk=")), [blob("video/mp4")]),
        (Video(Url("https://youtu.be/1")), [{"fileData": {"fileUri": "https://youtu.be/1"}}]),
        (Hosted("x", "said"), [{"text": "said"}]),
        (Hosted("x", "said", ("gemini", {"executableCode": {}})), [{"executableCode": {}}]),
        (Hosted("x", "", ("anthropic", {})), []),
    ],
)
def test_3_parts(part: Part, expected: list[JsonObject]) -> None:
    assert build_part(part, Loss()) == expected


@pytest.mark.parametrize("src", [Url("https://e.com/a.png"), FileId("file_1", "anthropic")])
def test_3_what_was_not_fetched_or_is_kept_elsewhere_is_refused(src: Url | FileId) -> None:
    with pytest.raises(ConversionError) as caught:
        build_part(Image(src), Loss())
    assert (src.url if isinstance(src, Url) else src.id) in str(caught.value)


def test_3_detail_and_10_cache_marks_are_left_out() -> None:
    loss = Loss()
    build_part(Image(PNG, "high", Cache()), loss)
    build_part(Image(PNG, "auto"), loss)
    assert (list(loss.dropped), list(loss.noted)) == (["messages.detail"], ["cache_control"])


def test_6_calls() -> None:
    call = ToolCall("c1", "f", args_text='{"a":1.0}', token=Token("g", "sig", "call"))
    assert build_call(call, True, Loss()) == {
        "functionCall": {"id": "c1", "name": "f", "args": {"a": 1.0}},
        "thoughtSignature": "sig",
    }
    assert build_call(ToolCall("c1", "f", {}), False, Loss()) == {"functionCall": {"name": "f", "args": {}}}


def result(newer: bool, *parts: Text | Image | Document, is_error: bool = False) -> tuple[JsonObject, list[JsonObject]]:
    built, behind = build_result(ToolResult("c1", [*parts], "f", is_error), newer, Loss())
    function = built["functionResponse"]
    assert isinstance(function, dict)
    return function, behind


def test_6_3_text_is_wrapped_and_never_parsed() -> None:
    assert result(False, Text('{"a":1}'), Text("b")) == ({"name": "f", "response": {"output": '{"a":1}\nb'}}, [])
    assert result(True, Text("no"), is_error=True) == ({"id": "c1", "name": "f", "response": {"error": "no"}}, [])


def test_6_3_media_stand_inside_for_gemini_3_and_behind_for_earlier_models() -> None:
    assert result(True, Text("a"), Image(PNG), Document(PDF)) == (
        {"id": "c1", "name": "f", "response": {"output": "a"}, "parts": [blob("image/png"), blob("application/pdf")]},
        [],
    )
    assert result(False, Image(PNG)) == ({"name": "f", "response": {"output": ""}}, [blob("image/png")])
    assert result(True, Image(Base64("image/gif", "aGk=")))[1] == [blob("image/gif")]


@pytest.mark.parametrize(("src", "noted"), [(PDF, ["messages.filename"]), (PlainText("t"), [])])
def test_3_the_name_of_a_file_is_noted_and_that_of_a_text_is_its_title(
    src: Base64 | PlainText, noted: list[str]
) -> None:
    loss = Loss()
    build_part(Document(src, "a.pdf"), loss)
    assert list(loss.noted) == noted
