"""How deep JSON is nested."""

from collections.abc import Iterable

from converters.json_codec import Json, JsonObject

# Levels, the outermost array or object counted. Below them `json_codec.loads` refuses by itself, at no cost (all but an empty
# array, which holds nothing).
DEEPEST = 200


def deeper_than(value: Json, levels: int) -> bool:
    """Whether arrays and objects are nested more than `levels` deep; an array in an object is two levels.

    Level by level and not by recursion; ends at the first level too many. Visits every container's members once: look at
    the number of opening brackets first.
    """
    level = _containers([value])
    for _ in range(levels):
        if not level:
            return False
        level = _containers(
            below for container in level for below in (container.values() if isinstance(container, dict) else container)
        )
    return bool(level)


def _containers(values: Iterable[Json]) -> list[list[Json] | JsonObject]:
    return [value for value in values if isinstance(value, (list, dict))]
