"""What an SDK user does all day, in all four pairs, whole and streamed: the fakes judge the requests, the grammar the answers."""

import json
import re
from typing import Any

import pytest

from tests.e2e.clients import Answer
from tests.e2e.conftest import Pair
from tests.fakes.anthropic import redacted, sign
from tests.fakes.samples import CITY_SCHEMA, PDF, PNG
from tests.fakes.scripts import SCRIPTS, THOUGHT, TIME, UNICODE, WEATHER, Reply, Script

STOP = {
    "chat": {"stop": "stop", "tool_calls": "tool_calls", "length": "length"},
    "anthropic": {"stop": "end_turn", "tool_calls": "tool_use", "length": "max_tokens"},
}


def ask(pair: Pair, script: str, text: str, *, stream: bool, **wishes: Any) -> Answer:
    thinking = bool(wishes.get("thinking"))
    return pair.client.ask(pair.model(script, thinking=thinking), [pair.client.user(text)], stream=stream, **wishes)


def stop_of(pair: Pair, reason: str) -> str:
    return STOP[pair.client.protocol][reason]


def test_text_arrives_to_the_letter(pair: Pair, stream: bool) -> None:
    answer = ask(pair, "text", "Hi", stream=stream)

    assert answer.folded.text == "Hello, world!"
    assert answer.folded.stop == stop_of(pair, "stop")
    assert answer.folded.model == pair.model("text"), "the model is called what the client called it"
    assert answer.headers["x-request-id"].startswith("req_")
    assert ("x-aiclient-conversion" in answer.headers) is not pair.same
    assert len(pair.sent) == 1


def test_every_letter_of_unicode_arrives(pair: Pair, stream: bool) -> None:
    """1.3 Strings pass unicode-exact, both ways, also when a character is cut between two chunks and when text looks like SSE."""
    hard = 'Grüße 日本語 👩‍👩‍👧 \u2028 \x85 \x7f "q" \\ data: [DONE]\n\nevent: x'
    answer = ask(pair, "unicodebytes" if stream else "unicode", hard, stream=stream)

    assert answer.folded.text == "".join(UNICODE)
    sent = pair.sent[-1].json["messages"]
    assert isinstance(sent, list)
    content = sent[-1]["content"]
    assert (content if isinstance(content, str) else content[0]["text"]) == hard


def test_12_usage_is_counted_once(pair: Pair, stream: bool) -> None:
    """12. OpenAI's prompt includes what was cached, Anthropic's input does not."""
    usage = ask(pair, "cached", "Hi", stream=stream).folded.usage
    assert usage is not None
    reply = SCRIPTS["cached"].reply
    written = reply.cache_written if pair.provider == "claude-custom" else 0  # OpenAI's fake does not report it
    if pair.client.protocol == "chat":
        assert (usage["prompt_tokens"], usage["completion_tokens"]) == (1000, 7)
        assert usage["prompt_tokens_details"]["cached_tokens"] == 600
    elif pair.provider == "claude-custom" or written == 0:
        fresh = 1000 - 600 - reply.cache_written if pair.same else 400
        assert (usage["input_tokens"], usage["output_tokens"]) == (fresh, 7)
        assert usage["cache_read_input_tokens"] == 600


@pytest.mark.parametrize(("script", "reason"), [("length", "length"), ("empty", "stop"), ("cuttool", "length")])
def test_11_stop_reasons_are_told_in_the_clients_words(pair: Pair, stream: bool, script: str, reason: str) -> None:
    """11. And 14.7: arguments that the limit cut off are never patched up to look whole."""
    folded = ask(pair, script, "Hi", stream=stream, tools=script == "cuttool").folded
    assert folded.stop == stop_of(pair, reason)
    if script == "cuttool" and stream:
        assert folded.calls[0].arguments == '{"city": "Zü'


def test_11_a_filtered_answer_and_a_refusal_are_not_normal_ends(pair: Pair, stream: bool) -> None:
    filtered = ask(pair, "filtered", "Hi", stream=stream).folded
    assert filtered.stop == {"chat": "content_filter", "anthropic": "refusal"}[pair.client.protocol]
    refused = ask(pair, "refusal", "Hi", stream=stream).folded
    words = "I cannot help."
    if pair.provider == "openai-custom":
        assert (refused.refusal or refused.text) == words
        assert refused.stop == {"chat": "stop", "anthropic": "refusal"}[pair.client.protocol]
    else:
        assert refused.text == words
        assert refused.stop == {"chat": "content_filter", "anthropic": "refusal"}[pair.client.protocol]


