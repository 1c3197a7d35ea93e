"""Chat -> a provider's Messages body.

Serialises only: names, ids, order and pairing of calls, schemas and foreign tokens were put right before (`converters.prepare`).
Source: Anthropic API reference, "Create a message" (read 2026-11).
"""

import hashlib
import re

from converters.anthropic.build_tools import build_tools
from converters.anthropic.build_turns import build_turns
from converters.anthropic.cache import MAX_MARKS, drop_surplus_marks
from converters.anthropic.thinking import put_thinking
from converters.errors import ConversionError
from converters.foreign import leave_out_foreign
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.models import anthropic_max_output
from converters.profile import Profile
from converters.turns import Chat

_USER_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def build_request(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
    """Raises ConversionError for what the Messages API has no place for."""
    if chat.n is not None and chat.n > 1:
        raise ConversionError(
            "the Messages API gives one answer, `n` must be 1", param="n", code="unsupported_parameter"
        )
    max_tokens = _max_tokens(chat, profile, loss)
    body: JsonObject = {"model": chat.model, "max_tokens": max_tokens}
    body.update(build_turns(chat, profile, loss))
    body.update(build_tools(chat))
    _put_sampling(body, chat, loss)
    put_thinking(body, chat, max_tokens, loss)
    if chat.format is not None and chat.format.schema is not None:
        _merge(body, "output_config", {"format": {"type": "json_schema", "schema": chat.format.schema}})
    if chat.user is not None:
        body["metadata"] = {"user_id": _user_id(chat)}
    _put_native(body, chat, loss)
    if chat.stream:
        body["stream"] = True
    _drop_foreign(chat, loss)
    if drop_surplus_marks(body):
        loss.drop("cache_control", f"only {MAX_MARKS} marks are possible, the last ones are kept")
    for name in sorted(profile.rejected & body.keys()):
        del body[name]
        loss.drop(name, "this provider rejects the field")
    return body


def _max_tokens(chat: Chat, profile: Profile, loss: Loss) -> int:
    """9: the field is required upstream; the model's limit where the client named none."""
    limit = profile.max_output_tokens or anthropic_max_output(chat.model)
    if chat.max_tokens is None:
        return limit
    if chat.max_tokens > limit:
        loss.change("max_tokens", f"lowered to the model's limit of {limit}")
        return limit
    return chat.max_tokens


def _put_sampling(body: JsonObject, chat: Chat, loss: Loss) -> None:
    if (temperature := chat.temperature) is not None:
        if temperature > 1:
            loss.change("temperature", "lowered to 1, the most that is possible")
            temperature = 1
        body["temperature"] = temperature
    if chat.top_p is not None and chat.temperature is not None:
        loss.drop("top_p", "newer models refuse it beside temperature")
    elif chat.top_p is not None:
        body["top_p"] = chat.top_p
    if chat.top_k is not None:
        body["top_k"] = chat.top_k
    stop = [text for text in chat.stop if text.strip()]
    if len(stop) < len(chat.stop):
        loss.change("stop", "stop sequences of white space only are refused and left out")
    if stop:
        body["stop_sequences"] = [*stop]


def _user_id(chat: Chat) -> str:
    """10: ids of other protocols may be anything; a client of this one sends what the provider takes."""
    user = chat.user or ""
    if chat.client == "anthropic" or _USER_ID.fullmatch(user):
        return user
    return hashlib.sha256(user.encode()).hexdigest()[:32]


def _put_native(body: JsonObject, chat: Chat, loss: Loss) -> None:
    """What only the client's own protocol has: sent on to the same protocol, else left out or refused."""
    if chat.client != "anthropic":
        leave_out_foreign(chat, loss, "the Messages API")
        return
    for name, value in chat.native.items():
        if isinstance(value, dict):
            _merge(body, name, value)
        else:
            body.setdefault(name, value)


def _merge(body: JsonObject, name: str, value: JsonObject) -> None:
    there = body.get(name)
    body[name] = {**value, **there} if isinstance(there, dict) else value


def _drop_foreign(chat: Chat, loss: Loss) -> None:
    """Fields of the hub that the Messages API does not have."""
    tuning = {
        "seed": chat.seed,
        "presence_penalty": chat.presence,
        "frequency_penalty": chat.frequency,
        "logprobs": chat.logprobs or None,
        "top_logprobs": chat.top_logprobs,
        "verbosity": chat.verbosity,
    }
    for name, value in tuning.items():
        if value is not None:
            loss.drop(name, "the Messages API has no such field")
    if chat.cache_key is not None:
        loss.note("prompt_cache_key", "the Messages API finds its cache by content")
