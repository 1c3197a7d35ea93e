"""Content parts of a client's items -> hub parts (conversion table 3)."""

from collections.abc import Callable
from typing import cast

from converters.data_url import is_data_url, read_data_url, read_text
from converters.errors import ConversionError
from converters.fields import at, malformed, missing, obj, objects, required_obj, required_string, string
from converters.json_codec import JsonObject
from converters.loss import Loss
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
    Url,
)

_TEXTS = frozenset(("input_text", "output_text", "text", "summary_text", "reasoning_text"))


def read_cache(source: JsonObject, path: str) -> Cache | None:
    """`cache_control`, a widely used extension on parts."""
    mark = obj(source, "cache_control", path)
    return None if mark is None else Cache(string(mark, "ttl", at(path, "cache_control")))


def user_parts(holder: JsonObject, key: str, path: str) -> list[Part]:
    """A string, or parts of known types; an unknown one is a 400, never dropped."""
    return _parts(holder, key, path, _PARTS)


def result_parts(item: JsonObject, path: str) -> list[Text | Image | Document]:
    """What a tool answered: a string, or parts; null is an empty answer."""
    if item.get("output") is None:
        return []
    parts = _parts(item, "output", path, _IN_RESULTS)
    return cast(list[Text | Image | Document], [part for part in parts if part != Text("")])


def text_parts(item: JsonObject, path: str) -> list[Text]:
    """Content of a system or developer message: a string, or texts only."""
    return cast(list[Text], _parts(item, "content", path, _SYSTEM))


def assistant_parts(item: JsonObject, path: str, loss: Loss) -> list[Part]:
    """Content of an earlier answer. Unknown parts of the history are dropped and named."""
    content = item.get("content")
    if content is None or isinstance(content, str):
        return [Text(content)] if content else []
    found: list[Part] = []
    for here, part in _list(item, "content", path):
        kind = string(part, "type", here)
        if kind in _TEXTS:
            found.append(_text(part, here))
        elif kind == "refusal":
            found.append(Refusal(string(part, "refusal", here) or ""))
        else:
            loss.drop(f"input.content.{kind}" if kind else "input.content", "unknown history item")
    return found


def joined_texts(item: JsonObject, key: str, path: str) -> str:
    """The texts of a list of parts (a reasoning item's summary or content), a blank line between them."""
    texts = (string(part, "text", here) for here, part in objects(item, key, path))
    return "\n\n".join(text for text in texts if text)


def _parts(holder: JsonObject, key: str, path: str, known: "_Readers") -> list[Part]:
    content = holder.get(key)
    if isinstance(content, str):
        return [Text(content)]
    if content is None:
        raise missing(at(path, key))
    found = []
    for here, part in _list(holder, key, path):
        kind = required_string(part, "type", here)
        if (read := known.get(kind)) is None:
            message = f"`{at(here, 'type')}` is `{kind}`, known here are {', '.join(known)}"
            raise ConversionError(message, param=here, code="unsupported_content")
        made = read(part, here)
        put_place(made, here)
        found.append(made)
    return found


def _list(holder: JsonObject, key: str, path: str) -> list[tuple[str, JsonObject]]:
    if not isinstance(holder.get(key), list):
        raise malformed(at(path, key), "a string or a list of parts")
    return objects(holder, key, path)


def _text(part: JsonObject, path: str) -> Text:
    text = string(part, "text", path)
    if text is None:
        raise missing(at(path, "text"))
    return Text(text, read_cache(part, path))


def _image(part: JsonObject, path: str) -> Image:
    detail, cache = string(part, "detail", path), read_cache(part, path)
    if id_ := string(part, "file_id", path):
        return Image(FileId(id_, "responses"), detail, cache)
    here = at(path, "image_url")
    if isinstance(held := part.get("image_url"), dict):  # as Chat has it: seen in the wild
        return Image(_source(required_string(held, "url", here), here), detail or string(held, "detail", here), cache)
    return Image(_source(required_string(part, "image_url", path), here), detail, cache)


def _source(url: str, path: str) -> Source:
    return read_data_url(url, path) if is_data_url(url) else Url(url)


def _file(part: JsonObject, path: str) -> Document:
    """By id, by URL, or inline with or without the `data:` prefix; inline text becomes a text document, which every
    provider takes."""
    name, cache = string(part, "filename", path), read_cache(part, path)
    if id_ := string(part, "file_id", path):
        return Document(FileId(id_, "responses"), name, cache=cache)
    if url := string(part, "file_url", path):
        return Document(_source(url, at(path, "file_url")), name, cache=cache)
    here = at(path, "file_data")
    content = required_string(part, "file_data", path)
    if not is_data_url(content):
        return Document(Base64("application/pdf", content), name, cache=cache)
    src = read_data_url(content, here)
    if src.mime.startswith("text/"):
        return Document(PlainText(read_text(src, here)), name, cache=cache)
    return Document(src, name, cache=cache)


def _audio(part: JsonObject, path: str) -> Audio:
    here = at(path, "input_audio")
    audio = required_obj(part, "input_audio", path)
    format_ = required_string(audio, "format", here)
    return Audio(Base64(f"audio/{format_}", required_string(audio, "data", here)), format_)


type _Readers = dict[str, Callable[[JsonObject, str], Part]]

_SYSTEM: _Readers = {"input_text": _text, "text": _text, "output_text": _text}
_IN_RESULTS: _Readers = {**_SYSTEM, "input_image": _image, "input_file": _file}
_PARTS: _Readers = {**_IN_RESULTS, "input_audio": _audio}
