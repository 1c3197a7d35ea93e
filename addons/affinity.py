"""What tells a conversation from others, so that all its requests go to one account and find their prompt cached there."""

from hashlib import blake2b

from addons.exchange import Exchange
from addons.upstream_request import thread_of
from converters.json_codec import Json, JsonObject, dumps

# Where a protocol has its system prompt and its messages.
_SYSTEM = {"chat": (), "responses": ("instructions",), "anthropic": ("system",), "gemini": ("systemInstruction",)}
_MESSAGES = {"chat": "messages", "responses": "input", "anthropic": "messages", "gemini": "contents"}
_BEFORE_USER = ("system", "developer")


def affinity_of(exchange: Exchange) -> str:
    """The client's word for the conversation, else a hash of its first messages, which all its requests repeat."""
    if thread := thread_of(exchange):
        return thread
    first = first_messages(exchange.wire.name, exchange.body)
    return blake2b(dumps(first), digest_size=16).hexdigest() if first else ""


def first_messages(wire: str, body: JsonObject) -> list[Json]:
    """System prompt and the first message of the user, as they stand in a body; empty where there are none."""
    found: list[Json] = [body[name] for name in _SYSTEM[wire] if body.get(name)]
    messages = body.get(_MESSAGES[wire])
    if isinstance(messages, str):
        return [*found, messages]
    for message in messages if isinstance(messages, list) else ():
        found.append(message)
        if not (isinstance(message, dict) and message.get("role") in _BEFORE_USER):
            break
    return found
