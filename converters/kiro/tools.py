"""Tools -> `userInputMessageContext.tools`, and the words that stand in for what the protocol cannot say (tables 4 and 5)."""

from collections.abc import Iterable

from converters.json_codec import JsonObject
from converters.kiro.schema import clean_schema
from converters.loss import Loss
from converters.turns import Chat, Tool, ToolCall, ToolChoice

MAX_DESCRIPTION = 9216  # characters
_STUB = "not available in this turn"


def offered_tools(chat: Chat) -> list[Tool]:
    """5: what the model may call: nothing with choice `none`, the subset where one is named."""
    choice = chat.tool_choice
    if choice is None:
        return chat.tools
    if choice.mode == "none":
        return []
    if choice.mode == "auto" or len(choice.names) > 1:
        return [tool for tool in chat.tools if not choice.names or tool.name in choice.names]
    return chat.tools


def undeclared_calls(chat: Chat, declared: Iterable[Tool]) -> list[str]:
    """Names that the history calls and nobody declares: each is a refusal. Case is not told apart."""
    known = {tool.name.lower() for tool in declared}
    names: dict[str, str] = {}
    for turn in chat.turns:
        for part in turn.parts:
            if isinstance(part, ToolCall) and part.name.lower() not in known:
                names.setdefault(part.name.lower(), part.name)
    return [*names.values()]


def stub(name: str) -> JsonObject:
    """The definition of a tool that the history names and this turn does not offer."""
    return _specified(name, _STUB, {"type": "object", "properties": {}})


def build_tools(chat: Chat, loss: Loss) -> tuple[list[JsonObject], list[str]]:
    """(tools, words for the system text)."""
    offered = offered_tools(chat)
    tools: list[JsonObject] = []
    words: list[str] = []
    for tool in offered:
        description, overflow = fit_description(tool)
        if overflow is not None:
            loss.change("tools.description", "too long for a tool: all of it stands in the system text")
            words.append(overflow)
        tools.append(_specified(tool.name, description, _schema(tool, loss)))
    for name in undeclared_calls(chat, offered):
        loss.note("tools", "stubs declared for the calls of the history")
        tools.append(stub(name))
    if chat.tool_choice is not None and (line := choice_in_words(chat.tool_choice, loss)):
        words.append(line)
    if chat.parallel is False and chat.tools:
        loss.drop("parallel_tool_calls", "Kiro has no such field")
    return tools, words


def fit_description(tool: Tool) -> tuple[str, str | None]:
    """(description, words for the system text). It must not be empty, nor longer than 9216 characters: then its beginning is
    kept, and all of it goes into the system text."""
    text = tool.description or ""
    if not text.strip():
        return tool.name, None
    if len(text) <= MAX_DESCRIPTION:
        return text, None
    pointer = f"\n\n(Cut. The whole description of `{tool.name}` is in the system text.)"
    return text[: MAX_DESCRIPTION - len(pointer)] + pointer, f"The whole description of the tool `{tool.name}`:\n{text}"


def choice_in_words(choice: ToolChoice, loss: Loss) -> str | None:
    """5: a choice that forces a call has no field."""
    if choice.mode != "required":
        return None
    loss.change("tool_choice", "asked for in words, not enforced")
    if len(choice.names) == 1:
        return f"Call the tool `{choice.names[0]}` in your answer."
    return "Call at least one of the tools in your answer."


def _schema(tool: Tool, loss: Loss) -> JsonObject:
    if tool.cache is not None:
        loss.note("cache_control", "cache marks are for Anthropic alone")
    if tool.strict:
        loss.drop("tools.strict", "Kiro has no such field")
    schema, moved = clean_schema(tool.schema or {})
    if moved:
        loss.note("tools.schema", "told in descriptions: " + ", ".join(moved))
    return schema


def _specified(name: str, description: str, schema: JsonObject) -> JsonObject:
    return {"toolSpecification": {"name": name, "description": description, "inputSchema": {"json": schema}}}
