"""Top level of a provider's body: 4, 5, 7.1, 8, 9, 10, 17, 18.3."""

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject, dumps
from converters.loss import Loss
from converters.openai_chat.build import build_request
from converters.openai_chat.parse import parse_request
from converters.profile import DEFAULT, Profile
from converters.turns import Cache, Chat, Format, Reasoning, Text, Tool, ToolChoice, Turn

SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}}}


def build(profile: Profile = DEFAULT, loss: Loss | None = None, /, **fields: object) -> JsonObject:
    chat = Chat("m", "anthropic", turns=[Turn("user", [Text("hi")])])
    for name, value in fields.items():
        setattr(chat, name, value)
    return build_request(chat, profile, loss or Loss())


def test_a_body_says_nothing_that_the_client_did_not_say() -> None:
    assert build() == {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": False}


# --- 4, 5 ---


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        (
            Tool("f", "d", SCHEMA, True),
            {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}},
        ),
        (
            Tool("f", cache=Cache()),
            {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}},
        ),
        (
            Tool("c", "d", kind="custom", grammar={"syntax": "regex", "definition": "a+"}),
            {
                "type": "custom",
                "custom": {
                    "name": "c",
                    "description": "d",
                    "format": {"type": "grammar", "grammar": {"syntax": "regex", "definition": "a+"}},
                },
            },
        ),
        (Tool("c", kind="custom"), {"type": "custom", "custom": {"name": "c"}}),
        (Tool("web", kind="hosted", native=("chat", {"type": "web", "x": 1})), {"type": "web", "x": 1}),
    ],
)
def test_4_1_tools_are_written(tool: Tool, expected: JsonObject) -> None:
    assert build(tools=[tool])["tools"] == [expected]


def test_4_1_strict_is_left_out_for_vendors_without_it() -> None:
    loss = Loss()
    (tool,) = build(replace(DEFAULT, strict_tools=False), loss, tools=[Tool("f", None, SCHEMA, True)])["tools"]  # type: ignore[misc, union-attr]
    assert tool == {"type": "function", "function": {"name": "f", "parameters": SCHEMA}}
    assert list(loss.dropped) == ["tools.strict"]
    quiet = Loss()
    build(replace(DEFAULT, strict_tools=False), quiet, tools=[Tool("f", None, SCHEMA, False)])
    assert quiet.dropped == {}


def test_4_3_a_foreign_hosted_tool_is_dropped_by_name() -> None:
    loss = Loss()
    assert "tools" not in build(DEFAULT, loss, tools=[Tool("ws", kind="hosted", native=("anthropic", {}))])
    assert list(loss.dropped) == ["tools.ws"]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("required", ("f",)), {"type": "function", "function": {"name": "f"}}),
        (ToolChoice("required", ("c",)), {"type": "custom", "custom": {"name": "c"}}),
        (ToolChoice("required", hosted="web"), {"type": "web"}),
        (
            ToolChoice("auto", ("f",)),
            {
                "type": "allowed_tools",
                "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]},
            },
        ),
        (
            ToolChoice("required", ("f", "c")),
            {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "required",
                    "tools": [
                        {"type": "function", "function": {"name": "f"}},
                        {"type": "custom", "custom": {"name": "c"}},
                    ],
                },
            },
        ),
    ],
)
def test_5_tool_choice_is_written(choice: ToolChoice, expected: Json) -> None:
    assert build(tools=[Tool("f"), Tool("c", kind="custom")], tool_choice=choice)["tool_choice"] == expected


def test_5_choice_and_parallel_without_tools_are_left_out() -> None:
    body = build(tool_choice=ToolChoice("required"), parallel=False)
    assert body.keys() == {"model", "messages", "stream"}


