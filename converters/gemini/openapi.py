"""A Gemini client's tool or answer schema -> plain JSON Schema (conversion rules 4.1).

Google's older form is OpenAPI with upper-case types, `nullable`, numbers in strings and, from some clients, snake_case.
"""

from converters.gemini.names import camel_name
from converters.json_codec import Json, JsonObject

_TYPES = frozenset("STRING NUMBER INTEGER BOOLEAN ARRAY OBJECT NULL".split())
_COUNTS = frozenset("minItems maxItems minLength maxLength minProperties maxProperties".split())
_BY_NAME = frozenset("properties $defs definitions patternProperties dependentSchemas".split())
_LISTS = frozenset("anyOf oneOf allOf prefixItems".split())
_ONE = frozenset("items additionalProperties not".split())
_KEYWORDS = frozenset(  # those that a client may have written in snake_case
    (*_COUNTS, "anyOf", "oneOf", "allOf", "prefixItems", "additionalProperties", "propertyOrdering")
)


def plain_schema(schema: JsonObject) -> JsonObject:
    """Types in lower case, `nullable` as a type, counts as integers; keywords in schema position only. Nothing given is changed."""
    plain: JsonObject = {}
    for key, value in schema.items():
        keyword = named if (named := camel_name(key)) in _KEYWORDS else key
        plain[keyword] = _below(keyword, value)
    if plain.pop("nullable", None) is True:
        if isinstance(kind := plain.get("type"), str):
            plain["type"] = [kind, "null"]
            if isinstance(values := plain.get("enum"), list) and None not in values:
                plain["enum"] = [*values, None]
        elif isinstance(branches := plain.get("anyOf"), list):
            plain["anyOf"] = [*branches, {"type": "null"}]
    return plain


def _below(keyword: str, value: Json) -> Json:
    if keyword == "type":
        return [_low(name) for name in value] if isinstance(value, list) else _low(value)
    if keyword in _COUNTS:
        return _count(value)
    if keyword in _BY_NAME and isinstance(value, dict):
        return {name: _any(item) for name, item in value.items()}
    if isinstance(value, list) and (keyword in _LISTS or keyword == "items"):
        return [_any(item) for item in value]
    return _any(value) if keyword in _ONE else value


def _any(schema: Json) -> Json:
    return plain_schema(schema) if isinstance(schema, dict) else schema


def _low(name: Json) -> Json:
    return name.lower() if isinstance(name, str) and name in _TYPES else name


def _count(value: Json) -> Json:
    """protobuf writes 64-bit integers as strings."""
    if isinstance(value, str) and value.isdecimal() and len(value) < 20:
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value
