"""A client's generateContent request -> Chat.

Source: Gemini API reference, "generateContent"; type definitions of python-genai 3.4 (read 2026-11). camelCase and
snake_case are the same to it, and so they are here. Model and streaming stand in the path: whoever calls puts them into
the body as `model` and `stream`.
"""

from converters.errors import ConversionError
from converters.fields import array, at, boolean, malformed, number, obj, objects, required_string, string
from converters.gemini.answer_schema import format_of
from converters.gemini.known import KNOWN
from converters.gemini.names import camel
from converters.gemini.openapi import plain_schema
from converters.gemini.parse_tools import parse_tools
from converters.gemini.parse_turns import parse_turns
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.turns import Chat, Effort, Format, Reasoning, SystemText
from converters.unread import report_unread

_READ = frozenset("model stream contents systemInstruction tools toolConfig generationConfig".split())
_CONFIG_READ = frozenset(
    "maxOutputTokens temperature topP topK stopSequences presencePenalty frequencyPenalty seed candidateCount"
    " responseLogprobs logprobs thinkingConfig responseMimeType responseSchema responseJsonSchema responseModalities".split()
)
_LEVELS: dict[str, Effort | None] = {
    "MINIMAL": "minimal",
    "LOW": "low",
    "MEDIUM": "medium",
    "HIGH": "high",
    "XHIGH": "xhigh",
    "THINKING_LEVEL_UNSPECIFIED": None,
}
_DYNAMIC = -1
_CONFIG = "generationConfig"


def parse_request(body: JsonObject, loss: Loss) -> Chat:
    """Any JSON object gives a Chat or a ConversionError that names the field (in camelCase).

    What has no place in the hub goes to `chat.native` as it came: top-level fields by name, fields of `generationConfig` and
    `toolConfig` by their dotted names.
    """
    body = camel(body)
    chat = Chat(required_string(body, "model").removeprefix("models/"), "gemini")
    chat.stream = boolean(body, "stream") or False
    chat.want_usage = True  # an answer of this protocol always tells it
    chat.system = _system(body)
    chat.turns = parse_turns(body, loss)
    parse_tools(body, chat)
    _parse_config(camel(obj(body, _CONFIG) or {}), chat)
    chat.native |= {key: value for key, value in body.items() if key not in _READ and value is not None}
    report_unread(body, KNOWN, loss)
    return chat


def _system(body: JsonObject) -> list[SystemText]:
    """A text, a content, a part, or a list of parts or texts."""
    path = "systemInstruction"
    system = body.get("systemInstruction")
    if system is None or system == "":
        return []
    parts: list[Json] = system if isinstance(system, list) else [system]
    if isinstance(system, dict) and "text" not in system:
        parts = [inner] if isinstance(inner := system.get("parts"), dict) else array(system, "parts", path) or []
    holder: JsonObject = {"parts": [{"text": part} if isinstance(part, str) else part for part in parts]}
    texts = []
    for where, part in objects(holder, "parts", path):
        if (text := string(part, "text", where)) is None:
            raise malformed(where, "a text part")
        texts.append(SystemText(text))
    return texts


# --- generationConfig ---


def _parse_config(config: JsonObject, chat: Chat) -> None:
    chat.max_tokens = _integer(config, "maxOutputTokens")
    chat.temperature = number(config, "temperature", _CONFIG)
    chat.top_p = number(config, "topP", _CONFIG)
    chat.top_k = _integer(config, "topK")
    chat.stop = _stop(config)
    chat.presence = number(config, "presencePenalty", _CONFIG)
    chat.frequency = number(config, "frequencyPenalty", _CONFIG)
    chat.seed = _integer(config, "seed")
    chat.n = _integer(config, "candidateCount")
    chat.logprobs = boolean(config, "responseLogprobs", _CONFIG)
    chat.top_logprobs = _integer(config, "logprobs")
    chat.reasoning = _reasoning(camel(obj(config, "thinkingConfig", _CONFIG) or {}))
    chat.format = _format(config)
    _parse_modalities(config, chat)
    for key, value in config.items():
        if key not in _CONFIG_READ and value is not None:
            chat.native[f"{_CONFIG}.{key}"] = value


def _integer(source: JsonObject, key: str, path: str = _CONFIG) -> int | None:
    """Google's libraries send some of these as 40.0, and protobuf's JSON form allows "40"."""
    match source.get(key):
        case None:
            return None
        case bool():
            pass
        case int(value):
            return value
        case float(value) if value.is_integer():
            return int(value)
        case str(value) if value.removeprefix("-").isdecimal() and len(value) < 20:
            return int(value)
    raise malformed(at(path, key), "an integer")


def _stop(config: JsonObject) -> list[str]:
    stop = array(config, "stopSequences", _CONFIG) or []
    texts = [text for text in stop if isinstance(text, str)]
    if len(texts) != len(stop):
        raise malformed(at(_CONFIG, "stopSequences"), "a list of strings")
    return texts


def _reasoning(thinking: JsonObject) -> Reasoning | None:
    """A budget of 0 is off, -1 leaves it to the model. Thoughts are shown only to those who ask for them."""
    path = f"{_CONFIG}.thinkingConfig"
    visible = boolean(thinking, "includeThoughts", path) or False
    budget = _integer(thinking, "thinkingBudget", path)
    word = string(thinking, "thinkingLevel", path)
    if word is not None and word.upper() not in _LEVELS:
        raise malformed(at(path, "thinkingLevel"), "one of " + ", ".join(_LEVELS))
    effort = _LEVELS[word.upper()] if word is not None else None
    if budget == 0:
        return Reasoning("none", 0, "off", visible=False)
    if effort is None and budget is not None and budget <= _DYNAMIC:
        return Reasoning(mode="adaptive", visible=visible)
    if effort is None and budget is None:
        return Reasoning() if visible else None
    return Reasoning(effort, None if budget is not None and budget < 0 else budget, visible=visible)


def _format(config: JsonObject) -> Format | None:
    mime = (string(config, "responseMimeType", _CONFIG) or "").lower()
    schema = obj(config, "responseJsonSchema", _CONFIG)
    if schema is None:
        schema = obj(config, "responseSchema", _CONFIG)
    if schema is not None:
        return format_of(plain_schema(schema), as_text=mime == "text/x.enum")
    return Format("json_object") if mime == "application/json" else None


def _parse_modalities(config: JsonObject, chat: Chat) -> None:
    wanted = [item.upper() for item in array(config, "responseModalities", _CONFIG) or [] if isinstance(item, str)]
    if "AUDIO" in wanted:
        path = at(_CONFIG, "responseModalities")
        raise ConversionError("answers in audio cannot be converted", param=path, code="unsupported_parameter")
    if any(item not in ("TEXT", "MODALITY_UNSPECIFIED") for item in wanted):
        chat.native[f"{_CONFIG}.responseModalities"] = config["responseModalities"]
