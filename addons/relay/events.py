"""What the relay's parts say to each other, and the reader of chunked bodies they share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import h11
from h11._readers import ChunkedReader
from h11._receivebuffer import ReceiveBuffer
from mitmproxy import http
from mitmproxy.proxy import commands, layer
from mitmproxy.proxy.layers.http._base import HttpEvent

from addons.relay.attempt import Call, FailedAttempt

type Commands[T] = layer.CommandGenerator[T]


class BodyReader(Protocol):
    """h11's body readers, or one like them; bytes in place of h11.Data save an object per read."""

    def __call__(self, buf: ReceiveBuffer, /) -> bytes | h11.Data | h11.EndOfMessage | None: ...

    def read_eof(self) -> h11.EndOfMessage: ...


_new_chunked_reader: Callable[[], BodyReader] = ChunkedReader


def chunked_reader() -> BodyReader:
    return _new_chunked_reader()


def install_body_reader(factory: Callable[[], BodyReader]) -> None:
    """Read chunked bodies with `factory()` from the next message on."""
    global _new_chunked_reader
    _new_chunked_reader = factory


def uninstall_body_reader() -> None:
    """Read chunked bodies with h11 again."""
    install_body_reader(ChunkedReader)


TOO_LATE = "timed out"  # why connecting was given up


@dataclass(frozen=True, slots=True)
class Settings:
    """render_error(path, status, message) -> JSON body in the protocol that the path speaks. header_limit: bytes of a head."""

    find: Callable[[http.HTTPFlow], Call | None]
    render_error: Callable[[str, int, str], bytes]
    header_seconds: float
    body_seconds: float
    header_limit: int


@dataclass
class AttemptFailedHook(commands.StartHook):
    """`attempt_failed(failed)`: an attempt is over and the client has seen nothing of it. May be async."""

    failed: FailedAttempt


class Alarm(commands.RequestWakeup):
    """The one running timer of a layer."""


@dataclass
class Tick(HttpEvent):
    """It is time to look at deadlines."""

    now: float


@dataclass
class PipeOver(HttpEvent):
    """A tapped pipe has come to its end, well or not, before its provider has; these are its last bytes."""

    out: bytes


@dataclass
class Whole(HttpEvent):
    """Several events in one write: a whole request, or a response head and the first or only part of its body."""

    parts: list[HttpEvent]
