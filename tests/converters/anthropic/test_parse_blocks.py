"""3, 6 and 7.4 on the way in: content blocks -> parts."""

import pytest

from converters.anthropic.parse_blocks import parse_block, parse_texts
from converters.envelope import seal
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.turns import (
    Base64,
    Cache,
    Document,
    FileId,
    Hosted,
    Image,
    Part,
    PlainText,
    Role,
    Source,
    Text,
    Thinking,
    Token,
    ToolCall,
    ToolResult,
    Url,
)

MARK: JsonObject = {"type": "ephemeral"}
PDF: JsonObject = {"type": "base64", "media_type": "application/pdf", "data": "aGk="}
PNG: JsonObject = {"type": "base64", "media_type": "image/png", "data": "aGk="}


def part(type_: str, role: Role = "user", loss: Loss | None = None, **fields: Json) -> Part:
    return parse_block({"type": type_, **fields}, role, "here", loss or Loss())


def refused(type_: Json, role: Role = "user", **fields: Json) -> str | None:
    with pytest.raises(ConversionError) as caught:
        parse_block({"type": type_, **fields}, role, "here", Loss())
    assert caught.value.status == 400
    return caught.value.param


def test_3_text() -> None:
    assert part("text", text="") == Text("")
    assert part("text", "assistant", text="a", cache_control=MARK) == Text("a", Cache())
    assert part("text", text="a", cache_control={"type": "ephemeral", "ttl": "1h"}) == Text("a", Cache("1h"))


def test_3_text_with_citations_keeps_them_for_its_own_protocol() -> None:
    cited: JsonObject = {"type": "text", "text": "a", "citations": [{"url": "u"}]}
    assert parse_block(cited, "assistant", "here", Loss()) == Text("a", None, ("anthropic", cited))
    assert part("text", text="a", citations=[]) == Text("a")


SOURCES: list[tuple[JsonObject, Source]] = [
    (PNG, Base64("image/png", "aGk=")),
    ({"type": "url", "url": "https://e.com/a"}, Url("https://e.com/a")),
    ({"type": "file", "file_id": "file_1"}, FileId("file_1", "anthropic")),
]


@pytest.mark.parametrize(("source", "src"), SOURCES)
def test_3_images_and_documents_by_source(source: JsonObject, src: Source) -> None:
    assert part("image", source=source, cache_control=MARK) == Image(src, cache=Cache())
    document = part("document", source=source, title="t", context="c", cache_control=MARK)
    assert isinstance(document, Document)
    assert (document.src, document.title, document.context, document.cache) == (src, "t", "c", Cache())


@pytest.mark.parametrize(
    "source",
    [
        {"type": "text", "media_type": "text/plain", "data": "a\nb"},
        {"type": "content", "content": "a\nb"},
        {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
    ],
)
def test_3_text_documents(source: JsonObject) -> None:
    raw: JsonObject = {"type": "document", "source": source}
    assert parse_block(raw, "user", "here", Loss()) == Document(PlainText("a\nb"), native=("anthropic", raw))


def test_3_the_citations_setting_of_a_document_is_dropped_with_a_warning() -> None:
    loss = Loss()
    part("document", loss=loss, source=PDF, citations={"enabled": False})
    assert loss.dropped == {}
    part("document", loss=loss, source=PDF, citations={"enabled": True})
    assert list(loss.dropped) == ["messages.content.citations"]


def test_3_a_search_result_is_text_elsewhere() -> None:
    raw: JsonObject = {
        "type": "search_result",
        "title": "T",
        "source": "https://e.com",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    }
    assert parse_block(raw, "user", "here", Loss()) == Text("T\nhttps://e.com\na\nb", None, ("anthropic", raw))


def test_3_a_container_upload_is_a_file_of_this_provider() -> None:
    raw: JsonObject = {"type": "container_upload", "file_id": "file_1"}
    assert parse_block(raw, "user", "here", Loss()) == Document(
        FileId("file_1", "anthropic"), native=("anthropic", raw)
    )


def test_6_calls() -> None:
    call = part("tool_use", "assistant", id="t", name="f", input={"n": 12345678901234567890}, cache_control=MARK)
    assert call == ToolCall("t", "f", {"n": 12345678901234567890}, cache=Cache())
    assert part("tool_use", "assistant", id="t", name="f") == ToolCall("t", "f", {})


def test_6_3_results() -> None:
    assert part("tool_result", tool_use_id="t", content="ok") == ToolResult("t", [Text("ok")])
    assert part("tool_result", tool_use_id="t", is_error=True, cache_control=MARK) == ToolResult(
        "t", [], is_error=True, cache=Cache()
    )
    reference: JsonObject = {"type": "tool_reference", "tool_name": "get"}
    search: JsonObject = {"type": "search_result", "title": "T", "source": "s", "content": []}
    assert part(
        "tool_result",
        tool_use_id="t",
        content=[
            {"type": "text", "text": "a"},
            {"type": "image", "source": PNG},
            {"type": "document", "source": PDF},
            reference,
            search,
        ],
    ) == ToolResult(
        "t",
        [
            Text("a"),
            Image(Base64("image/png", "aGk=")),
            Document(Base64("application/pdf", "aGk="), native=("anthropic", {"type": "document", "source": PDF})),
            Text("[tool get]", None, ("anthropic", reference)),
            Text("T\ns", None, ("anthropic", search)),
        ],
    )


@pytest.mark.parametrize(
    ("signature", "token"),
    [
        ("EqQBCg==", Token("a", "EqQBCg==")),
        (seal(Token("r", "enc", id="rs_1")), Token("r", "enc", id="rs_1")),
        (seal(Token("a", "sig")), Token("a", "sig")),
        (seal(Token("n", "")), Token("n", "")),
        ("aic1.broken", Token("n", "")),
        ("", None),
        (None, None),
    ],
)
def test_7_4_a_signature_is_a_token_or_an_envelope_with_one(signature: str | None, token: Token | None) -> None:
    assert part("thinking", "assistant", thinking="t", signature=signature) == Thinking("t", token)


def test_7_4_redacted_thinking_is_a_token_of_its_own() -> None:
    assert part("redacted_thinking", "assistant", data="d") == Thinking("", Token("x", "d"))
    assert part("redacted_thinking", "assistant", data=seal(Token("r", "e"))) == Thinking("", Token("r", "e"))


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        ("server_tool_use", None, ""),
        ("mcp_tool_use", None, ""),
        ("compaction", "The story so far.", "The story so far."),
        ("fallback", None, ""),
        ("mcp_tool_result", [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "a\nb"),
        (
            "web_search_tool_result",
            [{"type": "web_search_result", "title": "T", "url": "https://e.com", "encrypted_content": "xx"}],
            "T\nhttps://e.com",
        ),
        (
            "web_fetch_tool_result",
            {"url": "u", "content": {"type": "document", "source": {"type": "text", "data": "page"}}},
            "u\npage",
        ),
        (
            "web_fetch_tool_result",
            {"url": "u", "content": {"type": "document", "source": {"type": "base64", "data": "aGk="}}},
            "u",
        ),
        ("bash_code_execution_tool_result", {"stdout": "out", "stderr": "err", "return_code": 0}, "out\nerr"),
        ("made_up_next_year", "words", "words"),
    ],
)
def test_17_hosted_steps_keep_their_readable_text(kind: str, content: Json, text: str) -> None:
    raw: JsonObject = {"type": kind, "content": content}
    assert parse_block(raw, "assistant", "here", Loss()) == Hosted(kind, text, ("anthropic", raw))


