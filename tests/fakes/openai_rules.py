"""What OpenAI refuses although the types allow it. Each rule yields (message, param, code)."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.fakes.media_rules import data_url_problem
from tests.fakes.schema_rules import openai_strict_problem, root_problem

type Body = dict[str, Any]
type Complaint = tuple[str, str | None, str | None]

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_ROOT_BANNED = ("oneOf", "anyOf", "allOf", "enum", "not")
_REASONING = re.compile(r"(o\d|gpt-5)")
_PLAIN = re.compile(r"gpt-(3|4)")
_RANGES = {
    "temperature": (0, 2),
    "top_p": (0, 1),
    "presence_penalty": (-2, 2),
    "frequency_penalty": (-2, 2),
    "n": (1, 128),
    "max_tokens": (1, None),
    "max_completion_tokens": (1, None),
    "top_logprobs": (0, 20),
}


def complaint(body: Body) -> Complaint | None:
    """The first rule that `body` breaks."""
    return next((found for rule in _RULES for found in rule(body)), None)


def _numbers(body: Body) -> Iterator[Complaint]:
    for field, (low, high) in _RANGES.items():
        value = body.get(field)
        if value is not None and (value < low or (high is not None and value > high)):
            word = "below minimum" if value < low else "above maximum"
            yield f"Invalid '{field}': number {word} value.", field, f"number_{word.replace(' ', '_')}_value"
    stop = body.get("stop")
    if isinstance(stop, list) and not 1 <= len(stop) <= 4:
        yield "Invalid 'stop': expected an array with 1 to 4 strings.", "stop", "array_length"
    for field in ("user", "safety_identifier"):
        if len(body.get(field) or "") > 64:
            text = f"Invalid '{field}': string too long. Expected a string with maximum length 64."
            yield text, field, "string_above_max_length"
    if body.get("top_logprobs") is not None and not body.get("logprobs"):
        yield "The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs", None
    if body.get("stream_options") is not None and not body.get("stream"):
        yield "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options", None


def _model_class(body: Body) -> Iterator[Complaint]:
    model = body["model"]
    if "max_tokens" in body and "max_completion_tokens" in body:
        yield "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.", "max_tokens", None
    if _REASONING.match(model):
        if "max_tokens" in body:
            text = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            yield text, "max_tokens", "unsupported_parameter"
        if body.get("temperature") not in (None, 1):
            yield (
                "Unsupported value: 'temperature' does not support it with this model.",
                "temperature",
                "unsupported_value",
            )
    elif _PLAIN.match(model) and body.get("reasoning_effort") is not None:
        yield "Unrecognized request argument supplied: reasoning_effort", None, None


def _messages(body: Body) -> Iterator[Complaint]:
    messages = body["messages"]
    if not messages:
        text = (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead."
        )
        yield text, "messages", "empty_array"
    for i, message in enumerate(messages):
        where = f"messages[{i}].content"
        content = message.get("content")
        if content == []:
            yield f"Invalid '{where}': empty array.", where, "empty_array"
        if message["role"] == "assistant":
            if message.get("tool_calls") == []:
                yield f"Invalid 'messages[{i}].tool_calls': empty array.", f"messages[{i}].tool_calls", "empty_array"
            if content is None and not any(message.get(k) for k in ("tool_calls", "function_call", "refusal", "audio")):
                yield f"Invalid value for '{where}': expected a string, got null.", where, None
        if isinstance(content, list):
            for j, part in enumerate(content):
                yield from _part(part, f"{where}[{j}]")
        if "name" in message and not _NAME.fullmatch(message["name"]):
            yield _bad_name(message["name"], f"messages[{i}].name")


def _part(part: Body, where: str) -> Iterator[Complaint]:
    match part["type"]:
        case "image_url":
            url = part["image_url"]["url"]
            if not url.startswith(("https://", "http://")) and (wrong := data_url_problem(url, "image/")):
                yield f"Invalid '{where}.image_url.url': {wrong}", where, "invalid_image_url"
        case "file":
            file = part["file"]
            if not file.get("file_id") and not (file.get("filename") and file.get("file_data")):
                yield f"Missing required parameter: '{where}.file.file_id'.", where, "missing_required_parameter"
            elif "file_data" in file and (wrong := data_url_problem(file["file_data"], "application/pdf")):
                yield f"Invalid '{where}.file.file_data': {wrong}", where, "invalid_value"


def _tool_order(body: Body) -> Iterator[Complaint]:
    """After an assistant message with calls: one tool message for each id, before anything else."""
    waiting: list[str] = []
    for i, message in enumerate(body["messages"]):
        if message["role"] == "tool":
            if message["tool_call_id"] not in waiting:
                text = "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'."
                yield text, f"messages.[{i}].role", None
                return
            waiting.remove(message["tool_call_id"])
            continue
        if waiting:
            break
        calls = message.get("tool_calls") or [] if message["role"] == "assistant" else []
        waiting = [call["id"] for call in calls]
        if len(set(waiting)) < len(waiting):
            yield "Duplicate value for 'tool_call_id'", f"messages.[{i}].tool_calls", None
    if waiting:
        text = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(waiting)}"
        )
        yield text, "messages", None


def _calls(body: Body) -> Iterator[Complaint]:
    for i, message in enumerate(body["messages"]):
        for j, call in enumerate(message.get("tool_calls") or []):
            where = f"messages[{i}].tool_calls[{j}]"
            if not call["id"] or len(call["id"]) > 64:
                yield f"Invalid '{where}.id': string too long or empty.", where, "string_above_max_length"
            if not _NAME.fullmatch(name := call[call["type"]]["name"]):
                yield _bad_name(name, f"{where}.function.name")


def _tools(body: Body) -> Iterator[Complaint]:
    tools = body.get("tools")
    if tools == []:
        yield "Invalid 'tools': empty array. Expected an array with minimum length 1.", "tools", "empty_array"
    names = []
    for i, tool in enumerate(tools or []):
        where = f"tools[{i}].function"
        definition = tool[tool["type"]]
        names.append(definition["name"])
        if not _NAME.fullmatch(definition["name"]):
            yield _bad_name(definition["name"], f"{where}.name")
        schema = definition.get("parameters")
        if schema is not None:
            wrong = root_problem(schema, _ROOT_BANNED)
            if not wrong and "properties" not in schema:
                wrong = "In context=(), object schema missing properties."
            if not wrong and definition.get("strict"):
                wrong = openai_strict_problem(schema)
            if wrong:
                text = f"Invalid schema for function '{definition['name']}': {wrong}"
                yield text, f"{where}.parameters", "invalid_function_parameters"
    if len(set(names)) < len(names):
        yield "Tool names must be unique.", "tools", None
    yield from _tool_choice(body, names)


def _tool_choice(body: Body, names: list[str]) -> Iterator[Complaint]:
    choice = body.get("tool_choice")
    if not names:
        for field in ("tool_choice", "parallel_tool_calls"):
            if body.get(field) is not None:
                yield f"Invalid value for '{field}': '{field}' is only allowed when 'tools' are specified.", field, None
    elif isinstance(choice, dict):
        named = [choice] if choice["type"] != "allowed_tools" else choice["allowed_tools"]["tools"]
        for item in named:
            if (name := item[item["type"]]["name"]) not in names:
                yield f"Tool choice '{name}' not found in 'tools' parameter.", "tool_choice", None


def _response_format(body: Body) -> Iterator[Complaint]:
    wanted = body.get("response_format") or {"type": "text"}
    if wanted["type"] == "json_object" and "json" not in str(body["messages"]).lower():
        text = "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."
        yield text, "messages", None
    if wanted["type"] == "json_schema":
        definition = wanted["json_schema"]
        if not _NAME.fullmatch(definition["name"]):
            yield _bad_name(definition["name"], "response_format.json_schema.name")
        schema = definition.get("schema")
        wrong = "schema is missing" if schema is None else root_problem(schema, ("anyOf",))
        if not wrong and definition.get("strict"):
            wrong = openai_strict_problem(schema)
        if wrong:
            yield f"Invalid schema for response_format '{definition['name']}': {wrong}", "response_format", None


def _bad_name(name: str, where: str) -> Complaint:
    text = f"Invalid '{where}': string does not match pattern. Expected a string that matches '^[a-zA-Z0-9_-]+$', got {name!r}."
    return text, where, "invalid_value"


_RULES: tuple[Callable[[Body], Iterator[Complaint]], ...] = (
    _numbers,
    _model_class,
    _messages,
    _tool_order,
    _calls,
    _tools,
    _response_format,
)
