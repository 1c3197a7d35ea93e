"""What Gemini refuses although the types allow it. Each rule yields a message; the status is always INVALID_ARGUMENT."""

import base64
import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.fakes.gemini_models import by_model
from tests.fakes.gemini_schema_rules import json_schema_problem, openapi_problem
from tests.fakes.gemini_turns import neighbours, turns
from tests.fakes.gemini_types import decoded
from tests.fakes.media_rules import media_problem

type Body = dict[str, Any]

_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,63}")
_CONTENT = tuple(
    "text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse".split()
)
_ONLY_USER = ("functionResponse", "toolResponse")
_ONLY_MODEL = ("functionCall", "toolCall", "executableCode", "codeExecutionResult")
_LOOKED_AT = {
    "image/png": "image/png",
    "image/jpeg": "image/jpeg",
    "image/webp": "image/webp",
    "application/pdf": "application/pdf",
    **dict.fromkeys(("audio/wav", "audio/x-wav"), "audio/wav"),
    **dict.fromkeys(("audio/mp3", "audio/mpeg"), "audio/mp3"),
}
_TAKEN = frozenset(  # by their name alone
    "image/heic image/heif audio/aac audio/aiff audio/flac audio/ogg video/mp4 video/mpeg video/mov video/quicktime"
    " video/webm text/plain text/html text/css text/csv text/xml text/markdown text/javascript application/json".split()
)
_IN_RESULTS = frozenset("image/png image/jpeg image/webp application/pdf text/plain".split())
_RANGES = {
    "temperature": (0, 2),
    "topP": (0, 1),
    "topK": (1, None),
    "maxOutputTokens": (1, None),
    "candidateCount": (1, 8),
    "presencePenalty": (-2, 2),
    "frequencyPenalty": (-2, 2),
    "logprobs": (0, 20),
    "seed": (-(2**31), 2**31 - 1),
}
_ANSWERS = ("text/plain", "application/json", "text/x.enum")


def complaint(body: Body, model: str, *, lenient: bool = False) -> str | None:
    """The first rule that `body` breaks. lenient: what the newest backends take passes: two turns of a role in a row, unknown
    words in schemas."""
    rules = _RULES if lenient else (*_RULES, neighbours, _all_schemas)
    found = next((found for rule in rules for found in rule(body)), None)
    return found or next(by_model(body, model), None)


def _system(body: Body) -> Iterator[str]:
    system = body.get("systemInstruction")
    if system is None:
        return
    if not system.get("parts"):
        yield "GenerateContentRequest.system_instruction.parts: contents.parts must not be empty."
    for part in system.get("parts") or []:
        if not part.get("text"):
            yield "GenerateContentRequest.system_instruction: only non-empty text is supported"


def _parts(body: Body) -> Iterator[str]:
    for i, content in enumerate(body["contents"]):
        banned = _ONLY_USER if content.get("role") == "model" else _ONLY_MODEL
        for j, part in enumerate(content.get("parts") or []):
            where = f"GenerateContentRequest.contents[{i}].parts[{j}]"
            kinds = [kind for kind in _CONTENT if part.get(kind) is not None]
            if not kinds:
                yield f"{where}.data: required oneof field 'data' must have one initialized field"
            elif len(kinds) > 1:
                yield f"Invalid value at '{where}' (oneof), oneof field 'data' is already set. Cannot set '{kinds[1]}'"
            elif kinds[0] in banned:
                yield f"{where}: `{kinds[0]}` cannot stand in a content of the role `{content.get('role', 'user')}`"
            elif kinds == ["text"] and not part["text"] and not part.get("thoughtSignature"):
                yield f"{where}: Unable to submit request because it must have a text parameter"
            yield from _filled(part, where)


def _filled(part: Body, where: str) -> Iterator[str]:
    if (blob := part.get("inlineData")) is not None:
        yield from _blob(blob, f"{where}.inline_data")
    if (file := part.get("fileData")) is not None and not file.get("fileUri"):
        yield f"{where}.file_data.file_uri: must not be empty"
    if (call := part.get("functionCall")) is not None and not _NAME.fullmatch(call.get("name") or ""):
        yield f"{where}.function_call.name: {_bad_name(call.get('name'))}"
    if (answer := part.get("functionResponse")) is not None:
        if not _NAME.fullmatch(answer.get("name") or ""):
            yield f"{where}.function_response.name: {_bad_name(answer.get('name'))}"
        if answer.get("response") is None:
            yield f"{where}.function_response.response: must be set"
        for k, inner in enumerate(answer.get("parts") or []):
            path = f"{where}.function_response.parts[{k}]"
            blob = inner.get("inlineData")
            if blob is None and inner.get("fileData") is None:
                yield f"{path}.data: required oneof field 'data' must have one initialized field"
            elif blob is not None:
                if blob.get("mimeType") not in _IN_RESULTS:
                    yield f"Unsupported MIME type in a function response: {blob.get('mimeType')}"
                yield from _blob(blob, path)


