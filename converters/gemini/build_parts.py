"""Parts -> the provider's parts (conversion tables 3, 6.3 and 7.4)."""

import re

from converters.errors import ConversionError
from converters.gemini.tokens import write_signature
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
    Source,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Url,
    Video,
)

OWN_URLS = ("gs://", "https://generativelanguage.googleapis.com/")  # files that the provider keeps
_BY_URL = re.compile(
    r"gs://|https://generativelanguage\.googleapis\.com/|https?://(?:(?:www|m)\.youtube\.com|youtu\.be)/"
)
_IN_RESULTS = ("image/png", "image/jpeg", "image/webp", "application/pdf", "text/plain")
_ALIASES = {"image/jpg": "image/jpeg"}


@names_place
def build_part(part: Part, loss: Loss) -> list[JsonObject]:
    """The parts that one becomes; [] for what is left out: empty text, thinking (its token is `build_turns`' affair).

    Raises ConversionError for content that the protocol has no place for.
    """
    match part:
        case Text(text, cache):
            note_cache(cache, loss)
            return [{"text": text}] if text else []
        case Refusal(text):
            return [{"text": text}] if text else []
        case Image(src, detail, cache):
            note_cache(cache, loss)
            if detail not in (None, "auto"):
                loss.drop("messages.detail", "the Gemini API has no such field")
            return [_media(src, "image")]
        case Document(src, name, cache=cache):
            note_cache(cache, loss)
            if name is not None and not isinstance(src, PlainText):
                loss.note("messages.filename", "files have no names in the Gemini API")
            return _document(part)
        case Audio(src) | Video(src):
            return [_media(src, type(part).__name__.lower())]
        case Hosted(text=text, native=native):
            if (raw := _own(native)) is not None:
                return [raw]
            return [{"text": text}] if text else []
        case Thinking() | ToolCall() | ToolResult():
            return []


def build_call(call: ToolCall, with_id: bool, loss: Loss) -> JsonObject:
    note_cache(call.cache, loss)
    function: JsonObject = {"id": call.id} if with_id else {}
    function |= {"name": call.name, "args": arguments_object(call, loss)}
    built: JsonObject = {"functionCall": function}
    if (signature := write_signature(call.token)) is not None:
        built["thoughtSignature"] = signature
    return built


def build_result(result: ToolResult, newer: bool, loss: Loss) -> tuple[JsonObject, list[JsonObject]]:
    """The result, and the pictures and files that cannot stand inside it: they follow all results of the run."""
    note_cache(result.cache, loss)
    words: list[str] = []
    inside: list[Json] = []
    behind: list[JsonObject] = []
    for part in result.parts:
        for built in build_part(part, loss):
            blob = built.get("inlineData")
            if isinstance(text := built.get("text"), str):
                words.append(text)
            elif newer and isinstance(blob, dict) and blob.get("mimeType") in _IN_RESULTS:
                inside.append(built)
            else:
                behind.append(built)
    function: JsonObject = {"id": result.call_id} if newer else {}
    said: JsonObject = {"error" if result.is_error else "output": "\n".join(words)}
    function |= {"name": result.name or "unknown", "response": said}
    if inside:
        function["parts"] = inside
    return {"functionResponse": function}, behind


def note_cache(cache: object, loss: Loss) -> None:
    """Cache marks are Anthropic's; this provider finds its cache by content."""
    if cache is not None:
        loss.note("cache_control", "this protocol has no cache marks")


def _own(native: Native | None) -> JsonObject | None:
    return native[1] if native is not None and native[0] == "gemini" and isinstance(native[1], dict) else None


def _document(document: Document) -> list[JsonObject]:
    """Title and context as a line of text before it: the API has no field for them."""
    if (raw := _own(document.native)) is not None:
        return [raw]
    about = [line for line in (document.title, document.context) if line]
    if isinstance(document.src, PlainText):
        title = about or ([document.name] if document.name else [])
        text = "\n".join((*title, document.src.text))
        return [{"text": text}] if text else []
    file = _media(document.src, "document")
    return [{"text": "\n".join(about)}, file] if about else [file]


def _media(src: Source, kind: str) -> JsonObject:
    match src:
        case Base64(mime, data):
            return {"inlineData": {"mimeType": _ALIASES.get(mime.lower(), mime.lower()), "data": data}}
        case FileId(id_, "gemini"):
            return {"fileData": {"fileUri": id_}}
        case FileId(id_, owner):
            raise _unsupported(f"the file `{id_}` is kept by another provider ({owner}); send its content instead")
        case Url(url) if _BY_URL.match(url):
            return {"fileData": {"fileUri": url}}
        case Url(url):
            raise _unsupported(f"this provider takes no {kind} by URL: {url[:200]}")


def _unsupported(message: str) -> ConversionError:
    return ConversionError(message, param="messages", code="unsupported_content")
