"""4.4: schemas for Gemini, one fixture a keyword; idempotent, and free of what the backends refuse."""

import json
import re
from pathlib import Path

import pytest
from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from converters.gemini.schema import clean_schema
from converters.json_codec import Json, JsonObject, dumps_text

REFUSED = (
    "$ref $schema $id $anchor $comment $defs definitions title examples example default deprecated readOnly writeOnly"
    " discriminator xml externalDocs strict x-order const oneOf allOf not if then else dependentSchemas dependentRequired"
    " patternProperties propertyNames unevaluatedProperties unevaluatedItems contains minContains maxContains"
    " contentEncoding contentMediaType additionalItems additionalProperties exclusiveMinimum exclusiveMaximum multipleOf"
    " uniqueItems prefixItems"
).split()
LEAF: JsonObject = {"type": "string"}


def cleaned(schema: JsonObject) -> JsonObject:
    return clean_schema(schema)[0]


# name of the keyword or case: a schema as a client gives it, and what every backend takes of it
FIXTURES: dict[str, dict[str, JsonObject]] = json.loads(Path(__file__).with_name("schemas.json").read_text())
EVERY = (
    *REFUSED,
    *"enum type anyOf minimum maximum minItems maxItems minLength maxLength pattern minProperties maxProperties".split(),
    *"items required nullable propertyOrdering".split(),
)
FORMATS = ("date-time", "enum", "float", "double", "int32", "int64")


@pytest.mark.parametrize("keyword", EVERY)
def test_4_4_every_keyword_has_a_fixture(keyword: str) -> None:
    assert any(name == keyword or name.startswith(f"{keyword}: ") for name in FIXTURES)
    assert any(re.search(f'"{re.escape(keyword)}":', dumps_text(case["given"])) for case in FIXTURES.values())


@pytest.mark.parametrize("name", FORMATS)
def test_4_4_every_format_that_stays_has_a_fixture(name: str) -> None:
    assert FIXTURES[f"format: {name}"]["given"] == FIXTURES[f"format: {name}"]["cleaned"]


@pytest.mark.parametrize("name", FIXTURES)
def test_4_4_each_keyword(name: str) -> None:
    """The form that all take is also the older `parameters`: the type definitions of Google's own library know every field."""
    case = FIXTURES[name]
    made = cleaned(case["given"])
    assert made == case["cleaned"]
    assert cleaned(made) == made
    assert refused(made) == set()
    types.Schema.model_validate(made)


def test_4_4_the_judge_refuses_what_is_unknown() -> None:
    for schema in ({"type": "object", "const": 1}, {"patternProperties": {}}, {"enum": [1]}, {"x-order": 1}):
        with pytest.raises(ValidationError):
            types.Schema.model_validate(schema)


def test_4_4_references_that_multiply_end_in_time() -> None:
    defs: JsonObject = {
        f"D{n}": {"type": "object", "properties": {k: {"$ref": f"#/$defs/D{n + 1}"} for k in "abc"}} for n in range(40)
    }
    assert len(str(cleaned({"$ref": "#/$defs/D0", "$defs": defs}))) < 500_000


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
            "maxLength": st.integers(0, 3),
            "pattern": st.sampled_from(["^a", 5]),
            "multipleOf": st.just(2),
            **dict.fromkeys(("not", "if", "then", "else", "contains", "propertyNames", "unevaluatedItems"), inner),
            **{word: st.just("x") for word in ("title", "$comment", "example", "contentEncoding", "x-order")},
            **{word: st.dictionaries(st.just("a"), inner) for word in ("patternProperties", "dependentSchemas")},
        },
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.fixed_dictionaries({"a": SCHEMAS, "b": SCHEMAS, "root": SCHEMAS}))
def test_4_4_cleaning_is_idempotent_and_leaves_nothing_refused(made: dict[str, Json]) -> None:
    root = made["root"] if isinstance(made["root"], dict) else {}
    schema: JsonObject = {**root, "$defs": {"A": made["a"], "B": made["b"]}}
    once = cleaned(schema)
    assert cleaned(once) == once
    assert refused(once) == set()
    types.Schema.model_validate(once)


def test_4_4_a_keyword_that_nobody_knows_is_told_as_lost() -> None:
    schema: JsonObject = {"type": "object", "weight": 1, "x-order": 2, "title": "t", "properties": {"weight": LEAF}}
    assert clean_schema(schema) == ({"type": "object", "properties": {"weight": LEAF}}, ["weight"])
