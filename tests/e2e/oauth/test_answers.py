"""The four SDKs through each of the three accounts, whole and streamed: what they ask arrives, what they are told is right."""

import json
from typing import Any

import pytest

from tests.e2e import sent
from tests.e2e.oauth.conftest import OWN, Route
from tests.e2e.plain import error_of
from tests.e2e.sdks.base import SDK_ERRORS, STATUS_ERRORS, Answer, status_of
from tests.fakes import gemini_turns
from tests.fakes.kiro import SIGNATURE
from tests.fakes.samples import CITY_SCHEMA, PNG
from tests.fakes.scripts import SCRIPTS, THOUGHT, WEATHER

WHOLE_THOUGHT = "".join(THOUGHT)


def ask(route: Route, script: str, *, stream: bool, **wishes: Any) -> Answer:
    model = route.model(script, thinking=bool(wishes.get("thinking")))
    return route.client.ask(model, [route.client.user("Hi")], stream=stream, **wishes)


def is_same(route: Route) -> bool:
    """The provider speaks the client's protocol: its own words pass."""
    return OWN.get(route.provider) == route.protocol


def kiro_calls(body: dict[str, Any]) -> list[tuple[str, str, Any]]:
    said = [m.get("assistantResponseMessage", {}) for m in body["conversationState"]["history"]]
    return [(c["toolUseId"], c["name"], c["input"]) for message in said for c in message.get("toolUses", ())]


def kiro_results(body: dict[str, Any]) -> list[tuple[str, str]]:
    context = body["conversationState"]["currentMessage"]["userInputMessage"]["userInputMessageContext"]
    return [(r["toolUseId"], "".join(part["text"] for part in r["content"])) for r in context["toolResults"]]


def upstream(route: Route) -> dict[str, Any]:
    """The latest request in the provider's protocol, out of its envelope."""
    body: Any = route.sent[-1].json
    return dict(body["request"] if route.provider == "gemini-cli-oauth" else body)


@pytest.mark.parametrize("script", ["text", "unicode"])
def test_text_comes_as_it_was_said(route: Route, stream: bool, script: str) -> None:
    answer = ask(route, script, stream=stream)
    assert answer.folded.text == SCRIPTS[script].reply.whole_text
    assert answer.stop == "stop"
    assert (answer.tokens.read, answer.tokens.written) == (25, 12)
    (request,) = route.sent
    assert request.header("user-agent") is not None
    assert "system" not in request.body.decode().lower().replace("systeminstruction", ""), "no words of our own"


def test_the_end_by_length_and_the_cached_tokens_are_told(route: Route, stream: bool) -> None:
    assert ask(route, "length", stream=stream).stop == "length"
    tokens = ask(route, "cached", stream=stream).tokens
    assert (tokens.read, tokens.cached, tokens.written) == (1000, 600, 7)


def test_the_system_prompt_arrives_once(route: Route, stream: bool) -> None:
    answer = ask(route, "text", stream=stream, system="Speak like a pirate.")
    assert answer.folded.text == "Hello, world!"
    assert route.sent[-1].body.count(b"pirate") == 1


@pytest.mark.parametrize("script", ["tool", "parallel"])
def test_tools_over_two_turns(route: Route, stream: bool, script: str) -> None:
    client, calls = route.client, SCRIPTS[script].reply.calls
    question = client.user("Weather and time in Zürich?")
    first = client.ask(route.model(script), [question], stream=stream, tools=True)
    told = first.folded.calls
    expected = [(call.name, json.loads(call.text)) for call in calls]
    assert [(call.name, json.loads(call.arguments or "{}")) for call in told] == expected
    assert len({call.id for call in told}) == len(calls)
    assert first.folded.text == SCRIPTS[script].reply.whole_text
    assert first.stop == "tool_calls"

    results = client.results({call.id: f"result of {call.name} ☂" for call in told})
    second = client.ask(route.model(script), [question, *first.assistant, *results], stream=stream, tools=True)
    assert (second.folded.text, second.stop) == ("It is 21 °C.", "stop")
    said = [f"result of {call.name} ☂" for call in calls]
    body = upstream(route)
    if route.provider == "claude-kiro-oauth":
        assert [call[1:] for call in kiro_calls(body)] == expected
        assert [text for _, text in kiro_results(body)] == said
        assert [id_ for id_, *_ in kiro_calls(body)] == [id_ for id_, _ in kiro_results(body)]
    else:
        wire = "gemini" if route.provider == "gemini-cli-oauth" else "chat"
        assert [call[1:] for call in sent.calls(wire, body)] == expected
        assert [text for _, text in sent.results(wire, body)] == said


