"""The operator's system prompt: in a client's own body, where client and provider speak the same protocol, else in the hub.

Always at a fixed place: a moving prompt would void the provider's prompt cache each turn. Claude Code's attribution line, its
words to Anthropic and no prompt, stays first and as it is.
"""

from dataclasses import dataclass, field
from typing import Literal

from converters.json_codec import Json, JsonObject
from converters.turns import SystemText

type Mode = Literal["overwrite", "append", "prepend", "replace"]

MODES: tuple[Mode, ...] = ("overwrite", "append", "prepend", "replace")
_ATTRIBUTION = "x-anthropic-billing-header:"
_SYSTEM_ROLES = ("system", "developer")
_BETWEEN = "\n\n"
_WRAPPED = ("generateContentRequest", "generate_content_request")  # a whole Gemini request inside a counting one
_HOLD_TEXT = frozenset({"text", "content", "parts"})


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """text: the operator's, in place of the client's own, behind or before it; "" in mode `replace`, which has none. replacements:
    (old, new), literal, each wherever it stands, one after the other, in what is left of the client's own."""

    mode: Mode
    text: str = field(default="", repr=False)
    replacements: tuple[tuple[str, str], ...] = field(default=(), repr=False)

    def replaced(self, text: str) -> str:
        """One text of the client's."""
        line, end, prompt = text.partition("\n") if text.startswith(_ATTRIBUTION) else ("", "", text)
        for old, new in self.replacements:
            prompt = prompt.replace(old, new)
        return line + end + prompt


def system_prompt(mode: Mode, text: str, replacements: tuple[tuple[str, str], ...] = ()) -> SystemPrompt | None:
    """None where nothing would change. Without a text there is nothing to put in, whatever the mode."""
    if mode == "replace" or not text:
        return SystemPrompt("replace", "", replacements) if replacements else None
    return SystemPrompt(mode, text, () if mode == "overwrite" else replacements)


def with_system_prompt(wire_name: str, body: JsonObject, prompt: SystemPrompt) -> JsonObject:
    """The members of `body` that change, and their new values. `body` itself is not changed.

    {} for a body whose system prompt or messages are malformed: its parser will say what is wrong.
    """
    changed = _BY_WIRE[wire_name](body, prompt)
    return {name: value for name, value in changed.items() if name not in body or body[name] != value}


def system_with_prompt(system: list[SystemText], prompt: SystemPrompt) -> list[SystemText]:
    """The same for the system texts of a chat."""
    ours = SystemText(prompt.text)
    if prompt.mode == "append":
        return [*_replaced_texts(system, prompt), ours]
    if prompt.mode == "replace":
        return _replaced_texts(system, prompt)
    first, rest = _split(system[0].text) if system else ("", "")
    kept = [SystemText(first, None if rest else system[0].cache)] if first else []
    after = [SystemText(rest, system[0].cache), *system[1:]] if rest else system[1:]
    if prompt.mode == "prepend":
        return [*kept, ours, *_replaced_texts(after, prompt)]
    # The client's cache prefix still ends at the end of the system prompt.
    ours.cache = next((text.cache for text in reversed(after) if text.cache is not None), None)
    return [*kept, ours]


def _replaced_texts(system: list[SystemText], prompt: SystemPrompt) -> list[SystemText]:
    return [SystemText(prompt.replaced(text.text), text.cache) for text in system]


def _split(text: str) -> tuple[str, str]:
    """(attribution line, the client's prompt behind it): either may be empty."""
    if not text.startswith(_ATTRIBUTION):
        return "", text
    line, _, prompt = text.partition("\n")
    return (line, prompt.lstrip("\n")) if prompt.strip() else (text, "")


def _replaced(value: Json, prompt: SystemPrompt) -> Json:
    """Every text of a prompt: itself one, or parts with a text, or what holds such. All else stays, marks of caches too."""
    match value:
        case str():
            return prompt.replaced(value)
        case list():
            return [_replaced(each, prompt) for each in value]
        case dict():
            return {name: _replaced(each, prompt) if name in _HOLD_TEXT else each for name, each in value.items()}
    return value


def _placed(before: list[Json], ours: Json, prompt: SystemPrompt) -> list[Json]:
    """before: the client's prompt. A block that a replacement leaves empty goes: Anthropic refuses empty ones."""
    if prompt.mode == "overwrite":
        return [ours]
    theirs = [new for old in before if not _is_emptied(old, new := _replaced(old, prompt))]
    match prompt.mode:
        case "append":
            return [*theirs, ours]
        case "prepend":
            return [ours, *theirs]
    return theirs


def _is_emptied(old: Json, new: Json) -> bool:
    return isinstance(old, dict) and isinstance(new, dict) and new.get("text") == "" != old.get("text")


# --- anthropic ---


