"""The fields and types of a Responses request, as the API itself takes them.

The SDK's types are laid out for what its users write; the API asks less of what comes back to it: ids, `annotations` and
`detail` may be missing, as in the requests of many clients.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal, Required, TypedDict

from openai.types.responses.input_token_count_params import InputTokenCountParams
from openai.types.responses.response_compact_params import ResponseCompactParams
from openai.types.responses.response_create_params import ResponseCreateParamsNonStreaming
from openai.types.responses.response_input_audio_param import ResponseInputAudioParam
from openai.types.responses.response_input_file_param import ResponseInputFileParam
from openai.types.responses.response_input_image_param import ResponseInputImageParam
from openai.types.responses.response_input_item_param import ResponseInputItemParam
from openai.types.responses.response_input_text_param import ResponseInputTextParam
from openai.types.responses.response_output_message_param import Content as OutputContent
from openai.types.responses.tool_param import ToolParam
from pydantic_core import CoreSchema, core_schema

from tests.fakes.provider import JsonObject
from tests.fakes.strict import Problem, StrictType, by_type

type Kind = Literal["create", "count", "compact"]


class _Message(TypedDict, total=False):
    type: Literal["message"]
    id: str
    role: Required[Literal["user", "assistant", "system", "developer"]]
    content: Required[object]
    status: Literal["in_progress", "completed", "incomplete"]
    phase: Literal["commentary", "final_answer"] | None


def _nullable(schema: CoreSchema) -> CoreSchema:
    return core_schema.nullable_schema(schema)


_ANY = core_schema.any_schema()
_STR = core_schema.str_schema(strict=True)
_BOOL = core_schema.bool_schema(strict=True)
_DETAIL = {"detail": _nullable(core_schema.literal_schema(["low", "high", "auto", "original"]))}
_INSIDE = {"input": _ANY, "tools": _ANY}  # each of these is looked at by itself
_REQUEST: Mapping[Kind, StrictType] = {
    "create": StrictType(
        ResponseCreateParamsNonStreaming,
        {
            **_INSIDE,
            "stream": _nullable(_BOOL),
            "client_metadata": core_schema.dict_schema(_STR, _STR),
        },  # Codex sends it
    ),
    "count": StrictType(InputTokenCountParams, _INSIDE),
    "compact": StrictType(ResponseCompactParams, _INSIDE),
}
_THOUGHT = {"id": _STR, "content": _nullable(core_schema.list_schema(_ANY))}  # OpenAI's own Codex sends null
_ITEMS = by_type(ResponseInputItemParam, {"reasoning": _THOUGHT}) | {"message": StrictType(_Message)}
_PARTS = {
    "input_text": StrictType(ResponseInputTextParam),
    "input_image": StrictType(ResponseInputImageParam, _DETAIL),
    "input_file": StrictType(ResponseInputFileParam),
    "input_audio": StrictType(ResponseInputAudioParam),
} | by_type(OutputContent, {"output_text": {"annotations": _ANY, "logprobs": _ANY}})
_TOOLS = by_type(ToolParam, {"function": {"strict": _nullable(_BOOL)}})
_REQUIRED: Mapping[Kind, tuple[str, ...]] = {"create": ("model",), "count": (), "compact": ("model",)}


def shape_problem(body: JsonObject, kind: Kind, *, lenient: bool) -> Problem | None:
    """The first thing of a wrong type, missing or unknown. lenient: unknown fields pass."""
    return next(_problems(body, kind, lenient), None)


def item_type(item: object) -> str:
    """`message` and `item_reference` need not say what they are."""
    if not isinstance(item, dict):
        return ""
    return str(item.get("type") or ("message" if "role" in item else "item_reference"))


def _problems(body: JsonObject, kind: Kind, lenient: bool) -> Iterator[Problem]:
    for name in _REQUIRED[kind]:
        if name not in body:
            yield Problem((name,), "missing", "Field required", None)
    if problem := _REQUEST[kind].problem(body, unknown_fields_pass=lenient):
        yield problem
    tools = body.get("tools")
    yield from _each(tools, ("tools",), _TOOLS, lenient)
    items = body.get("input")
    if isinstance(items, str) or items is None:
        return
    yield from _each(items, ("input",), _ITEMS, lenient)
    for i, item in enumerate(items if isinstance(items, list) else []):
        content = item.get("content")
        if item_type(item) == "message" and not isinstance(content, str):
            yield from _each(content, ("input", i, "content"), _PARTS, lenient)


def _each(
    values: object, path: tuple[str | int, ...], types: Mapping[str, StrictType], lenient: bool
) -> Iterator[Problem]:
    if values is None and path == ("tools",):
        return
    if not isinstance(values, list):
        yield Problem(path, "list_type", "expected an array", values)
        return
    for i, value in enumerate(values):
        tag = item_type(value)
        if tag not in types:
            names = ", ".join(f"'{name}'" for name in types)
            yield Problem((*path, i), "bad_tag", f"Invalid value: '{tag}'. Supported values are: {names}.", value)
        elif problem := types[tag].problem(value, unknown_fields_pass=lenient):
            yield replace(problem, path=(*path, i, *problem.path))
