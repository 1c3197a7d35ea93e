"""The nested fields of a Messages request that its parser reads; all others are named as lost."""

from converters.unread import Kinds, Known

_CACHE = Known("type ttl")
_TEXT = Known("type text", cache_control=_CACHE)
_PLAIN = Known("type text")
_UNDER = Kinds("type", {"text": _PLAIN, "image": Known("type", drop="source")})  # of what becomes words
_SOURCE = Kinds(
    "type",
    {
        "base64": Known("type media_type data"),
        "text": Known("type media_type data"),
        "url": Known("type url"),
        "file": Known("type file_id"),
        "content": Known("type", content=_UNDER),
    },
)
_ONE_BLOCK: dict[str, Known | Kinds] = {
    "text": _TEXT,
    "image": Known("type", source=_SOURCE, cache_control=_CACHE, drop="transformations"),
    "document": Known("type title context", source=_SOURCE, cache_control=_CACHE, citations=Known("enabled")),
    "search_result": Known("type title source", content=_UNDER, cache_control=_CACHE, drop="citations"),
    "tool_reference": Known("type tool_name", cache_control=_CACHE),
    "tool_use": Known("type id name input", cache_control=_CACHE),
    "thinking": Known("type thinking signature"),
    "redacted_thinking": Known("type data"),
}
_BLOCK = Kinds(
    "type",
    {
        **_ONE_BLOCK,
        "tool_result": Known("type tool_use_id is_error", content=Kinds("type", _ONE_BLOCK), cache_control=_CACHE),
        "mid_conv_system": Known("type", content=_TEXT),
    },
)
_TOOL = Known("type name description input_schema strict", cache_control=_CACHE, drop="input_examples")

KNOWN: dict[str, Known | Kinds] = {
    "system": _TEXT,
    "messages": Known("role", content=_BLOCK, drop="output_config clear_at"),
    "tools": Kinds("type", {"custom": _TOOL}, missing="custom"),
    "tool_choice": Known("type name disable_parallel_tool_use"),
    "thinking": Known("type budget_tokens display", drop="block_binding"),
    "output_config": Known(None, format=Known("type schema")),
    "output_format": Known("type schema"),
}
