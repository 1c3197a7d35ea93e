"""Top level of a client's request: 5, 7.1, 8, 9, 10, 17."""

import copy
from collections.abc import Iterator
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_chat.build import build_request
from converters.openai_chat.parse import parse_request
from converters.profile import DEFAULT
from converters.turns import Chat, Format, Reasoning

HI: JsonObject = {"model": "m", "messages": [{"role": "user", "content": "hi"}]}


def parse(**fields: Json) -> Chat:
    return parse_request({**HI, **fields}, Loss())


def refused(**fields: Json) -> str | None:
    with pytest.raises(ConversionError) as caught:
        parse(**fields)
    assert caught.value.status == 400
    return caught.value.param


def test_a_request_says_nothing_that_the_client_did_not_say() -> None:
    chat = parse()
    assert (chat.model, chat.client, chat.stream, chat.want_usage) == ("m", "chat", False, False)
    assert (chat.tools, chat.stop, chat.native) == ([], [], {})
    for name in ("tool_choice", "parallel", "max_tokens", "temperature", "reasoning", "format", "user", "n", "seed"):
        assert getattr(chat, name) is None


def test_9_sampling_fields_are_read_and_explicit_zeros_survive() -> None:
    chat = parse(
        temperature=0,
        top_p=0.0,
        top_k=5,
        seed=0,
        presence_penalty=0,
        frequency_penalty=-0.5,
        n=2,
        logprobs=True,
        top_logprobs=0,
        stop=["a", "b"],
    )
    assert (chat.temperature, chat.top_p, chat.top_k, chat.seed) == (0, 0.0, 5, 0)
    assert (chat.presence, chat.frequency, chat.n, chat.logprobs, chat.top_logprobs) == (0, -0.5, 2, True, 0)
    assert chat.stop == ["a", "b"]
    assert parse(stop="x").stop == ["x"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"max_tokens": 5}, (5, "max_tokens")),
        ({"max_completion_tokens": 6}, (6, "max_completion_tokens")),
        ({"max_tokens": 5, "max_completion_tokens": 6}, (6, "max_completion_tokens")),
        ({"max_tokens": 5, "max_completion_tokens": None}, (5, "max_tokens")),
    ],
)
def test_9_the_newer_name_of_max_tokens_wins(fields: JsonObject, expected: tuple[int, str]) -> None:
    chat = parse(**fields)
    assert (chat.max_tokens, chat.max_tokens_name) == expected


def test_9_stream_and_its_usage() -> None:
    chat = parse(stream=True, stream_options={"include_usage": True})
    assert (chat.stream, chat.want_usage) == (True, True)
    assert not parse(stream=True, stream_options={}).want_usage


def test_17_other_stream_options_are_bookkeeping() -> None:
    loss = Loss()
    parse_request({**HI, "stream_options": {"include_obfuscation": False}}, loss)
    assert list(loss.noted) == ["stream_options.include_obfuscation"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"reasoning_effort": "high"}, Reasoning("high")),
        ({"reasoning_effort": "none"}, Reasoning("none", mode="off")),
        ({"reasoning_effort": None}, None),
        ({"reasoning": {"effort": "xhigh"}}, Reasoning("xhigh")),
        ({"reasoning": {"max_tokens": 3000}}, Reasoning(None, 3000)),
        ({"reasoning": {"effort": "low", "exclude": True}}, Reasoning("low", visible=False)),
        ({"reasoning": {"enabled": True}}, Reasoning(mode="adaptive")),
        ({"reasoning": {"enabled": False}}, Reasoning("none", mode="off")),
        ({"reasoning": {}}, None),
        ({"reasoning": {"exclude": True}}, None),
        ({"enable_thinking": True}, Reasoning(mode="adaptive")),
        ({"enable_thinking": True, "thinking_budget": 500}, Reasoning(None, 500)),
        ({"enable_thinking": False, "thinking_budget": 500}, Reasoning("none", mode="off")),
        ({"thinking_budget": 0}, Reasoning("none", mode="off")),
        ({"thinking_budget": -1}, Reasoning(mode="adaptive")),
        ({"reasoning_effort": "low", "reasoning": {"effort": "high"}}, Reasoning("low")),
    ],
)
def test_7_1_reasoning_is_read_in_every_spelling(fields: JsonObject, expected: Reasoning | None) -> None:
    assert parse(**fields).reasoning == expected


def test_7_1_an_unknown_level_is_a_400() -> None:
    assert refused(reasoning_effort="ultra") == "reasoning_effort"
    assert refused(reasoning={"effort": "ultra"}) == "reasoning.effort"


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (None, None),
        ({"type": "text"}, Format("text")),
        ({"type": "json_object"}, Format("json_object")),
        (
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": {"a": 1}, "strict": True, "description": "d"},
            },
            Format("json_schema", "n", {"a": 1}, True, "d"),
        ),
        ({"type": "json_schema", "json_schema": {"schema": {}}}, Format("json_schema", "response", {}, None)),
    ],
)
def test_8_response_format_is_read(wanted: Json, expected: Format | None) -> None:
    assert parse(response_format=wanted).format == expected