def test_5_parallel_calls() -> None:
    assert build(tools=[Tool("f")], parallel=False)["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in build(tools=[Tool("f")])
    loss = Loss()
    assert "parallel_tool_calls" not in build(
        replace(DEFAULT, parallel_tool_calls=False), loss, tools=[Tool("f")], parallel=False
    )
    assert list(loss.dropped) == ["parallel_tool_calls"]


def test_18_3_a_vendor_without_required_gets_auto() -> None:
    loss = Loss()
    profile = replace(DEFAULT, tool_choice_required=False)
    assert build(profile, loss, tools=[Tool("f")], tool_choice=ToolChoice("required"))["tool_choice"] == "auto"
    assert list(loss.changed) == ["tool_choice"]


# --- 7.1 ---


@pytest.mark.parametrize(
    ("model", "reasoning", "expected"),
    [
        ("m", Reasoning("max"), "max"),
        ("m", Reasoning("none", mode="off"), "none"),
        ("m", Reasoning(None, 3000), "low"),
        ("m", Reasoning("high", 1), "high"),
        ("m", Reasoning(mode="adaptive"), None),
        ("m", Reasoning("medium", mode="adaptive"), "medium"),
        ("m", Reasoning(mode="off"), "none"),
        ("o3", Reasoning("medium"), "medium"),
        ("gpt-5-mini", Reasoning("minimal"), "minimal"),
        ("gpt-5.1", Reasoning("none", mode="off"), "none"),
        ("gpt-5.2", Reasoning("xhigh"), "xhigh"),
    ],
)
def test_7_1_reasoning_effort_is_written(model: str, reasoning: Reasoning, expected: str | None) -> None:
    loss = Loss()
    assert build(DEFAULT, loss, model=model, reasoning=reasoning).get("reasoning_effort") == expected
    assert loss.changed == {}


@pytest.mark.parametrize(
    ("model", "reasoning", "expected"),
    [
        ("o3-mini", Reasoning("minimal"), "low"),
        ("o3", Reasoning("max"), "high"),
        ("openai/o4-mini", Reasoning("none", mode="off"), "low"),
        ("gpt-5", Reasoning("xhigh"), "high"),
        ("gpt-5.1", Reasoning("minimal"), "low"),
    ],
)
def test_7_1_a_level_the_model_lacks_becomes_its_nearest(model: str, reasoning: Reasoning, expected: str) -> None:
    loss = Loss()
    assert build(DEFAULT, loss, model=model, reasoning=reasoning)["reasoning_effort"] == expected
    assert list(loss.changed) == ["reasoning_effort"]


def test_7_1_a_model_that_does_not_reason_gets_no_effort() -> None:
    loss = Loss()
    assert "reasoning_effort" not in build(DEFAULT, loss, model="gpt-4.1", reasoning=Reasoning("high"))
    assert list(loss.dropped) == ["reasoning_effort"]
    quiet = Loss()
    assert "reasoning_effort" not in build(DEFAULT, quiet, model="gpt-4o", reasoning=Reasoning("none", mode="off"))
    assert quiet.dropped == {}


@pytest.mark.parametrize(
    ("reasoning", "expected"),
    [
        (Reasoning("high"), {"enable_thinking": True, "thinking_budget": 24576}),
        (Reasoning(None, 777), {"enable_thinking": True, "thinking_budget": 777}),
        (Reasoning("low", 777), {"enable_thinking": True, "thinking_budget": 777}),
        (Reasoning(mode="adaptive"), {"enable_thinking": True}),
        (Reasoning("none", mode="off"), {"enable_thinking": False}),
    ],
)
def test_7_1_a_profile_may_choose_enable_thinking(reasoning: Reasoning, expected: JsonObject) -> None:
    body = build(replace(DEFAULT, reasoning="enable_thinking"), reasoning=reasoning)
    assert {name: value for name, value in body.items() if "thinking" in name} == expected


def test_7_1_a_profile_may_choose_nothing() -> None:
    loss = Loss()
    body = build(replace(DEFAULT, reasoning="none"), loss, reasoning=Reasoning("high"))
    assert body.keys() == {"model", "messages", "stream"}
    assert list(loss.dropped) == ["reasoning"]


# --- 8 ---


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (Format("text"), {"type": "text"}),
        (Format("json_object"), {"type": "json_object"}),
        (Format("json_schema", schema=None), {"type": "json_object"}),
        (
            Format("json_schema", "n", SCHEMA, None, "d"),
            {
                "type": "json_schema",
                "json_schema": {"name": "n", "schema": SCHEMA, "strict": False, "description": "d"},
            },
        ),
        (
            Format("json_schema", schema=SCHEMA, strict=True),
            {"type": "json_schema", "json_schema": {"name": "response", "schema": SCHEMA, "strict": True}},
        ),
    ],
)
def test_8_response_format_is_written(wanted: Format, expected: JsonObject) -> None:
    assert build(format=wanted)["response_format"] == expected


def test_8_a_vendor_without_schemas_is_told_in_words() -> None:
    loss = Loss()
    body = build(replace(DEFAULT, json_schema=False), loss, format=Format("json_schema", schema=SCHEMA))
    assert body["response_format"] == {"type": "json_object"}
    (system, _) = body["messages"]  # type: ignore[misc, union-attr]
    assert system == {
        "role": "system",
        "content": 'Answer with one JSON object that matches this JSON schema:\n{"type":"object","properties":{"a":{"type":"string"}}}',
    }
    assert list(loss.changed) == ["response_format"]


