"""The request types of the SDKs, read from their own type definitions into a few plain shapes.

TypedDicts, pydantic models, unions, literals, enums and containers; names are those of the wire (aliases).
"""

import collections.abc
import datetime
import enum
import types
import typing
from dataclasses import dataclass, field
from functools import cache

import pydantic
import typing_extensions

_FEW = 3  # types of one kind of object: versions of a tool; more are no types, but operators and the like

type Shape = Leaf | Object | Array | Mapping | OneOf


@dataclass(frozen=True)
class Leaf:
    """A value without fields. kind: text, int, float, bool or json (anything); values: all there are, () if not counted."""

    kind: str
    values: tuple[str | int | bool, ...] = ()


@dataclass(frozen=True)
class Field:
    shape: Shape
    required: bool


@dataclass(eq=False)
class Object:
    name: str
    fields: dict[str, Field] = field(default_factory=dict)
    of_answers: bool = False  # a model of what the API answers, which the SDK also takes in the place of what it sends

    def constants(self) -> dict[str, str]:
        """Fields that have one possible value: they tell the variant."""
        found = {}
        for key, one in self.fields.items():
            if isinstance(one.shape, Leaf) and len(one.shape.values) == 1:
                found[key] = str(one.shape.values[0])
        return found

    @property
    def label(self) -> str:
        """What tells it from others: its type (several with slashes between), else its role, else its name."""
        kind = self.fields.get("type")
        if kind is not None and isinstance(kind.shape, Leaf) and 0 < len(kind.shape.values) <= _FEW:
            return "/".join(map(str, kind.shape.values))
        return self.constants().get("role") or self.name


@dataclass(frozen=True, eq=False)
class Array:
    item: Shape


@dataclass(frozen=True, eq=False)
class Mapping:
    item: Shape


@dataclass(frozen=True, eq=False)
class OneOf:
    options: tuple[Shape, ...]


_SCALARS: dict[object, Leaf] = {
    str: Leaf("text"),
    int: Leaf("int"),
    float: Leaf("float"),
    bool: Leaf("bool"),
    bytes: Leaf("bytes"),
    object: Leaf("json"),
    typing.Any: Leaf("json"),
    datetime.datetime: Leaf("text"),
}
_ARRAYS = (collections.abc.Iterable, collections.abc.Sequence, list, tuple, set)
_OBJECTS: dict[type, Object] = {}


@cache
def shape_of(hint: object) -> Shape:
    """Raises TypeError for a type that no SDK had when this was written."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    if isinstance(hint, typing.TypeVar):
        return Leaf("json")
    if isinstance(hint, typing.TypeAliasType | typing_extensions.TypeAliasType):
        return shape_of(hint.__value__)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Annotated, *_WRAPPERS):
        return shape_of(arguments[0])
    if origin is typing.Literal:
        return Leaf("text", tuple(value for value in arguments if value is not None))
    if origin in (typing.Union, types.UnionType):
        return _one_of([shape_of(option) for option in arguments if option is not types.NoneType and _is_json(option)])
    if origin in (dict, collections.abc.Mapping) or hint is dict:
        item: Shape = shape_of(arguments[1]) if arguments else Leaf("json")
        return Leaf("json") if item == Leaf("json") else Mapping(item)
    if origin in _ARRAYS or getattr(origin, "__name__", "") == "SequenceNotStr" or hint is list:
        return Array(shape_of(arguments[0])) if arguments else Leaf("json")
    if isinstance(hint, type):
        return _class(hint)
    raise TypeError(f"no shape for {hint!r}")


_WRAPPERS = (
    typing_extensions.Required,
    typing_extensions.NotRequired,
    typing_extensions.ReadOnly,
    typing.Required,
    typing.NotRequired,
)


def _is_json(option: object) -> bool:
    """What the SDKs take besides JSON (open files, paths, classes, functions) never reaches the wire as such."""
    name = str(option)
    return not any(word in name for word in ("IO[", "PathLike", "Callable", "PIL", "Image.Image", "ClientSession"))


def _one_of(options: list[Shape]) -> Shape:
    """Unions within unions are one; of scalars that all take any text, one is enough."""
    flat: dict[Shape, None] = {}
    for option in options:
        flat |= dict.fromkeys(option.options if isinstance(option, OneOf) else (option,))
    if Leaf("text") in flat:
        flat = {one: None for one in flat if not (isinstance(one, Leaf) and one.kind == "text" and one.values)}
    literals = [one for one in flat if isinstance(one, Leaf) and one.values]
    rest: list[Shape] = [one for one in flat if one not in literals]
    if literals:
        rest.insert(0, Leaf("text", tuple(dict.fromkeys(value for one in literals for value in one.values))))
    labels = {one.label for one in rest if isinstance(one, Object) and not one.of_answers}
    rest = [one for one in rest if not (isinstance(one, Object) and one.of_answers and one.label in labels)]
    if not rest:
        return Leaf("text")
    return rest[0] if len(rest) == 1 else OneOf(tuple(rest))


def _class(hint: type) -> Shape:
    if issubclass(hint, enum.Enum):
        return Leaf("text", tuple(str(one.value) for one in hint))
    if hint in _OBJECTS:
        return _OBJECTS[hint]
    if typing_extensions.is_typeddict(hint):
        made = _OBJECTS[hint] = Object(hint.__name__)
        _read_typed_dict(hint, made)
        return made
    if issubclass(hint, pydantic.BaseModel):
        made = _OBJECTS[hint] = Object(hint.__name__, of_answers=True)
        for name, one in hint.model_fields.items():
            annotation: typing.Any = one.annotation
            made.fields[one.serialization_alias or one.alias or name] = Field(shape_of(annotation), one.is_required())
        return made
    raise TypeError(f"no shape for {hint!r}")


def _read_typed_dict(hint: type, made: Object) -> None:
    for key, raw in typing_extensions.get_type_hints(hint, include_extras=True).items():
        required, name, one = getattr(hint, "__total__", True), key, raw
        while (origin := typing.get_origin(one)) in (typing.Annotated, *_WRAPPERS):
            if origin is typing.Annotated:
                name = next((alias for mark in one.__metadata__ if (alias := getattr(mark, "alias", None))), name)
                one = one.__origin__
            else:
                required = origin in (typing_extensions.Required, typing.Required)
                one = typing.get_args(one)[0]
        made.fields[name] = Field(shape_of(one), required)
