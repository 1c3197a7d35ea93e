"""What the Responses API refuses although the types allow it: fields, tools, formats. Each rule yields (message, param, code).

Items and their order are in `responses_items`.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.fakes.schema_rules import openai_strict_problem, root_problem

type Body = dict[str, Any]
type Complaint = tuple[str, str | None, str | None]

ENCRYPTED = "reasoning.encrypted_content"
_NAME = re.compile(r"[a-zA-Z0-9_-]+")
_ROOT_BANNED = ("oneOf", "anyOf", "allOf", "enum", "not")
_REASONING = re.compile(r"(o\d|gpt-5)")
_EFFORTS = (
    (re.compile(r"o\d"), ("low", "medium", "high")),
    (re.compile(r"gpt-5(-|$)"), ("minimal", "low", "medium", "high")),
    (re.compile(r"gpt-5\.1(-|$)"), ("none", "low", "medium", "high")),
)
_RANGES = {
    "max_output_tokens": (16, None, "integer"),
    "max_tool_calls": (1, None, "integer"),
    "top_logprobs": (0, 20, "integer"),
    "temperature": (0, 2, "decimal"),
    "top_p": (0, 1, "decimal"),
}
_LENGTHS = {"user": 64, "safety_identifier": 64, "prompt_cache_key": 64}
_ENTRIES, _KEY, _VALUE = 16, 64, 512  # of `metadata`


def complaint(body: Body) -> Complaint | None:
    """The first rule that `body` breaks."""
    return next((found for rule in _RULES for found in rule(body)), None)


def reasons(model: str) -> bool:
    return bool(_REASONING.match(model))


def too_long(field: str, text: str, limit: int) -> Iterator[Complaint]:
    if len(text) > limit:
        message = f"Invalid '{field}': string too long. Expected a string with maximum length {limit}, but got a string with length {len(text)} instead."
        yield message, field, "string_above_max_length"


def bad_name(field: str, name: str) -> Iterator[Complaint]:
    yield from too_long(field, name, 64)
    if not _NAME.fullmatch(name):
        message = f"Invalid '{field}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
        yield message, field, "invalid_value"


def _numbers(body: Body) -> Iterator[Complaint]:
    for field, (low, high, kind) in _RANGES.items():
        value = body.get(field)
        if value is not None and value < low:
            message = (
                f"Invalid '{field}': {kind} below minimum value. Expected a value >= {low}, but got {value} instead."
            )
            yield message, field, f"{kind}_below_min_value"
        if value is not None and high is not None and value > high:
            message = (
                f"Invalid '{field}': {kind} above maximum value. Expected a value <= {high}, but got {value} instead."
            )
            yield message, field, f"{kind}_above_max_value"


def _strings(body: Body) -> Iterator[Complaint]:
    for field, limit in _LENGTHS.items():
        yield from too_long(field, body.get(field) or "", limit)
    metadata = body.get("metadata") or {}
    if len(metadata) > _ENTRIES:
        message = f"Invalid 'metadata': too many properties. Expected an object with at most {_ENTRIES} properties."
        yield message, "metadata", "object_above_max_properties"
    for key, value in metadata.items():
        yield from too_long("metadata", key, _KEY)
        yield from too_long(f"metadata.{key}", value, _VALUE)


def _model_class(body: Body) -> Iterator[Complaint]:
    """What a model that reasons cannot be told, and what one that does not."""
    model = body.get("model") or ""
    reasoning = body.get("reasoning") or {}
    effort = reasoning.get("effort")
    if not reasons(model):
        for name, value in reasoning.items():
            if value is not None:
                yield _unsupported(f"reasoning.{name}")
        if ENCRYPTED in (body.get("include") or ()):
            yield "Encrypted content is not supported with this model.", "include", None
        return
    allowed = next((efforts for pattern, efforts in _EFFORTS if pattern.match(model)), None)
    if effort is not None and allowed is not None and effort not in allowed:
        message = f"Unsupported value: '{effort}' is not supported with the '{model}' model. Supported values are: {', '.join(allowed)}."
        yield message, "reasoning.effort", "unsupported_value"
    if effort != "none":
        for field in ("temperature", "top_p"):
            if body.get(field) not in (None, 1):
                yield _unsupported(field)
        if body.get("top_logprobs"):
            yield _unsupported("top_logprobs")


def _unsupported(field: str) -> Complaint:
    return f"Unsupported parameter: '{field}' is not supported with this model.", field, "unsupported_parameter"


def _together(body: Body) -> Iterator[Complaint]:
    if body.get("previous_response_id") and body.get("conversation"):
        message = "Mutually exclusive parameters: 'previous_response_id' and 'conversation'. Ensure you are only providing one."
        yield message, "previous_response_id", "mutually_exclusive_parameters"
    if body.get("stream_options") is not None and not body.get("stream"):
        yield "The 'stream_options' parameter is only allowed when 'stream' is enabled.", "stream_options", None
    if body.get("background") and body.get("store") is False:
        yield "Background mode requires 'store' to be true.", "background", "unsupported_parameter"


def _tools(body: Body) -> Iterator[Complaint]:
    declared: list[tuple[str, str]] = []
    for i, tool in enumerate(body.get("tools") or ()):
        where = f"tools[{i}]"
        if tool["type"] == "namespace":
            yield from bad_name(f"{where}.name", tool["name"])
            for j, inner in enumerate(tool["tools"]):
                yield from _tool(f"{where}.tools[{j}]", inner)
        elif tool["type"] in ("function", "custom"):
            yield from _tool(where, tool)
        declared.append((tool["type"], tool.get("name") or tool.get("server_label") or ""))
    named = [name for _, name in declared if name]
    for name in {name for name in named if named.count(name) > 1}:
        yield f"Duplicate tool name '{name}'. Tool names must be unique.", "tools", "invalid_value"
    yield from _tool_choice(body.get("tool_choice"), declared)


def _tool(where: str, tool: Body) -> Iterator[Complaint]:
    """Without `strict: true` the server makes a schema strict if it can, and takes it as it is if it cannot."""
    yield from bad_name(f"{where}.name", tool["name"])
    schema = tool.get("parameters")
    if schema is None:
        return
    wrong = root_problem(schema, _ROOT_BANNED)
    if not wrong and "properties" not in schema:
        wrong = "In context=(), object schema missing properties."
    if not wrong and tool.get("strict"):
        wrong = openai_strict_problem(schema)
    if wrong:
        message = f"Invalid schema for function '{tool['name']}': {wrong}"
        yield message, f"{where}.parameters", "invalid_function_parameters"


def _tool_choice(choice: Any, declared: list[tuple[str, str]]) -> Iterator[Complaint]:
    """`auto` and `none` without tools pass."""
    if choice == "required" and not declared:
        yield "Tool choice 'required' must be specified with 'tools' parameter.", "tool_choice", None
    if not isinstance(choice, dict):
        return
    if choice["type"] == "allowed_tools" and not choice["tools"]:
        yield "Invalid 'tool_choice.tools': empty array.", "tool_choice.tools", "empty_array"
    for wanted in choice["tools"] if choice["type"] == "allowed_tools" else [choice]:
        kind, name = wanted.get("type"), wanted.get("name") or wanted.get("server_label") or ""
        if not any(kind == own and name in ("", label) for own, label in declared):
            yield f"Tool choice '{name or kind}' not found in 'tools' parameter.", "tool_choice", None


def _text(body: Body) -> Iterator[Complaint]:
    wanted = (body.get("text") or {}).get("format") or {"type": "text"}
    if wanted["type"] == "json_object" and "json" not in str((body.get("instructions"), body.get("input"))).lower():
        message = "Response input messages must contain the word 'json' in some form to use 'text.format' of type 'json_object'."
        yield message, "input", None
    if wanted["type"] == "json_schema":
        yield from bad_name("text.format.name", wanted["name"])
        wrong = root_problem(wanted["schema"], ("anyOf", "oneOf"))
        if not wrong and wanted.get("strict"):
            wrong = openai_strict_problem(wanted["schema"])
        if wrong:
            message = f"Invalid schema for response_format '{wanted['name']}': {wrong}"
            yield message, "text.format.schema", "invalid_json_schema"


_RULES: tuple[Callable[[Body], Iterator[Complaint]], ...] = (
    _numbers,
    _strings,
    _model_class,
    _together,
    _tools,
    _text,
)
