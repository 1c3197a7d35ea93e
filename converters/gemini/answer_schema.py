"""Answers by a schema whose root is no object: Gemini alone gives a list or a bare word, so elsewhere they travel in an object.

OpenAI answers 400 to any other root ("schema must be of 'type: \"object\"'"), and so does a forced tool (conversion rules 8).
"""

from converters.json_codec import JsonObject, dumps_text, loads
from converters.turns import Format

_TEXT = "text"  # the property, when the client wants the string itself (`text/x.enum`)
_JSON = "value"  # when it wants the property's JSON
_DEFINITIONS = frozenset(("$defs", "definitions"))
_OTHER_ROOTS = frozenset(("anyOf", "oneOf", "enum", "const"))


def format_of(schema: JsonObject, *, as_text: bool) -> Format:
    """schema: in plain JSON Schema. as_text: the answer is a string and the client wants it without quotes."""
    if as_text or not _is_object(schema):
        return Format("json_schema", schema=_wrapped(schema, _TEXT if as_text else _JSON), unwrap=True)
    return Format("json_schema", schema=schema)


def unwrapped(text: str) -> str:
    """What the client asked for, out of the object; a text that is no such object (it was cut short) is passed as it came."""
    try:
        answer = loads(text)
    except ValueError:
        return text
    match answer:
        case {"text": str(word), **rest} if not rest:
            return word
        case {"value": value, **rest} if not rest:
            return dumps_text(value)
        case str():
            return answer
    return text


def _is_object(schema: JsonObject) -> bool:
    """As far as its root shows; a schema that says nothing is taken for one."""
    kind = schema.get("type")
    return kind == "object" or (kind is None and not _OTHER_ROOTS & schema.keys())


def _wrapped(schema: JsonObject, name: str) -> JsonObject:
    """References go on pointing at the root's definitions."""
    inner: JsonObject = {key: value for key, value in schema.items() if key not in _DEFINITIONS}
    outer: JsonObject = {key: value for key, value in schema.items() if key in _DEFINITIONS}
    return {"type": "object", "properties": {name: inner}, "required": [name], "additionalProperties": False, **outer}
