"""A client's tools made fit for a provider: definitions, choice, names, and the calls of the history (conversion rules 4, 5).

Nothing given is changed: a tool, turn or part that must differ is a copy.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from converters.errors import ConversionError
from converters.json_codec import JsonObject
from converters.json_schema import clean_for_anthropic, object_root
from converters.loss import Loss
from converters.models import anthropic_has_output_format
from converters.turns import Chat, Part, Tool, ToolCall, ToolChoice, ToolResult, Turn
from converters.wire import Limits, ProviderWire

_NEEDS_DECLARED_CALLS = frozenset({"anthropic"})  # these refuse a history with calls and no tools
_HASH = 8  # hex digits


@dataclass(frozen=True, slots=True)
class Fitted:
    """chat: ready for a builder. names: name as sent -> the client's own, where they differ. custom: names as sent of
    free-text tools that travel as functions."""

    chat: Chat
    names: Mapping[str, str] = field(default_factory=dict)
    custom: frozenset[str] = frozenset()


class NameMap:
    """4.2: tool names that are legal on a wire. A legal name never changes, so all names known are given at the start.

    back: name as sent -> the client's own, changed names only.
    """

    def __init__(self, limits: Limits, names: Iterable[str] = ()) -> None:
        self._limits = limits
        self._legal = re.compile(
            f"(?=[{limits.name_first or limits.name_chars}])[{limits.name_chars}]{{1,{limits.name_max}}}"
        )
        self._illegal_character = re.compile(f"[^{limits.name_chars}]")
        self._sent: dict[str, str] = {}
        self.back: dict[str, str] = {}
        known = list(names)
        self._taken = {name for name in known if self._is_legal(name)}
        for name in known:
            self.legal(name)

    def legal(self, name: str) -> str:
        if (sent := self._sent.get(name)) is None:
            sent = self._sent[name] = name if self._is_legal(name) else self._make(name)
            self._taken.add(sent)
            if sent != name:
                self.back[sent] = name
        return sent

    def _is_legal(self, name: str) -> bool:
        return self._legal.fullmatch(name) is not None

    def _make(self, name: str) -> str:
        limits = self._limits
        digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH]
        short = limits.name_max - 1 - _HASH
        sent = self._illegal_character.sub("_", name)
        first = limits.name_first or limits.name_chars
        if not re.match(f"[{first}]", sent):
            sent = ("_" if re.match(f"[{first}]", "_") else "t_") + sent
        if len(sent) > limits.name_max:
            sent = f"{sent[:short]}_{digest}"
        if sent in self._taken:
            sent = f"{sent[:short]}_{digest}"
        return sent


def fit_tools(chat: Chat, wire: ProviderWire, loss: Loss) -> Fitted:
    """The chat with tools that `wire` takes. Raises ConversionError for tools and choices that cannot be served."""
    tools, hosted = _servable(chat.tools, wire, loss)
    choice = _choice(chat.tool_choice, tools, hosted, loss)
    calls = [part for turn in chat.turns for part in turn.parts if isinstance(part, ToolCall)]
    if calls and not tools and wire.name in _NEEDS_DECLARED_CALLS:
        tools = [_stub(name) for name in dict.fromkeys(call.name for call in calls)]
        choice = ToolChoice("none")
        loss.note("tools", "stubs declared for the calls of the history")
    names = NameMap(
        wire.limits,
        (*(tool.name for tool in tools if tool.kind not in ("hosted", "builtin")), *(call.name for call in calls)),
    )
    free_text = (
        frozenset() if wire.limits.custom_tools else frozenset(names.legal(t.name) for t in tools if t.kind == "custom")
    )
    fitted = replace(
        chat,
        tools=[_definition(tool, chat, wire, names, loss) for tool in tools],
        tool_choice=choice and replace(choice, names=tuple(names.legal(name) for name in choice.names)),
    )
    if names.back or any(call.kind == "custom" for call in calls):
        fitted.turns = [_renamed(turn, wire.limits, names) for turn in chat.turns]
    return Fitted(fitted, names.back, free_text)


def _servable(tools: list[Tool], wire: ProviderWire, loss: Loss) -> tuple[list[Tool], set[str]]:
    """4.1, 4.3: what is left of the tools, and the names and types of the provider-run ones that went."""
    left: dict[str, Tool] = {}
    hosted: set[str] = set()
    for place, tool in enumerate(tools):
        own = tool.native is not None and tool.native[0] == wire.name
        if tool.kind == "builtin" and not own:
            raise ConversionError(
                f"the built-in tool `{tool.kind_name}` exists only in the client's own protocol; "
                f"declare it as a function tool to use it with this model",
                param=f"tools[{place}]",
                code="unsupported_tool",
            )
        if tool.kind == "hosted" and not own:
            kind = tool.kind_name or tool.name
            hosted |= {kind, tool.name}
            loss.drop(f"tools.{kind}", "run by the provider of the client's protocol, not by this one")
        elif tool.name in left:
            loss.drop(f"tools.{tool.name}", "declared twice, the first is kept")
        else:
            left[tool.name] = tool
    return list(left.values()), hosted


def _choice(choice: ToolChoice | None, tools: list[Tool], hosted: set[str], loss: Loss) -> ToolChoice | None:
    """5: the choice, None where it is to be left out."""
    if choice is None:
        return None
    declared = {tool.name for tool in tools}
    kinds = {tool.kind_name for tool in tools if tool.kind == "hosted"}
    gone = [name for name in choice.names if name in hosted and name not in declared]
    if choice.hosted is not None and choice.hosted not in kinds:
        gone.append(choice.hosted)
    if gone or (hosted and not tools and choice.mode == "required"):
        raise ConversionError(
            f"tool_choice asks for `{(gone or sorted(hosted))[0]}`, which this provider does not run",
            param="tool_choice",
            code="unsupported_tool",
        )
    if not tools:
        loss.note("tool_choice", "there are no tools")
        return None
    for name in choice.names:
        if name not in declared:
            raise ConversionError(f"tool_choice names `{name}`, which is not among the tools", param="tool_choice")
    return choice


def _stub(name: str) -> Tool:
    return Tool(name, "not available in this turn", {"type": "object"})


def _definition(tool: Tool, chat: Chat, wire: ProviderWire, names: NameMap, loss: Loss) -> Tool:
    if tool.kind in ("hosted", "builtin"):
        return tool
    name = names.legal(tool.name)
    if tool.kind == "custom":
        return replace(tool, name=name) if wire.limits.custom_tools else _as_function(tool, name)
    schema = tool.schema
    if schema is None:
        schema = {"type": "object", "properties": {}}
    elif wire.name == "anthropic":
        schema = _rooted(schema, loss)
        if tool.strict and anthropic_has_output_format(chat.model):
            schema, _ = clean_for_anthropic(schema)
    elif not tool.strict:  # strict schemas are checked against a grammar of their own: passed as they are
        schema = _rooted(schema, loss)
    return replace(tool, name=name, schema=schema)


def _rooted(schema: JsonObject, loss: Loss) -> JsonObject:
    rooted = object_root(schema)
    if any(rooted.get(keyword) != value for keyword, value in schema.items()):
        loss.note("tools.schema", "its root must be an object: what it says otherwise is merged or left out")
    return rooted


def _as_function(tool: Tool, name: str) -> Tool:
    """4.3: a free-text tool as a function of one string; `Restore` unwraps what comes back."""
    description = tool.description
    if tool.grammar:
        syntax, definition = tool.grammar.get("syntax"), tool.grammar.get("definition")
        rule = f"The input must match this {syntax} grammar:\n{definition}"
        description = f"{description}\n\n{rule}" if description else rule
    schema: JsonObject = {
        "type": "object",
        "properties": {"input": {"type": "string"}},
        "required": ["input"],
        "additionalProperties": False,
    }
    return Tool(name, description, schema, cache=tool.cache)


def _renamed(turn: Turn, limits: Limits, names: NameMap) -> Turn:
    return replace(turn, parts=[_renamed_part(part, limits, names) for part in turn.parts])


def _renamed_part(part: Part, limits: Limits, names: NameMap) -> Part:
    match part:
        case ToolCall(kind="custom") if not limits.custom_tools:
            args: JsonObject = {"input": part.args_text}
            return replace(part, name=names.legal(part.name), kind="function", args=args, args_text=None)
        case ToolCall():
            return replace(part, name=names.legal(part.name))
        case ToolResult(name=str(name)):
            return replace(part, name=names.legal(name))
    return part
