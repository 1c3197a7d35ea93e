"""8. Answers that are no object, in an object and out of it again."""

import pytest

from converters.gemini.answer_schema import format_of, unwrapped
from converters.json_codec import JsonObject

LIST: JsonObject = {"type": "array", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}}


@pytest.mark.parametrize(
    "schema",
    [{"type": "object"}, {"properties": {"a": {}}}, {}, {"$ref": "#/$defs/a"}],
    ids=["object", "fields", "none", "ref"],
)
def test_8_an_object_stays_as_it_is(schema: JsonObject) -> None:
    made = format_of(schema, as_text=False)
    assert (made.schema, made.unwrap) == (schema, False)


def test_8_a_list_is_put_into_an_object_whose_root_keeps_the_definitions() -> None:
    made = format_of(LIST, as_text=False)
    assert made.unwrap
    assert made.schema == {
        "type": "object",
        "properties": {"value": {"type": "array", "items": {"$ref": "#/$defs/n"}}},
        "required": ["value"],
        "additionalProperties": False,
        "$defs": {"n": {"type": "integer"}},
    }


@pytest.mark.parametrize(
    "schema",
    [{"type": "string"}, {"anyOf": [{"type": "object"}]}, {"enum": [1, 2]}, {"type": ["object", "null"]}],
    ids=["string", "either", "enum", "nullable"],
)
def test_8_every_other_root_too(schema: JsonObject) -> None:
    assert format_of(schema, as_text=False).unwrap


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"text": "RED"}', "RED"),
        ('{"value": "RED"}', '"RED"'),
        ('{"value": [1, 2.0, {"a": "ü"}]}', '[1,2.0,{"a":"ü"}]'),
        ('"RED"', "RED"),
        ("RED", "RED"),
        ('{"value": [1', '{"value": [1'),
        ('{"value": 1, "more": 2}', '{"value": 1, "more": 2}'),
        ("[1]", "[1]"),
    ],
)
def test_8_out_of_the_object_again(text: str, expected: str) -> None:
    assert unwrapped(text) == expected
