"""A vendor's own request types (the TypedDicts of its SDK) as a validator that knows no mercy.

Unknown fields are refused, nothing is coerced, and of a union only the member that `type` or `role` names is tried, so that
an error points at the field and not at a list of guesses.
"""

import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import (
    IO,
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    TypeAliasType,
    Union,
    get_args,
    get_origin,
    is_typeddict,
)
from typing import get_type_hints as _hints

from pydantic import BaseModel
from pydantic_core import CoreSchema, SchemaValidator, ValidationError, core_schema
from typing_extensions import is_typeddict as is_typeddict_ext

_WRAPPERS = (Required, NotRequired, Annotated)
_SCALARS: dict[object, CoreSchema] = {
    str: core_schema.str_schema(strict=True),
    int: core_schema.int_schema(strict=True),
    float: core_schema.float_schema(strict=True),
    bool: core_schema.bool_schema(strict=True),
    object: core_schema.any_schema(),
    Any: core_schema.any_schema(),
}


@dataclass(frozen=True)
class Problem:
    """path: keys, indexes and, as `<tag>`, the union members chosen on the way. kind: pydantic's error type."""

    path: tuple[str | int, ...]
    kind: str
    message: str
    value: object

    @property
    def keys(self) -> tuple[str | int, ...]:
        """The path in the request itself, without tags."""
        return tuple(step for step in self.path if not str(step).startswith("<"))


class StrictType:
    """Validator for one TypedDict. `extra`: fields the API takes although this SDK version no longer names them."""

    def __init__(self, typed_dict: type, extra: Mapping[str, CoreSchema] | None = None) -> None:
        builder = _Builder()
        root = builder.typed_dict(typed_dict, extra or {})
        self._validator = SchemaValidator(core_schema.definitions_schema(root, builder.definitions))

    def problem(self, body: object, *, unknown_fields_pass: bool = False) -> Problem | None:
        """The deepest complaint, which is the one about the member that was meant; None if the body is right."""
        try:
            self._validator.validate_python(body)
        except ValidationError as error:
            found = [
                Problem(tuple(e["loc"]), e["type"], e["msg"], e["input"])
                for e in error.errors(include_url=False, include_context=False)
                if not (unknown_fields_pass and e["type"] == "extra_forbidden")
            ]
            return max(found, key=lambda p: len(p.path)) if found else None
        return None


def by_type(union: Any, extra: Mapping[str, Mapping[str, CoreSchema]]) -> dict[str, StrictType]:
    """A validator for each `type` that members of a union bear. extra: by type, fields that are taken otherwise."""
    return {
        tag: StrictType(member, extra.get(tag))
        for member in _members(union)
        if _is_typeddict(member)
        for tag in _tags(member, "type")
        if tag is not None
    }


def _is_typeddict(hint: object) -> bool:
    return is_typeddict(hint) or is_typeddict_ext(hint)


def _members(hint: Any) -> list[Any]:
    """The members of a union, nested ones too, without what an SDK takes as a convenience and never sends as such: its own
    answer models, paths and open files."""
    while get_origin(hint) in _WRAPPERS:
        hint = get_args(hint)[0]
    if get_origin(hint) in (Union, types.UnionType):
        return [member for arg in get_args(hint) for member in _members(arg)]
    local = get_origin(hint) or hint
    return [] if isinstance(local, type) and issubclass(local, BaseModel | PathLike | IO) else [hint]


def _tags(member: type, key: str) -> list[str | None]:
    """The literal values that `key` of a TypedDict takes; None among them when it may be absent; [] if it has no such key."""
    hint = _hints(member, include_extras=True).get(key)
    optional = get_origin(hint) is not Required and key not in getattr(member, "__required_keys__", ())
    while get_origin(hint) in _WRAPPERS:
        hint = get_args(hint)[0]
    values: list[str | None] = []
    for option in get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,):
        if get_origin(option) is Literal:
            values += get_args(option)
    return [*values, None] if values and optional else values


class _Builder:
    """Types -> core schema. TypedDicts become definitions, so that a type used twice, or in itself, is built once."""

    def __init__(self) -> None:
        self.definitions: list[CoreSchema] = []
        self._refs: dict[type, str] = {}

    def typed_dict(self, cls: type, extra: Mapping[str, CoreSchema]) -> CoreSchema:
        fields = {}
        for name, hint in _hints(cls, include_extras=True).items():
            required = get_origin(hint) is Required or name in getattr(cls, "__required_keys__", ())
            fields[name] = core_schema.typed_dict_field(self.schema(hint), required=required)
        for name, schema in extra.items():
            fields[name] = core_schema.typed_dict_field(schema, required=False)
        return core_schema.typed_dict_schema(fields, extra_behavior="forbid", strict=True)

    def schema(self, hint: Any) -> CoreSchema:
        while get_origin(hint) in _WRAPPERS:
            hint = get_args(hint)[0]
        if isinstance(hint, TypeAliasType):
            return self.schema(hint.__value__)
        if (scalar := _SCALARS.get(hint)) is not None:
            return scalar
        origin, args = get_origin(hint), get_args(hint)
        if origin is Literal:
            return core_schema.literal_schema(list(args))
        if origin in (Union, types.UnionType):
            return self._union(hint)
        if origin is dict:
            return core_schema.dict_schema(self.schema(args[0]), self.schema(args[1]), strict=True)
        if _is_typeddict(hint):
            return self._definition(hint)
        if args and (origin in (list, Iterable, Sequence) or getattr(origin, "__name__", "") == "SequenceNotStr"):
            return core_schema.list_schema(self.schema(args[0]), strict=True)
        raise TypeError(f"no rule for {hint!r}")

    def _definition(self, cls: type) -> CoreSchema:
        if cls not in self._refs:
            self._refs[cls] = ref = f"{cls.__name__}:{len(self._refs)}"
            schema = self.typed_dict(cls, {})
            schema["ref"] = ref  # type: ignore[index]
            self.definitions.append(schema)
        return core_schema.definition_reference_schema(self._refs[cls])

    def _union(self, hint: Any) -> CoreSchema:
        members = _members(hint)
        dicts = [m for m in members if _is_typeddict(m)]
        rest = [m for m in members if m is not type(None)]
        choices: list[CoreSchema | tuple[CoreSchema, str]] = []
        if len(dicts) > 1 and (tagged := self._tagged(dicts)) is not None:
            choices.append((tagged, "<|object>"))
            rest = [m for m in rest if m not in dicts]
        choices += [(self.schema(m), f"<|{getattr(m, '__name__', 'value')}>") for m in rest]
        only = choices[0]
        union = core_schema.union_schema(choices) if len(choices) > 1 else only[0] if isinstance(only, tuple) else only
        return core_schema.nullable_schema(union) if type(None) in members else union

    def _tagged(self, members: list[type]) -> CoreSchema | None:
        for key in ("type", "role"):
            tags = {member: _tags(member, key) for member in members}
            if not all(tags.values()):
                continue
            default = next((str(v[0]) for v in tags.values() if None in v), "absent")
            choices = {
                _label(key, tag): self.schema(m) for m, values in tags.items() for tag in values if tag is not None
            }
            return core_schema.tagged_union_schema(choices, _discriminator(key, default))
        return None


def _label(key: str, tag: str) -> str:
    return f"<{tag}>" if key == "type" else f"<|{tag}>"


def _discriminator(key: str, default: str) -> Callable[[object], str | None]:
    def tag(value: object) -> str | None:
        return _label(key, str(value.get(key) or default)) if isinstance(value, dict) else None

    return tag
