"""Streams that fail, as pipes around good ones. No clock, no network: silence and cut connections are the addon's."""

import re
from typing import override

from addons.chaos_plan import Strike
from addons.relay import Pipe
from converters.errors import Kind, UpstreamError
from converters.pipe import Around

PAGE = b"<html><body><h1>502 Bad Gateway</h1></body></html>"  # what gateways on the way say in the middle of it
_EVENT_END = re.compile(rb"\r?\n\r?\n|\r\r")
_ELEMENT_END = re.compile(rb",\r\n")  # between two elements of a stream that is one JSON array
_IDLE = (b":", b"event: ping")  # heartbeats say nothing: broken, nobody would notice


class Splitter:
    """Any slices of a stream -> its events, each with its end."""

    def __init__(self, *, array: bool = False) -> None:
        self._end = _ELEMENT_END if array else _EVENT_END
        self._buffer = b""

    def feed(self, data: bytes) -> list[bytes]:
        self._buffer += data
        events = []
        while end := self._end.search(self._buffer):
            events.append(self._buffer[: end.end()])
            self._buffer = self._buffer[end.end() :]
        return events

    def rest(self) -> bytes:
        """What has no end yet; it is given once."""
        rest, self._buffer = self._buffer, b""
        return rest


class Break:
    """A client's stream up to the fault, and what of the fault are bytes.

    One event is always held back, so that also a stream with fewer events than should pass does not end well.
    """

    def __init__(self, strike: Strike, *, array: bool = False) -> None:
        self.struck = False
        self._strike = strike
        self._events = Splitter(array=array)
        self._held: bytes | None = None
        self._passed = 0  # events, or bytes

    def feed(self, data: bytes, *, ended: bool = False) -> bytes:
        """What may go out. ended: the stream is complete."""
        out: list[bytes] = []
        events = self._events.feed(data)
        if ended and (rest := self._events.rest()):
            events.append(rest)
        for event in events:
            if self.struck:
                break
            if event.startswith(_IDLE):
                out.append(event)
                continue
            out.append(self._release())
            if self._is_next(event):
                out.append(self._broken(event))
            else:
                self._held = event
        if ended and not self.struck:
            out.append(self._broken(self._held or b""))
        return b"".join(out)

    def give_up(self) -> bytes:
        """What is held back: the stream failed by itself."""
        return self._release() + self._events.rest()

    def _release(self) -> bytes:
        held, self._held = self._held, None
        if held is None:
            return b""
        self._passed += len(held) if self._strike.in_bytes else 1
        return held

    def _is_next(self, event: bytes) -> bool:
        size = len(event) if self._strike.in_bytes else 1
        return self._passed + size > self._strike.after

    def _broken(self, event: bytes) -> bytes:
        """What is left of the event that the fault strikes."""
        self.struck = True
        fault, in_bytes = self._strike.fault, self._strike.in_bytes
        place = self._strike.after - self._passed
        if not in_bytes or place >= len(event):
            if fault == "stall":
                return b""
            # Behind the name of the field, so that a reader does look at it.
            start = event.find(b"data:") + len(b"data:") if b"data:" in event else 0
            place = start + (len(event) - start) // 2
        return event[:place] + (PAGE + b"\n\n" if fault == "garbage" else b"")


class BrokenPipe:
    """A client's stream that is struck on its way out. struck: it was; what comes then is for the owner to do."""

    def __init__(self, pipe: Pipe, strike: Strike, *, array: bool = False) -> None:
        self._pipe = pipe
        self._break = Break(strike, array=array)
        self.started = False

    @property
    def struck(self) -> bool:
        return self._break.struck

    @property
    def over(self) -> bool:
        return self.struck or self._pipe.over

    @property
    def failed(self) -> UpstreamError | None:
        return None if self.struck else self._pipe.failed

    def feed(self, data: bytes) -> bytes:
        return b"" if self.struck else self._sent(self._pipe.feed(data), ended=self._pipe.over)

    def close(self) -> bytes:
        return b"" if self.struck else self._sent(self._pipe.close(), ended=True)

    def fail(self, kind: Kind, message: str) -> bytes:
        return b"" if self.struck else self._sent(self._pipe.fail(kind, message), ended=True)

    def heartbeat(self) -> bytes:
        return b"" if self.struck else self._started(self._pipe.heartbeat())

    def _sent(self, out: bytes, *, ended: bool) -> bytes:
        if self._pipe.failed is not None:  # a fault of its own is fault enough
            return self._started(self._break.give_up() + out)
        return self._started(self._break.feed(out, ended=ended))

    def _started(self, out: bytes) -> bytes:
        self.started = self.started or bool(out)
        return out


class FailedPipe:
    """A provider that failed before its first word. over: from the beginning."""

    started = False
    over = True

    def __init__(self, error: UpstreamError) -> None:
        self.failed: UpstreamError | None = error

    def feed(self, data: bytes) -> bytes:
        return b""

    def close(self) -> bytes:
        return b""

    def fail(self, kind: Kind, message: str) -> bytes:
        return b""

    def heartbeat(self) -> bytes:
        return b""


class FaultyPipe(Around):
    """A provider's stream that is struck before our pipe reads it, which then says so in the client's protocol.

    framed: what comes is Server-Sent Events, to be counted; else each read counts for one. A stream that has ended before
    the fault's place is as good as it was.
    """

    def __init__(self, pipe: Pipe, strike: Strike, error: UpstreamError, *, framed: bool) -> None:
        super().__init__(pipe)
        self._strike = strike
        self._error = error
        self._events = Splitter() if framed else None
        self._passed = 0

    @override
    def feed(self, data: bytes) -> bytes:
        out = []
        for event in [data] if self._events is None else self._events.feed(data):
            size = len(event) if self._strike.in_bytes else 1
            if self._passed + size > self._strike.after:
                out.append(self._struck(event))
                break
            self._passed += size
            out.append(self._pipe.feed(event))
        return b"".join(out)

    @override
    def close(self) -> bytes:
        rest = self._events.rest() if self._events is not None else b""
        return (self._pipe.feed(rest) if rest else b"") + self._pipe.close()

    def _struck(self, event: bytes) -> bytes:
        out = b""
        if self._strike.fault == "garbage":
            out = self._pipe.feed(event[: len(event) // 2] + PAGE + b"\n\n")
        return out + self._pipe.fail(self._error.kind, str(self._error))
