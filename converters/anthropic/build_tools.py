"""Tools and tool choice -> the provider's (conversion tables 4.1 and 5)."""

from converters.anthropic.cache import with_cache
from converters.json_codec import Json, JsonObject
from converters.turns import Chat, Tool, ToolChoice

_MODES = {"auto": "auto", "none": "none", "required": "any"}
_EXTRAS = ("defer_loading", "eager_input_streaming", "input_examples", "allowed_callers")


def build_tools(chat: Chat) -> JsonObject:
    """The fields `tools` and `tool_choice`; without tools there is neither, because a choice would be refused."""
    choice = chat.tool_choice
    tools = [tool for tool in chat.tools if _is_chosen(tool, choice)]
    if not tools:
        return {}
    built: JsonObject = {"tools": [_tool(tool) for tool in tools]}
    if (chosen := _choice(choice, chat.parallel)) is not None:
        built["tool_choice"] = chosen
    return built


def _is_chosen(tool: Tool, choice: ToolChoice | None) -> bool:
    """A subset has no place in the choice itself: the other tools are left out. One required tool has."""
    if choice is None or not choice.names or (choice.mode == "required" and len(choice.names) == 1):
        return True
    return tool.name in choice.names


def _tool(tool: Tool) -> Json:
    raw = tool.native[1] if tool.native is not None and tool.native[0] == "anthropic" else None
    if tool.kind in ("hosted", "builtin"):
        return {**raw} if isinstance(raw, dict) else raw
    built: JsonObject = {"name": tool.name}
    if tool.description is not None:
        built["description"] = tool.description
    built["input_schema"] = {"type": "object", "properties": {}} if tool.schema is None else tool.schema
    if tool.strict:  # only newer models know the field; false is what all do
        built["strict"] = True
    if isinstance(raw, dict):
        built.update({name: raw[name] for name in _EXTRAS if raw.get(name) is not None})
    return with_cache(built, tool.cache)


def _choice(choice: ToolChoice | None, parallel: bool | None) -> JsonObject | None:
    if choice is None and parallel is not False:
        return None
    chosen: JsonObject
    if choice is None:
        chosen = {"type": "auto"}
    elif choice.mode == "required" and len(choice.names) == 1:
        chosen = {"type": "tool", "name": choice.names[0]}
    else:
        chosen = {"type": _MODES[choice.mode]}
    if parallel is False and chosen["type"] != "none":
        chosen["disable_parallel_tool_use"] = True
    return chosen