@pytest.mark.parametrize(
    ("wanted", "param"),
    [
        ({}, "response_format.type"),
        ({"type": "xml"}, "response_format.type"),
        ({"type": "json_schema"}, "response_format.json_schema"),
        ({"type": "json_schema", "json_schema": {"name": "n"}}, "response_format.json_schema.schema"),
        ("json", "response_format"),
    ],
)
def test_8_a_malformed_response_format_is_a_400(wanted: Json, param: str) -> None:
    assert refused(response_format=wanted) == param


def test_10_user_and_safety_identifier_are_one_thing() -> None:
    assert (parse(user="u").user, parse(user="u").native) == ("u", {})
    assert (parse(safety_identifier="s").user, parse(safety_identifier="s").native) == ("s", {})
    both = parse(user="u", safety_identifier="s")
    assert (both.user, both.native) == ("u", {"safety_identifier": "s"})


def test_10_cache_key_and_verbosity_have_their_place() -> None:
    chat = parse(prompt_cache_key="k", verbosity="low")
    assert (chat.cache_key, chat.verbosity, chat.native) == ("k", "low", {})


def test_17_an_unknown_top_level_field_is_kept_as_it_came() -> None:
    extra: JsonObject = {"logit_bias": {"5": -100}, "metadata": {"a": "b"}, "store": True, "x_own": [1.0, None]}
    assert parse(**extra, prediction=None).native == extra


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"model": None}, "model"),
        ({"model": 3}, "model"),
        ({"messages": None}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"temperature": "hot"}, "temperature"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"max_completion_tokens": "9"}, "max_completion_tokens"),
        ({"n": True}, "n"),
        ({"stream": 1}, "stream"),
        ({"stream_options": {"include_usage": "yes"}}, "stream_options.include_usage"),
        ({"stop": 3}, "stop"),
        ({"stop": ["a", 3]}, "stop"),
        ({"logprobs": 3}, "logprobs"),
        ({"parallel_tool_calls": "no"}, "parallel_tool_calls"),
        ({"user": 7}, "user"),
        ({"enable_thinking": "yes"}, "enable_thinking"),
        ({"reasoning": "high"}, "reasoning"),
    ],
)
def test_17_a_wrong_type_is_a_400_before_any_upstream_call(fields: JsonObject, param: str) -> None:
    assert refused(**fields) == param


# --- any JSON ---

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8)
WORDS = st.sampled_from(
    "user assistant system developer tool function text image_url file refusal thinking custom auto none required"
    " allowed_tools json_schema grammar input_audio video_url ephemeral data:x data:image/png;base64,AA high".split()
)
KEYS = st.sampled_from(
    "role content name type text image_url url detail file file_id file_data filename input_audio data format refusal"
    " tool_calls id function arguments custom input tool_call_id function_call reasoning_content reasoning"
    " reasoning_details thinking_blocks extra_content anthropic google signature thought_signature cache_control ttl"
    " images video_url parameters strict description grammar syntax definition mode tools allowed_tools json_schema"
    " schema effort max_tokens enabled exclude include_usage thinking".split()
)
JSON = st.recursive(
    SCALARS | WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
WELL_FORMED: list[JsonObject] = [
    {
        "role": "user",
        "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "https://x"}}],
    },
    {"role": "user", "content": [{"type": "file", "file": {"filename": "a", "file_data": "AA=="}}]},
    {"role": "assistant", "content": "a", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": "{}"}}]},
    {
        "role": "assistant",
        "content": [{"type": "text", "text": "a"}],
        "reasoning_details": [{"type": "reasoning.text"}],
    },
    {"role": "tool", "tool_call_id": "c", "content": "a"},
    {"role": "system", "content": "a"},
]
TOOLS: list[Json] = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of all values inside `value`."""
    keys = value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield (*path, key)
        yield from places(value[key], (*path, key))


@st.composite
def damaged(draw: st.DrawFn) -> JsonObject:
    """A well-formed request in which one place, at any depth, holds something else, or a field of ours holds anything."""
    messages = draw(st.lists(st.sampled_from(WELL_FORMED), min_size=1, max_size=3))
    body: Any = copy.deepcopy({"model": "m", "messages": messages, "tools": TOOLS})
    if draw(st.booleans()):
        return cast(JsonObject, body | {draw(TOP): draw(JSON)})
    *path, key = draw(st.sampled_from([*places(body)]))
    inner = body
    for step in path:
        inner = inner[step]
    inner[key] = draw(JSON)
    return cast(JsonObject, body)


TOP = st.sampled_from(
    "tools functions tool_choice function_call parallel_tool_calls max_tokens max_completion_tokens temperature stop"
    " reasoning_effort reasoning enable_thinking thinking_budget response_format stream_options stream user metadata"
    " safety_identifier n logprobs verbosity".split()
)


def outcome(body: JsonObject) -> Chat | ConversionError:
    """What was parsed can be built too, or is refused with a reason."""
    try:
        chat = parse_request(body, Loss())
        build_request(chat, DEFAULT, Loss())
    except ConversionError as error:
        return error
    return chat


@settings(max_examples=300, deadline=None)
@given(damaged())
def test_17_a_damaged_request_gives_a_chat_or_a_conversion_error(body: JsonObject) -> None:
    found = outcome(body)
    assert isinstance(found, Chat) or found.status == 400


@given(st.dictionaries(st.sampled_from(["model", "messages", "tools"]) | KEYS, JSON, max_size=4))
def test_17_any_object_at_all_is_answered(body: JsonObject) -> None:
    found = outcome(body)
    assert isinstance(found, Chat) or found.status == 400
