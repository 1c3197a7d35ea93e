"""Wire: a protocol as code. One value per protocol, the same in both roles (a client speaks it to us, we speak it to a provider)."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from converters.errors import Failure, UpstreamError
from converters.events import Answer, StreamEvent
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.profile import Profile
from converters.turns import Chat


@dataclass(slots=True)
class Ask:
    """What an answer writer must know of the client's request.

    model: the name the client asked for, echoed back. show_thinking: the client wants to see reasoning (Chat: always;
    Anthropic: thinking enabled or adaptive; Gemini: includeThoughts). unwrap: the answer's text is an object and the
    client wants what is inside (`Format.unwrap`). new_id: returns 24 or more fresh letters and digits, handed in so that a
    replay is byte-exact. now: unix seconds. request: the client's own body, for protocols whose answers repeat its fields
    (Responses); it is not changed.
    """

    model: str
    new_id: Callable[[], str]
    now: Callable[[], int]
    include_usage: bool = False
    show_thinking: bool = True
    request: JsonObject = field(default_factory=dict)
    unwrap: bool = False


class StreamReader(Protocol):
    """A provider's stream -> stream events. Takes any slices of the body, down to one byte."""

    def feed(self, data: bytes) -> Iterable[StreamEvent]:
        """The events that `data` completes. Raises UpstreamError for an error frame or three unreadable ones in a row."""
        ...

    def close(self) -> Iterable[StreamEvent]:
        """The upstream ended. Raises UpstreamError(BROKEN_STREAM) when the protocol's terminal event was not seen."""
        ...


class StreamWriter(Protocol):
    """Stream events -> the client's stream, as bytes ready to send. Emits its opening frame with the first content, not
    with Start, so that a provider that fails at once can still become an HTTP error."""

    def write(self, event: StreamEvent) -> bytes:
        """Bytes for one event; b"" when there is nothing to send (yet)."""
        ...

    def end(self) -> bytes:
        """The events are over and complete: the closing frames."""
        ...

    def error(self, failure: Failure) -> bytes:
        """Ends a stream that broke with the protocol's own error event, and never with its terminal event."""
        ...

    def heartbeat(self) -> bytes:
        """What keeps an idle client waiting; b"" where the protocol has nothing harmless."""
        ...


class ReadsStream(Protocol):
    """Makes a reader for one answer. chat: the request, for a protocol whose answers are read in its light (Kiro has no stop
    sequences of its own); None, or a wire that does not look at it: the answer is read as it is."""

    def __call__(self, profile: Profile, chat: Chat | None = None, /) -> StreamReader: ...


@runtime_checkable
class Follows(Protocol):
    """A stream writer whose error event goes on from what passed before it as the provider sent it (numbers, ids)."""

    def follow(self, first: bytes, last: bytes) -> None:
        """first, last: the whole frames that the client was sent first and last; `error` comes next, or nothing."""
        ...


@dataclass(frozen=True, slots=True)
class Limits:
    """What names and ids a wire takes (conversion tables in docs/). name_first: characters allowed first, None = any legal
    one. id_chars None = any. custom_tools: free-text tools exist on this wire. document_urls,
    image_urls: documents, images may be given by URL; own_urls: how URLs begin that may be given even where others may not."""

    name_chars: str = "A-Za-z0-9_-"
    name_first: str | None = None
    name_max: int = 64
    id_chars: str | None = None
    id_max: int = 64
    custom_tools: bool = False
    document_urls: bool = True
    image_urls: bool = True
    own_urls: tuple[str, ...] = ()


EVENT_STREAM = "text/event-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderWire:
    """A protocol that providers speak.

    name: short name in headers and logs (`chat`, `responses`, `anthropic`, `gemini`, `kiro`); title: for people.

      build_request(chat, profile, loss) -> body; `chat` has been through `prepare` (names, ids and order are legal)
      stream_reader(profile, chat)    -> StreamReader; chat: the request, if it is at hand
      read_answer(body, profile)      -> events of a whole answer; raises UpstreamError when the body is an error
      read_error(status, headers, body) -> UpstreamError; headers: lower-case names

    stream_type: the content type of a stream.
    """

    name: str
    title: str
    limits: Limits
    build_request: Callable[[Chat, Profile, Loss], JsonObject]
    stream_reader: ReadsStream
    read_answer: Callable[[JsonObject, Profile], Iterator[StreamEvent]]
    read_error: Callable[[int, Mapping[str, str], bytes], UpstreamError]
    stream_type: str = EVENT_STREAM


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire(ProviderWire):
    """A protocol that clients speak as well.

      parse_request(body, loss)       -> Chat; raises ConversionError that names the field
      stream_writer(ask)              -> StreamWriter
      write_answer(answer, ask)       -> body of a whole answer
      write_error(failure, request_id) -> (HTTP status, body)

    keep_alive is a frame that may stand between any two frames of a running stream and means nothing.
    """

    parse_request: Callable[[JsonObject, Loss], Chat]
    stream_writer: Callable[[Ask], StreamWriter]
    write_answer: Callable[[Answer, Ask], JsonObject]
    write_error: Callable[[Failure, str], tuple[int, JsonObject]]
    keep_alive: bytes = b": keep-alive\n\n"
