"""Tools and tool choice of a client's request -> hub (conversion tables 4.1, 4.3 and 5)."""

from converters.errors import ConversionError
from converters.fields import at, boolean, malformed, obj, objects, required_obj, required_string, string
from converters.json_codec import JsonObject
from converters.openai_chat.parse_parts import read_cache
from converters.turns import Tool, ToolChoice

_MODES = {"auto": "auto", "none": "none", "required": "required", "any": "required"}  # `any`: Mistral's word


def parse_tools(body: JsonObject) -> list[Tool]:
    """`tools`, or the legacy `functions`."""
    tools = [_tool(tool, path) for path, tool in objects(body, "tools")]
    return tools + [_function(function, path) for path, function in objects(body, "functions")]


def _tool(tool: JsonObject, path: str) -> Tool:
    kind = string(tool, "type", path) or "function"
    if kind == "custom":
        return _custom(tool, path)
    if kind == "function":
        read = _function(required_obj(tool, "function", path), at(path, "function"))
        read.cache = read_cache(tool, path) or read.cache
        return read
    return Tool(string(tool, "name", path) or kind, kind="hosted", kind_name=kind, native=("chat", tool))


def _function(function: JsonObject, path: str) -> Tool:
    return Tool(
        required_string(function, "name", path),
        string(function, "description", path),
        obj(function, "parameters", path),
        boolean(function, "strict", path),
        cache=read_cache(function, path),
    )


def _custom(tool: JsonObject, path: str) -> Tool:
    here = at(path, "custom")
    custom = required_obj(tool, "custom", path)
    grammar = None
    if (format_ := obj(custom, "format", here)) is not None and format_.get("type") == "grammar":
        nested, there = required_obj(format_, "grammar", at(here, "format")), at(here, "format.grammar")
        grammar = {key: required_string(nested, key, there) for key in ("syntax", "definition")}
    return Tool(
        required_string(custom, "name", here),
        string(custom, "description", here),
        kind="custom",
        grammar={**grammar} if grammar else None,
        cache=read_cache(tool, path),
    )


def parse_tool_choice(body: JsonObject) -> ToolChoice | None:
    """`tool_choice`, or the legacy `function_call`; None when the client did not say."""
    choice = body.get("tool_choice")
    if choice is not None:
        return _choice(choice, "tool_choice") if isinstance(choice, str) else _object_choice(body)
    legacy = body.get("function_call")
    if legacy is None:
        return None
    if isinstance(legacy, str):
        return _choice(legacy, "function_call")
    return ToolChoice("required", (required_string(required_obj(body, "function_call"), "name", "function_call"),))


def _choice(word: str, path: str) -> ToolChoice:
    match _MODES.get(word):
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode)
    raise malformed(path, "`auto`, `none`, `required` or an object that names a tool")


def _object_choice(body: JsonObject) -> ToolChoice:
    choice = required_obj(body, "tool_choice")
    match required_string(choice, "type", "tool_choice"):
        case "function" | "custom":
            return ToolChoice("required", (_named(choice, "tool_choice"),))
        case "allowed_tools":
            return _allowed(required_obj(choice, "allowed_tools", "tool_choice"), "tool_choice.allowed_tools")
        case hosted:
            return ToolChoice("required", hosted=hosted)


def _allowed(allowed: JsonObject, path: str) -> ToolChoice:
    mode = required_string(allowed, "mode", path)
    tools = objects(allowed, "tools", path)
    if mode not in ("auto", "required"):
        raise malformed(at(path, "mode"), "`auto` or `required`")
    if not tools:
        raise malformed(at(path, "tools"), "a list with at least one tool")
    for here, tool in tools:
        if (kind := tool.get("type")) not in ("function", "custom"):
            message = f"`{at(here, 'type')}` must be `function` or `custom`: hosted tools cannot be chosen"
            raise ConversionError(message, param=here, code="unsupported_tool" if kind else "invalid_value")
    names = tuple(_named(tool, here) for here, tool in tools)
    return ToolChoice("required" if mode == "required" else "auto", names)


def _named(choice: JsonObject, path: str) -> str:
    """The name inside `function` or `custom`; some clients put it flat beside `type`, as Responses does."""
    kind = "custom" if choice.get("type") == "custom" else "function"
    if choice.get(kind) is None and choice.get("name") is not None:
        return required_string(choice, "name", path)
    return required_string(required_obj(choice, kind, path), "name", at(path, kind))
