"""4.1, 5, 8, 9, 10, 17: a provider's Responses body."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_responses import WIRE
from converters.openai_responses.build import build_request
from converters.prepare import prepare
from converters.profile import DEFAULT, Profile
from converters.turns import Chat, Format, Text, Tool, ToolChoice, Turn

HI = [Turn("user", [Text("hi")])]
ITEM: JsonObject = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
ENCRYPTED = "reasoning.encrypted_content"


def build(profile: Profile = DEFAULT, loss: Loss | None = None, client: str = "chat", **fields: Any) -> JsonObject:
    return build_request(Chat("own", client, turns=HI, **fields), profile, loss or Loss())


def test_the_smallest_body_stores_nothing_and_asks_for_encrypted_reasoning() -> None:
    assert build() == {"model": "own", "input": [ITEM], "include": [ENCRYPTED], "stream": False, "store": False}


# --- tools ---


def test_4_1_strict_is_always_sent() -> None:
    tools = [Tool("f", "d", {"type": "object"}, None), Tool("g", strict=True), Tool("h", strict=False)]
    sent: Any = build(tools=tools)["tools"]
    assert sent[0] == {
        "type": "function",
        "name": "f",
        "description": "d",
        "parameters": {"type": "object"},
        "strict": False,
    }
    assert [tool["strict"] for tool in sent] == [False, True, False]
    assert sent[1]["parameters"] == {"type": "object", "properties": {}}


def test_4_3_custom_tools_are_native_and_their_grammar_flat() -> None:
    grammar: JsonObject = {"syntax": "lark", "definition": "x"}
    assert build(tools=[Tool("p", "d", kind="custom", grammar=grammar), Tool("q", kind="custom")])["tools"] == [
        {
            "type": "custom",
            "name": "p",
            "description": "d",
            "format": {"type": "grammar", "syntax": "lark", "definition": "x"},
        },
        {"type": "custom", "name": "q"},
    ]


def test_4_3_hosted_tools_of_others_are_dropped_and_own_ones_kept() -> None:
    loss = Loss()
    own: JsonObject = {"type": "web_search"}
    tools = [Tool("web_search", kind="hosted", native=("responses", own)), Tool("ws", kind="hosted")]
    assert build(tools=tools, loss=loss)["tools"] == [own]
    assert list(loss.dropped) == ["tools.ws"]


TOOLS = [Tool("f"), Tool("p", kind="custom")]


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("none"), "none"),
        (ToolChoice("required"), "required"),
        (ToolChoice("required", ("f",)), {"type": "function", "name": "f"}),
        (ToolChoice("required", ("p",)), {"type": "custom", "name": "p"}),
        (
            ToolChoice("auto", ("f",)),
            {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]},
        ),
        (
            ToolChoice("required", ("f", "p")),
            {
                "type": "allowed_tools",
                "mode": "required",
                "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "p"}],
            },
        ),
        (ToolChoice("required", hosted="web_search"), {"type": "web_search"}),
    ],
)
def test_5_tool_choice(choice: ToolChoice, expected: object) -> None:
    assert build(tools=TOOLS, tool_choice=choice)["tool_choice"] == expected


def test_5_absent_stays_absent_and_without_tools_there_is_no_choice() -> None:
    assert {"tool_choice", "parallel_tool_calls"}.isdisjoint(build(tools=TOOLS))
    assert {"tools", "tool_choice", "parallel_tool_calls"}.isdisjoint(
        build(tool_choice=ToolChoice("auto"), parallel=False)
    )


def test_5_parallel_calls() -> None:
    loss = Loss()
    assert build(tools=TOOLS, parallel=False)["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in build(Profile(parallel_tool_calls=False), loss, tools=TOOLS, parallel=True)
    assert list(loss.dropped) == ["parallel_tool_calls"]


def test_5_a_provider_without_required_gets_auto() -> None:
    loss = Loss()
    profile = Profile(tool_choice_required=False)
    assert build(profile, loss, tools=TOOLS, tool_choice=ToolChoice("required"))["tool_choice"] == "auto"
    assert list(loss.changed) == ["tool_choice"]


# --- limits ---


@pytest.mark.parametrize(
    ("wanted", "sent", "changed"), [(1, 16, True), (15, 16, True), (16, 16, False), (99, 99, False)]
)
def test_9_values_below_16_are_raised(wanted: int, sent: int, changed: bool) -> None:
    loss = Loss()
    assert build(loss=loss, max_tokens=wanted)["max_output_tokens"] == sent
    assert ("max_tokens" in loss.changed) is changed


def test_9_the_providers_limit_holds() -> None:
    assert build(Profile(max_output_tokens=50), max_tokens=99)["max_output_tokens"] == 50


def test_9_explicit_zeros_survive() -> None:
    body = build(temperature=0, top_p=0, top_logprobs=0, logprobs=True)
    assert (body["temperature"], body["top_p"], body["top_logprobs"]) == (0, 0, 0)
    assert body["include"] == ["message.output_text.logprobs", ENCRYPTED]


def test_9_what_responses_does_not_have_is_dropped_and_named() -> None:
    loss = Loss()
    build(loss=loss, top_k=1, stop=["x"], seed=0, presence=0.1, frequency=0.0)
    assert list(loss.dropped) == ["top_k", "stop", "seed", "presence_penalty", "frequency_penalty"]


def test_9_more_than_one_answer_is_refused() -> None:
    assert "n" not in build(n=1)
    with pytest.raises(ConversionError) as caught:
        build(n=2)
    assert caught.value.param == "n"


# --- the rest ---


@pytest.mark.parametrize(
    ("format_", "expected"),
    [
        (Format("text"), {"type": "text"}),
        (Format("json_object"), {"type": "json_object"}),
        (
            Format("json_schema", "n", {"a": 1}, True, "d"),
            {"type": "json_schema", "name": "n", "schema": {"a": 1}, "strict": True, "description": "d"},
        ),
        (
            Format("json_schema", schema={}),
            {"type": "json_schema", "name": "response", "schema": {}, "strict": False},
        ),
    ],
)
def test_8_formats_are_flat(format_: Format, expected: JsonObject) -> None:
    assert build(format=format_)["text"] == {"format": expected}


def test_8_verbosity() -> None:
    assert build(verbosity="low")["text"] == {"verbosity": "low"}


def test_10_identity_is_short() -> None:
    assert build(user="u", cache_key="k") | {"user": "u", "prompt_cache_key": "k"} == build(user="u", cache_key="k")
    long = build(user="u" * 65, cache_key="k" * 65)
    assert (len(str(long["user"])), len(str(long["prompt_cache_key"]))) == (32, 32)


def test_10_an_anthropic_clients_user_id_makes_a_cache_key() -> None:
    keys = [build(client="anthropic", user=user).get("prompt_cache_key") for user in ("a", "a", "b")]
    assert keys[0] == keys[1] != keys[2]
    assert "prompt_cache_key" not in build(client="chat", user="a")


def test_17_fields_of_other_protocols() -> None:
    loss = Loss()
    native: JsonObject = {"metadata": {}, "store": True, "logit_bias": {}, "modalities": ["text"]}
    body = build(loss=loss, native=native)
    assert native.keys() & body.keys() == {"store"}
    assert (list(loss.dropped), list(loss.noted)) == (["logit_bias", "modalities"], ["metadata", "store"])


@pytest.mark.parametrize("native", [{"cachedContent": "x"}, {"modalities": ["text", "audio"]}])
def test_17_what_changes_the_answer_is_refused(native: JsonObject) -> None:
    with pytest.raises(ConversionError) as caught:
        build(native=native)
    assert caught.value.param == next(iter(native))


def test_17_the_same_protocols_own_fields_are_kept() -> None:
    native: JsonObject = {"truncation": "auto", "store": True, "include": ["web_search_call.results"]}
    assert build(client="responses", native=native) == {
        **build(client="responses"),
        "truncation": "auto",
        "include": [ENCRYPTED, "web_search_call.results"],
    }


def test_17_fields_that_the_provider_rejects_are_left_out() -> None:
    loss = Loss()
    assert "include" not in build(Profile(rejected=frozenset({"include"})), loss)
    assert list(loss.dropped) == ["include"]


# --- 20 ---

REQUEST: JsonObject = {
    "model": "own",
    "instructions": "be brief",
    "input": [
        ITEM,
        {"type": "reasoning", "summary": [], "encrypted_content": "gAAA"},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "ok"}]},
        {"type": "function_call", "call_id": "1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "custom_tool_call", "call_id": "2", "name": "p", "input": "free"},
        {"type": "function_call_output", "call_id": "1", "output": "x"},
        {"type": "custom_tool_call_output", "call_id": "2", "output": "y"},
        {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "now"}]},
        {
            "type": "message",
            "role": "user",
            "content": [{"type": "input_image", "detail": "low", "image_url": "https://a/b"}],
        },
    ],
    "tools": [
        {
            "type": "function",
            "name": "f",
            "description": "d",
            "parameters": {"type": "object", "properties": {}},
            "strict": False,
        },
        {"type": "custom", "name": "p", "format": {"type": "grammar", "syntax": "regex", "definition": "a"}},
        {"type": "web_search"},
    ],
    "tool_choice": {"type": "function", "name": "f"},
    "parallel_tool_calls": True,
    "max_output_tokens": 99,
    "temperature": 0.5,
    "reasoning": {"effort": "low", "summary": "auto"},
    "text": {"format": {"type": "json_object"}, "verbosity": "low"},
    "user": "u",
    "prompt_cache_key": "k",
    "include": [ENCRYPTED],
    "truncation": "auto",
    "stream": True,
    "store": False,
}


def test_20_2a_a_request_of_this_protocol_comes_back_as_it_was() -> None:
    loss = Loss()
    assert prepare(WIRE.parse_request(REQUEST, loss), WIRE, DEFAULT, loss).body == REQUEST
    assert (loss.dropped, loss.changed) == ({}, {})


def test_20_3_conversion_is_deterministic_and_leaves_the_chat_alone() -> None:
    chat = WIRE.parse_request(REQUEST, Loss())
    before = replace(chat)
    assert build_request(chat, DEFAULT, Loss()) == build_request(chat, DEFAULT, Loss())
    assert chat == before


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5)
SEEN: st.SearchStrategy[JsonObject] = st.sampled_from(
    [
        {"type": "input_image", "detail": "low", "image_url": "data:image/png;base64,aGk="},
        {"type": "input_image", "detail": "auto", "file_id": "file-1"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "data:application/pdf;base64,aGk="},
        {"type": "input_file", "file_url": "https://a/b.pdf"},
        {"type": "input_audio", "input_audio": {"data": "aGk=", "format": "wav"}},
    ]
)
CONTENT = st.lists(st.builds(lambda text: {"type": "input_text", "text": text}, WORDS) | SEEN, min_size=1, max_size=3)
OPTIONS: dict[str, st.SearchStrategy[Json]] = {
    "instructions": WORDS,
    "temperature": st.floats(0, 2),
    "top_p": st.just(0),
    "max_output_tokens": st.integers(16, 99),
    "top_logprobs": st.just(0),
    "reasoning": st.sampled_from([{"effort": "low", "summary": "auto"}, {"effort": "max", "summary": "auto"}]),
    "text": st.sampled_from(
        [
            {"verbosity": "low"},
            {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
        ]
    ),
    "user": WORDS,
    "truncation": st.just("auto"),
    "metadata": st.just({"a": "b"}),
    "service_tier": st.just("flex"),
}


@st.composite
def requests(draw: st.DrawFn) -> JsonObject:
    """Requests that the API takes, in the form in which they would be built."""
    items: list[Json] = []
    for step in range(draw(st.integers(0, 2))):
        items.append({"type": "message", "role": "user", "content": draw(CONTENT)})
        if draw(st.booleans()):
            summary: list[Json] = [{"type": "summary_text", "text": draw(WORDS)}] if draw(st.booleans()) else []
            items.append({"type": "reasoning", "summary": summary, "encrypted_content": draw(WORDS)})
        said: Json = {"type": "output_text", "text": draw(WORDS)}
        items.append({"type": "message", "role": "assistant", "content": [said]})
        ids = [f"c{step}{n}" for n in range(draw(st.integers(0, 2)))]
        items += [{"type": "function_call", "call_id": id_, "name": "f", "arguments": draw(WORDS)} for id_ in ids]
        items += [{"type": "function_call_output", "call_id": id_, "output": draw(WORDS)} for id_ in ids]
        if draw(st.booleans()):
            late: Json = {"type": "input_text", "text": draw(WORDS)}
            items.append({"type": "message", "role": "developer", "content": [late]})
    items.append({"type": "message", "role": "user", "content": draw(CONTENT)})
    return {"model": "own", "input": items, **draw(st.fixed_dictionaries({}, optional=OPTIONS))}


@settings(deadline=None)
@given(requests())
def test_20_2a_a_request_parsed_and_built_for_its_own_protocol_is_the_same(body: JsonObject) -> None:
    """But for what is always sent: nothing is stored, and encrypted reasoning is asked for."""
    loss = Loss()
    built = build_request(WIRE.parse_request(body, loss), DEFAULT, loss)
    assert {built.pop(name) for name in ("stream", "store")} == {False}
    asked: Any = built.pop("include")
    assert set(asked) <= {ENCRYPTED, "message.output_text.logprobs"}
    assert built == body
    assert loss.dropped == loss.changed == {}
