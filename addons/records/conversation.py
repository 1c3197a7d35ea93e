"""The conversation of a record: the hub's request and answer as plain JSON, the same shape for every protocol.

    {"system":   [part, ...],                                text parts; [] if there is none
     "tools":    [tool, ...],                                [] if there are none
     "messages": [{"role": "user"|"assistant"|"system", "parts": [part, ...], "name"?: str}, ...],
     "answer":   {"role": "assistant", "parts": [part, ...], "citations"?: [{"url", "title"?}, ...]} | null}

part, by `type`:
    text         {"text": str}
    thinking     {"text": str, "signature"?: true}           the provider signed it; the signature itself stands in the bodies
    tool_call    {"id", "name", "arguments": {..}}           or "arguments_text": str where they are not a JSON object
                 "custom"?: true                             a tool that takes free text
    tool_result  {"id", "name"?, "content": [part, ...], "error": bool}     stands in a message of role user
    image, document, audio, video
                 {"media_type", "sha256", "bytes"}           sent inline; "data" (base64) besides where media are recorded
                 {"url"} or {"file_id"}                      sent by reference
                 {"media_type": "text/plain", "text"}        a text document
                 "name"?, "title"?, "context"?, "detail"?    as the client gave them
    refusal      {"text": str}                               the model declined, in a field of its own
    hosted       {"kind": str, "text": str}                  a step that the provider ran itself (web search ...)
tool: {"name", "description"?, "parameters"?: schema, "strict"?, "kind"?: "custom"|"hosted"|"builtin", "type"?, "grammar"?, "native"?}
    kind is absent for a function; type and native: the vendor's own, of a tool that only one vendor has.
On disk `system` and `tools` are `{"ref": "sha256:..."}` into the object store; a reader puts the lists back.
"""

import binascii
import hashlib
from collections.abc import Iterable, Mapping

from converters.events import Answer, AnswerCall, AnswerImage, AnswerPart, AnswerRefusal, AnswerText, AnswerThinking
from converters.json_codec import Json, JsonObject, loads
from converters.turns import (
    Audio,
    Base64,
    Chat,
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
    Tool,
    ToolCall,
    ToolResult,
    Turn,
    Url,
    Video,
)


def conversation(chat: Chat, answer: Answer | None, *, media: bool = False) -> JsonObject:
    """media: inline pictures and files keep their content; else it is given by hash and size."""
    return {
        "system": system_of(chat),
        "tools": tools_of(chat),
        "messages": _messages(chat.turns, media),
        "answer": None if answer is None else answer_of(answer, media=media),
    }


def system_of(chat: Chat) -> list[Json]:
    return [{"type": "text", "text": part.text} for part in chat.system]


def tools_of(chat: Chat) -> list[Json]:
    return [_tool(tool) for tool in chat.tools]


def _messages(turns: Iterable[Turn], media: bool) -> list[Json]:
    names: dict[str, str] = {}
    messages: list[Json] = []
    for turn in turns:
        names |= {part.id: part.name for part in turn.parts if isinstance(part, ToolCall)}
        messages.append(message(turn, names, media=media))
    return messages


def message(turn: Turn, names: Mapping[str, str], *, media: bool = False) -> JsonObject:
    """names: of calls by their ids, up to this turn: a result is named after its call where the protocol has no name for it."""
    written: JsonObject = {"role": turn.role, "parts": [_part(part, media, names) for part in turn.parts]}
    return written | {"name": turn.name} if turn.name else written


def answer_of(answer: Answer, *, media: bool = False) -> JsonObject:
    written: JsonObject = {"role": "assistant", "parts": [_answer_part(part, media) for part in answer.parts]}
    if answer.citations:
        written["citations"] = [_some({"url": cited.url, "title": cited.title}) for cited in answer.citations]
    return written


