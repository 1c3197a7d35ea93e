"""Pipes never raise, never let a broken stream look complete, and never put anything inside a frame."""

import gzip
import tracemalloc
import zlib
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converters.errors import Failure, Kind, UpstreamError
from converters.events import (
    Finish,
    Start,
    StreamEvent,
    TextDelta,
    TextEnd,
    TextStart,
    Usage,
    UsageUpdate,
)
from converters.inflate import Inflate
from converters.pipe import COMMENT, Around, StreamPipe, TeePipe
from converters.sse import Frame, SSEDecoder

EVENTS: dict[bytes, list[StreamEvent]] = {
    b"start": [Start("id", "model")],
    b"usage": [UsageUpdate(Usage(3))],
    b"open": [TextStart(0)],
    b"finish": [TextEnd(0), Finish("stop")],
    b'"finish"': [Finish("stop")],
}


class Reader:
    """Frames named in EVENTS, `kind!` for an error frame, `crash` for a bug of ours; any other frame is text."""

    def __init__(self) -> None:
        self._sse = SSEDecoder()
        self._finished = False

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        yield from self._read(self._sse.feed(data))

    def close(self) -> Iterator[StreamEvent]:
        yield from self._read(self._sse.close())
        if not self._finished:
            raise UpstreamError(Kind.BROKEN_STREAM, "stream ended early")

    def _read(self, found: list[Frame]) -> Iterator[StreamEvent]:
        for _, word in found:
            if word.endswith(b"!"):
                raise UpstreamError(Kind(word[:-1].decode()), "the provider gave up: key-123")
            if word == b"crash":
                raise KeyError("index")
            self._finished = self._finished or b"finish" in word
            yield from EVENTS.get(word, [TextDelta(0, word.decode())])


class Writer:
    """Holds its opening back until there is content, as every writer does."""

    def __init__(self) -> None:
        self._opened = False

    def write(self, event: StreamEvent) -> bytes:
        match event:
            case Start() | UsageUpdate() | TextEnd() | TextStart():
                return b""
            case TextDelta(_, text):
                return self._open() + b"data: " + text.encode() + b"\n\n"
        return self._open() + b"data: %s\n\n" % type(event).__name__.encode()

    def end(self) -> bytes:
        return b"data: END\n\n"

    def error(self, failure: Failure) -> bytes:
        return f"data: ERROR {failure.status} {failure.message}\n\n".encode()

    def heartbeat(self) -> bytes:
        return b"data: PING\n\n"

    def _open(self) -> bytes:
        opening, self._opened = b"" if self._opened else b"data: OPEN\n\n", True
        return opening


def frames(*words: str) -> bytes:
    return "".join(f"data: {word}\n\n" for word in words).encode()


def no_key(text: bytes) -> bytes:
    return text.replace(b"key-123", b"*")


def ignore(event: StreamEvent) -> None:
    pass


def stream_pipe(watch: Callable[[StreamEvent], None] = ignore, **more: object) -> StreamPipe:
    return StreamPipe(Reader(), Writer(), watch, scrub=no_key, **more)  # type: ignore[arg-type]


def tee_pipe(watch: Callable[[StreamEvent], None] = ignore, **more: object) -> TeePipe:
    return TeePipe(Reader(), Writer(), watch, b"data: PING\n\n", scrub=no_key, **more)  # type: ignore[arg-type]


both = pytest.mark.parametrize("make", [stream_pipe, tee_pipe])
type Make = Callable[..., StreamPipe | TeePipe]

WHOLE = frames("start", "usage", "open", "Hello", "wörld 😀", "finish")
PLACES = st.lists(st.integers(0, len(WHOLE)), max_size=12)


def cut(body: bytes, places: list[int]) -> list[bytes]:
    edges = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


# --- the good way ---


@given(PLACES)
def test_20_2c_any_slicing_gives_the_same_client_stream(places: list[int]) -> None:
    pipe = stream_pipe()
    out = b"".join(map(pipe.feed, cut(WHOLE, places))) + pipe.close()
    assert out == frames("OPEN", "Hello", "wörld 😀", "Finish", "END")
    assert pipe.failed is None


