"""The nested fields of a Chat Completions request that its parser reads; all others are named as lost."""

from converters.unread import Kinds, Known

_CACHE = Known("type ttl")
_TEXT = Known("type text", cache_control=_CACHE)
_IMAGE = Known("type", cache_control=_CACHE, image_url=Known("url detail"))
_CONTENT = Kinds(
    "type",
    {
        "text": _TEXT,
        "image_url": _IMAGE,
        "input_audio": Known("type", input_audio=Known("data format")),
        "file": Known("type", cache_control=_CACHE, file=Known("filename file_id file_data")),
        "video_url": Known("type", video_url=Known("url"), drop="cache_control"),
        "thinking": Known("type thinking"),
        "refusal": Known("type refusal"),
    },
)
_CALL = Known(
    "id type extra_content",
    cache_control=_CACHE,
    function=Known("name arguments thought_signature"),
    custom=Known("name input"),
)
_SAID = Known("role name", content=_CONTENT, cache_control=_CACHE)
_ANSWER = Known(
    "role name refusal audio reasoning_content reasoning reasoning_details thinking_blocks extra_content",
    content=_CONTENT,
    cache_control=_CACHE,
    images=_IMAGE,
    tool_calls=_CALL,
    function_call=Known("name arguments"),
)
_RESULT = Known("role name tool_call_id", content=_CONTENT, cache_control=_CACHE)
_FUNCTION = Known("name description parameters strict", cache_control=_CACHE, drop="response output_schema")
_GRAMMAR = Known("syntax definition")
_NAMED = Known("name")

KNOWN: dict[str, Known | Kinds] = {
    "messages": Kinds(
        "role",
        {
            "system": _SAID,
            "developer": _SAID,
            "user": _SAID,
            "assistant": _ANSWER,
            "tool": _RESULT,
            "function": _SAID,
        },
    ),
    "tools": Kinds(
        "type",
        {
            "function": Known("type", function=_FUNCTION, cache_control=_CACHE),
            "custom": Known(
                "type",
                cache_control=_CACHE,
                custom=Known("name description", format=Known("type", grammar=_GRAMMAR)),
            ),
        },
        missing="function",
    ),
    "functions": _FUNCTION,
    "tool_choice": Known(
        "type name",
        function=_NAMED,
        custom=_NAMED,
        allowed_tools=Known("mode", tools=Known("type name", function=_NAMED, custom=_NAMED)),
    ),
    "function_call": _NAMED,
    "response_format": Known("type", json_schema=Known("name schema strict description")),
    "reasoning": Known("effort max_tokens enabled exclude", drop="summary"),
}
