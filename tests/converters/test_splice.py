"""1.2: a bypass body keeps every byte but the member that must change."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.json_codec import Json
from converters.splice import remove_member, set_items, set_member

NAMES = st.sampled_from(["model", "a", "mo\u0064el", 'q"', "\u00e9", "}", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=8,
)
BODIES = st.dictionaries(NAMES, VALUES, max_size=5)
WRITTEN = st.builds(
    lambda body, ascii_, indent: json.dumps(body, ensure_ascii=ascii_, indent=indent).encode(errors="surrogatepass"),
    BODIES,
    st.just(True),
    st.sampled_from([None, 2]),
) | st.builds(
    lambda body: json.dumps(json.loads(json.dumps(body)), indent=1).replace("model", "m\\u006fdel").encode(), BODIES
)


@given(WRITTEN, NAMES, VALUES)
def test_1_2_only_the_named_member_changes(raw: bytes, key: str, value: object) -> None:
    value = json.loads(json.dumps(value).encode("utf-8", "replace").replace(b"\\ud", b"\\u0"))

    spliced = set_member(raw, key, value)

    assert json.loads(spliced) == {**json.loads(raw), key: value}


@given(WRITTEN, NAMES)
def test_1_2_a_removed_member_is_gone_and_nothing_else(raw: bytes, key: str) -> None:
    expected = {name: value for name, value in json.loads(raw).items() if name != key}

    assert json.loads(remove_member(raw, key)) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"model":"old"}', '{"model":"new"}'),
        (' {\n "model" :\t"old" , "x":1.0}\r\n', ' {\n "model" :\t"new" , "x":1.0}\r\n'),
        ('{"a":{"model":"in"},"model":{"deep":[1,{"model":2}]}}', '{"a":{"model":"in"},"model":"new"}'),
        ('{"model":1,"x":"\\"model\\":2","model":[]}', '{"model":"new","x":"\\"model\\":2","model":"new"}'),
        ('{"m\\u006fdel":1}', '{"m\\u006fdel":"new"}'),
        (
            '{"a":"\u00e9\U0001f600\\ud800","model":1,"b":1e400}',
            '{"a":"\u00e9\U0001f600\\ud800","model":"new","b":1e400}',
        ),
        ('{"a":{"model":1}}', '{"a":{"model":1},"model":"new"}'),
        ('{"a":{"model":1},"m\\u006fdel":2}', '{"a":{"model":1},"m\\u006fdel":"new"}'),
        ('{"a":"\\"model\\":1","model":"a\\"b\\\\"}', '{"a":"\\"model\\":1","model":"new"}'),
        ('{"a":["model"],"model":-1.5e3}', '{"a":["model"],"model":"new"}'),
        ("{}", '{"model":"new"}'),
        ("{ }", '{ "model":"new"}'),
        ('{"a":1 }', '{"a":1,"model":"new" }'),
    ],
)
def test_1_2_every_other_byte_stays(raw: str, expected: str) -> None:
    assert expected.encode() == set_member(raw.encode(), "model", "new")


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ('{"x":1}', "{}"),
        ('{ "x":1 }', "{  }"),
        ('{"x":1,"a":2}', '{"a":2}'),
        ('{ "a":1 , "x":2 , "b": 3 }', '{ "a":1 , "b": 3 }'),
        ('{"a":1,"x":2}', '{"a":1}'),
        ('{"x":0,"a":1,"x":2,"\\u0078":3}', '{"a":1}'),
        ('{"a":{"x":1}}', '{"a":{"x":1}}'),
    ],
)
def test_1_2_a_member_goes_with_its_comma(raw: str, expected: str) -> None:
    assert expected.encode() == remove_member(raw.encode(), "x")


def test_1_2_integers_of_any_length_are_left_alone() -> None:
    raw = b'{"n":' + b"9" * 5000 + b',"model":1}'
    assert set_member(raw, "model", 2) == raw[:-2] + b"2}"


@pytest.mark.parametrize(
    "raw",
    [
        "",
        '["a",1]',
        '[{"a":1}]',
        '{"a":1,"b"}',
        "[]",
        '{"a":1',
        '{"a" 1}',
        '{"a":1}x',
        "{1:2}",
        '{"a":1,}',
        "null",
        "[" * 100_000,
    ],
)
def test_what_is_no_json_object_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match=r"JSON|Expecting|recursion"):
        set_member(raw.encode(), "a", 1)
    with pytest.raises(ValueError, match=r"JSON|Expecting|recursion"):
        remove_member(raw.encode(), "a")


def test_nesting_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="recursion"):
        set_member(b'{"a":' + b"[" * 200_000, "a", 1)


def test_bytes_that_are_no_utf_8_are_refused() -> None:
    with pytest.raises(UnicodeDecodeError):
        set_member(b'{"a":"\xff"}', "a", 1)


ITEMS = st.lists(VALUES, max_size=5)


@given(ITEMS, ITEMS, ITEMS, ITEMS, st.sampled_from([None, 1]))
def test_1_2_items_of_a_list_change_and_nothing_else(
    head: list[Json], out: list[Json], into: list[Json], tail: list[Json], indent: int | None
) -> None:
    before, after = (
        [json.loads(json.dumps(item)) for item in items] for items in (head + out + tail, head + into + tail)
    )
    raw = json.dumps({"a": [1], "list": before, "z": "list"}, indent=indent).encode()
    assert json.loads(set_items(raw, "list", before, after)) == {"a": [1], "list": after, "z": "list"}


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (["x", 1, 2], '{"l" : ["x", 1.0 ,2e0\n] }'),
        ([1, 2, "x"], '{"l" : [ 1.0 ,2e0,"x"\n] }'),
        ([1, "x", 2], '{"l" : [ 1.0,"x" ,2e0\n] }'),
        (["x", 2], '{"l" : ["x",2e0\n] }'),
        ([1, "x"], '{"l" : [ 1.0,"x"\n] }'),
        (["x"], '{"l" : ["x"\n] }'),
        ([2], '{"l" : [2e0\n] }'),
        ([1], '{"l" : [ 1.0\n] }'),
        ([], '{"l" : [\n] }'),
        ([1, 2], '{"l" : [ 1.0 ,2e0\n] }'),
    ],
)
def test_1_2_items_that_stay_keep_their_bytes(after: list[Json], expected: str) -> None:
    assert set_items(b'{"l" : [ 1.0 ,2e0\n] }', "l", [1, 2], after).decode() == expected


def test_1_2_a_list_that_was_empty_gets_its_items() -> None:
    assert set_items(b'{"l":[ ]}', "l", [], ["x", 1]) == b'{"l":["x",1 ]}'


def test_1_2_of_two_lists_of_a_name_the_one_that_parsers_read_is_changed() -> None:
    assert set_items(b'{"l":[1],"l":[2]}', "l", [2], [3, 2]) == b'{"l":[1],"l":[3,2]}'


@pytest.mark.parametrize("raw", [b'{"m":[]}', b'{"l":{}}', b"[]", b'{"l":[1}'])
def test_1_2_a_list_that_is_not_there_is_an_error(raw: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        set_items(raw, "l", [], [1])
