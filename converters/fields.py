"""Typed reads of a client's JSON: what is missing or null is None, what has the wrong type is a 400 that names the field.

`path` is where `source` stands in the request, "" for its top level; it is joined to `key` only when an error needs it.
"""

from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject


def at(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def malformed(path: str, expected: str) -> ConversionError:
    return ConversionError(f"`{path}` must be {expected}", param=path, code="invalid_value")


def missing(path: str) -> ConversionError:
    return ConversionError(f"`{path}` is required", param=path, code="missing_required_parameter")


def string(source: JsonObject, key: str, path: str = "") -> str | None:
    value = source.get(key)
    if value is None or isinstance(value, str):
        return value
    raise malformed(at(path, key), "a string")


def required_string(source: JsonObject, key: str, path: str = "") -> str:
    """A string that says something: not missing, not empty."""
    if value := string(source, key, path):
        return value
    raise missing(at(path, key))


def integer(source: JsonObject, key: str, path: str = "") -> int | None:
    value = source.get(key)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise malformed(at(path, key), "an integer")


def number(source: JsonObject, key: str, path: str = "") -> float | None:
    """Integers stay integers: what the client wrote as 1 is not sent as 1.0."""
    value = source.get(key)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise malformed(at(path, key), "a number")


def boolean(source: JsonObject, key: str, path: str = "") -> bool | None:
    value = source.get(key)
    if value is None or isinstance(value, bool):
        return value
    raise malformed(at(path, key), "true or false")


def obj(source: JsonObject, key: str, path: str = "") -> JsonObject | None:
    value = source.get(key)
    if value is None or isinstance(value, dict):
        return value
    raise malformed(at(path, key), "an object")


def required_obj(source: JsonObject, key: str, path: str = "") -> JsonObject:
    value = obj(source, key, path)
    if value is None:
        raise missing(at(path, key))
    return value


def array(source: JsonObject, key: str, path: str = "") -> list[Json] | None:
    value = source.get(key)
    if value is None or isinstance(value, list):
        return value
    raise malformed(at(path, key), "a list")


def objects(source: JsonObject, key: str, path: str = "") -> list[tuple[str, JsonObject]]:
    """The objects of a list, each with its path; [] when the list is missing."""
    found = []
    for index, value in enumerate(array(source, key, path) or []):
        here = f"{at(path, key)}[{index}]"
        if not isinstance(value, dict):
            raise malformed(here, "an object")
        found.append((here, value))
    return found
