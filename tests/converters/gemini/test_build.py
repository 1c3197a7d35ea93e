"""1.2, 7.1, 8, 9, 10, 17: a request for Gemini."""

import base64

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.errors import ConversionError
from converters.gemini.build import build_request
from converters.gemini.parse import parse_request
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.profile import DEFAULT, Profile
from converters.turns import Chat, Format, Reasoning, Text, Tool, Turn

CONTENTS: list[Json] = [{"role": "user", "parts": [{"text": "hi"}]}]
OBJECT: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


def chat(model: str = "gemini-2.5-pro", client: str = "chat") -> Chat:
    return Chat(model, client, turns=[Turn("user", [Text("hi")])])


def built(wanted: Chat, loss: Loss | None = None, profile: Profile = DEFAULT) -> JsonObject:
    return build_request(wanted, profile, loss or Loss())


def test_1_2_nothing_is_sent_that_was_not_said() -> None:
    loss, wanted = Loss(), chat()
    wanted.stream = True
    assert built(wanted, loss) == {"contents": CONTENTS}
    assert (loss.dropped, loss.changed, loss.noted) == ({}, {}, {})


def test_9_sampling_and_limits() -> None:
    wanted = chat()
    wanted.max_tokens, wanted.temperature, wanted.top_p, wanted.top_k = 5, 0, 0.5, 40
    wanted.stop, wanted.presence, wanted.frequency, wanted.seed = ["x"], 1, 0, 7
    wanted.n, wanted.logprobs, wanted.top_logprobs = 1, True, 2
    assert built(wanted)["generationConfig"] == {
        "maxOutputTokens": 5,
        "temperature": 0,
        "topP": 0.5,
        "topK": 40,
        "stopSequences": ["x"],
        "presencePenalty": 1,
        "frequencyPenalty": 0,
        "seed": 7,
        "candidateCount": 1,
        "responseLogprobs": True,
        "logprobs": 2,
    }


def test_9_what_is_too_much_is_lowered_and_said() -> None:
    wanted, loss = chat(), Loss()
    wanted.stop, wanted.temperature, wanted.max_tokens, wanted.n = list("abcdef"), 2.5, 11, 3
    config = built(wanted, loss, Profile(max_output_tokens=10))["generationConfig"]
    assert config == {"maxOutputTokens": 10, "temperature": 2, "stopSequences": list("abcde"), "candidateCount": 3}
    assert set(loss.changed) == {"stop", "temperature", "max_tokens", "n"}


def test_7_1_thinking_is_part_of_the_config() -> None:
    wanted = chat()
    wanted.reasoning = Reasoning("low")
    assert built(wanted)["generationConfig"] == {"thinkingConfig": {"thinkingBudget": 2048, "includeThoughts": True}}


@pytest.mark.parametrize(
    ("format_", "expected"),
    [
        (Format("text"), None),
        (Format("json_object"), {"responseMimeType": "application/json"}),
        (
            Format("json_schema", schema={**OBJECT, "additionalProperties": False}),
            {"responseMimeType": "application/json", "responseJsonSchema": OBJECT},
        ),
    ],
)
def test_8_structured_output(format_: Format, expected: JsonObject | None) -> None:
    wanted = chat()
    wanted.format = format_
    assert built(wanted).get("generationConfig") == expected


def test_8_what_a_schema_loses_is_said() -> None:
    wanted, loss = chat(), Loss()
    wanted.format = Format("json_schema", schema={**OBJECT, "not": {}})
    built(wanted, loss)
    assert "not" in loss.changed["response_format"]


@pytest.mark.parametrize("schema", [None, OBJECT, {"type": "string"}])
def test_8_before_gemini_3_json_beside_functions_is_asked_for_in_words(schema: JsonObject | None) -> None:
    wanted, loss = chat(), Loss()
    wanted.tools = [Tool("f")]
    wanted.format = Format("json_schema" if schema else "json_object", schema=schema)
    body = built(wanted, loss)
    assert "generationConfig" not in body
    assert "JSON" in str(body["systemInstruction"])
    assert list(loss.changed) == ["response_format"]
    wanted.model = "gemini-3-flash-preview"
    assert "generationConfig" in built(wanted)


def test_17_fields_of_others_are_dropped_noted_or_refused() -> None:
    wanted, loss = chat(), Loss()
    wanted.parallel, wanted.verbosity, wanted.user, wanted.cache_key = False, "low", "u", "k"
    wanted.native = {"logit_bias": {}, "metadata": {}}
    built(wanted, loss)
    assert set(loss.dropped) == {"parallel_tool_calls", "verbosity", "logit_bias"}
    assert set(loss.noted) == {"user", "prompt_cache_key", "metadata"}
    wanted.native = {"previous_response_id": "x"}
    with pytest.raises(ConversionError):
        built(wanted)


def test_17_rejected_fields_of_an_account_are_left_out() -> None:
    wanted, loss = chat(), Loss()
    wanted.temperature = 1
    assert built(wanted, loss, Profile(rejected=frozenset({"generationConfig"}))) == {"contents": CONTENTS}
    assert list(loss.dropped) == ["generationConfig"]


