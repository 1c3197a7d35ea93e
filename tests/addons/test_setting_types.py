"""What the text of a setting must look like, and what it becomes."""

from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from addons import setting_types
from addons.setting_types import parse_size
from addons.settings import Settings


def read(kind: str, value: object) -> object:
    """As pydantic does it for a setting of this type."""
    return TypeAdapter(getattr(setting_types, kind)).validate_python(value)


@pytest.mark.parametrize(
    ("text", "size"),
    [("32m", 32 << 20), ("1G", 1 << 30), ("512kb", 512 << 10), ("100", 100), (" 5 ".strip(), 5), ("7b", 7)],
)
def test_a_size_is_a_number_with_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "m", "-1", "1.5m", "32 m", "1e3", "9" * 13])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="32m"):
        parse_size(text)


@pytest.mark.parametrize(
    ("kind", "value", "found"),
    [
        ("Host", "[::1]", "::1"),
        ("Host", "::1", "::1"),
        ("Host", "my-host.lan", "my-host.lan"),
        ("BaseUrl", " https://a.test ", "https://a.test"),
        ("OptionalBaseUrl", " ", ""),
        ("OptionalBaseUrl", "http://a.test/v1/", "http://a.test/v1/"),
        ("Url", " https://a.test/x/ ", "https://a.test/x"),
        ("OptionalUrl", "", ""),
        ("OptionalUrl", "https://a.test/", "https://a.test"),
        ("Size", " 32M ", "32m"),
        ("Seconds", "1.5", 1.5),
        ("Seconds", 0, 0),
        ("Names", "a, b,,", ["a", "b"]),
        ("Names", ["a", "b"], ["a", "b"]),
        ("Hosts", "[::1], b", ["::1", "b"]),
        ("Origins", "https://App.test", ["https://app.test"]),
        ("Days", "30", 30),
        ("Patterns", "emails", ["emails"]),
        ("Seed", " 7 ", "7"),
        ("Seed", 7, "7"),
        ("Seed", "", ""),
        ("TextFile", "", ""),
    ],
)
def test_a_value_is_made_plain(kind: str, value: object, found: object) -> None:
    made = read(kind, value)
    assert (list(made) if isinstance(made, tuple) else made) == found


@pytest.mark.parametrize(
    ("kind", "value", "cure"),
    [
        ("Host", "", "host name or an address"),
        ("Host", "http://127.0.0.1", "host name or an address"),
        ("Host", "a b", "host name or an address"),
        ("Host", "127.0.0.1:3000", "without a port"),
        ("BaseUrl", "", "https://"),
        ("BaseUrl", "api.openai.com", "https://"),
        ("BaseUrl", "https://u:p@x", "password"),
        ("OptionalBaseUrl", "api.openai.com", "https://"),
        ("Url", "", "https://"),
        ("OptionalUrl", "x", "https://"),
        ("Size", "0", "more than 0 bytes"),
        ("Size", "0k", "more than 0 bytes"),
        ("Seconds", -1, "greater than or equal to 0"),
        ("Seconds", 86_401, "less than or equal to 86400"),
        ("Seconds", float("nan"), "finite"),
        ("Seconds", float("inf"), "finite"),
        ("Hosts", "http://x", "host name or an address"),
        ("Origins", "*", "is not allowed"),
        ("Origins", "https://x/path", "like https://app.example.com"),
        ("Origins", "null", "like https://app.example.com"),
        ("Days", -1, "greater than or equal to 0"),
        ("TextFile", "nowhere.md", "text file that can be read"),
        ("Seed", "-1", "whole number"),
        ("Seed", "1.5", "whole number"),
        ("Seed", "9" * 19, "whole number"),
    ],
)
def test_what_is_none_is_refused_with_what_would_be_right(kind: str, value: object, cure: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(kind, value)
    assert cure in str(caught.value)


def test_a_file_that_is_no_text_is_refused() -> None:
    Path("prompt.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ValidationError):
        read("TextFile", "prompt.md")
    Path("prompt.md").write_text("Be brief.")
    assert read("TextFile", "prompt.md") == "prompt.md"


@pytest.mark.parametrize("value", ["a, b", ["a", "b"], ("a", "b"), "a,,b,"])
def test_a_list_is_written_with_commas_or_as_an_array(value: object) -> None:
    assert Settings.model_validate({"allowed_hosts": value}).allowed_hosts == ("a", "b")
