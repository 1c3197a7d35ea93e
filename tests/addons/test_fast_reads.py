"""BurstReader against h11's own reader of chunked bodies, whatever the slices; and where it is used."""

from itertools import pairwise
from pathlib import Path

import h11
import pytest
from h11._readers import ChunkedReader
from h11._receivebuffer import ReceiveBuffer
from hypothesis import example, given, settings
from hypothesis import strategies as st

import addons.fast_reads
from addons.fast_reads import BurstReader, FastReads
from addons.relay.events import BodyReader, chunked_reader
from tests.addons.relay.rig import LAST, STREAM, Provider, ask, chunk, replies, rig

type Outcome = tuple[bytes, object, bytes]


def read(reader: BodyReader, slices: list[bytes]) -> Outcome:
    """Content; the trailers, "error" or "more is needed"; what is left for the next message."""
    buf, content = ReceiveBuffer(), b""
    for piece in slices:
        buf += piece
        while True:
            try:
                event = reader(buf)
            except h11.ProtocolError:
                return content, "error", b""
            if event is None:
                break
            if isinstance(event, h11.EndOfMessage):
                return content, list(event.headers), bytes(buf)
            content += event if isinstance(event, bytes) else bytes(event.data)
    return content, "more is needed", b""


def sliced(data: bytes, cuts: list[int]) -> list[bytes]:
    at = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[a:b] for a, b in pairwise(at) if a != b]


CHUNKS = st.lists(st.binary(min_size=1, max_size=40), max_size=6)
EXTENSIONS = st.sampled_from([b"", b";a=b", b"; q", b" ", b"\t", b";\xff"])
TRAILERS = st.sampled_from([b"\r\n", b"x-sum: 1\r\n\r\n", b"a: b\r\nc: d\r\n\r\n", b"bad\r\n\r\n", b""])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    parts = [b"%x%b\r\n%b\r\n" % (len(data), draw(EXTENSIONS), data) for data in draw(CHUNKS)]
    return (
        b"".join(parts)
        + b"0"
        + draw(EXTENSIONS)
        + b"\r\n"
        + draw(TRAILERS)
        + draw(st.sampled_from([b"", b"GET / HTTP"]))
    )


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    body = bytearray(draw(bodies()))
    for _ in range(draw(st.integers(1, 3))):
        body[draw(st.integers(0, len(body) - 1))] = draw(st.sampled_from(b"0aZ;\r\n \x00\xff"))
    return bytes(body)


@settings(max_examples=400, deadline=None)
@given(st.one_of(bodies(), damaged()), st.lists(st.integers(0, 400), max_size=12))
@example(b"3\r\nabcX\r\n", [5])
@example(b"3\nabc\r\n0\r\n\r\n", [])
@example(b"-1\r\n", [])
@example(b"0x3\r\nabc\r\n", [])
@example(b"1" * 21 + b"\r\n", [])
@example(b"1;x\ny\r\na\r\n", [])
def test_reads_what_h11_reads(body: bytes, cuts: list[int]) -> None:
    slices = sliced(body, cuts)
    assert read(ChunkedReader(), slices) == read(BurstReader(), slices)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.lists(st.integers(0, 200), max_size=5))
def test_refuses_what_h11_refuses(body: bytes, cuts: list[int]) -> None:
    slices = sliced(body, cuts)
    assert read(ChunkedReader(), slices) == read(BurstReader(), slices)


def test_all_complete_chunks_of_a_read_come_at_once() -> None:
    buf = ReceiveBuffer()
    buf += chunk(b"one ") + chunk(b"two ") + b"5\r\nthr"
    reader = BurstReader()
    assert reader(buf) == b"one two thr"
    assert reader(buf) is None


def test_endless_chunk_header_is_an_error() -> None:
    """h11 would keep it all in memory."""
    assert read(BurstReader(), [b"1;" + b"x" * 300])[1] == "error"


def test_endless_trailers_are_an_error() -> None:
    """h11 would keep them all in memory."""
    assert read(BurstReader(), [b"0\r\n", *([b"a: b\r\n" * 100] * 200)])[1] == "error"


def test_early_end_is_an_error() -> None:
    with pytest.raises(h11.RemoteProtocolError):
        BurstReader().read_eof()


def test_installed_while_running_only() -> None:
    addon = FastReads()
    addon.running()
    assert isinstance(chunked_reader(), BurstReader)
    addon.done()
    assert isinstance(chunked_reader(), ChunkedReader)


def test_off_with_an_untested_mitmproxy(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(addons.fast_reads, "is_tested", lambda: False)
    with caplog.at_level("INFO"):
        FastReads().running()
    assert isinstance(chunked_reader(), ChunkedReader)
    assert len(caplog.records) == 1


@pytest.mark.parametrize(("more", "fed"), [([], 3), ([FastReads()], 1)], ids=["off", "on"])
async def test_burst_is_fed_at_once(tmp_path: Path, more: list[object], fed: int) -> None:
    burst = STREAM + chunk(b"a ") + chunk(b"b ") + chunk(b"END") + LAST
    async with rig(tmp_path, more=more) as proxy, Provider(replies(burst)) as provider:
        _, answer = await ask(proxy, provider)
        assert answer.body == b"A B END<end>"
        assert len(answer.pieces) == fed + 1
