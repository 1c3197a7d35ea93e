"""AWS event-stream frames: the vectors, any slices, damaged frames, and botocore's parser as judge."""

import struct
import zlib
from uuid import UUID

import pytest
from botocore.eventstream import EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import Kind, UpstreamError
from converters.eventstream import MAX_FRAME, MAX_HEADERS, EventStreamDecoder, HeaderValue, Message
from tests.converters.four_wires import cut
from tests.fakes import kiro_frames as frames

HI = bytes.fromhex(
    "0000007c0000005c3bddcf780d3a6d6573736167652d747970650700056576656e740b3a6576656e742d747970650700166173736973746"
    "16e74526573706f6e73654576656e740d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b22636f6e7465"
    "6e74223a224869227d09f66f51"
)
EMPTY = bytes.fromhex("000000100000000005c248eb7d98c8ff")
SLOW = bytes.fromhex(
    "0000008300000061a9d144e50d3a6d6573736167652d74797065070009657863657074696f6e0f3a657863657074696f6e2d74797065070"
    "0135468726f74746c696e67457863657074696f6e0d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b22"
    "6d657373616765223a22736c6f77227d23ea9a06"
)
JSON = {":content-type": "application/json"}


def decoded(*slices: bytes) -> list[Message]:
    decoder = EventStreamDecoder()
    found = [message for data in slices for message in decoder.feed(data)]
    decoder.close()
    return found


def broken(data: bytes) -> str:
    """Why the stream is broken."""
    with pytest.raises(UpstreamError) as caught:
        decoded(data)
    assert caught.value.kind is Kind.BROKEN_STREAM
    return str(caught.value)


@pytest.mark.parametrize(
    ("frame", "headers", "payload"),
    [
        pytest.param(
            HI,
            {":message-type": "event", ":event-type": "assistantResponseEvent", **JSON},
            b'{"content":"Hi"}',
            id="event",
        ),
        pytest.param(EMPTY, {}, b"", id="empty"),
        pytest.param(
            SLOW,
            {":message-type": "exception", ":exception-type": "ThrottlingException", **JSON},
            b'{"message":"slow"}',
            id="exception",
        ),
    ],
)
def test_4_1_the_vectors_are_read(frame: bytes, headers: dict[str, HeaderValue], payload: bytes) -> None:
    assert decoded(frame) == [Message(headers, payload)]
    assert decoded(*(frame[i : i + 1] for i in range(len(frame)))) == [Message(headers, payload)]


def test_4_1_the_fakes_encoder_writes_the_vectors() -> None:
    assert [HI, EMPTY, SLOW] == [
        frames.text("Hi"),
        frames.frame({}),
        frames.exception("ThrottlingException", "slow"),
    ]


def test_4_1_all_header_types_are_read() -> None:
    (message,) = decoded(frames.with_all_header_types("x", {}))
    assert {name: value for name, value in message.headers.items() if name.startswith("x-")} == {
        "x-true": True,
        "x-false": False,
        "x-byte": -1,
        "x-short": -2,
        "x-int": -3,
        "x-long": -4,
        "x-bytes": b"\x00\xff",
        "x-string": "é",
        "x-time": 1_700_000_000_000,
        "x-uuid": UUID("00000000-0000-4000-8000-000000000001").bytes,
    }
    assert (message.text("x-string"), message.text("x-int"), message.text("gone")) == ("é", "", "")


HEADERS = st.dictionaries(
    st.text(min_size=1, max_size=20),
    st.booleans()
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.integers(-128, 127).map(lambda n: frames.Sized(n, 1))
    | st.integers(-(2**15), 2**15 - 1).map(lambda n: frames.Sized(n, 2))
    | st.integers(-(2**31), 2**31 - 1).map(lambda n: frames.Sized(n, 4))
    | st.integers(-(2**63), 2**63 - 1).map(lambda n: frames.Sized(n, 8))
    | st.uuids(),
    max_size=4,
)


