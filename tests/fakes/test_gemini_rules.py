"""The Gemini fake refuses what the real API refuses and accepts what it accepts."""

import base64

import pytest

from tests.fakes.asking import OBJECT, JsonObject, ask_gemini
from tests.fakes.gemini import GeminiFake
from tests.fakes.gemini_bodies import (
    ASK,
    NEWER,
    after,
    blob,
    call,
    choice,
    config,
    openapi,
    plain,
    result,
    signed,
    text,
    thinking,
    tools,
    turn,
)
from tests.fakes.gemini_turns import PLACEHOLDER, sign
from tests.fakes.samples import CITY_SCHEMA, GEMINI_TOOLS, PDF, PNG
from tests.fakes.scripts import Script

WAV = base64.b64encode(b"RIFF\x00\x00\x00\x00WAVEfmt ").decode()
MP3 = base64.b64encode(b"ID3\x03rest").decode()
REFUSES: dict[str, tuple[JsonObject, str]] = {
    "an unknown field": ({"model_": 1}, 'Unknown name "model_": Cannot find field.'),
    "an unknown field of a content": (
        {"contents": [{**ASK, "x": 1}]},
        "Unknown name \"x\" at 'contents[0]': Cannot find field.",
    ),
    "an unknown field of a part": (
        {"contents": [turn("user", {"text": "x", "cache_control": {}})]},
        "Unknown name \"cache_control\" at 'contents[0].parts[0]'",
    ),
    "an unknown field of the config": (config(max_tokens=1), "\"max_tokens\" at 'generation_config'"),
    "a field of the other service": (config(audioTimestamp=True), "\"audioTimestamp\" at 'generation_config'"),
    "a config outside its place": ({"temperature": 1}, 'Unknown name "temperature"'),
    "a text that is none": ({"contents": [turn("user", {"text": 1})]}, "Invalid value at 'contents[0].parts[0].text'"),
    "data that is no base64": (
        {"contents": [turn("user", blob("image/png", "**"))]},
        "Invalid value at 'contents[0].parts[0].inline_data.data'",
    ),
    "a system text as a string": ({"systemInstruction": "x"}, "Invalid value at 'system_instruction'"),
    # turns
    "no contents": ({"contents": []}, "contents is not specified"),
    "contents left out": ({"contents": None}, "Invalid value at 'contents'"),
    "a system turn": ({"contents": [turn("system", text("x")), ASK]}, "valid role: user, model"),
    "the model first": ({"contents": [turn("model", text("x")), ASK]}, "start with a user turn"),
    "the model last": (after(turn("model", text("x"))), "end with a user role"),
    "two turns of a role": ({"contents": [ASK, ASK]}, "alternate between user and model"),
    "no parts": ({"contents": [turn("user")]}, "contents[0].parts: contents.parts must not be empty"),
    "a part of nothing": ({"contents": [turn("user", {})]}, "must have one initialized field"),
    "a part of a signature alone": (
        after(turn("model", {"thoughtSignature": sign("text")}), ASK),
        "must have one initialized field",
    ),
    "a part of two kinds": ({"contents": [turn("user", {**text("x"), **blob("image/png", PNG)})]}, "already set"),
    "an empty text": ({"contents": [turn("user", text(""))]}, "must have a text parameter"),
    "an empty system": ({"systemInstruction": {"parts": []}}, "system_instruction.parts"),
    "an empty system text": ({"systemInstruction": {"parts": [text("")]}}, "only non-empty text"),
    "a picture in the system": ({"systemInstruction": {"parts": [blob("image/png", PNG)]}}, "only non-empty text"),
    "a call of the user": ({"contents": [turn("user", call())]}, "cannot stand in a content of the role `user`"),
    "a result of the model": (after(turn("model", result()), ASK), "immediately after a function call"),
    # calls and results
    "a result without a call": (
        after(turn("model", text("x")), turn("user", result())),
        "immediately after a function call",
    ),
    "a call without a result": (after(turn("model", call()), ASK), "number of function response parts is equal"),
    "one result of two": (
        after(turn("model", call(), call()), turn("user", result())),
        "number of function response parts is equal",
    ),
    "two results of one": (
        after(turn("model", call()), turn("user", result(), result())),
        "number of function response parts is equal",
    ),
    "a result that comes too late": (
        after(turn("model", call()), ASK, turn("model", text("x")), turn("user", result())),
        "number of function response parts is equal",
    ),
    "text before a result": (after(turn("model", call()), turn("user", text("x"), result())), "come first"),
    "a result of another name": (after(turn("model", call()), turn("user", result("get_time"))), "does not match"),
    "results out of order": (
        after(turn("model", call("a"), call("b")), turn("user", result("b"), result("a"))),
        "does not match",
    ),
    "a result of another id": (
        after(turn("model", call(id="1")), turn("user", result(id="2"))),
        "does not match the id",
    ),
    "a result without a name": (
        after(turn("model", {"functionCall": {"name": "a"}}), turn("user", {"functionResponse": {"name": "a"}})),
        "response: must be set",
    ),
    "a call's name": (after(turn("model", call("a b")), turn("user", result("a b"))), "Invalid function name"),
    "media in a result on an older model": (
        after(turn("model", call()), turn("user", result(parts=[blob("image/png", PNG)]))),
        "Multimodal function responses are not supported",
    ),
    "an odd type in a result": (
        after(
            turn("model", signed(PLACEHOLDER)),
            turn("user", result(parts=[blob("audio/wav", WAV)])),
            model=f"{NEWER}-text",
        ),
        "Unsupported MIME type in a function response: audio/wav",
    ),
    # signatures
    "a newer model's call without a signature": (
        after(turn("model", call()), turn("user", result()), model=f"{NEWER}-text"),
        "missing a thought_signature in functionCall parts",
    ),
    "a second step without a signature": (
        after(
            turn("model", signed(sign("call", "get_weather"))),
            turn("user", result()),
            turn("model", call()),
            turn("user", result()),
            model=f"{NEWER}-text",
        ),
        "`default_api:get_weather`, position 3.0",
    ),
    "a foreign signature": (
        after(turn("model", signed("aGVsbG8=")), turn("user", result())),
        "Thought signature is not valid",
    ),
    "a signature of another part": (
        after(turn("model", signed(sign("text"))), turn("user", result())),
        "Thought signature is not valid",
    ),
    "a signature of another function": (
        after(turn("model", signed(sign("call", "get_time"))), turn("user", result())),
        "Thought signature is not valid",
    ),
    "a foreign signature of a text": (
        after(turn("model", {**text("x"), "thoughtSignature": "aGVsbG8="}), ASK),
        "Thought signature is not valid",
    ),
    "a signature that is no base64": (
        after(turn("model", signed("aic1.a.!!")), turn("user", result())),
        "Invalid value at 'contents[1].parts[0].thought_signature'",
    ),
    # media
    "a picture that is none": ({"contents": [turn("user", blob("image/png", "AAAA"))]}, "does not match"),
    "a sound that is none": ({"contents": [turn("user", blob("audio/wav", "AAAA"))]}, "does not match"),
    "a GIF": ({"contents": [turn("user", blob("image/gif", "AAAA"))]}, "Unsupported MIME type: image/gif"),
    "media of no type": ({"contents": [turn("user", {"inlineData": {"data": PNG}})]}, "Unsupported MIME type: None"),
    "media without data": ({"contents": [turn("user", blob("image/png", ""))]}, "must not be empty"),
    "a file without address": ({"contents": [turn("user", {"fileData": {"mimeType": "a/b"}})]}, "file_uri"),
    # tools
    "a tool of nothing": ({"tools": [{}]}, "tool_type"),
    "no functions": (tools(), "tool_type"),
    "a name that begins with a digit": (tools({"name": "1a"}), "Invalid function name"),
    "a name's letters": (tools({"name": "a/b"}), "Invalid function name"),
    "a name of 65": (tools({"name": "a" * 65}), "Invalid function name"),
    "no name": (tools({"description": "x"}), "Invalid function name"),
    "two functions of a name": (tools({"name": "a"}, {"name": "a"}), "Duplicate function declaration found: a"),
    "both kinds of schema": (
        tools({"name": "a", "parameters": {"type": "OBJECT"}, "parametersJsonSchema": CITY_SCHEMA}),
        "only one of `parameters` and `parametersJsonSchema`",
    ),
    **{
        f"{word} in parameters": (openapi(type="STRING", **{word: value}), f'Unknown name "{word}" at')
        for word, value in {
            "additionalProperties": False,
            "$ref": "#",
            "$schema": "x",
            "const": "x",
            "oneOf": [],
            "exclusiveMinimum": 1,
            "strict": True,
        }.items()
    },
    "parameters that are no object": (tools({"name": "a", "parameters": {"type": "STRING"}}), "of type OBJECT"),
    "parameters with no properties": (
        tools({"name": "a", "parameters": {"type": "OBJECT", "properties": {}}}),
        "should be non-empty for OBJECT type",
    ),
    "a list of types": (openapi(type=["STRING", "NULL"]), "Invalid value at"),
    "an enum of numbers": (openapi(type="INTEGER", enum=[1]), "Invalid value at"),
    "an enum of another type": (openapi(type="INTEGER", enum=["1"]), "enum: only allowed for STRING type"),
    "an empty enum value": (openapi(type="STRING", enum=[""]), "enum: cannot be empty"),
    "an array of nothing": (openapi(type="ARRAY"), "items: missing field."),
    "a required that is not there": (
        openapi(type="OBJECT", properties={"q": {"type": "STRING"}}, required=["z"]),
        "required[0]: property is not defined",
    ),
    "a format": (openapi(type="STRING", format="uri"), "only 'enum' and 'date-time' are supported for STRING type"),
    "a property without a type": (openapi(minimum=1), "type: must be specified"),
    "anyOf with neighbours": (openapi(anyOf=[{"type": "STRING"}], type="STRING"), "must be the only field set"),
    **{
        f"{word} in a JSON schema": (plain(type="string", **{word: value}), f'Unknown name "{word}" at')
        for word, value in {
            "$schema": "x",
            "const": "x",
            "default": 1,
            "not": {},
            "exclusiveMinimum": 1,
            "patternProperties": {},
            "x-order": 1,
        }.items()
    },
    "an upper-case type in a JSON schema": (plain(type="STRING"), "Invalid value: 'STRING'"),
    "an enum of objects in a JSON schema": (plain(enum=[{}]), "only strings and numbers"),
    "a list of items in a JSON schema": (plain(type="array", items=[]), "items: must be a schema"),
    "a required that is not there in a JSON schema": (plain(type="object", required=["z"]), "property is not defined"),
    "a reference into nothing": (plain(**{"$ref": "#/$defs/x"}), "is not defined"),
    "a JSON schema with no properties": (tools({"name": "a", "parametersJsonSchema": OBJECT}), "with properties"),
    "allowed names under AUTO": (choice(mode="AUTO", allowedFunctionNames=["get_time"]), "only when"),
    "an allowed name that is not declared": (choice(mode="ANY", allowedFunctionNames=["x"]), "is not declared"),
    "a mode of no kind": (choice(mode="any"), "Invalid value at 'tool_config.function_calling_config.mode'"),
    "a choice without tools": (
        {"toolConfig": {"functionCallingConfig": {"mode": "ANY"}}},
        "set without function_declarations",
    ),
    "functions beside a search": (
        {"tools": [*GEMINI_TOOLS, {"googleSearch": {}}]},
        "Tool use with function calling is unsupported",
    ),
    "functions in two tools": ({"tools": [*tools({"name": "a"})["tools"], *GEMINI_TOOLS]}, "Multiple tools"),
    # config
    "a temperature": (config(temperature=2.5), "supported range is from 0 (inclusive) to 2 (inclusive)"),
    "a topP": (config(topP=1.5), "topP value of 1.5"),
    "no tokens": (config(maxOutputTokens=0), "at least 1"),
    "no candidates": (config(candidateCount=0), "candidateCount value of 0"),
    "nine candidates": (config(candidateCount=9), "candidateCount value of 9"),
    "a large seed": (config(seed=2**31), "seed value"),
    "six stops": (config(stopSequences=list("abcdef")), "must not exceed 5"),
    "an empty stop": (config(stopSequences=[""]), "stop_sequences"),
    "logprobs not asked for": (config(logprobs=3), "response_logprobs"),
    "an answer's type": (config(responseMimeType="application/xml"), "allowed mimetypes"),
    "a schema of plain text": (config(responseJsonSchema=CITY_SCHEMA), "only supported with the response mime type"),
    "two schemas of an answer": (
        config(responseMimeType="application/json", responseSchema={"type": "STRING"}, responseJsonSchema={}),
        "only one of response_schema",
    ),
    "a word in an answer's schema": (
        config(responseMimeType="application/json", responseJsonSchema={"const": 1}),
        'Unknown name "const"',
    ),
    "JSON beside tools on an older model": (
        {**config(responseMimeType="application/json"), "tools": GEMINI_TOOLS},
        "Function calling with a response mime type: 'application/json' is unsupported",
    ),
    "a cache and a system": (
        {"cachedContent": "cachedContents/x", "systemInstruction": {"parts": [text("x")]}},
        "CachedContent can not be used",
    ),
    # thinking
    "level and budget": (thinking(NEWER, thinkingLevel="LOW", thinkingBudget=500), "only one of thinking budget and"),
    "a level on an older model": (thinking("gemini-2.5-flash", thinkingLevel="LOW"), "Thinking level is not supported"),
    "a level that the model lacks": (
        thinking(NEWER, thinkingLevel="MINIMAL"),
        "Thinking level MINIMAL is not supported",
    ),
    "another level that the model lacks": (thinking("gemini-3-pro", thinkingLevel="MEDIUM"), "MEDIUM is not"),
    "a level of no kind": (thinking(NEWER, thinkingLevel="Low"), "Invalid value at"),
    "a budget above flash": (thinking("gemini-2.5-flash", thinkingBudget=24577), "between 0 and 24576"),
    "a budget below flash-lite": (thinking("gemini-2.5-flash-lite", thinkingBudget=511), "between 512 and 24576"),
    "a budget below pro": (thinking("gemini-2.5-pro", thinkingBudget=127), "between 128 and 32768"),
    "a budget above pro": (thinking("gemini-2.5-pro", thinkingBudget=32769), "between 128 and 32768"),
    "a pro that does not think": (thinking("gemini-2.5-pro", thinkingBudget=0), "only works in thinking mode"),
    "thoughts shown that are not thought": (
        thinking("gemini-2.5-flash", thinkingBudget=0, includeThoughts=True),
        "only enabled when thinking is enabled",
    ),
    "thinking on an old model": (thinking("gemini-2.0-flash", includeThoughts=True), "thinking is not supported"),
}


