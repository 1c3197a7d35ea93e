"""A stream that was made here: nothing comes from a provider, and the pieces go out at their times."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from converters.errors import Kind, UpstreamError

type Pieces = Sequence[tuple[float, bytes]]


@dataclass(slots=True)
class Played:
    """A pipe. pieces: (seconds from the moment when the answer begins, bytes), in order; the relay feeds them when they are due."""

    pieces: Pieces = field(repr=False)
    started: bool = False
    over: bool = False
    failed: UpstreamError | None = None

    def feed(self, data: bytes) -> bytes:
        self.started = True
        return data

    def close(self) -> bytes:
        self.over = True
        return b""

    def fail(self, kind: Kind, message: str) -> bytes:
        """Nobody can break it off but its client."""
        self.over, self.failed = True, UpstreamError(kind, message)
        return b""

    def heartbeat(self) -> bytes:
        """What kept the client waiting then stands in the pieces."""
        return b""
