"""Tools and tool choice of a client's request -> hub (conversion tables 4.1, 4.3 and 5)."""

from collections.abc import Iterator

from converters.errors import ConversionError
from converters.fields import at, boolean, malformed, obj, objects, required_obj, required_string, string
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_responses.parse_parts import read_cache
from converters.turns import Tool, ToolChoice

_BUILTIN = frozenset(("local_shell", "shell", "apply_patch"))  # run by the client, without a schema
_FUNCTIONS = ("function", "custom")


def flat_name(name: str, namespace: Json) -> str:
    """The one name of a tool in a namespace, for protocols that know none."""
    return f"{namespace}__{name}" if isinstance(namespace, str) and namespace else name


def parse_tools(holder: JsonObject, path: str, loss: Loss) -> list[Tool]:
    """`tools` of a request or of an `additional_tools` item. Namespaces are flattened; a tool that was declared directly
    under the same final name wins."""
    direct: list[Tool] = []
    spaced: list[Tool] = []
    for here, tool in objects(holder, "tools", path):
        if tool.get("type") == "namespace":
            spaced += _namespace(tool, here, loss)
        else:
            direct.append(_tool(tool, here))
    names = {one.name for one in direct}
    for hidden in names.intersection(one.name for one in spaced):
        loss.drop(f"tools.{hidden}", "a tool declared directly has the same name")
    return direct + [one for one in spaced if one.name not in names]


def namespaces(request: JsonObject) -> dict[str, tuple[str, str]]:
    """Flat name -> (namespace, name) of the tools that a request declares in namespaces. Nothing raises: the request was
    read before."""
    direct: set[str] = set()
    spaced: dict[str, tuple[str, str]] = {}
    for tool in _declared(request):
        match tool:
            case {"type": "namespace", "name": str(space), "tools": list(inner)}:
                for one in inner:
                    if isinstance(one, dict) and isinstance(name := one.get("name"), str):
                        spaced.setdefault(flat_name(name, space), (space, name))
            case {"name": str(name)}:
                direct.add(name)
    return {name: pair for name, pair in spaced.items() if name not in direct}


def _declared(request: JsonObject) -> Iterator[Json]:
    items = request.get("input")
    holders = [request, *(items if isinstance(items, list) else ())]
    for holder in holders:
        if isinstance(holder, dict) and (holder is request or holder.get("type") == "additional_tools"):
            tools = holder.get("tools")
            yield from tools if isinstance(tools, list) else ()


def _namespace(space: JsonObject, path: str, loss: Loss) -> Iterator[Tool]:
    name = required_string(space, "name", path)
    if string(space, "description", path):
        loss.note("tools.description", "a namespace's own description has no place elsewhere")
    for here, tool in objects(space, "tools", path):
        if (tool.get("type") or "function") not in _FUNCTIONS:
            raise malformed(at(here, "type"), "`function` or `custom` in a namespace")
        read = _tool(tool, here)
        read.name = flat_name(read.name, name)
        yield read


def _tool(tool: JsonObject, path: str) -> Tool:
    kind = string(tool, "type", path) or "function"
    if kind == "custom":
        return _custom(tool, path)
    if kind == "function":
        if "name" not in tool and isinstance(tool.get("function"), dict):  # as Chat has it: seen in the wild
            path, tool = at(path, "function"), required_obj(tool, "function", path)
        return Tool(
            required_string(tool, "name", path),
            string(tool, "description", path),
            obj(tool, "parameters", path),
            boolean(tool, "strict", path),
            cache=read_cache(tool, path),
        )
    label = string(tool, "server_label", path)  # several mcp servers stand side by side
    name = string(tool, "name", path) or (f"{kind}.{label}" if label else kind)
    return Tool(name, kind="builtin" if kind in _BUILTIN else "hosted", kind_name=kind, native=("responses", tool))


def _custom(tool: JsonObject, path: str) -> Tool:
    grammar: JsonObject | None = None
    format_, here = obj(tool, "format", path), at(path, "format")
    if format_ is not None and format_.get("type") == "grammar":
        grammar = {key: required_string(format_, key, here) for key in ("syntax", "definition")}
    return Tool(
        required_string(tool, "name", path),
        string(tool, "description", path),
        kind="custom",
        grammar=grammar,
        cache=read_cache(tool, path),
    )


def parse_tool_choice(body: JsonObject) -> ToolChoice | None:
    """None when the client did not say."""
    match body.get("tool_choice"):
        case None:
            return None
        case "auto" | "none" | "required" as mode:
            return ToolChoice(mode)
        case str():
            raise malformed("tool_choice", "`auto`, `none`, `required` or an object that names a tool")
    choice = required_obj(body, "tool_choice")
    match required_string(choice, "type", "tool_choice"):
        case "function" | "custom":
            return ToolChoice("required", (_chosen(choice, "tool_choice"),))
        case "allowed_tools":
            return _allowed(choice)
        case hosted:
            return ToolChoice("required", hosted=hosted)


def _allowed(choice: JsonObject) -> ToolChoice:
    path = "tool_choice"
    mode = required_string(choice, "mode", path)
    tools = objects(choice, "tools", path)
    if mode not in ("auto", "required"):
        raise malformed(at(path, "mode"), "`auto` or `required`")
    if not tools:
        raise malformed(at(path, "tools"), "a list with at least one tool")
    for here, tool in tools:
        if (kind := tool.get("type")) not in _FUNCTIONS:
            message = f"`{at(here, 'type')}` must be `function` or `custom`: hosted tools cannot be chosen"
            raise ConversionError(message, param=here, code="unsupported_tool" if kind else "invalid_value")
    names = tuple(_chosen(tool, here) for here, tool in tools)
    return ToolChoice("required" if mode == "required" else "auto", names)


def _chosen(choice: JsonObject, path: str) -> str:
    """The name beside `type`; some clients put it inside `function`, as Chat does."""
    if "name" not in choice and isinstance(choice.get("function"), dict):
        path, choice = at(path, "function"), required_obj(choice, "function", path)
    return flat_name(required_string(choice, "name", path), choice.get("namespace"))
