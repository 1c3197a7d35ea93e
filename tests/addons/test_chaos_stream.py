"""Streams that fail: where they end, and that none of them looks complete."""

from collections.abc import Iterator

import pytest

from addons.chaos_plan import Strike
from addons.chaos_stream import PAGE, Break, BrokenPipe, FailedPipe, FaultyPipe, Splitter
from addons.relay import Pipe
from converters.errors import Kind, UpstreamError

EVENTS = [b'data: {"n": %d}\n\n' % n for n in range(5)]
STREAM = b"".join(EVENTS)


class Recorder:
    """A pipe that passes what it gets. said: how it was ended."""

    def __init__(self, *, over_after: int = 99) -> None:
        self.started = self.over = False
        self.failed: UpstreamError | None = None
        self.got: list[bytes] = []
        self.said: list[object] = []
        self._left = over_after

    def feed(self, data: bytes) -> bytes:
        self.got.append(data)
        self._left -= 1
        self.over = self._left == 0
        self.started = True
        return data

    def close(self) -> bytes:
        self.over = True
        self.said.append("close")
        return b""

    def fail(self, kind: Kind, message: str) -> bytes:
        self.over, self.failed = True, UpstreamError(kind, message)
        self.said.append(kind)
        return b"ERROR" if self.started else b""

    def heartbeat(self) -> bytes:
        return b": beat\n\n"


