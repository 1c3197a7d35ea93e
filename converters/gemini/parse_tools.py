"""Tools and tool choice of a generateContent request -> the hub (conversion tables 4 and 5)."""

from converters.errors import ConversionError
from converters.fields import array, at, malformed, obj, objects, required_string, string
from converters.gemini.names import camel
from converters.gemini.openapi import plain_schema
from converters.json_codec import JsonObject
from converters.turns import Chat, Tool, ToolChoice

_MODES = {"AUTO": "auto", "VALIDATED": "auto", "ANY": "required", "NONE": "none", "MODE_UNSPECIFIED": None}


def parse_tools(body: JsonObject, chat: Chat) -> None:
    """Sets tools and tool_choice; what else `toolConfig` holds goes to `native`, by its dotted name."""
    for path, entry in objects(body, "tools"):
        entry = camel(entry)
        for where, declaration in objects(entry, "functionDeclarations", path):
            chat.tools.append(_function(camel(declaration), where))
        for key, value in entry.items():
            if key != "functionDeclarations" and value is not None:
                chat.tools.append(Tool(key, kind="hosted", kind_name=key, native=("gemini", {key: value})))
    config = camel(obj(body, "toolConfig") or {})
    calling = camel(obj(config, "functionCallingConfig", "toolConfig") or {})
    chat.tool_choice = _choice(calling, "toolConfig.functionCallingConfig")
    for key, value in config.items():
        if key != "functionCallingConfig" and value is not None:
            chat.native[f"toolConfig.{key}"] = value


def _function(declaration: JsonObject, path: str) -> Tool:
    """The newer form of the schema wins; only one of the two may be given."""
    schema = obj(declaration, "parametersJsonSchema", path)
    if schema is None:
        schema = obj(declaration, "parameters", path)
    return Tool(
        required_string(declaration, "name", path),
        string(declaration, "description", path),
        None if schema is None else plain_schema(schema),
        native=("gemini", declaration),
    )


def _choice(calling: JsonObject, path: str) -> ToolChoice | None:
    given = string(calling, "mode", path)
    word = (given or "AUTO").upper()
    if word not in _MODES:
        raise malformed(at(path, "mode"), "one of " + ", ".join(_MODES))
    names = []
    for name in array(calling, "allowedFunctionNames", path) or []:
        if not isinstance(name, str):
            raise malformed(at(path, "allowedFunctionNames"), "a list of strings")
        names.append(name)
    match _MODES[word]:
        case None:
            return None
        case "required":
            return ToolChoice("required", tuple(names))
        case "none":
            return ToolChoice("none")
    if names and word == "AUTO":
        raise ConversionError(f"`{path}.allowedFunctionNames` needs the mode ANY or VALIDATED", param=path)
    return ToolChoice("auto", tuple(names)) if given else None