def test_a_stop_sequence_is_sent_and_named(pair: Pair, stream: bool) -> None:
    wish = {"chat": {"stop": ["END"]}, "anthropic": {"stop_sequences": ["END"]}}[pair.client.protocol]
    answer = ask(pair, "stopseq", "Hi", stream=stream, **wish)
    assert answer.folded.text == "before END"
    sent = pair.sent[-1].json
    assert (sent.get("stop") or sent.get("stop_sequences")) in (["END"], "END")
    if pair.client.protocol == "anthropic" and pair.provider == "claude-custom":
        assert (answer.folded.stop, answer.folded.stop_sequence) == ("stop_sequence", "END")


def test_2_the_system_prompt_goes_where_the_provider_wants_it(pair: Pair, stream: bool) -> None:
    answer = ask(pair, "text", "Hi", stream=stream, system="Speak like a pirate.")
    assert answer.folded.text == "Hello, world!"
    sent = pair.sent[-1].json
    if pair.provider == "claude-custom":
        assert "Speak like a pirate." in json.dumps(sent["system"])
    else:
        assert sent["messages"][0] == {"role": "system", "content": "Speak like a pirate."}  # type: ignore[index]


@pytest.mark.parametrize("script", ["tool", "parallel", "interleaved"])
def test_tools_over_two_turns(pair: Pair, stream: bool, script: str) -> None:
    """6. Calls with their ids, names and exact arguments come to the client, its results go to the provider."""
    client = pair.client
    question = client.user("Weather and time in Zürich?")
    first = client.ask(pair.model(script), [question], stream=stream, tools=True)

    expected = SCRIPTS[script].reply.calls
    assert [(c.id, c.name, json.loads(c.arguments or "{}")) for c in first.folded.calls] == [
        (c.id, c.name, json.loads(c.text)) for c in expected
    ]
    assert first.folded.text == SCRIPTS[script].reply.whole_text
    assert first.folded.stop == stop_of(pair, "tool_calls")

    results = client.results({call.id: f"result of {call.name} ☂" for call in first.folded.calls})
    second = client.ask(pair.model(script), [question, first.assistant, *results], stream=stream, tools=True)
    assert second.folded.text == "It is 21 °C."
    sent = pair.sent[-1].body.decode()
    for call in expected:
        assert call.id in sent
        assert f"result of {call.name} ☂" in sent


def test_6_2_big_integers_and_floats_survive_the_way_back(pair: Pair) -> None:
    """6.2 No float coercion of integers, no `1.0` -> `1`: in the answer, and in the history of the next request."""
    client = pair.client
    question = client.user("Weather?")
    first = client.ask(pair.model("tool"), [question], stream=True, tools=True)
    assert re.search(r"12345678901234567890\b.*\b1\.0\b", first.folded.calls[0].arguments)
    client.ask(
        pair.model("tool"), [question, first.assistant, *client.results({WEATHER.id: "x"})], stream=False, tools=True
    )
    sent = pair.sent[-1].body.decode()
    assert "12345678901234567890" in sent
    assert re.search(r"\b1\.0\b", sent)


def test_6_3_a_picture_in_a_tool_result_reaches_the_provider(pair: Pair, stream: bool) -> None:
    """6.3 Chat has no place for it in the result: it goes into one user message after the run of results."""
    if pair.client.protocol == "chat":
        pytest.skip("Chat clients cannot put a picture into a result")
    client = pair.client
    question = client.user("Look at the map.")
    first = client.ask(pair.model("parallel"), [question], stream=stream, tools=True)
    results = client.results({WEATHER.id: "the map", TIME.id: "noon"}, image=True)
    second = client.ask(pair.model("parallel"), [question, first.assistant, *results], stream=stream, tools=True)

    assert second.folded.text == "It is 21 °C."
    assert PNG in pair.sent[-1].body.decode()
    if pair.provider == "openai-custom":
        roles = [m["role"] for m in pair.sent[-1].json["messages"]]  # type: ignore[attr-defined]
        assert roles == ["user", "assistant", "tool", "tool", "user"]


