"""7.1, 9: how much a model shall reason, and what it refuses while it does."""

import pytest

from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.openai_responses.reasoning import include, put_reasoning
from converters.turns import Reasoning

ENCRYPTED = "reasoning.encrypted_content"


def put(model: str, reasoning: Reasoning | None, **body: float) -> tuple[JsonObject, Loss]:
    loss, sent = Loss(), dict(body)
    made: JsonObject = {**sent}
    put_reasoning(made, model, reasoning, loss)
    return made, loss


@pytest.mark.parametrize(
    ("model", "reasoning", "expected"),
    [
        ("gpt-5.2", Reasoning("high"), {"effort": "high", "summary": "auto"}),
        ("o3", Reasoning("minimal"), {"effort": "low", "summary": "auto"}),
        ("o3", Reasoning("max"), {"effort": "high", "summary": "auto"}),
        ("gpt-5-mini", Reasoning("none", mode="off"), {"effort": "minimal", "summary": "auto"}),
        ("gpt-5.1", Reasoning("none", mode="off"), {"effort": "none"}),
        ("gpt-5.2", Reasoning(budget=20000), {"effort": "high", "summary": "auto"}),
        ("gpt-5.2", Reasoning(mode="adaptive"), {"summary": "auto"}),
        ("gpt-5.2", Reasoning("low", visible=False), {"effort": "low"}),
        ("vendor/own", Reasoning("xhigh"), {"effort": "xhigh", "summary": "auto"}),
    ],
)
def test_7_1_levels(model: str, reasoning: Reasoning, expected: JsonObject) -> None:
    body, _ = put(model, reasoning)
    assert body == {"include": [ENCRYPTED], "reasoning": expected}


def test_7_1_a_level_that_changes_is_named() -> None:
    assert list(put("o3", Reasoning("max"))[1].changed) == ["reasoning_effort"]


def test_7_1_a_client_that_says_nothing_sends_nothing() -> None:
    assert put("own", None)[0] == {"include": [ENCRYPTED]}


@pytest.mark.parametrize("model", ["gpt-4.1", "openai/gpt-4o", "chatgpt-4o-latest", "gpt-3.5-turbo"])
def test_7_1_models_that_do_not_reason_are_asked_for_none(model: str) -> None:
    body, loss = put(model, Reasoning("high"), temperature=0.5)
    assert (body, list(loss.dropped)) == ({"temperature": 0.5}, ["reasoning"])
    assert put(model, Reasoning("none", mode="off"))[1].dropped == {}


def test_9_a_reasoning_model_takes_no_sampling() -> None:
    body, loss = put("gpt-5.2", Reasoning("low"), temperature=0.5, top_p=1)
    assert "temperature" not in body
    assert "top_p" not in body
    assert list(loss.dropped) == ["temperature"]


def test_9_a_model_that_is_told_not_to_reason_can_be_tuned() -> None:
    assert put("gpt-5.1", Reasoning("none", mode="off"), temperature=0)[0]["temperature"] == 0
    assert put("own", Reasoning("low"), temperature=0)[0]["temperature"] == 0


def test_include_names_each_thing_once() -> None:
    body: JsonObject = {}
    for name in ("a", "b", "a"):
        include(body, name)
    assert body == {"include": ["a", "b"]}
