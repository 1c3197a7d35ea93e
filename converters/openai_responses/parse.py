"""A client's Responses request -> Chat.

Source: OpenAI API reference, "create a model response" (read 2026-11).
"""

from converters.errors import ConversionError
from converters.fields import at, boolean, integer, malformed, number, obj, required_obj, required_string, string
from converters.json_codec import JsonObject
from converters.levels import LADDER
from converters.loss import Loss
from converters.openai_responses.known import KNOWN
from converters.openai_responses.parse_items import parse_input
from converters.openai_responses.parse_tools import parse_tool_choice, parse_tools
from converters.turns import Chat, Effort, Format, Reasoning, SystemText
from converters.unread import report_unread

_EFFORTS: dict[str, Effort] = {level: level for level in LADDER}
_LOGPROBS = "message.output_text.logprobs"
_READ = frozenset(
    "model input instructions tools tool_choice parallel_tool_calls max_output_tokens temperature top_p top_logprobs"
    " reasoning text user safety_identifier prompt_cache_key stream stream_options".split()
)
_UNRESOLVABLE = {  # field -> the code that the API itself uses, or would
    "previous_response_id": "previous_response_not_found",
    "conversation": "unsupported_parameter",
    "prompt": "unsupported_parameter",
    "background": "unsupported_parameter",
}


def parse_request(body: JsonObject, loss: Loss) -> Chat:
    """Any JSON object gives a Chat or a ConversionError that names the field.

    Top-level fields that have no place in the hub go to `chat.native` as they came, null ones excepted. What only the
    provider of this protocol can resolve, or do, is refused.
    """
    chat = Chat(required_string(body, "model"), "responses")
    for name, code in _UNRESOLVABLE.items():
        if body.get(name):
            message = f"`{name}` refers to what only the provider of the client's protocol holds or does"
            raise ConversionError(message, param=name, code=code)
    if instructions := string(body, "instructions"):
        chat.system.append(SystemText(instructions))
    chat.tools = parse_tools(body, "", loss)
    parse_input(body.get("input"), chat, loss)
    chat.tool_choice = parse_tool_choice(body)
    chat.parallel = boolean(body, "parallel_tool_calls")
    chat.max_tokens = integer(body, "max_output_tokens")
    chat.temperature = number(body, "temperature")
    chat.top_p = number(body, "top_p")
    chat.top_logprobs = integer(body, "top_logprobs")
    include = body.get("include")
    if chat.top_logprobs or (isinstance(include, list) and _LOGPROBS in include):
        chat.logprobs = True
    chat.reasoning = _reasoning(body, loss)
    _text(body, chat)
    chat.cache_key = string(body, "prompt_cache_key")
    chat.stream = boolean(body, "stream") or False
    for name in obj(body, "stream_options") or {}:
        loss.note(f"stream_options.{name}", "of no use outside OpenAI")
    chat.want_usage = True
    skipped = _READ | _UNRESOLVABLE.keys()
    chat.native = {key: value for key, value in body.items() if key not in skipped and value is not None}
    _identity(body, chat)
    report_unread(body, KNOWN, loss)
    return chat


def _reasoning(body: JsonObject, loss: Loss) -> Reasoning | None:
    """A summary asked for without a level: as much reasoning as the model likes. Reasoning is always shown to clients of
    this protocol, whether they asked for a summary or not (7.3)."""
    asked = obj(body, "reasoning")
    if not asked:
        return None
    for name in ("mode", "context"):
        if asked.get(name) not in (None, "auto", "standard"):
            loss.drop(f"reasoning.{name}", "of no use outside OpenAI")
    word = string(asked, "effort", "reasoning")
    key = "summary" if asked.get("summary") is not None else "generate_summary"  # the older name
    summary = string(asked, key, "reasoning")
    if summary not in (None, "auto"):
        loss.drop(f"reasoning.{key}", "how long the summary is, the provider decides")
    if word is None:
        return Reasoning(mode="adaptive") if summary else None
    if word not in _EFFORTS:
        raise malformed("reasoning.effort", "one of " + ", ".join(_EFFORTS))
    if word == "none":
        return Reasoning("none", mode="off")
    return Reasoning(_EFFORTS[word])


def _text(body: JsonObject, chat: Chat) -> None:
    text = obj(body, "text") or {}
    chat.verbosity = string(text, "verbosity", "text")
    wanted, path = obj(text, "format", "text"), "text.format"
    if wanted is None:
        return
    match required_string(wanted, "type", path):
        case "text":
            chat.format = Format("text")
        case "json_object":
            chat.format = Format("json_object")
        case "json_schema":
            chat.format = Format(
                "json_schema",
                string(wanted, "name", path) or "response",
                required_obj(wanted, "schema", path),
                boolean(wanted, "strict", path),
                string(wanted, "description", path),
            )
        case _:
            raise malformed(at(path, "type"), "`text`, `json_object` or `json_schema`")


def _identity(body: JsonObject, chat: Chat) -> None:
    """`safety_identifier` took the place of `user`. Given both, the hub holds one and the other stays native."""
    user, safety = string(body, "user"), string(body, "safety_identifier")
    chat.user = user if user is not None else safety
    if user is not None and safety is not None:
        chat.native["safety_identifier"] = safety