def test_8_verbosity_goes_through() -> None:
    assert build(verbosity="low")["verbosity"] == "low"


# --- 9 ---


@pytest.mark.parametrize(
    ("model", "client_name", "profile_name", "expected"),
    [
        ("m", "max_tokens", "auto", "max_tokens"),
        ("m", None, "auto", "max_tokens"),
        ("m", "max_completion_tokens", "auto", "max_completion_tokens"),
        ("o3", "max_tokens", "auto", "max_completion_tokens"),
        ("o3", None, "auto", "max_completion_tokens"),
        ("gpt-5.2", None, "auto", "max_completion_tokens"),
        ("olmo", None, "auto", "max_tokens"),
        ("gpt-4.1", None, "auto", "max_tokens"),
        ("o3", "max_completion_tokens", "max_tokens", "max_tokens"),
        ("m", "max_tokens", "max_completion_tokens", "max_completion_tokens"),
    ],
)
def test_9_max_tokens_has_the_name_that_the_model_takes(
    model: str, client_name: str | None, profile_name: str, expected: str
) -> None:
    profile = replace(DEFAULT, max_tokens_name=profile_name)  # type: ignore[arg-type]
    body = build(profile, model=model, max_tokens=9, max_tokens_name=client_name)
    assert {name: value for name, value in body.items() if name.startswith("max")} == {expected: 9}


def test_9_max_tokens_above_the_profiles_limit_is_lowered() -> None:
    loss = Loss()
    profile = replace(DEFAULT, max_output_tokens=100)
    assert build(profile, loss, max_tokens=200)["max_tokens"] == 100
    assert list(loss.changed) == ["max_tokens"]
    assert build(profile, max_tokens=50)["max_tokens"] == 50
    assert "max_tokens" not in build(profile)


def test_9_sampling_is_written_and_explicit_zeros_survive() -> None:
    body = build(
        temperature=0, top_p=0.0, seed=0, presence=0, frequency=-1.5, n=2, logprobs=False, top_logprobs=0, stop=["a"]
    )
    del body["model"], body["messages"], body["stream"]
    assert body == {
        "temperature": 0,
        "top_p": 0.0,
        "seed": 0,
        "presence_penalty": 0,
        "frequency_penalty": -1.5,
        "n": 2,
        "logprobs": False,
        "top_logprobs": 0,
        "stop": ["a"],
    }


def test_9_reasoning_models_of_openai_refuse_other_than_default_sampling() -> None:
    loss = Loss()
    asked = {"temperature": 0.5, "top_p": 1, "presence": 0, "frequency": 1}
    body = build(DEFAULT, loss, model="gpt-5.1", **asked)
    assert (body.get("temperature"), body["top_p"], body["presence_penalty"]) == (None, 1, 0)
    assert list(loss.dropped) == ["temperature", "frequency_penalty"]
    off = build(model="gpt-5.1", reasoning=Reasoning("none", mode="off"), **asked)
    assert off["temperature"] == build(model="m", **asked)["temperature"] == 0.5


def test_9_top_k_only_where_the_vendor_has_it() -> None:
    loss = Loss()
    assert "top_k" not in build(DEFAULT, loss, top_k=5)
    assert list(loss.dropped) == ["top_k"]
    assert build(replace(DEFAULT, top_k=True), top_k=5)["top_k"] == 5


def test_9_at_most_four_stop_sequences() -> None:
    loss = Loss()
    assert build(DEFAULT, loss, stop=list("abcdef"))["stop"] == list("abcd")
    assert list(loss.changed) == ["stop"]