def _anthropic(body: JsonObject, prompt: SystemPrompt) -> JsonObject:
    system = body.get("system")
    if not isinstance(system, str | list | None):
        return {}
    if prompt.mode == "replace" and not isinstance(system, list):
        return {"system": prompt.replaced(system)} if system else {}
    blocks: list[Json] = [{"type": "text", "text": system}] if isinstance(system, str) and system else []
    if isinstance(system, list):
        blocks = list(system)
    kept: list[Json] = []
    first = blocks[0] if blocks else None
    if (
        prompt.mode in ("overwrite", "prepend")
        and isinstance(first, dict)
        and isinstance(text := first.get("text"), str)
    ):
        line, rest = _split(text)
        if line:
            kept = [{"type": "text", "text": line} if rest else first]
            blocks = [{**first, "text": rest}, *blocks[1:]] if rest else blocks[1:]
    ours: JsonObject = {"type": "text", "text": prompt.text}
    if prompt.mode == "overwrite":
        marks = [mark for block in blocks if isinstance(block, dict) and (mark := block.get("cache_control"))]
        if marks:
            ours["cache_control"] = marks[-1]  # the client's cache prefix still ends at the end of the system prompt
    return {"system": [*kept, *_placed(blocks, ours, prompt)]}


# --- chat ---


def _chat(body: JsonObject, prompt: SystemPrompt) -> JsonObject:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return {}
    leading = 0
    while leading < len(messages) and _is_system(messages[leading]):
        leading += 1
    first = messages[0] if leading else None
    role = (
        first["role"] if isinstance(first, dict) else "system"
    )  # a client that says developer has a model that wants it
    ours: Json = {"role": role, "content": prompt.text}
    return {"messages": [*_placed(messages[:leading], ours, prompt), *messages[leading:]]}


def _is_system(message: Json) -> bool:
    return isinstance(message, dict) and message.get("role") in _SYSTEM_ROLES


# --- responses ---


def _responses(body: JsonObject, prompt: SystemPrompt) -> JsonObject:
    """The client's prompt is `instructions` and the system messages that head `input`; definitions of tools may stand among
    these. To append is to stand behind the last of both."""
    instructions, items = body.get("instructions"), body.get("input")
    if not isinstance(instructions, str | None):
        return {}
    head, rest = _headed(items) if isinstance(items, list) else ([], [])
    changed: JsonObject = {}
    if prompt.mode == "overwrite":
        changed["instructions"] = prompt.text
        if head:
            changed["input"] = [*(item for item in head if not _is_prompt(item)), *rest]
        return changed
    theirs = prompt.replaced(instructions or "")
    head = [_replaced(item, prompt) if _is_prompt(item) else item for item in head]
    if prompt.mode == "append" and head:
        last = head[-1]
        role = last["role"] if isinstance(last, dict) else "developer"
        head.append({"type": "message", "role": role, "content": prompt.text})
    elif prompt.mode != "replace":
        texts = [theirs, prompt.text] if prompt.mode == "append" else [prompt.text, theirs]
        theirs = _BETWEEN.join(filter(None, texts))
    if theirs or instructions:
        changed["instructions"] = theirs
    return changed | {"input": [*head, *rest]} if head else changed


def _headed(items: list[Json]) -> tuple[list[Json], list[Json]]:
    """(what heads the input up to the last message of the prompt, the rest)."""
    leading = 0
    while leading < len(items) and (_is_prompt(items[leading]) or _defines_tools(items[leading])):
        leading += 1
    while leading and not _is_prompt(items[leading - 1]):
        leading -= 1
    return items[:leading], items[leading:]


def _is_prompt(item: Json) -> bool:
    return _is_system(item) and isinstance(item, dict) and item.get("type", "message") == "message"


def _defines_tools(item: Json) -> bool:
    return isinstance(item, dict) and item.get("type") == "additional_tools"


# --- gemini ---


def _gemini(body: JsonObject, prompt: SystemPrompt) -> JsonObject:
    """The member keeps the client's spelling, and becomes a content: the form that Google's own API takes."""
    for wrapped in _WRAPPED:
        if isinstance(inner := body.get(wrapped), dict):
            changed = _gemini(inner, prompt)
            return {wrapped: {**inner, **changed}} if changed else {}
    snake = "system_instruction" in body and "systemInstruction" not in body
    name = "system_instruction" if snake else "systemInstruction"
    system = body.get(name)
    if prompt.mode == "replace":
        return {name: _replaced(system, prompt)} if system else {}
    content: JsonObject = {}
    parts: Json = system
    if isinstance(system, dict) and "text" not in system:
        content, parts = system, system.get("parts")
    if parts is None or parts == "":
        parts = []
    if not isinstance(parts, str | dict | list):
        return {}
    theirs: list[Json] = [
        {"text": part} if isinstance(part, str) else part for part in (parts if isinstance(parts, list) else [parts])
    ]
    return {name: {**content, "parts": _placed(theirs, {"text": prompt.text}, prompt)}}


_BY_WIRE = {"anthropic": _anthropic, "chat": _chat, "responses": _responses, "gemini": _gemini}
