"""Field names: the Gemini API takes camelCase and snake_case alike (protobuf's JSON form), and so do we."""

import re

from converters.json_codec import JsonObject

_HUMP = re.compile(r"(?<=[a-z0-9])_([a-z])")


def camel_name(name: str) -> str:
    return _HUMP.sub(lambda found: found[1].upper(), name) if "_" in name else name


def camel(source: JsonObject) -> JsonObject:
    """The same object with its own keys, not those of the values, in camelCase. A key that was camelCase already wins."""
    if not any("_" in key for key in source):
        return source
    renamed = {camel_name(key): value for key, value in source.items() if "_" in key}
    return {**renamed, **{key: value for key, value in source.items() if "_" not in key}}
