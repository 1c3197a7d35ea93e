"""17: nested fields of a generateContent request that go nowhere are named, as the client wrote them."""

import pytest

from converters.gemini.parse import parse_request
from converters.json_codec import Json, JsonObject
from converters.loss import Loss

TEXT: JsonObject = {"text": "hi"}


def lost(*parts: Json, role: str = "user", **fields: Json) -> Loss:
    loss = Loss()
    parse_request({"model": "m", "contents": [{"role": role, "parts": [*parts] or [TEXT]}], **fields}, loss)
    return loss


@pytest.mark.parametrize("name", ["videoMetadata", "video_metadata", "mediaResolution", "documentMetadata"])
def test_17_tuning_of_media_is_dropped_by_name(name: str) -> None:
    assert set(lost({**TEXT, name: {"fps": 1}}).dropped) == {f"contents.parts.{name}"}


def test_17_a_parts_metadata_is_noted() -> None:
    assert set(lost({**TEXT, "partMetadata": {"a": 1}}).noted) == {"contents.parts.partMetadata"}


def test_17_what_stands_beside_a_part_does_not_hide_it() -> None:
    """Whatever order the client writes the members in."""
    loss = lost({"documentMetadata": {"startPage": 1}, "inlineData": {"mimeType": "application/pdf", "data": "eA=="}})
    assert set(loss.dropped) == {"contents.parts.documentMetadata"}


def test_3_the_name_of_a_picture_is_noted() -> None:
    blob: JsonObject = {"mimeType": "image/png", "data": "eA==", "displayName": "a.png"}
    assert set(lost({"inlineData": blob}).noted) == {"contents.parts.displayName"}
    assert lost({"inlineData": {**blob, "mimeType": "application/pdf"}}).noted == {}


def test_4_1_what_a_function_answers_is_dropped() -> None:
    function: JsonObject = {"name": "f", "response": {"type": "OBJECT"}, "behavior": "BLOCKING"}
    assert set(lost(tools=[{"functionDeclarations": [function]}]).dropped) == {
        "tools.functionDeclarations.response",
        "tools.functionDeclarations.behavior",
    }


def test_5_arguments_in_pieces_are_dropped() -> None:
    calling: JsonObject = {"functionCallingConfig": {"mode": "AUTO", "stream_function_call_arguments": True}}
    tools: Json = [{"functionDeclarations": [{"name": "f"}]}]
    assert set(lost(tools=tools, toolConfig=calling).dropped) == {
        "toolConfig.functionCallingConfig.stream_function_call_arguments"
    }


def test_17_a_whole_agent_request_loses_nothing() -> None:
    call: JsonObject = {"functionCall": {"name": "f", "args": {"a": 1}}, "thoughtSignature": "eA=="}
    loss = lost(
        {"text": "a", "thought": True},
        call,
        role="model",
        systemInstruction={"parts": [TEXT]},
        tools=[
            {"function_declarations": [{"name": "f", "description": "d", "parameters_json_schema": {"type": "object"}}]}
        ],
        generationConfig={"temperature": 1, "thinkingConfig": {"include_thoughts": True}},
    )
    assert loss.dropped == loss.noted == loss.changed == {}
