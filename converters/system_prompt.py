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


def with_system_prompt(wire_name: str, body: JsonObject, text: str, mode: Mode) -> tuple[str, Json]:
    """The member of `body` that changes, and its new value. `body` itself is not changed.

    A body whose system prompt or messages are malformed comes back as it is: its parser will say what is wrong.
    """
    return _anthropic(body, text, mode) if wire_name == "anthropic" else _chat(body, text, mode)


def _anthropic(body: JsonObject, text: str, mode: Mode) -> tuple[str, Json]:
    system = body.get("system")
    blocks: list[Json] = [{"type": "text", "text": system}] if isinstance(system, str) and system else []
    if isinstance(system, list):
        blocks = list(system)
    elif not isinstance(system, str | None):
        return "system", system
    kept = blocks[:1] if blocks and _is_attribution(blocks[0]) else []
    rest = blocks[len(kept) :]
    ours: JsonObject = {"type": "text", "text": text}
    if mode == "overwrite":
        mark = next(
            (b["cache_control"] for b in reversed(rest) if isinstance(b, dict) and b.get("cache_control")), None
        )
        if mark is not None:
            ours["cache_control"] = mark  # the client's cache prefix still ends at the end of the system prompt
        return "system", [*kept, ours]
    return "system", [*kept, *rest, ours] if mode == "append" else [*kept, ours, *rest]


def _is_attribution(block: Json) -> bool:
    text = block.get("text") if isinstance(block, dict) else None
    return isinstance(text, str) and text.startswith(_ATTRIBUTION)


def _chat(body: JsonObject, text: str, mode: Mode) -> tuple[str, Json]:
    messages = body.get("messages")
    if not isinstance(messages, list):
        return "messages", messages
    leading = 0
    while leading < len(messages) and _is_system(messages[leading]):
        leading += 1
    first = messages[0] if leading else None
    role = (
        first["role"] if isinstance(first, dict) else "system"
    )  # a client that says developer has a model that wants it
    ours: Json = {"role": role, "content": text}
    before, after = messages[:leading], messages[leading:]
    if mode == "overwrite":
        return "messages", [ours, *after]
    return "messages", [*before, ours, *after] if mode == "append" else [ours, *before, *after]


def _is_system(message: Json) -> bool:
    return isinstance(message, dict) and message.get("role") in _SYSTEM_ROLES
