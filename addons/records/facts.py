"""What the recorder hands to the writer: plain references to what happened. Nothing is copied, converted or looked at yet."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

from addons.attempts import Attempt, Fields
from addons.heard import Heard
from addons.providers.base import Provider
from converters.events import Usage
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.profile import DEFAULT, Profile
from converters.restore import Restore
from converters.system_prompt import SystemPrompt
from converters.turns import Chat
from converters.wire import Wire

type State = Literal["complete", "cut", "failed", "cancelled"]
type Chunks = list[tuple[float, bytes]]  # unix seconds, bytes


@dataclass(slots=True)
class Facts:
    """One exchange that is over. Times are unix seconds; bodies are as they came, but without content coding.

    headers: the client's, names in lower case, values read as Latin-1, without its credentials. parsed: the body, read, with `said`, if that is at hand; it is not changed. said: what the path says and bodies of other protocols say (Gemini's model and stream). asked: the model asked for; named: the
    provider that the client named; why: what decided on the provider. generates: a call whose answer is a model's words.
    chat, heard: the request and the last attempt's answer as they were read for the exchange itself, if they were; else they are
    read from the bytes. provider, profile, restore: of the last attempt, for reading its answer. answer, chunks: what the client got, one of the two.
    prompt: the operator's system prompt, which is not in the body. secrets: of our own, that were sent; they must not be in the
    record. replays: id of the exchange whose request this one repeats. chaos: the fault that was injected on purpose.
    """

    id: str
    wire: Wire
    action: str
    state: State
    began: float
    ended: float
    first_byte: float | None = None
    agent: str = ""
    code_assist: bool = False
    thread: str = ""

    method: str = ""
    path: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Collection[tuple[str, str]] = ()
    body: bytes = field(default=b"", repr=False)
    parsed: JsonObject | None = field(default=None, repr=False)
    chat: Chat | None = field(default=None, repr=False)
    said: JsonObject = field(default_factory=dict)
    generates: bool = True

    asked: str = ""
    named: str | None = None
    provider: Provider | None = None
    account: str = ""
    target: str = ""
    served: str | None = None
    why: str = ""
    profile: Profile = DEFAULT
    restore: Restore | None = None
    attempts: list[Attempt] = field(default_factory=list)

    status: int | None = None
    answer_headers: Fields = ()
    answer: bytes = field(default=b"", repr=False)
    chunks: Chunks = field(default_factory=list, repr=False)
    heard: Heard | None = field(default=None, repr=False)
    usage: Usage = field(default_factory=Usage)
    stop_reason: str | None = None
    loss: Loss = field(default_factory=Loss)
    error: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    replays: str = ""
    chaos: str = ""
    prompt: SystemPrompt | None = None

    @property
    def size(self) -> int:
        """Roughly the memory that it keeps."""
        bodies = len(self.body) + len(self.answer) + sum(len(data) + 100 for _, data in self.chunks)
        for made in self.attempts:
            own = 0 if made.body is self.body else len(made.body)
            bodies += own + len(made.answer) + sum(len(data) + 100 for _, data in made.chunks)
        return bodies + 4096
