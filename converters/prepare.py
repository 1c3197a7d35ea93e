"""From a client's chat to a provider's body: the rules that belong to no single wire, then the wire's own builder.

The chat given is not changed: the same one is built again for the next provider when this one fails.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from converters.client_words import put_in_client_words
from converters.errors import ConversionError
from converters.history import order_results
from converters.json_codec import JsonObject, dumps_text
from converters.json_schema import clean_for_anthropic, object_root
from converters.loss import Loss
from converters.memory import ReasoningMemory
from converters.models import anthropic_has_output_format, anthropic_thinking
from converters.profile import Profile
from converters.restore import Restore
from converters.tools import fit_tools
from converters.turns import (
    Chat,
    Format,
    Hosted,
    Part,
    Reasoning,
    SystemText,
    Text,
    Thinking,
    Tool,
    ToolCall,
    ToolChoice,
    Turn,
)
from converters.wire import ProviderWire

# 7.4: the reasoning tokens a wire takes back; any other is left out, never sent unsigned or as text
_TAKES_BACK: dict[str, frozenset[str]] = {
    "anthropic": frozenset("ax"),
    "responses": frozenset("r"),
    "gemini": frozenset("g"),
    "kiro": frozenset("k"),
}
_ONE_OBJECT = "Answer with one JSON object and nothing else."
_ANSWER_TOOL = "json_response"
_UNNAMED = "response"  # what a format without a name is called


@dataclass(frozen=True, slots=True)
class Prepared:
    """body: for the provider. restore: undoes in the answer what the provider's limits forced on the request."""

    body: JsonObject
    restore: Restore


def prepare(
    chat: Chat, wire: ProviderWire, profile: Profile, loss: Loss, memory: ReasoningMemory | None = None
) -> Prepared:
    """One request for one provider. Deterministic. Raises ConversionError for what the provider cannot serve."""
    try:
        return _prepared(chat, wire, profile, loss, memory)
    except ConversionError as error:
        put_in_client_words(chat.client, error)
        raise
    finally:
        put_in_client_words(chat.client, loss)


def _prepared(chat: Chat, wire: ProviderWire, profile: Profile, loss: Loss, memory: ReasoningMemory | None) -> Prepared:
    echo = wire.name == "chat" and profile.echo_reasoning != "never"
    takes_back = frozenset("n") if echo else _TAKES_BACK.get(wire.name, frozenset())
    if memory is not None:
        chat = memory.recall(chat, takes_back)
    turns = [_for_wire(turn, wire, takes_back, echo, loss) for turn in chat.turns]
    chat = replace(chat, turns=order_results([turn for turn in turns if turn.parts], wire.limits, loss))
    fitted = fit_tools(chat, wire, loss)
    chat, answer_tool = fitted.chat, None
    if wire.name in _FORMS and chat.format is not None:
        _note_form(chat.format, loss)
        chat, answer_tool = _FORMS[wire.name](chat, chat.format, loss)
    return Prepared(wire.build_request(chat, profile, loss), Restore(fitted.names, fitted.custom, answer_tool))


def _for_wire(turn: Turn, wire: ProviderWire, takes_back: frozenset[str], echo: bool, loss: Loss) -> Turn:
    """7.4, 17: the turn without the reasoning and the provider-run steps of other protocols."""
    if turn.role != "assistant" and not any(isinstance(part, Hosted) for part in turn.parts):
        return turn
    parts: list[Part] = []
    for part in turn.parts:
        match part:
            case Thinking(text, token):
                if token is not None and token.origin in takes_back:
                    parts.append(part)
                elif echo and text:
                    parts.append(Thinking(text))
                else:
                    loss.note("messages.thinking", "reasoning that this provider did not issue is not sent")
            case ToolCall(token=token) if token is not None and token.origin not in takes_back:
                loss.note("messages.thinking", "reasoning that this provider did not issue is not sent")
                parts.append(replace(part, token=None))
            case Hosted(kind, text, native) if native is None or native[0] != wire.name:
                loss.note(f"messages.{kind}", "a step of another provider is sent as its text, if it has one")
                if text:
                    parts.append(Text(text))
            case _:
                parts.append(part)
    return replace(turn, parts=parts)


def _note_form(format_: Format, loss: Loss) -> None:
    if format_.name != _UNNAMED:
        loss.note("response_format.name", "formats have no names here")
    if format_.strict is False:
        loss.note("response_format.strict", "whether a schema is enforced cannot be chosen here")


def _gemini_format(chat: Chat, format_: Format, loss: Loss) -> tuple[Chat, None]:
    if format_.schema is None:
        return chat, None
    return replace(chat, format=replace(format_, schema=_described(format_, format_.schema, loss))), None


def _described(format_: Format, schema: JsonObject, loss: Loss) -> JsonObject:
    """What the answer is for goes into the schema, where the model reads it."""
    if format_.description is None:
        return schema
    if "description" in schema:
        loss.note("response_format.description", "the schema has a description of its own")
        return schema
    return {**schema, "description": format_.description}


def _anthropic_format(chat: Chat, format_: Format, loss: Loss) -> tuple[Chat, str | None]:
    """8: native where the model has it, else a forced tool, else words. Returns the name of the forced tool as well."""
    if format_.kind == "text":
        return replace(chat, format=None), None
    if format_.schema is None:
        return _in_words(chat, _form_in_words(format_, loss), loss), None
    if anthropic_has_output_format(chat.model):
        schema, notes = clean_for_anthropic(_described(format_, format_.schema, loss))
        if notes:
            loss.change("response_format", "moved into descriptions or tightened: " + ", ".join(notes))
        return replace(chat, format=replace(format_, schema=schema)), None
    if _thinks(chat.reasoning, chat.model) or (chat.tools and not _forbidden(chat.tool_choice)):
        return _in_words(chat, _form_in_words(format_, loss), loss), None
    name = _ANSWER_TOOL
    while any(tool.name == name for tool in chat.tools):
        name += "_"
    tool = Tool(name, format_.description or "Give the answer.", object_root(format_.schema))
    loss.note("response_format", "sent as a forced tool")
    return replace(chat, format=None, tools=[*chat.tools, tool], tool_choice=ToolChoice("required", (name,))), name


def _kiro_format(chat: Chat, format_: Format, loss: Loss) -> tuple[Chat, None]:
    """8: nothing but words."""
    if format_.kind == "text":
        return replace(chat, format=None), None
    return _in_words(chat, _form_in_words(format_, loss), loss), None


def _form_in_words(format_: Format, loss: Loss) -> str:
    if format_.schema is None:
        return _ONE_OBJECT
    return f"{_ONE_OBJECT} It must match this JSON schema:\n{dumps_text(_described(format_, format_.schema, loss))}"


def _in_words(chat: Chat, words: str, loss: Loss) -> Chat:
    loss.change("response_format", "asked for in words, not enforced")
    return replace(chat, format=None, system=[*chat.system, SystemText(words)])


def _thinks(reasoning: Reasoning | None, model: str) -> bool:
    if reasoning is None or reasoning.mode == "off" or reasoning.effort == "none":
        return False
    return anthropic_thinking(model) != "none"


def _forbidden(choice: ToolChoice | None) -> bool:
    return choice is not None and choice.mode == "none"


# 8: wires whose formats have no name and no description.
_FORMS: dict[str, Callable[[Chat, Format, Loss], tuple[Chat, str | None]]] = {
    "anthropic": _anthropic_format,
    "gemini": _gemini_format,
    "kiro": _kiro_format,
}
