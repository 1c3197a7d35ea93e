"""7.1, 8, 9, 10, 17: the top level of a client's request."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import ConversionError
from converters.json_codec import Json
from converters.loss import Loss
from converters.openai_responses.parse import parse_request
from converters.turns import Chat, Format, Reasoning, SystemText, Text, Tool, ToolChoice, Turn


def parse(loss: Loss | None = None, **body: Any) -> Chat:
    return parse_request({"model": "m", "input": "hi", **body}, loss or Loss())


def test_the_smallest_request() -> None:
    assert parse() == Chat("m", "responses", turns=[Turn("user", [Text("hi")])], want_usage=True)


def test_2_1_instructions_are_the_first_system_text() -> None:
    chat = parse(instructions="a", input=[{"role": "developer", "content": "b"}, {"role": "user", "content": "hi"}])
    assert chat.system == [SystemText("a"), SystemText("b")]


def test_9_limits_and_sampling() -> None:
    chat = parse(max_output_tokens=9, temperature=0, top_p=0.5, top_logprobs=2, stream=True, parallel_tool_calls=False)
    assert (chat.max_tokens, chat.temperature, chat.top_p, chat.top_logprobs, chat.logprobs) == (9, 0, 0.5, 2, True)
    assert (chat.stream, chat.parallel) == (True, False)


def test_9_logprobs_may_be_asked_for_by_include() -> None:
    assert parse(include=["message.output_text.logprobs"]).logprobs is True
    assert parse(include=["reasoning.encrypted_content"]).logprobs is None


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, None),
        ({}, None),
        ({"effort": None, "summary": None}, None),
        ({"effort": "high"}, Reasoning("high")),
        ({"effort": "xhigh", "summary": "auto"}, Reasoning("xhigh")),
        ({"effort": "none"}, Reasoning("none", mode="off")),
        ({"summary": "detailed"}, Reasoning(mode="adaptive")),
        ({"generate_summary": "auto"}, Reasoning(mode="adaptive")),
    ],
)
def test_7_1_reasoning(asked: Json, expected: Reasoning | None) -> None:
    assert parse(reasoning=asked).reasoning == expected


def test_7_1_other_settings_of_reasoning_are_named() -> None:
    loss = Loss()
    parse(loss, reasoning={"effort": "low", "mode": "pro", "context": "auto"})
    assert list(loss.dropped) == ["reasoning.mode"]


@pytest.mark.parametrize(
    ("format_", "expected"),
    [
        ({"type": "text"}, Format("text")),
        ({"type": "json_object"}, Format("json_object")),
        (
            {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True, "description": "d"},
            Format("json_schema", "n", {"type": "object"}, True, "d"),
        ),
        ({"type": "json_schema", "schema": {}}, Format("json_schema", "response", {})),
    ],
)
def test_8_formats_are_flat(format_: Json, expected: Format) -> None:
    assert parse(text={"format": format_}).format == expected


def test_8_verbosity() -> None:
    assert parse(text={"verbosity": "low"}).verbosity == "low"


def test_10_identity() -> None:
    assert parse(user="u").user == parse(safety_identifier="u").user == "u"
    both = parse(user="u", safety_identifier="s", prompt_cache_key="k")
    assert (both.user, both.cache_key, both.native) == ("u", "k", {"safety_identifier": "s"})


def test_4_tools_and_choice() -> None:
    chat = parse(tools=[{"type": "function", "name": "f"}], tool_choice={"type": "function", "name": "f"})
    assert (chat.tools, chat.tool_choice) == ([Tool("f")], ToolChoice("required", ("f",)))


def test_17_fields_without_a_place_stay_native_and_empty_ones_do_not() -> None:
    chat = parse(store=True, metadata={"a": "b"}, service_tier=None, invented=0, background=False, conversation=None)
    assert chat.native == {"store": True, "metadata": {"a": "b"}, "invented": 0}


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("previous_response_id", "resp_1", "previous_response_not_found"),
        ("conversation", {"id": "conv_1"}, "unsupported_parameter"),
        ("prompt", {"id": "p"}, "unsupported_parameter"),
        ("background", True, "unsupported_parameter"),
    ],
)
def test_17_what_only_the_own_provider_can_resolve_is_refused(field: str, value: Json, code: str) -> None:
    with pytest.raises(ConversionError) as caught:
        parse(None, **{field: value})
    assert (caught.value.param, caught.value.code, caught.value.status) == (field, code, 400)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": None}, "model"),
        ({"instructions": []}, "instructions"),
        ({"max_output_tokens": "9"}, "max_output_tokens"),
        ({"temperature": True}, "temperature"),
        ({"stream": "yes"}, "stream"),
        ({"reasoning": {"effort": "immense"}}, "reasoning.effort"),
        ({"reasoning": "high"}, "reasoning"),
        ({"text": {"format": {"type": "xml"}}}, "text.format.type"),
        ({"text": {"format": {"type": "json_schema"}}}, "text.format.schema"),
        ({"text": {"format": {}}}, "text.format.type"),
        ({"tools": {}}, "tools"),
        ({"input": None}, "input"),
    ],
)
def test_17_malformed_fields_are_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        parse(**body)
    assert caught.value.param == param


KEYS = st.sampled_from(
    "model input instructions tools tool_choice reasoning text include type role content name call_id output arguments"
    " summary encrypted_content format schema".split()
)
JSON: st.SearchStrategy[Json] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["message", "user", "function", "reasoning", "x", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, JSON, max_size=6))
def test_17_any_object_is_a_chat_or_a_conversion_error(body: dict[str, Json]) -> None:
    refused = None
    try:
        assert parse_request(body, Loss()).client == "responses"
    except ConversionError as error:
        refused = error
    assert refused is None or (refused.status == 400 and refused.param)