@given(st.lists(st.tuples(HEADERS, st.binary(max_size=40)), max_size=4), st.lists(st.integers(0, 10_000), max_size=6))
def test_4_1_what_botocore_reads_is_read_whatever_the_slices(
    wanted: list[tuple[dict[str, frames.HeaderValue], bytes]], places: list[int]
) -> None:
    body = b"".join(frames.frame(headers, payload) for headers, payload in wanted)
    judge = EventStreamBuffer()
    judge.add_data(body)
    expected = [Message(event.headers, event.payload) for event in judge]
    assert len(expected) == len(wanted)
    assert decoded(*cut(body, places)) == expected


@given(st.integers(0, len(HI) * 8 - 1))
def test_4_1_no_flipped_bit_goes_unseen(place: int) -> None:
    damaged = bytearray(HI)
    damaged[place // 8] ^= 1 << place % 8
    broken(bytes(damaged))


def test_4_1_a_wrong_checksum_of_the_lengths_is_seen_before_the_frame_is_there() -> None:
    decoder = EventStreamDecoder()
    with pytest.raises(UpstreamError, match="lengths"):
        list(decoder.feed(frames.with_bad_prelude(HI)[:12]))


def test_4_1_a_wrong_checksum_ends_the_stream_behind_what_was_whole() -> None:
    decoder = EventStreamDecoder()
    events = decoder.feed(HI + frames.with_bad_checksum(SLOW) + HI)
    assert next(events).payload == b'{"content":"Hi"}'
    with pytest.raises(UpstreamError, match="checksum of a frame is wrong"):
        next(events)


@pytest.mark.parametrize("end", range(1, len(HI)))
def test_4_1_a_body_that_ends_inside_a_frame_is_broken(end: int) -> None:
    assert "inside a frame" in broken(SLOW + HI[:end])


def prelude(total: int, headers: int) -> bytes:
    lengths = struct.pack(">II", total, headers)
    return lengths + struct.pack(">I", zlib.crc32(lengths))


@pytest.mark.parametrize(
    ("total", "headers"),
    [(15, 0), (0, 0), (MAX_FRAME + 1, 0), (2**32 - 1, 0), (16, 1), (100, 85), (MAX_FRAME, MAX_HEADERS + 1)],
)
def test_4_1_lengths_past_the_limits_are_not_waited_for(total: int, headers: int) -> None:
    assert "not possible" in broken(prelude(total, headers))


def test_4_1_the_largest_frame_and_headers_are_taken() -> None:
    many = {f"{n:03}": b"x" * 32_000 for n in range(4)}
    assert decoded(frames.frame(many, b"y" * 1000))[0].headers == many
    whole = frames.frame({}, b"z" * (MAX_FRAME - 16))
    assert len(decoded(whole)[0].payload) == MAX_FRAME - 16


def raw(head: bytes) -> bytes:
    """A frame with right checksums around headers that are none."""
    body = prelude(16 + len(head), len(head)) + head
    return body + struct.pack(">I", zlib.crc32(body))


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"\x01a\x0a", id="type 10"),
        pytest.param(b"\x05ab", id="name cut"),
        pytest.param(b"\x01a", id="no value"),
        pytest.param(b"\x01a\x04\x00", id="integer cut"),
        pytest.param(b"\x01a\x07\x00", id="length cut"),
        pytest.param(b"\x01a\x07\x00\x05ab", id="string cut"),
        pytest.param(b"\x01a\x09\x00", id="uuid cut"),
        pytest.param(b"\x01a\x07\x00\x01\xff", id="string not utf-8"),
        pytest.param(b"\x01\xff\x00", id="name not utf-8"),
    ],
)
def test_4_1_headers_that_cannot_be_read_break_the_stream(head: bytes) -> None:
    assert "headers of a frame" in broken(raw(head))


def test_4_1_a_multi_byte_character_may_be_split_between_slices() -> None:
    body = frames.text("Grüße 😀")
    for at in range(1, len(body)):
        (message,) = decoded(body[:at], body[at:])
        assert "Grüße 😀" in message.payload.decode()