def test_17_hosted_results_may_stand_in_a_user_message() -> None:
    assert isinstance(part("web_search_tool_result", "user", content=[]), Hosted)


def test_2_1_texts_of_a_system_message() -> None:
    assert parse_texts({"content": "a"}, "here") == [Text("a")]
    assert parse_texts({"content": [{"type": "text", "text": "a", "cache_control": MARK}]}, "here") == [
        Text("a", Cache())
    ]
    assert parse_texts({}, "here") == []


@pytest.mark.parametrize(
    ("role", "block", "param"),
    [
        ("user", {"type": None}, "here.type"),
        ("user", {"type": 3}, "here.type"),
        ("user", {"type": "made_up"}, "here.type"),
        ("user", {"type": "audio"}, "here.type"),
        ("user", {"type": "tool_use", "id": "t", "name": "f"}, "here.type"),
        ("user", {"type": "thinking", "thinking": "t"}, "here.type"),
        ("assistant", {"type": "tool_result", "tool_use_id": "t"}, "here.type"),
        ("assistant", {"type": "image", "source": PNG}, "here.type"),
        ("user", {"type": "text"}, "here.text"),
        ("user", {"type": "text", "text": 3}, "here.text"),
        ("user", {"type": "text", "text": "a", "cache_control": {"type": "x"}}, "here.cache_control.type"),
        (
            "user",
            {"type": "text", "text": "a", "cache_control": {"type": "ephemeral", "ttl": 5}},
            "here.cache_control.ttl",
        ),
        ("user", {"type": "image"}, "here.source"),
        ("user", {"type": "image", "source": {"type": "disk"}}, "here.source.type"),
        ("user", {"type": "image", "source": {"type": "base64", "data": "x"}}, "here.source.media_type"),
        ("user", {"type": "document", "source": {"type": "file"}}, "here.source.file_id"),
        ("user", {"type": "document", "source": PDF, "citations": 3}, "here.citations"),
        ("user", {"type": "tool_result"}, "here.tool_use_id"),
        ("user", {"type": "tool_result", "tool_use_id": "t", "content": 3}, "here.content"),
        ("user", {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "video"}]}, "here.content[0].type"),
        ("user", {"type": "tool_result", "tool_use_id": "t", "content": [{"type": []}]}, "here.content[0].type"),
        ("user", {"type": "tool_result", "tool_use_id": "t", "is_error": "no"}, "here.is_error"),
        ("assistant", {"type": "tool_use", "name": "f"}, "here.id"),
        ("assistant", {"type": "tool_use", "id": "t"}, "here.name"),
        ("assistant", {"type": "tool_use", "id": "t", "name": "f", "input": "{}"}, "here.input"),
        ("assistant", {"type": "thinking", "thinking": 3}, "here.thinking"),
        ("assistant", {"type": "redacted_thinking"}, "here.data"),
    ],
)
def test_17_what_is_malformed_is_a_400_that_names_the_field(role: Role, block: JsonObject, param: str) -> None:
    fields = {name: value for name, value in block.items() if name != "type"}
    assert refused(block["type"], role, **fields) == param
