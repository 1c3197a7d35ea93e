"""A client's Messages request -> Chat.

Source: Anthropic API reference, "Create a message"; type definitions of anthropic-sdk-python (read 2026-11).
"""

from converters.anthropic.cache import parse_cache
from converters.anthropic.known import KNOWN
from converters.anthropic.parse_tools import parse_tools
from converters.anthropic.parse_turns import parse_turns
from converters.fields import (
    array,
    at,
    boolean,
    integer,
    malformed,
    missing,
    number,
    obj,
    objects,
    required_obj,
    required_string,
    string,
)
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.turns import Chat, Effort, Format, Reasoning, SystemText
from converters.unread import report_unread

_EFFORTS: dict[str, Effort] = {"low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}
_DISPLAYS = ("summarized", "omitted")
_READ = frozenset(
    "model max_tokens messages system stream temperature top_p top_k stop_sequences metadata tools tool_choice thinking"
    " output_config output_format".split()
)


def parse_request(body: JsonObject, loss: Loss) -> Chat:
    """Any JSON object gives a Chat or a ConversionError that names the field.

    Top-level fields that have no place in the hub go to `chat.native` as they came, null ones excepted; so do unknown
    fields of `metadata` and `output_config`.
    """
    chat = Chat(required_string(body, "model"), "anthropic")
    chat.max_tokens = _max_tokens(body)
    chat.system = _system(body)
    chat.turns = parse_turns(body, loss)
    parse_tools(body, chat)
    chat.temperature = number(body, "temperature")
    chat.top_p = number(body, "top_p")
    chat.top_k = integer(body, "top_k")
    chat.stop = _stop(body)
    chat.native = {key: value for key, value in body.items() if key not in _READ and value is not None}
    chat.user = _user(body, chat)
    effort = _output_config(body, chat)
    chat.reasoning = _reasoning(body, effort, loss)
    chat.stream = boolean(body, "stream") or False
    chat.want_usage = True  # an answer of this protocol always tells it
    report_unread(body, KNOWN, loss)
    return chat


def _max_tokens(body: JsonObject) -> int:
    """0 is allowed: it only warms the prompt cache."""
    wanted = integer(body, "max_tokens")
    if wanted is None:
        raise missing("max_tokens")
    if wanted < 0:
        raise malformed("max_tokens", "0 or more")
    return wanted


def _system(body: JsonObject) -> list[SystemText]:
    if isinstance(text := body.get("system"), str):
        return [SystemText(text)] if text else []
    texts = []
    for path, block in objects(body, "system"):
        if block.get("type") != "text":
            raise malformed(at(path, "type"), "`text`")
        texts.append(SystemText(string(block, "text", path) or "", parse_cache(block, path)))
    return texts


def _stop(body: JsonObject) -> list[str]:
    stop = array(body, "stop_sequences") or []
    texts = [text for text in stop if isinstance(text, str)]
    if len(texts) != len(stop):
        raise malformed("stop_sequences", "a list of strings")
    return texts


def _user(body: JsonObject, chat: Chat) -> str | None:
    metadata = obj(body, "metadata") or {}
    _keep_unknown("metadata", metadata, {"user_id"}, chat)
    return string(metadata, "user_id", "metadata")


def _output_config(body: JsonObject, chat: Chat) -> Effort | None:
    """Returns the effort. `output_format` is the older place of the format."""
    config = obj(body, "output_config") or {}
    _keep_unknown("output_config", config, {"effort", "format"}, chat)
    chat.format = _format(config, "format", "output_config") or _format(body, "output_format", "")
    word = string(config, "effort", "output_config")
    if word is not None and word not in _EFFORTS:
        raise malformed("output_config.effort", "one of " + ", ".join(_EFFORTS))
    return _EFFORTS[word] if word is not None else None


def _format(holder: JsonObject, key: str, path: str) -> Format | None:
    wanted = obj(holder, key, path)
    if wanted is None:
        return None
    path = at(path, key)
    if wanted.get("type") != "json_schema":
        raise malformed(at(path, "type"), "`json_schema`")
    return Format("json_schema", schema=required_obj(wanted, "schema", path), strict=True)


def _keep_unknown(name: str, value: JsonObject, known: set[str], chat: Chat) -> None:
    unknown: JsonObject = {key: item for key, item in value.items() if key not in known and item is not None}
    if unknown:
        chat.native[name] = unknown


def _reasoning(body: JsonObject, effort: Effort | None, loss: Loss) -> Reasoning | None:
    """An effort without `thinking` tunes the answer but asks for no thinking blocks: mode manual, nothing visible, no budget."""
    thinking = obj(body, "thinking")
    if thinking is None:
        return None if effort is None else Reasoning(effort, visible=False)
    display = string(thinking, "display", "thinking")
    if display not in (None, *_DISPLAYS):
        loss.change("thinking.display", "shown as a summary")
    shown = display != "omitted"
    match thinking.get("type"):
        case "enabled":
            budget = integer(thinking, "budget_tokens", "thinking")
            if budget is None:
                raise missing("thinking.budget_tokens")
            return Reasoning(effort, budget, "manual", shown)
        case "adaptive" | "between_tools" as kind:
            if kind == "between_tools":
                loss.change("thinking.type", "other providers think whenever they like")
            return Reasoning(effort, None, "adaptive", shown)
        case "disabled":
            return Reasoning(effort or "none", None, "off", visible=False)
    raise malformed("thinking.type", "`enabled`, `adaptive`, `between_tools` or `disabled`")
