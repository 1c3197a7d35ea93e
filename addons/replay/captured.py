"""What a replay begins with: one exchange, its legs as bytes; and what it ends with: the same legs as they come out today."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from converters.json_codec import JsonObject
from converters.system_prompt import SystemPrompt

type Fields = Sequence[tuple[str, str]]  # names in lower case


class Unplayable(Exception):
    """There is nothing to replay in this exchange, or not enough of it. The message says why."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer. chunks: (seconds, bytes) as they came, without content coding; a whole answer is one. streamed: it was a stream."""

    status: int
    headers: Fields
    chunks: Sequence[tuple[float, bytes]] = field(repr=False)
    streamed: bool

    @property
    def body(self) -> bytes:
        return b"".join(data for _, data in self.chunks)

    @property
    def content_type(self) -> str:
        """Without parameters, in lower case."""
        named = next((value for name, value in self.headers if name == "content-type"), "")
        return named.partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Sent:
    """One request to a provider."""

    method: str
    url: str
    headers: Fields
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Tried:
    """One attempt. answer None: there was none. outcome: `success`, `cancelled` or the kind of error; reason: what was said. prompt:
    the operator's system prompt in it."""

    provider: str
    account: str
    model: str
    sent: Sent
    answer: Answered | None
    outcome: str
    reason: str = ""
    prompt: SystemPrompt | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """One exchange as it was. body: the client's, without content coding; said: what its path says besides. record: the facts that
    were noted of it (conversation, usage, stop reason, loss), {} where there are none. where: what it was read from. prompt: the
    operator's system prompt in what was answered; it is not in the body."""

    id: str
    where: str
    protocol: str
    action: str
    method: str
    path: str
    query: JsonObject
    headers: Fields
    body: bytes = field(repr=False)
    said: JsonObject
    asked: str
    code_assist: bool
    provider: str
    target: str
    state: str
    attempts: Sequence[Tried]
    answer: Answered | None
    record: JsonObject = field(repr=False)
    prompt: SystemPrompt | None = None

    @property
    def title(self) -> str:
        """`anthropic -> gemini-custom/gemini-2.5-flash`, for people."""
        to = "/".join(word for word in (self.provider, self.target) if word) or "(answered here)"
        return f"{self.protocol} -> {to}"


@dataclass(frozen=True, slots=True)
class Unplayed:
    """An exchange that cannot be replayed."""

    id: str
    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Today:
    """What comes of it now. sent: each attempt's request, or why it cannot be written; outcomes: of the attempts, "" where nothing
    came that could be read. record: as a recorder would have noted it today."""

    sent: Sequence[Sent | str]
    outcomes: Sequence[str]
    answer: Answered | None
    record: JsonObject = field(repr=False)
