"""A stream that was made here, as a pipe."""

from addons.relay import Pipe
from addons.relay.played import Played
from converters.errors import Kind


def test_it_is_a_pipe_that_passes_what_it_is_fed() -> None:
    pipe: Pipe = Played([(0.0, b"a"), (0.5, b"b")])
    assert not pipe.started
    assert pipe.feed(b"a") == b"a"
    assert pipe.started
    assert not pipe.over
    assert (pipe.heartbeat(), pipe.close(), pipe.over, pipe.failed) == (b"", b"", True, None)


def test_it_can_be_broken_off() -> None:
    pipe = Played([])
    assert pipe.fail(Kind.BROKEN_STREAM, "gone") == b""
    assert pipe.over
    assert str(pipe.failed) == "gone"