@given(PLACES, st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_1_2_a_tee_passes_every_byte_under_any_slicing(places: list[int], line_end: bytes) -> None:
    """1.2: the stream passes byte for byte."""
    body = WHOLE.replace(b"\n", line_end)
    pipe = tee_pipe()
    assert b"".join(map(pipe.feed, cut(body, places))) + pipe.close() == body
    assert pipe.failed is None


@both
def test_an_answer_without_content_is_passed_as_well(make: Make) -> None:
    pipe = make()
    out = pipe.feed(frames("start", "finish")) + pipe.close()
    assert out
    assert pipe.failed is None


@both
def test_all_but_text_deltas_are_watched_in_order(make: Make) -> None:
    seen: list[StreamEvent] = []
    pipe = make(seen.append)
    pipe.feed(WHOLE)
    assert [type(event) for event in seen] == [Start, UsageUpdate, TextStart, TextEnd, Finish]


def test_restore_gives_the_client_other_events_than_are_watched() -> None:
    seen: list[StreamEvent] = []

    def twice(event: StreamEvent) -> list[StreamEvent]:
        return [event, event] if isinstance(event, TextDelta) else [event]

    pipe = stream_pipe(seen.append, restore=twice)
    assert pipe.feed(frames("open", "a", "finish")) == frames("OPEN", "a", "a", "Finish")
    assert [type(event) for event in seen] == [TextStart, TextEnd, Finish]


@both
@pytest.mark.parametrize("size", [1, 20, 10_000])
def test_a_compressed_stream_is_read_and_passed_plain(make: Make, size: int) -> None:
    packed = gzip.compress(WHOLE)
    plain, squeezed = make(), make(undo=Inflate("gzip", 1 << 20))
    slices = [packed[start : start + size] for start in range(0, len(packed), size)]
    assert b"".join(map(squeezed.feed, slices)) + squeezed.close() == plain.feed(WHOLE) + plain.close()


# --- before anything was handed out ---


@both
def test_what_opens_an_answer_is_held_until_its_content(make: Make) -> None:
    pipe = make()
    assert pipe.feed(frames("start", "usage")) == b""
    assert not pipe.started
    assert pipe.feed(frames("text")) != b""
    assert pipe.started


@both
@pytest.mark.parametrize("before", [(), ("start",), ("start", "usage")])
@pytest.mark.parametrize(
    ("bad", "kind"),
    [("overloaded!", Kind.OVERLOADED), ("broken_stream!", Kind.BROKEN_STREAM), ("crash", Kind.BROKEN_STREAM)],
)
@pytest.mark.parametrize("together", [True, False])
def test_an_error_before_content_says_nothing_so_that_an_http_error_is_possible(
    make: Make, before: tuple[str, ...], bad: str, kind: Kind, together: bool
) -> None:
    pipe = make()
    if together:
        assert pipe.feed(frames(*before, bad)) == b""
    else:
        assert pipe.feed(frames(*before)) + pipe.feed(frames(bad)) == b""
    assert pipe.failed is not None
    assert pipe.failed.kind is kind
    assert not pipe.started


@both
def test_content_and_error_in_one_first_read_can_still_be_an_http_error(make: Make) -> None:
    pipe = make()
    assert pipe.feed(frames("start", "Hello", "server!")) == b""
    assert pipe.failed is not None
    assert not pipe.started


@both
@pytest.mark.parametrize("end", ["close", "fail"])
def test_an_end_before_content_says_nothing(make: Make, end: str) -> None:
    pipe = make()
    pipe.feed(frames("start"))
    out = pipe.close() if end == "close" else pipe.fail(Kind.TIMEOUT, "silent")
    assert out == b""
    assert pipe.failed is not None
    assert pipe.failed.kind is (Kind.BROKEN_STREAM if end == "close" else Kind.TIMEOUT)


# --- after something was handed out ---


def test_15_3_an_error_in_mid_stream_is_the_clients_error_event() -> None:
    pipe = stream_pipe()
    pipe.feed(frames("start", "Hello"))
    assert pipe.feed(frames("more", "overloaded!", "late")) == frames("more", "ERROR 503 the provider gave up: *")


def test_15_3_a_tee_passes_the_providers_own_error_event() -> None:
    """It is in the client's protocol already; only our credential is taken out."""
    pipe = tee_pipe()
    pipe.feed(frames("start", "Hello"))
    body = frames("more", "overloaded!")
    assert pipe.feed(body) == body
    assert pipe.failed is not None
    assert pipe.failed.kind is Kind.OVERLOADED
    assert pipe.close() == b""


def test_15_2_a_tee_takes_our_credential_out_of_an_error_event() -> None:
    pipe = TeePipe(Reader(), Writer(), ignore, scrub=lambda text: text.replace(b"overloaded", b"***"))
    pipe.feed(frames("Hello"))
    assert pipe.feed(frames("overloaded!")) == frames("***!")


@both
def test_14_7_a_cut_stream_ends_with_an_error_event_and_never_with_the_end(make: Make) -> None:
    pipe = make()
    pipe.feed(frames("start", "Hello"))
    assert pipe.close() == frames("ERROR 502 stream ended early")


@both
def test_14_7_a_silent_provider_is_a_timeout(make: Make) -> None:
    pipe = make()
    pipe.feed(frames("start", "Hello"))
    assert pipe.fail(Kind.TIMEOUT, "silent for 5 s") == frames("ERROR 504 silent for 5 s")


@both
def test_a_bug_of_ours_is_an_error_event_and_no_exception(make: Make) -> None:
    pipe = make()
    pipe.feed(frames("Hello"))
    assert pipe.feed(frames("crash")) == frames("ERROR 502 the provider's stream could not be read (KeyError)")


@both
def test_damaged_compression_is_an_error_event(make: Make) -> None:
    pack = zlib.compressobj(wbits=31)
    pipe = make(undo=Inflate("gzip", 1 << 20))
    assert pipe.feed(pack.compress(frames("Hello")) + pack.flush(zlib.Z_SYNC_FLUSH))
    out = pipe.feed(b"\x07")  # a block of a type that does not exist
    assert out.startswith(frames("ERROR 502 damaged compressed body")[:-2])
    assert out.endswith(b"\n\n")
    assert pipe.failed is not None
    assert pipe.failed.kind is Kind.BROKEN_STREAM


@both
def test_fail_after_the_finish_is_a_clean_end(make: Make) -> None:
    """An answer that had finished is complete, however the provider hung up."""
    clean, cut_off = make(), make()
    assert cut_off.feed(WHOLE) == clean.feed(WHOLE)
    assert cut_off.fail(Kind.BROKEN_STREAM, "reset") == clean.close()
    assert cut_off.failed is None


@both
@pytest.mark.parametrize(
    "end", [lambda p: p.close(), lambda p: p.fail(Kind.TIMEOUT, "x"), lambda p: p.feed(frames("server!"))]
)
@pytest.mark.parametrize("body", [frames("Hello"), WHOLE])
def test_nothing_comes_after_the_end(make: Make, end: Callable[[StreamPipe | TeePipe], bytes], body: bytes) -> None:
    pipe = make()
    pipe.feed(body)
    end(pipe)
    assert pipe.feed(frames("late")) + pipe.close() + pipe.fail(Kind.SERVER, "late") + pipe.heartbeat() == b""


# --- frames are whole ---


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@given(where=st.integers(1, len(frames("Hello", "wörld", "x"))))
def test_14_7_half_a_frame_is_never_sent(line_end: bytes, where: int) -> None:
    """Half a JSON text is a corrupt event, and would run into the error event that follows."""
    body = frames("Hello", "wörld", "x").replace(b"\n", line_end)
    pipe = tee_pipe()
    out = pipe.feed(frames("first")) + pipe.feed(body[:where]) + pipe.fail(Kind.TIMEOUT, "silent")
    sse = SSEDecoder()
    words = [data.decode() for _, data in sse.feed(out)]
    assert words[0] == "first"
    assert words[-1] == "ERROR 504 silent"
    assert words[1:-1] == ["Hello", "wörld", "x"][: len(words) - 2]
    assert sse.close() == []


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
@given(places=PLACES)
def test_heartbeats_change_nothing_in_what_a_client_reads(line_end: bytes, places: list[int]) -> None:
    """One after every slice, also between CR and LF and inside a frame of several lines."""
    body = (frames("start", "first") + b"event: a\ndata: 1\ndata: 2\n\n" + frames("finish")).replace(b"\n", line_end)
    pipe = tee_pipe()
    out = b""
    for piece in cut(body, places):
        out += pipe.feed(piece) + pipe.heartbeat()
    out += pipe.close()

    def read(stream: bytes) -> list[tuple[bytes, bytes]]:
        sse = SSEDecoder()
        return [frame for frame in sse.feed(stream) + sse.close() if frame[1] != b"PING"]

    assert read(out) == read(body)


def test_a_tee_sends_a_comment_before_the_opening_and_a_frame_of_the_protocol_after_it() -> None:
    """An Anthropic ping may only follow `message_start`."""
    pipe = tee_pipe()
    assert pipe.heartbeat() == COMMENT
    assert pipe.heartbeat() == COMMENT
    assert pipe.feed(frames("start")) == frames("start")
    assert pipe.heartbeat() == frames("PING")


def test_a_heartbeat_lets_go_of_a_held_opening() -> None:
    pipe = tee_pipe()
    pipe.feed(frames("start"))
    assert pipe.heartbeat() == frames("start", "PING")
    assert pipe.started


@pytest.mark.parametrize("line_end", [b"\n", b"\r\n", b"\r"])
def test_a_frame_waits_until_it_is_whole_and_heartbeats_do_not_wait_for_it(line_end: bytes) -> None:
    def ended(text: bytes) -> bytes:
        return text.replace(b"\n", line_end)

    pipe = tee_pipe()
    assert pipe.feed(ended(frames("Hello")) + b"event: a" + line_end + b"data: ha") == ended(frames("Hello"))
    assert pipe.heartbeat() == frames("PING")
    assert pipe.feed(b"lf" + line_end) == b""
    assert pipe.heartbeat() == frames("PING")
    assert pipe.feed(line_end) == ended(b"event: a\ndata: half\n\n")


def test_14_1_a_last_frame_without_its_blank_line_passes_at_the_end() -> None:
    pipe = tee_pipe()
    assert pipe.feed(frames("Hello") + b'data: "finish"') + pipe.close() == frames("Hello") + b'data: "finish"'


@pytest.mark.parametrize("rest", [b'data: {"usage": {"tot', b"event: usage\ndata: {", b"data: [DO"])
def test_14_7_half_a_frame_behind_the_finish_is_left_out(rest: bytes) -> None:
    pipe = tee_pipe()
    assert pipe.feed(frames("Hello", "finish") + rest) + pipe.close() == frames("Hello", "finish")
    assert pipe.failed is None


def test_nothing_follows_a_terminal_event() -> None:
    """A provider may keep the connection open for a while after its last event."""
    pipe = tee_pipe()
    pipe.feed(WHOLE)
    assert pipe.heartbeat() == b""


def test_after_a_heartbeat_an_error_is_an_event() -> None:
    pipe = stream_pipe()
    assert pipe.heartbeat() == frames("PING")
    assert pipe.started
    assert pipe.feed(frames("overloaded!")) == frames("ERROR 503 the provider gave up: *")


@pytest.mark.parametrize("kind", [StreamPipe, TeePipe])
def test_20_a_pipe_that_broke_keeps_nothing_of_what_it_read(kind: type[StreamPipe | TeePipe]) -> None:
    """A flow stays in memory until the garbage collector comes; an endless line must not stay with it."""
    pipe = kind(Reader(), Writer(), lambda _: None)
    tracemalloc.start()
    try:
        pipe.feed(b"data: text\n\n")
        for _ in range(33):
            pipe.feed(bytes(2**20))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert pipe.failed is not None
    assert held < 2**20


class Late:
    """Gives everything only at the end."""

    def __init__(self) -> None:
        self.held = b""

    def feed(self, data: bytes) -> bytes:
        self.held += data
        return b""

    def close(self) -> bytes:
        return self.held


class Damaged(Late):
    def close(self) -> bytes:
        raise ValueError("cut off")


@both
def test_what_was_held_back_to_the_end_is_passed_then(make: Make) -> None:
    plain, late = make(), make(undo=Late())
    assert late.feed(WHOLE) == b""
    assert late.close() == plain.feed(WHOLE) + plain.close()
    assert late.failed is None


@both
def test_what_cannot_be_undone_at_the_end_is_an_error(make: Make) -> None:
    pipe = make(undo=Damaged())
    assert pipe.feed(WHOLE) + pipe.close() == b""
    assert pipe.failed is not None
    assert pipe.failed.kind is Kind.BROKEN_STREAM


def test_9_a_reader_may_end_the_answer_by_itself() -> None:
    """9: a stop sequence that the provider's protocol has no field for."""
    pipe = stream_pipe()
    assert pipe.feed(frames("open", "a")) == frames("OPEN", "a")
    assert not pipe.over
    pipe._cutter = Ended()
    last = pipe.feed(frames("finish"))
    assert last
    assert pipe.over
    assert pipe.failed is None
    assert pipe.feed(WHOLE) == pipe.close() == b""


class Ended:
    cut = True


class _Known:
    """A pipe that says which of its methods was called."""

    started, over = True, False
    failed = UpstreamError(Kind.SERVER, "x")

    def feed(self, data: bytes) -> bytes:
        return b"fed " + data

    def close(self) -> bytes:
        return b"closed"

    def fail(self, kind: Kind, message: str) -> bytes:
        return f"failed {kind} {message}".encode()

    def heartbeat(self) -> bytes:
        return b"beat"


def test_what_a_pipe_around_another_does_not_change_passes() -> None:
    inner = _Known()
    outer = Around(inner)
    assert (outer.started, outer.over, outer.failed) == (True, False, inner.failed)
    assert (outer.feed(b"x"), outer.close(), outer.heartbeat()) == (b"fed x", b"closed", b"beat")
    assert outer.fail(Kind.TIMEOUT, "late") == b"failed timeout late"
