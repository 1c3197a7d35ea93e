"""Tools and tool choice -> the provider's (conversion tables 4.1, 4.4 and 5)."""

from converters.gemini.build_parts import note_cache
from converters.gemini.models import gemini_model
from converters.gemini.schema import clean_schema
from converters.json_codec import Json, JsonObject
from converters.json_schema import object_root
from converters.loss import Loss
from converters.turns import Chat, Tool, ToolChoice

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}


def build_tools(chat: Chat, loss: Loss) -> JsonObject:
    """The fields `tools` and `toolConfig`: all functions in one element; a choice only where there are functions."""
    choice = chat.tool_choice
    functions: list[Json] = [
        _function(tool, loss) for tool in chat.tools if tool.kind == "function" and _is_offered(tool, choice)
    ]
    tools: list[Json] = [{"functionDeclarations": functions}] if functions else []
    for tool in chat.tools:
        if tool.kind != "function" and tool.native is not None and tool.native[0] == "gemini":
            if functions and not gemini_model(chat.model).newer:
                loss.drop(f"tools.{tool.name}", "this model takes no tools of the provider beside functions")
            else:
                tools.append(tool.native[1])
    built: JsonObject = {"tools": tools} if tools else {}
    if choice is not None and functions:
        calling: JsonObject = {"mode": _MODES[choice.mode]}
        if choice.mode == "required" and choice.names:
            calling["allowedFunctionNames"] = [*choice.names]
        built["toolConfig"] = {"functionCallingConfig": calling}
    return built


def _is_offered(tool: Tool, choice: ToolChoice | None) -> bool:
    """A subset to choose from freely has no place in the choice: the other tools are left out."""
    return choice is None or choice.mode != "auto" or not choice.names or tool.name in choice.names


def _function(tool: Tool, loss: Loss) -> Json:
    note_cache(tool.cache, loss)
    if tool.strict:
        loss.drop("tools.strict", "the Gemini API has no such field")
    declared: JsonObject = {"name": tool.name}
    if tool.description is not None:
        declared["description"] = tool.description
    if tool.schema is not None:
        schema, lost = clean_schema(object_root(tool.schema))
        if lost:
            loss.note("tools.schema", "not enforced: " + ", ".join(lost))
        if schema.get("properties"):
            declared["parametersJsonSchema"] = schema
    return declared
