"""A pipe that is listened to: what came of a provider's stream and what went to the client, each with its time."""

from collections.abc import Callable
from typing import override

from mitmproxy.http import HTTPFlow

from addons.exchange import Exchange
from addons.heard import Heard
from addons.relay import Pipe
from converters.errors import Kind
from converters.pipe import Around

LONGEST = 16 * 1024 * 1024  # bytes of a stream, in and out, that are noted

type Tape = list[tuple[float, bytes]]


def listen(exchange: Exchange, flow: HTTPFlow, clock: Callable[[], float]) -> Tape:
    """Called when a head is here: a stream is listened to on its way, once for all who want that. What came of the provider is
    in its attempt's `chunks`. Gives what goes to the client, [] where there is no stream. clock: unix seconds."""
    pipe = exchange.pipe
    if pipe is None:
        return []
    if isinstance(pipe, Taped):
        return pipe.down
    upstream: Tape = []
    if exchange.made:
        made = exchange.made[-1]
        upstream = made.chunks
        if made.status is None and flow.response is not None:  # the client may leave before anybody tells the rest
            made.status, made.answer_headers = flow.response.status_code, flow.response.headers.fields
    exchange.pipe = taped = Taped(pipe, upstream, [], exchange.heard, clock)
    return taped.down


def was_streamed(exchange: Exchange) -> bool:
    """Whether the client's answer is a stream. One that broke before it said anything became a whole answer, an error."""
    return exchange.pipe is not None and exchange.pipe.started


class Taped(Around):
    """Around a pipe. upstream, down: where input and output are noted; the caller's. heard: what the pipe has read. clock: unix
    seconds.

    Output that is empty is not noted: nothing was sent. full: so much has come and gone that the rest was not noted, and what was
    heard is forgotten.
    """

    def __init__(self, pipe: Pipe, upstream: Tape, down: Tape, heard: Heard | None, clock: Callable[[], float]) -> None:
        super().__init__(pipe)
        self._upstream, self.down, self._heard, self._clock = upstream, down, heard, clock
        self._room = LONGEST

    @property
    def full(self) -> bool:
        return self._room < 0

    @override
    def feed(self, data: bytes) -> bytes:
        now = self._clock()
        out = self._pipe.feed(data)
        self._room -= len(data) + len(out)
        if self._room >= 0:
            self._upstream.append((now, data))
            if out:
                self.down.append((now, out))
        elif self._heard:
            self._heard.forget()
        return out

    @override
    def close(self) -> bytes:
        return self._sent(self._pipe.close())

    @override
    def fail(self, kind: Kind, message: str) -> bytes:
        return self._sent(self._pipe.fail(kind, message))

    @override
    def heartbeat(self) -> bytes:
        return self._sent(self._pipe.heartbeat())

    def _sent(self, out: bytes) -> bytes:
        self._room -= len(out)
        if out and self._room >= 0:
            self.down.append((self._clock(), out))
        return out
