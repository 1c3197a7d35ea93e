"""16: counting calls between protocols."""

import copy
from contextlib import suppress
from typing import get_type_hints

import pytest
from anthropic.types import MessageCountTokensParams
from anthropic.types.beta.message_count_tokens_params import MessageCountTokensParams as BetaMessageCountTokensParams
from google.genai import types
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses.input_token_count_params import InputTokenCountParams

from converters.anthropic import WIRE as ANTHROPIC
from converters.counting import count_body, read_count, to_count_request, write_count
from converters.errors import ConversionError, Kind, UpstreamError
from converters.gemini import WIRE as GEMINI
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_chat import WIRE as CHAT
from converters.openai_responses import WIRE as RESPONSES
from converters.prepare import prepare
from converters.profile import DEFAULT
from converters.turns import Text
from converters.wire import Wire

USER: JsonObject = {"role": "user", "parts": [{"text": "Hi"}]}
ASKED: dict[str, tuple[Wire, JsonObject]] = {
    "anthropic": (ANTHROPIC, {"model": "m", "system": "S", "messages": [{"role": "user", "content": "Hi"}]}),
    "responses": (RESPONSES, {"model": "m", "instructions": "S", "input": "Hi"}),
    "gemini": (
        GEMINI,
        {
            "model": "m",
            "generateContentRequest": {
                "model": "models/m",
                "systemInstruction": {"parts": [{"text": "S"}]},
                "contents": [USER],
            },
        },
    ),
}


# --- the client's request ---


@pytest.mark.parametrize("name", ASKED)
def test_16_a_counting_request_is_parsed_as_a_generating_one(name: str) -> None:
    wire, body = ASKED[name]
    before = copy.deepcopy(body)
    loss = Loss()
    chat = wire.parse_request(count_body(name, body), loss)

    assert chat.model == "m"
    assert [system.text for system in chat.system] == ["S"]
    assert [turn.parts for turn in chat.turns] == [[Text("Hi")]]
    assert body == before
    assert (loss.dropped, loss.changed) == ({}, {})


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, 16),
        ({"max_tokens": None}, 16),
        ({"max_tokens": 5}, 5),
        ({"thinking": {"type": "enabled", "budget_tokens": 2048}}, 2049),
        ({"thinking": {"type": "adaptive"}}, 16),
        ({"thinking": "odd"}, 16),
    ],
)
def test_16_anthropic_gets_the_max_tokens_that_generating_needs(more: JsonObject, expected: int) -> None:
    assert count_body("anthropic", {"model": "m", **more})["max_tokens"] == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"contents": [USER]}, {"contents": [USER]}),
        ({"contents": [USER], "generateContentRequest": None}, {"contents": [USER]}),
        ({"model": "m", "generateContentRequest": {"contents": [USER]}}, {"model": "m", "contents": [USER]}),
        ({"generateContentRequest": {"model": "models/m"}}, {"model": "models/m"}),
        ({"model": "m", "generate_content_request": {"model": "m", "system_instruction": "S"}},
         {"model": "m", "systemInstruction": "S"}),
        ({"model": "models/m", "generateContentRequest": {"model": "m"}}, {"model": "models/m"}),
        ({"model": "m", "contents": [1], "generateContentRequest": {"contents": [USER]}},
         {"model": "m", "contents": [USER]}),
    ],
)  # fmt: skip
def test_16_gemini_counts_contents_or_a_whole_request(body: JsonObject, expected: JsonObject) -> None:
    assert expected == count_body("gemini", body)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"generateContentRequest": [1]}, "generateContentRequest"),
        ({"generate_content_request": "x"}, "generateContentRequest"),
        ({"model": "m", "generateContentRequest": {"model": 5}}, "generateContentRequest.model"),
        ({"model": "m", "generateContentRequest": {"model": "models/n"}}, "generateContentRequest.model"),
        ({"model": 5, "generateContentRequest": {}}, "model"),
    ],
)
def test_16_a_malformed_counting_request_names_its_field(body: JsonObject, param: str) -> None:
    with pytest.raises(ConversionError) as caught:
        count_body("gemini", body)
    assert param == caught.value.param


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda x: st.lists(x, max_size=2))
NAMES = (
    "model",
    "contents",
    "generateContentRequest",
    "generate_content_request",
    "thinking",
    "max_tokens",
    "messages",
)


