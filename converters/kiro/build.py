"""Chat -> `{"conversationState": ...}`, what Kiro's generateAssistantResponse takes.

Names, ids, order and pairing of calls, foreign tokens, answer formats were put right before (`converters.prepare`). The
provider adds `profileArn` and the fields about its agent. No words of our own are added but those that stand in for a field the
client used and Kiro does not have.
Source: models of the service in AWS's own clients, and what the service was seen to refuse (read 2026-11).
"""

import hashlib

from converters.errors import ConversionError
from converters.foreign import leave_out_foreign
from converters.json_codec import Json, JsonObject, dumps
from converters.kiro.models import kiro_model
from converters.kiro.thinking import effort_fields, thinking_prefix
from converters.kiro.tools import build_tools
from converters.kiro.turns import (
    Message,
    alternating,
    keep_last_images,
    messages_of,
    system_texts,
    write_history,
    write_user,
)
from converters.loss import Loss
from converters.profile import Profile
from converters.turns import Chat, Text


def build_request(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
    """Raises ConversionError for what Kiro has no place for."""
    if chat.n is not None and chat.n > 1:
        raise ConversionError("Kiro gives one answer, `n` must be 1", param="n", code="unsupported_parameter")
    tools, words = build_tools(chat, loss)
    messages = alternating(messages_of(chat, loss))
    keep_last_images(messages, profile.image_turns, loss)
    own = system_texts(chat, loss)
    system = "\n\n".join((*own, *words))
    prefix = thinking_prefix(chat, profile)
    system = f"{prefix}\n{system}" if prefix and system else prefix or system
    state = _conversation(chat, profile, messages, system, tools)
    body: JsonObject = {"conversationState": {**state, "conversationId": conversation_id(chat, own)}}
    if profile.system_field and system and messages:
        body["systemPrompt"] = system
    if fields := effort_fields(chat, profile, loss):
        body["additionalModelRequestFields"] = fields
    leave_out_foreign(chat, loss, "Kiro")
    _drop_foreign(chat, loss)
    for name in sorted(profile.rejected & body.keys()):
        del body[name]
        loss.drop(name, "this provider rejects the field")
    return body


def _conversation(
    chat: Chat, profile: Profile, messages: list[Message], system: str, tools: list[JsonObject]
) -> JsonObject:
    if not messages:
        if not system:
            raise ConversionError("`messages` holds no content", param="messages")
        messages = [Message(True, [system])]
    elif system and not profile.system_field:
        messages[0].texts.insert(0, system)
    model, empty = kiro_model(chat.model), profile.empty_content
    current = write_user(messages[-1], model, empty)
    history = write_history(messages[:-1], model, empty)
    if tools:
        _put_tools(current, tools)
    state: JsonObject = {"chatTriggerType": "MANUAL", "currentMessage": current}
    if history:
        state["history"] = history
    return state


def _put_tools(current: JsonObject, tools: list[JsonObject]) -> None:
    """3.1.4: only here, never in the history."""
    message = current["userInputMessage"]
    assert isinstance(message, dict)
    context = message.setdefault("userInputMessageContext", {})
    assert isinstance(context, dict)
    context["tools"] = [*tools]


def conversation_id(chat: Chat, system: list[str]) -> str:
    """A UUID, the same for every request of one conversation. system: the client's system texts.

    By the client's own word for it: its cache key, or a user id that names a session as Claude Code's does. Any other user id is
    shared by many conversations (Kiro limits the length of each), so there, and without one, the beginning tells them apart.
    """
    seed: list[Json] = [chat.cache_key]
    if chat.cache_key is None:
        first = next((turn for turn in chat.turns if turn.role == "user"), None)
        opening = [part.text for part in first.parts if isinstance(part, Text)] if first is not None else []
        if chat.user is None:
            seed = [[*system], [*opening]]
        else:
            seed = [chat.user] if "session" in chat.user else [chat.user, [*opening]]
    digits = hashlib.sha256(dumps(seed)).hexdigest()
    return (
        f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{'89ab'[int(digits[16], 16) % 4]}{digits[17:20]}-{digits[20:32]}"
    )


def _drop_foreign(chat: Chat, loss: Loss) -> None:
    """9: fields of the hub that Kiro does not have. The answer's reader cuts at stop sequences and at the most tokens."""
    tuning = {
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "top_k": chat.top_k,
        "presence_penalty": chat.presence,
        "frequency_penalty": chat.frequency,
        "seed": chat.seed,
        "logprobs": chat.logprobs or None,
        "top_logprobs": chat.top_logprobs,
        "verbosity": chat.verbosity,
    }
    for name, value in tuning.items():
        if value is not None:
            loss.drop(name, "Kiro has no such field")
    if chat.stop:
        loss.note("stop", "no field: the answer is cut here")
    if chat.max_tokens is not None:
        loss.note("max_tokens", "no field: the answer is cut here, by an estimate")
    if chat.user is not None:
        loss.note("user", "no field: it only tells conversations apart")
    if chat.cache_key is not None:
        loss.note("prompt_cache_key", "no field: it only tells conversations apart")
