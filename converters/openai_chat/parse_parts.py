"""Content parts of a client's messages -> hub parts (conversion table 3)."""

from collections.abc import Callable, Sequence

from converters.data_url import is_data_url, read_data_url, read_text
from converters.errors import ConversionError
from converters.fields import at, malformed, missing, obj, objects, required_obj, required_string, string
from converters.json_codec import JsonObject
from converters.places import put_place
from converters.turns import (
    Audio,
    Base64,
    Cache,
    Document,
    FileId,
    Image,
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


def read_cache(source: JsonObject, path: str) -> Cache | None:
    """`cache_control`, a widely used extension on parts, messages and tools."""
    mark = obj(source, "cache_control", path)
    return None if mark is None else Cache(string(mark, "ttl", at(path, "cache_control")))


def mark_last(parts: Sequence[Part], cache: Cache | None) -> None:
    """A message's own mark goes to its last part that can hold one; a part's mark wins."""
    if cache is None:
        return
    for part in reversed(parts):
        if isinstance(part, Text | Image | Document | ToolCall | ToolResult):
            part.cache = part.cache or cache
            return


def user_parts(message: JsonObject, path: str) -> list[Part]:
    """Content of a user message: a string, or parts of known types; an unknown one is a 400, never dropped."""
    if isinstance(content := message.get("content"), str):
        return [Text(content)]
    if content is None:
        raise missing(at(path, "content"))
    return [_part(part, here) for here, part in _content_list(message, path)]


def result_parts(message: JsonObject, path: str) -> list[Text | Image | Document]:
    """Content of a tool message. Pictures and files are not in the API, but some clients send them."""
    if isinstance(content := message.get("content"), str):
        return [Text(content)] if content else []
    found = []
    for here, part in _content_list(message, path):
        read = _part(part, here)
        if not isinstance(read, Text | Image | Document):
            raise malformed(at(here, "type"), "`text`, `image_url` or `file` in a tool message")
        found.append(read)
    return found


def text_parts(message: JsonObject, path: str) -> list[Text]:
    """Content of a system or developer message: a string, or text parts only."""
    if isinstance(content := message.get("content"), str):
        return [Text(content)]
    if content is None:
        raise missing(at(path, "content"))
    found = []
    for here, part in _content_list(message, path):
        if part.get("type") != "text":
            raise malformed(at(here, "type"), "`text` in a system message")
        found.append(_text(part, here))
    return found


def assistant_parts(message: JsonObject, path: str, drop: Callable[[str, str], None]) -> list[Part]:
    """Content of an assistant message: a string, parts or null. Unknown items of the history are dropped and named."""
    if isinstance(content := message.get("content"), str):
        return [Text(content)] if content else []
    found: list[Part] = []
    for here, part in _content_list(message, path):
        match part.get("type"):
            case "text":
                found.append(_text(part, here))
            case "refusal":
                found.append(Refusal(string(part, "refusal", here) or ""))
            case "thinking":
                found.append(Thinking(thinking_text(part)))
            case "image_url":
                found.append(_image(part, here))
            case kind:
                drop(
                    f"messages.content.{kind}" if isinstance(kind, str) else "messages.content", "unknown history item"
                )
    return found


def thinking_text(part: JsonObject) -> str:
    """Text of a `thinking` part, a string or (Mistral) a list of text parts; also in answers."""
    content = part.get("thinking")
    if isinstance(content, str):
        return content
    text = ""
    for piece in content if isinstance(content, list) else []:
        match piece:
            case {"text": str(said)}:
                text += said
    return text


def read_images(message: JsonObject, path: str) -> list[Part]:
    """`message.images`: pictures that an earlier answer brought."""
    return [_image(image, here) for here, image in objects(message, "images", path)]


def _content_list(message: JsonObject, path: str) -> list[tuple[str, JsonObject]]:
    if not isinstance(message.get("content"), list | None):
        raise malformed(at(path, "content"), "a string or a list of parts")
    return objects(message, "content", path)


def _part(part: JsonObject, path: str) -> Part:
    kind = required_string(part, "type", path)
    if read := _PARTS.get(kind):
        made = read(part, path)
        put_place(made, path)
        return made
    known = ", ".join(_PARTS)
    message = f"`{at(path, 'type')}` is `{kind}`, known are {known}"
    raise ConversionError(message, param=path, code="unsupported_content")


def _text(part: JsonObject, path: str) -> Text:
    text = string(part, "text", path)
    if text is None:
        raise missing(at(path, "text"))
    return Text(text, read_cache(part, path))


def _image(part: JsonObject, path: str) -> Image:
    url, detail = _url(part, "image_url", path)
    return Image(_source(url, at(path, "image_url.url")), detail, read_cache(part, path))


def _video(part: JsonObject, path: str) -> Video:
    url, _ = _url(part, "video_url", path)
    return Video(_source(url, at(path, "video_url.url")))


def _url(part: JsonObject, key: str, path: str) -> tuple[str, str | None]:
    """URL and detail of `{key: {url, detail}}`; a bare string in place of the object is seen in the wild."""
    if isinstance(part.get(key), str):
        return required_string(part, key, path), None
    here = at(path, key)
    held = required_obj(part, key, path)
    return required_string(held, "url", here), string(held, "detail", here)


def _source(url: str, path: str) -> Source:
    return read_data_url(url, path) if is_data_url(url) else Url(url)


def _audio(part: JsonObject, path: str) -> Audio:
    here = at(path, "input_audio")
    audio = required_obj(part, "input_audio", path)
    format_ = required_string(audio, "format", here)
    return Audio(Base64(f"audio/{format_}", required_string(audio, "data", here)), format_)


def _file(part: JsonObject, path: str) -> Document:
    """By id, or inline with or without the `data:` prefix; inline text becomes a text document, which every provider takes."""
    here = at(path, "file")
    file = required_obj(part, "file", path)
    name, cache = string(file, "filename", here), read_cache(part, path)
    if id_ := string(file, "file_id", here):
        return Document(FileId(id_, "chat"), name, cache=cache)
    content = required_string(file, "file_data", here)
    if content.startswith(("http://", "https://")):
        return Document(Url(content), name, cache=cache)
    if not is_data_url(content):
        return Document(Base64("application/pdf", content), name, cache=cache)
    src = read_data_url(content, at(here, "file_data"))
    if src.mime.startswith("text/"):
        return Document(PlainText(read_text(src, at(here, "file_data"))), name, cache=cache)
    return Document(src, name, cache=cache)


_PARTS: dict[str, Callable[[JsonObject, str], Part]] = {
    "text": _text,
    "image_url": _image,
    "input_audio": _audio,
    "file": _file,
    "video_url": _video,
}
