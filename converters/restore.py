"""The answer's way back: what `prepare` changed in the request is undone in the events (conversion rules 4.2, 4.3, 8)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from converters.events import Finish, StreamEvent, TextDelta, TextEnd, TextStart, ToolArgs, ToolEnd, ToolStart
from converters.json_codec import dumps_text, loads


@dataclass(slots=True)
class Restore:
    """Event -> events, for one answer. All names are as sent to the provider.

    names: -> the client's own. custom: free-text tools that travelled as functions of one string. answer_tool: the tool
    whose arguments are the answer's text (structured output). needed: False means that events pass unchanged.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    custom: frozenset[str] = frozenset()
    answer_tool: str | None = None
    _free_text: dict[int, list[str]] = field(default_factory=dict)  # block -> fragments of a custom tool's arguments
    _answers: set[int] = field(default_factory=set)  # blocks of the answer tool
    _called: bool = False  # a tool of the client's own

    @property
    def needed(self) -> bool:
        return bool(self.names or self.custom or self.answer_tool)

    def __call__(self, event: StreamEvent) -> Sequence[StreamEvent]:
        match event:
            case ToolStart():
                return self._start(event)
            case ToolArgs(block, fragment) if block in self._answers:
                return (TextDelta(block, fragment),)
            case ToolArgs(block, fragment) if block in self._free_text:
                self._free_text[block].append(fragment)
                return ()
            case ToolEnd(block) if block in self._answers:
                return (TextEnd(block),)
            case ToolEnd(block) if block in self._free_text:
                text = _unwrapped("".join(self._free_text.pop(block)))
                return (ToolArgs(block, text), event) if text else (event,)
            case Finish(reason="tool_calls") if self._answers and not self._called:
                return (replace(event, reason="stop"),)
        return (event,)

    def _start(self, event: ToolStart) -> Sequence[StreamEvent]:
        if event.name == self.answer_tool:
            self._answers.add(event.block)
            return (TextStart(event.block),)
        self._called = True
        name = self.names.get(event.name, event.name)
        if event.name not in self.custom:
            return (replace(event, name=name),)
        self._free_text[event.block] = []
        return (replace(event, name=name, kind="custom"),)


def _unwrapped(args_text: str) -> str:
    """The `input` of the arguments. What is not of that shape (arguments cut short) is passed as it came."""
    try:
        args = loads(args_text)
    except ValueError:
        return args_text
    if not isinstance(args, dict) or "input" not in args:
        return args_text
    text = args["input"]
    return text if isinstance(text, str) else dumps_text(text)
