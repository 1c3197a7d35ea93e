"""What an SDK user does all day, in all pairs, whole and streamed: the fakes judge the requests, the grammar the answers."""

import json
import re
from typing import Any

import pytest

from tests.e2e import sent
from tests.e2e.conftest import Pair
from tests.e2e.sdks.base import Answer, Tokens
from tests.fakes.samples import CITY_SCHEMA, PDF, PNG
from tests.fakes.scripts import SCRIPTS, UNICODE, Reply, Script

URL_SAFE = str.maketrans("+/", "-_")


def ask(pair: Pair, script: str, text: str, *, stream: bool, **wishes: Any) -> Answer:
    thinking = bool(wishes.get("thinking"))
    return pair.client.ask(pair.model(script, thinking=thinking), [pair.client.user(text)], stream=stream, **wishes)


def test_text_arrives_to_the_letter(pair: Pair, stream: bool) -> None:
    answer = ask(pair, "text", "Hi", stream=stream)

    assert answer.folded.text == "Hello, world!"
    assert answer.stop == "stop"
    assert answer.folded.model == pair.model("text"), "the model is called what the client called it"
    assert answer.headers["x-request-id"].startswith("req_")
    assert ("x-aiclient-conversion" in answer.headers) is not pair.same
    assert len(pair.sent) == 1


def test_every_letter_of_unicode_arrives(pair: Pair, stream: bool) -> None:
    """1.3 Strings pass unicode-exact, both ways, also when a character is cut between two chunks and when text looks like SSE."""
    hard = 'Grüße 日本語 👩‍👩‍👧 \u2028 \x85 \x7f "q" \\ data: [DONE]\n\nevent: x'
    answer = ask(pair, "unicodebytes" if stream else "unicode", hard, stream=stream)

    assert answer.folded.text == "".join(UNICODE)
    assert sent.last_text(pair.wire, pair.sent[-1].json) == hard


def test_12_usage_is_counted_once(pair: Pair, stream: bool) -> None:
    """12. The prompt of OpenAI and Google includes what was cached, Anthropic's input does not."""
    answer = ask(pair, "cached", "Hi", stream=stream)
    assert answer.tokens == Tokens(read=1000, cached=600, written=7, thinking=0)
    if pair.protocol == "anthropic":
        told = pair.wire in ("anthropic", "responses")  # the others do not report what went into the cache
        created = SCRIPTS["cached"].reply.cache_written if told else 0
        assert answer.folded.usage is not None
        assert answer.folded.usage["input_tokens"] == 1000 - 600 - created


def test_12_thinking_is_part_of_what_was_written(pair: Pair, stream: bool) -> None:
    answer = ask(pair, "thinking", "6 x 7?", stream=stream, thinking=True)
    known = 0 if pair.wire == "anthropic" else 5  # Anthropic's fake does not tell them apart
    assert answer.tokens == Tokens(read=25, cached=0, written=12, thinking=known)


@pytest.mark.parametrize(("script", "reason"), [("length", "length"), ("empty", "stop"), ("cuttool", "length")])
def test_11_stop_reasons_are_told_in_the_clients_words(pair: Pair, stream: bool, script: str, reason: str) -> None:
    """11. And 14.7: arguments that the limit cut off are never patched up to look whole. (Gemini has no half calls.)"""
    answer = ask(pair, script, "Hi", stream=stream, tools=script == "cuttool")
    assert answer.stop == reason
    if script == "cuttool" and stream and "gemini" not in (pair.protocol, pair.wire):
        assert answer.folded.calls[0].arguments == '{"city": "Zü'


def test_11_a_filtered_answer_and_a_refusal_are_not_normal_ends(pair: Pair, stream: bool) -> None:
    """A refusal: OpenAI has a place for its words, Anthropic an ending, Gemini neither."""
    filtered = ask(pair, "filtered", "Hi", stream=stream)
    assert (filtered.stop, filtered.folded.text) == ("content_filter", "So")
    refused = ask(pair, "refusal", "Hi", stream=stream)
    told = {
        "chat": "content_filter" if pair.protocol == "anthropic" else "stop",
        "responses": "content_filter" if pair.protocol == "anthropic" else "stop",
        "anthropic": "content_filter",
        "gemini": "stop",
    }
    assert refused.stop == told[pair.wire]
    in_place = {pair.protocol, pair.wire} <= {"chat", "responses"}
    assert (refused.folded.refusal if in_place else refused.folded.text) == "I cannot help."


def test_a_stop_sequence_is_sent_and_named(pair: Pair, stream: bool) -> None:
    wish = pair.client.stop_at("END")
    if wish is None:
        pytest.skip("this protocol has no stop sequences")
    answer = ask(pair, "stopseq", "Hi", stream=stream, **wish)
    assert (answer.folded.text, answer.stop) == ("before END", "stop")
    if pair.wire == "responses":
        assert re.search(r"dropped=\S*stop", answer.headers["x-aiclient-conversion"], re.IGNORECASE)
        assert "END" not in pair.sent[-1].body.decode()
    else:
        assert sent.stops(pair.wire, pair.sent[-1].json) == ["END"]
    if (pair.protocol, pair.wire) == ("anthropic", "anthropic"):
        assert (answer.folded.stop, answer.folded.stop_sequence) == ("stop_sequence", "END")


