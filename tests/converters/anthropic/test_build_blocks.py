"""3, 6 and 7.4 on the way out: parts -> content blocks."""

import base64

import pytest

from converters.anthropic.build_blocks import build_block
from converters.errors import ConversionError
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
    Role,
    Text,
    Thinking,
    Token,
    ToolCall,
    ToolResult,
    Url,
    Video,
)

MARK: JsonObject = {"type": "ephemeral"}
PNG = Base64("image/png", "aGk=")
PDF = Base64("application/pdf", "aGk=")
PNG_BLOCK: JsonObject = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}


def built(part: Part, role: Role = "user", loss: Loss | None = None) -> JsonObject | None:
    return build_block(part, role, loss or Loss())


def refused(part: Part) -> str:
    with pytest.raises(ConversionError) as caught:
        built(part)
    assert (caught.value.status, caught.value.param, caught.value.code) == (400, "messages", "unsupported_content")
    return str(caught.value)


def test_3_text_keeps_its_words_and_its_mark() -> None:
    assert built(Text(" a\n")) == {"type": "text", "text": " a\n"}
    assert built(Text("a", Cache())) == {"type": "text", "text": "a", "cache_control": MARK}
    assert built(Refusal("no"), "assistant") == {"type": "text", "text": "no"}


@pytest.mark.parametrize("part", [Text(""), Text(" \n"), Refusal("")])
def test_2_2_text_without_words_is_left_out(part: Part) -> None:
    assert built(part) is None


def test_3_own_raw_blocks_are_sent_as_they_came_and_others_are_not() -> None:
    raw: JsonObject = {"type": "text", "text": "a", "citations": [{"url": "u"}]}
    assert built(Text("a", native=("anthropic", raw))) == raw
    assert built(Text("a", native=("chat", raw))) == {"type": "text", "text": "a"}
    nested: JsonObject = {"type": "search_result", "content": [{"type": "text", "text": "x", "cache_control": MARK}]}
    sent = built(Text("a", native=("anthropic", nested)))
    assert sent == nested
    assert sent is not None
    assert sent["content"] is not nested["content"]  # marks may be taken off it


@pytest.mark.parametrize("mime", ["image/jpeg", "image/png", "image/gif", "image/webp"])
def test_3_images_of_four_types(mime: str) -> None:
    assert built(Image(Base64(mime, "aGk="), cache=Cache())) == {
        "type": "image",
        "source": {"type": "base64", "media_type": mime, "data": "aGk="},
        "cache_control": MARK,
    }


@pytest.mark.parametrize(("mime", "sent"), [("image/jpg", "image/jpeg"), ("IMAGE/PNG", "image/png")])
def test_3_other_spellings_of_the_four_are_understood(mime: str, sent: str) -> None:
    assert built(Image(Base64(mime, "aGk="))) == {
        "type": "image",
        "source": {"type": "base64", "media_type": sent, "data": "aGk="},
    }


def test_3_another_image_type_is_a_400_that_names_it() -> None:
    assert "`image/tiff`" in refused(Image(Base64("image/tiff", "aGk=")))


def test_3_images_and_documents_by_url_and_by_file() -> None:
    url: JsonObject = {"type": "url", "url": "https://e.com/a"}
    file: JsonObject = {"type": "file", "file_id": "file_1"}
    assert built(Image(Url("https://e.com/a"))) == {"type": "image", "source": url}
    assert built(Image(FileId("file_1", "anthropic"))) == {"type": "image", "source": file}
    assert built(Document(Url("https://e.com/a"))) == {"type": "document", "source": url}
    assert built(Document(FileId("file_1", "anthropic"))) == {"type": "document", "source": file}


@pytest.mark.parametrize("part", [Image(FileId("file-1", "chat")), Document(FileId("file-1", "chat"))])
def test_3_a_file_of_another_owner_is_a_400(part: Part) -> None:
    assert "`file-1`" in refused(part)


@pytest.mark.parametrize(("detail", "dropped"), [(None, []), ("auto", []), ("low", ["messages.detail"])])
def test_3_detail_is_dropped(detail: str | None, dropped: list[str]) -> None:
    loss = Loss()
    assert built(Image(PNG, detail), loss=loss) == PNG_BLOCK
    assert list(loss.dropped) == dropped


def test_3_a_picture_the_assistant_made_is_words() -> None:
    loss = Loss()
    assert built(Image(PNG), "assistant", loss) == {"type": "text", "text": "[image: image/png]"}
    assert built(Image(Url("u")), "assistant") == {"type": "text", "text": "[image]"}
    assert list(loss.changed) == ["messages.image"]


