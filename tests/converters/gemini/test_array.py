"""14.5: a stream as one JSON array."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import Kind, UpstreamError
from converters.gemini import array
from converters.gemini.array import ArrayDecoder, ArrayEncoder
from converters.sse import data_frame

OBJECTS = [{"a": 'x"}]\\'}, {"b": [1, {"c": "]"}], "d": "\\"}, {}]
BODY = json.dumps(OBJECTS, indent=1).encode()


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
