"""The Responses fake refuses what the real API refuses and accepts what it accepts."""

import pytest

from tests.fakes.asking import OBJECT, USER, JsonObject, ask_responses
from tests.fakes.responses import ResponsesFake
from tests.fakes.responses_asking import CUSTOM, SEALED, WITH, call, function, output, said, text
from tests.fakes.samples import CITY_SCHEMA, PDF_URL, PNG_URL, RESPONSES_TOOLS


def format_(schema: object, name: str = "r", **more: object) -> JsonObject:
    return {"text": {"format": {"type": "json_schema", "name": name, "schema": schema, **more}}}


def image(url: str) -> JsonObject:
    return {"input": [said({"type": "input_image", "image_url": url, "detail": "auto"})]}


def file(**fields: str) -> JsonObject:
    return {"input": [said({"type": "input_file", **fields})]}


REFUSES: dict[str, tuple[JsonObject, str, str | None]] = {
    # the shape
    "an unknown field": ({"max_tokens": 5}, "Unknown parameter: 'max_tokens'", "unknown_parameter"),
    "an unknown field inside": (
        {"input": [said({**text(), "cache_control": {}})]},
        "Unknown parameter: 'input[0].content[0].cache_control'",
        "unknown_parameter",
    ),
    "an unknown item": ({"input": [{"type": "tool_result"}]}, "Invalid value: 'tool_result'", "invalid_value"),
    "an unknown part": ({"input": [said(text(kind="text"))]}, "Invalid value: 'text'", "invalid_value"),
    "an unknown role": ({"input": [said(text(), role="tool")]}, "'input[0].role'", "invalid_value"),
    "a tool as Chat has it": (
        {"tools": [{"type": "function", "function": {"name": "f"}}]},
        "'tools[0].",
        None,
    ),
    "an unknown tool": ({"tools": [{"type": "functions"}]}, "Invalid value: 'functions'", "invalid_value"),
    "a missing field": ({"input": [{"role": "user"}]}, "'input[0].content'", "missing_required_parameter"),
    "a missing call_id": (
        {"input": [{"type": "function_call", "name": "f", "arguments": "{}"}]},
        "'input[0].call_id'",
        "missing_required_parameter",
    ),
    "a wrong type": ({"temperature": "1"}, "Invalid type for 'temperature'", "invalid_type"),
    "arguments as an object": ({"input": [call(arguments={})]}, "'input[0].arguments'", "invalid_type"),
    "an input that is no list": ({"input": {"role": "user"}}, "Invalid type for 'input'", "invalid_type"),
    "no input": ({"input": None}, "must be provided", "missing_required_parameter"),
    "an empty input": ({"input": []}, "empty array", "empty_array"),
    # numbers and strings
    "a small limit": ({"max_output_tokens": 15}, "Expected a value >= 16", "integer_below_min_value"),
    "a temperature above 2": ({"temperature": 2.5}, "<= 2", "decimal_above_max_value"),
    "a top_p above 1": ({"top_p": 1.5}, "<= 1", "decimal_above_max_value"),
    "many logprobs": ({"top_logprobs": 21}, "<= 20", "integer_above_max_value"),
    "no tool calls": ({"max_tool_calls": 0}, ">= 1", "integer_below_min_value"),
    "a long user": ({"user": "u" * 65}, "maximum length 64", "string_above_max_length"),
    "a long safety identifier": ({"safety_identifier": "u" * 65}, "maximum length 64", "string_above_max_length"),
    "a long cache key": ({"prompt_cache_key": "u" * 65}, "maximum length 64", "string_above_max_length"),
    "much metadata": ({"metadata": {str(i): "" for i in range(17)}}, "at most 16", "object_above_max_properties"),
    "a long metadata key": ({"metadata": {"k" * 65: ""}}, "maximum length 64", "string_above_max_length"),
    "a long metadata value": ({"metadata": {"k": "v" * 513}}, "maximum length 512", "string_above_max_length"),
    # models
    "reasoning of a plain model": ({"reasoning": {"effort": "low"}}, "'reasoning.effort'", "unsupported_parameter"),
    "a summary of a plain model": ({"reasoning": {"summary": "auto"}}, "'reasoning.summary'", "unsupported_parameter"),
    "encrypted content of a plain model": (
        {"include": ["reasoning.encrypted_content"]},
        "Encrypted content is not supported",
        None,
    ),
    "a temperature for a reasoning model": (
        {"model": "gpt-5.4-text", "temperature": 0},
        "'temperature'",
        "unsupported_parameter",
    ),
    "a top_p for a reasoning model": ({"model": "o4-mini-text", "top_p": 0.5}, "'top_p'", "unsupported_parameter"),
    "logprobs of a reasoning model": (
        {"model": "o4-mini-text", "top_logprobs": 2},
        "'top_logprobs'",
        "unsupported_parameter",
    ),
    "an effort that a model lacks": (
        {"model": "o4-mini-text", "reasoning": {"effort": "minimal"}},
        "Supported values are: low, medium, high",
        "unsupported_value",
    ),
    # fields together
    "two pasts": (
        {"previous_response_id": "resp_1", "conversation": "conv_1"},
        "Mutually exclusive",
        "mutually_exclusive_parameters",
    ),
    "an unknown past": ({"previous_response_id": "resp_1"}, "not found", "previous_response_not_found"),
    "stream options without a stream": ({"stream_options": {}}, "only allowed when 'stream'", None),
    "a background answer that is not kept": ({"background": True, "store": False}, "Background mode", None),
    # tools
    "a tool's name": ({"tools": [function("get.weather")]}, "does not match pattern", "invalid_value"),
    "a long name": ({"tools": [function("a" * 65)]}, "maximum length 64", "string_above_max_length"),
    "a custom tool's name": ({"tools": [{**CUSTOM, "name": "a b"}]}, "'tools[0].name'", "invalid_value"),
    "a name in a namespace": (
        {"tools": [{"type": "namespace", "name": "n", "description": "x", "tools": [function("a.b")]}]},
        "'tools[0].tools[0].name'",
        "invalid_value",
    ),
    "two tools of a name": ({"tools": [function(), function()]}, "must be unique", "invalid_value"),
    "a schema without type": (
        {"tools": [function(schema={"properties": {}})]},
        "got 'type: None'",
        "invalid_function_parameters",
    ),
    "a schema with a choice": (
        {"tools": [function(schema={**OBJECT, "anyOf": []})]},
        "at the top level",
        "invalid_function_parameters",
    ),
    "a schema without properties": (
        {"tools": [function(schema={"type": "object"})]},
        "missing properties",
        "invalid_function_parameters",
    ),
    "a strict tool left open": (
        {"tools": [function(strict=True)]},
        "'additionalProperties' is required",
        "invalid_function_parameters",
    ),
    "a demand without tools": ({"tool_choice": "required"}, "must be specified with 'tools'", None),
    "a choice without tools": ({"tool_choice": {"type": "function", "name": "f"}}, "'f' not found in 'tools'", None),
    "a choice of another tool": (
        {**WITH, "tool_choice": {"type": "function", "name": "x"}},
        "'x' not found in 'tools'",
        None,
    ),
    "a choice of the other kind": (
        {"tools": [CUSTOM], "tool_choice": {"type": "function", "name": "shell"}},
        "'shell' not found in 'tools'",
        None,
    ),
    "a choice of some tools": (
        {
            **WITH,
            "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "x"}]},
        },
        "'x' not found in 'tools'",
        None,
    ),
    "a choice of a hosted tool": (
        {**WITH, "tool_choice": {"type": "web_search_preview"}},
        "not found in 'tools'",
        None,
    ),
    "a choice as Chat has it": (
        {**WITH, "tool_choice": {"type": "function", "function": {"name": "get_time"}}},
        "'tool_choice",
        None,
    ),
    # formats
    "json mode without the word": ({"text": {"format": {"type": "json_object"}}}, "must contain the word 'json'", None),
    "a format's name": (format_(CITY_SCHEMA, "a b"), "'text.format.name'", "invalid_value"),
    "a format without type": (format_({"properties": {}}), "got 'type: None'", "invalid_json_schema"),
    "a strict format left open": (
        format_(OBJECT, strict=True),
        "'additionalProperties' is required",
        "invalid_json_schema",
    ),
    # content
    "the assistant's part by the user": ({"input": [said(text(kind="output_text"))]}, "'output_text'", "invalid_value"),
    "the user's part by the assistant": (
        {"input": [USER, said(text(), role="assistant")]},
        "Supported values are: 'output_text' and 'refusal'",
        "invalid_value",
    ),
    "a picture by the developer": (
        {"input": [said({"type": "input_image", "image_url": PNG_URL}, role="developer")]},
        "holds only 'input_text'",
        "invalid_value",
    ),
    "a message without parts": ({"input": [said()]}, "empty array", "empty_array"),
    "the assistant's part in an output": (
        {"input": [call(), output(output=[text(kind="output_text")])]},
        "output_text",
        None,
    ),
    "a picture of nothing": ({"input": [said({"type": "input_image"})]}, "image_url", "missing_required_parameter"),
    "a picture that is none": (image("data:image/png;base64,AAAA"), "does not match", "invalid_image_url"),
    "a picture's type": (image("data:image/bmp;base64,Qk0="), "unsupported media type", "invalid_image_url"),
    "a picture in an output": (
        {"input": [call(), output(output=[{"type": "input_image", "image_url": "data:image/png;base64,AAAA"}])]},
        "does not match",
        "invalid_image_url",
    ),
    "a file of nothing": (file(filename="a.pdf"), "exactly one", "missing_required_parameter"),
    "a file from two places": (
        file(file_url="https://x", file_id="file-1"),
        "exactly one",
        "mutually_exclusive_parameters",
    ),
    "a file without a name": (file(file_data=PDF_URL), "filename", "missing_required_parameter"),
    "a file that is no data URL": (file(filename="a.pdf", file_data="JVBERi0="), "data URL", "invalid_value"),
    "a file's URL": (file(file_url="file:///x"), "expected a URL", "invalid_value"),
    "a sound that is none": (
        {"input": [said({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}})]},
        "does not match",
        "invalid_value",
    ),
    # items
    "a call without an output": ({"input": [USER, call()]}, "No tool output found for function call a", None),
    "one output of two": (
        {"input": [USER, call("a"), call("b"), output("a")]},
        "No tool output found for function call b",
        None,
    ),
    "an output without a call": (
        {"input": [USER, output()]},
        "No tool call found for function call output with call_id a",
        None,
    ),
    "an output before its call": ({"input": [USER, output(), call()]}, "No tool call found", None),
    "two outputs": ({"input": [USER, call(), output(), output()]}, "No tool call found", None),
    "two calls of an id": ({"input": [USER, call(), call(), output()]}, "Duplicate call_id", None),
    "an output of the other kind": (
        {"input": [USER, call(), {**output(), "type": "custom_tool_call_output"}]},
        "No tool call found for custom tool call output",
        None,
    ),
    "a call id too long": ({"input": [call("c" * 65), output("c" * 65)]}, "length 64", "string_above_max_length"),
    "an empty call id": ({"input": [call(""), output("")]}, "empty string", "empty_string"),
    "a call's name": ({"input": [call(name="a.b"), output()]}, "'input[0].name'", "invalid_value"),
    "a foreign id": ({"input": [call(id="toolu_1"), output()]}, "begins with 'fc'", "invalid_value"),
    "an item twice": (
        {"input": [call("a", id="fc_1"), call("b", id="fc_1"), output("a"), output("b")]},
        "Duplicate item found with id fc_1",
        None,
    ),
    "reasoning from elsewhere": (
        {"input": [USER, SEALED, said(text(kind="output_text"), role="assistant"), USER]},
        "could not be verified",
        "invalid_encrypted_content",
    ),
    "a compaction from elsewhere": (
        {"input": [{"type": "compaction", "encrypted_content": "x"}, USER]},
        "could not be verified",
        "invalid_encrypted_content",
    ),
    "reasoning of nothing": (
        {"input": [{"type": "reasoning", "summary": []}, USER]},
        "'input[0].id'",
        "missing_required_parameter",
    ),
}


