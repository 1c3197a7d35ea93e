"""JSON Schema as the providers take it (conversion rules 4.1 and 4.5).

Keywords are recognised in schema position only: a property may be named `type` or `pattern`, and the values of `enum`,
`const`, `default` and `examples` are data. Nothing given is changed; every function returns a new schema, or the one
given when there is nothing to do.
"""

from collections.abc import Mapping, Sequence

from converters.json_codec import Json, JsonObject, dumps_text

_UNIONS = ("anyOf", "oneOf", "allOf")
_ROOT_REFUSED = frozenset(
    (*_UNIONS, "$ref", "enum", "const", "not")
)  # what OpenAI and Anthropic refuse at a tool's root

_SCHEMAS_BY_NAME = frozenset(("properties", "$defs", "definitions", "patternProperties", "dependentSchemas"))
_SCHEMA_LISTS = frozenset((*_UNIONS, "prefixItems"))
_OBJECT_ONLY = frozenset(("properties", "additionalProperties"))
_ONE_SCHEMA = frozenset(("items", "additionalProperties"))

# What Anthropic's structured output answers 400 to. Source: its own SDK moves the same keywords into descriptions.
_TO_DESCRIPTION = frozenset(
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern maxItems uniqueItems "
    "minProperties maxProperties not if then else contains minContains maxContains patternProperties propertyNames "
    "dependentRequired dependentSchemas unevaluatedProperties unevaluatedItems".split()
)
_FORMATS = frozenset("date-time time date duration email hostname uri ipv4 ipv6 uuid".split())


def object_root(schema: JsonObject) -> JsonObject:
    """4.1: the same schema with `type: object` and `properties` at its root and no union there.

    Branches that are objects are merged: properties united, `required` the intersection (of `allOf` the union). A
    property that two branches define differently becomes a union itself. A root `$ref` is resolved.
    """
    if (
        schema.get("type") == "object"
        and isinstance(schema.get("properties"), dict)
        and _ROOT_REFUSED.isdisjoint(schema)
    ):
        return schema
    properties, required = _members(schema, schema, ())
    root = {name: value for name, value in schema.items() if name not in _ROOT_REFUSED}
    root["type"] = "object"
    root["properties"] = properties
    if required:
        root["required"] = list(required)
    else:
        root.pop("required", None)
    return root


def _members(schema: JsonObject, document: JsonObject, seen: tuple[str, ...]) -> tuple[JsonObject, dict[str, None]]:
    """Properties and required names (in order) of an object schema with its references and unions merged in."""
    own = schema.get("properties")
    properties: JsonObject = dict(own) if isinstance(own, dict) else {}
    required = _names(schema.get("required"))
    ref = schema.get("$ref")
    if isinstance(ref, str) and ref not in seen and isinstance(target := _resolve(ref, document), dict):
        found, needed = _members(target, document, (*seen, ref))
        properties = found | properties
        required = needed | required
    for union in _UNIONS:
        branches = schema.get(union)
        if not isinstance(branches, list):
            continue
        merged = [
            _members(branch, document, seen)
            for branch in branches
            if isinstance(branch, dict) and _may_be_object(branch)
        ]
        for found, _ in merged:
            for name, value in found.items():
                properties[name] = _united(properties[name], value, union) if name in properties else value
        needed_by = [needed for _, needed in merged]
        if union == "allOf":
            required |= {name: None for needed in needed_by for name in needed}
        elif needed_by:
            required |= {name: None for name in needed_by[0] if all(name in needed for needed in needed_by)}
    return properties, required


def _may_be_object(schema: JsonObject) -> bool:
    return schema.get("type", "object") == "object" or "properties" in schema


def _names(required: Json) -> dict[str, None]:
    return {name: None for name in required if isinstance(name, str)} if isinstance(required, list) else {}


def _united(first: Json, second: Json, union: str) -> Json:
    if first == second:
        return first
    union = "allOf" if union == "allOf" else "anyOf"
    known = first[union] if isinstance(first, dict) and first.keys() == {union} else [first]
    if not isinstance(known, list) or second in known:
        return first
    return {union: [*known, second]}


def _resolve(ref: str, document: JsonObject) -> Json:
    """The value a local JSON pointer names; None when there is none."""
    if not ref.startswith("#/"):
        return None
    value: Json = document
    for step in ref[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(value, dict) or name not in value:
            return None
        value = value[name]
    return value


def clean_for_anthropic(schema: JsonObject) -> tuple[JsonObject, list[str]]:
    """4.5: a schema for `output_config.format` and for strict tools, and the paths of what was moved or changed.

    `additionalProperties: false` on every object, `oneOf` -> `anyOf`; what cannot be enforced goes into the description,
    where the model still reads it. Idempotent.
    """
    notes: list[str] = []
    return _clean(schema, "", notes), notes


def _clean(schema: Mapping[str, Json], path: str, notes: list[str]) -> JsonObject:
    cleaned: JsonObject = {}
    told: JsonObject = {}
    for keyword, value in schema.items():
        here = f"{path}{keyword}"
        if _unenforceable(keyword, value) or (keyword == "oneOf" and "anyOf" in schema):
            told[keyword] = value
            notes.append(here)
        elif keyword == "oneOf":
            cleaned["anyOf"] = _below(keyword, value, here, notes)
            notes.append(here)
        else:
            cleaned[keyword] = _below(keyword, value, here, notes)
    if _is_object(schema):
        if schema.get("additionalProperties", False) is not False:
            notes.append(f"{path}additionalProperties")
        cleaned["additionalProperties"] = False
    if told:
        cleaned["description"] = _described(schema.get("description"), told)
    return cleaned


def _unenforceable(keyword: str, value: Json) -> bool:
    if keyword == "format":
        return value not in _FORMATS if isinstance(value, str) else True
    if keyword == "minItems":
        return value not in (0, 1)
    return keyword in _TO_DESCRIPTION


def _is_object(schema: Mapping[str, Json]) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or not _OBJECT_ONLY.isdisjoint(schema)


def _described(description: Json, told: JsonObject) -> str:
    words = ", ".join(f"{keyword}: {dumps_text(value)}" for keyword, value in told.items())
    return f"{description}\n({words})" if isinstance(description, str) and description else f"({words})"


def _below(keyword: str, value: Json, path: str, notes: list[str]) -> Json:
    """The value of a keyword with the schemas in it cleaned."""
    if keyword in _SCHEMAS_BY_NAME and isinstance(value, dict):
        return {name: _clean_any(item, f"{path}.{name}.", notes) for name, item in value.items()}
    if keyword in _SCHEMA_LISTS or (keyword == "items" and isinstance(value, list)):
        items: Sequence[Json] = value if isinstance(value, list) else ()
        return [_clean_any(item, f"{path}[{place}].", notes) for place, item in enumerate(items)]
    if keyword in _ONE_SCHEMA:
        return _clean_any(value, f"{path}.", notes)
    return value


def _clean_any(schema: Json, path: str, notes: list[str]) -> Json:
    """A schema may also be true or false."""
    return _clean(schema, path, notes) if isinstance(schema, dict) else schema
