"""Bodies and chunks as JSON, and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from addons.records.bodies import (
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


def test_places_become_references() -> None:
    stored: dict[str, bytes] = {}

    def put(content: bytes) -> str:
        stored[f"n{len(stored)}"] = content
        return f"n{len(stored) - 1}"

    body = b'{"a":"BIG","b":1,"c":"LARGE"}'
    written = write_body(body, [(5, 10), (21, 28)], put)
    assert written == {"pieces": ['{"a":', {"ref": "n0"}, ',"b":1,"c":', {"ref": "n1"}, "}"]}
    assert body == read_body({}, written, stored.__getitem__)


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
