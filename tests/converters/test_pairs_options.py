"""7.1, 8, 9, 10: reasoning, structured output, limits, sampling and identity, from each client to each provider."""

import hashlib
from typing import Any

import pytest

from converters.errors import ConversionError
from converters.loss import Loss
from tests.converters.four_wires import WIRES, JsonObject, converted, pairs

NOWHERE = object()


def put(client: str, name: str, value: Any) -> JsonObject:
    """A field of the client's body; Gemini's options stand in an object of their own."""
    return {"generationConfig": {name: value}} if client == "gemini" else {name: value}


def sent(client: str, provider: str, body: JsonObject, model: str | None = None) -> tuple[Any, Loss]:
    """The provider's body; without the `max_tokens` that every Anthropic client must say."""
    made, loss = converted(client, provider, body, model)
    if (client, provider) == ("anthropic", "gemini"):
        config = made.pop("generationConfig")
        assert config.pop("maxOutputTokens") == 4096
        made |= {"generationConfig": config} if config else {}
    return made, loss


def found(provider: str, body: Any, name: str) -> Any:
    return (body.get("generationConfig", {}) if provider == "gemini" else body).get(name, NOWHERE)


def dropped(loss: Loss) -> list[str]:
    return [name.rpartition(".")[2] for name in loss.dropped]


# --- 9: row -> (name per wire, value the client says, value sent per provider where it differs) ---

NAMES: dict[str, JsonObject] = {
    "max tokens": {
        **dict.fromkeys(("chat", "anthropic"), "max_tokens"),
        "responses": "max_output_tokens",
        "gemini": "maxOutputTokens",
    },
    "temperature": dict.fromkeys(WIRES, "temperature"),
    "top_p": {**dict.fromkeys(WIRES, "top_p"), "gemini": "topP"},
    "top_k": {"anthropic": "top_k", "gemini": "topK"},
    "stop": {"chat": "stop", "anthropic": "stop_sequences", "gemini": "stopSequences"},
    "presence penalty": {"chat": "presence_penalty", "gemini": "presencePenalty"},
    "frequency penalty": {"chat": "frequency_penalty", "gemini": "frequencyPenalty"},
    "seed": {"chat": "seed", "gemini": "seed"},
    "logprobs": {"chat": "logprobs", "gemini": "responseLogprobs"},
    "logit_bias": {"chat": "logit_bias"},
}
VALUES: JsonObject = {
    "max tokens": 100,
    "temperature": 0,
    "top_p": 0,
    "top_k": 0,
    "stop": ["x"],
    "presence penalty": 0,
    "frequency penalty": 0,
    "seed": 0,
    "logprobs": True,
    "logit_bias": {"5": -100},
}
SAYABLE = [(row, client, provider) for row, names in NAMES.items() for client in names for provider in WIRES]


@pytest.mark.parametrize(("row", "client", "provider"), SAYABLE)
def test_9_each_field_from_each_client_to_each_provider(row: str, client: str, provider: str) -> None:
    """Explicit zeros survive; what the provider does not have is dropped by the client's own name for it."""
    name = NAMES[row][client]
    made, loss = converted(client, provider, put(client, name, VALUES[row]))
    if provider in NAMES[row]:
        assert found(provider, made, NAMES[row][provider]) == VALUES[row]
        assert loss.dropped == {}
        return
    if (row, provider) == ("logprobs", "responses"):
        assert "message.output_text.logprobs" in made["include"]
        return
    assert dropped(loss) == [name]
    assert not any(name in made for name in set(NAMES[row].values()) | {row})


LIMITS: list[tuple[str, str, Any, str, Any]] = [
    ("max_tokens", "responses", 5, "max_output_tokens", 16),
    ("max_tokens", "anthropic", 10**9, "max_tokens", 128_000),
    ("temperature", "anthropic", 1.5, "temperature", 1),
    ("temperature", "gemini", 1.5, "temperature", 1.5),
    ("stop", "anthropic", ["a", "\n"], "stop_sequences", ["a"]),
    ("stop", "gemini", list("abcdef"), "stopSequences", list("abcde")),
    ("stop", "chat", list("abcdef"), "stop", list("abcd")),
]


@pytest.mark.parametrize(("name", "provider", "value", "field", "expected"), LIMITS)
def test_9_limits_of_each_provider(name: str, provider: str, value: Any, field: str, expected: Any) -> None:
    made, loss = converted("chat", provider, {name: value})
    assert found(provider, made, field) == expected
    assert bool(loss.changed) is (value != expected)


