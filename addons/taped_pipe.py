"""A pipe that is listened to: what came of a provider's stream and what went to the client, each with its time."""

from collections.abc import Callable

from addons.relay import Pipe
from converters.errors import Kind, UpstreamError

type Tape = list[tuple[float, bytes]]


class Taped:
    """Around a pipe. upstream, down: where input and output are noted; the caller's. clock: unix seconds.

    Output that is empty is not noted: nothing was sent.
    """

    def __init__(self, pipe: Pipe, upstream: Tape, down: Tape, clock: Callable[[], float]) -> None:
        self._pipe, self._upstream, self._down, self._clock = pipe, upstream, down, clock

    @property
    def started(self) -> bool:
        return self._pipe.started

    @property
    def over(self) -> bool:
        return self._pipe.over

    @property
    def failed(self) -> UpstreamError | None:
        return self._pipe.failed

    def feed(self, data: bytes) -> bytes:
        now = self._clock()
        self._upstream.append((now, data))
        if out := self._pipe.feed(data):
            self._down.append((now, out))
        return out

    def close(self) -> bytes:
        return self._sent(self._pipe.close())

    def fail(self, kind: Kind, message: str) -> bytes:
        return self._sent(self._pipe.fail(kind, message))

    def heartbeat(self) -> bytes:
        return self._sent(self._pipe.heartbeat())

    def _sent(self, out: bytes) -> bytes:
        if out:
            self._down.append((self._clock(), out))
        return out
