"""Parts -> content blocks (conversion tables 3, 6 and 7.4)."""

import base64
import binascii
from copy import deepcopy

from converters.anthropic.cache import with_cache
from converters.errors import ConversionError
from converters.history import arguments_object
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.places import names_place
from converters.turns import (
    Audio,
    Base64,
    Document,
    FileId,
    Hosted,
    Image,
    Native,
    Part,
    PlainText,
    Refusal,
    Role,
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Url,
    Video,
)

_IMAGES = ("image/jpeg", "image/png", "image/gif", "image/webp")
_PDF = "application/pdf"


@names_place
def build_block(part: Part, role: Role, loss: Loss) -> JsonObject | None:
    """None for what is left out: text without words, thinking that Anthropic did not sign, hosted steps of others without
    text. Raises ConversionError for content that the protocol has no place for."""
    match part:
        case Text() | Refusal():
            return text_block(part)
        case Image(src):
            return _picture_in_words(src, loss) if role == "assistant" else _image(part, loss)
        case Document():
            return _document(part)
        case Audio() | Video():
            kind = type(part).__name__.lower()
            raise _unsupported(f"the Messages API takes no {kind}")
        case Thinking(text, token) if token is not None and token.origin == "a":
            return {"type": "thinking", "thinking": text, "signature": token.value}
        case Thinking(token=token) if token is not None and token.origin == "x":
            return {"type": "redacted_thinking", "data": token.value}
        case Thinking():
            return None
        case ToolCall(id_, name, cache=cache):
            call: JsonObject = {"type": "tool_use", "id": id_, "name": name, "input": arguments_object(part, loss)}
            return with_cache(call, cache)
        case ToolResult():
            return _result(part, loss)
        case Hosted(kind, text, native):
            if (raw := _own(native)) is not None:
                return raw
            loss.note(f"messages.{kind}", "a step of another provider is sent as its text, if it has one")
            return text_block(Text(text))


def text_block(part: Text | Refusal) -> JsonObject | None:
    """None for text without a visible character: the API answers 400 to it."""
    if not part.text.strip():
        return None
    if isinstance(part, Refusal):
        return {"type": "text", "text": part.text}
    if (raw := _own(part.native)) is not None:
        return raw
    return with_cache({"type": "text", "text": part.text}, part.cache)


def _own(native: Native | None) -> JsonObject | None:
    """The block as the client sent it, if it spoke this protocol; a copy, because cache marks may be taken off it."""
    if native is not None and native[0] == "anthropic" and isinstance(native[1], dict):
        return deepcopy(native[1])
    return None


def _unsupported(message: str) -> ConversionError:
    return ConversionError(message, param="messages", code="unsupported_content")


# --- images and documents ---


def _image(image: Image, loss: Loss) -> JsonObject:
    if image.detail not in (None, "auto"):
        loss.drop("messages.detail", "the Messages API chooses the detail of images itself")
    source = _source(image.src)
    if isinstance(image.src, Base64):
        mime = "image/jpeg" if image.src.mime.lower() == "image/jpg" else image.src.mime.lower()
        if mime not in _IMAGES:
            raise _unsupported(f"images of type `{image.src.mime}` are not accepted, only " + ", ".join(_IMAGES))
        source["media_type"] = mime
    return with_cache({"type": "image", "source": source}, image.cache)


def _picture_in_words(src: Source, loss: Loss) -> JsonObject:
    loss.change("messages.image", "a picture that the assistant made is sent as words")
    return {"type": "text", "text": f"[image: {src.mime}]" if isinstance(src, Base64) else "[image]"}


def _document(document: Document) -> JsonObject:
    if (raw := _own(document.native)) is not None:
        return raw
    block: JsonObject = {"type": "document", "source": _document_source(document.src)}
    if title := document.title or document.name:
        block["title"] = title
    if document.context is not None:
        block["context"] = document.context
    return with_cache(block, document.cache)


def _document_source(src: Source | PlainText) -> JsonObject:
    match src:
        case PlainText(text):
            return {"type": "text", "media_type": "text/plain", "data": text}
        case Base64(mime, data) if mime.lower().startswith("text/"):
            return {"type": "text", "media_type": "text/plain", "data": _decoded(data, mime)}
        case Base64(mime) if mime.lower() != _PDF:
            raise _unsupported(f"documents of type `{mime}` are not accepted, only PDF and text")
        case _:
            return _source(src)


def _decoded(data: str, mime: str) -> str:
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except binascii.Error as error:
        raise _unsupported(f"a document of type `{mime}` is not valid base64") from error


def _source(src: Source) -> JsonObject:
    match src:
        case Base64(mime, data):
            return {"type": "base64", "media_type": mime, "data": data}
        case Url(url):
            return {"type": "url", "url": url}
        case FileId(id_, "anthropic"):
            return {"type": "file", "file_id": id_}
        case FileId(id_, owner):
            raise _unsupported(f"the file `{id_}` is kept by another provider ({owner}); send its content instead")


# --- results ---


def _result(result: ToolResult, loss: Loss) -> JsonObject:
    block: JsonObject = {"type": "tool_result", "tool_use_id": result.call_id}
    match result.parts:
        case [Text(text, cache=None, native=None)]:
            block["content"] = text
        case parts:
            blocks: list[Json] = [made for part in parts if (made := build_block(part, "user", loss)) is not None]
            if blocks:
                block["content"] = blocks
    if result.is_error:
        block["is_error"] = True
    return with_cache(block, result.cache)
