"""Pipes: a provider's stream in, the client's stream out. The host calls `feed` once per read.

Both kinds hold back what opens an answer until its first content, so that a provider that fails at once can still be
answered with an HTTP error (or, elsewhere, with another attempt); `started` says that something was handed out. Neither
ever raises: an exception in a host's stream callback would lose a chunk and leave an answer that looks complete.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, override, runtime_checkable

from converters.errors import Kind, UpstreamError, failure_of
from converters.events import Finish, Start, StreamEvent, TextDelta, UsageUpdate
from converters.json_codec import loads
from converters.sse import DONE, SSEDecoder
from converters.wire import Follows, StreamReader, StreamWriter

type Watch = Callable[[StreamEvent], None]
type Scrub = Callable[[bytes], bytes]

COMMENT = b": keep-alive\n\n"
_OPENING = (Start, UsageUpdate)  # events that hold no content yet
_BLANK_LINE = (b"\n\n", b"\n\r\n", b"\n\r", b"\r\r")  # an empty line after LF, CRLF or CR


class Undo(Protocol):
    """Takes a content coding or an envelope off. Raises UpstreamError when the bytes are no such thing, or grow past a limit."""

    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> bytes:
        """What was held back, at the stream's end."""
        ...


class Pipe(Protocol):
    """Upstream bytes in, the client's stream out; b"" where there is nothing to send. Never raises.

    started: something was handed out. over: nothing more will be, though the provider may go on. failed: the error that ended the
    stream. When it is set by `feed`, `close` or `fail` and nothing was started, they return b"" and an HTTP error is still possible;
    else their last bytes are the error event.
    """

    @property
    def started(self) -> bool: ...

    @property
    def over(self) -> bool: ...

    @property
    def failed(self) -> UpstreamError | None: ...

    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> bytes:
        """The upstream ended in good order."""
        ...

    def fail(self, kind: Kind, message: str) -> bytes:
        """The upstream was cut, fell silent or sent garbage."""
        ...

    def heartbeat(self) -> bytes: ...


class Around:
    """A pipe around another one. What a subclass does not change passes."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe

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
        return self._pipe.feed(data)

    def close(self) -> bytes:
        return self._pipe.close()

    def fail(self, kind: Kind, message: str) -> bytes:
        return self._pipe.fail(kind, message)

    def heartbeat(self) -> bytes:
        return self._pipe.heartbeat()


@runtime_checkable
class Cuts(Protocol):
    """A reader that may end the answer by its own decision, where the provider cannot be told where to stop."""

    @property
    def cut(self) -> bool: ...


class _Pipe:
    """What both kinds share.

    failed: the error that ended the stream, None while all is well. After an error or `close` nothing more is given.
    heard: gets every event as the reader gave it. scrub: takes out of an error's frames what a provider must not tell (some echo the credential).
    """

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        watch: Watch,
        undo: Undo | None,
        scrub: Scrub | None,
        heard: Watch | None,
    ) -> None:
        self.started = False
        self.failed: UpstreamError | None = None
        self._finished = False
        self._over = False
        self._reader = reader
        self._writer = writer
        self._watch = watch
        self._undo = undo
        self._scrub = scrub or bytes
        self._heard = heard

    @property
    def over(self) -> bool:
        """Nothing more will be given, whatever comes: the answer has ended, well or with `failed`."""
        return self._over

    def _note(self, event: StreamEvent) -> None:
        """Text deltas, nearly all events, are not worth watching: callers leave them out."""
        if type(event) is Finish:
            self._finished = True
        self._watch(event)

    def _error_frames(self, error: UpstreamError) -> bytes:
        return self._scrub(self._writer.error(failure_of(error)))

    def _break(self, error: UpstreamError, sent: bytes) -> bytes:
        """End with the client protocol's error event; nothing at all while an HTTP error is still possible."""
        self._give_up(error)
        if not self.started:
            return b""
        return sent + self._error_frames(error)

    def _give_up(self, error: UpstreamError) -> None:
        """Its traceback would keep every frame's bytes in memory as long as the pipe is known."""
        self.failed, self._over = error.with_traceback(None), True


def _as_upstream_error(error: Exception) -> UpstreamError:
    if isinstance(error, UpstreamError):
        return error
    return UpstreamError(Kind.BROKEN_STREAM, f"the provider's stream could not be read ({type(error).__name__})")


class StreamPipe(_Pipe):
    """Cross-protocol: reader -> events -> (restore) -> writer.

    restore: maps one event of the provider to the events the client should see (its own tool names ...), None if they are
    the same.
    """

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        watch: Watch,
        restore: Callable[[StreamEvent], Iterable[StreamEvent]] | None = None,
        undo: Undo | None = None,
        scrub: Scrub | None = None,
        heard: Watch | None = None,
    ) -> None:
        super().__init__(reader, writer, watch, undo, scrub, heard)
        self._restore = restore
        self._cutter = reader if isinstance(reader, Cuts) else None

    def feed(self, data: bytes) -> bytes:
        if self._over:
            return b""
        out: list[bytes] = []
        try:
            if self._undo:
                data = self._undo.feed(data)
            self._write(self._reader.feed(data), out)
        except Exception as error:
            return self._break(_as_upstream_error(error), b"".join(out))
        sent = self._sent(out)
        return sent + self.close() if self._cutter and self._cutter.cut else sent

    def close(self) -> bytes:
        """The upstream ended in good order; whether its answer did is for the reader to say."""
        if self._over:
            return b""
        self._over = True
        out: list[bytes] = []
        try:
            if self._undo:
                self._write(self._reader.feed(self._undo.close()), out)
            self._write(self._reader.close(), out)
            out.append(self._writer.end())
        except Exception as error:
            return self._break(_as_upstream_error(error), b"".join(out))
        return self._sent(out)

    def fail(self, kind: Kind, message: str) -> bytes:
        """The upstream was cut off or fell silent. An answer that had already finished is complete all the same."""
        if self._over:
            return b""
        if self._finished:
            return self.close()
        return self._break(UpstreamError(kind, message), b"")

    def heartbeat(self) -> bytes:
        if self._over:
            return b""
        return self._sent([self._writer.heartbeat()])

    def _write(self, events: Iterable[StreamEvent], out: list[bytes]) -> None:
        write, restore, heard = self._writer.write, self._restore, self._heard
        for event in events:
            if heard is not None:
                heard(event)
            if type(event) is not TextDelta:
                self._note(event)
            if restore is None:
                out.append(write(event))
            else:
                out.extend(map(write, restore(event)))

    def _sent(self, out: list[bytes]) -> bytes:
        sent = b"".join(out)
        if sent:
            self.started = True
        return sent


