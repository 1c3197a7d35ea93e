"""4.5, 3.1.7: schemas as Kiro takes them."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.json_codec import Json, JsonObject
from converters.kiro.schema import clean_schema

REFUSED = (
    "$schema additionalProperties pattern format minimum maximum exclusiveMinimum exclusiveMaximum minLength maxLength"
    " minItems maxItems minProperties maxProperties multipleOf uniqueItems patternProperties propertyNames"
    " dependentRequired dependentSchemas dependencies if then else contains minContains maxContains"
    " unevaluatedProperties unevaluatedItems"
).split()


def cleaned(schema: JsonObject) -> JsonObject:
    before = copy.deepcopy(schema)
    found, _ = clean_schema(schema)
    assert schema == before
    assert clean_schema(found)[0] == found
    return found


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param({}, {"type": "object", "properties": {}}, id="empty"),
        pytest.param(
            {"type": "object", "properties": None, "required": None}, {"type": "object", "properties": {}}, id="nulls"
        ),
        pytest.param(
            {"type": "object", "properties": {}, "required": []}, {"type": "object", "properties": {}}, id="no required"
        ),
        pytest.param(
            {"$schema": "http://x", "type": "object", "properties": {}, "additionalProperties": False},
            {"type": "object", "properties": {}},
            id="two keywords",
        ),
        pytest.param(
            {"anyOf": [{"properties": {"a": {"type": "string"}}}, {"properties": {"b": {}}}]},
            {"type": "object", "properties": {"a": {"type": "string"}, "b": {}}},
            id="a union at the root",
        ),
        pytest.param({"type": "string"}, {"type": "object", "properties": {}}, id="no object"),
    ],
)
def test_3_1_7_the_root_is_an_object_without_unions_and_nulls(schema: JsonObject, expected: JsonObject) -> None:
    assert cleaned(schema) == expected


def test_4_5_every_level_is_cleaned() -> None:
    inner: JsonObject = {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
        "$schema": "x",
    }
    left: JsonObject = {"type": "object", "properties": {}}
    schema: JsonObject = {
        "type": "object",
        "properties": {
            "a": inner,
            "b": {"type": "array", "items": inner},
            "c": {"anyOf": [inner, {"type": "null"}]},
            "d": {"items": [inner, True]},
            "e": {"not": inner},
        },
        "$defs": {"f": inner},
        "required": ["a"],
    }
    assert cleaned(schema) == {
        "type": "object",
        "properties": {
            "a": left,
            "b": {"type": "array", "items": left},
            "c": {"anyOf": [left, {"type": "null"}]},
            "d": {"items": [left, True]},
            "e": {"not": left},
        },
        "$defs": {"f": left},
        "required": ["a"],
    }


def test_3_1_7_limits_are_told_in_the_description() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "minimum": 1, "description": "how many"},
            "s": {"type": "string", "pattern": "^a"},
        },
        "additionalProperties": {"type": "string"},
    }
    found, moved = clean_schema(schema)
    assert found == {
        "type": "object",
        "properties": {
            "n": {"type": "integer", "description": "how many\n(minimum: 1)"},
            "s": {"type": "string", "description": '(pattern: "^a")'},
        },
        "description": '(additionalProperties: {"type":"string"})',
    }
    assert moved == ["properties.n.minimum", "properties.s.pattern", "additionalProperties"]


def test_4_5_names_and_values_are_not_keywords() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {
            "pattern": {"type": "string"},
            "required": {"const": None},
            "x": {"enum": [None, {"minimum": 1}], "default": {"format": "y"}},
        },
        "required": ["pattern"],
    }
    assert cleaned(schema) == schema


def keywords(schema: Json) -> set[str]:
    """In schema position, the way the sample below nests."""
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    holder = schema.get("properties")
    for value in (*(holder.values() if isinstance(holder, dict) else ()), schema.get("items")):
        found |= keywords(value)
    return found


SCHEMAS = st.recursive(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "object"])}),
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": st.just("object"),
            "properties": st.dictionaries(st.sampled_from("ab"), inner) | st.none(),
            "items": inner,
            "required": st.just([]) | st.none() | st.just(["a"]),
            **{name: st.integers(0, 3) | st.booleans() | st.none() for name in REFUSED},
        },
    ),
    max_leaves=4,
)


@given(SCHEMAS)
def test_4_5_no_refused_keyword_is_left(schema: JsonObject) -> None:
    found = cleaned(schema)
    assert found["type"] == "object"
    assert keywords(found).isdisjoint(REFUSED)