def test_3_a_pdf_is_a_document_with_title_and_context() -> None:
    source: JsonObject = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
    assert built(Document(PDF, name="a.pdf")) == {"type": "document", "source": source, "title": "a.pdf"}
    assert built(Document(PDF, "a.pdf", "Title", "context", Cache())) == {
        "type": "document",
        "source": source,
        "title": "Title",
        "context": "context",
        "cache_control": MARK,
    }


def test_3_text_documents() -> None:
    sent: JsonObject = {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "grün"}}
    assert built(Document(PlainText("grün"))) == sent
    assert built(Document(Base64("text/markdown", base64.b64encode("grün".encode()).decode()))) == sent
    assert "base64" in refused(Document(Base64("text/plain", "a")))


def test_3_another_binary_document_is_a_400_that_names_its_type() -> None:
    assert "`application/zip`" in refused(Document(Base64("application/zip", "aGk=")))


@pytest.mark.parametrize(
    ("part", "kind"), [(Audio(Base64("audio/wav", ""), "wav"), "audio"), (Video(Url("u")), "video")]
)
def test_3_audio_and_video_are_a_400(part: Part, kind: str) -> None:
    assert kind in refused(part)


@pytest.mark.parametrize(
    ("token", "block"),
    [
        (Token("a", "sig"), {"type": "thinking", "thinking": "t", "signature": "sig"}),
        (Token("x", "data"), {"type": "redacted_thinking", "data": "data"}),
        (Token("r", "enc"), None),
        (Token("g", "sig"), None),
        (Token("n", ""), None),
        (None, None),
    ],
)
def test_7_4_only_thinking_that_anthropic_signed_is_sent(token: Token | None, block: JsonObject | None) -> None:
    assert built(Thinking("t", token), "assistant") == block


@pytest.mark.parametrize(
    ("call", "args"),
    [
        (ToolCall("t", "f", {"a": 1}), {"a": 1}),
        (ToolCall("t", "f", args_text='{"a": 12345678901234567890, "b": 1.0}'), {"a": 12345678901234567890, "b": 1.0}),
        (ToolCall("t", "f", args_text=""), {}),
        (ToolCall("t", "f", args_text="[1"), {"_raw_arguments": "[1"}),
    ],
)
def test_6_2_the_arguments_of_a_call_are_an_object(call: ToolCall, args: JsonObject) -> None:
    assert built(call, "assistant") == {"type": "tool_use", "id": "t", "name": "f", "input": args}


def test_6_calls_keep_their_mark() -> None:
    sent = built(ToolCall("t", "f", {}, cache=Cache()), "assistant")
    assert sent == {"type": "tool_use", "id": "t", "name": "f", "input": {}, "cache_control": MARK}


@pytest.mark.parametrize(
    ("parts", "content"),
    [
        ([], {}),
        ([Text("a")], {"content": "a"}),
        ([Text("")], {"content": ""}),
        ([Text("a"), Text(""), Text("b")], {"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}),
        ([Text(""), Text("")], {}),
        ([Text("a", Cache())], {"content": [{"type": "text", "text": "a", "cache_control": MARK}]}),
        ([Text("a"), Image(PNG)], {"content": [{"type": "text", "text": "a"}, PNG_BLOCK]}),
        ([Document(PlainText("d"))], {"content": [built(Document(PlainText("d")))]}),
    ],
)
def test_6_3_results(parts: list[Text | Image | Document], content: JsonObject) -> None:
    assert built(ToolResult("t", parts)) == {"type": "tool_result", "tool_use_id": "t", **content}


def test_6_3_a_failed_result_says_so() -> None:
    assert built(ToolResult("t", [Text("no")], is_error=True, cache=Cache())) == {
        "type": "tool_result",
        "tool_use_id": "t",
        "content": "no",
        "is_error": True,
        "cache_control": MARK,
    }


def test_17_hosted_steps_pass_in_their_own_protocol_and_are_text_elsewhere() -> None:
    raw: JsonObject = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    assert built(Hosted("server_tool_use", "", ("anthropic", raw)), "assistant") == raw
    loss = Loss()
    assert built(Hosted("web_search_call", "found", ("responses", {})), "assistant", loss) == {
        "type": "text",
        "text": "found",
    }
    assert built(Hosted("web_search_call"), "assistant") is None
    assert list(loss.noted) == ["messages.web_search_call"]