@pairs
def test_9_more_than_one_answer(provider: str, client: str) -> None:
    if client not in ("chat", "gemini"):
        return  # cannot be said
    body = put(client, "candidateCount" if client == "gemini" else "n", 2)
    if provider in ("chat", "gemini"):
        made, loss = converted(client, provider, body)
        assert found(provider, made, "n" if provider == "chat" else "candidateCount") == 2
        assert len(loss.changed) == (0 if client == provider else 1)  # only the first can be converted
    else:
        with pytest.raises(ConversionError) as caught:
            converted(client, provider, body)
        assert caught.value.status == 400


@pairs
def test_9_stream_is_asked_for_where_it_stands_in_the_body(provider: str, client: str) -> None:
    made, _ = converted(client, provider, {"stream": True})
    assert made.get("stream") is (None if provider == "gemini" else True)
    assert made.get("stream_options") == ({"include_usage": True} if provider == "chat" else None)


@pairs
def test_9_no_default_is_invented_but_anthropics_max_tokens(provider: str, client: str) -> None:
    if client == "anthropic":
        return  # says it always
    made, _ = converted(client, provider, {})
    assert made.get("max_tokens") == (128_000 if provider == "anthropic" else None)
    tuning = {"temperature", "top_p", "generationConfig", "reasoning", "thinking", "max_output_tokens", "text", "tools"}
    assert made.keys().isdisjoint(tuning)


# --- 7.1 ---

LEVELS: dict[str, dict[str, JsonObject]] = {
    "low": {
        "chat": {"reasoning_effort": "low"},
        "responses": {"reasoning": {"effort": "low", "summary": "auto"}},
        "anthropic": {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "low"}},
        "gemini": {"generationConfig": {"thinkingConfig": {"thinkingLevel": "LOW", "includeThoughts": True}}},
    },
    "high": {
        "chat": {"reasoning_effort": "high"},
        "responses": {"reasoning": {"effort": "high", "summary": "auto"}},
        "anthropic": {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "high"}},
        "gemini": {"generationConfig": {"thinkingConfig": {"thinkingLevel": "HIGH", "includeThoughts": True}}},
    },
}


def told(provider: str, body: Any) -> JsonObject:
    names = {"chat": "reasoning_effort", "responses": "reasoning", "gemini": "generationConfig"}
    if provider == "anthropic":
        display = {name: value for name, value in body["thinking"].items() if name != "display"}
        return {"thinking": display, "output_config": body["output_config"]}
    return {names[provider]: body[names[provider]]}


@pairs
@pytest.mark.parametrize("level", LEVELS)
def test_7_1_each_level_from_each_client_to_each_provider(provider: str, client: str, level: str) -> None:
    made, loss = sent(client, provider, LEVELS[level][client])
    expected = {**LEVELS[level][provider]}
    if provider == "anthropic":
        expected["thinking"] = {"type": "adaptive"}
    assert told(provider, made) == expected
    assert loss.dropped == {}


BUDGETS: dict[str, JsonObject] = {
    "chat": {"reasoning": {"max_tokens": 3000}},
    "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 3000}},
    "gemini": {"generationConfig": {"thinkingConfig": {"thinkingBudget": 3000, "includeThoughts": True}}},
}
BUDGET_SENT: JsonObject = {
    "chat": {"reasoning_effort": "low"},
    "responses": {"reasoning": {"effort": "low", "summary": "auto"}},
    "anthropic": {"thinking": {"type": "enabled", "budget_tokens": 3000}},
    "gemini": {"generationConfig": {"thinkingConfig": {"thinkingBudget": 3000, "includeThoughts": True}}},
}


@pytest.mark.parametrize("client", BUDGETS)
@pytest.mark.parametrize("provider", WIRES)
def test_7_1_a_budget_is_a_level_where_there_are_levels(provider: str, client: str) -> None:
    model = {"anthropic": "claude-sonnet-4-5", "gemini": "gemini-2.5-flash"}.get(provider)
    made, _ = sent(client, provider, BUDGETS[client], model)
    (name,) = BUDGET_SENT[provider]
    assert made[name] == BUDGET_SENT[provider][name]


OFF: dict[str, JsonObject] = {
    "chat": {"reasoning_effort": "none"},
    "responses": {"reasoning": {"effort": "none"}},
    "anthropic": {"thinking": {"type": "disabled"}},
    "gemini": {"generationConfig": {"thinkingConfig": {"thinkingBudget": 0}}},
}


