"""JSON Schema as Kiro takes it (conversion table 4.5). What it does not take makes the whole request "improperly formed"."""

from converters.json_codec import Json, JsonObject, dumps_text
from converters.json_schema import object_root

_SCHEMAS_BY_NAME = frozenset(("properties", "$defs", "definitions"))
_SCHEMA_LISTS = frozenset(("anyOf", "oneOf", "allOf", "prefixItems"))
_REMOVED = frozenset(("$schema",))
# Newer clients take these out as well; the model reads them in the description instead.
_TO_DESCRIPTION = frozenset(
    "additionalProperties pattern format minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength minItems maxItems"
    " minProperties maxProperties multipleOf uniqueItems patternProperties propertyNames dependentRequired dependentSchemas"
    " dependencies if then else contains minContains maxContains unevaluatedProperties unevaluatedItems".split()
)
_DATA = frozenset(("const", "default"))  # null is a value here


def clean_schema(schema: JsonObject) -> tuple[JsonObject, list[str]]:
    """An object schema that the service takes, and the paths of what was moved into descriptions. Idempotent.

    The schema given is not changed. Keywords are recognised in schema position only, never among property names or values.
    """
    moved: list[str] = []
    rooted = object_root({name: value for name, value in schema.items() if value is not None})
    return _clean(rooted, "", moved), moved


def _clean(schema: JsonObject, path: str, moved: list[str]) -> JsonObject:
    cleaned: JsonObject = {}
    told: JsonObject = {}
    for keyword, value in schema.items():
        if keyword in _REMOVED or (value is None and keyword not in _DATA) or (keyword == "required" and not value):
            continue
        if keyword in _TO_DESCRIPTION:
            if (
                not isinstance(value, bool) or keyword == "uniqueItems"
            ):  # `additionalProperties: false` is no help to a model
                told[keyword] = value
                moved.append(f"{path}{keyword}")
        else:
            cleaned[keyword] = _below(keyword, value, f"{path}{keyword}", moved)
    if told:
        words = ", ".join(f"{keyword}: {dumps_text(value)}" for keyword, value in told.items())
        about = cleaned.get("description")
        cleaned["description"] = f"{about}\n({words})" if isinstance(about, str) and about else f"({words})"
    return cleaned


def _below(keyword: str, value: Json, path: str, moved: list[str]) -> Json:
    """The value of a keyword with the schemas in it cleaned; a schema may also be true or false."""
    if keyword in _SCHEMAS_BY_NAME and isinstance(value, dict):
        return {name: _below("items", item, f"{path}.{name}", moved) for name, item in value.items()}
    if isinstance(value, list) and (keyword in _SCHEMA_LISTS or keyword == "items"):
        return [_below("not", item, f"{path}[{place}]", moved) for place, item in enumerate(value)]
    if isinstance(value, dict) and keyword in ("items", "not"):
        return _clean(value, f"{path}.", moved)
    return value
