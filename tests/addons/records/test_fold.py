"""What was asked and answered, from bytes."""

import gzip

import pytest

from addons.providers import catalogue
from addons.records.fold import (
    answer_media,
    content_type,
    header,
    plain_chunks,
    read_answer,
    read_chat,
    turn_media,
)
from converters.collect import replay
from converters.events import Answer, AnswerImage, AnswerText
from converters.json_codec import JsonObject, dumps
from converters.turns import Audio, Base64, Document, Image, Text, ToolResult, Turn, Url
from converters.wires import WIRES
from tests.addons.records.samples import ANTHROPIC_STREAM, attempt, exchange, listened, streamed, whole_answer


def words(answer: Answer | None) -> list[str] | None:
    return None if answer is None else [part.text for part in answer.parts if isinstance(part, AnswerText)]


def test_the_clients_request_is_read_in_its_protocol() -> None:
    chat = read_chat(exchange())
    assert [tool.name for tool in chat.tools] == ["get_weather"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"model":"m"}', b"\xff"], ids=str)
def test_a_request_that_cannot_be_read_says_why(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w{4}"):
        read_chat(exchange(body=body))


def test_a_body_that_was_read_already_is_not_read_again_and_not_changed() -> None:
    parsed: JsonObject = {"model": "m", "max_tokens": 5, "messages": [{"role": "user", "content": "hi"}]}
    before = dumps(parsed)
    assert read_chat(exchange(body=b"{", parsed=parsed)).turns == [Turn("user", [Text("hi")])]
    assert dumps(parsed) == before


def test_a_counting_call_is_read_as_the_request_it_counts() -> None:
    body = b'{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}'
    chat = read_chat(exchange(wire=WIRES["gemini"], action="count", body=body, said={"model": "m"}))
    assert chat.turns == [Turn("user", [Text("hi")])]


def test_whole_and_streamed_answers_read_alike() -> None:
    assert words(read_answer(exchange())) == words(read_answer(streamed())) == ["It rains."]


def test_an_answer_that_broke_off_counts_as_far_as_it_came() -> None:
    assert words(read_answer(streamed(ANTHROPIC_STREAM[:3]))) == ["It rai"]
    assert read_answer(streamed(ANTHROPIC_STREAM[:1])) is None


def test_the_last_attempt_counts() -> None:
    first = attempt(b"{}", whole_answer("no"), status=529)
    assert words(read_answer(exchange(attempts=[first, attempt(b"{}", whole_answer("yes"))]))) == ["yes"]
    assert read_answer(exchange(attempts=[first])) is None


def test_what_was_heard_of_an_attempt_counts_only_if_it_is_the_last() -> None:
    heard = listened(replay(Answer(parts=[AnswerText("heard")])))
    good, bad = attempt(b"{}", whole_answer("no")), attempt(b"{}", b"{}", status=500)
    assert words(read_answer(exchange(attempts=[good], heard=heard))) == ["heard"]
    assert read_answer(exchange(attempts=[good, bad], heard=heard)) is None


def test_an_answer_made_here_is_read_as_the_client_got_it() -> None:
    demo = catalogue()["demo"]
    assert words(read_answer(exchange(attempts=[], provider=demo))) == ["It rains."]
    assert words(read_answer(streamed(attempts=[], provider=demo))) == ["It rains."]


def test_calls_that_do_not_generate_have_no_answer() -> None:
    assert read_answer(exchange(generates=False)) is None


def test_garbage_is_no_answer() -> None:
    assert read_answer(exchange(attempts=[attempt(b"{}", b"<html>")])) is None


def test_content_codings_are_undone_chunk_by_chunk() -> None:
    packed = gzip.compress(b"one two three" * 10)
    made = attempt(b"{}", chunks=[packed[:15], packed[15:]])
    made.answer_headers = [(b"Content-Encoding", b"gzip")]
    plain = plain_chunks(made)
    assert (len(plain), b"".join(plain)) == (2, b"one two three" * 10)
    made.answer_headers = [(b"content-encoding", b"br")]
    assert plain_chunks(made) == [b"", b""]


def test_inline_pictures_and_files_are_found_everywhere() -> None:
    one, two, three, four = (Base64("image/png", letter * 8) for letter in "ABCD")
    parts = [Image(one), Image(Url("https://x")), ToolResult("c", [Text("t"), Document(two)]), Audio(three, "wav")]
    assert turn_media(Turn("user", parts)) == [one, two, three]
    assert answer_media(Answer(parts=[AnswerImage(four)])) == [four]
    assert answer_media(None) == []


def test_headers_are_found_whatever_their_case() -> None:
    fields = [(b"Content-Type", b"Text/Event-Stream"), (b"content-type", b"no")]
    assert header(fields, b"content-type") == "Text/Event-Stream"
    assert content_type(fields) == "text/event-stream"
    assert header(fields, b"missing") == ""
