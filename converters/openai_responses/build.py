"""Chat -> a provider's Responses body.

Serialises only: names, ids, order and pairing of calls, schemas and foreign tokens were put right before
(`converters.prepare`). Source: OpenAI API reference, "create a model response" (read 2026-11).
"""

import hashlib

from converters.errors import ConversionError
from converters.foreign import leave_out_foreign
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_responses.build_items import build_items, note_cache
from converters.openai_responses.reasoning import include, put_reasoning
from converters.profile import Profile
from converters.turns import Chat, Format, Tool, ToolChoice

_MIN_OUTPUT = 16  # the API answers 400 to less
_MAX_ID = 64  # characters; Claude Code's ids are over 100
_LOGPROBS = "message.output_text.logprobs"


def build_request(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
    """Raises ConversionError for content that Responses has no place for."""
    if chat.n is not None and chat.n > 1:
        message = "the Responses API gives one answer, `n` must be 1"
        raise ConversionError(message, param="n", code="unsupported_parameter")
    body: JsonObject = {"model": chat.model, **build_items(chat, loss)}
    _put_tools(body, chat, profile, loss)
    _put_limits(body, chat, profile, loss)
    put_reasoning(body, chat.model, chat.reasoning, loss)
    _put_text(body, chat)
    _put_identity(body, chat, loss)
    body["stream"] = chat.stream
    body["store"] = False
    _put_native(body, chat, loss)
    _drop_foreign(chat, loss)
    for name in sorted(profile.rejected & body.keys()):
        del body[name]
        loss.drop(name, "this provider rejects the field")
    return body


# --- tools ---


def _put_tools(body: JsonObject, chat: Chat, profile: Profile, loss: Loss) -> None:
    tools: list[Json] = [sent for tool in chat.tools if (sent := _tool(tool, loss)) is not None]
    if not tools:
        return
    body["tools"] = tools
    if chat.tool_choice is not None:
        body["tool_choice"] = _tool_choice(chat.tool_choice, chat.tools, profile, loss)
    if chat.parallel is not None:
        if profile.parallel_tool_calls:
            body["parallel_tool_calls"] = chat.parallel
        else:
            loss.drop("parallel_tool_calls", "this provider does not know it")


def _tool(tool: Tool, loss: Loss) -> Json:
    """`strict` is always sent: left out it is true for every schema that fits, which nobody asked for."""
    note_cache(tool.cache, loss)
    if tool.kind in ("hosted", "builtin"):
        if tool.native is not None and tool.native[0] == "responses":
            return tool.native[1]
        loss.drop(f"tools.{tool.name}", "run by the provider of the client's protocol, not by this one")
        return None
    sent: JsonObject = {"type": tool.kind, "name": tool.name}
    if tool.description is not None:
        sent["description"] = tool.description
    if tool.kind == "custom":
        if tool.grammar is not None:
            sent["format"] = {"type": "grammar", **tool.grammar}
        return sent
    sent["parameters"] = {"type": "object", "properties": {}} if tool.schema is None else tool.schema
    sent["strict"] = tool.strict or False
    return sent


def _tool_choice(choice: ToolChoice, tools: list[Tool], profile: Profile, loss: Loss) -> Json:
    if choice.hosted is not None:
        return {"type": choice.hosted}
    if choice.names:
        kinds = {tool.name: "custom" if tool.kind == "custom" else "function" for tool in tools}
        named: list[Json] = [{"type": kinds.get(name, "function"), "name": name} for name in choice.names]
        if len(named) == 1 and choice.mode == "required":
            return named[0]
        return {"type": "allowed_tools", "mode": choice.mode, "tools": named}
    if choice.mode == "required" and not profile.tool_choice_required:
        loss.change("tool_choice", "this provider takes no `required`, sent as `auto`")
        return "auto"
    return choice.mode


# --- sampling and limits ---


def _put_limits(body: JsonObject, chat: Chat, profile: Profile, loss: Loss) -> None:
    if chat.max_tokens is not None:
        body["max_output_tokens"] = _max_tokens(chat.max_tokens, profile, loss)
    if chat.temperature is not None:
        body["temperature"] = chat.temperature
    if chat.top_p is not None:
        body["top_p"] = chat.top_p
    if chat.top_logprobs is not None:
        body["top_logprobs"] = chat.top_logprobs
    if chat.logprobs:
        include(body, _LOGPROBS)


def _max_tokens(wanted: int, profile: Profile, loss: Loss) -> int:
    limit = profile.max_output_tokens
    if limit is not None and wanted > limit:
        loss.change("max_tokens", f"lowered to the provider's limit of {limit}")
        return limit
    if wanted < _MIN_OUTPUT:
        loss.change("max_tokens", f"raised to {_MIN_OUTPUT}, the least that is possible")
        return _MIN_OUTPUT
    return wanted


def _drop_foreign(chat: Chat, loss: Loss) -> None:
    """Fields of the hub that Responses does not have."""
    tuning = {
        "top_k": chat.top_k,
        "stop": chat.stop or None,
        "seed": chat.seed,
        "presence_penalty": chat.presence,
        "frequency_penalty": chat.frequency,
    }
    for name, value in tuning.items():
        if value is not None:
            loss.drop(name, "the Responses API has no such field")


# --- the rest ---


def _put_text(body: JsonObject, chat: Chat) -> None:
    text: JsonObject = {}
    if chat.format is not None:
        text["format"] = _format(chat.format)
    if chat.verbosity is not None:
        text["verbosity"] = chat.verbosity
    if text:
        body["text"] = text


def _format(wanted: Format) -> JsonObject:
    if wanted.kind != "json_schema" or wanted.schema is None:
        return {"type": "text" if wanted.kind == "text" else "json_object"}
    sent: JsonObject = {"type": "json_schema", "name": wanted.name, "schema": wanted.schema}
    sent["strict"] = wanted.strict or False
    if wanted.description is not None:
        sent["description"] = wanted.description
    return sent


def _put_identity(body: JsonObject, chat: Chat, loss: Loss) -> None:
    """10: an Anthropic client's `user_id` lasts as long as its conversation, and so makes a cache key."""
    if chat.user is not None:
        body["user"] = _short("user", chat.user, loss)
    if chat.cache_key is not None:
        body["prompt_cache_key"] = _short("prompt_cache_key", chat.cache_key, loss)
    elif chat.user is not None and chat.client == "anthropic":
        body["prompt_cache_key"] = _hash(chat.user)


def _short(name: str, id_: str, loss: Loss) -> str:
    if len(id_) <= _MAX_ID:
        return id_
    loss.note(name, "too long, its hash is sent")
    return _hash(id_)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _put_native(body: JsonObject, chat: Chat, loss: Loss) -> None:
    """What only the client's own protocol has: sent on to the same protocol, else left out or refused."""
    if chat.client != "responses":
        leave_out_foreign(chat, loss, "the Responses API")
        return
    for name, value in chat.native.items():
        if name == "include" and isinstance(value, list):
            for each in value:
                include(body, str(each))
        elif name == "store":
            loss.note(name, "nothing is stored")
        else:
            body.setdefault(name, value)
