"""6.3: what google-genai's bridge to MCP sends as a function's response."""

import pytest

from converters.gemini.mcp_result import read_mcp_result
from converters.json_codec import Json
from converters.turns import Base64, Image, Text

TEXT: Json = {"type": "text", "text": "two cafés"}
IMAGE_2: Json = {"type": "image", "data": "iVBO", "mime_type": "image/png"}
IMAGE_1: Json = {"type": "image", "data": "iVBO", "mimeType": "image/png"}
PICTURE = Image(Base64("image/png", "iVBO"))


@pytest.mark.parametrize(("image", "flag"), [(IMAGE_1, "isError"), (IMAGE_2, "is_error")], ids=["mcp 1", "mcp 2"])
def test_6_3_texts_and_pictures_of_an_mcp_tool_are_such(image: Json, flag: str) -> None:
    result: Json = {"content": [TEXT, image], "structuredContent": {"result": "x"}, flag: False}
    assert read_mcp_result({"result": result}) == ([Text("two cafés"), PICTURE], False)


def test_6_3_an_mcp_tool_that_failed_is_an_error() -> None:
    assert read_mcp_result({"error": {"content": [TEXT], "is_error": True}}) == ([Text("two cafés")], True)


@pytest.mark.parametrize(
    "response",
    [
        None,
        "text",
        {},
        {"result": "text"},
        {"result": {"content": "text", "is_error": False}},
        {"result": {"content": [], "is_error": False}},
        {"result": {"content": [TEXT]}},
        {"result": {"content": [TEXT], "is_error": None}},
        {"result": {"content": [TEXT], "is_error": False}, "more": 1},
        {"output": {"content": [TEXT], "is_error": False}},
        {"result": {"content": [TEXT, {"type": "audio", "data": "UklG", "mime_type": "audio/wav"}], "is_error": False}},
        {"result": {"content": [{"type": "resource_link", "uri": "file:///a"}], "is_error": False}},
        {"result": {"content": ["text"], "is_error": False}},
    ],
)
def test_6_3_whatever_else_a_function_answers_is_left_as_it_is(response: Json) -> None:
    assert read_mcp_result(response) is None
