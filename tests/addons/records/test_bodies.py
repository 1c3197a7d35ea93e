"""Bodies and chunks as JSON, and back."""

import base64
import random
import struct

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from addons.records.bodies import (
    LARGEST,
    LONG,
    Streams,
    is_media,
    omitted,
    pointed,
    read_answer,
    read_body,
    read_chunks,
    write_body,
    write_chunks,
)
from converters.json_codec import Json, JsonObject, dumps, loads


def nothing(name: str) -> bytes:
    raise AssertionError(name)


def as_json(value: Json) -> Json:
    return loads(dumps(value))


@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode(errors="replace"))))
def test_any_body_comes_back(body: bytes) -> None:
    assert body == read_body({}, as_json(write_body(body)), nothing)


@given(st.lists(st.tuples(st.floats(0, 1e6), st.binary())))
def test_any_chunks_come_back(chunks: list[tuple[float, bytes]]) -> None:
    assert chunks == read_chunks({}, as_json(write_chunks(chunks)), nothing)


STORED = {"n0": b'"BIG"', "n1": b'"LARGE"'}


def test_cuts_become_references() -> None:
    body = b'{"a":"BIG","b":1,"c":"LARGE"}'
    written = write_body(body, [(5, 10, "n0"), (21, 28, "n1")])
    assert written == {"pieces": ['{"a":', {"ref": "n0"}, ',"b":1,"c":', {"ref": "n1"}, "}"]}
    assert body == read_body({}, written, STORED.__getitem__)


def test_there_are_no_empty_pieces() -> None:
    body = b'"BIG""LARGE"'
    written = write_body(body, [(0, 5, "n0"), (5, 12, "n1")])
    assert written == {"pieces": [{"ref": "n0"}, {"ref": "n1"}]}
    assert body == read_body({}, written, STORED.__getitem__)


def test_what_is_no_text_is_whole_wherever_it_stands() -> None:
    for body in (b'\xff"BIG"', b'"BIG"\xff'):
        at = body.index(b'"')
        written = write_body(body, [(at, at + 5, "n0")])
        assert list(written) == ["base64"]
        assert body == read_body({}, as_json(written), nothing)


def test_text_that_looks_like_a_reference_is_text() -> None:
    body = b'{"pieces": [{"ref": "sha256:0"}]}'
    assert write_body(body) == {"text": body.decode()}


def test_the_same_bytes_are_pointed_at() -> None:
    record: JsonObject = {
        "request": {"body": {"text": "asked"}},
        "attempts": [
            {"request": {"body": {"same": "/request/body"}}, "answer": {"chunks": [[0.5, "one "], [1, "two"]]}}
        ],
        "answer": {"chunks": {"same": "/attempts/0/answer", "cuts": [[0.6, 2], [0.7, 5]]}},
    }
    assert read_body(record, {"same": "/attempts/0/request/body"}, nothing) == b"asked"
    answer = record["answer"]
    assert isinstance(answer, dict)
    assert read_chunks(record, answer["chunks"], nothing) == [(0.6, b"on"), (0.7, b"e two")]
    assert read_answer(record, {"body": {"same": "/attempts/0/answer"}}, nothing) == b"one two"


@pytest.mark.parametrize("body", [omitted(b"x", "image/png"), {"other": 1}, None, 5, {"pieces": [5]}], ids=str)
def test_what_is_not_there_is_told(body: Json) -> None:
    with pytest.raises(ValueError, match=r"left out|no body|no piece"):
        read_body({}, body, nothing)


@pytest.mark.parametrize("pointer", ["/no", "/attempts/1", "/attempts/x", "/request/body/text/more"])
def test_a_pointer_that_leads_nowhere_is_told(pointer: str) -> None:
    with pytest.raises(ValueError, match="leads nowhere"):
        pointed({"attempts": [1], "request": {"body": {"text": ""}}}, pointer)


@pytest.mark.parametrize("chunks", [{"same": "/x"}, [[1]], [["x", "y"]], None, {"same": "/x", "cuts": [5]}], ids=str)
def test_what_is_no_stream_is_told(chunks: Json) -> None:
    with pytest.raises(ValueError, match=r"no c|no body"):
        read_chunks({"x": {"text": ""}}, chunks, nothing)


def test_pictures_and_files_are_known_by_their_type() -> None:
    assert [is_media(kind) for kind in ("image/png", "application/pdf", "audio/wav", "video/mp4")] == [True] * 4
    assert [is_media(kind) for kind in ("application/json", "text/event-stream", "", "imageish")] == [False] * 4


