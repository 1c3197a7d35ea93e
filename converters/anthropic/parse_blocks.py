"""Content blocks of a Messages request -> parts (conversion tables 3, 6 and 7.4)."""

from collections.abc import Callable

from converters.anthropic.cache import parse_cache
from converters.envelope import open_envelope
from converters.fields import (
    at,
    boolean,
    malformed,
    missing,
    obj,
    objects,
    required_obj,
    required_string,
    string,
)
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.places import put_place
from converters.turns import (
    Base64,
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

type _Parse = Callable[[JsonObject, str, Loss], Part]

# What Anthropic ran, or did to the conversation, itself; `..._tool_result` besides.
_HOSTED = frozenset(("server_tool_use", "mcp_tool_use", "compaction", "fallback"))
_READABLE = ("title", "url", "text", "stdout", "stderr", "content")


def parse_block(block: JsonObject, role: Role, path: str, loss: Loss) -> Part:
    """One block of a user or assistant message. Raises ConversionError for a type that has no place there; an unknown
    one of the assistant's is history that the provider made, and is kept as such."""
    kind = string(block, "type", path)
    if kind is None:
        raise missing(at(path, "type"))
    if (parse := _BLOCKS[role].get(kind)) is not None:
        part = parse(block, path, loss)
        put_place(part, path)
        return part
    elsewhere = any(kind in blocks for blocks in _BLOCKS.values())
    if kind in _HOSTED or kind.endswith("_tool_result") or (role == "assistant" and not elsewhere):
        return Hosted(kind, _readable(block.get("content")), ("anthropic", block))
    raise malformed(at(path, "type"), f"a content block that a message of the {role} may have; `{kind}` is none")


def parse_texts(holder: JsonObject, path: str) -> list[Text]:
    """`content` of a system message or block: a text, or text blocks only."""
    if isinstance(text := holder.get("content"), str):
        return [Text(text)]
    texts = []
    for where, block in objects(holder, "content", path):
        if block.get("type") != "text":
            raise malformed(at(where, "type"), "`text`")
        texts.append(_text(block, where))
    return texts


def _text(block: JsonObject, path: str, loss: Loss | None = None) -> Text:
    text = string(block, "text", path)
    if text is None:
        raise missing(at(path, "text"))
    return Text(text, parse_cache(block, path), ("anthropic", block) if block.get("citations") else None)


# --- images and documents ---


def _image(block: JsonObject, path: str, loss: Loss) -> Image:
    where = at(path, "source")
    return Image(_source(required_obj(block, "source", path), where), cache=parse_cache(block, path))


def _document(block: JsonObject, path: str, loss: Loss) -> Document:
    where = at(path, "source")
    source = required_obj(block, "source", path)
    citations = obj(block, "citations", path)
    if citations is not None and citations.get("enabled"):
        loss.drop("messages.content.citations", "citations of documents exist only in the client's own protocol")
    src: Source | PlainText
    match source.get("type"):
        case "text":
            src = PlainText(string(source, "data", where) or "")
        case "content":
            src = PlainText(_readable(source.get("content")))
        case _:
            src = _source(source, where)
    return Document(
        src,
        title=string(block, "title", path),
        context=string(block, "context", path),
        cache=parse_cache(block, path),
        native=("anthropic", block),
    )


def _source(source: JsonObject, path: str) -> Source:
    match source.get("type"):
        case "base64":
            return Base64(required_string(source, "media_type", path), required_string(source, "data", path))
        case "url":
            return Url(required_string(source, "url", path))
        case "file":
            return FileId(required_string(source, "file_id", path), "anthropic")
    raise malformed(at(path, "type"), "a known kind of source (base64, url, file; text and content for documents)")


def _container_upload(block: JsonObject, path: str, loss: Loss) -> Document:
    return Document(FileId(required_string(block, "file_id", path), "anthropic"), native=("anthropic", block))


def _search_result(block: JsonObject, path: str, loss: Loss) -> Text:
    """Elsewhere a text: title, source, content."""
    words = (string(block, "title", path), string(block, "source", path), _readable(block.get("content")))
    text = "\n".join(word for word in words if word)
    return Text(text, parse_cache(block, path), ("anthropic", block))


# --- calls and results ---


def _tool_use(block: JsonObject, path: str, loss: Loss) -> ToolCall:
    return ToolCall(
        required_string(block, "id", path),
        required_string(block, "name", path),
        args=obj(block, "input", path) or {},
        cache=parse_cache(block, path),
    )


def _tool_result(block: JsonObject, path: str, loss: Loss) -> ToolResult:
    parts: list[Text | Image | Document] = []
    if isinstance(content := block.get("content"), str):
        parts.append(Text(content))
    else:
        for where, inner in objects(block, "content", path):
            kind = inner.get("type")
            parse = _IN_RESULTS.get(kind) if isinstance(kind, str) else None
            if parse is None:
                raise malformed(at(where, "type"), "one of " + ", ".join(_IN_RESULTS))
            part = parse(inner, where, loss)
            put_place(part, where)
            parts.append(part)
    return ToolResult(
        required_string(block, "tool_use_id", path),
        parts,
        is_error=boolean(block, "is_error", path) or False,
        cache=parse_cache(block, path),
    )


def _tool_reference(block: JsonObject, path: str, loss: Loss) -> Text:
    name = required_string(block, "tool_name", path)
    return Text(f"[tool {name}]", parse_cache(block, path), ("anthropic", block))


# --- reasoning ---


def _thinking(block: JsonObject, path: str, loss: Loss) -> Thinking:
    """A signature that is an envelope is another provider's token, on its way home."""
    signature = string(block, "signature", path)
    token = (open_envelope(signature) or Token("a", signature)) if signature else None
    return Thinking(string(block, "thinking", path) or "", token)


def _redacted_thinking(block: JsonObject, path: str, loss: Loss) -> Thinking:
    value = required_string(block, "data", path)
    return Thinking("", open_envelope(value) or Token("x", value))


def _readable(content: Json) -> str:
    """The words of a hosted result, whatever its kind; encrypted and binary fields have none."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "\n".join(text for item in content if (text := _readable(item)))
    if not isinstance(content, dict):
        return ""
    source = content.get("source")
    plain = source.get("data") if isinstance(source, dict) and source.get("type") == "text" else None
    return "\n".join(text for value in (*map(content.get, _READABLE), plain) if (text := _readable(value)))


_BLOCKS: dict[Role, dict[str, _Parse]] = {
    "user": {
        "text": _text,
        "image": _image,
        "document": _document,
        "search_result": _search_result,
        "tool_result": _tool_result,
        "container_upload": _container_upload,
    },
    "assistant": {
        "text": _text,
        "tool_use": _tool_use,
        "thinking": _thinking,
        "redacted_thinking": _redacted_thinking,
    },
}
_IN_RESULTS: dict[str, Callable[[JsonObject, str, Loss], Text | Image | Document]] = {
    "text": _text,
    "image": _image,
    "document": _document,
    "search_result": _search_result,
    "tool_reference": _tool_reference,
}
