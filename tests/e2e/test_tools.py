"""Tools in all pairs: declared, chosen, called, answered, over two turns and with what is hard about them."""

import json
import re
from typing import Any

import pytest

from tests.e2e import sent
from tests.e2e.conftest import Pair
from tests.fakes.samples import PNG
from tests.fakes.scripts import SCRIPTS, Call


def without_ids(pair: Pair) -> bool:
    """Gemini's older models give a call no id and take none."""
    return pair.wire == "gemini"


def expected_calls(script: str) -> tuple[Call, ...]:
    return SCRIPTS[script].reply.calls


@pytest.mark.parametrize("script", ["tool", "parallel", "interleaved"])
def test_tools_over_two_turns(pair: Pair, stream: bool, script: str) -> None:
    """6. Calls with their ids, names and exact arguments come to the client, its results go to the provider."""
    client = pair.client
    question = client.user("Weather and time in Zürich?")
    first = client.ask(pair.model(script), [question], stream=stream, tools=True)

    expected = [(call.name, json.loads(call.text)) for call in expected_calls(script)]
    told = first.folded.calls
    assert [(call.name, json.loads(call.arguments or "{}")) for call in told] == expected
    assert len({call.id for call in told}) == len(told)
    if not without_ids(pair):
        assert [call.id for call in told] == [call.id for call in expected_calls(script)]
    assert first.folded.text == SCRIPTS[script].reply.whole_text
    assert first.stop == "tool_calls"

    results = client.results({call.id: f"result of {call.name} ☂" for call in told})
    second = client.ask(pair.model(script), [question, *first.assistant, *results], stream=stream, tools=True)
    assert (second.folded.text, second.stop) == ("It is 21 °C.", "stop")
    body = pair.sent[-1].json
    ids = [None if without_ids(pair) else call.id for call in told]
    assert sent.calls(pair.wire, body) == [
        (id_, name, arguments) for id_, (name, arguments) in zip(ids, expected, strict=True)
    ]
    assert sent.results(pair.wire, body) == [
        (id_, f"result of {call.name} ☂") for id_, call in zip(ids, told, strict=True)
    ]


def test_6_2_big_integers_and_floats_survive_the_way_back(pair: Pair) -> None:
    """6.2 No float coercion of integers, no `1.0` -> `1`: in the answer, and in the history of the next request."""
    client = pair.client
    question = client.user("Weather?")
    first = client.ask(pair.model("tool"), [question], stream=True, tools=True)
    (call,) = first.folded.calls
    assert re.search(r"12345678901234567890\b.*\b1\.0\b", call.arguments)
    history = [question, *first.assistant, *client.results({call.id: "x"})]
    client.ask(pair.model("tool"), history, stream=False, tools=True)
    body = pair.sent[-1].body.decode()
    assert "12345678901234567890" in body
    assert re.search(r"\b1\.0\b", body)


@pytest.mark.parametrize("newest", [False, True], ids=["older model", "newer model"])
def test_6_3_a_picture_in_a_tool_result_reaches_the_provider(pair: Pair, stream: bool, newest: bool) -> None:
    """6.3 Chat has no place for it in the result: it goes into one user message after the run of results. Gemini has one
    from version 3 on."""
    if pair.protocol == "chat":
        pytest.skip("Chat clients cannot put a picture into a result")
    if pair.wire != "gemini" and newest:
        pytest.skip("no difference between models")
    if pair.same and pair.wire == "gemini" and not newest:
        pytest.skip("in bypass such a request is the client's mistake")
    client, model = pair.client, pair.model("parallel", thinking=newest)
    question = client.user("Look at the map.")
    first = client.ask(model, [question], stream=stream, tools=True)
    weather, time = (call.id for call in first.folded.calls)
    results = client.results({weather: "the map", time: "noon"}, image=True)
    second = client.ask(model, [question, *first.assistant, *results], stream=stream, tools=True)

    assert second.folded.text == "It is 21 °C."
    body: Any = pair.sent[-1].json
    assert pair.sent[-1].body.decode().count(PNG) == 1 or pair.same
    if pair.same:
        return
    match pair.wire:
        case "chat":
            assert sent.roles("chat", body) == ["user", "assistant", "tool", "tool", "user"]
        case "responses":
            assert body["input"][-2]["output"][1]["type"] == "input_image"
        case "anthropic":
            assert body["messages"][-1]["content"][0]["content"][1]["type"] == "image"
        case _:
            parts = body["contents"][-1]["parts"]
            assert ["inlineData" in part for part in parts] == ([False, False] if newest else [False, False, True])
            assert ("parts" in parts[0]["functionResponse"]) is newest


# Each is right in the client's own protocol, and some are not in the provider's.
NAMES = {"chat": "9-lives", "responses": "9-lives", "anthropic": "n" * 100, "gemini": "files.read:all"}


def test_4_2_names_the_provider_does_not_take_come_back_as_they_were(pair: Pair, stream: bool) -> None:
    name = NAMES[pair.protocol]
    question = pair.client.user("Call it.")
    first = pair.client.ask(pair.model("tool"), [question], stream=stream, tools=name, **pair.client.choose(name))
    (call,) = first.folded.calls
    assert call.name == name
    results = pair.client.results({call.id: "done"})
    second = pair.client.ask(pair.model("tool"), [question, *first.assistant, *results], stream=stream, tools=name)
    assert second.folded.text == "It is 21 °C."


@pytest.mark.parametrize("tool", [None, "get_time"], ids=["any", "one"])
def test_5_a_forced_tool_is_forced_upstream(pair: Pair, stream: bool, tool: str | None) -> None:
    question = [pair.client.user("Call it.")]
    answer = pair.client.ask(pair.model("tool"), question, stream=stream, tools=True, **pair.client.choose(tool))
    assert len(answer.folded.calls) == 1
    assert sent.choice(pair.wire, pair.sent[-1].json) == (tool or "any")
