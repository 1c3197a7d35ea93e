"""Same-protocol bodies, edited in place: our envelopes out, or all carried reasoning out (conversion rules 1.2, 7.4).

A body passes as the client sent it, but a conversation that another provider took part in carries envelopes, and the
provider answers 400 to a token that it did not issue. Nothing here raises: a body of another shape is left alone.
"""

from collections.abc import Callable, Iterator

from converters.envelope import open_envelope
from converters.json_codec import Json, JsonObject

_CHAT_REASONING = ("reasoning_details", "reasoning_content", "reasoning", "thinking_blocks")
_THINKING_BLOCKS = ("thinking", "redacted_thinking")

type _BlockRule = Callable[[JsonObject], JsonObject | None]  # the block itself: keep; another: replace; None: leave out


def strip_envelopes(wire_name: str, body: JsonObject) -> bool:
    """Unwraps envelopes whose token is the provider's own and removes the others. True if anything changed."""
    if wire_name == "anthropic":
        return _edit_blocks(body, _unwrapped)
    if wire_name != "chat":
        return False
    changed = False
    for message in _messages(body):
        details = message.get("reasoning_details")
        if isinstance(details, list) and (kept := [item for item in details if not _is_sealed(item)]) != details:
            changed = True
            if kept:
                message["reasoning_details"] = kept
            else:
                del message["reasoning_details"]
    return changed


def strip_reasoning(wire_name: str, body: JsonObject) -> bool:
    """Removes all reasoning of earlier turns, for the one retry after a 400 about signatures. True if anything changed.

    Anthropic with a thinking budget refuses a running tool loop whose calls have lost their thinking, so there `thinking`
    goes too.
    """
    if wire_name == "anthropic":
        changed = _edit_blocks(body, lambda block: None if block.get("type") in _THINKING_BLOCKS else block)
        thinking = body.get("thinking")
        if changed and isinstance(thinking, dict) and thinking.get("type") == "enabled" and _in_tool_loop(body):
            del body["thinking"]
        return changed
    if wire_name != "chat":
        return False
    found = [(message, name) for message in _messages(body) for name in _CHAT_REASONING if name in message]
    for message, name in found:
        del message[name]
    return bool(found)


def _messages(body: JsonObject) -> Iterator[JsonObject]:
    messages = body.get("messages")
    if isinstance(messages, list):
        yield from (message for message in messages if isinstance(message, dict))


def _edit_blocks(body: JsonObject, rule: _BlockRule) -> bool:
    """Applies a rule to each block of each assistant message; a message left empty goes, empty content is refused."""
    emptied: set[int] = set()
    changed = False
    for message in _messages(body):
        content = message.get("content")
        if message.get("role") != "assistant" or not isinstance(content, list):
            continue
        edited = [rule(block) if isinstance(block, dict) else block for block in content]
        if any(new is not old for new, old in zip(edited, content, strict=True)):
            changed = True
            message["content"] = [block for block in edited if block is not None]
            if not message["content"]:
                emptied.add(id(message))
    messages = body.get("messages")
    if emptied and isinstance(messages, list):
        messages[:] = [message for message in messages if id(message) not in emptied]
    return changed


def _unwrapped(block: JsonObject) -> JsonObject | None:
    match block:
        case {"type": "thinking", "signature": str(carried)} | {"type": "redacted_thinking", "data": str(carried)}:
            token = open_envelope(carried)
        case _:
            return block
    if token is None:
        return block
    if token.origin == "x":
        return {"type": "redacted_thinking", "data": token.value}
    if token.origin == "a" and block["type"] == "thinking":
        return {**block, "signature": token.value}
    return None


def _is_sealed(item: Json) -> bool:
    return isinstance(item, dict) and any(
        isinstance(value, str) and open_envelope(value) is not None
        for value in (item.get("signature"), item.get("data"))
    )


def _in_tool_loop(body: JsonObject) -> bool:
    """The last message holds tool results."""
    messages = list(_messages(body))
    content = messages[-1].get("content") if messages else None
    return isinstance(content, list) and any(isinstance(b, dict) and b.get("type") == "tool_result" for b in content)