@pytest.mark.parametrize(("body", "reason"), REFUSES.values(), ids=REFUSES)
def test_gemini_refuses(gemini_fake: GeminiFake, body: JsonObject, reason: str) -> None:
    answer = ask_gemini(gemini_fake, **body)

    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert (error["code"], error["status"]) == (400, "INVALID_ARGUMENT")
    assert reason in error["message"]


EVERYTHING: JsonObject = {
    "systemInstruction": {"role": "user", "parts": [text("Be brief.")]},
    "contents": [
        turn("user", text("Look"), blob("image/png", PNG), blob("application/pdf", PDF), blob("audio/wav", WAV)),
        turn("model", {**text("Hm"), "thoughtSignature": sign("text")}, call("get_weather"), call("get_time")),
        turn("user", result("get_weather"), result("get_time"), text("And now?"), blob("audio/mp3", MP3)),
        turn("model", {"text": "", "thoughtSignature": sign("text")}),
        turn("user", {"fileData": {"fileUri": "https://youtu.be/x"}}),
    ],
    "tools": GEMINI_TOOLS,
    "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_time"]}},
    "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    "generationConfig": {
        "temperature": 0,
        "topP": 0.5,
        "topK": 40,
        "maxOutputTokens": 1,
        "candidateCount": 1,
        "stopSequences": ["a", "b", "c", "d", "e"],
        "seed": 7,
        "thinkingConfig": {"thinkingBudget": -1, "includeThoughts": True},
    },
    "labels": {"a": "b"},
}
_STEP = [
    turn("model", signed(sign("call", "get_weather")), call("get_time")),
    turn("user", result(), result("get_time")),
]
_SAFE = sign("call", "get_weather").translate(str.maketrans("+/", "-_")).rstrip("=")
_NAMELESS = {
    "name": "a",
    "parameters": {"type": "object", "properties": {"type": {"type": "string", "format": "enum"}}},
}
_ALLOWS: dict[str, JsonObject] = {
    "everything": EVERYTHING,
    "a signed step": after(*_STEP, model=f"{NEWER}-text"),
    "the URL-safe alphabet": after(turn("model", signed(_SAFE)), turn("user", result()), model=f"{NEWER}-text"),
    "the placeholder": after(turn("model", signed(PLACEHOLDER)), turn("user", result()), model=f"{NEWER}-text"),
    "the placeholder in base64": after(
        turn("model", signed(base64.b64encode(PLACEHOLDER.encode()).decode())),
        turn("user", result()),
        model=f"{NEWER}-text",
    ),
    "a step of an earlier turn": after(
        turn("model", call()), turn("user", result()), turn("model", text("x")), ASK, model=f"{NEWER}-text"
    ),
    "media in a result": after(
        turn("model", signed(PLACEHOLDER)),
        turn("user", result(parts=[blob("image/png", PNG)])),
        model=f"{NEWER}-text",
    ),
    "a thought": after(turn("model", {**text("Hm"), "thought": True}, text("x")), ASK),
    "JSON beside tools": {
        "model": f"{NEWER}-text",
        "tools": GEMINI_TOOLS,
        **config(responseMimeType="application/json", responseJsonSchema=CITY_SCHEMA),
    },
    "the older schema": tools(_NAMELESS),
    "a count in a string": openapi(type="ARRAY", items={"type": "STRING"}, minItems="2"),
    "a JSON schema": plain(type=["string", "null"], enum=["a"], minLength=1),
    "a reference": tools(
        {
            "name": "a",
            "parametersJsonSchema": {
                "type": "object",
                "properties": {"$schema": {"$ref": "#/$defs/x"}},
                "$defs": {"x": {"type": "string"}},
            },
        }
    ),
    "a search": {"tools": [{"googleSearch": {}}]},
    "a flash that does not think": thinking("gemini-2.5-flash", thinkingBudget=0),
    "a flash-lite that does not think": thinking("gemini-2.5-flash-lite", thinkingBudget=0),
    "a level": thinking(NEWER, thinkingLevel="MEDIUM", includeThoughts=True),
    "a level in small letters": thinking(NEWER, thinkingLevel="low"),
    "the lowest level": thinking("gemini-3-flash-preview", thinkingLevel="MINIMAL"),
}


