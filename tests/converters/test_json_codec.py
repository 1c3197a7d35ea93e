"""JSON in and out: exact where JSON is exact, and never invalid."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.json_codec import dumps, dumps_text, loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_what_is_written_is_read_back_unchanged(value: object) -> None:
    assert loads(dumps(value)) == value
    assert json.loads(dumps(value)) == value


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "-9223372036854775809", "9" * 4300])
def test_6_2_integers_of_any_size_survive(number: str) -> None:
    """6.2: no float coercion of integers."""
    value = loads(number)
    assert value == int(number)
    assert isinstance(value, int)
    assert dumps(value) == number.encode()


@pytest.mark.parametrize("number", ["1.0", "0.1", "-0.0", "1.7976931348623157e308", "5e-324", "3.141592653589793"])
def test_6_2_floats_survive_to_the_last_bit(number: str) -> None:
    """6.2: `1.0` does not become `1`."""
    value = loads(dumps(loads(number)))
    assert isinstance(value, float)
    assert value.hex() == float(number).hex()


def test_text_is_written_unescaped_and_compact_in_the_order_given() -> None:
    assert dumps({"b": "héllo 😀 \u2028", "a": [1, 2]}) == '{"b":"héllo 😀 \u2028","a":[1,2]}'.encode()
    assert dumps_text({"q": "猫"}) == '{"q":"猫"}'


def test_control_characters_cannot_break_out_of_a_line() -> None:
    assert b"\n" not in dumps("\n\ndata: x\r\n")
    assert b"\r" not in dumps("\n\ndata: x\r\n")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud800"', "\ufffd"),
        (r'["a\udfff b", 1.0, 12345678901234567890123]', ["a\ufffd b", 1.0, 12345678901234567890123]),
        (r'{"\ud83d": "\ud83d\ude00"}', {"\ufffd": "😀"}),
        (r'"\ud800\u0041"', "\ufffdA"),
    ],
)
def test_1_3_lone_surrogates_become_the_replacement_character(text: str, value: object) -> None:
    """1.3: Anthropic answers 400 to them. Pairs are characters and stay."""
    assert loads(text) == value
    assert loads(text.encode()) == value
    dumps(value)


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "[NaN]", r'["\ud800", NaN]', r'["\ud800", -Infinity]']
)
def test_words_for_what_is_no_number_are_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the parser's own words
        loads(text)


@pytest.mark.parametrize("text", ["1e999", "-1e999", "9" * 400 + ".0", r'["\ud800", 1e999]'])
def test_a_number_past_every_double_never_becomes_invalid_json(text: str) -> None:
    """JSON has no word for an infinity; a provider would answer 400 to `Infinity`, or break off."""
    written = dumps({"n": loads(text)})
    assert b"null" in written
    assert json.loads(written, parse_constant=lambda word: pytest.fail(word))


def test_nan_and_infinities_of_our_own_are_null() -> None:
    assert dumps([math.nan, math.inf, -math.inf]) == b"[null,null,null]"


@pytest.mark.parametrize("depth", [201, 3000, 200_000])
@pytest.mark.parametrize("head", ["", r'"\ud800",'])
def test_deep_nesting_is_a_value_error(depth: int, head: str) -> None:
    """Also on the way that replaces surrogates, which recurses in Python."""
    with pytest.raises(ValueError, match="recursion"):
        loads("[" + head + "[" * depth + "]" * depth + "]")


@pytest.mark.parametrize("text", ["9" * 5000, r'["\ud800",' + "9" * 5000 + "]"])
def test_a_number_of_5000_digits_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"range|limit"):
        loads(text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"{'a':1}",
        b'"\xff"',
        b'"\xed\xa0\x80"',
        b'"\xc0\xaf"',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b"{} {}",
        b'["\\ud800"',
    ],
)
def test_what_is_not_json_in_utf8_is_a_value_error(body: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the parser's own words
        loads(body)


def test_of_two_members_of_one_name_the_last_counts() -> None:
    assert loads('{"a":1,"a":2}') == {"a": 2}
