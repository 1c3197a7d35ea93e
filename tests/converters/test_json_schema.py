"""Root rules (4.1) and Anthropic's strict schemas (4.5)."""

import copy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.json_codec import Json, JsonObject, loads
from converters.json_schema import clean_for_anthropic, object_root

A: JsonObject = {
    "type": "object",
    "properties": {"a": {"type": "string"}, "c": {"type": "integer"}},
    "required": ["a", "c"],
}
B: JsonObject = {
    "type": "object",
    "properties": {"b": {"type": "string"}, "c": {"type": "integer"}},
    "required": ["c", "b"],
}
UNITED: JsonObject = {"a": {"type": "string"}, "c": {"type": "integer"}, "b": {"type": "string"}}


def test_4_1_a_root_object_passes_as_it_is() -> None:
    schema: JsonObject = {"type": "object", "properties": {"anyOf": {"type": "string"}}, "$defs": {}}
    assert object_root(schema) is schema


@pytest.mark.parametrize(
    "schema", [{}, {"type": "object"}, {"properties": {}}, {"type": ["object", "null"]}, {"type": "string"}]
)
def test_4_1_a_root_gets_type_and_properties(schema: JsonObject) -> None:
    assert object_root(schema) == {"type": "object", "properties": {}}


@pytest.mark.parametrize("union", ["anyOf", "oneOf"])
def test_4_1_a_root_union_is_merged_and_requires_what_all_branches_require(union: str) -> None:
    merged = object_root({union: [A, {"type": "null"}, B], "description": "d"})
    assert merged == {"description": "d", "type": "object", "properties": UNITED, "required": ["c"]}


def test_4_1_a_root_all_of_requires_what_any_branch_requires() -> None:
    merged = object_root({"allOf": [A, B]})
    assert merged == {"type": "object", "properties": UNITED, "required": ["a", "c", "b"]}


def test_4_1_branches_that_disagree_about_a_property_become_a_union_there() -> None:
    kinds: list[Json] = [{"const": "x"}, {"const": "y"}, {"const": "z"}]
    merged = object_root({"anyOf": [{"properties": {"kind": kind}} for kind in [*kinds, kinds[1]]]})
    assert merged["properties"] == {"kind": {"anyOf": kinds}}


def test_4_1_root_references_are_resolved_and_circles_end() -> None:
    schema: JsonObject = {
        "$ref": "#/$defs/Node",
        "$defs": {"Node": {"$ref": "#/$defs/a~1b"}, "a/b": {"anyOf": [A, {"$ref": "#/$defs/Node"}]}},
    }
    before = copy.deepcopy(schema)

    merged = object_root(schema)

    assert merged["type"] == "object"
    assert merged["properties"] == A["properties"]
    assert merged["$defs"] == before["$defs"]
    assert "$ref" not in merged
    assert schema == before


def test_4_1_a_reference_that_leads_nowhere_leaves_an_empty_object() -> None:
    assert object_root({"$ref": "#/$defs/gone"}) == {"type": "object", "properties": {}}
    assert object_root({"$ref": "http://example.com/schema"}) == {"type": "object", "properties": {}}


def test_4_5_objects_are_closed_and_unenforceable_keywords_become_words() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "minimum": 0, "maximum": 150, "description": "Years."},
            "tags": {"type": "array", "items": {"type": "string", "pattern": "^a"}, "minItems": 2, "uniqueItems": True},
            "one": {"type": "array", "minItems": 1},
            "at": {"type": "string", "format": "date-time"},
            "key": {"type": "string", "format": "byte"},
            "inner": {"oneOf": [{"properties": {}}, {"type": "null"}]},
        },
        "additionalProperties": True,
    }
    before = copy.deepcopy(schema)

    cleaned, notes = clean_for_anthropic(schema)

    assert cleaned == {
        "type": "object",
        "properties": {
            "age": {"type": "integer", "description": "Years.\n(minimum: 0, maximum: 150)"},
            "tags": {
                "type": "array",
                "items": {"type": "string", "description": '(pattern: "^a")'},
                "description": "(minItems: 2, uniqueItems: true)",
            },
            "one": {"type": "array", "minItems": 1},
            "at": {"type": "string", "format": "date-time"},
            "key": {"type": "string", "description": '(format: "byte")'},
            "inner": {"anyOf": [{"properties": {}, "additionalProperties": False}, {"type": "null"}]},
        },
        "additionalProperties": False,
    }
    assert notes == [
        "properties.age.minimum",
        "properties.age.maximum",
        "properties.tags.items.pattern",
        "properties.tags.minItems",
        "properties.tags.uniqueItems",
        "properties.key.format",
        "properties.inner.oneOf",
        "additionalProperties",
    ]
    assert schema == before


@pytest.mark.parametrize("name", "date-time time date duration email hostname uri ipv4 ipv6 uuid".split())
def test_4_5_known_string_formats_stay(name: str) -> None:
    schema: JsonObject = {"type": "string", "format": name}
    assert clean_for_anthropic(schema) == (schema, [])


def test_4_5_closing_an_object_that_did_not_say_is_no_loss() -> None:
    assert clean_for_anthropic({"type": ["object", "null"]}) == (
        {"type": ["object", "null"], "additionalProperties": False},
        [],
    )


def test_4_5_names_and_values_are_not_taken_for_keywords() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"pattern": {"enum": [{"minimum": 1}]}, "minimum": {"const": {"not": 1}}},
        "$defs": {"maxItems": {"type": "string", "default": {"oneOf": []}}},
        "additionalProperties": False,
    }
    assert clean_for_anthropic(schema) == (schema, [])


KEYWORDS = [
    "type",
    "properties",
    "items",
    "anyOf",
    "oneOf",
    "allOf",
    "minimum",
    "minItems",
    "format",
    "enum",
    "const",
    "not",
]
KEYWORDS += ["additionalProperties", "$defs", "description", "pattern", "required", "prefixItems"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["object", "array", "date", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*KEYWORDS, "name"]), inner, max_size=4)
    ),
    max_leaves=20,
)
SCHEMAS: st.SearchStrategy[JsonObject] = st.dictionaries(st.sampled_from(KEYWORDS), VALUES, max_size=6)


@given(SCHEMAS)
def test_20_cleaning_is_idempotent_and_changes_nothing_given(schema: JsonObject) -> None:
    before = copy.deepcopy(schema)

    cleaned, _ = clean_for_anthropic(schema)

    assert schema == before
    assert clean_for_anthropic(cleaned) == (cleaned, [])


@given(SCHEMAS)
def test_20_root_rules_are_idempotent_and_change_nothing_given(schema: JsonObject) -> None:
    before = copy.deepcopy(schema)

    root = object_root(schema)

    assert schema == before
    assert root["type"] == "object"
    assert isinstance(root["properties"], dict)
    assert root.keys().isdisjoint({"anyOf", "oneOf", "allOf", "$ref"})
    assert object_root(root) == root


def test_20_big_numbers_survive_in_words() -> None:
    schema = loads('{"type":"integer","maximum":123456789012345678901234567890}')
    assert isinstance(schema, dict)
    assert clean_for_anthropic(schema)[0]["description"] == "(maximum: 123456789012345678901234567890)"