def _blob(blob: Body, where: str) -> Iterator[str]:
    mime, data = blob.get("mimeType"), blob.get("data")
    if not data:
        yield f"{where}.data: must not be empty"
    elif mime in _LOOKED_AT:
        standard = base64.b64encode(decoded(data)).decode()
        if wrong := media_problem(_LOOKED_AT[mime], standard):
            yield f"Unable to process input {where}: {wrong}"
    elif mime not in _TAKEN:
        yield f"Unsupported MIME type: {mime}"


def _tools(body: Body) -> Iterator[str]:
    names = []
    for i, tool in enumerate(body.get("tools") or []):
        if not any(value not in (None, []) for value in tool.values()):
            yield f"tools[{i}].tool_type: required one_of 'tool_type' must have one initialized field"
        for j, function in enumerate(tool.get("functionDeclarations") or []):
            where = f"GenerateContentRequest.tools[{i}].function_declarations[{j}]"
            names.append(name := function.get("name") or "")
            if not _NAME.fullmatch(name):
                yield f"{where}.name: {_bad_name(name)}"
            if names.count(name) > 1:
                yield f"Duplicate function declaration found: {name}"
            for field, plain in (("parameters", "parametersJsonSchema"), ("response", "responseJsonSchema")):
                if function.get(field) is not None and function.get(plain) is not None:
                    yield f"{where}: only one of `{field}` and `{plain}` may be set"
    yield from _tool_config(body, names)


def _all_schemas(body: Body) -> Iterator[str]:
    for i, tool in enumerate(body.get("tools") or []):
        for j, function in enumerate(tool.get("functionDeclarations") or []):
            where = f"GenerateContentRequest.tools[{i}].function_declarations[{j}]"
            yield from _schema(function, "parameters", "parametersJsonSchema", where, is_root=True)
            yield from _schema(function, "response", "responseJsonSchema", where, is_root=False)
    config = body.get("generationConfig") or {}
    where = "GenerateContentRequest.generation_config"
    yield from _schema(config, "responseSchema", "responseJsonSchema", where, is_root=False)


def _schema(holder: Body, field: str, plain: str, where: str, *, is_root: bool) -> Iterator[str]:
    """is_root: of a function, which must take an object."""
    openapi, schema = holder.get(field), holder.get(plain)
    if openapi is not None and (wrong := openapi_problem(openapi, f"{where}.{field}", is_root=is_root)):
        yield wrong
    if schema is not None:
        if wrong := json_schema_problem(schema, f"{where}.{plain}"):
            yield wrong
        elif is_root and (schema.get("type") != "object" or not schema.get("properties")):
            yield f"{where}.{plain}: should be of type object, with properties"


def _tool_config(body: Body, names: list[str]) -> Iterator[str]:
    config = (body.get("toolConfig") or {}).get("functionCallingConfig")
    if config is None:
        return
    mode, allowed = config.get("mode", "AUTO"), config.get("allowedFunctionNames") or []
    if not names:
        yield "Function calling config is set without function_declarations."
    if allowed and mode not in ("ANY", "VALIDATED"):
        yield "Please set allowed_function_names only when function calling mode is ANY."
    for name in allowed:
        if name not in names:
            yield f"allowed_function_names: `{name}` is not declared in function_declarations"


def _config(body: Body) -> Iterator[str]:
    config = body.get("generationConfig") or {}
    for field, (low, high) in _RANGES.items():
        value = config.get(field)
        if value is not None and (value < low or (high is not None and value > high)):
            limits = f"from {low} (inclusive) to {high} (inclusive)" if high is not None else f"at least {low}"
            yield f"Unable to submit request because it has a {field} value of {value} but the supported range is {limits}."
    stops = config.get("stopSequences") or []
    if len(stops) > 5:
        yield "Unable to submit request because the number of stop sequences must not exceed 5."
    if not all(stops):
        yield "GenerateContentRequest.generation_config.stop_sequences: must not be empty"
    if config.get("logprobs") is not None and not config.get("responseLogprobs"):
        yield "The logprobs parameter is only allowed when response_logprobs is true."
    yield from _answer(config)
    if body.get("cachedContent") is not None and any(
        body.get(name) for name in ("systemInstruction", "tools", "toolConfig")
    ):
        yield "CachedContent can not be used with GenerateContent request setting system_instruction, tools or tool_config."


def _answer(config: Body) -> Iterator[str]:
    mime = config.get("responseMimeType", "text/plain")
    if mime not in _ANSWERS:
        yield f"GenerateContentRequest.generation_config.response_mime_type: allowed mimetypes are {', '.join(_ANSWERS)}"
    schemas = [name for name in ("responseSchema", "responseJsonSchema") if config.get(name) is not None]
    if schemas and mime == "text/plain":
        yield f"{schemas[0]} is only supported with the response mime type 'application/json' or 'text/x.enum'"
    if len(schemas) > 1:
        yield "GenerateContentRequest.generation_config: only one of response_schema and response_json_schema may be set"


def _bad_name(name: object) -> str:
    return (
        f"Invalid function name {name!r}. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9),"
        " underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64."
    )


_RULES: tuple[Callable[[Body], Iterator[str]], ...] = (turns, _system, _parts, _tools, _config)
