"""The body of a Gemini request, built from google-genai's own types: what may stand where, and of which type.

The SDK's classes serve two services: fields that it refuses for the Gemini API itself are left out. Nothing is coerced and
unknown names are refused at every level. Names are camelCase; Google takes snake_case as well, and its own SDK sends some.
"""

import base64
import re
import types
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from google.genai import types as vendor
from pydantic import BaseModel
from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema

from tests.fakes.strict import Problem

type JsonObject = dict[str, Any]

_ELSEWHERE = {  # fields of the other service
    "GenerationConfig": "model_selection_config audio_timestamp routing_config enable_affective_dialog",
    "FunctionCall": "partial_args will_continue",
    "FunctionCallingConfig": "stream_function_call_arguments",
    "SafetySetting": "method",
    "Tool": "retrieval enterprise_web_search parallel_ai_search exa_ai_search",
    "GoogleSearch": "blocking_confidence exclude_domains",
    "GoogleMaps": "grounding_types",
    "Schema": "additional_properties defs ref",
}
_SCALARS: dict[object, CoreSchema] = {
    str: core_schema.str_schema(strict=True),
    int: core_schema.int_schema(strict=True),
    float: core_schema.float_schema(strict=True),
    bool: core_schema.bool_schema(strict=True),
    datetime: core_schema.str_schema(strict=True),
    Any: core_schema.any_schema(),
    type(None): core_schema.none_schema(),
}
_STANDARD = str.maketrans("-_", "+/")


def decoded(text: str) -> bytes:
    """base64 as protobuf reads it: either alphabet, padded or not. Raises ValueError."""
    plain = text.translate(_STANDARD).rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _bytes(text: str) -> str:
    decoded(text)
    return text


_BYTES = core_schema.no_info_after_validator_function(_bytes, core_schema.str_schema(strict=True))
_COUNT = core_schema.union_schema(  # protobuf writes an int64 as a string
    [_SCALARS[int], core_schema.str_schema(strict=True, pattern=r"^\d+$")]
)
_KINDS = [str(kind.value) for kind in vendor.Type if kind.value != "TYPE_UNSPECIFIED"]
_LEVELS = [str(level.value) for level in vendor.ThinkingLevel]
_SPECIAL = {
    **{("Schema", f"{end}_{of}"): _COUNT for end in ("min", "max") for of in ("items", "length", "properties")},
    ("Schema", "type"): core_schema.literal_schema([*_KINDS, *map(str.lower, _KINDS)]),
    ("ThinkingConfig", "thinking_level"): core_schema.literal_schema([*_LEVELS, *map(str.lower, _LEVELS)]),
}


@dataclass(frozen=True)
class Read:
    """body: with camelCase names; {} if there is a problem."""

    body: JsonObject
    problem: Problem | None = None


class WireType:
    """fields: name -> type. needed: the one that must be there. extra: `forbid` or `ignore` unknown names."""

    def __init__(self, fields: dict[str, Any], needed: str, extra: Literal["forbid", "ignore"], *, snake: bool) -> None:
        builder = _Builder(extra, snake)
        root = builder.object({name: (builder.schema(hint), name == needed) for name, hint in fields.items()})
        self._validator = SchemaValidator(core_schema.definitions_schema(root, builder.definitions))

    def read(self, body: object) -> Read:
        try:
            return Read(self._validator.validate_python(body))
        except ValidationError as error:
            found = [
                Problem(tuple(e["loc"]), e["type"], e["msg"], e["input"])
                for e in error.errors(include_url=False, include_context=False)
            ]
            return Read({}, max(found, key=lambda p: len(p.path)))


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda hump: "_" + hump[1].lower(), name)


