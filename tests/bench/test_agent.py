"""An agent's requests have the size and shape that the benchmark says, and are legal."""

import json
from itertools import islice

import pytest

from bench.agent import conversation
from bench.answers import CHAT, MESSAGES
from converters.loss import Loss
from converters.turns import ToolCall, ToolResult
from converters.wires import WIRES

PROTOCOLS = pytest.mark.parametrize(("path", "wire"), [(CHAT, "chat"), (MESSAGES, "anthropic")])


def bodies(path: str, many: int, agent: int = 0) -> list[bytes]:
    return list(islice(conversation(path, "whole-0-0", agent, stream=True), many))


@PROTOCOLS
def test_a_request_is_as_large_as_a_real_one_and_grows_by_a_call_and_its_result(path: str, wire: str) -> None:
    first, second = bodies(path, 2)
    assert 95_000 < len(first) < 110_000
    assert 1_500 < len(second) - len(first) < 3_000
    assert 35_000 < len(json.dumps(json.loads(first)["tools"])) < 45_000


@PROTOCOLS
def test_a_request_says_the_same_in_each_protocol(path: str, wire: str) -> None:
    chat = WIRES[wire].parse_request(json.loads(bodies(path, 2)[1]), Loss())
    parts = [part for turn in chat.turns for part in turn.parts]
    calls = [part.id for part in parts if isinstance(part, ToolCall)]
    assert calls == [part.call_id for part in parts if isinstance(part, ToolResult)]
    assert (len(calls), len(set(calls)), len(chat.tools)) == (25, 25, 15)


@PROTOCOLS
def test_conversations_of_an_agent_begin_alike_and_add_what_is_new(path: str, wire: str) -> None:
    one, another = bodies(path, 2), bodies(path, 2)
    assert one[0] == another[0]
    assert one[1] != another[1]
    assert bodies(path, 1, agent=1) != one[:1]
