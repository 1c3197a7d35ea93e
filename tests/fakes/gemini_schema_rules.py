"""What Gemini says about schemas: the OpenAPI form of `parameters`, whose names the types check, and plain JSON Schema."""

from collections.abc import Iterator
from typing import Any

from tests.fakes.schema_rules import objects

type Schema = dict[str, Any]

_FORMATS = {"STRING": ("enum", "date-time"), "NUMBER": ("float", "double"), "INTEGER": ("int32", "int64")}
_BESIDE_ANY_OF = frozenset("anyOf description nullable title".split())
_KEYWORDS = frozenset(
    "$id $defs $ref $anchor type format title description enum items prefixItems minItems maxItems minimum maximum anyOf"
    " oneOf properties additionalProperties required propertyOrdering nullable minLength maxLength pattern minProperties"
    " maxProperties".split()
)
_TYPES = frozenset("string number integer boolean array object null".split())


def openapi_problem(schema: Schema, where: str, *, is_root: bool = True) -> str | None:
    """The first complaint about a `parameters` or `responseSchema`. is_root: of a function, so it must be an object."""
    kind = str(schema.get("type", "")).upper()
    if is_root and kind != "OBJECT":
        return f"{where}: parameters schema should be of type OBJECT"
    found = next(_openapi(schema, kind, where), None)
    if found:
        return found
    inner = [(f"{where}.properties[{name}]", value) for name, value in (schema.get("properties") or {}).items()]
    inner += [(f"{where}.any_of[{i}]", value) for i, value in enumerate(schema.get("anyOf") or [])]
    if schema.get("items"):
        inner.append((f"{where}.items", schema["items"]))
    return next((wrong for path, value in inner if (wrong := openapi_problem(value, path, is_root=False))), None)


def _openapi(schema: Schema, kind: str, where: str) -> Iterator[str]:
    properties = schema.get("properties") or {}
    if schema.get("anyOf") and (beside := set(schema) - _BESIDE_ANY_OF):
        yield f"{where}.any_of: when using any_of, it must be the only field set, not {sorted(beside)}"
    if not kind and not schema.get("anyOf") and len(schema) > ("description" in schema):
        yield f"{where}.type: must be specified"
    if kind == "ARRAY" and not schema.get("items"):
        yield f"{where}.items: missing field."
    if kind == "OBJECT" and "properties" in schema and not properties:
        yield f"{where}.properties: should be non-empty for OBJECT type"
    if properties and kind != "OBJECT":
        yield f"{where}.properties: only allowed for OBJECT type"
    for i, name in enumerate(schema.get("required") or []):
        if name not in properties:
            yield f"{where}.required[{i}]: property is not defined"
    if schema.get("enum") is not None and kind != "STRING":
        yield f"{where}.enum: only allowed for STRING type"
    if any(not value for value in schema.get("enum") or []):
        yield f"{where}.enum: cannot be empty"
    if (word := schema.get("format")) is not None and word not in _FORMATS.get(kind, ()):
        allowed = " and ".join(f"'{name}'" for name in _FORMATS.get(kind, ()))
        yield f"{where}.format: only {allowed or 'no formats'} are supported for {kind} type"


def json_schema_problem(schema: object, where: str) -> str | None:
    """The first complaint about a `parametersJsonSchema` or `responseJsonSchema`."""
    if not isinstance(schema, dict):
        return f"{where}: a schema must be an object"
    return next((wrong for path, part in objects(schema, where) for wrong in _json_schema(part, path, schema)), None)


def _json_schema(part: Schema, where: str, root: Schema) -> Iterator[str]:
    for name in part:
        if name not in _KEYWORDS:
            yield f"Invalid JSON payload received. Unknown name \"{name}\" at '{where}': Cannot find field."
    kinds = part.get("type")
    for kind in kinds if isinstance(kinds, list) else [] if kinds is None else [kinds]:
        if kind not in _TYPES:
            yield f"{where}.type: Invalid value: {kind!r}"
    if any(isinstance(value, bool) or not isinstance(value, str | int | float) for value in part.get("enum", [])):
        yield f"{where}.enum: only strings and numbers are supported"
    if "items" in part and not isinstance(part["items"], dict):
        yield f"{where}.items: must be a schema"
    properties = part.get("properties", {})
    for i, name in enumerate(part.get("required", [])):
        if name not in properties:
            yield f"{where}.required[{i}]: property is not defined"
    if (ref := part.get("$ref")) is not None and not _is_found(ref, root):
        yield f"{where}.$ref: {ref!r} is not defined"


def _is_found(ref: object, root: Schema) -> bool:
    if not isinstance(ref, str) or not ref.startswith("#"):
        return False
    found: Any = root
    for step in ref.removeprefix("#").strip("/").split("/") if ref != "#" else []:
        if not isinstance(found, dict) or step not in found:
            return False
        found = found[step]
    return True