# --- long streams ---

EVENTS = st.lists(
    st.tuples(
        st.floats(0, 1e6),
        st.one_of(st.binary(max_size=40), st.sampled_from([b"", b"\xe2\x82", b"\xac", b"data: x\n\n" * 90])),
    ),
    max_size=30,
)
STREAMS = Streams()  # one for all, as in a process


@given(EVENTS)
def test_any_stream_comes_back(events: list[tuple[float, bytes]]) -> None:
    """Cut inside characters, binary, with chunks that are empty; short and long."""
    written = as_json(STREAMS.written([at for at, _ in events], [data for _, data in events]))
    assert events == read_chunks({}, written, nothing)
    assert isinstance(written, dict) is (sum(len(data) for _, data in events) >= LONG)


@pytest.mark.parametrize(("size", "is_packed"), [(0, False), (LONG - 1, False), (LONG, True), (LONG + 1, True)])
@pytest.mark.parametrize("data", [b"e", b"\xff"], ids=["text", "binary"])
def test_streams_are_packed_from_a_length_on(size: int, is_packed: bool, data: bytes) -> None:
    chunks = [data * (size - size // 3), b"", data * (size // 3)]
    written = STREAMS.written([0.0, 0.5, 1.0], chunks)
    assert isinstance(written, dict) is is_packed
    assert read_chunks({}, as_json(written), nothing) == list(zip([0.0, 0.5, 1.0], chunks, strict=True))
    assert read_answer({}, {"chunks": as_json(written)}, nothing) == b"".join(chunks)


def test_events_that_are_alike_take_little_room() -> None:
    chunks = [b'data: {"type":"content_block_delta","delta":{"text":"word %d"}}\n\n' % n for n in range(300)]
    written = STREAMS.written([n / 1000 for n in range(300)], chunks)
    assert isinstance(written, dict)
    assert len(dumps(written["zstd"])) < sum(map(len, chunks)) / 8


def packed(data: bytes) -> str:
    return base64.b64encode(data).decode()


FRAME = zstandard.ZstdCompressor().compress(random.Random(1).randbytes(3000))


def claims(size: int) -> bytes:
    """A frame that says so of its content: one segment, eight bytes of size, an empty last block."""
    return b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", size) + b"\x01\x00\x00"


DAMAGED = {
    "no base64": "a!b=",
    "base64 of other letters": packed(FRAME)[:-8] + "äöüß" * 2,
    "base64 cut short": packed(FRAME)[:-3],
    "other letters between": packed(FRAME)[:80] + "!\n" + packed(FRAME)[80:],
    "no frame": packed(b"not a frame, but text"),
    "empty": "",
    "half a frame": packed(FRAME[: len(FRAME) // 2]),
    "another beginning": packed(b"\x00" + FRAME[1:]),
    "a giant": packed(claims(1 << 60)),
    "a little too large": packed(claims(LARGEST + 1)),
    "larger than it says": packed(claims(1000)),
    "of no known size": packed(zstandard.ZstdCompressor(write_content_size=False).compress(b"x" * 3000)),
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_stream_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"stream|base64|ASCII"):
        read_chunks({}, {"zstd": text, "cuts": [[0.0, 3000]]}, nothing)


@pytest.mark.parametrize(
    "cut", [[0.0], ["0.0", 1], [0.0, "1"], [0.0, None], 5, None, {"at": 1}, [0.0, 1.5], [0.0, 1, 2]], ids=str
)
def test_cuts_that_are_none_are_told(cut: Json) -> None:
    with pytest.raises(ValueError, match="no cut"):
        read_chunks({}, {"zstd": packed(FRAME), "cuts": [[0.0, 3], cut]}, nothing)


@pytest.mark.parametrize("length", [2996, 2998])
def test_cuts_that_are_not_those_of_their_stream_are_told(length: int) -> None:
    assert read_chunks({}, {"zstd": packed(FRAME), "cuts": [[0.0, 3], [0.1, 2997]]}, nothing)
    with pytest.raises(ValueError, match="is cut after"):
        read_chunks({}, {"zstd": packed(FRAME), "cuts": [[0.0, 3], [0.1, length]]}, nothing)


@pytest.mark.parametrize(
    "chunks", [{"zstd": 5, "cuts": []}, {"zstd": packed(FRAME)}, {"zstd": packed(FRAME), "cuts": {}}], ids=str
)
def test_half_a_stream_is_none(chunks: Json) -> None:
    with pytest.raises(ValueError, match="no chunks"):
        read_chunks({}, chunks, nothing)
