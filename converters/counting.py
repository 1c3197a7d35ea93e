"""Token counting between protocols (conversion rules 16): the client's counting call becomes a generating body, which goes
through the hub like any other, and what the hub built for the provider becomes the provider's counting call.

Sources: parameter types of the vendors' own libraries (anthropic 2.12 `MessageCountTokensParams`, openai 3.54
`InputTokenCountParams`); Gemini API reference, `CountTokensRequest` (read 2026-11).
"""

from converters.errors import ConversionError, Kind, UpstreamError
from converters.fields import obj, string
from converters.gemini.names import camel
from converters.json_codec import Json, JsonObject

_KEPT = {
    "anthropic": frozenset(
        "model messages system tools tool_choice thinking output_config cache_control speed"
        " context_management mcp_servers".split()  # of the beta call
    ),
    "responses": frozenset(
        "model input instructions tools tool_choice parallel_tool_calls reasoning text truncation"
        " conversation previous_response_id personality".split()
    ),
    "gemini": frozenset("contents systemInstruction tools toolConfig cachedContent".split()),
}
_FORMAT = ("responseMimeType", "responseSchema", "responseJsonSchema")  # Gemini's options that the model gets to read
_WRAPPED = "generateContentRequest"
_COUNTED = {"anthropic": "input_tokens", "responses": "input_tokens", "gemini": "totalTokens"}
_LEAST = 16  # tokens of answer that every provider takes without a change


def count_body(wire_name: str, body: JsonObject) -> JsonObject:
    """The client's counting request as a body that `parse_request` of its wire takes. `body` is not changed.

    gemini: `model`, from the path, is in the body already, as it is for generating; a second one, inside a whole request, must
    be the same, and contents beside a whole request are ignored, as Google does. Raises ConversionError that names the field.
    """
    if wire_name == "anthropic" and body.get("max_tokens") is None:
        thinking = body.get("thinking")
        budget = thinking.get("budget_tokens") if isinstance(thinking, dict) else None
        # less than the budget would switch thinking off, and its blocks would not be counted
        return {**body, "max_tokens": budget + 1 if isinstance(budget, int) else _LEAST}
    return _unwrapped(camel(body)) if wire_name == "gemini" else body


def _unwrapped(body: JsonObject) -> JsonObject:
    whole = obj(body, _WRAPPED)
    if whole is None:
        return {name: value for name, value in body.items() if name != _WRAPPED}
    whole = camel(whole)
    outer, inner = string(body, "model"), string(whole, "model", _WRAPPED)
    if outer is None:
        return whole
    if inner is not None and inner.removeprefix("models/") != outer.removeprefix("models/"):
        path = f"{_WRAPPED}.model"
        raise ConversionError(f"`{path}` is `{inner}`, but the path asks `{outer}`", param=path, code="invalid_value")
    return {**whole, "model": outer}


def to_count_request(wire_name: str, body: JsonObject, model: str) -> JsonObject | None:
    """What `build_request` made for a provider, as the body of its counting call; None when it has no such call.

    gemini: thought without its text, which is all that is sent of it, counts for nothing, and Google's other API refuses it.
    """
    kept = _KEPT.get(wire_name)
    if kept is None:
        return None
    counted = {name: value for name, value in body.items() if name in kept}
    if wire_name != "gemini":
        return counted
    config = body.get("generationConfig")
    if isinstance(config, dict) and (format_ := {name: config[name] for name in _FORMAT if name in config}):
        counted["generationConfig"] = format_
    counted["contents"] = _without_thought(counted.get("contents"))
    name = model if model.startswith(("models/", "tunedModels/")) else f"models/{model}"
    return {_WRAPPED: {"model": name, **counted}}


def _without_thought(contents: Json) -> Json:
    kept: list[Json] = []
    for content in contents if isinstance(contents, list) else []:
        parts = content.get("parts") if isinstance(content, dict) else None
        if isinstance(content, dict) and isinstance(parts, list):
            rest = [part for part in parts if not (isinstance(part, dict) and part.get("thought") is True)]
            if not rest:
                continue
            content = {**content, "parts": rest}
        kept.append(content)
    return kept


def read_count(wire_name: str, body: Json) -> int:
    """The number of a provider's answer. Raises UpstreamError when it holds none."""
    count = body.get(_COUNTED[wire_name]) if isinstance(body, dict) else None
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise UpstreamError(Kind.BROKEN_STREAM, "the provider's answer holds no count of tokens")
    return count


def write_count(wire_name: str, count: int) -> JsonObject:
    """The answer to a client's counting request."""
    if wire_name == "responses":
        return {"object": "response.input_tokens", "input_tokens": count}
    return {_COUNTED[wire_name]: count}
