"""The nested fields of a Responses request that its parser reads; all others are named as lost."""

from converters.unread import Kinds, Known

_CACHE = Known("type ttl")
_TEXT = Known("type text", cache_control=_CACHE)
_CONTENT = Kinds(
    "type",
    {
        **dict.fromkeys(("input_text", "output_text", "text", "summary_text", "reasoning_text"), _TEXT),
        "input_image": Known("type file_id detail", cache_control=_CACHE, image_url=Known("url detail")),
        "input_file": Known("type file_id filename file_data file_url", cache_control=_CACHE, drop="detail"),
        "input_audio": Known("type", input_audio=Known("data format")),
        "refusal": Known("type refusal"),
    },
)
_THOUGHT = Known("type text")
_FUNCTION = Known("name description parameters strict", cache_control=_CACHE)
_ONLY_HERE = "output_schema async"  # what the model would be told of a tool, and is not
_TOOL = Kinds(
    "type",
    {
        "function": Known(
            "type name description parameters strict", function=_FUNCTION, cache_control=_CACHE, drop=_ONLY_HERE
        ),
        "custom": Known(
            "type name description", format=Known("type syntax definition"), cache_control=_CACHE, drop=_ONLY_HERE
        ),
    },
    missing="function",
)
_TOOLS = Kinds(
    "type",
    {"function": _TOOL, "custom": _TOOL, "namespace": Known("type name description", tools=_TOOL)},
    missing="function",
)
_RESULT = Known("type call_id", output=_CONTENT)
_MESSAGE = Known("type role", content=_CONTENT)
_NAMED = Known("name")
_CHOICE = Known("type name namespace mode", function=_NAMED, tools=Known("type name namespace", function=_NAMED))

KNOWN: dict[str, Known | Kinds] = {
    "input": Kinds(
        "type",
        {
            "message": _MESSAGE,
            "reasoning": Known("type id encrypted_content", summary=_THOUGHT, content=_THOUGHT),
            "function_call": Known("type call_id name namespace arguments", drop="async"),
            "custom_tool_call": Known("type call_id name namespace input", drop="async"),
            "function_call_output": _RESULT,
            "custom_tool_call_output": _RESULT,
            "image_generation_call": Known("type result output_format"),
            "additional_tools": Known("type role", tools=_TOOLS),
        },
        missing="message",
    ),
    "tools": _TOOLS,
    "tool_choice": _CHOICE,
    "reasoning": Known("effort summary generate_summary mode context"),
    "text": Known("verbosity", format=Known("type name schema strict description")),
}