@pairs
def test_7_1_reasoning_that_is_switched_off(provider: str, client: str) -> None:
    made, _ = sent(client, provider, OFF[client], "gemini-2.5-flash" if provider == "gemini" else None)
    (name,) = OFF[provider]
    assert made[name] == OFF[provider][name]


@pairs
def test_7_1_nothing_said_is_nothing_sent(provider: str, client: str) -> None:
    made, _ = sent(client, provider, {})
    assert made.keys().isdisjoint({"reasoning", "reasoning_effort", "thinking", "output_config", "generationConfig"})


# --- 8 ---

SCHEMA: JsonObject = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED: JsonObject = {**SCHEMA, "additionalProperties": False}
FORMATS: dict[str, dict[str, JsonObject]] = {
    "text": {"chat": {"response_format": {"type": "text"}}, "responses": {"text": {"format": {"type": "text"}}}},
    "json_object": {
        "chat": {"response_format": {"type": "json_object"}},
        "responses": {"text": {"format": {"type": "json_object"}}},
        "gemini": {"generationConfig": {"responseMimeType": "application/json"}},
    },
    "json_schema": {
        "chat": {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}},
        "responses": {"text": {"format": {"type": "json_schema", "name": "n", "schema": SCHEMA}}},
        "anthropic": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        "gemini": {"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}},
    },
}
FORMAT_CASES = [(row, client, provider) for row, said in FORMATS.items() for client in said for provider in WIRES]


@pytest.mark.parametrize(("row", "client", "provider"), FORMAT_CASES)
def test_8_each_format_from_each_client_to_each_provider(row: str, client: str, provider: str) -> None:
    made, loss = sent(client, provider, FORMATS[row][client])
    if row == "text" and provider in ("anthropic", "gemini"):
        assert made.keys().isdisjoint({"output_config", "generationConfig"})
    elif row != "json_schema" and provider in FORMATS[row]:
        (name,) = FORMATS[row][provider]
        assert made[name] == FORMATS[row][provider][name]
    elif row == "json_object":
        assert "one JSON object" in made["system"][-1]["text"]
        assert len(loss.changed) == 1
    elif provider == "anthropic":
        assert made["output_config"] == {"format": {"type": "json_schema", "schema": CLOSED}}
    elif provider == "gemini":
        assert made["generationConfig"] == FORMATS[row]["gemini"]["generationConfig"]
    else:
        named = {"name": "n" if client in ("chat", "responses") else "response", "schema": SCHEMA}
        named["strict"] = client == "anthropic"
        if provider == "chat":
            assert made["response_format"] == {"type": "json_schema", "json_schema": named}
        else:
            assert made["text"]["format"] == {"type": "json_schema", **named}


@pytest.mark.parametrize("provider", WIRES)
@pytest.mark.parametrize(
    ("client", "body"),
    [
        ("anthropic", {"output_format": {"type": "json_schema", "schema": SCHEMA}}),
        *(
            ("gemini", {"generationConfig": {"responseMimeType": "application/json", name: SCHEMA}})
            for name in ("responseSchema", "response_schema", "responseJsonSchema", "response_json_schema")
        ),
    ],
)
def test_8_other_places_of_a_schema_are_read(provider: str, client: str, body: JsonObject) -> None:
    made = str(sent(client, provider, body)[0])
    assert "'required': ['a']" in made


@pairs
def test_8_verbosity_passes_between_openais_two_protocols(provider: str, client: str) -> None:
    said = {"chat": {"verbosity": "low"}, "responses": {"text": {"verbosity": "low"}}}
    if client not in said:
        return
    made, loss = sent(client, provider, said[client])
    if provider in said:
        assert said[provider].items() <= made.items()
    else:
        assert dropped(loss) == ["verbosity"]


# --- 10 ---

MARK = {"cache_control": {"type": "ephemeral", "ttl": "1h"}}
MARKED = {
    "chat": {"messages": [{"role": "user", "content": [{"type": "text", "text": "q", **MARK}]}]},
    "responses": {"input": [{"role": "user", "content": [{"type": "input_text", "text": "q", **MARK}]}]},
    "anthropic": {"messages": [{"role": "user", "content": [{"type": "text", "text": "q", **MARK}]}]},
}


