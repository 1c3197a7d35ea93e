"""The one place where JSON is read and written.

Chosen by measurement (`python -m bench.json_codec`, Python 3.13, one stream event / an 85 KB agent request, in + out, in us):
stdlib json 3.3 + 4.0 / 268 + 374, pydantic_core 1.2 + 0.8 / 197 + 135, msgspec 0.8 + 0.5 / 168 + 50, orjson 0.9 + 0.2 / 140 + 30.
orjson turns integers past 64 bits into floats; msgspec would be one more dependency for less than a microsecond an event;
pydantic_core keeps integers of any size, floats to the last bit and all of unicode, and comes with pydantic anyway.
"""

import json
import re
from collections.abc import Callable
from typing import cast

from pydantic_core import from_json, to_json

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None
type JsonObject = dict[str, Json]

_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_REPLACEMENT = "\ufffd"


def loads(data: bytes | str) -> Json:
    """Parse one JSON text.

    Lone surrogates (`"\\ud800"`), which JSON allows and UTF-8 does not, become U+FFFD. NaN and infinities are refused; a
    number that no double holds (`1e999`) is an infinity all the same, and `dumps` writes it as null.
    Raises ValueError for anything else that is not JSON, for more than 200 levels and for integers past 4,300 digits.
    """
    try:
        return cast(Json, from_json(data, allow_inf_nan=False))
    except ValueError as error:
        if "surrogate" not in (text := str(error)) and "hex escape" not in text:
            raise
        return _loads_with_surrogates(data)


def _loads_with_surrogates(data: bytes | str) -> Json:
    text = data if isinstance(data, str) else data.decode("utf-8")
    try:
        value = _map_strings(json.loads(text, parse_constant=_refuse), _replace)
        return cast(Json, from_json(json.dumps(value, ensure_ascii=False)))
    except RecursionError as error:
        raise ValueError("recursion limit exceeded") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _replace(text: str) -> str:
    return _LONE_SURROGATE.sub(_REPLACEMENT, text)


def _map_strings(value: object, change: Callable[[str], str]) -> object:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_map_strings(item, change) for item in value]
    if isinstance(value, dict):
        return {change(key): _map_strings(item, change) for key, item in value.items()}
    return value


def dumps(value: object) -> bytes:
    """Write compact UTF-8 JSON: no white space, unicode unescaped, key order kept.

    An infinity or NaN becomes null, as in JavaScript: looking for one would cost each request more than the writing does.
    """
    return to_json(value, inf_nan_mode="null")


def dumps_text(value: object) -> str:
    """The same as `str`, for JSON inside a JSON string (tool arguments)."""
    return dumps(value).decode()