def test_3_pictures_and_documents_go_along(pair: Pair, stream: bool) -> None:
    message = pair.client.user("What is this?", image=True, document=True)
    answer = pair.client.ask(pair.model("text"), [message], stream=stream)
    assert answer.folded.text == "Hello, world!"
    sent = pair.sent[-1].body.decode()
    assert PNG in sent
    assert PDF in sent
    assert "report.pdf" in sent


def test_8_structured_output(pair: Pair, stream: bool) -> None:
    answer = ask(pair, "json", "City and degrees?", stream=stream, schema=CITY_SCHEMA)
    assert json.loads(answer.folded.text) == {"city": "Zürich", "degrees": 21}
    sent = pair.sent[-1].json
    if pair.provider == "claude-custom":
        assert sent["output_config"]["format"]["schema"]["required"] == ["city", "degrees"]  # type: ignore[index]
    else:
        assert sent["response_format"]["json_schema"]["strict"] is True  # type: ignore[index]


def test_4_2_names_the_provider_does_not_take_come_back_as_they_were(pair: Pair, stream: bool) -> None:
    """4.2 A name of 100 letters is legal for Anthropic's clients and too long for OpenAI."""
    if (pair.client.protocol, pair.provider) != ("anthropic", "openai-custom"):
        pytest.skip("only here the client's rule is wider than the provider's")
    name = "n" * 100
    tools = [{"name": name, "input_schema": {"type": "object", "properties": {}}}]
    question = pair.client.user("Call it.")
    wishes: dict[str, Any] = {"tools": None}
    first = pair.client.ask(
        pair.model("tool"),
        [question],
        stream=stream,
        **wishes,
        extra_body={"tools": tools, "tool_choice": {"type": "any"}},
    )
    assert [call.name for call in first.folded.calls] == [name]
    second = pair.client.ask(
        pair.model("tool"),
        [question, first.assistant, *pair.client.results({WEATHER.id: "done"})],
        stream=stream,
        **wishes,
        extra_body={"tools": tools},
    )
    assert second.folded.text == "It is 21 °C."


# --- thinking ---


def test_7_thinking_is_shown_to_those_who_asked(pair: Pair, stream: bool) -> None:
    answer = ask(pair, "thinking", "6 x 7?", stream=stream, thinking=True)
    assert answer.folded.text == "42"
    assert answer.folded.thinking == "".join(THOUGHT)


def test_7_3_an_anthropic_client_that_did_not_ask_sees_no_thinking(pair: Pair, stream: bool) -> None:
    if pair.client.protocol == "chat" or pair.same:
        pytest.skip("Chat clients always see it; in bypass nothing is touched")
    answer = ask(pair, "thinking", "6 x 7?", stream=stream)
    assert (answer.folded.text, answer.folded.thinking) == ("42", "")


@pytest.mark.parametrize("script", ["thinkingtool", "redacted"])
def test_7_4_the_signature_comes_back_in_the_next_turn(pair: Pair, stream: bool, script: str) -> None:
    """7.4, 20.5: the second request, built only from what the first answer gave, carries the provider's token unchanged.

    The Anthropic fake refuses a tool loop that does not begin with its thinking block, and a signature it did not issue.
    """
    client = pair.client
    if pair.same and client.protocol == "chat":  # a compatible vendor, which takes its own reasoning fields back
        pair.fake.scripts[pair.model(script, thinking=True)] = Script(
            SCRIPTS[script].reply, SCRIPTS[script].after_tools, lenient=True
        )
    question = client.user("Weather in Zürich? Think first.")
    first = client.ask(pair.model(script, thinking=True), [question], stream=stream, tools=True, thinking=True)
    assert first.folded.thinking == "".join(THOUGHT)
    assert [call.id for call in first.folded.calls] == [WEATHER.id]
    results = client.results({WEATHER.id: "sunny"})
    second = client.ask(
        pair.model(script, thinking=True),
        [question, first.assistant, *results],
        stream=stream,
        tools=True,
        thinking=True,
    )
    assert second.folded.text == "It is 21 °C."
    if pair.provider == "claude-custom":
        messages: Any = pair.sent[-1].json["messages"]
        blocks = messages[1]["content"]
        expected = {"type": "thinking", "thinking": "".join(THOUGHT), "signature": sign("".join(THOUGHT))}
        assert blocks[0] == expected
        if script == "redacted":
            assert blocks[1] == {"type": "redacted_thinking", "data": redacted("r1")}
        assert pair.sent[-1].json["thinking"], "thinking stays on in the loop"


