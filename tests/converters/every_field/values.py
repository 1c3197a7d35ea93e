"""Telling values: two of each kind that no converter would come up with by itself."""

import base64

from converters.json_codec import Json, JsonObject
from tests.converters.every_field.shapes import Leaf

_TEXTS = ("zq17", "zq18")


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _schema(name: str) -> JsonObject:
    return {
        "type": "object",
        "properties": {name: {"type": "string"}},
        "required": [name],
        "additionalProperties": False,
    }


def _named(name: str) -> JsonObject:
    return {"type": "function", "function": {"name": name}}


_DATA = tuple(map(_base64, _TEXTS))
_SCHEMAS = tuple(map(_schema, _TEXTS))
_PICTURES = tuple(f"data:image/png;base64,{data}" for data in _DATA)
_FILES = tuple(f"data:application/pdf;base64,{data}" for data in _DATA)
_URLS = ("https://example.com/zq17", "https://example.com/zq18")
_ARGUMENTS = ('{"zq":17}', '{"zq":18}')

_KINDS: dict[str, tuple[Json, ...]] = {
    "text": _TEXTS,
    "int": (17, 19),
    "float": (0.25, 0.75),
    "bool": (True, False),
    "bytes": _DATA,
    "json": ({"zq17": "x"}, {"zq18": "x"}),
    "empty": ({},),
}
# By `Owner.key` or by `key`; only what must have a form.
_KEYS: dict[str, tuple[Json, ...]] = {
    "arguments": _ARGUMENTS,
    "data": _DATA,
    "file_data": _FILES,
    "file_url": _URLS,
    "fileUri": _URLS,
    "image_url": _PICTURES,
    "url": _URLS,
    "ImageURL.url": _PICTURES,
    "InputAudio.data": _DATA,
    "BetaPlainTextSourceParam.data": _TEXTS,
    "PlainTextSourceParam.data": _TEXTS,
    "BetaRedactedThinkingBlockParam.data": _TEXTS,
    "RedactedThinkingBlockParam.data": _TEXTS,
    "mimeType": ("image/png", "image/webp"),
    "FileData.mimeType": ("image/png", "application/pdf"),
    "FunctionResponseFileData.mimeType": ("image/png", "application/pdf"),
    "parameters": _SCHEMAS,
    "schema": _SCHEMAS,
    "input_schema": _SCHEMAS,
    "parametersJsonSchema": _SCHEMAS,
    "responseJsonSchema": _SCHEMAS,
    "responseMimeType": ("application/json", "text/plain"),
    "responseModalities": ("TEXT", "IMAGE", "AUDIO"),
    "max_tokens": (4097, 4099),
    "budget_tokens": (2049, 9001),
    "thinkingBudget": (4097, 17000),
    "thinking_budget": (4097, 17000),
    "Reasoning.max_tokens": (4097, 17000),
    "Content.role": ("user", "model"),
    "topK": (17, 19),
    "n": (2, 3),
    "candidateCount": (2, 3),
    "top_logprobs": (3, 5),
    "required": _TEXTS,
    "properties": ({"zq17": {"type": "string"}}, {"zq18": {"type": "string"}}),
    "pattern": ("zq17+", "zq18+"),
    "ref": ("#/defs/zq17", "#/defs/zq18"),
    "ChatCompletionAllowedToolsParam.tools": (_named("zq17"), _named("zq18")),
    "ToolChoiceAllowedParam.tools": ({"type": "function", "name": "zq17"}, {"type": "function", "name": "zq18"}),
}


def values(owner: str, key: str, leaf: Leaf) -> tuple[Json, ...]:
    """Those of a type that counts its values are all of them."""
    if leaf.values:
        return leaf.values
    if leaf.kind != "bool":
        return _KEYS.get(f"{owner}.{key}") or _KEYS.get(key) or _KINDS[leaf.kind]
    return _KINDS[leaf.kind]
