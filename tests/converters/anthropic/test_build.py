"""Top level of what a provider is sent: 8, 9, 10, 17."""

import hashlib

import pytest

from converters.anthropic.build import build_request
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.profile import DEFAULT, Profile
from converters.turns import Cache, Chat, Format, Reasoning, SystemText, Text, Tool, Turn

HI: JsonObject = {"role": "user", "content": [{"type": "text", "text": "hi"}]}
SCHEMA: JsonObject = {"type": "object", "properties": {}, "additionalProperties": False}


def chat(model: str = "claude-sonnet-4-5", client: str = "chat") -> Chat:
    return Chat(model, client, turns=[Turn("user", [Text("hi")])])


def built(wanted: Chat, profile: Profile = DEFAULT, loss: Loss | None = None) -> JsonObject:
    return build_request(wanted, profile, loss or Loss())


def test_nothing_is_sent_that_was_not_said_but_max_tokens() -> None:
    loss = Loss()
    assert built(chat(), loss=loss) == {"model": "claude-sonnet-4-5", "max_tokens": 64000, "messages": [HI]}
    assert (loss.dropped, loss.changed, loss.noted) == ({}, {}, {})


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("claude-3-haiku-20240307", 4096),
        ("claude-opus-4-1", 32000),
        ("claude-sonnet-4-20250514", 64000),
        ("claude-3-7-sonnet-latest", 64000),
        ("claude-opus-4-6", 128000),
        ("some-model", 32000),
    ],
)
def test_9_max_tokens_defaults_to_the_models_limit_and_is_lowered_to_it(model: str, limit: int) -> None:
    wanted, loss = chat(model), Loss()
    assert built(wanted)["max_tokens"] == limit
    for asked, sent in ((0, 0), (1, 1), (limit, limit), (limit + 1, limit)):
        assert not loss.changed
        wanted.max_tokens = asked
        assert built(wanted, loss=loss)["max_tokens"] == sent
    assert list(loss.changed) == ["max_tokens"]


def test_9_the_limit_can_be_set_per_account() -> None:
    wanted, profile = chat(), Profile(max_output_tokens=100)
    assert built(wanted, profile)["max_tokens"] == 100
    wanted.max_tokens = 101
    assert built(wanted, profile)["max_tokens"] == 100


@pytest.mark.parametrize(
    ("asked", "sent", "changed"), [(0, 0, []), (1, 1, []), (1.3, 1, ["temperature"]), (2, 1, ["temperature"])]
)
def test_9_temperature_is_clamped_to_one(asked: float, sent: float, changed: list[str]) -> None:
    wanted, loss = chat(), Loss()
    wanted.temperature = asked
    assert built(wanted, loss=loss)["temperature"] == sent
    assert list(loss.changed) == changed


def test_9_top_p_gives_way_to_temperature() -> None:
    wanted, loss = chat(), Loss()
    wanted.top_p = 0
    assert built(wanted, loss=loss)["top_p"] == 0
    assert not loss.dropped
    wanted.temperature = 0
    body = built(wanted, loss=loss)
    assert ("top_p" in body, body["temperature"], list(loss.dropped)) == (False, 0, ["top_p"])


def test_9_top_k_is_kept() -> None:
    wanted = chat()
    wanted.top_k = 0
    assert built(wanted)["top_k"] == 0


@pytest.mark.parametrize(
    ("stop", "sent", "changed"),
    [([], None, []), (["a", "\nb"], ["a", "\nb"], []), (["a", "\n", " "], ["a"], ["stop"]), (["\n"], None, ["stop"])],
)
def test_9_stop_sequences_of_white_space_are_removed(stop: list[str], sent: Json, changed: list[str]) -> None:
    wanted, loss = chat(), Loss()
    wanted.stop = stop
    assert built(wanted, loss=loss).get("stop_sequences") == sent
    assert list(loss.changed) == changed


def test_9_more_than_one_answer_is_a_400() -> None:
    wanted = chat()
    wanted.n = 1
    assert "n" not in built(wanted)
    wanted.n = 2
    with pytest.raises(ConversionError) as caught:
        built(wanted)
    assert (caught.value.status, caught.value.param) == (400, "n")


def test_9_stream() -> None:
    wanted = chat()
    wanted.stream = True
    assert built(wanted)["stream"] is True