def slices(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
@pytest.mark.parametrize("size", [1, 3, 1000])
def test_events_are_found_in_any_slices(end: bytes, size: int) -> None:
    splitter = Splitter()
    events = [b"data: a" + end, b"data: b" + end]
    assert [e for part in slices(b"".join(events) + b"data: c", size) for e in splitter.feed(part)] == events
    assert (splitter.rest(), splitter.rest()) == (b"data: c", b"")


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("after", [0, 1, 4])
def test_a_cut_stream_ends_within_the_event_after_those_that_pass(after: int, size: int) -> None:
    broken = Break(Strike("cut", after))
    out = b"".join(broken.feed(part) for part in slices(STREAM, size))
    half = EVENTS[after][: 5 + (len(EVENTS[after]) - 5) // 2]
    assert out == b"".join(EVENTS[:after]) + half
    assert broken.struck


@pytest.mark.parametrize("fault", ["cut", "stall", "garbage"])
@pytest.mark.parametrize("after", [5, 6, 99])
def test_a_stream_that_is_shorter_loses_its_last_event(fault: str, after: int) -> None:
    broken = Break(Strike(fault, after))
    out = broken.feed(STREAM) + broken.feed(b"", ended=True)
    assert out.startswith(b"".join(EVENTS[:4]))
    assert EVENTS[4] not in out
    assert broken.struck


@pytest.mark.parametrize("after", [0, 1, 20, 33, 79])
def test_bytes_are_counted_exactly(after: int) -> None:
    assert Break(Strike("cut", after, in_bytes=True)).feed(STREAM) == STREAM[:after]
    assert Break(Strike("stall", after, in_bytes=True)).feed(STREAM) == STREAM[:after]
    assert Break(Strike("garbage", after, in_bytes=True)).feed(STREAM) == STREAM[:after] + PAGE + b"\n\n"


def test_more_bytes_than_there_are_still_lose_some() -> None:
    out = Break(Strike("cut", 5000, in_bytes=True)).feed(STREAM, ended=True)
    assert STREAM.startswith(out)
    assert len(STREAM) - len(EVENTS[4]) < len(out) < len(STREAM)


def test_garbage_stands_where_a_reader_looks_at_it() -> None:
    stream = b'event: a\ndata: {}\n\nevent: content\ndata: {"a": 1}\n\n'
    out = Break(Strike("garbage", 1)).feed(stream)
    assert out == b'event: a\ndata: {}\n\nevent: content\ndata: {"a"' + PAGE + b"\n\n"


def test_heartbeats_are_no_events() -> None:
    stream = b": keep-alive\n\n" + EVENTS[0] + b"event: ping\ndata: {}\n\n" + EVENTS[1]
    out = Break(Strike("garbage", 0)).feed(stream)
    assert out.startswith(b": keep-alive\n\ndata: ")
    assert Break(Strike("stall", 1)).feed(stream).endswith(EVENTS[0])


def test_an_array_is_cut_between_its_elements() -> None:
    out = Break(Strike("stall", 2), array=True).feed(b'[{"a":1},\r\n{"a":2},\r\n{"a":3}]', ended=True)
    assert out == b'[{"a":1},\r\n{"a":2},\r\n'


def test_a_struck_pipe_is_over_and_well_and_says_nothing_more() -> None:
    inner = Recorder()
    pipe: Pipe = BrokenPipe(inner, Strike("stall", 2))
    assert (pipe.feed(b"".join(EVENTS[:2])), pipe.started, pipe.over) == (EVENTS[0], True, False)
    assert pipe.heartbeat() == b": beat\n\n"
    assert (pipe.feed(EVENTS[2]), pipe.over, pipe.failed) == (EVENTS[1], True, None)
    assert (pipe.feed(EVENTS[3]), pipe.close(), pipe.fail(Kind.TIMEOUT, "late"), pipe.heartbeat()) == (b"",) * 4
    assert (pipe.failed, inner.said) == (None, [])


@pytest.mark.parametrize("over_after", [1, 99])
def test_a_pipe_is_struck_at_its_end_at_the_latest(over_after: int) -> None:
    pipe = BrokenPipe(Recorder(over_after=over_after), Strike("cut", 99))
    out = pipe.feed(STREAM) + pipe.close()
    assert pipe.struck
    assert out.startswith(b"".join(EVENTS[:4]))
    assert len(out) < len(STREAM)


def test_a_provider_that_fails_by_itself_is_told_as_it_is() -> None:
    pipe = BrokenPipe(Recorder(), Strike("cut", 3))
    assert pipe.feed(EVENTS[0] + b"data: ha") == b""
    assert pipe.fail(Kind.TIMEOUT, "late") == EVENTS[0] + b"data: haERROR"
    assert (pipe.struck, pipe.failed is not None) == (False, True)

    fresh = BrokenPipe(Recorder(), Strike("cut", 3))
    assert (fresh.fail(Kind.TIMEOUT, "late"), fresh.started) == (b"", False)
    assert fresh.failed is not None


def test_a_failed_pipe_was_never_well() -> None:
    error = UpstreamError(Kind.RATE_LIMIT, "no")
    pipe: Pipe = FailedPipe(error)
    assert (pipe.feed(STREAM), pipe.close(), pipe.fail(Kind.TIMEOUT, ""), pipe.heartbeat()) == (b"",) * 4
    assert (pipe.started, pipe.over, pipe.failed) == (False, True, error)


@pytest.mark.parametrize("size", [1, 1000])
@pytest.mark.parametrize(("fault", "kind"), [("cut", Kind.BROKEN_STREAM), ("stall", Kind.TIMEOUT)])
def test_a_faulty_provider_is_cut_after_its_events(fault: str, kind: Kind, size: int) -> None:
    inner = Recorder()
    pipe: Pipe = FaultyPipe(inner, Strike(fault, 2), UpstreamError(kind, "on purpose"), framed=True)
    out = b""
    for part in slices(STREAM, size):
        out += pipe.feed(part)
        if pipe.over:
            break
    assert out == EVENTS[0] + EVENTS[1] + b"ERROR"
    assert (pipe.failed and pipe.failed.kind, inner.got) == (kind, EVENTS[:2])


def test_a_faulty_providers_garbage_is_read() -> None:
    inner = Recorder()
    pipe = FaultyPipe(inner, Strike("garbage", 1), UpstreamError(Kind.BROKEN_STREAM, "x"), framed=True)
    pipe.feed(STREAM)
    assert inner.got == [EVENTS[0], EVENTS[1][:8] + PAGE + b"\n\n"]


def test_reads_are_counted_where_there_are_no_events() -> None:
    inner = Recorder()
    pipe = FaultyPipe(inner, Strike("cut", 2), UpstreamError(Kind.BROKEN_STREAM, "x"), framed=False)
    assert [pipe.feed(b"\x00" * 9) for _ in range(3)] == [b"\x00" * 9, b"\x00" * 9, b"ERROR"]


def test_a_short_stream_of_a_faulty_provider_ends_well() -> None:
    inner = Recorder()
    pipe = FaultyPipe(inner, Strike("cut", 99), UpstreamError(Kind.BROKEN_STREAM, "x"), framed=True)
    assert pipe.feed(STREAM + b"data: rest") + pipe.close() == STREAM + b"data: rest"
    assert (inner.said, pipe.failed, pipe.heartbeat()) == (["close"], None, b": beat\n\n")
