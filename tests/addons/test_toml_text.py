"""TOML that is written is read back as it was."""

import tomllib

import pytest

from addons.toml_text import toml_line


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        0,
        -3,
        1.5,
        "",
        'a "quote" and a \\ and a\nline',
        "\x7f\x00\t",
        "日本 🙂",
        ["a", "b,c"],
        [],
        {"claude-*": ["a", "b"], "with.dot": "c"},
    ],
    ids=repr,
)
def test_a_value_comes_back(value: object) -> None:
    assert tomllib.loads(toml_line("name", value)) == {"name": value}


def test_what_toml_has_no_word_for_is_refused() -> None:
    with pytest.raises(TypeError, match="NoneType"):
        toml_line("name", None)
