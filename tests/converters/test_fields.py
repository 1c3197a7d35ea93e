"""Typed reads of a client's JSON."""

from collections.abc import Callable

import pytest

from converters import fields
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject

READERS: list[tuple[Callable[[JsonObject, str, str], object], Json, list[Json]]] = [
    (fields.string, "a", [1, True, [], {}]),
    (fields.integer, 3, [1.0, "3", True, []]),
    (fields.number, 0.5, ["1", True, {}]),
    (fields.boolean, False, [0, "false", []]),
    (fields.obj, {"a": 1}, ["{}", [], 1]),
    (fields.array, [1], ["[]", {}, 1]),
]


@pytest.mark.parametrize(("read", "good", "wrong"), READERS)
def test_17_a_wrong_type_is_a_400_that_names_the_path(
    read: Callable[[JsonObject, str, str], object], good: Json, wrong: list[Json]
) -> None:
    assert read({"a": good}, "a", "") == good
    assert read({"a": None}, "a", "") is None
    assert read({}, "a", "") is None
    for value in wrong:
        with pytest.raises(ConversionError) as caught:
            read({"a": value}, "a", "messages[0]")
        assert (caught.value.param, caught.value.status) == ("messages[0].a", 400)


def test_a_number_stays_as_the_client_wrote_it() -> None:
    assert isinstance(fields.number({"temperature": 1}, "temperature"), int)


def test_17_a_required_string_says_something() -> None:
    for body in ({}, {"model": None}, {"model": ""}):
        with pytest.raises(ConversionError) as caught:
            fields.required_string({**body}, "model")
        assert caught.value.param == "model"


def test_17_a_required_object_is_there() -> None:
    assert fields.required_obj({"function": {}}, "function", "tools[0]") == {}
    with pytest.raises(ConversionError, match="required") as caught:
        fields.required_obj({}, "function", "tools[0]")
    assert caught.value.param == "tools[0].function"


def test_objects_of_a_list_come_with_their_paths() -> None:
    assert fields.objects({"tools": [{"a": 1}, {}]}, "tools") == [("tools[0]", {"a": 1}), ("tools[1]", {})]
    assert fields.objects({}, "tools") == []
    with pytest.raises(ConversionError) as caught:
        fields.objects({"tools": [{}, "x"]}, "tools", "a")
    assert caught.value.param == "a.tools[1]"
