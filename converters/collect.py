"""Events <-> a whole answer: one is the other, folded or replayed, so that streaming and whole share every conversion."""

from collections.abc import Iterable, Iterator

from converters.events import (
    Answer,
    AnswerCall,
    AnswerImage,
    AnswerPart,
    AnswerRefusal,
    AnswerText,
    AnswerThinking,
    Citation,
    Finish,
    ImageOut,
    RefusalDelta,
    Start,
    StreamEvent,
    TextDelta,
    TextEnd,
    TextStart,
    ThinkingDelta,
    ThinkingEnd,
    ThinkingStart,
    ToolArgs,
    ToolEnd,
    ToolStart,
    UsageUpdate,
)


class Collector:
    """Takes events one by one; `answer` is what they amount to so far. Fragments are joined once, when `done` is called."""

    def __init__(self) -> None:
        self.answer = Answer()
        self._open: dict[int, AnswerPart] = {}
        self._fragments: dict[int, list[str]] = {}

    def add(self, event: StreamEvent) -> None:
        if type(event) is TextDelta:  # nearly all events
            self._fragments[event.block].append(event.text)
            return
        match event:
            case ThinkingDelta(block, text):
                self._fragments[block].append(text)
            case ToolArgs(block, fragment):
                self._fragments[block].append(fragment)
            case TextStart(block):
                self._start(block, AnswerText(""))
            case ThinkingStart(block):
                self._start(block, AnswerThinking(""))
            case ToolStart(block, id_, name, kind):
                self._start(block, AnswerCall(id_, name, "", kind))
            case TextEnd() | ToolEnd(token=None):
                pass
            case ThinkingEnd(block, token) | ToolEnd(block, token):
                part = self._open[block]
                if isinstance(part, AnswerThinking | AnswerCall):
                    part.token = token
            case RefusalDelta(text):
                last = self.answer.parts[-1] if self.answer.parts else None
                if isinstance(last, AnswerRefusal):
                    last.text += text
                else:
                    self.answer.parts.append(AnswerRefusal(text))
            case ImageOut(image):
                self.answer.parts.append(AnswerImage(image))
            case Citation():
                self.answer.citations.append(event)
            case UsageUpdate(usage):
                self.answer.usage.update(usage)
            case Start():
                self.answer.start = event
            case Finish():
                self.answer.finish = event

    def done(self) -> Answer:
        for block, fragments in self._fragments.items():
            joined = "".join(fragments)
            part = self._open[block]
            if isinstance(part, AnswerCall):
                part.args_text = joined
            elif isinstance(part, AnswerText | AnswerThinking):
                part.text = joined
        return self.answer

    def _start(self, block: int, part: AnswerPart) -> None:
        self._open[block] = part
        self._fragments[block] = []
        self.answer.parts.append(part)


def collect(events: Iterable[StreamEvent]) -> Answer:
    collector = Collector()
    for event in events:
        collector.add(event)
    return collector.done()


def replay(answer: Answer) -> Iterator[StreamEvent]:
    """The events of a whole answer, one delta a block."""
    yield answer.start
    for block, part in enumerate(answer.parts):
        match part:
            case AnswerText(text):
                yield TextStart(block)
                if text:
                    yield TextDelta(block, text)
                yield TextEnd(block)
            case AnswerThinking(text, token):
                yield ThinkingStart(block)
                if text:
                    yield ThinkingDelta(block, text)
                yield ThinkingEnd(block, token)
            case AnswerCall(id_, name, args_text, kind, token):
                yield ToolStart(block, id_, name, kind)
                if args_text:
                    yield ToolArgs(block, args_text)
                yield ToolEnd(block, token)
            case AnswerRefusal(text):
                yield RefusalDelta(text)
            case AnswerImage(image):
                yield ImageOut(image)
    yield from answer.citations
    yield UsageUpdate(answer.usage)
    if answer.finish:
        yield answer.finish
