"""What a client forgot: the reasoning that belongs to a tool call, kept for when the call comes back without it (rules 7.4)."""

from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from converters.events import (
    AnswerCall,
    AnswerPart,
    AnswerThinking,
    StreamEvent,
    ThinkingDelta,
    ThinkingEnd,
    ThinkingStart,
    ToolEnd,
    ToolStart,
)
from converters.turns import Chat, Part, Thinking, Token, ToolCall, Turn

SIZE = 4096  # ids
SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """One answer that ended in calls. calls: id -> token of the call itself."""

    thinking: tuple[Thinking, ...]
    calls: Mapping[str, Token | None]


class Steps(Protocol):
    """Where steps are kept, by the ids of their calls: `SIZE` ids, the least recently used goes first, each for `SECONDS`."""

    def put(self, step: Step) -> None: ...

    def get(self, ids: Collection[str]) -> Mapping[str, Step]:
        """Those that are there."""
        ...


class LatestSteps:
    """In the memory of this process. now: seconds, any clock that does not go back."""

    def __init__(self, now: Callable[[], float], size: int = SIZE, seconds: float = SECONDS) -> None:
        self._now, self._size, self._seconds = now, size, seconds
        self._steps: OrderedDict[str, tuple[float, Step]] = OrderedDict()  # with the time of its end

    def __len__(self) -> int:
        return len(self._steps)

    def put(self, step: Step) -> None:
        until = self._now() + self._seconds
        for id_ in step.calls:
            self._steps[id_] = until, step
            self._steps.move_to_end(id_)
        while len(self._steps) > self._size:
            self._steps.popitem(last=False)

    def get(self, ids: Collection[str]) -> Mapping[str, Step]:
        if not self._steps:
            return {}
        return {id_: step for id_ in ids if (step := self._one(id_)) is not None}

    def _one(self, id_: str) -> Step | None:
        until, step = self._steps.get(id_, (0.0, None))
        if step is None:
            return None
        if until <= self._now():
            del self._steps[id_]
            return None
        self._steps.move_to_end(id_)
        return step


class ReasoningMemory:
    """Tool call id -> thinking parts and call tokens of the answer it came in."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps

    def remember(self, parts: Iterable[AnswerPart]) -> None:
        """Keeps the reasoning of one whole answer, if it has calls and something to keep."""
        thinking: list[Thinking] = []
        calls: dict[str, Token | None] = {}
        for part in parts:
            if isinstance(part, AnswerThinking):
                thinking.append(Thinking(part.text, part.token))
            elif isinstance(part, AnswerCall):
                calls[part.id] = part.token
        if calls and (thinking or any(calls.values())):
            self._steps.put(Step(tuple(thinking), calls))

    def recall(self, chat: Chat, origins: Collection[str]) -> Chat:
        """The chat with remembered reasoning of `origins` back where the client left it out: thinking in front of its
        turn, tokens on their calls. Origin n stands for reasoning without a token. `chat` is not changed."""
        ids = [call.id for turn in chat.turns if turn.role == "assistant" for call in _calls(turn)]
        if not ids or not origins or not (steps := self._steps.get(ids)):
            return chat
        turns = [_recalled(turn, steps, origins) if turn.role == "assistant" else turn for turn in chat.turns]
        return replace(chat, turns=turns)


def _calls(turn: Turn) -> list[ToolCall]:
    return [part for part in turn.parts if isinstance(part, ToolCall)]


def _recalled(turn: Turn, steps: Mapping[str, Step], origins: Collection[str]) -> Turn:
    step = next((step for call in _calls(turn) if (step := steps.get(call.id))), None)
    if step is None:
        return turn
    parts: list[Part] = [_with_token(part, step, origins) for part in turn.parts]
    if not any(isinstance(part, Thinking) and _origin(part.token) in origins for part in parts):
        parts[:0] = [replace(part) for part in step.thinking if _origin(part.token) in origins]
    return replace(turn, parts=parts)


def _origin(token: Token | None) -> str:
    return token.origin if token else "n"


def _with_token(part: Part, step: Step, origins: Collection[str]) -> Part:
    if (
        isinstance(part, ToolCall)
        and part.token is None
        and (token := step.calls.get(part.id))
        and token.origin in origins
    ):
        return replace(part, token=token)
    return part


@dataclass(slots=True)
class Observer:
    """Watches the events of one answer for a memory. Deltas of text and arguments cost one dictionary look-up.

    add: each event in order. done: the answer is complete; a broken one is not worth remembering.
    """

    memory: ReasoningMemory
    _parts: dict[int, AnswerThinking | AnswerCall] = field(default_factory=dict)
    _fragments: dict[int, list[str]] = field(default_factory=dict)

    def add(self, event: StreamEvent) -> None:
        if type(event) not in _WATCHED:
            return
        match event:
            case ThinkingDelta(block, text):
                self._fragments[block].append(text)
            case ThinkingStart(block):
                self._parts[block] = AnswerThinking("")
                self._fragments[block] = []
            case ToolStart(block, id_, name):
                self._parts[block] = AnswerCall(id_, name, "")
            case ThinkingEnd(block, token) | ToolEnd(block, token):
                self._parts[block].token = token

    def done(self) -> None:
        for block, fragments in self._fragments.items():
            part = self._parts[block]
            if isinstance(part, AnswerThinking):
                part.text = "".join(fragments)
        self.memory.remember(self._parts.values())


_WATCHED = frozenset((ThinkingStart, ThinkingDelta, ThinkingEnd, ToolStart, ToolEnd))