def test_17_tuning_is_dropped_by_name_and_bookkeeping_is_noted() -> None:
    wanted, loss = chat(), Loss()
    wanted.seed, wanted.presence, wanted.frequency, wanted.verbosity = 0, 0.0, 1.0, "low"
    wanted.logprobs, wanted.top_logprobs, wanted.cache_key = True, 3, "key"
    wanted.native = {"logit_bias": {"1": 2}, "service_tier": "flex", "store": True, "metadata": {"a": "b"}}
    assert built(wanted, loss=loss) == built(chat())
    assert set(loss.dropped) == {
        *("seed", "presence_penalty", "frequency_penalty", "verbosity", "logprobs", "top_logprobs"),
        *("logit_bias", "service_tier"),
    }
    assert set(loss.noted) == {"prompt_cache_key", "store", "metadata"}


def test_17_logprobs_that_nobody_wants_are_no_loss() -> None:
    wanted, loss = chat(), Loss()
    wanted.logprobs = False
    built(wanted, loss=loss)
    assert not loss.dropped


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt", "background", "cachedContent"])
def test_17_references_that_cannot_be_resolved_are_a_400(name: str) -> None:
    wanted = chat()
    wanted.native = {name: False}
    built(wanted)
    wanted.native = {name: "x"}
    with pytest.raises(ConversionError) as caught:
        built(wanted)
    assert (caught.value.status, caught.value.param) == (400, name)


def test_10_native_fields_pass_only_to_their_own_protocol() -> None:
    native: JsonObject = {
        "service_tier": "auto",
        "context_management": {"edits": []},
        "output_config": {"task_budget": 5},
        "metadata": {"other": 1},
    }
    wanted = chat("claude-opus-4-6", client="anthropic")
    wanted.native, wanted.user, wanted.reasoning = native, "u", Reasoning("low", visible=False)
    body = built(wanted)
    assert (body["service_tier"], body["context_management"]) == ("auto", {"edits": []})
    assert body["output_config"] == {"task_budget": 5, "effort": "low"}
    assert body["metadata"] == {"other": 1, "user_id": "u"}


@pytest.mark.parametrize(("client", "hashed"), [("chat", True), ("anthropic", False)])
@pytest.mark.parametrize("user", ["a@b.c", "u" * 65, "", "ü"])
def test_10_a_user_id_that_is_not_legal_is_replaced_by_its_hash(user: str, client: str, hashed: bool) -> None:
    wanted = chat(client=client)
    wanted.user = user
    expected = hashlib.sha256(user.encode()).hexdigest()[:32] if hashed else user
    assert built(wanted)["metadata"] == {"user_id": expected}
    wanted.user = "Legal_id-" + "9" * 55
    assert built(wanted)["metadata"] == {"user_id": wanted.user}


def test_8_a_schema_is_sent_as_output_config_beside_the_effort() -> None:
    wanted = chat("claude-opus-4-6")
    wanted.format, wanted.reasoning = Format("json_schema", schema=SCHEMA), Reasoning("low")
    assert built(wanted)["output_config"] == {"effort": "low", "format": {"type": "json_schema", "schema": SCHEMA}}
    wanted.reasoning = None
    assert built(wanted)["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}


def test_10_at_most_four_cache_marks_are_sent() -> None:
    wanted, loss = chat(), Loss()
    wanted.system = [SystemText("s", Cache())]
    wanted.turns = [Turn("user", [Text(word, Cache()) for word in "abc"])]
    built(wanted, loss=loss)
    assert not loss.dropped
    wanted.tools = [Tool("f", None, SCHEMA, cache=Cache())]
    body = built(wanted, loss=loss)
    assert body["tools"] == [{"name": "f", "input_schema": SCHEMA}]
    assert body["system"] == [{"type": "text", "text": "s", "cache_control": {"type": "ephemeral"}}]
    assert list(loss.dropped) == ["cache_control"]
    assert wanted.tools[0].cache == Cache()


def test_7_2_max_tokens_leaves_room_for_a_budget() -> None:
    wanted = chat()
    wanted.reasoning, wanted.max_tokens = Reasoning("high"), 4000
    assert built(wanted)["thinking"] == {"type": "enabled", "budget_tokens": 3999}
    wanted.max_tokens = None
    body = built(wanted)
    assert (body["max_tokens"], body["thinking"]) == (64000, {"type": "enabled", "budget_tokens": 24576})


def test_7_2_sampling_is_dropped_for_thinking_after_it_was_clamped() -> None:
    wanted, loss = chat(), Loss()
    wanted.reasoning, wanted.temperature = Reasoning("low"), 1.7
    assert built(wanted, loss=loss)["temperature"] == 1
    assert not loss.dropped


def test_10_fields_that_the_vendor_rejects_are_taken_out() -> None:
    wanted, loss = chat(), Loss()
    wanted.top_k, wanted.user = 5, "u"
    body = built(wanted, Profile(rejected=frozenset({"top_k", "metadata", "service_tier"})), loss)
    assert body.keys() == {"model", "max_tokens", "messages"}
    assert list(loss.dropped) == ["metadata", "top_k"]
