"""4.1: a Gemini client's schema as plain JSON Schema."""

from converters.gemini.openapi import plain_schema
from converters.json_codec import JsonObject


def test_4_1_types_become_lower_case_at_every_depth() -> None:
    schema: JsonObject = {
        "type": "OBJECT",
        "properties": {"a": {"type": "ARRAY", "items": {"type": "STRING"}}, "b": {"any_of": [{"type": "INTEGER"}]}},
    }
    assert plain_schema(schema) == {
        "type": "object",
        "properties": {"a": {"type": "array", "items": {"type": "string"}}, "b": {"anyOf": [{"type": "integer"}]}},
    }
    assert schema["type"] == "OBJECT"


def test_4_1_a_property_named_type_is_left_alone() -> None:
    schema: JsonObject = {
        "type": "object",
        "properties": {"type": {"type": "STRING", "enum": ["OBJECT"]}, "min_items": {"type": "INTEGER"}},
    }
    assert plain_schema(schema)["properties"] == {
        "type": {"type": "string", "enum": ["OBJECT"]},
        "min_items": {"type": "integer"},
    }


def test_4_1_nullable_becomes_a_type_list_or_a_branch() -> None:
    assert plain_schema({"type": "STRING", "nullable": True}) == {"type": ["string", "null"]}
    assert plain_schema({"type": "STRING", "nullable": False}) == {"type": "string"}
    assert plain_schema({"type": "STRING", "nullable": True, "enum": ["a"]})["enum"] == ["a", None]
    assert plain_schema({"anyOf": [{"type": "STRING"}], "nullable": True}) == {
        "anyOf": [{"type": "string"}, {"type": "null"}]
    }


def test_4_1_numbers_in_strings_become_integers() -> None:
    assert plain_schema({"type": "ARRAY", "min_items": "1", "maxItems": 2.0}) == {
        "type": "array",
        "minItems": 1,
        "maxItems": 2,
    }
    assert plain_schema({"maxLength": "many"}) == {"maxLength": "many"}
