"""The reader of chunked bodies can be replaced, and is the same again afterwards."""

import h11
from h11._readers import ChunkedReader
from h11._receivebuffer import ReceiveBuffer

from addons.relay import AttemptFailedHook, install_body_reader, uninstall_body_reader
from addons.relay.events import chunked_reader


class Nothing:
    def __call__(self, buf: ReceiveBuffer) -> None:
        return None

    def read_eof(self) -> h11.EndOfMessage:
        return h11.EndOfMessage()


def test_body_reader_is_installed_for_the_next_message_and_taken_out() -> None:
    install_body_reader(Nothing)
    assert isinstance(chunked_reader(), Nothing)
    uninstall_body_reader()
    assert isinstance(chunked_reader(), ChunkedReader)


def test_the_hook_is_called_attempt_failed_and_has_one_argument_as_the_connection_wants() -> None:
    assert AttemptFailedHook.name == "attempt_failed"
    assert list(AttemptFailedHook.__dataclass_fields__) == ["failed"]
