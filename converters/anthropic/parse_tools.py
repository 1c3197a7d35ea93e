"""Tools and tool choice of a Messages request -> the hub (conversion tables 4 and 5)."""

import re

from converters.anthropic.cache import parse_cache
from converters.fields import at, boolean, malformed, obj, objects, required_string, string
from converters.json_codec import JsonObject
from converters.turns import Chat, Tool, ToolChoice

# Defined by their type and run by the client; every other type runs at Anthropic.
_BUILTIN = re.compile(r"(?:bash|text_editor|computer|memory)_\d+")


def parse_tools(body: JsonObject, chat: Chat) -> None:
    """Sets tools, tool_choice and parallel."""
    chat.tools = [_tool(tool, path) for path, tool in objects(body, "tools")]
    choice = obj(body, "tool_choice")
    if choice is None:
        return
    if boolean(choice, "disable_parallel_tool_use", "tool_choice"):
        chat.parallel = False  # false is the default of every protocol: the same as nothing said
    chat.tool_choice = _choice(choice, chat.tools)


def _tool(tool: JsonObject, path: str) -> Tool:
    kind = string(tool, "type", path)
    if kind is None or kind == "custom":
        return Tool(
            required_string(tool, "name", path),
            string(tool, "description", path),
            obj(tool, "input_schema", path),
            boolean(tool, "strict", path),
            cache=parse_cache(tool, path),
            native=("anthropic", tool),
        )
    parse_cache(tool, path)  # stays in `native`; checked, because marks are counted and moved
    name = string(tool, "name", path) or string(tool, "mcp_server_name", path) or kind
    builtin = _BUILTIN.fullmatch(kind) is not None
    return Tool(name, kind="builtin" if builtin else "hosted", kind_name=kind, native=("anthropic", tool))


def _choice(choice: JsonObject, tools: list[Tool]) -> ToolChoice:
    match choice.get("type"):
        case "auto":
            return ToolChoice("auto")
        case "any":
            return ToolChoice("required")
        case "none":
            return ToolChoice("none")
        case "tool":
            name = required_string(choice, "name", "tool_choice")
            hosted = next((tool.kind_name for tool in tools if tool.kind == "hosted" and tool.name == name), None)
            return ToolChoice("required", (name,), hosted)
    raise malformed(at("tool_choice", "type"), "`auto`, `any`, `tool` or `none`")