def test_7_4_a_chat_client_that_drops_the_reasoning_fields_still_gets_on(pair: Pair, stream: bool) -> None:
    """7.4 Most Chat agents send back nothing but text and calls: the proxy remembers the step's thinking by the call's id."""
    if (pair.client.protocol, pair.provider) != ("chat", "claude-custom"):
        pytest.skip("the other pairs carry it themselves")
    script = Script(
        Reply(thinking=("Remember", " me."), calls=(WEATHER,), stop="tool_calls"), SCRIPTS["tool"].after_tools
    )
    pair.fake.scripts[model := pair.model("forgetful")] = script
    question = pair.client.user("Weather?")
    first = pair.client.ask(model, [question], stream=stream, tools=True, thinking=True)
    bare = {key: first.assistant[key] for key in ("role", "content", "tool_calls")}
    second = pair.client.ask(
        model, [question, bare, *pair.client.results({WEATHER.id: "x"})], stream=stream, tools=True, thinking=True
    )
    assert second.folded.text == "It is 21 °C."


def test_7_4_foreign_thinking_in_the_history_does_not_stop_a_conversation(pair: Pair, stream: bool) -> None:
    """A conversation that began with a provider whose reasoning has no signature goes on with Anthropic, and the reverse."""
    if pair.same:
        pytest.skip("in bypass the history is the client's own")
    client = pair.client
    reasoned: dict[str, dict[str, Any]] = {
        "chat": {"role": "assistant", "content": "42", "reasoning_content": "unsigned"},
        "anthropic": {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "from elsewhere", "signature": sign("from elsewhere")},
                {"type": "text", "text": "42"},
            ],
        },
    }
    history = [client.user("6 x 7?"), reasoned[client.protocol], client.user("Sure?")]
    answer = client.ask(pair.model("text", thinking=True), history, stream=stream, thinking=True)
    assert answer.folded.text == "Hello, world!"
    assert "unsigned" not in pair.sent[-1].body.decode()
    assert "from elsewhere" not in pair.sent[-1].body.decode()


def test_7_4_a_signature_that_the_provider_refuses_is_taken_out_and_the_request_sent_once_more(
    pair: Pair, stream: bool
) -> None:
    """7.4, in bypass too: a 400 about a signature must not wedge the conversation."""
    if (pair.client.protocol, pair.provider) != ("anthropic", "claude-custom"):
        pytest.skip("elsewhere no foreign signature is sent")
    client = pair.client
    foreign = {"type": "thinking", "thinking": "of another account", "signature": sign("something else")}
    assistant = {"role": "assistant", "content": [foreign, {"type": "text", "text": "42"}]}
    history = [client.user("6 x 7?"), assistant, client.user("Sure?")]
    answer = client.ask(pair.model("text"), history, stream=stream, thinking=True)
    assert answer.folded.text == "Hello, world!"
    assert [b"of another account" in request.body for request in pair.sent] == [True, False]


# --- promises of the whole ---


@pytest.mark.parametrize("script", ["text", "unicode", "parallel", "thinkingtool", "json", "cached", "refusal"])
def test_20_2_stream_and_whole_say_the_same(pair: Pair, script: str) -> None:
    """20.2b Folding the stream equals the whole answer, but for the ids, which are fresh."""
    wishes = {"tools": True, "thinking": script == "thinkingtool"}
    streamed, whole = (ask(pair, script, "Hi", stream=stream, **wishes).folded for stream in (True, False))
    assert streamed.content == whole.content


def test_20_3_the_same_request_gives_the_same_bytes_upstream_and_a_longer_one_keeps_them(pair: Pair) -> None:
    """20.3, 1.3 Provider prompt caches keep hitting: no clock, no chance and no counter in what is sent."""
    client = pair.client
    history = [client.user("Weather?", image=True)]
    first = client.ask(pair.model("thinkingtool"), history, stream=False, tools=True, system="S")
    client.ask(pair.model("thinkingtool"), history, stream=False, tools=True, system="S")
    longer = [*history, first.assistant, *client.results({WEATHER.id: "x"})]
    if not (pair.same and client.protocol == "chat"):
        client.ask(pair.model("thinkingtool"), longer, stream=False, tools=True, system="S")
        earlier: Any = pair.sent[1].json["messages"]
        later: Any = pair.sent[2].json["messages"]
        assert json.dumps(later[: len(earlier)]) == json.dumps(earlier)
    assert pair.sent[0].body == pair.sent[1].body
