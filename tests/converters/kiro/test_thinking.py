"""7.1, 18.1: reasoning asked for in tags or by the service's own field, and only if the client asks."""

from typing import Literal

import pytest

from converters.json_codec import JsonObject
from converters.kiro.thinking import effort_fields, thinking_prefix, wants_thinking, writes_tags
from converters.loss import Loss
from converters.profile import Profile
from converters.turns import Chat, Reasoning

TAGS, NATIVE, OFF = (Profile(thinking=way) for way in ("tags", "native", "off"))  # type: ignore[arg-type]


def asked(reasoning: Reasoning | None, model: str = "claude-sonnet-4.5") -> Chat:
    return Chat(model, "chat", reasoning=reasoning)


def enabled(tokens: int) -> str:
    return f"<thinking_mode>enabled</thinking_mode><max_thinking_length>{tokens}</max_thinking_length>"


def adaptive(effort: str) -> str:
    return f"<thinking_mode>adaptive</thinking_mode><thinking_effort>{effort}</thinking_effort>"


@pytest.mark.parametrize(
    ("reasoning", "prefix"),
    [
        (None, ""),
        (Reasoning(mode="off"), ""),
        (Reasoning("none"), ""),
        (Reasoning(budget=0), ""),
        (Reasoning(budget=-5), ""),
        (Reasoning(), enabled(8192)),
        (Reasoning(budget=5000), enabled(5000)),
        (Reasoning(budget=10), enabled(1024)),
        (Reasoning(budget=64_000), enabled(24576)),
        (Reasoning("minimal"), enabled(1024)),
        (Reasoning("low"), enabled(2048)),
        (Reasoning("medium"), enabled(8192)),
        (Reasoning("high"), enabled(24576)),
        (Reasoning("max"), enabled(24576)),
        (Reasoning(mode="adaptive"), adaptive("high")),
        (Reasoning("minimal", mode="adaptive"), adaptive("low")),
        (Reasoning("medium", mode="adaptive"), adaptive("medium")),
        (Reasoning("max", mode="adaptive"), adaptive("high")),
    ],
)
def test_18_1_tags_need_the_clients_wish_and_the_accounts_setting(reasoning: Reasoning | None, prefix: str) -> None:
    chat = asked(reasoning)
    assert thinking_prefix(chat, TAGS) == prefix
    assert writes_tags(chat, TAGS) == wants_thinking(chat) == bool(prefix)
    assert thinking_prefix(chat, NATIVE) == thinking_prefix(chat, OFF) == ""
    assert not writes_tags(chat, NATIVE)


@pytest.mark.parametrize(
    ("model", "reasoning", "fields"),
    [
        ("gpt-5.6-sol", Reasoning("high"), {"reasoning": {"effort": "high"}}),
        ("gpt-5.6-sol", Reasoning("minimal"), {"reasoning": {"effort": "low"}}),
        ("gpt-5.6-sol", Reasoning(budget=40_000), {"reasoning": {"effort": "xhigh"}}),
        ("gpt-5.6-sol", Reasoning(), {}),
        ("gpt-5.6-sol", Reasoning("none"), {}),
        ("claude-opus-5", Reasoning("max", mode="adaptive"), {"output_config": {"effort": "max"}}),
        ("claude-opus-5", None, {}),
    ],
)
def test_7_1_two_families_have_a_field(model: str, reasoning: Reasoning | None, fields: JsonObject) -> None:
    loss = Loss()
    assert effort_fields(asked(reasoning, model), NATIVE, loss) == fields
    assert loss.dropped == {}
    assert effort_fields(asked(reasoning, model), TAGS, Loss()) == {}


@pytest.mark.parametrize(("model", "way"), [("claude-sonnet-4.5", "native"), ("claude-opus-5", "off")])
def test_7_1_a_wish_that_nothing_carries_is_named(model: str, way: Literal["native", "off"]) -> None:
    loss = Loss()
    assert effort_fields(asked(Reasoning("high"), model), Profile(thinking=way), loss) == {}
    assert set(loss.dropped) == {"reasoning"}
    loss = Loss()
    assert effort_fields(asked(Reasoning("none"), model), Profile(thinking=way), loss) == {}
    assert loss.dropped == {}
