"""A client's Chat Completions request -> Chat.

Source: OpenAI API reference, "create chat completion" (read 2026-11); extensions of compatible servers as marked.
"""

from converters.fields import (
    at,
    boolean,
    integer,
    malformed,
    number,
    obj,
    required_obj,
    required_string,
    string,
)
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.openai_chat.known import KNOWN
from converters.openai_chat.parse_tools import parse_tool_choice, parse_tools
from converters.openai_chat.parse_turns import parse_turns
from converters.turns import Chat, Effort, Format, Reasoning
from converters.unread import report_unread

_EFFORTS: dict[str, Effort] = {
    "none": "none",
    "minimal": "minimal",
    "low": "low",
    "medium": "medium",
    "high": "high",
    "xhigh": "xhigh",
    "max": "max",
}
_READ = frozenset(
    "model messages tools functions tool_choice function_call parallel_tool_calls max_completion_tokens max_tokens"
    " temperature top_p top_k stop seed presence_penalty frequency_penalty n logprobs top_logprobs"
    " reasoning_effort reasoning enable_thinking thinking_budget response_format verbosity user safety_identifier"
    " prompt_cache_key stream stream_options".split()
)


def parse_request(body: JsonObject, loss: Loss) -> Chat:
    """Any JSON object gives a Chat or a ConversionError that names the field.

    Top-level fields that have no place in the hub go to `chat.native` as they came, null ones excepted.
    """
    chat = Chat(required_string(body, "model"), "chat")
    parse_turns(body.get("messages"), chat, loss)
    chat.tools = parse_tools(body)
    chat.tool_choice = parse_tool_choice(body)
    chat.parallel = boolean(body, "parallel_tool_calls")
    _limits(body, chat)
    chat.reasoning = _reasoning(body, loss)
    chat.format = _format(body)
    chat.verbosity = string(body, "verbosity")
    chat.cache_key = string(body, "prompt_cache_key")
    chat.stream = boolean(body, "stream") or False
    chat.want_usage = _want_usage(body, loss)
    chat.native = {key: value for key, value in body.items() if key not in _READ and value is not None}
    _identity(body, chat)
    report_unread(body, KNOWN, loss)
    return chat


def _limits(body: JsonObject, chat: Chat) -> None:
    for name in ("max_tokens", "max_completion_tokens"):  # both given: the newer name wins
        if (limit := integer(body, name)) is not None:
            chat.max_tokens, chat.max_tokens_name = limit, name
    chat.temperature = number(body, "temperature")
    chat.top_p = number(body, "top_p")
    chat.top_k = integer(body, "top_k")
    chat.stop = _stop(body)
    chat.seed = integer(body, "seed")
    chat.presence = number(body, "presence_penalty")
    chat.frequency = number(body, "frequency_penalty")
    chat.n = integer(body, "n")
    chat.logprobs = boolean(body, "logprobs")
    chat.top_logprobs = integer(body, "top_logprobs")


def _stop(body: JsonObject) -> list[str]:
    stop = body.get("stop")
    if stop is None:
        return []
    texts = stop if isinstance(stop, list) else [stop]
    found = [text for text in texts if isinstance(text, str)]
    if len(found) != len(texts):
        raise malformed("stop", "a string or a list of strings")
    return found


def _reasoning(body: JsonObject, loss: Loss) -> Reasoning | None:
    """`reasoning_effort`; routers' `reasoning {effort, max_tokens, enabled, exclude}`; Qwen's `enable_thinking` and
    `thinking_budget`. A negative budget is "dynamic": no level."""
    router = obj(body, "reasoning") or {}
    effort = _effort(body, "reasoning_effort", "") or _effort(router, "effort", "reasoning")
    budget = integer(router, "max_tokens", "reasoning")
    budget = integer(body, "thinking_budget") if budget is None else budget
    switch = boolean(body, "enable_thinking")
    switch = boolean(router, "enabled", "reasoning") if switch is None else switch
    hidden = boolean(router, "exclude", "reasoning") or False
    if effort is None and budget is None and switch is None:
        if hidden:
            loss.note("reasoning.exclude", "no reasoning was asked for")
        return None
    if effort == "none" or switch is False or (effort is None and budget == 0):
        return Reasoning("none", mode="off", visible=not hidden)
    budget = None if budget is not None and budget < 0 else budget
    dynamic = effort is None and budget is None
    return Reasoning(effort, budget, "adaptive" if dynamic else "manual", not hidden)


def _effort(source: JsonObject, key: str, path: str) -> Effort | None:
    word = string(source, key, path)
    if word is None:
        return None
    if word not in _EFFORTS:
        raise malformed(at(path, key), "one of " + ", ".join(_EFFORTS))
    return _EFFORTS[word]


def _format(body: JsonObject) -> Format | None:
    wanted = obj(body, "response_format")
    if wanted is None:
        return None
    match required_string(wanted, "type", "response_format"):
        case "text":
            return Format("text")
        case "json_object":
            return Format("json_object")
        case "json_schema":
            path = "response_format.json_schema"
            described = required_obj(wanted, "json_schema", "response_format")
            return Format(
                "json_schema",
                string(described, "name", path) or "response",
                required_obj(described, "schema", path),
                boolean(described, "strict", path),
                string(described, "description", path),
            )
    raise malformed("response_format.type", "`text`, `json_object` or `json_schema`")


def _want_usage(body: JsonObject, loss: Loss) -> bool:
    options = obj(body, "stream_options") or {}
    for name in options.keys() - {"include_usage"}:
        loss.note(f"stream_options.{name}", "of no use outside OpenAI")
    return boolean(options, "include_usage", "stream_options") or False


def _identity(body: JsonObject, chat: Chat) -> None:
    """`safety_identifier` took the place of `user`. Given both, the hub holds one and the other stays native."""
    user, safety = string(body, "user"), string(body, "safety_identifier")
    chat.user = user if user is not None else safety
    if user is not None and safety is not None:
        chat.native["safety_identifier"] = safety