def test_2_the_system_prompt_goes_where_the_provider_wants_it(pair: Pair, stream: bool) -> None:
    answer = ask(pair, "text", "Hi", stream=stream, system="Speak like a pirate.")
    assert answer.folded.text == "Hello, world!"
    body = pair.sent[-1].json
    assert sent.system(pair.wire, body) == "Speak like a pirate."
    assert sent.last_text(pair.wire, body) == "Hi"
    assert pair.sent[-1].body.count(b"pirate") == 1


def test_3_pictures_and_documents_go_along(pair: Pair, stream: bool) -> None:
    message = pair.client.user("What is this?", image=True, document=True)
    answer = pair.client.ask(pair.model("text"), [message], stream=stream)
    assert answer.folded.text == "Hello, world!"
    body = pair.sent[-1].body.decode()
    for data in (PNG, PDF):
        own = data.translate(URL_SAFE)  # google-genai's alphabet, which goes on to Google as it is
        assert data in body or (pair.same and own in body)
    if "gemini" not in (pair.protocol, pair.wire):  # where a document has no name
        assert "report.pdf" in body


def test_8_structured_output(pair: Pair, stream: bool) -> None:
    answer = ask(pair, "json", "City and degrees?", stream=stream, schema=CITY_SCHEMA)
    assert json.loads(answer.folded.text) == {"city": "Zürich", "degrees": 21}
    wanted = sent.schema(pair.wire, pair.sent[-1].json)
    assert wanted["required"] == ["city", "degrees"]
    assert wanted["properties"]["degrees"]["type"] == "number"
    body: Any = pair.sent[-1].json
    if pair.wire == "chat":
        assert body["response_format"]["json_schema"]["strict"] is (pair.protocol != "gemini")
    if pair.wire == "responses":
        assert body["text"]["format"]["strict"] is (pair.protocol != "gemini")


def test_8_a_list_for_an_answer_crosses_in_an_object(pair: Pair, stream: bool) -> None:
    """8. Gemini's SDK users ask for lists; elsewhere the root must be an object, and the client never sees it."""
    if pair.protocol != "gemini" or pair.same:
        pytest.skip("the others cannot ask for it")
    said = Script(Reply(text=('{"value": [{"city": "Zür', 'ich", "degrees": 21.0}', "]}")))
    pair.fake.scripts[model := pair.model("list")] = said
    wanted = {"type": "array", "items": CITY_SCHEMA}
    answer = pair.client.ask(model, [pair.client.user("Cities?")], stream=stream, schema=wanted)
    assert json.loads(answer.folded.text) == [{"city": "Zürich", "degrees": 21.0}]
    assert sent.schema(pair.wire, pair.sent[-1].json)["properties"]["value"]["type"] == "array"


def test_9_the_limit_goes_along(pair: Pair, stream: bool) -> None:
    ask(pair, "text", "Hi", stream=stream)
    body: Any = pair.sent[-1].json
    match pair.wire:
        case "chat":
            limit = body.get("max_completion_tokens", body.get("max_tokens"))
        case "responses":
            limit = body["max_output_tokens"]
        case "anthropic":
            limit = body["max_tokens"]
        case _:
            limit = body["generationConfig"]["maxOutputTokens"]
    assert limit == 3000


# --- promises of the whole ---


@pytest.mark.parametrize("script", ["text", "unicode", "parallel", "thinkingtool", "json", "cached", "refusal"])
def test_20_2_stream_and_whole_say_the_same(pair: Pair, script: str) -> None:
    """20.2b Folding the stream equals the whole answer, but for the ids, which are fresh."""
    wishes = {"tools": True, "thinking": script == "thinkingtool"}
    streamed, whole = (ask(pair, script, "Hi", stream=stream, **wishes).folded.content for stream in (True, False))
    if pair.wire == "responses":  # its tokens name the item they came with
        assert len(streamed.pop("signatures")) == len(whole.pop("signatures"))
    assert streamed == whole


def test_20_3_the_same_request_gives_the_same_bytes_upstream_and_a_longer_one_keeps_them(pair: Pair) -> None:
    """20.3, 1.3 Provider prompt caches keep hitting: no clock, no chance and no counter in what is sent."""
    client = pair.client
    history = [client.user("Weather?", image=True)]
    first = client.ask(pair.model("thinkingtool"), history, stream=False, tools=True, system="S")
    client.ask(pair.model("thinkingtool"), history, stream=False, tools=True, system="S")
    (call,) = first.folded.calls
    longer = [*history, *first.assistant, *client.results({call.id: "x"})]
    if not (pair.same and pair.protocol == "chat"):
        client.ask(pair.model("thinkingtool"), longer, stream=False, tools=True, system="S")
        earlier, later = (sent.turns(pair.wire, pair.sent[i].json) for i in (1, 2))
        assert json.dumps(later[: len(earlier)]) == json.dumps(earlier)
    assert pair.sent[0].body == pair.sent[1].body
