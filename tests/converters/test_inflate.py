"""Content codings are undone bounded, and a damaged or cut body is never passed off as a whole one."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import pytest

from converters.errors import Kind, UpstreamError
from converters.inflate import Inflate, inflate

LIMIT = 1 << 20
BODY = '{"text": "héllo 😀"}'.encode() * 50


def pieces(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("GZIP ", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", gzip.compress),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_any_slicing_gives_the_body(coding: str, pack: Callable[[bytes], bytes], size: int) -> None:
    decoder = Inflate(coding, LIMIT)
    packed = pack(BODY)
    assert not Inflate(coding, LIMIT).complete
    assert b"".join(map(decoder.feed, pieces(packed, size))) == BODY
    assert decoder.complete
    assert inflate(packed, coding, LIMIT) == BODY


@pytest.mark.parametrize("coding", ["", "identity", " Identity "])
def test_an_identity_body_is_given_back_as_it_is(coding: str) -> None:
    assert inflate(BODY, coding, 1) is BODY


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip;q=1", "x" * 500 + "\r\n"])
def test_an_unknown_coding_is_refused_by_name(coding: str) -> None:
    with pytest.raises(UpstreamError, match="not supported") as caught:
        Inflate(coding, LIMIT)
    assert (caught.value.kind, caught.value.code) == (Kind.BROKEN_STREAM, "unsupported_coding")
    assert len(str(caught.value)) < 200
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("size", [100, 1 << 20])
def test_a_bomb_is_stopped_at_the_limit(size: int) -> None:
    """100 MB out of 100 KB; what is decoded at once stays within the limit as well."""
    bomb = gzip.compress(bytes(100 << 20), 9)
    decoded: list[bytes] = []
    with pytest.raises(UpstreamError, match="size limit") as caught:
        decoded.extend(map(Inflate("gzip", LIMIT).feed, pieces(bomb, size)))
    assert caught.value.code == "too_large"
    assert sum(map(len, decoded)) <= LIMIT


def test_a_body_of_exactly_the_limit_passes() -> None:
    packed = gzip.compress(bytes(LIMIT))
    assert len(inflate(packed, "gzip", LIMIT)) == LIMIT
    with pytest.raises(UpstreamError, match="size limit"):
        inflate(packed, "gzip", LIMIT - 1)


@pytest.mark.parametrize("size", [1, 100_000])
def test_damaged_bytes_are_an_error(size: int) -> None:
    packed = bytearray(gzip.compress(BODY))
    packed[len(packed) // 2] ^= 0xFF
    with pytest.raises(UpstreamError, match="damaged") as caught:
        list(map(Inflate("gzip", LIMIT).feed, pieces(bytes(packed), size)))
    assert (caught.value.kind, caught.value.code) == (Kind.BROKEN_STREAM, None)


@pytest.mark.parametrize("left", [0, 5, 20])
def test_a_cut_body_is_an_error_and_never_half_an_answer(left: int) -> None:
    packed = gzip.compress(BODY)
    with pytest.raises(UpstreamError, match="cut off"):
        inflate(packed[:left], "gzip", LIMIT)
    with pytest.raises(UpstreamError, match="cut off"):
        inflate(packed[:-1], "gzip", LIMIT)


@pytest.mark.parametrize("rest", [gzip.compress(b"more", mtime=0), b"\0", b"junk"], ids=["member", "zero", "junk"])
@pytest.mark.parametrize("size", [1, 10_000])
def test_bytes_behind_the_end_are_an_error(rest: bytes, size: int) -> None:
    """A second gzip member left out would be a cut body that looks whole."""
    with pytest.raises(UpstreamError, match="behind its end"):
        list(map(Inflate("gzip", LIMIT).feed, pieces(gzip.compress(BODY) + rest, size)))


def test_20_the_error_of_a_bomb_does_not_keep_what_came_out_of_it() -> None:
    bomb = gzip.compress(bytes(32 * 2**20))
    tracemalloc.start()
    try:
        with pytest.raises(UpstreamError) as caught:
            inflate(bomb, "gzip", 16 * 2**20)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert caught.value.code == "too_large"
    assert held < 2**20
