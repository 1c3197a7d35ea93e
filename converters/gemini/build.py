"""Chat -> a provider's generateContent body, without the model, which stands in the path.

Serialises only: names, ids, order and pairing of calls, and foreign tokens were put right before (`converters.prepare`).
Source: Gemini API reference, "generateContent"; type definitions of python-genai 3.4 (read 2026-11).
"""

from converters.foreign import leave_out_foreign
from converters.gemini.build_tools import build_tools
from converters.gemini.build_turns import build_turns
from converters.gemini.models import gemini_model
from converters.gemini.schema import clean_schema
from converters.gemini.thinking import build_thinking
from converters.json_codec import JsonObject, dumps_text
from converters.loss import Loss
from converters.profile import Profile
from converters.turns import Chat, Format

_MAX_STOPS = 5
_MAX_TEMPERATURE = 2
_ONE_OBJECT = "Answer with one JSON object and nothing else."
_ONE_WORD = "Answer with one JSON value and nothing else."


def build_request(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
    """Raises ConversionError for what the Gemini API has no place for."""
    config = _sampling(chat, profile, loss)
    words = _put_format(config, chat, loss)
    if thinking := build_thinking(chat, loss):
        config["thinkingConfig"] = thinking
    body = build_turns(chat, loss, words)
    body.update(build_tools(chat, loss))
    if config:
        body["generationConfig"] = config
    _put_native(body, chat, loss)
    _drop_foreign(chat, loss)
    for name in sorted(profile.rejected & body.keys()):
        del body[name]
        loss.drop(name, "this provider rejects the field")
    return body


def _sampling(chat: Chat, profile: Profile, loss: Loss) -> JsonObject:
    temperature, limit, max_tokens = chat.temperature, profile.max_output_tokens, chat.max_tokens
    if temperature is not None and temperature > _MAX_TEMPERATURE:
        loss.change("temperature", f"lowered to {_MAX_TEMPERATURE}, the most that is possible")
        temperature = _MAX_TEMPERATURE
    if limit is not None and max_tokens is not None and max_tokens > limit:
        loss.change("max_tokens", f"lowered to the provider's limit of {limit}")
        max_tokens = limit
    stop = chat.stop
    if len(stop) > _MAX_STOPS:
        loss.change("stop", f"only {_MAX_STOPS} stop sequences are possible, the first ones are kept")
        stop = stop[:_MAX_STOPS]
    if chat.n is not None and chat.n > 1 and chat.client != "gemini":
        loss.change("n", "only the first candidate can be converted")
    options: JsonObject = {
        "maxOutputTokens": max_tokens,
        "temperature": temperature,
        "topP": chat.top_p,
        "topK": chat.top_k,
        "stopSequences": [*stop] if stop else None,
        "presencePenalty": chat.presence,
        "frequencyPenalty": chat.frequency,
        "seed": chat.seed,
        "candidateCount": chat.n,
        "responseLogprobs": chat.logprobs,
        "logprobs": chat.top_logprobs,
    }
    return {name: value for name, value in options.items() if value is not None}


def _put_format(config: JsonObject, chat: Chat, loss: Loss) -> list[str]:
    """8: sets the answer's type and schema; returns the words that stand in for them where the model cannot enforce them."""
    wanted = chat.format
    if wanted is None or wanted.kind == "text":
        return []
    schema = _schema(wanted, loss)
    if any(tool.kind == "function" for tool in chat.tools) and not gemini_model(chat.model).newer:
        loss.change("response_format", "this model takes no JSON mode beside tools: asked for in words, not enforced")
        if schema is None:
            return [_ONE_OBJECT]
        ask = _ONE_OBJECT if schema.get("type") == "object" else _ONE_WORD
        return [f"{ask} It must match this JSON schema:\n{dumps_text(wanted.schema)}"]
    config["responseMimeType"] = "application/json"
    if schema is not None:
        config["responseJsonSchema"] = schema
    return []


def _schema(wanted: Format, loss: Loss) -> JsonObject | None:
    if wanted.kind != "json_schema" or wanted.schema is None:
        return None
    schema, lost = clean_schema(wanted.schema)
    if lost:
        loss.change("response_format", "not enforced: " + ", ".join(lost))
    return schema


def _put_native(body: JsonObject, chat: Chat, loss: Loss) -> None:
    """What only the client's own protocol has: sent on to the same protocol, else left out or refused."""
    if chat.client != "gemini":
        leave_out_foreign(chat, loss, "the Gemini API")
        return
    for name, value in chat.native.items():
        outer, _, inner = name.partition(".")
        if not inner:
            body.setdefault(name, value)
        elif isinstance(holder := body.setdefault(outer, {}), dict):
            holder[inner] = value


def _drop_foreign(chat: Chat, loss: Loss) -> None:
    """Fields of the hub that the Gemini API does not have."""
    if chat.parallel is False:
        loss.drop("parallel_tool_calls", "the Gemini API has no such field")
    if chat.verbosity is not None:
        loss.drop("verbosity", "the Gemini API has no such field")
    if chat.user is not None:
        loss.note("user", "the Gemini API has no such field")
    if chat.cache_key is not None:
        loss.note("prompt_cache_key", "the Gemini API finds its cache by content")
