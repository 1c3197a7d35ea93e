"""7. Thinking in all pairs: shown to those who asked, and its tokens carried back to the provider through every client."""

from collections.abc import Callable
from typing import Any

import pytest
from google.genai import types

from tests.e2e import sent
from tests.e2e.conftest import Pair
from tests.e2e.sdks import Client
from tests.fakes import gemini_turns
from tests.fakes.anthropic import redacted, sign
from tests.fakes.scripts import SCRIPTS, THOUGHT, WEATHER, Reply, Script

WHOLE = "".join(THOUGHT)


def test_7_thinking_is_shown_to_those_who_asked(pair: Pair, stream: bool) -> None:
    client = pair.client
    answer = client.ask(pair.model("thinking", thinking=True), [client.user("6 x 7?")], stream=stream, thinking=True)
    assert answer.folded.text == "42"
    assert answer.folded.thinking == WHOLE


def test_7_3_a_client_that_did_not_ask_sees_no_thinking(pair: Pair, stream: bool) -> None:
    if pair.protocol in ("chat", "responses") or pair.same:
        pytest.skip("OpenAI's clients always see it; in bypass nothing is touched")
    answer = pair.client.ask(pair.model("thinking", thinking=True), [pair.client.user("6 x 7?")], stream=stream)
    assert (answer.folded.text, answer.folded.thinking) == ("42", "")


def loop(pair: Pair, model: str, *, stream: bool, forget: Callable[[list[Any]], list[Any]] = list) -> None:
    """A question, a call, its result, the answer. forget: what the client does to the answer before it sends it back."""
    client = pair.client
    question = client.user("Weather in Zürich? Think first.")
    first = client.ask(model, [question], stream=stream, tools=True, thinking=True)
    assert first.folded.thinking == "".join(pair.fake.script({"model": model}).reply.thinking)
    assert [call.id for call in first.folded.calls] == [WEATHER.id]
    results = client.results({WEATHER.id: "sunny"})
    history = [question, *forget(first.assistant), *results]
    second = client.ask(model, history, stream=stream, tools=True, thinking=True)
    assert second.folded.text == "It is 21 °C."
    assert len(pair.sent) == 2, "nothing had to be asked twice"


@pytest.mark.parametrize("script", ["thinkingtool", "redacted"])
def test_7_4_the_tokens_come_back_in_the_next_turn(pair: Pair, stream: bool, script: str) -> None:
    """7.4, 20.5: the second request, built only from what the first answer gave, carries the provider's token unchanged.

    The fakes refuse a token they did not issue; Anthropic's a tool loop that does not begin with its thinking block, Gemini's one
    whose call is unsigned.
    """
    if pair.same and pair.protocol == "chat":  # a compatible vendor, which takes its own reasoning fields back
        lenient = Script(SCRIPTS[script].reply, SCRIPTS[script].after_tools, lenient=True)
        pair.fake.scripts[pair.model(script, thinking=True)] = lenient
    loop(pair, pair.model(script, thinking=True), stream=stream)
    body: Any = pair.sent[-1].json
    tokens = sent.tokens(pair.wire, body)
    match pair.wire:
        case "anthropic":
            hidden = [redacted("r1")] if script == "redacted" else []
            assert tokens == [sign(WHOLE), *hidden]
            thinking = {"type": "thinking", "thinking": WHOLE, "signature": sign(WHOLE)}
            assert body["messages"][1]["content"][0] == thinking
            assert body["thinking"], "thinking stays on in the loop"
        case "responses":
            assert len(tokens) == (2 if script == "redacted" else 1)
            assert body["include"] == ["reasoning.encrypted_content"]
            kinds = [item.get("type", "message") for item in body["input"]]
            assert kinds.index("reasoning") < kinds.index("function_call")
        case "gemini":
            assert tokens == [gemini_turns.sign("call", "get_weather")]
        case _:
            assert bool(tokens) is pair.same, "this wire has no tokens, and its thinking is not said again"


