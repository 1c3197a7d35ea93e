"""Stream events -> the Responses client's answer, streamed or whole (conversion rules 13 and 14.4).

A whole answer is the response of its own stream's terminal event.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

from converters.collect import replay
from converters.errors import Failure
from converters.events import (
    Answer,
    AnswerText,
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
    Usage,
    UsageUpdate,
)
from converters.json_codec import Json, JsonObject, loads
from converters.openai_responses.errors import failed_error
from converters.openai_responses.items import Call, Item, Message, Picture, Reasoning
from converters.openai_responses.parse_tools import namespaces
from converters.openai_responses.response import OUR_REASONING, Response, item_status
from converters.sequence import Sequencer
from converters.sse import SSEDecoder, event_frame
from converters.wire import Ask

_THINKING = frozenset((ThinkingStart, ThinkingDelta, ThinkingEnd))
_UNORDERED = frozenset((RefusalDelta, ImageOut, Citation))  # what has no block, and so must wait for an open call


class StreamWriter:
    """Stream events -> Responses stream.

    `response.created` waits for the first content (or Finish), the terminal event for `end`, because usage may come late and
    nothing may follow it. Blocks are made sequential first. An item is closed when the next one begins, or when it is known
    why the answer ended: neighbouring texts are parts of one message, citations may follow their text, and the last item of an answer
    that was cut says so.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._sequencer = Sequencer()
        self._left_out = frozenset() if ask.show_thinking else _THINKING
        self._namespaces = namespaces(ask.request)
        self._start = Start()
        self._usage = Usage()
        self._finish = Finish("other")
        self._response: Response | None = None
        self._begun: JsonObject | None = None  # the provider's own response, where its stream passes as it came
        self._over = False
        self._sequence = 0
        self._output: list[Json] = []
        self._item: Item | None = None
        self._message: Message | None = None  # the item, if its text is open: the common path
        self._waiting: list[StreamEvent] = []
        self._frames: dict[type, Callable[..., bytes]] = {
            TextStart: self._text_start,
            TextDelta: self._text,
            ThinkingStart: self._thinking_start,
            ThinkingDelta: self._thinking,
            ThinkingEnd: self._thinking_end,
            ToolStart: self._tool_start,
            ToolArgs: self._tool_args,
            ToolEnd: self._tool_end,
            RefusalDelta: self._refusal,
            ImageOut: self._image,
            Citation: self._citation,
            Start: self._take_start,
            UsageUpdate: self._take_usage,
            Finish: self._take_finish,
        }

    def write(self, event: StreamEvent) -> bytes:
        kind = type(event)
        if self._over or kind in self._left_out:
            return b""
        if kind in _UNORDERED and self._in_call():
            self._waiting.append(event)
            return b""
        events = self._sequencer.feed(event)
        if len(events) == 1 and kind is TextDelta:
            return self._frame(events[0])
        return b"".join([self._frame(each) for each in events]) + self._waited()

    def end(self) -> bytes:
        if self._over:
            return b""
        opening, response = self._open()
        rest = b"".join([self._frame(event) for event in self._sequencer.close()]) + self._waited()
        rest += self._close_item(item_status(self._finish))
        self._over = True
        over = response.over(self._finish, self._output, self._usage)
        return opening + rest + self._emit(f"response.{over['status']}", {"response": over})

    def error(self, failure: Failure) -> bytes:
        """After heartbeats alone too: OpenAI's own SDK takes no terminal event of a response that has not begun."""
        self._over = True
        error, begun = failed_error(failure), self._begun
        if begun is not None:
            return self._emit("response.failed", {"response": {**begun, "status": "failed", "error": error}})
        opening, response = self._open()
        return opening + self._emit("response.failed", {"response": response.failed(error, self._output)})

    def follow(self, first: bytes, last: bytes) -> None:
        """The provider's own stream passed so far: the error event is of its response, and has its next number."""
        self._begun = next(
            (begun for payload in _payloads(first) if isinstance(begun := payload.get("response"), dict)), None
        )
        numbers = [number for payload in _payloads(last) if isinstance(number := payload.get("sequence_number"), int)]
        self._sequence = numbers[-1] + 1 if numbers else 0

    def heartbeat(self) -> bytes:
        return b": keep-alive\n\n"

    def whole(self, answer: Answer) -> JsonObject:
        for event in _cited(answer):
            self.write(event)
        self.end()
        _, response = self._open()
        return response.over(self._finish, self._output, self._usage)

    # --- frames ---

    def _emit(self, event: str, fields: JsonObject) -> bytes:
        frame = event_frame(event, {"type": event, "sequence_number": self._sequence, **fields})
        self._sequence += 1
        return frame

    def _frame(self, event: StreamEvent) -> bytes:
        frame = self._frames.get(type(event))
        return b"" if frame is None else frame(event)

    def _open(self) -> tuple[bytes, Response]:
        """The opening frames, once."""
        if self._response is not None:
            return b"", self._response
        self._response = response = Response(self._ask, self._start)
        begun = response.begun()
        opening = self._emit("response.created", {"response": begun})
        return opening + self._emit("response.in_progress", {"response": begun}), response

    def _begin(self, prefix: str, make: Callable[[int, str], Item]) -> bytes:
        """Closes the item that is open and begins another."""
        opening, response = self._open()
        closed = self._close_item("completed")
        number = len(self._output)
        self._item = item = make(number, response.item_id(prefix, number))
        return opening + closed + item.added()

    def _close_item(self, status: str) -> bytes:
        item, self._item, self._message = self._item, None, None
        if item is None:
            return b""
        closed = item.closed(status)
        self._output.append(item.body)
        return closed

    # --- what is remembered ---

    def _take_start(self, event: Start) -> bytes:
        self._start = event
        return b""

    def _take_usage(self, event: UsageUpdate) -> bytes:
        self._usage.update(event.usage)
        return b""

    def _take_finish(self, event: Finish) -> bytes:
        self._finish = event
        opening, _ = self._open()
        return opening + self._waited() + self._close_item(item_status(event))

    # --- messages ---

    def _text_start(self, event: TextStart) -> bytes:
        """A text behind another is a part of its own, in the same message."""
        message, self._message = self._message, None
        return b"" if message is None else message.end_part()

    def _text(self, event: TextDelta) -> bytes:
        out = b"" if (message := self._message) is not None else self._part("output_text")
        if message is None:
            message = self._message = self._open_message()
        delta = message.delta(self._sequence, event.text)
        self._sequence += 1
        return out + delta

    def _part(self, kind: str) -> bytes:
        """A message is open, and in it a part of that kind."""
        out = b""
        if not isinstance(self._item, Message):
            out = self._begin("msg", lambda number, id_: Message(self._emit, number, id_))
        return out + self._open_message().begin_part(kind)

    def _open_message(self) -> Message:
        assert isinstance(self._item, Message)
        return self._item

    def _refusal(self, event: RefusalDelta) -> bytes:
        self._message = None
        out = self._part("refusal")
        delta = self._open_message().delta(self._sequence, event.text)
        self._sequence += 1
        return out + delta

    def _citation(self, event: Citation) -> bytes:
        """Of the text that is open; a citation of nothing has no place."""
        if self._message is None:
            return b""
        return self._message.cite(event)

    # --- reasoning ---

    def _thinking_start(self, event: ThinkingStart) -> bytes:
        return self._begin(OUR_REASONING, lambda number, id_: Reasoning(self._emit, number, id_))

    def _thinking(self, event: ThinkingDelta) -> bytes:
        out, item = self._reasoning()
        out += item.begin_summary()
        delta = item.delta(self._sequence, event.text)
        self._sequence += 1
        return out + delta

    def _thinking_end(self, event: ThinkingEnd) -> bytes:
        if event.token is None:
            return b""
        out, item = self._reasoning()
        item.token = event.token
        return out

    def _reasoning(self) -> tuple[bytes, Reasoning]:
        """The reasoning item that is open, or a new one: a refusal or a picture may have come between."""
        out = b""
        if not isinstance(self._item, Reasoning):
            out = self._thinking_start(ThinkingStart(0))
            assert isinstance(self._item, Reasoning)
        return out, self._item

    # --- calls and pictures ---

    def _in_call(self) -> bool:
        return isinstance(self._item, Call) and not self._item.ended

    def _waited(self) -> bytes:
        if not self._waiting or self._in_call():
            return b""
        events, self._waiting = self._waiting, []
        return b"".join([self._frame(event) for event in events])

    def _tool_start(self, event: ToolStart) -> bytes:
        space, name = self._namespaces.get(event.name, (None, event.name))
        return self._begin(
            "ctc" if event.kind == "custom" else "fc",
            lambda number, id_: Call(self._emit, number, id_, event.id, name, event.kind, space),
        )

    def _tool_args(self, event: ToolArgs) -> bytes:
        assert isinstance(self._item, Call)
        delta = self._item.delta(self._sequence, event.fragment)
        self._sequence += 1
        return delta

    def _tool_end(self, event: ToolEnd) -> bytes:
        assert isinstance(self._item, Call)
        out = b""
        if self._item.lacks_arguments:
            out = self._item.delta(self._sequence, "{}")
            self._sequence += 1
        self._item.ended = True
        if event.token is not None:  # a reasoning item of its own brings it back to the call
            call_id = str(self._item.body["call_id"])
            out += self._thinking_end(ThinkingEnd(event.block, replace(event.token, id=call_id)))
        return out

    def _image(self, event: ImageOut) -> bytes:
        image = event.image
        return self._begin("ig", lambda number, id_: Picture(self._emit, number, id_, image.mime, image.data))


def write_answer(answer: Answer, ask: Ask) -> JsonObject:
    """A whole response, as its stream would end."""
    return StreamWriter(ask).whole(answer)


def _payloads(frames: bytes) -> Iterator[JsonObject]:
    for _, data in SSEDecoder().feed(frames):
        with suppress(ValueError):
            if isinstance(payload := loads(data), dict):
                yield payload


def _cited(answer: Answer) -> Iterator[StreamEvent]:
    """The events of a whole answer, its citations with the last text: a later item would leave them without one."""
    texts = [block for block, part in enumerate(answer.parts) if isinstance(part, AnswerText) and part.text]
    for event in replay(answer):
        if isinstance(event, Citation):
            continue
        if isinstance(event, TextEnd) and texts and event.block == texts[-1]:
            yield from answer.citations
        yield event
