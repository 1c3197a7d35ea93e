"""Hub parts -> content of a Chat Completions message (conversion table 3)."""

from collections.abc import Sequence

from converters.data_url import write_data_url
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.places import names_place
from converters.profile import Profile
from converters.turns import Audio, Base64, Document, FileId, Image, Part, PlainText, Source, Text, Video


def user_content(parts: Sequence[Part], profile: Profile, loss: Loss) -> Json:
    """A plain string for one text, which every vendor takes; else a list of parts. None when nothing is left."""
    content: list[Json] = []
    for part in parts:
        content += content_parts(part, profile, loss)
    return fold_content(content, profile)


def fold_content(content: list[Json], profile: Profile) -> Json:
    texts = [part["text"] for part in content if isinstance(part, dict) and part.get("type") == "text"]
    if len(texts) < len(content):
        if profile.string_content:
            raise unsupported("this provider takes text only, no pictures or files")
        return content
    if len(texts) == 1:
        return texts[0]
    if profile.string_content:
        return "\n".join(str(text) for text in texts) if texts else None
    return content or None


@names_place
def content_parts(part: Part, profile: Profile, loss: Loss) -> list[Json]:
    """The parts one hub part becomes. Raises ConversionError for what Chat has no place for."""
    match part:
        case Text(text, cache):
            note_cache(cache, loss)
            return [_text(text)]
        case Image(src, detail, cache):
            note_cache(cache, loss)
            return [{"type": "image_url", "image_url": _image_url(src, detail, loss)}]
        case Document(cache=cache):
            note_cache(cache, loss)
            return _document(part)
        case Audio(src, format_):
            return [{"type": "input_audio", "input_audio": {"data": src.data, "format": format_}}]
        case Video(src):
            if not profile.video:
                raise unsupported("this provider takes no video")
            return [{"type": "video_url", "video_url": {"url": _url(src)}}]
    raise unsupported(f"a user message cannot hold {type(part).__name__}")


def document_text(document: Document, text: str) -> str:
    """A text document: its title as first line, then its context, then the text."""
    lines = [document.title or document.name, document.context, text]
    return "\n".join(line for line in lines if line)


def note_cache(cache: object, loss: Loss) -> None:
    """Cache marks are Anthropic's; strict vendors reject them."""
    if cache is not None:
        loss.note("cache_control", "this protocol has no cache marks")


def unsupported(message: str) -> ConversionError:
    return ConversionError(message, param="messages", code="unsupported_content")


def _text(text: str) -> Json:
    return {"type": "text", "text": text}


def _image_url(src: Source, detail: str | None, loss: Loss) -> JsonObject:
    image: JsonObject = {"url": _url(src)}
    if detail == "original":
        loss.change("messages.detail", "`original` is sent as `high`")
        detail = "high"
    if detail is not None:
        image["detail"] = detail
    return image


def _url(src: Source) -> str:
    if isinstance(src, Base64):
        return write_data_url(src)
    if isinstance(src, FileId):
        raise unsupported(f"the file `{src.id}` cannot be sent: a file id is valid only where it was issued")
    return src.url


def _document(document: Document) -> list[Json]:
    src = document.src
    if isinstance(src, PlainText):
        return [_text(document_text(document, src.text))]
    if isinstance(src, FileId):
        if src.owner != "chat":
            raise unsupported(f"the file `{src.id}` cannot be sent: a file id is valid only where it was issued")
        return [{"type": "file", "file": {"file_id": src.id}}]
    if not isinstance(src, Base64):
        raise unsupported(f"this provider takes no file by URL: {src.url}")
    file: JsonObject = {"filename": document.name or "document.pdf", "file_data": write_data_url(src)}
    about = "\n".join(line for line in (document.title, document.context) if line)
    part: Json = {"type": "file", "file": file}
    return [_text(about), part] if about else [part]