def forgetful(protocol: str) -> Callable[[list[Any]], list[Any]]:
    """An agent that sends back nothing but text and calls."""

    def chat(messages: list[Any]) -> list[Any]:
        (message,) = messages
        calls = [{k: v for k, v in call.items() if k != "extra_content"} for call in message["tool_calls"]]
        return [{"role": "assistant", "content": message["content"], "tool_calls": calls}]

    def anthropic(messages: list[Any]) -> list[Any]:
        (message,) = messages
        kept = [block for block in message["content"] if block.type in ("text", "tool_use")]
        return [{"role": "assistant", "content": kept}]

    def responses(items: list[Any]) -> list[Any]:
        return [item for item in items if item.type != "reasoning"]

    def gemini(contents: list[Any]) -> list[Any]:
        (content,) = contents
        kept = [part.model_copy(update={"thought_signature": None}) for part in content.parts if not part.thought]
        return [types.Content(role="model", parts=kept)]

    return {"chat": chat, "anthropic": anthropic, "responses": responses, "gemini": gemini}[protocol]


def test_7_4_a_client_that_drops_the_reasoning_still_gets_on(pair: Pair, stream: bool) -> None:
    """7.4 Most Chat agents send back nothing but text and calls: the proxy remembers the step's thinking by the call's id."""
    if pair.same:
        pytest.skip("in bypass the history is the client's own")
    reply = Reply(thinking=("Remember", " me."), calls=(WEATHER,), stop="tool_calls")
    pair.fake.scripts[model := pair.model("forgetful", thinking=True)] = Script(reply, SCRIPTS["tool"].after_tools)
    loop(pair, model, stream=stream, forget=forgetful(pair.protocol))
    tokens = sent.tokens(pair.wire, pair.sent[-1].json)
    if pair.protocol == "chat":
        match pair.wire:
            case "anthropic":
                assert tokens == [sign("Remember me.")]
            case "responses":
                assert len(tokens) == 1
            case "gemini":
                assert tokens == [gemini_turns.sign("call", "get_weather")]


def reasoned(client: Client) -> list[Any]:
    """An assistant's turn with thinking of somewhere else."""
    match client.protocol:
        case "chat":
            return [{"role": "assistant", "content": "42", "reasoning_content": "from elsewhere"}]
        case "responses":
            summary = [{"type": "summary_text", "text": "from elsewhere"}]
            foreign = {"type": "reasoning", "id": "rs_1", "summary": summary, "encrypted_content": "gAAAAABelsewhere"}
            return [foreign, {"role": "assistant", "content": "42"}]
        case "anthropic":
            foreign = {"type": "thinking", "thinking": "from elsewhere", "signature": sign("of another account")}
            return [{"role": "assistant", "content": [foreign, {"type": "text", "text": "42"}]}]
        case _:
            thought = types.Part(text="from elsewhere", thought=True, thought_signature=b"elsewhere")
            return [types.Content(role="model", parts=[thought, types.Part(text="42")])]


def test_7_4_foreign_thinking_in_the_history_does_not_stop_a_conversation(pair: Pair, stream: bool) -> None:
    """A conversation that began with a provider whose reasoning has no signature goes on with Anthropic, and the reverse."""
    if pair.same:
        pytest.skip("in bypass the history is the client's own")
    client = pair.client
    history = [client.user("6 x 7?"), *reasoned(client), client.user("Sure?")]
    answer = client.ask(pair.model("text", thinking=True), history, stream=stream, thinking=True)
    assert answer.folded.text == "Hello, world!"
    assert "elsewhere" not in pair.sent[-1].body.decode()
    assert sent.tokens(pair.wire, pair.sent[-1].json) == []
    assert len(pair.sent) == 1


def test_7_4_a_token_that_the_provider_refuses_is_taken_out_and_the_request_sent_once_more(
    pair: Pair, stream: bool
) -> None:
    """7.4, in bypass too: a 400 about a signature must not wedge the conversation."""
    if not pair.same or pair.protocol == "chat":
        pytest.skip("elsewhere no foreign token is sent")
    client = pair.client
    history = [client.user("6 x 7?"), *reasoned(client), client.user("Sure?")]
    answer = client.ask(pair.model("text", thinking=True), history, stream=stream, thinking=True)
    assert answer.folded.text == "Hello, world!"
    assert [bool(sent.tokens(pair.wire, request.json)) for request in pair.sent] == [True, False]
