"""2.1, 7.1, 8, 9, 17: a Gemini client's request."""

import pytest

from converters.errors import ConversionError
from converters.gemini.parse import parse_request
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.turns import Chat, Format, Reasoning, SystemText, Text, Turn

HI: list[Json] = [{"parts": [{"text": "hi"}]}]


def parsed(**fields: Json) -> Chat:
    return parse_request({"model": "gemini-x", "contents": HI, **fields}, Loss())


def config(**fields: Json) -> Chat:
    return parsed(generationConfig={**fields})


def test_2_1_the_least_request() -> None:
    assert parsed() == Chat("gemini-x", "gemini", turns=[Turn("user", [Text("hi")])], want_usage=True)


def test_2_1_model_and_stream_come_from_the_path() -> None:
    chat = parse_request({"model": "models/gemini-x", "stream": True, "contents": HI}, Loss())
    assert (chat.model, chat.stream) == ("gemini-x", True)
    for body in ({"contents": HI}, {"model": 5, "contents": HI}, {"model": "m", "messages": HI}):
        with pytest.raises(ConversionError):
            parse_request(body, Loss())  # type: ignore[arg-type]


@pytest.mark.parametrize("key", ["systemInstruction", "system_instruction"])
@pytest.mark.parametrize(
    "system",
    ["a", {"text": "a"}, {"parts": [{"text": "a"}]}, {"role": "user", "parts": {"text": "a"}}, [{"text": "a"}], ["a"]],
)
def test_2_1_system_instruction_in_every_form(key: str, system: Json) -> None:
    assert parsed(**{key: system}).system == [SystemText("a")]


@pytest.mark.parametrize("system", [5, {"parts": 5}, {"parts": [{"inlineData": {}}]}, [5]])
def test_2_1_a_malformed_system_instruction_is_refused(system: Json) -> None:
    with pytest.raises(ConversionError):
        parsed(systemInstruction=system)


def test_9_sampling_and_limits_in_both_spellings() -> None:
    chat = parsed(
        generation_config={
            "max_output_tokens": 5,
            "temperature": 0,
            "top_p": 0.5,
            "top_k": 40.0,
            "stop_sequences": ["x"],
            "presence_penalty": 1,
            "frequency_penalty": 0.0,
            "seed": "7",
            "candidate_count": 2,
            "response_logprobs": True,
            "logprobs": 3,
        }
    )
    assert (chat.max_tokens, chat.temperature, chat.top_p, chat.top_k, chat.stop) == (5, 0, 0.5, 40, ["x"])
    assert isinstance(chat.top_k, int)
    assert (chat.presence, chat.frequency, chat.seed, chat.n, chat.logprobs, chat.top_logprobs) == (1, 0, 7, 2, True, 3)


@pytest.mark.parametrize(
    "fields",
    [
        {"topK": 1.5},
        {"topK": True},
        {"topK": "many"},
        {"temperature": "0"},
        {"stopSequences": [5]},
        {"stopSequences": "x"},
        {"thinkingConfig": {"thinkingLevel": "SOME"}},
        {"thinkingConfig": 5},
        {"responseSchema": []},
    ],
)
def test_17_a_wrong_type_names_its_field(fields: JsonObject) -> None:
    with pytest.raises(ConversionError) as caught:
        config(**fields)
    (key,) = fields
    assert (caught.value.param or "").startswith(f"generationConfig.{key}")


@pytest.mark.parametrize(
    ("thinking", "expected"),
    [
        ({}, None),
        ({"includeThoughts": False}, None),
        ({"include_thoughts": True}, Reasoning()),
        ({"includeThoughts": True, "thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, Reasoning()),
        ({"thinkingBudget": 0, "includeThoughts": True}, Reasoning("none", 0, "off", False)),
        ({"thinkingBudget": -1}, Reasoning(None, None, "adaptive", False)),
        ({"thinking_budget": 8192, "includeThoughts": True}, Reasoning(None, 8192)),
        ({"thinkingLevel": "minimal"}, Reasoning("minimal", visible=False)),
        ({"thinkingLevel": "HIGH", "includeThoughts": True}, Reasoning("high")),
    ],
)
def test_7_1_thinking_config(thinking: JsonObject, expected: Reasoning | None) -> None:
    assert config(thinkingConfig=thinking).reasoning == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"responseMimeType": "text/plain"}, None),
        ({"response_mime_type": "application/json"}, Format("json_object")),
        (
            {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT"}},
            Format("json_schema", schema={"type": "object"}),
        ),
        ({"response_json_schema": {"type": "object"}}, Format("json_schema", schema={"type": "object"})),
        (
            {"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING", "enum": ["A"]}},
            Format(
                "json_schema",
                schema={
                    "type": "object",
                    "properties": {"text": {"type": "string", "enum": ["A"]}},
                    "required": ["text"],
                    "additionalProperties": False,
                },
                unwrap=True,
            ),
        ),
    ],
)
def test_8_structured_output(fields: JsonObject, expected: Format | None) -> None:
    assert config(**fields).format == expected


def test_17_what_only_gemini_has_is_native_by_its_dotted_name() -> None:
    chat = parsed(
        safety_settings=[{"category": "C"}],
        labels={"a": "b"},
        cached_content="cachedContents/x",
        serviceTier=None,
        generationConfig={"mediaResolution": "M", "responseModalities": ["TEXT"], "routingConfig": None},
    )
    assert chat.native == {
        "safetySettings": [{"category": "C"}],
        "labels": {"a": "b"},
        "cachedContent": "cachedContents/x",
        "generationConfig.mediaResolution": "M",
    }
    assert config(responseModalities=["TEXT", "IMAGE"]).native == {
        "generationConfig.responseModalities": ["TEXT", "IMAGE"]
    }


def test_10_answers_in_audio_are_refused() -> None:
    with pytest.raises(ConversionError) as caught:
        config(responseModalities=["audio"])
    assert caught.value.param == "generationConfig.responseModalities"
