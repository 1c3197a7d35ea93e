"""10 `cache_control`."""

import pytest

from converters.anthropic.cache import drop_surplus_marks, parse_cache, with_cache
from converters.json_codec import Json, JsonObject
from converters.turns import Cache


@pytest.mark.parametrize(
    ("mark", "cache"),
    [
        (None, None),
        ({"type": "ephemeral"}, Cache()),
        ({"type": "ephemeral", "ttl": "5m"}, Cache("5m")),
        ({"type": "ephemeral", "ttl": "1h"}, Cache("1h")),
    ],
)
def test_10_a_mark_is_read_and_written_with_its_ttl(mark: Json, cache: Cache | None) -> None:
    block: JsonObject = {"type": "text"} if mark is None else {"type": "text", "cache_control": mark}
    assert parse_cache(block, "here") == cache
    assert with_cache({"type": "text"}, cache) == block


def marked(name: str, **fields: Json) -> JsonObject:
    return {"name": name, "cache_control": {"type": "ephemeral"}, **fields}


def marks(value: Json) -> list[Json]:
    """Names of what is marked, wherever it stands."""
    if isinstance(value, list):
        return [name for item in value for name in marks(item)]
    if not isinstance(value, dict):
        return []
    own = [value.get("name")] if "cache_control" in value else []
    return own + [name for key, item in value.items() if key != "cache_control" for name in marks(item)]


def body(*texts: str) -> JsonObject:
    content: list[Json] = [marked(text) for text in texts]
    result = marked("result", content=[marked("inner"), {"name": "plain"}])
    return {
        "messages": [{"role": "user", "content": [result, *content]}],
        "system": [marked("system")],
        "tools": [marked("tool")],
    }


def test_10_up_to_four_marks_stay() -> None:
    four = body()
    assert drop_surplus_marks(four) == 0
    assert set(marks(four)) == {"tool", "system", "result", "inner"}
    assert drop_surplus_marks({"messages": []}) == 0


def test_10_surplus_marks_are_dropped_from_the_front_of_the_prompt() -> None:
    """Tools come first, then system, then messages, whatever the order of the fields."""
    seven = body("a", "b", "c")
    assert drop_surplus_marks(seven) == 3
    assert marks(seven) == ["result", "a", "b", "c"]


def test_10_the_automatic_mark_takes_one_place() -> None:
    automatic: JsonObject = {**body(), "cache_control": {"type": "ephemeral"}}
    assert drop_surplus_marks(automatic) == 1
    assert marks(automatic["tools"]) == []


def test_10_fields_of_the_client_that_look_like_marks_are_left_alone() -> None:
    schema: JsonObject = {"type": "object", "properties": {"cache_control": {"type": "string"}}}
    call: JsonObject = {"type": "tool_use", "input": {"cache_control": "no-store", "content": [marked("data")]}}
    tools: list[Json] = [{"name": "t", "input_schema": schema}]
    built: JsonObject = {**body("a", "b", "c", "d"), "tools": tools}
    assert isinstance(built["messages"], list)
    built["messages"].append({"role": "assistant", "content": [call]})
    assert drop_surplus_marks(built) == 3
    assert marks(call)[-1] == "data"
    assert tools == [{"name": "t", "input_schema": schema}]
