"""The hub, answer side: stream events. A whole answer is its events, collected; a stream can be made from a whole answer.

`block` numbers content blocks from 0 in order of first appearance. Text and thinking blocks never overlap; tool blocks may
(a Chat provider can interleave calls): writers of sequential protocols put a `Sequencer` before themselves.
Slotted and not frozen: one is made per chunk, and a frozen one costs three times as much to make.
"""

from dataclasses import dataclass, field
from typing import Literal

from converters.turns import Base64, Token

type StopReason = Literal[
    "stop", "stop_sequence", "length", "tool_calls", "content_filter", "refusal", "pause", "other"
]


@dataclass(slots=True)
class Usage:
    """Tokens, cumulative; None = not reported (yet). input_total: all the model read, caches included.
    output_total: all it wrote, reasoning included."""

    input_total: int | None = None
    cache_read: int | None = None
    cache_write: int | None = None
    output_total: int | None = None
    reasoning: int | None = None

    def update(self, later: "Usage") -> None:
        """Later values replace earlier ones, field by field; an absent one erases nothing."""
        for name in ("input_total", "cache_read", "cache_write", "output_total", "reasoning"):
            if (value := getattr(later, name)) is not None:
                setattr(self, name, value)


@dataclass(slots=True)
class Start:
    """First event. created: unix seconds, None if the provider names none. model: the provider's own name of it."""

    id: str | None = None
    model: str | None = None
    created: int | None = None


@dataclass(slots=True)
class TextStart:
    block: int


@dataclass(slots=True)
class TextDelta:
    block: int
    text: str


@dataclass(slots=True)
class TextEnd:
    block: int


@dataclass(slots=True)
class ThinkingStart:
    block: int


@dataclass(slots=True)
class ThinkingDelta:
    block: int
    text: str


@dataclass(slots=True)
class ThinkingEnd:
    """token: what the provider wants back in the next turn. Redacted thinking is a start and an end with a token of origin x."""

    block: int
    token: Token | None = None


@dataclass(slots=True)
class ToolStart:
    block: int
    id: str
    name: str
    kind: Literal["function", "custom"] = "function"


@dataclass(slots=True)
class ToolArgs:
    """A fragment of the arguments' JSON text; the fragments joined are the text (for custom tools: the free text)."""

    block: int
    fragment: str


@dataclass(slots=True)
class ToolEnd:
    """token: a signature that belongs to the call (Gemini)."""

    block: int
    token: Token | None = None


@dataclass(slots=True)
class RefusalDelta:
    text: str


@dataclass(slots=True)
class ImageOut:
    image: Base64


@dataclass(slots=True)
class Citation:
    """A URL citation of the text so far."""

    url: str
    title: str | None = None
    start: int | None = None
    end: int | None = None


@dataclass(slots=True)
class UsageUpdate:
    usage: Usage


@dataclass(slots=True)
class Finish:
    """The provider said why it stopped. UsageUpdate may still follow; nothing else does."""

    reason: StopReason
    native: str | None = None
    stop_sequence: str | None = None


type StreamEvent = (
    Start
    | TextStart
    | TextDelta
    | TextEnd
    | ThinkingStart
    | ThinkingDelta
    | ThinkingEnd
    | ToolStart
    | ToolArgs
    | ToolEnd
    | RefusalDelta
    | ImageOut
    | Citation
    | UsageUpdate
    | Finish
)


# --- a whole answer ---


@dataclass(slots=True)
class AnswerText:
    text: str


@dataclass(slots=True)
class AnswerThinking:
    text: str
    token: Token | None = None


@dataclass(slots=True)
class AnswerCall:
    """args_text: the arguments as the provider wrote them (a JSON text, or free text for `custom`)."""

    id: str
    name: str
    args_text: str
    kind: Literal["function", "custom"] = "function"
    token: Token | None = None


@dataclass(slots=True)
class AnswerRefusal:
    text: str


@dataclass(slots=True)
class AnswerImage:
    image: Base64


type AnswerPart = AnswerText | AnswerThinking | AnswerCall | AnswerRefusal | AnswerImage


@dataclass(slots=True)
class Answer:
    """A whole answer, hub form: parts in source order."""

    start: Start = field(default_factory=Start)
    parts: list[AnswerPart] = field(default_factory=list)
    citations: list[Citation] = field(default_factory=list)
    usage: Usage = field(default_factory=Usage)
    finish: Finish | None = None
