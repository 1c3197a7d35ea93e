"""Parts of a generateContent request -> the hub's parts (conversion tables 3, 6 and 7.4)."""

import base64
import re
from collections.abc import Callable
from urllib.parse import urlsplit

from converters.errors import ConversionError
from converters.fields import at, malformed, obj, objects, required_string, string
from converters.gemini.mcp_result import read_mcp_result
from converters.gemini.names import camel
from converters.gemini.tokens import read_signature, standard_base64
from converters.json_codec import Json, JsonObject, dumps_text
from converters.loss import Loss
from converters.places import put_place
from converters.turns import (
    Audio,
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
    ToolCall,
    ToolResult,
    Url,
    Video,
)

_SIDE = frozenset(  # what stands beside a part's content
    "thought thoughtSignature partMetadata mediaResolution mediaProcessing videoMetadata audioMetadata speechMetadata"
    " documentMetadata spreadsheetMetadata audioTranscription".split()
)
_OWN_FILE = re.compile(r"gs://|https://generativelanguage\.googleapis\.com/|files/")
_YOUTUBE = frozenset("youtube.com www.youtube.com m.youtube.com youtu.be".split())
_AUDIO = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}
_RESULT_KEYS = ("output", "result", "content", "error")


def parse_part(part: JsonObject, role: Role, path: str, id_: str, loss: Loss) -> list[Part]:
    """The parts that one amounts to. part: keys in camelCase. id_: of a call or result, known from the whole history.

    Raises ConversionError for a part that has no place in a message of the user; an unknown one of the model's is history
    that the provider made, and is kept as such.
    """
    kind = next((name for name, value in part.items() if value is not None and name not in _SIDE), None)
    if role == "assistant":
        return _of_model(part, kind, path, id_, loss)
    if kind is not None and (parse := _OF_USER.get(kind)) is not None:
        made = parse(part, path, id_, loss)
        put_place(made, path)
        return [made]
    raise malformed(path, f"a part that a message of the user may have; `{kind}` is none")


def _of_model(part: JsonObject, kind: str | None, path: str, id_: str, loss: Loss) -> list[Part]:
    """A signature on a text, which the hub has no place for, is a thinking part before it, as in an answer."""
    signature = string(part, "thoughtSignature", path)
    if kind == "functionCall":
        call = _call(part, path, id_)
        call.token = read_signature(signature, "call") if signature else None
        return [call]
    if kind is None or kind == "text":
        text = string(part, "text", path) or ""
        if part.get("thought") is True:
            return [Thinking(text, read_signature(signature, "thought") if signature else None)]
        signed: list[Part] = [Thinking("", read_signature(signature, "text"))] if signature else []
        return [*signed, Text(text)] if text else signed
    if kind in ("inlineData", "fileData"):
        return [_OF_USER[kind](part, path, id_, loss)]
    if kind == "functionResponse":
        raise malformed(path, "a part that a message of the model may have; `functionResponse` is none")
    return [Hosted(kind, fenced(part), ("gemini", part))]


def fenced(part: JsonObject) -> str:
    """Code that the provider ran, and what it printed, as text; "" for any other part."""
    match part:
        case {"executableCode": {"code": str(code), **rest}}:
            language = rest.get("language")
            return f"```{language.lower() if isinstance(language, str) else ''}\n{code.rstrip()}\n```\n"
        case {"codeExecutionResult": {"output": str(output)}}:
            return f"```\n{output.rstrip()}\n```\n"
    return ""


# --- of the user ---


def _text(part: JsonObject, path: str, id_: str, loss: Loss) -> Part:
    return Text(string(part, "text", path) or "")


