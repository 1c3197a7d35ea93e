"""Every field of a request type, each with its path and with requests that hold it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from converters.json_codec import Json, JsonObject
from tests.converters.every_field.shapes import Array, Field, Leaf, Mapping, Object, OneOf, Shape

type Step = str | int | None  # a key, the number of an option of a union, or None: into a list or a map
type Values = Callable[[str, str, Leaf], tuple[Json, ...]]  # (name of the object, key, leaf) -> telling values
type Complete = Callable[[str, JsonObject, str | None], None]  # (name of the object, itself, field under test)


@dataclass(frozen=True)
class Spot:
    """One place for a value. path: `messages[]{user}.content[]{image_url}.image_url.detail`, with the variant of each union
    in braces; owner: name of the object that holds the value; optional: the request is valid without it."""

    path: str
    steps: tuple[Step, ...]
    leaf: Leaf
    owner: str
    key: str
    optional: bool

    @property
    def group(self) -> str:
        """The top-level field."""
        return str(self.steps[0])


VENDOR = "zqvendor"  # a field that no type knows


def spots(root: Object) -> Iterator[Spot]:
    """An object type is not entered again below itself, a schema only once. Each object has room for a field of a vendor's."""
    yield from _in_object(root, "", (), ())


def _in_object(one: Object, path: str, steps: tuple[Step, ...], seen: tuple[Object, ...]) -> Iterator[Spot]:
    if seen.count(one) > (one.name == "Schema"):  # a schema's keywords matter most below its root
        return
    yield Spot(f"{path}.{VENDOR}" if path else VENDOR, (*steps, VENDOR), Leaf("text"), one.name, VENDOR, True)
    for key, held in one.fields.items():
        here = f"{path}.{key}" if path else key
        yield from _in_shape(held.shape, here, (*steps, key), (*seen, one), key, not held.required)


def _in_shape(
    shape: Shape, path: str, steps: tuple[Step, ...], seen: tuple[Object, ...], key: str, optional: bool
) -> Iterator[Spot]:
    match shape:
        case Leaf():
            yield Spot(path, steps, shape, seen[-1].name, key, optional)
        case Object():
            if not shape.fields:
                yield Spot(path, steps, Leaf("empty"), seen[-1].name, key, optional)
            yield from _in_object(shape, path, steps, seen)
        case Array(item):
            yield from _in_shape(item, f"{path}[]", (*steps, None), seen, key, optional)
        case Mapping(item):
            yield from _in_shape(item, f"{path}.*", (*steps, None), seen, key, optional)
        case OneOf(options):
            labels = _labels(options)
            for number, option in enumerate(options):
                yield from _in_shape(option, path + labels[number], (*steps, number), seen, key, optional)


def _labels(options: tuple[Shape, ...]) -> list[str]:
    """`{type}`; with the class's name where two have the same type; nothing where there is only one object."""
    inner = [option.item if isinstance(option, Array) else option for option in options]
    objects = [one for one in inner if isinstance(one, Object)]
    plain = [one.label for one in objects]
    labels = []
    for one in inner:
        if not isinstance(one, Object) or len(objects) == 1:
            labels.append("")
        else:
            labels.append(f"{{{one.label if plain.count(one.label) == 1 else f'{one.label}/{one.name}'}}}")
    return labels


class Builder:
    """Builds the least request that holds a value at a spot."""

    def __init__(self, root: Object, values: Values, complete: Complete) -> None:
        self._root, self._values, self._complete = root, values, complete

    def values(self, spot: Spot) -> tuple[Json, ...]:
        return self._values(spot.owner, spot.key, spot.leaf)

    def without(self, spot: Spot) -> JsonObject:
        """The same request as `holding` without the last key of the spot's path."""
        keys = [place for place, step in enumerate(spot.steps) if isinstance(step, str)]
        return self._object(self._root, spot.steps[: keys[-1]], None, spot.key)

    def holding(self, spot: Spot, value: Json) -> JsonObject:
        return self._object(self._root, spot.steps, value, None)

    def _object(self, one: Object, steps: tuple[Step, ...], value: Json, missing: str | None) -> JsonObject:
        made: JsonObject = {}
        step = steps[0] if steps else None
        for key, held in one.fields.items():
            if key == step:
                made[key] = self._shape(held.shape, steps[1:], value, one.name, key, missing)
            elif held.required and not (not steps and key == missing):
                made[key] = self._least(held, one.name, key)
        if step == VENDOR:
            made[VENDOR] = value
        self._complete(one.name, made, step if isinstance(step, str) else missing)
        return made

    def _shape(
        self, shape: Shape, steps: tuple[Step, ...], value: Json, owner: str, key: str, missing: str | None
    ) -> Json:
        match shape:
            case Leaf():
                return value
            case Object():
                return self._object(shape, steps, value, missing)
            case Array(item):
                return [self._shape(item, steps[1:], value, owner, key, missing)]
            case Mapping(item):
                return {"zq": self._shape(item, steps[1:], value, owner, key, missing)}
            case OneOf(options):
                number = steps[0] if steps else 0
                assert isinstance(number, int)
                return self._shape(options[number], steps[1:], value, owner, key, missing)

    def _least(self, held: Field, owner: str, key: str) -> Json:
        """The least value of a field that must be there."""
        return self._least_of(held.shape, owner, key)

    def _least_of(self, shape: Shape, owner: str, key: str) -> Json:
        match shape:
            case Leaf():
                return self._values(owner, key, shape)[0]
            case Object():
                return self._object(shape, (), None, None)
            case Array(item):
                return [self._least_of(item, owner, key)]
            case Mapping(item):
                return {"zq": self._least_of(item, owner, key)}
            case OneOf(options):
                plain: list[Shape] = [option for option in options if isinstance(option, Leaf)]
                return self._least_of((plain or list(options))[0], owner, key)