@given(
    st.dictionaries(st.sampled_from(NAMES), JSON | st.dictionaries(st.sampled_from(NAMES), JSON)),
    st.sampled_from(["anthropic", "gemini", "responses"]),
)
def test_any_object_gives_a_body_or_a_conversion_error(body: JsonObject, wire: str) -> None:
    before = copy.deepcopy(body)
    with suppress(ConversionError):
        assert isinstance(count_body(wire, body), dict)
    assert body == before


# --- the provider's request ---


@pytest.mark.parametrize("client", ASKED)
def test_16_between_protocols_a_counting_call_asks_for_prompt_and_tools_alone(client: str) -> None:
    """max_tokens, stream and sampling are removed."""
    wire, body = ASKED[client]
    chat = wire.parse_request(count_body(client, body), Loss())
    chat.temperature, chat.stop, chat.stream = 0.5, ["x"], True

    def asked(target: Wire) -> JsonObject | None:
        return to_count_request(target.name, prepare(chat, target, DEFAULT, Loss()).body, "gemini-2.5-pro")

    assert asked(ANTHROPIC) == {
        "model": "m",
        "system": [{"type": "text", "text": "S"}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    }
    assert asked(RESPONSES) == {
        "model": "m",
        "instructions": "S",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}],
    }
    assert asked(GEMINI) == {
        "generateContentRequest": {
            "model": "models/gemini-2.5-pro",
            "systemInstruction": {"parts": [{"text": "S"}]},
            "contents": [USER],
        }
    }
    assert asked(CHAT) is None


def kept(wire: str, names: set[str]) -> set[str]:
    body: JsonObject = dict.fromkeys(names, "x")
    made = to_count_request(wire, body, "m")
    assert made is not None
    return {name for name in names if name in made}


def test_16_anthropics_counting_call_takes_what_its_library_says() -> None:
    stable = set(get_type_hints(MessageCountTokensParams)) - {"user_profile_id", "workspace_id"}  # these are headers
    beta = set(get_type_hints(BetaMessageCountTokensParams))
    everything = stable | {"max_tokens", "stream", "temperature", "metadata", "stop_sequences", "service_tier"}

    assert kept("anthropic", everything) == stable
    assert kept("anthropic", {"context_management", "mcp_servers", "container"}) <= beta


def test_16_openais_counting_call_takes_what_its_library_says() -> None:
    names = set(get_type_hints(InputTokenCountParams))
    more = {"max_output_tokens", "stream", "store", "include", "temperature", "metadata", "prompt_cache_key"}
    assert kept("responses", names | more) == names


def test_16_gemini_counts_without_sampling_safety_and_thought() -> None:
    body: JsonObject = {
        "contents": [
            USER,
            {"role": "model", "parts": [{"text": "", "thought": True, "thoughtSignature": "s"}, {"text": "Yes"}]},
            {"role": "model", "parts": [{"text": "", "thought": True, "thoughtSignature": "s"}]},
        ],
        "tools": [{"functionDeclarations": []}],
        "toolConfig": {},
        "safetySettings": [],
        "generationConfig": {"temperature": 1, "responseMimeType": "application/json", "responseJsonSchema": {}},
    }
    before = copy.deepcopy(body)

    assert to_count_request("gemini", body, "models/m") == {
        "generateContentRequest": {
            "model": "models/m",
            "contents": [USER, {"role": "model", "parts": [{"text": "Yes"}]}],
            "tools": [{"functionDeclarations": []}],
            "toolConfig": {},
            "generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": {}},
        }
    }
    assert body == before


# --- answers ---


@given(st.integers(0, 2**53), st.sampled_from(["anthropic", "responses", "gemini"]))
def test_16_a_count_that_was_written_is_read_again(count: int, wire: str) -> None:
    assert count == read_count(wire, write_count(wire, count))


def test_16_answers_have_their_protocols_shape() -> None:
    assert write_count("anthropic", 7) == {"input_tokens": 7}
    assert write_count("responses", 7) == {"object": "response.input_tokens", "input_tokens": 7}
    assert write_count("gemini", 7) == {"totalTokens": 7}
    assert types.CountTokensResponse.model_validate(write_count("gemini", 7)).total_tokens == 7


@pytest.mark.parametrize("wire", ["anthropic", "responses", "gemini"])
@pytest.mark.parametrize("count", [None, "7", 7.0, True, -1, [7]])
def test_16_what_is_no_count_is_a_broken_answer(wire: str, count: Json) -> None:
    body: Json = {"input_tokens": count, "totalTokens": count}
    for answer in (body, {}, None, [], {"error": {"message": "x"}}):
        with pytest.raises(UpstreamError) as caught:
            read_count(wire, answer)
        assert caught.value.kind is Kind.BROKEN_STREAM
