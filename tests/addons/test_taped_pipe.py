"""Pipes that are listened to."""

from itertools import count
from typing import override

import pytest
from mitmproxy.http import Headers, Response

from addons import taped_pipe
from addons.heard import Heard
from addons.taped_pipe import Tape, Taped, listen, was_streamed
from converters.errors import Kind, UpstreamError
from converters.events import AnswerText, TextDelta, TextStart
from tests.addons.legs_rig import CHAT, CHAT_PATH, OPENAI, call, live


class Fake:
    """Answers what it was told to, and remembers how it was called."""

    def __init__(self, out: bytes = b"out") -> None:
        self.out, self.calls = out, list[object]()
        self.started = self.over = False
        self.failed: UpstreamError | None = None

    def feed(self, data: bytes) -> bytes:
        self.calls.append(data)
        return self.out

    def close(self) -> bytes:
        self.calls.append("close")
        return self.out

    def fail(self, kind: Kind, message: str) -> bytes:
        self.calls.append((kind, message))
        return self.out

    def heartbeat(self) -> bytes:
        self.calls.append("heartbeat")
        return self.out


def taped(pipe: Fake) -> tuple[Taped, Tape, Tape]:
    upstream, down, ticks = list[tuple[float, bytes]](), list[tuple[float, bytes]](), count(1)
    return Taped(pipe, upstream, down, None, lambda: float(next(ticks))), upstream, down


def test_all_that_comes_and_goes_is_noted_with_its_time() -> None:
    pipe = Fake()
    tape, upstream, down = taped(pipe)
    assert [tape.feed(b"one"), tape.heartbeat(), tape.feed(b"two"), tape.close(), tape.fail(Kind.TIMEOUT, "late")] == [
        b"out"
    ] * 5
    assert upstream == [(1.0, b"one"), (3.0, b"two")]
    assert down == [(1.0, b"out"), (2.0, b"out"), (3.0, b"out"), (4.0, b"out"), (5.0, b"out")]
    assert pipe.calls == [b"one", "heartbeat", b"two", "close", (Kind.TIMEOUT, "late")]


def test_nothing_sent_is_not_noted() -> None:
    tape, upstream, down = taped(Fake(b""))
    assert [tape.feed(b"one"), tape.heartbeat(), tape.close(), tape.fail(Kind.TIMEOUT, "late")] == [b""] * 4
    assert upstream == [(1.0, b"one")]
    assert down == []


def test_it_tells_what_the_pipe_tells() -> None:
    pipe = Fake()
    tape, _, _ = taped(pipe)
    assert (tape.started, tape.over, tape.failed) == (False, False, None)
    pipe.started, pipe.over, pipe.failed = True, True, UpstreamError(Kind.TIMEOUT, "late")
    assert (tape.started, tape.over, tape.failed) == (True, True, pipe.failed)


async def test_a_stream_is_listened_to_once_for_all_who_want_it() -> None:
    flow = await OPENAI.ask(call(CHAT_PATH, {**CHAT, "stream": True}))
    exchange = live(flow)
    assert listen(exchange, flow, lambda: 1.0) == [], "there is no stream yet"
    flow.response = Response.make(200, b"", Headers(content_type="text/event-stream"))
    exchange.pipe = Fake()
    first = listen(exchange, flow, lambda: 1.0)
    assert listen(exchange, flow, lambda: 2.0) is first
    assert exchange.pipe is not None
    exchange.pipe.feed(b"one")
    assert first == [(1.0, b"out")]
    assert exchange.made[-1].chunks == [(1.0, b"one")]
    assert exchange.made[-1].status == 200


async def test_a_stream_that_said_nothing_was_none() -> None:
    flow = await OPENAI.ask(call(CHAT_PATH, {**CHAT, "stream": True}))
    assert not was_streamed(live(flow))
    live(flow).pipe = pipe = Fake()
    assert not was_streamed(live(flow))
    pipe.started = True
    assert was_streamed(live(flow))


def test_a_stream_without_end_does_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taped_pipe, "LONGEST", 45)
    upstream: Tape = []
    down: Tape = []
    heard = Heard()
    heard.add(TextStart(0))

    class Reading(Fake):
        @override
        def feed(self, data: bytes) -> bytes:
            heard.add(TextDelta(0, data.decode()))
            return super().feed(data)

    pipe = Taped(Reading(b"ten bytes."), upstream, down, heard, lambda: 0.0)
    assert [pipe.feed(b"ten bytes.") for _ in range(2)] == [b"ten bytes."] * 2
    assert not pipe.full
    assert heard.done().parts == [AnswerText("ten bytes." * 2)]
    assert [pipe.feed(b"ten bytes.") for _ in range(3)] == [b"ten bytes."] * 3, "the client gets all of it"
    assert pipe.full
    assert sum(len(data) for _, data in upstream + down) == 40
    assert heard.done().parts == []
    assert pipe.close() == b"ten bytes."
    assert len(down) == 2