@pytest.mark.parametrize(("body", "reason", "code"), REFUSES.values(), ids=REFUSES)
def test_responses_refuses(responses_fake: ResponsesFake, body: JsonObject, reason: str, code: str | None) -> None:
    answer = ask_responses(responses_fake, **body)

    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert error["type"] == "invalid_request_error"
    assert reason in error["message"]
    if code is not None:
        assert code == error["code"]


def test_responses_accepts_a_request_with_everything(responses_fake: ResponsesFake) -> None:
    parts = [
        text("Look"),
        {"type": "input_image", "image_url": PNG_URL},
        {"type": "input_file", "filename": "a.pdf", "file_data": PDF_URL},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
    ]
    body: JsonObject = {
        "instructions": "Be brief.",
        "input": [
            said(text(), role="developer"),
            said(*parts),
            {"role": "assistant", "content": "Hm", "phase": "commentary"},
            said(text(kind="output_text"), {"type": "refusal", "refusal": "No"}, role="assistant"),
            call("a", id="fc_1", status="completed"),
            call("b"),
            {"type": "custom_tool_call", "call_id": "c", "name": "shell", "input": "ls"},
            output("b", output=[text(), {"type": "input_image", "image_url": PNG_URL, "detail": "low"}]),
            {"type": "custom_tool_call_output", "call_id": "c", "output": "x"},
            output("a"),
            {"role": "user", "content": "Go on in JSON"},
        ],
        "tools": [*RESPONSES_TOOLS, CUSTOM, {"type": "web_search"}, function("ordinary", strict=None)],
        "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "custom", "name": "shell"}]},
        "parallel_tool_calls": False,
        "max_output_tokens": 16,
        "temperature": 0,
        "top_p": 0.5,
        "user": "u",
        "metadata": {"k": "v"},
        "prompt_cache_key": "k",
        "store": False,
        "truncation": "auto",
        **format_(CITY_SCHEMA, strict=True, description="d"),
    }
    answer = ask_responses(responses_fake, **body)
    assert answer.status_code == 200, answer.text
    response = answer.json()
    for name in ("instructions", "max_output_tokens", "temperature", "top_p", "tool_choice", "store", "truncation"):
        assert body[name] == response[name]
    assert {**body["text"], "verbosity": "medium"} == response["text"]
    assert [tool.get("strict") for tool in response["tools"]] == [False, False, None, None, True]
    assert ask_responses(responses_fake, tool_choice="auto", tools=[]).status_code == 200
