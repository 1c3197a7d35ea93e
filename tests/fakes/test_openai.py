"""The OpenAI fake refuses what the real API refuses and accepts what it accepts."""

import pytest

from tests.fakes.asking import HTTP, OBJECT, USER, JsonObject, ask_openai, tool
from tests.fakes.openai import OpenAIFake
from tests.fakes.samples import CITY_SCHEMA, OPENAI_KEY, OPENAI_TOOLS, PDF_URL, PNG_URL


def calls(*ids: str) -> JsonObject:
    function = {"name": "get_weather", "arguments": "{}"}
    return {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": i, "type": "function", "function": function} for i in ids],
    }


def result(id_: str) -> JsonObject:
    return {"role": "tool", "tool_call_id": id_, "content": "x"}


def image(url: object) -> list[JsonObject]:
    return [{"role": "user", "content": [{"type": "image_url", "image_url": url}]}]


OPENAI_REFUSES: dict[str, tuple[JsonObject, str]] = {
    "an unknown field": ({"max_output_tokens": 5}, "Unrecognized request argument supplied: max_output_tokens"),
    "an unknown field inside": (
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "x", "cache_control": {}}]}]},
        "Unknown parameter: 'messages[0].content[0].cache_control'",
    ),
    "a missing field": ({"messages": [{"content": "x"}]}, "messages[0]"),
    "a missing id": ({"messages": [USER, {"role": "tool", "content": "x"}]}, "'messages[1].tool_call_id'"),
    "a wrong type": ({"temperature": "1"}, "temperature"),
    "an unknown role": ({"messages": [{"role": "model", "content": "x"}]}, "messages[0]"),
    "an image as a bare string": ({"messages": image(PNG_URL)}, "image_url"),
    "no messages": ({"messages": []}, "empty array"),
    "null from the user": ({"messages": [{"role": "user", "content": None}]}, "messages[0]"),
    "null from the assistant": ({"messages": [USER, {"role": "assistant", "content": None}]}, "got null"),
    "a result without a call": ({"messages": [USER, result("a")]}, "preceeding message"),
    "a call without a result": (
        {"messages": [USER, calls("a", "b"), result("a"), USER]},
        "did not have response messages: b",
    ),
    "a call at the end": ({"messages": [USER, calls("a")]}, "did not have response messages: a"),
    "text before the result": (
        {"messages": [USER, calls("a"), USER, result("a")]},
        "did not have response messages: a",
    ),
    "two results": ({"messages": [USER, calls("a"), result("a"), result("a")]}, "preceeding message"),
    "an id too long": ({"messages": [USER, calls("a" * 65), result("a" * 65)]}, "string too long"),
    "no tools in the list": ({"tools": []}, "empty array"),
    "a tool's name": ({"tools": tool("get.weather", OBJECT)}, "does not match pattern"),
    "a long name": ({"tools": tool("a" * 65, OBJECT)}, "does not match pattern"),
    "two tools of a name": ({"tools": tool("a", OBJECT) * 2}, "unique"),
    "a schema without type": ({"tools": tool("a", {"properties": {}})}, "got 'type: None'"),
    "a schema with a choice": ({"tools": tool("a", {**OBJECT, "anyOf": []})}, "at the top level"),
    "a schema without properties": ({"tools": tool("a", {"type": "object"})}, "missing properties"),
    "a strict tool left open": ({"tools": tool("a", OBJECT, strict=True)}, "'additionalProperties' is required"),
    "a choice without tools": ({"tool_choice": "auto"}, "only allowed when 'tools'"),
    "a parallel flag without tools": ({"parallel_tool_calls": False}, "only allowed when 'tools'"),
    "a choice of another tool": (
        {"tools": OPENAI_TOOLS, "tool_choice": {"type": "function", "function": {"name": "x"}}},
        "not found in 'tools'",
    ),
    "both limits": ({"max_tokens": 5, "max_completion_tokens": 5}, "at the same time"),
    "max_tokens for a reasoning model": ({"model": "gpt-5.4-text", "max_tokens": 5}, "max_completion_tokens"),
    "a temperature for a reasoning model": ({"model": "o4-mini-text", "temperature": 0}, "'temperature'"),
    "an effort for a plain model": ({"reasoning_effort": "low"}, "reasoning_effort"),
    "five stop words": ({"stop": list("abcde")}, "'stop'"),
    "a temperature above 2": ({"temperature": 2.5}, "above maximum"),
    "a long user": ({"user": "u" * 65}, "maximum length 64"),
    "stream options without a stream": ({"stream_options": {"include_usage": True}}, "only allowed when 'stream'"),
    "json mode without the word": ({"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
    "a picture that is none": ({"messages": image({"url": "data:image/png;base64,AAAA"})}, "does not match"),
    "a picture's type": ({"messages": image({"url": "data:image/bmp;base64,Qk0="})}, "unsupported media type"),
    "a strict format left open": (
        {
            "response_format": {
                "type": "json_schema",
                "json_schema": {"name": "r", "strict": True, "schema": {"type": "object", "properties": {}}},
            }
        },
        "'additionalProperties' is required",
    ),
}


@pytest.mark.parametrize(("body", "reason"), OPENAI_REFUSES.values(), ids=OPENAI_REFUSES)
def test_openai_refuses(openai_fake: OpenAIFake, body: JsonObject, reason: str) -> None:
    answer = ask_openai(openai_fake, **body)

    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert reason in error["message"]


def test_openai_accepts_a_request_with_everything(openai_fake: OpenAIFake) -> None:
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": PNG_URL, "detail": "low"}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": PDF_URL}},
    ]
    answer = ask_openai(
        openai_fake,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": parts},
            calls("a", "b"),
            result("b"),
            result("a"),
            {"role": "user", "content": "Go on", "name": "Ann"},
        ],
        tools=OPENAI_TOOLS,
        tool_choice="auto",
        parallel_tool_calls=True,
        temperature=0,
        top_p=1,
        max_tokens=5,
        stop=["a"],
        seed=7,
        user="u",
        response_format={"type": "json_schema", "json_schema": {"name": "r", "strict": True, "schema": CITY_SCHEMA}},
    )
    assert answer.status_code == 200, answer.text


def test_openai_wants_its_key_and_its_paths(openai_fake: OpenAIFake) -> None:
    url = f"{openai_fake.url}/v1/models"
    assert HTTP.get(url).status_code == 401
    wrong = HTTP.get(url, headers={"authorization": "Bearer x"})
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (401, "invalid_api_key")
    headers = {"authorization": f"Bearer {OPENAI_KEY}"}
    assert HTTP.get(url, headers=headers).json()["object"] == "list"
    for path in ("/chat/completions", "/v1/chat/completions/", "/v1//models", "/v1/messages"):
        assert HTTP.post(openai_fake.url + path, headers=headers, json={}).status_code == 404
        assert "no such path here" in openai_fake.violations[-1]