def _inline(part: JsonObject, path: str, id_: str, loss: Loss) -> Image | Document | Audio | Video:
    where = at(path, "inlineData")
    blob = camel(obj(part, "inlineData", path) or {})
    mime = required_string(blob, "mimeType", where).lower()
    src = Base64(mime, standard_base64(required_string(blob, "data", where)))
    family, _, kind = mime.partition(";")[0].partition("/")
    name = string(blob, "displayName", where)
    if family == "audio":
        _note_name(name, loss)
        format_ = _AUDIO.get(kind, kind)
        return Audio(Base64(f"audio/{format_}", src.data), format_)
    if family == "text":
        return Document(_plain(src, at(where, "data")), name, native=("gemini", part))
    return _media(src, family, name, part, loss)


def _plain(src: Base64, path: str) -> PlainText:
    try:
        return PlainText(base64.b64decode(src.data, validate=True).decode())
    except ValueError as error:
        raise malformed(path, "base64 of UTF-8 text") from error


def _file(part: JsonObject, path: str, id_: str, loss: Loss) -> Image | Document | Video:
    where = at(path, "fileData")
    file = camel(obj(part, "fileData", path) or {})
    uri = required_string(file, "fileUri", where)
    family = (string(file, "mimeType", where) or "").lower().partition("/")[0]
    src: Source = FileId(uri, "gemini") if _OWN_FILE.match(uri) else Url(uri)
    if family == "audio":
        raise ConversionError(
            f"`{where}`: audio is taken inline only, not by URI", param=where, code="unsupported_content"
        )
    if not family and _host(uri) in _YOUTUBE:
        family = "video"
    return _media(src, family, string(file, "displayName", where), part, loss)


def _host(uri: str) -> str | None:
    try:
        return urlsplit(uri).hostname
    except ValueError:
        return None


def _media(src: Source, family: str, name: str | None, part: JsonObject, loss: Loss) -> Image | Document | Video:
    if family not in ("image", "video"):
        return Document(src, name, native=("gemini", part))
    _note_name(name, loss)
    return Image(src) if family == "image" else Video(src)


def _note_name(name: str | None, loss: Loss) -> None:
    if name is not None:
        loss.note("contents.parts.displayName", "only documents have names elsewhere")


# --- calls and results ---


def _call(part: JsonObject, path: str, id_: str) -> ToolCall:
    where = at(path, "functionCall")
    call = obj(part, "functionCall", path) or {}
    return ToolCall(id_, required_string(call, "name", where), args=obj(call, "args", where) or {})


def _result(part: JsonObject, path: str, id_: str, loss: Loss) -> Part:
    where = at(path, "functionResponse")
    result = camel(obj(part, "functionResponse", path) or {})
    name = required_string(result, "name", where)
    parts: list[Text | Image | Document] = []
    if (read := read_mcp_result(result.get("response"))) is not None:
        parts += read[0]
        is_error = read[1]
    else:
        text, is_error = _output(result.get("response"), name)
        parts.append(Text(text))
    for here, raw in objects(result, "parts", where):
        media = camel(raw)
        made = _inline(media, here, "", loss) if "inlineData" in media else _file(media, here, "", loss)
        if not isinstance(made, Image | Document):
            raise malformed(here, "an image or a document")
        put_place(made, here)
        parts.append(made)
    return ToolResult(id_, parts, name, is_error)


def _output(response: Json, name: str) -> tuple[str, bool]:
    """6.3: the text of a result that is nothing but one; else its JSON. True: it is an error. Some libraries (AI SDK) write
    the function's own name beside it."""
    if isinstance(response, str) or response is None:
        return response or "", False
    said = (
        {key: value for key, value in response.items() if (key, value) != ("name", name)}
        if isinstance(response, dict)
        else {}
    )
    if len(said) == 1:
        ((key, value),) = said.items()
        if key in _RESULT_KEYS and isinstance(value, str):
            return value, key == "error"
    return dumps_text(response), False


_OF_USER: dict[str, Callable[[JsonObject, str, str, Loss], Part]] = {
    "text": _text,
    "inlineData": _inline,
    "fileData": _file,
    "functionResponse": _result,
}