@pytest.mark.parametrize("body", _ALLOWS.values(), ids=_ALLOWS)
def test_gemini_accepts(gemini_fake: GeminiFake, body: JsonObject) -> None:
    gemini_fake.snake_case.clear()
    answer = ask_gemini(gemini_fake, **body)
    assert answer.status_code == 200, answer.text
    assert gemini_fake.snake_case == []


def test_gemini_takes_snake_case_and_notes_it(gemini_fake: GeminiFake) -> None:
    """As the real one does; its own SDK for Python writes some names so."""
    gemini_fake.snake_case.clear()
    part = {"inline_data": {"mime_type": "image/png", "data": "AAAA"}}
    answer = ask_gemini(gemini_fake, contents=[turn("user", part)])
    assert "does not match the provided media type image/png" in answer.text, "the rules must see it"
    assert gemini_fake.snake_case == ["contents.0.parts.0.inline_data"]


def test_a_lenient_script_lets_pass_what_compatible_vendors_take(gemini_fake: GeminiFake) -> None:
    gemini_fake.scripts["gemini-2.5-flash-odd"] = Script(lenient=True)
    odd = {**after(turn("model", signed("aGVsbG8=")), turn("user", result())), **plain(const=1), "x": 1}
    assert ask_gemini(gemini_fake, **{**odd, "model": "gemini-2.5-flash-odd"}).status_code == 200
    assert ask_gemini(gemini_fake, **odd).status_code == 400