class _Builder:
    def __init__(self, extra: Literal["forbid", "ignore"], snake: bool) -> None:
        self.definitions: list[CoreSchema] = []
        self._extra, self._snake = extra, snake
        self._refs: dict[type, str] = {}

    def object(self, fields: dict[str, tuple[CoreSchema, bool]]) -> CoreSchema:
        built = {}
        for name, (schema, needed) in fields.items():
            spellings: list[list[str | int]] = [[name], [_snake(name)]]
            alias = spellings if self._snake and _snake(name) != name else None
            built[name] = core_schema.typed_dict_field(schema, required=needed, validation_alias=alias)
        return core_schema.typed_dict_schema(built, extra_behavior=self._extra, strict=True)

    def schema(self, hint: Any) -> CoreSchema:
        while get_origin(hint) is Annotated:
            hint = get_args(hint)[0]
        if hint is bytes:
            return _BYTES
        if (scalar := _SCALARS.get(hint)) is not None:
            return scalar
        origin, args = get_origin(hint), get_args(hint)
        if origin is Literal:
            return core_schema.literal_schema(list(args))
        if origin in (Union, types.UnionType):
            rest = [self.schema(arg) for arg in args if arg is not type(None)]
            one = rest[0] if len(rest) == 1 else core_schema.union_schema([*rest])
            return core_schema.nullable_schema(one) if type(None) in args else one
        if origin is list:
            return core_schema.list_schema(self.schema(args[0]), strict=True)
        if origin is dict:
            return core_schema.dict_schema(self.schema(args[0]), self.schema(args[1]), strict=True)
        if isinstance(hint, type) and issubclass(hint, Enum):
            return core_schema.literal_schema([str(member.value) for member in hint])
        if isinstance(hint, type) and issubclass(hint, BaseModel):
            return self._definition(hint)
        raise TypeError(f"no rule for {hint!r}")

    def _definition(self, cls: type[BaseModel]) -> CoreSchema:
        if cls not in self._refs:
            self._refs[cls] = ref = f"{cls.__name__}:{len(self._refs)}"
            cls.model_rebuild()
            left_out = _ELSEWHERE.get(cls.__name__, "").split()
            schema = self.object(
                {
                    field.alias or name: (_SPECIAL.get((cls.__name__, name)) or self.schema(field.annotation), False)
                    for name, field in cls.model_fields.items()
                    if name not in left_out
                }
                | {name: (self.schema(hint), False) for name, hint in _MORE.get(cls.__name__, {}).items()}
            )
            schema["ref"] = ref  # type: ignore[index]
            self.definitions.append(schema)
        return core_schema.definition_reference_schema(self._refs[cls])


_MORE: dict[str, dict[str, Any]] = {  # sent by the SDK, though its class does not name it
    "GenerationConfig": {"imageConfig": vendor.ImageConfig | None},
}
_GENERATE: dict[str, Any] = {
    "contents": list[vendor.Content],
    "systemInstruction": vendor.Content | None,
    "tools": list[vendor.Tool] | None,
    "toolConfig": vendor.ToolConfig | None,
    "safetySettings": list[vendor.SafetySetting] | None,
    "generationConfig": vendor.GenerationConfig | None,
    "cachedContent": str | None,
    "labels": dict[str, str] | None,
    "serviceTier": vendor.ServiceTier | None,
    "store": bool | None,
}


class Request:
    """One method's body in three degrees of mercy. strict: camelCase; google: snake_case too; lenient: unknown names too."""

    def __init__(self, fields: dict[str, Any], needed: str) -> None:
        self.strict = WireType(fields, needed, "forbid", snake=False)
        self.google = WireType(fields, needed, "forbid", snake=True)
        self.lenient = WireType(fields, needed, "ignore", snake=True)


GENERATE = Request(_GENERATE, "contents")
COUNT = Request({"contents": list[vendor.Content] | None, "generateContentRequest": Any}, "")
COUNTED = Request({"model": str, **_GENERATE}, "model")  # what stands in `generateContentRequest`


def path_of(problem: Problem) -> str:
    """As Google writes it: `contents[0].parts[1].function_call`, without the name that is unknown."""
    steps = problem.path[:-1] if problem.kind == "extra_forbidden" else problem.path
    written = [f"[{step}]" if isinstance(step, int) else f".{_snake(str(step))}" for step in steps]
    return "".join(written).removeprefix(".")
