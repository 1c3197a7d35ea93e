"""Same-protocol bodies, edited in place: our envelopes out, or all carried reasoning out (conversion rules 1.2, 7.4).

A body passes as the client sent it, but a conversation that another provider took part in carries envelopes, and the
provider answers 400 to a token that it did not issue. Nothing here raises: a body of another shape is left alone.
"""

from collections.abc import Callable, Iterator

from converters.envelope import MARK, open_envelope
from converters.gemini.strip import strip_signatures
from converters.gemini.tokens import PLACEHOLDER
from converters.json_codec import Json, JsonObject
from converters.openai_responses.response import OUR_REASONING

_MARKS = (MARK.encode(), b"YWljMS")  # the second is the first in base64, as Gemini's clients carry it
_OURS = f'"{OUR_REASONING}_'.encode()
_EXTRA = b"extra_content"
_CHAT_REASONING = ("reasoning_details", "reasoning_content", "reasoning", "thinking_blocks")
_THINKING_BLOCKS = ("thinking", "redacted_thinking")
_LED_TO = ("message", "function_call", "custom_tool_call")

type _BlockRule = Callable[[JsonObject], JsonObject | None]  # the block itself: keep; another: replace; None: leave out


def holds_envelopes(wire_name: str, raw: bytes) -> bool:
    """Whether a body may hold envelopes: cheap, before it is parsed and never wrong when it says no."""
    if wire_name == "responses" and _OURS in raw:
        return True
    return any(mark in raw for mark in (_MARKS if wire_name == "gemini" else _MARKS[:1]))


def strip_envelopes(wire_name: str, body: JsonObject, model: str | None = None) -> bool:
    """Unwraps envelopes whose token is the provider's own and removes the others. True if anything changed.

    model: for gemini, whose model stands in the path; None leaves it open whether calls must be signed, so they are.
    """
    match wire_name:
        case "anthropic":
            return _edit_blocks(body, _unwrapped)
        case "chat":
            return _strip_details(body)
        case "responses":
            return _edit_items(body, _unsealed)
        case "gemini":
            return strip_signatures(body, model, keep_own=True)
    return False


def strip_reasoning(wire_name: str, body: JsonObject, model: str | None = None, refusal: bytes = b"") -> bool:
    """Removes all reasoning of earlier turns, for the one retry after a 400 about signatures. True if anything changed.

    Anthropic with a thinking budget refuses a running tool loop whose calls have no thinking before them, so there `thinking`
    goes too. model: as for `strip_envelopes`. refusal: what the provider said.
    """
    match wire_name:
        case "anthropic":
            return _strip_thinking(body)
        case "chat":
            return _strip_chat(body, google=_EXTRA not in refusal)
        case "responses":
            return _strip_items(body)
        case "gemini":
            return strip_signatures(body, model, keep_own=False)
        case "kiro":
            return _strip_history(body)
    return False


def _objects(body: JsonObject, name: str) -> Iterator[JsonObject]:
    values = body.get(name)
    if isinstance(values, list):
        yield from (value for value in values if isinstance(value, dict))


# --- anthropic ---


def _edit_blocks(body: JsonObject, rule: _BlockRule) -> bool:
    """Applies a rule to each block of each assistant message; a message left empty goes, empty content is refused."""
    emptied: set[int] = set()
    changed = False
    for message in _objects(body, "messages"):
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


def _strip_thinking(body: JsonObject) -> bool:
    changed = _edit_blocks(body, lambda block: None if block.get("type") in _THINKING_BLOCKS else block)
    thinking = body.get("thinking")
    if isinstance(thinking, dict) and thinking.get("type") == "enabled" and _in_tool_loop(body):
        del body["thinking"]
        return True
    return changed


def _in_tool_loop(body: JsonObject) -> bool:
    """The last message holds tool results."""
    messages = list(_objects(body, "messages"))
    content = messages[-1].get("content") if messages else None
    return isinstance(content, list) and any(isinstance(b, dict) and b.get("type") == "tool_result" for b in content)


# --- chat ---


def _strip_details(body: JsonObject) -> bool:
    """Gemini's tokens on calls are never in an envelope here; a vendor that is not Google does not look at them."""
    changed = False
    for message in _objects(body, "messages"):
        details = message.get("reasoning_details")
        if isinstance(details, list) and (kept := [item for item in details if not _is_sealed(item)]) != details:
            changed = True
            if kept:
                message["reasoning_details"] = kept
            else:
                del message["reasoning_details"]
    return changed


def _is_sealed(item: Json) -> bool:
    return isinstance(item, dict) and any(
        isinstance(value, str) and open_envelope(value) is not None
        for value in (item.get("signature"), item.get("data"))
    )


def _strip_chat(body: JsonObject, *, google: bool) -> bool:
    """A call that lost its token gets Google's placeholder: without one Google would refuse it once more. A vendor that does not
    know the field (google: False) is sent none."""
    found = [(message, name) for message in _objects(body, "messages") for name in _CHAT_REASONING if name in message]
    for message, name in found:
        del message[name]
    changed = bool(found)
    for message in _objects(body, "messages"):
        for call in _objects(message, "tool_calls"):
            extra = call.get("extra_content")
            if not google and extra is not None:
                del call["extra_content"]
                changed = True
                continue
            own = extra.get("google") if isinstance(extra, dict) else None
            if isinstance(own, dict) and own.get("thought_signature", PLACEHOLDER) != PLACEHOLDER:
                own["thought_signature"] = PLACEHOLDER
                changed = True
    return changed


# --- responses ---


def _edit_items(body: JsonObject, rule: _BlockRule) -> bool:
    items = body.get("input")
    if not isinstance(items, list):
        return False
    edited = [rule(item) if isinstance(item, dict) else item for item in items]
    if all(new is old for new, old in zip(edited, items, strict=True)):
        return False
    items[:] = [item for item in edited if item is not None]
    return True


def _unsealed(item: JsonObject) -> JsonObject | None:
    """The id is part of what OpenAI encrypted: with another one the content is refused, without one it is not. What has no
    content is looked up by its id, where ours is unknown."""
    match item:
        case {"type": "reasoning", "id": str(id_)} if id_.startswith(OUR_REASONING) and not item.get(
            "encrypted_content"
        ):
            return None
        case {"type": "reasoning", "encrypted_content": str(sealed)} if (token := open_envelope(sealed)) is not None:
            if token.origin != "r":
                return None
            plain = {name: value for name, value in item.items() if name != "id"}
            return {**plain, **({"id": token.id} if token.id else {}), "encrypted_content": token.value}
    return item


def _strip_items(body: JsonObject) -> bool:
    """What the reasoning led to loses its id: by the id OpenAI knows that there was reasoning, and demands it."""
    if not _edit_items(body, lambda item: None if item.get("type") == "reasoning" else item):
        return False
    for item in _objects(body, "input"):
        if item.get("type") in _LED_TO and item.get("role", "assistant") == "assistant":
            item.pop("id", None)
    return True


# --- kiro ---


def _strip_history(body: JsonObject) -> bool:
    state = body.get("conversationState")
    answers = (
        [turn.get("assistantResponseMessage") for turn in _objects(state, "history")] if isinstance(state, dict) else []
    )
    found = [answer for answer in answers if isinstance(answer, dict) and "reasoningContent" in answer]
    for answer in found:
        del answer["reasoningContent"]
    return bool(found)
