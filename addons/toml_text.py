"""Writing TOML, as much of it as settings need; the standard library only reads it."""

import json
from collections.abc import Mapping


def toml_line(name: str, value: object) -> str:
    """`name = value` for a text, number, bool, list or table of such. name: a bare key. Raises TypeError for anything else."""
    return f"{name} = {_value(value)}"


def _value(value: object) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            # JSON's escapes are TOML's, but for surrogate pairs and for DEL, which TOML wants escaped
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case list() | tuple():
            return "[" + ", ".join(map(_value, value)) + "]"
        case Mapping():
            return "{ " + ", ".join(f"{_value(str(name))} = {_value(each)}" for name, each in value.items()) + " }"
        case _:
            raise TypeError(f"TOML has no {type(value).__name__}")
