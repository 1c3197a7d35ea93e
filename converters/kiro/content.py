"""Parts -> the pieces of Kiro's messages: words, images, calls, results (conversion tables 3 and 6)."""

import base64
import binascii

from converters.errors import ConversionError
from converters.history import arguments_object
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
    Refusal,
    Source,
    Text,
    Thinking,
    Token,
    ToolCall,
    ToolResult,
    Url,
    Video,
)

REDACTED = "redacted"  # `Token.id` of reasoning that came without its words
MAX_IMAGES = 10  # in one message
MAX_IMAGE = 10 * 1024 * 1024  # bytes
MAX_RESULT = 800_000  # characters
_FORMATS = {"image/jpeg": "jpeg", "image/jpg": "jpeg", "image/png": "png", "image/gif": "gif", "image/webp": "webp"}
_NO_OUTPUT = "(no output)"


def words_of(part: Part, loss: Loss) -> str:
    """The text of a part; "" for one that has none, or none of its own (calls, results, reasoning, images).

    Raises ConversionError for content that the protocol has no place for.
    """
    match part:
        case Text(text, cache):
            _note_cache(cache, loss)
            return text if text.strip() else ""
        case Refusal(text) | Hosted(text=text):
            return text if text.strip() else ""
        case Document():
            return _document(part, loss)
        case Audio() | Video():
            raise unsupported(f"Kiro takes no {type(part).__name__.lower()}", part.place)
        case Image() | Thinking() | ToolCall() | ToolResult():
            return ""


def build_image(image: Image, loss: Loss) -> JsonObject:
    """3.1.12: base64 only, four types. Raises ConversionError for any other."""
    _note_cache(image.cache, loss)
    if image.detail not in (None, "auto"):
        loss.drop("messages.detail", "Kiro has no such field")
    src = image.src
    if not isinstance(src, Base64):
        raise unsupported(_where(src, "image"), image.place)
    format_ = _FORMATS.get(src.mime.lower())
    if format_ is None:
        raise unsupported(f"images of type `{src.mime}` are not accepted, only JPEG, PNG, GIF and WebP", image.place)
    if len(src.data) * 3 // 4 > MAX_IMAGE:
        raise unsupported(f"an image is larger than {MAX_IMAGE} bytes, the most that Kiro takes", image.place)
    return {"format": format_, "source": {"bytes": src.data}}


def image_in_words(image: Image, loss: Loss) -> str:
    """Assistant messages hold no images."""
    loss.change("messages.image", "a picture that the assistant made is sent as words")
    return f"[image: {image.src.mime}]" if isinstance(image.src, Base64) else "[image]"


def build_call(call: ToolCall, loss: Loss) -> JsonObject:
    _note_cache(call.cache, loss)
    return {"toolUseId": call.id, "name": call.name, "input": clean_input(arguments_object(call, loss))}


def clean_input(value: JsonObject) -> JsonObject:
    """3.1.8: keys that are empty and members that are null make the request "improperly formed"."""
    return {key: _cleaned(item) for key, item in value.items() if key and item is not None}


def _cleaned(value: Json) -> Json:
    if isinstance(value, dict):
        return clean_input(value)
    return [_cleaned(item) for item in value] if isinstance(value, list) else value


def build_result(result: ToolResult, loss: Loss) -> tuple[JsonObject, list[JsonObject]]:
    """6.3: the result, and its images, which stand in the message: its text says where."""
    _note_cache(result.cache, loss)
    texts: list[str] = []
    images: list[JsonObject] = []
    for part in result.parts:
        if isinstance(part, Image):
            images.append(build_image(part, loss))
            texts.append(f"[image {len(images)} of call {result.call_id}]")
        elif words := words_of(part, loss):
            texts.append(words)
    text = "\n".join(texts) or _NO_OUTPUT
    if len(text) > MAX_RESULT:
        raise too_long(f"a tool result has {len(text)} characters, Kiro takes {MAX_RESULT}")
    built: JsonObject = {
        "toolUseId": result.call_id,
        "content": [{"text": text}],
        "status": "error" if result.is_error else "success",
    }
    return built, images


def build_reasoning(parts: list[Part], loss: Loss) -> JsonObject | None:
    """7.4: `reasoningContent`. A message has one, so the reasoning that led to all of it, the first, is sent."""
    found = [part for part in parts if isinstance(part, Thinking) and part.token is not None]
    if not found:
        return None
    if len(found) > 1:
        loss.note("messages.thinking", "a message takes one piece of reasoning, the first is sent")
    token = found[0].token
    assert token is not None
    if token.id == REDACTED:
        return {"redactedContent": token.value}
    return {"reasoningText": {"text": found[0].text, "signature": token.value}}


def token_of(value: str, *, redacted: bool = False) -> Token:
    """The token of an answer, as `build_reasoning` takes it back."""
    return Token("k", value, id=REDACTED if redacted else None)


def too_long(message: str) -> ConversionError:
    """The words and the code that make an agent compact its history."""
    return ConversionError(f"prompt is too long: {message}", param="messages", code="context_length_exceeded")


def _document(document: Document, loss: Loss) -> str:
    _note_cache(document.cache, loss)
    src = document.src
    match src:
        case PlainText(text):
            pass
        case Base64(mime, data) if mime.lower().startswith("text/"):
            text = _decoded(data, mime, document.place)
        case Base64(mime):
            raise unsupported(f"Kiro takes no documents of type `{mime}`, only text", document.place)
        case Url() | FileId():
            raise unsupported(_where(src, "document"), document.place)
    about = [line for line in (document.title or document.name, document.context) if line]
    return "\n".join((*about, text)) if text.strip() else ""


def _decoded(data: str, mime: str, place: str | None) -> str:
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except binascii.Error as error:
        raise unsupported(f"a document of type `{mime}` is not valid base64", place) from error


def _where(src: Source, kind: str) -> str:
    if isinstance(src, FileId):
        return f"the file `{src.id}` is kept by another provider ({src.owner}); send its content instead"
    return f"Kiro takes no {kind} by URL" + (f": {src.url[:200]}" if isinstance(src, Url) else "")


def _note_cache(cache: object, loss: Loss) -> None:
    if cache is not None:
        loss.note("cache_control", "cache marks are for Anthropic alone")


def unsupported(message: str, place: str | None = None) -> ConversionError:
    """place: of the part in the client's request, if that is known."""
    return ConversionError(message, param=place or "messages", code="unsupported_content")