def test_thinking_is_shown_and_its_token_goes_back_to_who_gave_it(route: Route, stream: bool) -> None:
    """Google signs its calls, Kiro its thinking; Qwen has no tokens."""
    client, model = route.client, route.model("thinkingtool", thinking=True)
    question = client.user("Weather in Zürich? Think first.")
    first = client.ask(model, [question], stream=stream, tools=True, thinking=True)
    assert first.folded.thinking == WHOLE_THOUGHT
    (call,) = first.folded.calls
    history = [question, *first.assistant, *client.results({call.id: "sunny"})]
    second = client.ask(model, history, stream=stream, tools=True, thinking=True)
    assert second.folded.text == "It is 21 °C."
    assert len(route.sent) == 2, "nothing had to be asked twice"
    body = upstream(route)
    match route.provider:
        case "gemini-cli-oauth":
            assert sent.tokens("gemini", body) == [gemini_turns.sign("call", WEATHER.name)]
        case "claude-kiro-oauth":
            said = body["conversationState"]["history"][1]["assistantResponseMessage"]
            assert said["reasoningContent"] == {"reasoningText": {"text": WHOLE_THOUGHT, "signature": SIGNATURE}}
        case _:
            assert sent.tokens("chat", body) == []
            assert body["enable_thinking"] is True


def test_a_picture_goes_along(route: Route, stream: bool) -> None:
    message = route.client.user("What is this?", image=True)
    answer = route.client.ask(route.model("text"), [message], stream=stream)
    assert answer.folded.text == "Hello, world!"
    sent_body = route.sent[-1].body.decode()
    assert PNG in sent_body or PNG.translate(str.maketrans("+/", "-_")) in sent_body


def test_a_forced_tool_is_called(route: Route, stream: bool) -> None:
    question = [route.client.user("Call it.")]
    wish = route.client.choose("get_time")
    answer = route.client.ask(route.model("tool"), question, stream=stream, tools=True, **wish)
    assert len(answer.folded.calls) == 1


def test_structured_output_is_json(route: Route, stream: bool) -> None:
    answer = ask(route, "json", stream=stream, schema=CITY_SCHEMA)
    assert json.loads(answer.folded.text) == {"city": "Zürich", "degrees": 21}


# What the provider answers -> the status that the client gets.
TOLD = {"e400": {400}, "etoolong": {400}, "e429": {429}, "ehtml": {502}}


@pytest.mark.parametrize("script", TOLD)
def test_a_refusal_becomes_the_sdks_own_error(route: Route, stream: bool, script: str) -> None:
    with pytest.raises(STATUS_ERRORS) as caught:
        ask(route, script, stream=stream)
    assert status_of(caught.value) in TOLD[script], caught.value
    error_of(route.protocol, route.client.raw)
    if script == "e400":
        assert "does not like this request" in route.client.raw.decode()


def test_a_stream_that_breaks_off_is_never_taken_for_a_whole_answer(route: Route) -> None:
    with pytest.raises(SDK_ERRORS):
        ask(route, "midcut", stream=True)
    if not is_same(route):
        assert "Hello".startswith(route.client.broken(route.client.raw).text[:5])
