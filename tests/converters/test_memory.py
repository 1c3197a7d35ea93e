"""7.4: reasoning comes back to a call that the client returned without it."""

import copy

from converters.collect import replay
from converters.events import Answer, AnswerCall, AnswerPart, AnswerText, AnswerThinking
from converters.memory import LatestSteps, Observer, ReasoningMemory
from converters.turns import Chat, Part, Text, Thinking, Token, ToolCall, Turn

SIGNED = Token("a", "sig")
THOUGHT = AnswerThinking("hm", SIGNED)
AX = frozenset("ax")


class Clock:
    def __init__(self) -> None:
        self.time = 100.0

    def __call__(self) -> float:
        return self.time


def chat(*parts: Part) -> Chat:
    return Chat("m", "chat", turns=[Turn("user", [Text("q")]), Turn("assistant", list(parts))])


def recalled(memory: ReasoningMemory, *parts: Part, origins: frozenset[str] = AX) -> list[Part]:
    given = chat(*parts)
    before = copy.deepcopy(given)
    found = memory.recall(given, origins).turns[1].parts
    assert given == before
    return found


def test_7_4_thinking_comes_back_in_front_of_its_turn() -> None:
    memory = ReasoningMemory(LatestSteps(Clock()))
    redacted = AnswerThinking("", Token("x", "blob"))
    memory.remember([THOUGHT, AnswerText("t"), redacted, AnswerCall("1", "f", "{}"), AnswerCall("2", "g", "{}")])

    for id_ in ("1", "2"):  # any call of the answer finds it, even if the client dropped the others
        call = ToolCall(id_, "f", {})
        expected = [Thinking("hm", SIGNED), Thinking("", Token("x", "blob")), Text("t"), call]
        assert expected == recalled(memory, Text("t"), call)


def test_7_4_thinking_that_the_client_kept_is_not_doubled() -> None:
    memory = ReasoningMemory(LatestSteps(Clock()))
    memory.remember([THOUGHT, AnswerCall("1", "f", "{}")])
    kept: list[Part] = [Thinking("other", Token("a", "other")), ToolCall("1", "f", {})]
    assert kept == recalled(memory, *kept)


def test_7_4_a_foreign_origin_is_not_recalled() -> None:
    memory = ReasoningMemory(LatestSteps(Clock()))
    memory.remember([THOUGHT, AnswerCall("1", "f", "{}", token=Token("g", "t", "call"))])
    call = ToolCall("1", "f", {})
    assert recalled(memory, call, origins=frozenset("r")) == [call]
    assert recalled(memory, call, origins=frozenset("g")) == [ToolCall("1", "f", {}, token=Token("g", "t", "call"))]
    assert recalled(memory, call, origins=frozenset()) == [call]


def test_7_4_a_token_on_the_call_is_not_replaced() -> None:
    memory = ReasoningMemory(LatestSteps(Clock()))
    memory.remember([AnswerCall("1", "f", "{}", token=Token("g", "mine", "call"))])
    call = ToolCall("1", "f", {}, token=Token("g", "theirs", "call"))
    assert recalled(memory, call, origins=frozenset("g")) == [call]


def test_7_4_unsigned_reasoning_is_recalled_as_origin_n_only() -> None:
    memory = ReasoningMemory(LatestSteps(Clock()))
    memory.remember([AnswerThinking("why"), AnswerCall("1", "f", "{}")])
    call = ToolCall("1", "f", {})
    assert recalled(memory, call, origins=frozenset("n")) == [Thinking("why"), call]
    assert recalled(memory, call) == [call]


def test_7_4_answers_without_calls_or_reasoning_are_not_kept() -> None:
    steps = LatestSteps(Clock())
    memory = ReasoningMemory(steps)
    memory.remember([THOUGHT, AnswerText("t")])
    memory.remember([AnswerText("t"), AnswerCall("1", "f", "{}")])
    assert len(steps) == 0


def test_7_4_the_least_recently_used_is_forgotten_first() -> None:
    steps = LatestSteps(Clock(), size=2)
    memory = ReasoningMemory(steps)
    for id_ in ("1", "2"):
        memory.remember([THOUGHT, AnswerCall(id_, "f", "{}")])
    recalled(memory, ToolCall("1", "f", {}))
    memory.remember([THOUGHT, AnswerCall("3", "f", "{}")])

    assert len(steps) == 2
    assert [len(recalled(memory, ToolCall(id_, "f", {}))) for id_ in ("1", "2", "3")] == [2, 1, 2]


def test_7_4_a_day_later_it_is_forgotten() -> None:
    clock = Clock()
    steps = LatestSteps(clock)
    memory = ReasoningMemory(steps)
    memory.remember([THOUGHT, AnswerCall("1", "f", "{}")])
    clock.time += 24 * 3600 - 1
    assert len(recalled(memory, ToolCall("1", "f", {}))) == 2
    clock.time += 1
    assert len(recalled(memory, ToolCall("1", "f", {}))) == 1
    assert len(steps) == 0


def test_7_4_a_stream_is_remembered_as_the_whole_answer_is() -> None:
    parts: list[AnswerPart] = [
        AnswerText("t"),
        AnswerThinking("long thought", SIGNED),
        AnswerThinking("", Token("x", "blob")),
        AnswerCall("1", "f", "{}", token=Token("g", "t", "call")),
    ]
    steps = LatestSteps(Clock())
    memory = ReasoningMemory(steps)
    observer = Observer(memory)
    for event in replay(Answer(parts=parts)):
        observer.add(event)
    assert len(steps) == 0  # not before the answer is complete
    observer.done()

    assert recalled(memory, ToolCall("1", "f", {}), origins=frozenset("axg")) == [
        Thinking("long thought", SIGNED),
        Thinking("", Token("x", "blob")),
        ToolCall("1", "f", {}, token=Token("g", "t", "call")),
    ]
