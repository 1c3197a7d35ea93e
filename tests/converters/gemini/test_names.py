"""2.1: snake_case is accepted for every field."""

import pytest

from converters.gemini.names import camel, camel_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("system_instruction", "systemInstruction"),
        ("parameters_json_schema", "parametersJsonSchema"),
        ("top_k", "topK"),
        ("topK", "topK"),
        ("_private", "_private"),
        ("text", "text"),
    ],
)
def test_2_1_names_become_camel_case(name: str, expected: str) -> None:
    assert camel_name(name) == expected


def test_2_1_only_the_objects_own_keys_change_and_camel_case_wins() -> None:
    assert camel({"file_data": {"file_uri": "x"}, "a": 1}) == {"fileData": {"file_uri": "x"}, "a": 1}
    assert camel({"topK": 1, "top_k": 2}) == {"topK": 1}
    plain = {"topK": 1}
    assert camel(plain) is plain  # type: ignore[arg-type]
