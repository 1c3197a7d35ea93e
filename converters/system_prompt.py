"""The operator's system prompt put into a client's request, in the client's own protocol.

Done on the parsed body before anything else looks at it, so that same-protocol and cross-protocol exchanges share it. Always
at a fixed place: a moving prompt would void the provider's prompt cache each turn.
"""

from typing import Literal

from converters.json_codec import Json, JsonObject

type Mode = Literal["overwrite", "append", "prepend"]

MODES: tuple[Mode, ...] = ("overwrite", "append", "prepend")
_ATTRIBUTION = "x-anthropic-billing-header:"  # Claude Code's own first block: its words to Anthropic, not a prompt
_SYSTEM_ROLES = ("system", "developer")
_BETWEEN = "\n\n"
_WRAPPED = ("generateContentRequest", "generate_content_request")  # a whole Gemini request inside a counting one


def with_system_prompt(wire_name: str, body: JsonObject, text: str, mode: Mode) -> JsonObject:
    """The members of `body` that change, and their new values. `body` itself is not changed.

    {} for a body whose system prompt or messages are malformed: its parser will say what is wrong.
    """
    return _BY_WIRE[wire_name](body, text, mode)


def _placed(before: list[Json], ours: Json, after: list[Json], mode: Mode) -> list[Json]:
    """before: the client's prompt. after: what follows it, whatever the mode."""
    if mode == "overwrite":
        return [ours, *after]
    return [*before, ours, *after] if mode == "append" else [ours, *before, *after]


# --- anthropic ---


def _anthropic(body: JsonObject, text: str, mode: Mode) -> JsonObject:
    system = body.get("system")
    blocks: list[Json] = [{"type": "text", "text": system}] if isinstance(system, str) and system else []
    if isinstance(system, list):
        blocks = list(system)
    elif not isinstance(system, str | None):
        return {}
    kept = blocks[:1] if blocks and _is_attribution(blocks[0]) else []
    rest = blocks[len(kept) :]
    ours: JsonObject = {"type": "text", "text": text}
    if mode == "overwrite":
        mark = next(
            (b["cache_control"] for b in reversed(rest) if isinstance(b, dict) and b.get("cache_control")), None
        )
        if mark is not None:
            ours["cache_control"] = mark  # the client's cache prefix still ends at the end of the system prompt
    return {"system": [*kept, *_placed(rest, ours, [], mode)]}


def _is_attribution(block: Json) -> bool:
    text = block.get("text") if isinstance(block, dict) else None
    return isinstance(text, str) and text.startswith(_ATTRIBUTION)


# --- chat ---


def _chat(body: JsonObject, text: str, mode: Mode) -> JsonObject:
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
    ours: Json = {"role": role, "content": text}
    return {"messages": _placed(messages[:leading], ours, messages[leading:], mode)}


def _is_system(message: Json) -> bool:
    return isinstance(message, dict) and message.get("role") in _SYSTEM_ROLES


# --- responses ---


def _responses(body: JsonObject, text: str, mode: Mode) -> JsonObject:
    """The client's prompt is `instructions` and the system messages that head `input`; definitions of tools may stand among
    these. To append is to stand behind the last of both."""
    instructions, items = body.get("instructions"), body.get("input")
    if not isinstance(instructions, str | None):
        return {}
    if not isinstance(items, list):
        items = []
    leading = 0
    while leading < len(items) and (_is_prompt(items[leading]) or _defines_tools(items[leading])):
        leading += 1
    while leading and not _is_prompt(items[leading - 1]):
        leading -= 1
    if mode == "overwrite":
        changed: JsonObject = {"instructions": text}
        if leading:
            changed["input"] = [item for item in items[:leading] if not _is_prompt(item)] + items[leading:]
        return changed
    if mode == "append" and leading:
        last = items[leading - 1]
        role = last["role"] if isinstance(last, dict) else "developer"
        ours: Json = {"type": "message", "role": role, "content": text}
        return {"input": [*items[:leading], ours, *items[leading:]]}
    texts = [instructions, text] if mode == "append" else [text, instructions]
    return {"instructions": _BETWEEN.join(each for each in texts if each)}


def _is_prompt(item: Json) -> bool:
    return _is_system(item) and isinstance(item, dict) and item.get("type", "message") == "message"


def _defines_tools(item: Json) -> bool:
    return isinstance(item, dict) and item.get("type") == "additional_tools"


# --- gemini ---


def _gemini(body: JsonObject, text: str, mode: Mode) -> JsonObject:
    """The member keeps the client's spelling, and becomes a content: the form that Google's own API takes."""
    for wrapped in _WRAPPED:
        if isinstance(inner := body.get(wrapped), dict):
            changed = _gemini(inner, text, mode)
            return {wrapped: {**inner, **changed}} if changed else {}
    snake = "system_instruction" in body and "systemInstruction" not in body
    name = "system_instruction" if snake else "systemInstruction"
    system = body.get(name)
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
    return {name: {**content, "parts": _placed(theirs, {"text": text}, [], mode)}}


_BY_WIRE = {"anthropic": _anthropic, "chat": _chat, "responses": _responses, "gemini": _gemini}