def test_20_parse_and_build_of_the_same_protocol_is_the_same_request() -> None:
    body: JsonObject = {
        "contents": [
            *CONTENTS,
            {
                "role": "model",
                "parts": [
                    {"text": "a", "thoughtSignature": "c2ln"},
                    {"functionCall": {"id": "1", "name": "f", "args": {"x": 1}}, "thoughtSignature": "c2lu"},
                ],
            },
            {
                "role": "user",
                "parts": [
                    {"functionResponse": {"id": "1", "name": "f", "response": {"output": "r"}}},
                    {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
                    {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/x"}},
                ],
            },
        ],
        "systemInstruction": {"parts": [{"text": "s"}]},
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": OBJECT}]}, {"googleSearch": {}}],
        "toolConfig": {
            "functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]},
            "retrievalConfig": {"a": 1},
        },
        "generationConfig": {
            "temperature": 0,
            "topK": 3,
            "responseMimeType": "application/json",
            "responseJsonSchema": OBJECT,
            "thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True},
            "mediaResolution": "M",
        },
        "safetySettings": [{"category": "C"}],
        "cachedContent": "cachedContents/x",
    }
    parsed = parse_request({"model": "gemini-3-flash-preview", **body}, Loss())
    assert built(parsed) == body
    assert built(parsed) == body


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
SIGNATURES = st.binary(min_size=3, max_size=6).map(lambda raw: base64.b64encode(raw).decode())
SAID = st.builds(lambda text: {"text": text}, WORDS)
SIGNED_TEXT = st.builds(lambda text, signature: {"text": text, "thoughtSignature": signature}, WORDS, SIGNATURES)
SEEN = st.sampled_from(
    [
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
        {"inlineData": {"mimeType": "application/pdf", "data": "aGk="}},
        {"inlineData": {"mimeType": "audio/wav", "data": "aGk="}},
        {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/x"}},
    ]
)
CONFIG: dict[str, st.SearchStrategy[Json]] = {
    "temperature": st.floats(0, 2),
    "topP": st.just(0),
    "topK": st.integers(1, 50),
    "maxOutputTokens": st.integers(1, 9999),
    "stopSequences": st.lists(WORDS, min_size=1, max_size=5),
    "seed": st.integers(-9, 9),
    "candidateCount": st.integers(1, 3),
    "responseMimeType": st.just("application/json"),
    "thinkingConfig": st.sampled_from([{"thinkingLevel": "LOW"}, {"thinkingLevel": "HIGH", "includeThoughts": True}]),
    "mediaResolution": st.just("MEDIA_RESOLUTION_LOW"),
}


@st.composite
def requests(draw: st.DrawFn) -> JsonObject:
    """Requests that the API takes, in the form in which they would be built; the first call of each step is signed."""
    contents: list[Json] = []
    for step in range(draw(st.integers(0, 2))):
        contents.append({"role": "user", "parts": draw(st.lists(SAID | SEEN, min_size=1, max_size=2))})
        names = [f"f{step}{n}" for n in range(draw(st.integers(0, 2)))]
        calls: list[JsonObject] = [
            {"functionCall": {"id": name, "name": name, "args": draw(st.dictionaries(WORDS, WORDS, max_size=2))}}
            for name in names
        ]
        if calls:
            calls[0]["thoughtSignature"] = draw(SIGNATURES)
        contents.append(
            {"role": "model", "parts": [*draw(st.lists(SAID | SIGNED_TEXT, min_size=1, max_size=2)), *calls]}
        )
        if calls:
            results: list[Json] = [
                {"functionResponse": {"id": name, "name": name, "response": {draw(OUTCOMES): draw(WORDS)}}}
                for name in names
            ]
            contents.append({"role": "user", "parts": results})
            contents.append({"role": "model", "parts": [{"text": "so"}]})
    contents.append({"role": "user", "parts": draw(st.lists(SAID | SEEN, min_size=1, max_size=2))})
    body: JsonObject = {"contents": contents}
    config = draw(st.fixed_dictionaries({}, optional=CONFIG))
    return body | ({"generationConfig": config} if config else {}) | draw(st.fixed_dictionaries({}, optional=OPTIONS))


OUTCOMES = st.sampled_from(["output", "error"])
OPTIONS: dict[str, st.SearchStrategy[Json]] = {
    "systemInstruction": st.builds(lambda text: {"parts": [{"text": text}]}, WORDS),
    "tools": st.just([{"functionDeclarations": [{"name": "f", "description": "d", "parametersJsonSchema": OBJECT}]}]),
    "safetySettings": st.just([{"category": "C"}]),
    "labels": st.just({"a": "b"}),
}


@settings(deadline=None)
@given(requests())
def test_20_2a_a_request_parsed_and_built_for_its_own_protocol_is_the_same(body: JsonObject) -> None:
    loss = Loss()
    parsed = parse_request({"model": "gemini-3-flash-preview", **body}, loss)
    assert build_request(parsed, DEFAULT, loss) == body
    assert loss.dropped == loss.changed == {}
