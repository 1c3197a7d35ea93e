"""What the relay must know of a live exchange, and what it tells of an attempt that failed."""

from dataclasses import dataclass
from typing import Protocol

from mitmproxy.http import HTTPFlow, Response

from converters.errors import Kind, UpstreamError
from converters.pipe import Pipe

# What a whole bad answer means before anybody has read it; the owner of the hook may know better.
_KIND_OF_STATUS = {
    401: Kind.AUTH,
    402: Kind.PAYMENT,
    403: Kind.FORBIDDEN,
    404: Kind.NOT_FOUND,
    408: Kind.TIMEOUT,
    413: Kind.TOO_LARGE,
    429: Kind.RATE_LIMIT,
    503: Kind.OVERLOADED,
    504: Kind.TIMEOUT,
    529: Kind.OVERLOADED,
}


class Call(Protocol):
    """The upstream side of an exchange. Every deadline is in seconds; 0 means none.

    secret_headers: raw names and values, sent upstream in place of the flow's own headers of that name, and never part of it.
    pipe: set in the `responseheaders` hook when the answer is to be streamed; None again before each attempt.
    first_byte_seconds: from the start of an attempt, connecting included, to its response head. idle_seconds: between two
    reads of a body. heartbeat_seconds: between two writes to a client that waits for a stream. total_seconds: all attempts.
    client_left: set before the `error` hook when it was the client that ended the flow.
    """

    secret_headers: list[tuple[bytes, bytes]]
    pipe: Pipe | None
    first_byte_seconds: float
    idle_seconds: float
    heartbeat_seconds: float
    total_seconds: float
    client_left: bool

    def failure_response(self, error: UpstreamError) -> Response:
        """A whole error answer in the client's protocol."""
        ...

    def fault_in(self, answer: Response) -> UpstreamError | None:
        """Why a whole answer with a good status is none, if another attempt could do better; else None: it goes to the
        client through `response`."""
        ...


@dataclass
class FailedAttempt:
    """Nothing of this attempt has reached the client. Set `again` to have `flow.request` sent anew, on a new connection if
    this one failed. How often is for the owner of the hook to count; only `total_seconds` is kept here.

    answer: the provider answered with this status >= 400 and a whole body; it goes to the client (through `response`) unless
    `again` is set or it is taken away. Where there is none, `error` is what `failure_response` will be given; both may be replaced.
    reused: the connection had served before. Closed without an answer, it says nothing about the provider: keep-alive
    connections end at any time.
    """

    flow: HTTPFlow
    error: UpstreamError
    answer: Response | None = None
    reused: bool = False
    again: bool = False


def error_of_answer(answer: Response) -> UpstreamError:
    """A first guess at what a whole bad answer means, from its status alone."""
    status = answer.status_code
    kind = _KIND_OF_STATUS.get(status, Kind.SERVER if status >= 500 else Kind.BAD_REQUEST)
    return UpstreamError(kind, f"the provider answered with HTTP status {status}", status=status)


def alarm_period(*deadlines: float) -> float:
    """How often to look at the clock so that none of these (0: none) is missed by much."""
    return max(0.05, min([1.0, *(deadline / 5 for deadline in deadlines if deadline > 0)]))
