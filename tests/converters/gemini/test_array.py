"""14.5: a stream as one JSON array."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import Kind, UpstreamError
from converters.gemini import array
from converters.gemini.array import ArrayDecoder, ArrayEncoder, ArrayPipe
from converters.gemini.reader import StreamReader
from converters.gemini.writer import Writer
from converters.pipe import StreamPipe
from converters.profile import DEFAULT
from converters.sse import data_frame
from converters.wire import Ask
from tests.grammar_gemini import check_gemini_array

OBJECTS = [{"a": 'x"}]\\'}, {"b": [1, {"c": "]"}], "d": "\\"}, {}]
BODY = json.dumps(OBJECTS, indent=1).encode()
TEXT_CHUNK = data_frame({"candidates": [{"content": {"role": "model", "parts": [{"text": "Größe"}]}}]})
LAST_CHUNK = data_frame(
    {"candidates": [{"content": {"role": "model", "parts": [{"text": ""}]}, "finishReason": "STOP"}]}
)


@given(st.lists(st.integers(0, len(BODY)), max_size=6))
def test_14_5_elements_may_be_split_anywhere(cuts: list[int]) -> None:
    decoder, found = ArrayDecoder(), []
    edges = [0, *sorted(cuts), len(BODY)]
    for start, end in pairwise(edges):
        found += decoder.feed(BODY[start:end])
    assert OBJECTS == [json.loads(element) for element in found]
    assert decoder.complete


def test_14_5_elements_come_as_soon_as_they_are_whole() -> None:
    decoder = ArrayDecoder()
    assert decoder.feed(b'[{"a":1}') == [b'{"a":1}']
    assert decoder.feed(b'\r\n,{"b"') == []
    assert decoder.feed(b":2}") == [b'{"b":2}']
    assert not decoder.complete
    assert decoder.feed(b"]") == []
    assert decoder.complete


def test_14_5_a_lone_object_is_an_array_of_one() -> None:
    assert ArrayDecoder().feed(b'{"error":{}}') == [b'{"error":{}}']


def test_14_1_an_element_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(array, "MAX_FRAME", 10)
    decoder = ArrayDecoder()
    decoder.feed(b'[{"a":1}, {"b":')
    with pytest.raises(UpstreamError) as caught:
        decoder.feed(b'"xxxxxxxxxxxx')
    assert caught.value.kind is Kind.BROKEN_STREAM


def test_14_5_frames_become_elements() -> None:
    encoder = ArrayEncoder()
    body = b"".join(encoder.feed(data_frame(element)) for element in OBJECTS) + encoder.close()
    assert json.loads(body) == OBJECTS
    assert ArrayEncoder().close() == b"[]"


def piped(*feeds: bytes, end: bool = True) -> tuple[ArrayPipe, bytes]:
    """A stream through an array's pipe."""
    ask = Ask("m", lambda: "a" * 30, lambda: 1)
    pipe = ArrayPipe(StreamPipe(StreamReader(DEFAULT), Writer(ask), lambda _: None))
    out = b"".join(map(pipe.feed, feeds)) + (pipe.close() if end else b"")
    return pipe, out


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_14_5_a_piped_stream_is_one_array(size: int) -> None:
    stream = TEXT_CHUNK + LAST_CHUNK
    pipe, out = piped(*(stream[i : i + size] for i in range(0, len(stream), size)))
    assert check_gemini_array(out).text == "Größe"
    assert pipe.started
    assert pipe.failed is None
    assert pipe.heartbeat() == pipe.close() == b""


def test_15_3_an_array_that_breaks_ends_with_the_error_and_is_closed() -> None:
    pipe, out = piped(TEXT_CHUNK, end=False)
    out += pipe.fail(Kind.BROKEN_STREAM, "cut")
    assert check_gemini_array(out, broken=True).error is not None
    assert pipe.failed is not None
    assert pipe.fail(Kind.TIMEOUT, "again") == b""
    broken, said = piped(
        TEXT_CHUNK, b'data: {"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}\n\n', end=False
    )
    assert check_gemini_array(said, broken=True).error is not None
    assert broken.failed is not None


def test_4_an_array_that_never_began_leaves_room_for_an_http_error() -> None:
    pipe, out = piped(b'data: {"error":{"code":503,"message":"x","status":"UNAVAILABLE"}}\n\n', end=False)
    assert (out, pipe.started) == (b"", False)
    assert pipe.failed is not None
    silent, nothing = piped(end=False)
    assert nothing + silent.fail(Kind.TIMEOUT, "silent") == b""
