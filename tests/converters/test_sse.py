"""14.1: reading Server-Sent Events, however the bytes are cut."""

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from converters.errors import Kind, UpstreamError
from converters.sse import MAX_FRAME, Frame, SSEDecoder, data_frame, event_frame, lines_frame


def decode(*pieces: bytes) -> list[Frame]:
    decoder = SSEDecoder()
    return [frame for piece in pieces for frame in decoder.feed(piece)] + decoder.close()


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


LINES = st.sampled_from(
    [
        b"data: x",
        b"data:y",
        b"data",
        "data: é😀".encode(),
        b"event: ping",
        b": note",
        b"id: 3",
        b"retry: 10",
        b"",
        b"",
        b"junk",
    ]
)
BODIES = st.lists(st.tuples(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"])), max_size=12).map(
    lambda lines: b"".join(text + end for text, end in lines)
)


@given(BODIES, st.lists(st.integers(0, 400), max_size=8))
@example(b"data: x\r\n\r\ndata: y\r\n\r\n", list(range(24)))
@example(b"data: x\r\rdata: y\r\r", list(range(24)))
@example("data: 😀\n\n".encode(), list(range(24)))
def test_14_1_any_slicing_gives_the_same_frames(body: bytes, places: list[int]) -> None:
    whole = decode(body)
    assert decode(*cut(body, places)) == whole
    assert decode(*(body[i : i + 1] for i in range(len(body)))) == whole


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_14_1_every_kind_of_line_end_ends_a_line(end: bytes) -> None:
    body = end.join([b"event: a", b"data: 1", b"", b"data: 2", b"", b""])
    assert decode(body) == [(b"a", b"1"), (b"", b"2")]


@pytest.mark.parametrize(
    ("body", "frames"),
    [
        (b"\xef\xbb\xbfdata: x\n\n", [(b"", b"x")]),
        (b"\xef\xbb\xbfevent: a\ndata: x\n\n", [(b"a", b"x")]),
        (b"data: x\n\n\xef\xbb\xbfdata: y\n\n", [(b"", b"x")]),  # a BOM is one at the very start alone
        (b": comment\n\ndata: x\n\n", [(b"", b"x")]),
        (b": a\ndata: x\n: b\n\n", [(b"", b"x")]),
        (b"id: 1\nretry: 5\ndata: x\n\n", [(b"", b"x")]),
        (b"data: a\ndata: b\n\n", [(b"", b"a\nb")]),
        (b"data:\ndata:\n\n", [(b"", b"\n")]),
        (b"data:x\n\n", [(b"", b"x")]),
        (b"data:  x\n\n", [(b"", b" x")]),  # one space belongs to the colon
        (b"data: a:b\n\n", [(b"", b"a:b")]),
        (b"event: a\n\n", []),  # no data, no event
        (b"event: a\ndata: 1\n\ndata: 2\n\n", [(b"a", b"1"), (b"", b"2")]),  # a name does not outlive its frame
        (b"\n\n\ndata: x\n\n\n\n", [(b"", b"x")]),
        (b"data: [DONE]\n\n", [(b"", b"[DONE]")]),
        ("data: a\u2028b\x85c\x0bd\n\n".encode(), [(b"", "a\u2028b\x85c\x0bd".encode())]),  # no line ends in SSE
        (b"", []),
    ],
)
def test_14_1_fields_are_read_as_the_standard_says(body: bytes, frames: list[Frame]) -> None:
    assert decode(body) == frames
    assert decode(*(body[i : i + 1] for i in range(len(body)))) == frames


def test_14_1_a_last_frame_without_its_blank_line_counts() -> None:
    assert decode(b"data: x\n\ndata: y") == [(b"", b"x"), (b"", b"y")]
    assert decode(b"event: z\r\ndata: y\r\n") == [(b"z", b"y")]


def test_a_frame_is_given_out_as_soon_as_it_is_complete() -> None:
    decoder = SSEDecoder()
    assert decoder.feed(b"data: x\r\n\r") == [(b"", b"x")]
    assert decoder.feed(b"\ndata: y\n\n") == [(b"", b"y")]
    assert decoder.close() == []


def test_14_1_a_frame_of_32_mb_is_read_and_a_longer_one_is_refused() -> None:
    """Pictures travel as base64 in one line; without a limit a provider could fill the memory."""
    piece = b"x" * (1 << 20)
    decoder = SSEDecoder()
    decoder.feed(b"data: ")
    for _ in range(31):
        decoder.feed(piece)
    assert [len(data) for _, data in decoder.feed(b"\n\n")] == [31 << 20]

    decoder.feed(b"data: ")
    with pytest.raises(UpstreamError) as caught:
        list(map(decoder.feed, [piece] * (MAX_FRAME // len(piece) + 1)))
    assert caught.value.kind is Kind.BROKEN_STREAM


@given(st.text())
def test_no_text_breaks_out_of_its_frame(text: str) -> None:
    """`\\n\\ndata:`, CR and U+2028 in a model's answer stay inside the JSON string."""
    assert len(decode(data_frame({"t": text}))) == 1
    assert [name for name, _ in decode(event_frame("ping", [text]) + data_frame(text))] == [b"ping", b""]


def test_frames_are_written_with_name_data_and_blank_line() -> None:
    assert data_frame({"a": 1}) == b'data: {"a":1}\n\n'
    assert event_frame("ping", {"type": "ping"}) == b'event: ping\ndata: {"type":"ping"}\n\n'


@pytest.mark.parametrize("data", [b"{not json", b"{\n}", b"", b"\xff"])
def test_what_is_sent_as_it_is_comes_back_the_same(data: bytes) -> None:
    assert decode(lines_frame(data)) == [(b"", data)]
