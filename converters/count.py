"""Token estimate for providers that cannot count (conversion rules 16)."""

import math
import re
from collections.abc import Iterator

from converters.json_codec import dumps_text
from converters.turns import (
    Audio,
    Chat,
    Document,
    Hosted,
    Image,
    Part,
    PlainText,
    Refusal,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Video,
)

_CJK = re.compile(
    "[\u1100-\u11ff\u2e80-\u9fff\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]+"
)
_BYTES_PER_TOKEN = 4
_CJK_PER_TOKEN = 1.5
_PER_MESSAGE = 4
_PER_FILE = 1500  # a picture of ordinary size; base64 length says nothing about tokens


def estimate_tokens(chat: Chat) -> int:
    """Tokens the request is likely to cost: UTF-8 bytes / 4, CJK characters / 1.5, 4 per message, tools as their JSON."""
    total = float(_PER_MESSAGE * (len(chat.turns) + len(chat.system)))
    total += sum(text_tokens(system.text) for system in chat.system)
    total += sum(_part_tokens(part) for turn in chat.turns for part in turn.parts)
    for tool in chat.tools:
        total += text_tokens(
            dumps_text(tool.native[1] if tool.native else [tool.name, tool.description, tool.schema, tool.grammar])
        )
    return math.ceil(total)


def _part_tokens(part: Part) -> float:
    if isinstance(part, ToolResult):
        return sum(_part_tokens(inner) for inner in part.parts)
    if isinstance(part, Image | Audio | Video) or (isinstance(part, Document) and not isinstance(part.src, PlainText)):
        return _PER_FILE
    return sum(text_tokens(text) for text in _texts(part))


def _texts(part: Part) -> Iterator[str]:
    match part:
        case Text(text) | Thinking(text) | Refusal(text) | Hosted(_, text) | Document(PlainText(text)):
            yield text
        case ToolCall():
            yield part.name
            yield dumps_text(part.args) if part.args_text is None else part.args_text


def text_tokens(text: str) -> float:
    """Tokens of one text: UTF-8 bytes / 4, CJK characters / 1.5."""
    if text.isascii():
        return len(text) / _BYTES_PER_TOKEN
    cjk = "".join(_CJK.findall(text))
    latin = len(text.encode()) - len(cjk.encode())
    return latin / _BYTES_PER_TOKEN + len(cjk) / _CJK_PER_TOKEN
