"""4.4: schemas for Gemini, one fixture a keyword; idempotent, and free of what the backends refuse."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.gemini.schema import clean_schema
from converters.json_codec import Json, JsonObject

REFUSED = (
    "$ref $schema $id $anchor $comment $defs definitions title examples example default deprecated readOnly writeOnly"
    " discriminator xml externalDocs strict x-extra const oneOf allOf not if then else dependentSchemas dependentRequired"
    " patternProperties propertyNames unevaluatedProperties unevaluatedItems contains minContains maxContains"
    " contentEncoding contentMediaType additionalItems additionalProperties exclusiveMinimum exclusiveMaximum multipleOf"
    " uniqueItems prefixItems"
).split()
LEAF: JsonObject = {"type": "string"}


def cleaned(schema: JsonObject) -> JsonObject:
    return clean_schema(schema)[0]


def prop(schema: Json) -> Json:
    """A schema as a property, cleaned."""
    properties = cleaned({"type": "object", "properties": {"p": schema}}).get("properties", {})
    assert isinstance(properties, dict)
    return properties.get("p", "removed")


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        # references
        (
            {"$ref": "#/$defs/A", "description": "own", "$defs": {"A": {"type": "integer", "description": "theirs"}}},
            {"type": "integer", "description": "own"},
        ),
        ({"$ref": "#/definitions/A", "definitions": {"A": LEAF}}, LEAF),
        ({"type": "object", "properties": {"a": LEAF, "b": {"$ref": "#/properties/a"}}}, None),
        ({"$ref": "#/$defs/a~1b%20c", "$defs": {"a/b c": LEAF}}, LEAF),
        ({"$ref": "#/anyOf/1", "anyOf": [{"type": "integer"}, LEAF]}, None),
        ({"$ref": "#/nowhere"}, {"description": "(unresolved: #/nowhere)"}),
        ({"$ref": "https://e.com/s.json"}, {"description": "(unresolved: https://e.com/s.json)"}),
        # const and enum
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"const": True}, {"type": "boolean", "description": "(one of: true)"}),
        ({"const": 1}, {"type": "integer", "description": "(one of: 1)"}),
        ({"const": None}, {"type": "string", "nullable": True}),
        ({"enum": ["a", "b"]}, {"type": "string", "enum": ["a", "b"]}),
        ({"type": "integer", "enum": ["a"]}, {"type": "string", "enum": ["a"]}),
        ({"enum": [1.5, 2], "description": "d"}, {"type": "number", "description": "d\n(one of: 1.5, 2)"}),
        ({"type": "number", "enum": [1, None]}, {"type": "number", "description": "(one of: 1)", "nullable": True}),
        ({"enum": ["a", None]}, {"type": "string", "enum": ["a"], "nullable": True}),
        # type lists
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        (
            {"type": ["string", "integer", "null"], "minLength": 1, "minimum": 2},
            {"anyOf": [{"type": "string", "minLength": 1}, {"type": "integer", "minimum": 2}], "nullable": True},
        ),
        ({"type": "STRING"}, LEAF),
        # unions
        (
            {"anyOf": [{"type": "integer", "description": "in"}, {"type": "null"}], "description": "out"},
            {"type": "integer", "description": "out", "nullable": True},
        ),
        ({"anyOf": [LEAF, {"type": "integer"}]}, {"anyOf": [LEAF, {"type": "integer"}]}),
        (
            {"oneOf": [LEAF, {"type": "integer"}], "maxLength": 3, "description": "d", "nullable": True},
            {"anyOf": [{**LEAF, "maxLength": 3}, {"type": "integer"}], "description": "d", "nullable": True},
        ),
        ({"anyOf": [{"type": "null"}]}, {"type": "string", "nullable": True}),
        (
            {
                "type": "object",
                "properties": {"a": LEAF, "b": LEAF},
                "anyOf": [{"required": ["a"]}, {"required": ["b"]}],
            },
            {
                "anyOf": [
                    {"type": "object", "properties": {"a": LEAF, "b": LEAF}, "required": ["a"]},
                    {"type": "object", "properties": {"a": LEAF, "b": LEAF}, "required": ["b"]},
                ]
            },
        ),
        (
            {
                "allOf": [
                    {"type": "object", "properties": {"a": LEAF}, "required": ["a"], "description": "1"},
                    {"properties": {"b": LEAF}, "required": ["b"], "description": "2"},
                ]
            },
            {
                "type": "object",
                "description": "2",
                "properties": {"a": LEAF, "b": LEAF},
                "required": ["a", "b"],
            },
        ),
        # numbers
        ({"type": "integer", "exclusiveMinimum": 2}, {"type": "integer", "minimum": 3}),
        ({"type": "integer", "exclusiveMaximum": 2.5}, {"type": "integer", "maximum": 2}),
        ({"type": "number", "exclusiveMinimum": 2.5}, {"type": "number", "minimum": 2.5}),
        ({"type": "number", "exclusiveMinimum": 2, "minimum": 5}, {"type": "number", "minimum": 5}),
        ({"type": "integer", "exclusiveMinimum": True, "minimum": 2}, {"type": "integer", "minimum": 3}),
        ({"type": "integer", "exclusiveMaximum": False, "maximum": 2}, {"type": "integer", "maximum": 2}),
        ({"type": "integer", "multipleOf": 5}, {"type": "integer", "description": "(multipleOf: 5)"}),
        # what is told or kept
        ({"type": "string", "default": False}, {"type": "string", "description": "(default: false)"}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"type": "string", "format": "uri"}, {"type": "string", "description": "(format: uri)"}),
        ({"type": "number", "format": "double"}, {"type": "number", "format": "double"}),
        ({"type": "integer", "format": "int64"}, {"type": "integer", "format": "int64"}),
        (
            {"type": "string", "minLength": 1, "maxLength": 2, "pattern": "^a"},
            {"type": "string", "minLength": 1, "maxLength": 2, "pattern": "^a"},
        ),
        # arrays
        ({"type": "array"}, {"type": "array", "items": LEAF}),
        ({"type": "array", "items": True}, {"type": "array", "items": LEAF}),
        ({"type": "array", "items": {}}, {"type": "array", "items": LEAF}),
        (
            {"items": {"type": "integer"}, "minItems": 1, "maxItems": 2, "uniqueItems": True},
            {
                "type": "array",
                "minItems": 1,
                "maxItems": 2,
                "items": {"type": "integer"},
                "description": "(uniqueItems: true)",
            },
        ),
        (
            {"type": "array", "prefixItems": [LEAF, {"type": "integer"}, LEAF]},
            {"type": "array", "items": {"anyOf": [LEAF, {"type": "integer"}]}},
        ),
        ({"type": "array", "items": [LEAF, LEAF]}, {"type": "array", "items": LEAF}),
        # objects
        ({"type": "object"}, {"type": "object"}),
        ({"type": "object", "additionalProperties": False}, {"type": "object"}),
        (
            {"type": "object", "additionalProperties": {"type": "integer"}},
            {"type": "object", "description": '(other properties: {"type":"integer"})'},
        ),
        (
            {"type": "object", "properties": {"a": LEAF}, "required": ["a", "b"], "minProperties": 1},
            {"type": "object", "minProperties": 1, "properties": {"a": LEAF}, "required": ["a"]},
        ),
        (
            {"type": "object", "properties": {"a": LEAF}, "required": ["b"]},
            {"type": "object", "properties": {"a": LEAF}},
        ),
    ],
)
def test_4_4_each_keyword(given_: JsonObject, expected: JsonObject | None) -> None:
    made = cleaned(given_)
    if expected is not None:
        assert expected == made
    assert cleaned(made) == made
    assert "$ref" not in str(made)


@pytest.mark.parametrize("keyword", [word for word in REFUSED if word not in ("$ref", "const", "oneOf", "allOf")])
def test_4_4_refused_keywords_are_removed(keyword: str) -> None:
    made = cleaned({"type": "object", "properties": {"a": LEAF}, keyword: {}})
    assert keyword not in made


def test_4_4_a_cycle_ends_in_an_object_with_a_note() -> None:
    tree: JsonObject = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    assert cleaned({"$ref": "#/$defs/Node", "$defs": {"Node": tree}}) == {
        "type": "object",
        "properties": {"next": {"type": "object", "description": "(recursive: #/$defs/Node)"}},
    }
    assert cleaned({"$ref": "#"}) == {"type": "object", "description": "(recursive: #)"}


def test_4_4_references_that_multiply_end_in_time() -> None:
    defs: JsonObject = {
        f"D{n}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/D{n + 1}"} for k in "abc"}} for n in range(40)
    }
    assert len(str(cleaned({"$ref": "#/$defs/D0", "$defs": defs}))) < 500_000


def test_4_4_keywords_are_recognised_in_schema_position_only() -> None:
    """A property may have any name, and values are data."""
    named: JsonObject = dict.fromkeys(("$ref", "title", "const", "type", "properties", "default"), LEAF)
    schema: JsonObject = {"type": "object", "properties": named, "required": ["type"]}
    assert cleaned(schema) == schema
    assert prop({"enum": ["$ref", "title"]}) == {"type": "string", "enum": ["$ref", "title"]}


def test_4_4_boolean_schemas_as_properties() -> None:
    assert prop(True) == {"description": "any value"}
    assert prop(False) == "removed"


def test_4_4_the_schema_given_is_not_changed_and_what_is_lost_is_named() -> None:
    schema: JsonObject = {"type": "object", "properties": {"a": {"not": LEAF, "title": "t"}}, "if": {}, "x-a": 1}
    before = repr(schema)
    assert clean_schema(schema)[1] == ["if", "not"]
    assert repr(schema) == before


def refused(schema: Json) -> set[str]:
    """Keywords in schema position that a backend answers 400 to."""
    if not isinstance(schema, dict):
        return set()
    found = set(REFUSED) & schema.keys()
    found |= {"type"} if isinstance(schema.get("type"), list) else set()
    if not all(isinstance(value, str) for value in schema.get("enum") or []):  # type: ignore[union-attr]
        found.add("enum")
    properties = schema.get("properties", {})
    assert isinstance(properties, dict)
    required = schema.get("required", [])
    assert isinstance(required, list)
    found |= {"required"} if set(required) - properties.keys() else set()
    union = schema.get("anyOf", [])
    assert isinstance(union, list)
    for inner in (*properties.values(), *union, schema.get("items")):
        found |= refused(inner)
    return found


KINDS = st.sampled_from(["string", "integer", "number", "boolean", "null", "array", "object"])
LEAVES = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({}, optional={"type": st.one_of(KINDS, st.lists(KINDS, max_size=3))}),
    st.fixed_dictionaries(
        {"enum": st.lists(st.one_of(st.none(), st.sampled_from(["a", "b", 1, 2.5, True])), max_size=3)}
    ),
    st.fixed_dictionaries({"const": st.one_of(st.none(), st.sampled_from(["a", 1]))}),
    st.fixed_dictionaries({"$ref": st.sampled_from(["#/$defs/A", "#/$defs/B", "#", "#/x"])}),
)
SCHEMAS = st.recursive(
    LEAVES,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.one_of(KINDS, st.lists(KINDS, max_size=2)),
            "properties": st.dictionaries(st.sampled_from(["a", "type", "$ref"]), inner, max_size=2),
            "required": st.just(["a", "z"]),
            "items": st.one_of(inner, st.lists(inner, max_size=2)),
            "prefixItems": st.lists(inner, max_size=2),
            "anyOf": st.lists(inner, max_size=3),
            "oneOf": st.lists(inner, max_size=2),
            "allOf": st.lists(inner, max_size=2),
            "not": inner,
            "additionalProperties": inner,
            "description": st.sampled_from(["d", ""]),
            "nullable": st.booleans(),
            "exclusiveMinimum": st.sampled_from([1, 1.5, True]),
            "minimum": st.integers(0, 3),
            "format": st.sampled_from(["uri", "int32", "date-time"]),
            "default": st.none(),
            "uniqueItems": st.booleans(),
        },
    ),
    max_leaves=8,
)


@given(st.fixed_dictionaries({"a": SCHEMAS, "b": SCHEMAS, "root": SCHEMAS}))
def test_4_4_cleaning_is_idempotent_and_leaves_nothing_refused(made: dict[str, Json]) -> None:
    root = made["root"] if isinstance(made["root"], dict) else {}
    schema: JsonObject = {**root, "$defs": {"A": made["a"], "B": made["b"]}}
    once = cleaned(schema)
    assert cleaned(once) == once
    assert refused(once) == set()