def test_9_usage_is_always_asked_for_in_a_stream() -> None:
    assert build(stream=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in build(replace(DEFAULT, stream_options=False), stream=True)
    assert "stream_options" not in build()


# --- 10, 17 ---


def test_10_a_user_id_over_64_characters_is_replaced_by_its_hash() -> None:
    long = "user_" + "a" * 100
    assert build(user="u" * 64)["user"] == "u" * 64
    assert build(user=long)["user"] == hashlib.sha256(long.encode()).hexdigest()[:32]


def test_10_the_cache_key_is_kept() -> None:
    assert build(cache_key="k")["prompt_cache_key"] == "k"


def test_17_native_fields_of_another_protocol_are_dropped_by_name() -> None:
    loss = Loss()
    native: JsonObject = {"metadata": {"a": "b"}, "container": "c", "safetySettings": [], "service_tier": "auto"}
    body = build(DEFAULT, loss, native=native)
    assert body.keys() == {"model", "messages", "stream"}
    assert set(loss.dropped) == {"container", "service_tier"}
    assert set(loss.noted) == {"metadata", "safetySettings"}


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt", "background", "cachedContent"])
def test_17_a_reference_that_only_another_provider_can_resolve_is_a_400(name: str) -> None:
    with pytest.raises(ConversionError) as caught:
        build(native={name: "x"})
    assert caught.value.param == name


def test_17_native_fields_of_the_same_protocol_pass() -> None:
    loss = Loss()
    body = build(DEFAULT, loss, client="chat", native={"logit_bias": {"5": 1}, "metadata": {}})
    assert (body["logit_bias"], body["metadata"]) == ({"5": 1}, {})
    assert loss.dropped == loss.noted == {}


def test_18_3_what_a_vendor_rejects_is_removed_by_name() -> None:
    loss = Loss()
    body = build(replace(DEFAULT, rejected=frozenset({"temperature", "seed"})), loss, temperature=1, top_p=1)
    assert ("temperature" in body, "top_p" in body) == (False, True)
    assert list(loss.dropped) == ["temperature"]


# --- 20 ---


def test_20_3_the_same_chat_gives_equal_bytes_and_is_not_changed() -> None:
    chat = Chat("m", "anthropic", turns=[Turn("user", [Text("hi")])], tools=[Tool("f", None, SCHEMA)], stop=["a"])
    assert dumps(build_request(chat, DEFAULT, Loss())) == dumps(build_request(chat, DEFAULT, Loss()))


CALLS = st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)
TEXTS = st.text(max_size=6)
PARTS: st.SearchStrategy[Json] = st.one_of(
    st.builds(lambda text: {"type": "text", "text": text}, TEXTS),
    st.just({"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}}),
    st.just({"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"}}),
    st.just({"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}}),
)


@st.composite
def exchanges(draw: st.DrawFn) -> list[Json]:
    """A user message, and perhaps an assistant's with calls, their results, and its reasoning."""
    parts = draw(st.lists(PARTS, min_size=2, max_size=3))
    messages: list[Json] = [{"role": "user", "content": draw(st.one_of(TEXTS, st.just(parts)))}]
    if draw(st.booleans()):
        ids = draw(CALLS)
        calls: list[Json] = [
            {"id": id_, "type": "function", "function": {"name": "f", "arguments": draw(TEXTS)}} for id_ in ids
        ]
        message: JsonObject = {
            "role": "assistant",
            "content": draw(TEXTS.filter(bool) | st.none()),
            "tool_calls": calls,
        }
        if draw(st.booleans()):
            message["reasoning_content"] = "hm"
        messages += [message, *({"role": "tool", "tool_call_id": id_, "content": draw(TEXTS)} for id_ in ids)]
    elif draw(st.booleans()):
        messages += [{"role": "assistant", "content": draw(TEXTS)}, {"role": "system", "content": "late"}]
    return messages


OPTIONS = st.fixed_dictionaries(
    {},
    optional={
        "temperature": st.floats(0, 2),
        "top_p": st.just(0),
        "max_tokens": st.integers(1, 9),
        "stop": st.just(["a", "b"]),
        "seed": st.integers(),
        "reasoning_effort": st.sampled_from(["none", "low", "max"]),
        "tools": st.just(
            [{"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}}]
        ),
        "response_format": st.just(
            {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA, "strict": False}}
        ),
        "user": TEXTS,
        "prompt_cache_key": TEXTS,
        "verbosity": st.just("low"),
        "logit_bias": st.just({"1": -100}),
        "metadata": st.just({"a": "b"}),
        "service_tier": st.just("flex"),
    },
)


@given(st.lists(exchanges(), min_size=1, max_size=3), OPTIONS)
def test_20_2a_parse_then_build_gives_an_equivalent_request(exchanged: list[list[Json]], options: JsonObject) -> None:
    messages: list[Json] = [{"role": "system", "content": "s"}, *(m for messages in exchanged for m in messages)]
    body: JsonObject = {"model": "m", "messages": messages, "stream": False, **options}
    loss = Loss()
    assert build_request(parse_request(body, loss), replace(DEFAULT, echo_reasoning="always"), loss) == body
    assert loss.dropped == loss.changed == {}
