"""7.4 across processes: what one of them remembers of an answer, another puts back."""

from pathlib import Path

import pytest

from addons.shared_reasoning import SharedSteps, read, written
from addons.shared_table import SharedTable
from converters.events import AnswerCall, AnswerThinking
from converters.memory import ReasoningMemory, Step
from converters.turns import Chat, Text, Thinking, Token, ToolCall, Turn

SIGNED = Token("a", "sig", "thought", "rs_1")


@pytest.mark.parametrize(
    "step",
    [
        Step((Thinking("hm", SIGNED), Thinking("plain")), {"1": None, "2": Token("g", "t", "call")}),
        Step((), {"1": Token("k", "x", "text")}),
        Step((Thinking("ü \0 \ud800 \"'"),), {"\ud800": None}),
    ],
    ids=["mixed", "call alone", "odd text"],
)
def test_a_step_comes_back_as_it_was(step: Step) -> None:
    assert read(written(step)) == step


def test_7_4_another_process_puts_the_reasoning_back(tmp_path: Path) -> None:
    one, other = (ReasoningMemory(SharedSteps(SharedTable(tmp_path / "file", 10))) for _ in range(2))
    one.remember([AnswerThinking("hm", SIGNED), AnswerCall("1", "f", "{}"), AnswerCall("2", "g", "{}")])
    chat = Chat("m", "chat", turns=[Turn("user", [Text("q")]), Turn("assistant", [ToolCall("2", "g", {})])])
    found = other.recall(chat, frozenset("a"))
    assert found.turns[1].parts == [Thinking("hm", SIGNED), ToolCall("2", "g", {})]
    assert other.recall(chat, frozenset("r")) == chat