@pytest.mark.parametrize("client", MARKED)
@pytest.mark.parametrize("provider", WIRES)
def test_10_a_cache_mark_goes_to_anthropic_and_nowhere_else(provider: str, client: str) -> None:
    made, loss = converted(client, provider, MARKED[client])
    if provider == "anthropic":
        assert made["messages"] == MARKED["anthropic"]["messages"]
    else:
        assert "cache_control" not in str(made)
        assert loss.dropped == {}


USERS = {
    "chat": lambda user: {"user": user},
    "responses": lambda user: {"safety_identifier": user},
    "anthropic": lambda user: {"metadata": {"user_id": user}},
}


@pytest.mark.parametrize("client", USERS)
@pytest.mark.parametrize("provider", WIRES)
@pytest.mark.parametrize("user", ["u-1", "u" * 100])
def test_10_the_users_id_is_copied_or_hashed(provider: str, client: str, user: str) -> None:
    made, _ = converted(client, provider, USERS[client](user))
    hashed = hashlib.sha256(user.encode()).hexdigest()[:32]
    sent = {
        "anthropic": made.get("metadata", {}).get("user_id"),
        "chat": made.get("user"),
        "responses": made.get("user", made.get("safety_identifier")),
    }
    if provider == "gemini":
        assert user not in str(made)
    elif len(user) <= 64 or client == provider == "anthropic":
        assert sent[provider] == user
    else:
        assert sent[provider] == hashed


@pairs
def test_10_the_cache_key(provider: str, client: str) -> None:
    bodies: dict[str, JsonObject] = {name: {"prompt_cache_key": "k"} for name in ("chat", "responses")}
    bodies["anthropic"] = {"metadata": {"user_id": "u"}}
    made, _ = converted(client, provider, bodies.get(client, {}))
    key = made.get("prompt_cache_key")
    if client == "anthropic" and provider == "responses":
        assert isinstance(key, str)
        assert key
    else:
        assert key == ("k" if {client, provider} <= {"chat", "responses"} else None)


OWN: dict[str, JsonObject] = {
    "chat": {
        "metadata": {"a": "b"},
        "service_tier": "flex",
        "store": True,
        "modalities": ["text"],
        "prediction": {"type": "content", "content": "x"},
        "web_search_options": {},
        "moderation": {},
    },
    "responses": {"metadata": {"a": "b"}, "service_tier": "flex", "truncation": "auto"},
    "anthropic": {
        "service_tier": "auto",
        "inference_geo": "eu",
        "container": "c",
        "context_management": {"edits": []},
        "mcp_servers": [{"type": "url", "url": "https://e.com", "name": "n"}],
    },
    "gemini": {"labels": {"a": "b"}, "safetySettings": [{"category": "C", "threshold": "T"}]},
}
FIELDS = [(client, name, provider) for client, fields in OWN.items() for name in fields for provider in WIRES]


@pytest.mark.parametrize(("client", "name", "provider"), FIELDS)
def test_10_fields_of_one_protocol_go_nowhere_else(client: str, name: str, provider: str) -> None:
    made, loss = converted(client, provider, {name: OWN[client][name]})
    if client == provider:
        assert made[name] == OWN[client][name]
        assert loss.dropped == loss.noted == {}
    else:
        assert str(OWN[client][name]) not in str(made.get(name, ""))
        assert [*loss.dropped, *loss.noted] == [name]


@pytest.mark.parametrize("provider", WIRES)
def test_10_a_spoken_answer_is_refused_elsewhere(provider: str) -> None:
    body = {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}}
    if provider == "chat":
        assert body.items() <= converted("chat", provider, body)[0].items()
        return
    with pytest.raises(ConversionError) as caught:
        converted("chat", provider, body)
    assert caught.value.status == 400


REFERENCES = [
    *(("responses", name, value) for name, value in {"previous_response_id": "r", "conversation": "c"}.items()),
    *(("responses", name, value) for name, value in {"background": True, "prompt": {"id": "p"}}.items()),
    ("responses", "input", [{"type": "item_reference", "id": "msg_1"}]),
    ("gemini", "cachedContent", "cachedContents/x"),
]


@pytest.mark.parametrize(("client", "name", "value"), REFERENCES)
@pytest.mark.parametrize("provider", WIRES)
def test_10_what_only_its_own_provider_can_resolve_is_refused(
    client: str, name: str, value: Any, provider: str
) -> None:
    if client == provider == "gemini":
        assert converted(client, provider, {name: value})[0][name] == value
        return
    with pytest.raises(ConversionError) as caught:
        converted(client, provider, {name: value})
    assert caught.value.status == 400
    assert (caught.value.param or "").startswith(name)