def _part(part: Part, media: bool, names: Mapping[str, str]) -> JsonObject:
    match part:
        case Text():
            return {"type": "text", "text": part.text}
        case Thinking():
            return _thinking(part.text, signed=part.token is not None)
        case ToolCall():
            return _call(part.id, part.name, part.args, part.args_text, custom=part.kind == "custom")
        case ToolResult():
            content: list[Json] = [_part(piece, media, names) for piece in part.parts]
            return _some(
                {
                    "type": "tool_result",
                    "id": part.call_id,
                    "name": part.name or names.get(part.call_id),
                    "content": content,
                    "error": part.is_error,
                }
            )
        case Image():
            return _some({"type": "image", **_source(part.src, media), "detail": part.detail})
        case Document():
            named: JsonObject = {"name": part.name, "title": part.title, "context": part.context}
            return _some({"type": "document", **_source(part.src, media), **named})
        case Audio():
            return {"type": "audio", **_source(part.src, media)}
        case Video():
            return {"type": "video", **_source(part.src, media)}
        case Refusal():
            return {"type": "refusal", "text": part.text}
        case Hosted():
            return {"type": "hosted", "kind": part.kind, "text": part.text}


def _answer_part(part: AnswerPart, media: bool) -> JsonObject:
    match part:
        case AnswerText():
            return {"type": "text", "text": part.text}
        case AnswerThinking():
            return _thinking(part.text, signed=part.token is not None)
        case AnswerCall():
            return _call(part.id, part.name, None, part.args_text, custom=part.kind == "custom")
        case AnswerRefusal():
            return {"type": "refusal", "text": part.text}
        case AnswerImage():
            return {"type": "image", **_source(part.image, media)}


def _thinking(text: str, *, signed: bool) -> JsonObject:
    part: JsonObject = {"type": "thinking", "text": text}
    return part | {"signature": True} if signed else part


def _call(id_: str, name: str, args: JsonObject | None, text: str | None, *, custom: bool) -> JsonObject:
    part: JsonObject = {"type": "tool_call", "id": id_, "name": name}
    if args is None and not custom:
        args = _object(text or "")
    if args is not None:
        part["arguments"] = args
    else:
        part["arguments_text"] = text or ""
    return part | {"custom": True} if custom else part


def _object(text: str) -> JsonObject | None:
    """No arguments at all are written as nothing, `{}` or spaces."""
    if not text.strip():
        return {}
    try:
        found = loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _source(src: Source | PlainText, media: bool) -> JsonObject:
    match src:
        case Url():
            return {"url": src.url}
        case FileId():
            return {"file_id": src.id}
        case PlainText():
            return {"media_type": "text/plain", "text": src.text}
        case Base64():
            return _inline(src, media)


def _inline(src: Base64, media: bool) -> JsonObject:
    try:
        content = binascii.a2b_base64(src.data)
    except (binascii.Error, ValueError):
        content = b""
    content = content or src.data.encode(errors="replace")  # not base64: named by what it is
    named: JsonObject = {
        "media_type": src.mime,
        "sha256": hashlib.sha256(content).hexdigest(),
        "bytes": len(content),
    }
    return named | {"data": src.data} if media else named


def _tool(tool: Tool) -> Json:
    return _some(
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.schema,
            "strict": tool.strict,
            "kind": None if tool.kind == "function" else tool.kind,
            "type": tool.kind_name,
            "grammar": tool.grammar,
            "native": None if tool.native is None else tool.native[1],
        }
    )


def _some(fields: JsonObject) -> JsonObject:
    return {name: value for name, value in fields.items() if value is not None}


def parts_of(messages: Iterable[JsonObject]) -> Iterable[JsonObject]:
    """Every part of some messages in order, those inside tool results behind the result they stand in."""
    for message in messages:
        yield from _deep(message["parts"])


def _deep(parts: Json) -> Iterable[JsonObject]:
    for part in parts if isinstance(parts, list) else ():
        if isinstance(part, dict):
            yield part
            yield from _deep(part.get("content"))
