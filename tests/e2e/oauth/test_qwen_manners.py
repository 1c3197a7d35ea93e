"""Qwen's odd streams and refusals, as each client's SDK hears of them."""

import json
from collections.abc import Mapping

import pytest

from tests.e2e.oauth.conftest import Route
from tests.e2e.oauth.logins import QwenLogin, Stage
from tests.e2e.plain import PROTOCOLS
from tests.e2e.sdks import Client
from tests.e2e.sdks.base import STATUS_ERRORS, status_of
from tests.fakes.scripts import THOUGHT, TIME, WEATHER


@pytest.fixture(params=PROTOCOLS)
def qwen(request: pytest.FixtureRequest, clients: Mapping[tuple[str, str], Client], stage: Stage) -> Route:
    return Route(clients[request.param, QwenLogin.provider], stage.qwen)


@pytest.mark.parametrize("script", ["finishtwice", "finishempty"])
def test_an_end_that_comes_twice_or_says_nothing_is_an_end(qwen: Route, stream: bool, script: str) -> None:
    answer = qwen.client.ask(qwen.model(script), [qwen.client.user("Hi")], stream=stream)
    assert (answer.folded.text, answer.stop) == ("Hello, world!", "stop")
    assert (answer.tokens.read, answer.tokens.written) == (25, 12)


def test_the_end_and_the_usage_in_one_chunk_are_counted_once(qwen: Route, stream: bool) -> None:
    answer = qwen.client.ask(qwen.model("thinkinglast"), [qwen.client.user("6 x 7?")], stream=stream, thinking=True)
    assert (answer.folded.text, answer.folded.thinking) == ("42", "".join(THOUGHT))
    assert (answer.tokens.read, answer.tokens.written) == (25, 12)


def test_calls_without_ids_and_with_one_index_stay_apart(qwen: Route, stream: bool) -> None:
    question = qwen.client.user("Weather and time?")
    first = qwen.client.ask(qwen.model("barecalls"), [question], stream=stream, tools=True)
    told = [(call.name, json.loads(call.arguments or "{}")) for call in first.folded.calls]
    assert told == [(call.name, json.loads(call.text)) for call in (WEATHER, TIME)]
    results = qwen.client.results({call.id: "fine" for call in first.folded.calls})
    second = qwen.client.ask(qwen.model("barecalls"), [question, *first.assistant, *results], stream=stream, tools=True)
    assert second.folded.text == "It is 21 °C."


def test_throttling_that_is_told_as_the_end_of_a_stream_is_no_answer(qwen: Route) -> None:
    with pytest.raises(STATUS_ERRORS) as caught:
        qwen.client.ask(qwen.model("errorfinish"), [qwen.client.user("Hi")], stream=True)
    assert status_of(caught.value) == 429
    assert "throttling" in qwen.client.raw.decode()


# What Qwen answers -> the status that the client gets.
TOLD = {
    "page": {502},
    "quota": {402, 429},
    "throttled": {429},
    "allocation": {402, 429},
    "waits": {429},
    "inspected": {400},
    "range": {400},
    "denied": {500, 503},
}


@pytest.mark.parametrize("script", TOLD)
def test_a_refusal_is_told_by_what_it_means(qwen: Route, stream: bool, script: str) -> None:
    with pytest.raises(STATUS_ERRORS) as caught:
        qwen.client.ask(qwen.model(script), [qwen.client.user("Hi")], stream=stream)
    assert status_of(caught.value) in TOLD[script], caught.value
    assert len(qwen.sent) in (1, 2, 3)  # what may pass is tried again
    if script == "waits":
        assert qwen.client.transport.headers["retry-after"] == "9"


def test_a_forced_tool_and_a_late_system_message_are_fitted(qwen: Route, stream: bool) -> None:
    """DashScope refuses `required` while the model thinks, and any system message but the first."""
    answer = qwen.client.ask(
        qwen.model("tool"),
        [qwen.client.user("Hi")],
        stream=stream,
        tools=True,
        thinking=True,
        **qwen.client.choose(None),
    )
    assert len(answer.folded.calls) == 1
    if qwen.protocol == "chat":
        history = [qwen.client.user("Hi"), {"role": "system", "content": "Be late."}, qwen.client.user("Ho")]
        qwen.client.ask(qwen.model("text"), history, stream=stream, system="Be early.")
        messages = qwen.sent[-1].json["messages"]
        assert isinstance(messages, list)
        assert [message["role"] for message in messages][:2] == ["system", "user"]
        assert "Be early." in messages[0]["content"]
        assert "Be late." in messages[0]["content"]