class TeePipe(_Pipe):
    """Same protocol on both sides: every byte passes as it came; the reader only watches.

    Bytes pass frame by frame: a stream cut inside a frame must not leave half a JSON text before the error event, and what
    we add, heartbeats and that event, stands between frames. The provider's own error event is the client's own error
    event, so it passes too.
    """

    def __init__(
        self,
        reader: StreamReader,
        writer: StreamWriter,
        watch: Watch,
        keep_alive: bytes = COMMENT,
        undo: Undo | None = None,
        scrub: Scrub | None = None,
        heard: Watch | None = None,
    ) -> None:
        super().__init__(reader, writer, watch, undo, scrub, heard)
        self._keep_alive = keep_alive
        self._content = False
        self._opened = False
        self._held = b""  # whole frames that open the answer
        self._partial = bytearray()  # of a frame that is not complete yet
        self._first = self._last = b""  # whole frames, for a writer whose error event goes on from them

    def feed(self, data: bytes) -> bytes:
        if self._over:
            return b""
        if self._undo:
            try:
                data = self._undo.feed(data)
            except Exception as error:
                return self._break(_as_upstream_error(error), b"")
        return self._tee(data)

    def _tee(self, data: bytes) -> bytes:
        heard = self._heard
        try:
            for event in self._reader.feed(data):
                if heard is not None:
                    heard(event)
                if type(event) is TextDelta:
                    self._content = True
                else:
                    self._note(event)
                    self._content = self._content or not isinstance(event, _OPENING)
        except Exception as error:
            return self._passed_error(_as_upstream_error(error), data)
        whole = self._whole_frames(data)
        if not (self._content or self.started):
            self._held += whole
            return b""
        return self._passed(whole)

    def close(self) -> bytes:
        if self._over:
            return b""
        out = b""
        try:
            rest = self._undo.close() if self._undo else b""
        except Exception as error:
            return self._break(_as_upstream_error(error), b"")
        if rest:
            out = self._tee(rest)
            if self.failed:
                return out
        self._over = True
        try:
            for event in self._reader.close():
                if self._heard is not None:
                    self._heard(event)
                if type(event) is not TextDelta:
                    self._note(event)
        except Exception as error:
            return self._break(_as_upstream_error(error), out)
        return out + self._passed(bytes(self._partial) if _is_readable(self._partial) else b"")

    def fail(self, kind: Kind, message: str) -> bytes:
        if self._over:
            return b""
        if self._finished:
            return self.close()
        return self._break(UpstreamError(kind, message), b"")

    @override
    def _give_up(self, error: UpstreamError) -> None:
        super()._give_up(error)
        if isinstance(self._writer, Follows):
            self._writer.follow(self._first, self._last)
        self._held = self._first = self._last = b""
        self._partial.clear()

    def heartbeat(self) -> bytes:
        if self._over or self._finished or not self._keep_alive:  # nothing may follow a terminal event
            return b""
        # A comment is no event, so it may stand even before the provider's opening frame.
        return self._passed(self._keep_alive if self._opened else COMMENT)

    def _whole_frames(self, data: bytes) -> bytes:
        """What of the bytes so far ends between two frames; the rest waits."""
        partial = self._partial
        if not (data.endswith(b"\n\n") and not partial):  # whole frames, the common case: nothing is copied
            searched = max(0, len(partial) - 2)
            partial += data
            end = max(place + len(mark) if (place := partial.rfind(mark, searched)) >= 0 else 0 for mark in _BLANK_LINE)
            data = bytes(partial[:end])
            del partial[:end]
        if data:
            self._opened = True
            self._first, self._last = self._first or data, data
        return data

    def _passed(self, data: bytes) -> bytes:
        sent, self._held = self._held + data, b""
        if sent:
            self.started = True
        return sent

    def _passed_error(self, error: UpstreamError, data: bytes) -> bytes:
        if not self.started or error.kind is Kind.BROKEN_STREAM:
            return self._break(error, b"")
        whole = self._whole_frames(data)
        self._give_up(error)
        return self._scrub(whole)


def _is_readable(rest: bytes | bytearray) -> bool:
    """Whether the last frame, which has no blank line behind it, is one that was not cut."""
    decoder = SSEDecoder()
    try:
        for _, data in (*decoder.feed(bytes(rest)), *decoder.close()):
            if data != DONE:
                loads(data)
    except ValueError:
        return False
    return True
