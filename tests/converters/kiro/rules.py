"""What Kiro refuses as "improperly formed", checked on a body by itself. Shares no code with the product."""

import re
from collections.abc import Iterator
from typing import Any

type JsonObject = dict[str, Any]

NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ROOT_UNIONS = {"anyOf", "oneOf", "allOf"}


def check(body: JsonObject, *, empty_content: bool = False) -> None:
    """Raises AssertionError that names the rule."""
    state = body["conversationState"]
    assert state.keys() <= {"chatTriggerType", "conversationId", "currentMessage", "history"}
    assert state["chatTriggerType"] == "MANUAL"
    assert UUID.fullmatch(state["conversationId"])
    assert list(no_empty_members(state)) == [], "9: empty lists and nulls are left out"
    history = state.get("history", [])
    turns = [*history, state["currentMessage"]]
    for place, turn in enumerate(turns):
        assert turn.keys() == {("userInputMessage", "assistantResponseMessage")[place % 2]}, "1: alternation"
    assert len(history) % 2 == 0, "1: the history ends with the assistant"
    open_calls: list[str] = []
    used: set[str] = set()
    for turn in turns:
        if "userInputMessage" in turn:
            open_calls = check_user(turn["userInputMessage"], open_calls, empty_content)
        else:
            open_calls = check_assistant(turn["assistantResponseMessage"], used, empty_content)
    assert not open_calls
    assert not any(
        "tools" in str(turn.get("userInputMessage", {}).get("userInputMessageContext", {}).keys()) for turn in history
    )
    declared = check_tools(turns[-1]["userInputMessage"].get("userInputMessageContext", {}).get("tools", []))
    assert {name.lower() for name in used} <= {name.lower() for name in declared}, "4: undeclared"


def check_user(message: JsonObject, open_calls: list[str], empty_content: bool) -> list[str]:
    assert message.keys() <= {"content", "modelId", "origin", "images", "userInputMessageContext"}
    assert message["origin"] == "AI_EDITOR"
    results = message.get("userInputMessageContext", {}).get("toolResults", [])
    assert message["content"].strip() or (empty_content and results), "2: empty content"
    assert [result["toolUseId"] for result in results] == open_calls, "3: one result for each call, in the next message"
    for result in results:
        assert result.keys() == {"toolUseId", "content", "status"}
        assert result["status"] in ("success", "error")
        assert all(item.keys() == {"text"} and item["text"] for item in result["content"])
    for image in message.get("images", []):
        assert image["format"] in ("gif", "jpeg", "png", "webp")
        assert image["source"].keys() == {"bytes"}
    return []


def check_assistant(message: JsonObject, used: set[str], empty_content: bool) -> list[str]:
    assert message.keys() <= {"content", "toolUses", "reasoningContent"}
    calls = message.get("toolUses", [])
    assert message["content"] or (empty_content and calls), "2: empty content"
    for call in calls:
        assert call.keys() == {"toolUseId", "name", "input"}
        assert NAME.fullmatch(call["toolUseId"])
        assert NAME.fullmatch(call["name"])
        assert isinstance(call["input"], dict)
        assert list(bad_members(call["input"])) == [], "8: empty keys and nulls"
        used.add(call["name"])
    ids = [call["toolUseId"] for call in calls]
    assert len(set(ids)) == len(ids)
    return ids


def check_tools(tools: list[JsonObject]) -> list[str]:
    names = []
    for tool in tools:
        spec = tool["toolSpecification"]
        assert spec.keys() == {"name", "description", "inputSchema"}
        assert NAME.fullmatch(spec["name"])
        assert 0 < len(spec["description"]) <= 9216
        schema = spec["inputSchema"]["json"]
        assert schema["type"] == "object"
        assert ROOT_UNIONS.isdisjoint(schema)
        assert schema.get("required", ["x"])
        assert isinstance(schema["properties"], dict)
        names.append(spec["name"])
    assert len(set(names)) == len(names)
    return names


def no_empty_members(state: JsonObject) -> Iterator[str]:
    """Of the service's own shapes: not inside arguments and schemas."""
    for key, value in state.items():
        if value is None or value == [] or (value == {} and key != "input"):
            yield key
        elif key in ("input", "json"):
            continue
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield from no_empty_members(item)


def bad_members(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if not key or item is None:
                yield key
            yield from bad_members(item)
    elif isinstance(value, list):
        for item in value:
            yield from bad_members(item)
