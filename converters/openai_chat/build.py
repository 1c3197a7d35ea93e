"""Chat -> a provider's Chat Completions body.

Serialises only: names, ids, order and pairing of calls, and foreign tokens were put right before (`converters.prepare`).
Source: OpenAI API reference, "create chat completion" (read 2026-11).
"""

import hashlib
import re
from collections.abc import Callable

from converters.foreign import leave_out_foreign
from converters.json_codec import Json, JsonObject, dumps_text
from converters.levels import budget_for, effort_for, nearest
from converters.loss import Loss
from converters.models import openai_is_reasoning
from converters.openai_chat.build_parts import note_cache
from converters.openai_chat.build_turns import build_turns
from converters.profile import Profile
from converters.turns import Chat, Effort, Format, Reasoning, Tool, ToolChoice

_MAX_STOPS = 4
_MAX_USER = 64  # characters; Claude Code's ids are over 100
_FIXED_SAMPLING = {"temperature": 1, "top_p": 1, "presence_penalty": 0, "frequency_penalty": 0}
_NOT_REASONING = re.compile(r"(gpt-3|gpt-4|chatgpt)")
_EFFORTS: tuple[tuple[re.Pattern[str], tuple[Effort, ...]], ...] = (
    (re.compile(r"o\d"), ("low", "medium", "high")),
    (re.compile(r"gpt-5(-|$)"), ("minimal", "low", "medium", "high")),
    (re.compile(r"gpt-5\.1(-|$)"), ("none", "low", "medium", "high")),
)


