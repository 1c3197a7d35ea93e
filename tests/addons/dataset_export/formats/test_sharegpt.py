"""sharegpt, as LLaMA-Factory wants it: strict turns, calls as JSON."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.dataset_export.example import Losses, Options
from addons.dataset_export.formats.sharegpt import SHAREGPT, write
from tests.addons.dataset_export.rig import made, written
from tests.addons.dataset_export.talk import Message, assistant, call, result, text, thinking, user


def test_a_row() -> None:
    row, losses = written(SHAREGPT, made())
    assert [turn["from"] for turn in row["conversations"]] == ["human", "function_call", "observation", "gpt"]
    assert json.loads(row["conversations"][1]["value"]) == [
        {"name": "read", "arguments": {"path": "a"}},
        {"name": "read", "arguments": {"path": "b"}},
    ]
    assert row["conversations"][2]["value"] == '["one","two"]\n\nHurry.'
    assert row["system"] == "Be brief."
    assert [tool["name"] for tool in json.loads(row["tools"])] == ["read"]
    assert losses == {
        "reasoning": 2,
        "text beside tool calls": 1,
        "mark of a tool result as an error": 1,
        "border between a tool's result and what was said besides it": 1,
        "mark of an assistant's message that another row teaches or that was not recorded": 1,
    }


def test_one_call_is_one_object_and_one_result_is_its_text() -> None:
    talk = [user("a"), assistant(call("f", x=1)), user(result("r"))]
    row, _ = written(SHAREGPT, made(talk, tools=[]))
    assert json.loads(row["conversations"][1]["value"]) == {"name": "f", "arguments": {"x": 1}}
    assert row["conversations"][2]["value"] == "r"
    assert row["tools"] == ""


def test_thinking_in_tags_stands_before_calls_too() -> None:
    talk = [user("a"), assistant(thinking("hm"), call("f")), user(result("r"))]
    row, losses = written(SHAREGPT, made(talk), reasoning="think-tags")
    assert row["conversations"][1]["value"] == '<think>\nhm\n</think>\n\n{"name":"f","arguments":{}}'
    assert losses["reasoning"] == 0


def test_an_assistant_cannot_begin() -> None:
    losses: Losses = Counter()
    assert write(made([assistant("a"), user("b")]), Options(), losses) is None
    assert write(made([]), Options(), losses) is None
    assert losses["row: an assistant begins"] == 2


SAID = st.sampled_from(
    [
        user("a"),
        user(result("r"), "b"),
        user(result("r")),
        {"role": "system", "parts": [text("s")]},
        assistant("c"),
        assistant("c", call("f")),
        assistant(call("f"), call("g")),
    ]
)


@given(st.lists(SAID, max_size=8))
def test_turns_are_strict_whatever_was_said(messages: list[Message]) -> None:
    """LLaMA-Factory skips a conversation otherwise: odd places are a user's or a tool's, even ones the assistant's."""
    row: Any = write(made([user("go"), *messages]), Options(), Counter())
    places = [turn["from"] for turn in row["conversations"]]
    assert set(places[0::2]) <= {"human", "observation"}
    assert set(places[1::2]) <= {"gpt", "function_call"}
    assert len(places) % 2 == 0


@pytest.mark.parametrize("place", ["reasoning_content", "thinking"])
def test_keys_for_reasoning_have_no_place(place: str) -> None:
    assert place not in SHAREGPT.reasoning
