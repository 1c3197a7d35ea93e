"""What the clients of all protocols share: a transport that keeps every byte, the question and the answer."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, override

import anthropic
import httpx2
import openai
from google.genai.errors import APIError

from tests.grammar import Folded

type Message = Any  # of the SDK: a dict, or an object that it gave

LIMIT = 3000  # max_tokens of every request


class Failed(Exception):
    """The answer says in a word of its own that it failed; the SDK raises nothing."""


SDK_ERRORS = (openai.APIError, anthropic.APIError, APIError, httpx2.HTTPError, Failed)
STATUS_ERRORS = (openai.APIStatusError, anthropic.APIStatusError, APIError)
type StatusError = openai.APIStatusError | anthropic.APIStatusError | APIError


def status_of(error: Exception) -> int:
    """The HTTP status that an SDK's exception tells."""
    if isinstance(error, APIError):
        return error.code
    assert isinstance(error, openai.APIStatusError | anthropic.APIStatusError), error
    return error.status_code


@dataclass(frozen=True)
class Tokens:
    """Usage in no protocol's words: all that was read, what of it was cached, all that was written, what of it was thinking."""

    read: int
    cached: int
    written: int
    thinking: int


class _Tee(httpx2.SyncByteStream):
    """Passes an answer's body on, and keeps it."""

    def __init__(self, stream: httpx2.SyncByteStream, kept: bytearray) -> None:
        self._stream, self._kept = stream, kept

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self._kept += part
            yield part

    @override
    def close(self) -> None:
        self._stream.close()


class _Recording(httpx2.HTTPTransport):
    """raw and headers: of the latest answer."""

    def __init__(self) -> None:
        super().__init__()
        self.raw = bytearray()
        self.headers = httpx2.Headers()

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        self.raw, self.headers = bytearray(), response.headers
        response.stream = _Tee(response.stream, self.raw)
        return response


@dataclass
class Answer:
    """folded: what was said, checked. assistant: what a client sends back in the next turn, as it came. stop, tokens: the
    ending and the usage in no protocol's words. headers: of the answer."""

    folded: Folded
    assistant: list[Message]
    stop: str
    tokens: Tokens
    headers: httpx2.Headers
    raw: bytes


class Client(ABC):
    """One SDK, one provider prefix. `ask` answers whole or streamed; the rest builds messages of its protocol.

    own: the provider speaks the client's protocol, so its own form passes, and may be wider than what we promise to write.
    stops: the protocol's word for an ending -> ours (`tool_calls` counts as `stop` where there is no word for it).
    """

    protocol: str
    stops: ClassVar[Mapping[str, str]]

    def __init__(self, *, own: bool) -> None:
        self.own = own
        self.transport = _Recording()
        self.http = httpx2.Client(transport=self.transport, trust_env=False, timeout=30)

    @property
    def raw(self) -> bytes:
        """The body of the latest answer, as far as it came."""
        return bytes(self.transport.raw)

    def ask(self, model: str, messages: Sequence[Message], *, stream: bool, **wishes: Any) -> Answer:
        """wishes: tools (the two of all tests, or one of this name), thinking (bool), system (str), schema (a JSON schema), and the protocol's own fields."""
        request = self._request(model, list(messages), **wishes)
        folded, assistant = self._streamed(request) if stream else self._whole(request)
        stop = self.stops[folded.stop or ""]
        if folded.calls and stop == "stop":
            stop = "tool_calls"
        return Answer(folded, assistant, stop, self._tokens(folded.usage or {}), self.transport.headers, self.raw)

    @abstractmethod
    def sdk_text(self, model: str) -> str:
        """The text of a stream as the SDK reads it, unchecked: in bypass a provider's own form passes."""

    def close(self) -> None:
        self.http.close()

    @abstractmethod
    def _request(self, model: str, messages: list[Message], **wishes: Any) -> dict[str, Any]: ...

    @abstractmethod
    def _streamed(self, request: dict[str, Any]) -> tuple[Folded, list[Message]]: ...

    @abstractmethod
    def _whole(self, request: dict[str, Any]) -> tuple[Folded, list[Message]]: ...

    @abstractmethod
    def _tokens(self, usage: dict[str, Any]) -> Tokens: ...

    @abstractmethod
    def user(self, text: str, *, image: bool = False, document: bool = False) -> Message: ...

    @abstractmethod
    def results(self, answers: dict[str, str], *, image: bool = False) -> list[Message]:
        """The messages that answer calls, by id. image: a picture in the first result, where the protocol has that."""

    @abstractmethod
    def stop_at(self, word: str) -> dict[str, Any] | None:
        """The wish to stop at a word; None where the protocol has no such thing."""

    @abstractmethod
    def choose(self, tool: str | None) -> dict[str, Any]:
        """The wish that this tool be called; None: any."""

    @abstractmethod
    def broken(self, raw: bytes) -> Folded:
        """Check a stream that must end with an error."""


def given(wishes: dict[str, Any]) -> dict[str, Any]:
    """Without what was not wished for."""
    return {name: value for name, value in wishes.items() if value is not None}