def build_request(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
    """Raises ConversionError for content that Chat Completions has no place for."""
    format_, words = _format(chat.format, profile, loss)
    body: JsonObject = {"model": chat.model, "messages": build_turns(chat, profile, loss, words)}
    _put_tools(body, chat, profile, loss)
    _put_limits(body, chat, profile, loss)
    if chat.reasoning is not None:
        _REASONING[profile.reasoning](body, chat.model, chat.reasoning, loss)
    if openai_is_reasoning(chat.model) and body.get("reasoning_effort") != "none":
        _drop_sampling(body, loss)
    if format_ is not None:
        body["response_format"] = format_
    if chat.verbosity is not None:
        body["verbosity"] = chat.verbosity
    _put_identity(body, chat, loss)
    body["stream"] = chat.stream  # also when false: some gateways stream unless told not to
    if chat.stream and profile.stream_options:
        body["stream_options"] = {"include_usage": True}
    _put_native(body, chat, loss)
    for name in sorted(profile.rejected & body.keys()):
        del body[name]
        loss.drop(name, "this provider rejects the field")
    return body


# --- tools ---


def _put_tools(body: JsonObject, chat: Chat, profile: Profile, loss: Loss) -> None:
    tools: list[Json] = [sent for tool in chat.tools if (sent := _tool(tool, profile, loss)) is not None]
    if not tools:  # an empty list, or a choice without tools, is refused by many vendors
        return
    body["tools"] = tools
    if chat.tool_choice is not None:
        body["tool_choice"] = _tool_choice(chat.tool_choice, chat.tools, profile, loss)
    if chat.parallel is not None:
        if profile.parallel_tool_calls:
            body["parallel_tool_calls"] = chat.parallel
        else:
            loss.drop("parallel_tool_calls", "this provider does not know it")


def _tool(tool: Tool, profile: Profile, loss: Loss) -> JsonObject | None:
    note_cache(tool.cache, loss)
    if tool.kind in ("hosted", "builtin"):
        if tool.native is not None and tool.native[0] == "chat" and isinstance(tool.native[1], dict):
            return tool.native[1]
        loss.drop(f"tools.{tool.name}", "run by the provider of the client's protocol, not by this one")
        return None
    defined: JsonObject = {"name": tool.name}
    if tool.description is not None:
        defined["description"] = tool.description
    if tool.kind == "custom":
        if tool.grammar is not None:
            defined["format"] = {"type": "grammar", "grammar": tool.grammar}
        return {"type": "custom", "custom": defined}
    defined["parameters"] = {"type": "object", "properties": {}} if tool.schema is None else tool.schema
    if tool.strict is not None and profile.strict_tools:
        defined["strict"] = tool.strict
    elif tool.strict:
        loss.drop("tools.strict", "this provider does not know it")
    return {"type": "function", "function": defined}


def _tool_choice(choice: ToolChoice, tools: list[Tool], profile: Profile, loss: Loss) -> Json:
    if choice.hosted is not None:
        return {"type": choice.hosted}
    if choice.names:
        kinds = {tool.name: "custom" if tool.kind == "custom" else "function" for tool in tools}
        named: list[Json] = [_choose(name, kinds.get(name, "function")) for name in choice.names]
        if len(named) == 1 and choice.mode == "required":
            return named[0]
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": named}}
    if choice.mode == "required" and not profile.tool_choice_required:
        loss.change("tool_choice", "this provider takes no `required`, sent as `auto`")
        return "auto"
    return choice.mode


def _choose(name: str, kind: str) -> JsonObject:
    return {"type": kind, kind: {"name": name}}


# --- sampling and limits ---


def _put_limits(body: JsonObject, chat: Chat, profile: Profile, loss: Loss) -> None:
    if chat.max_tokens is not None:
        body[_max_tokens_name(chat, profile)] = _max_tokens(chat.max_tokens, profile, loss)
    stop = chat.stop
    if len(stop) > _MAX_STOPS:
        loss.change("stop", f"only {_MAX_STOPS} stop sequences are possible, the first ones are kept")
        stop = stop[:_MAX_STOPS]
    top_k = chat.top_k
    if top_k is not None and not profile.top_k:
        loss.drop("top_k", "this provider does not know it")
        top_k = None
    if chat.n is not None and chat.n > 1 and chat.client != "chat":
        loss.change("n", "only the first answer can be converted")
    options: JsonObject = {
        "temperature": chat.temperature,
        "top_p": chat.top_p,
        "top_k": top_k,
        "stop": [*stop] if stop else None,
        "seed": chat.seed,
        "presence_penalty": chat.presence,
        "frequency_penalty": chat.frequency,
        "n": chat.n,
        "logprobs": chat.logprobs,
        "top_logprobs": chat.top_logprobs,
    }
    body.update({name: value for name, value in options.items() if value is not None})


def _max_tokens_name(chat: Chat, profile: Profile) -> str:
    """OpenAI's reasoning models refuse `max_tokens`; most compatible vendors know nothing else."""
    if profile.max_tokens_name != "auto":
        return profile.max_tokens_name
    newer = chat.max_tokens_name == "max_completion_tokens" or openai_is_reasoning(chat.model)
    return "max_completion_tokens" if newer else "max_tokens"


def _max_tokens(wanted: int, profile: Profile, loss: Loss) -> int:
    limit = profile.max_output_tokens
    if limit is None or wanted <= limit:
        return wanted
    loss.change("max_tokens", f"lowered to the provider's limit of {limit}")
    return limit


def _drop_sampling(body: JsonObject, loss: Loss) -> None:
    """OpenAI's models answer 400 to any other value than these while they reason."""
    for name, fixed in _FIXED_SAMPLING.items():
        if body.get(name, fixed) != fixed:
            del body[name]
            loss.drop(name, "this model cannot be tuned so while it reasons")


# --- reasoning ---


def _put_effort(body: JsonObject, model: str, reasoning: Reasoning, loss: Loss) -> None:
    effort = _effort(reasoning)
    if effort is None:
        return
    bare = model.lower().rsplit("/", 1)[-1]
    if _NOT_REASONING.match(bare):
        if effort != "none":
            loss.drop("reasoning_effort", "this model does not reason")
        return
    allowed = next((levels for pattern, levels in _EFFORTS if pattern.match(bare)), (effort,))
    sent = nearest(effort, allowed)
    if sent != effort:
        loss.change("reasoning_effort", f"this model has no `{effort}`, sent as `{sent}`")
    body["reasoning_effort"] = sent


def _put_switch(body: JsonObject, model: str, reasoning: Reasoning, loss: Loss) -> None:
    """Qwen: a switch, and a budget where a level or a number was named."""
    effort = _effort(reasoning)
    body["enable_thinking"] = effort != "none"
    if effort is not None and effort != "none":
        body["thinking_budget"] = budget_for(effort) if reasoning.budget is None else reasoning.budget


def _put_nothing(body: JsonObject, model: str, reasoning: Reasoning, loss: Loss) -> None:
    if _effort(reasoning) != "none":
        loss.drop("reasoning", "this provider has no such setting")


_REASONING: dict[str, Callable[[JsonObject, str, Reasoning, Loss], None]] = {
    "effort": _put_effort,
    "enable_thinking": _put_switch,
    "none": _put_nothing,
}


def _effort(reasoning: Reasoning) -> Effort | None:
    """The level asked for, from a number if need be; None: as much as the model likes."""
    if reasoning.mode == "off":
        return "none"
    if reasoning.effort is None and reasoning.budget is not None:
        return effort_for(reasoning.budget)
    return reasoning.effort


# --- the rest ---


def _format(wanted: Format | None, profile: Profile, loss: Loss) -> tuple[JsonObject | None, str | None]:
    """`response_format`, and the words that stand in for it where the provider cannot enforce a schema."""
    if wanted is None:
        return None, None
    if wanted.kind != "json_schema" or wanted.schema is None:
        return {"type": "text" if wanted.kind == "text" else "json_object"}, None
    if not profile.json_schema:
        loss.change("response_format", "this provider takes no schema: asked for in words, only JSON is enforced")
        schema = dumps_text(wanted.schema)
        return {"type": "json_object"}, f"Answer with one JSON object that matches this JSON schema:\n{schema}"
    described: JsonObject = {"name": wanted.name, "schema": wanted.schema, "strict": wanted.strict or False}
    if wanted.description is not None:
        described["description"] = wanted.description
    return {"type": "json_schema", "json_schema": described}, None


def _put_identity(body: JsonObject, chat: Chat, loss: Loss) -> None:
    if chat.user is not None:
        if len(chat.user) > _MAX_USER:
            loss.note("user", "too long, its hash is sent")
            body["user"] = hashlib.sha256(chat.user.encode()).hexdigest()[:32]
        else:
            body["user"] = chat.user
    if chat.cache_key is not None:
        body["prompt_cache_key"] = chat.cache_key


def _put_native(body: JsonObject, chat: Chat, loss: Loss) -> None:
    """What only the client's own protocol has: sent on to the same protocol, else left out or refused."""
    if chat.client != "chat":
        leave_out_foreign(chat, loss, "Chat Completions")
        return
    for name, value in chat.native.items():
        body.setdefault(name, value)
