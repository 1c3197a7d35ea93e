"""Stream events -> what an Anthropic client reads (conversion tables 13 and 14.3).

Source: Anthropic API documentation, "Streaming messages"; anthropic-sdk-python, which goes by the `event:` line and not by
`type` (read 2026-11).
"""

from collections.abc import Callable

from converters.anthropic.errors import error_event
from converters.anthropic.usage import write_usage
from converters.envelope import seal
from converters.errors import Failure
from converters.events import (
    Answer,
    AnswerCall,
    AnswerImage,
    AnswerPart,
    AnswerRefusal,
    AnswerText,
    AnswerThinking,
    Finish,
    ImageOut,
    RefusalDelta,
    Start,
    StopReason,
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
from converters.history import arguments_object
from converters.json_codec import Json, JsonObject, dumps
from converters.loss import Loss
from converters.sequence import Sequencer
from converters.sse import event_frame
from converters.turns import Base64, Token, ToolCall
from converters.wire import Ask

_STOP_REASONS: dict[StopReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "other": "end_turn",
}
_OFTEN = frozenset((TextDelta, ToolArgs))
_THINKING = frozenset((ThinkingStart, ThinkingDelta, ThinkingEnd))
_TOP = frozenset((TextStart, ThinkingStart, ToolStart, ImageOut))  # what ends a run of refusal text
_PING = event_frame("ping", {"type": "ping"})
_END_OF_DELTA = b"}}\n\n"


class Writer:
    """Stream events -> Messages stream.

    message_start waits for the first content (or Finish, or a heartbeat), message_delta for `end`, because usage may come
    late and nothing may follow message_stop. Blocks are made sequential first. Thinking is left out, and costs no block
    number, unless the client asked for it. Citations are left out: an index that only Anthropic can issue belongs to them.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._sequencer = Sequencer()
        self._left_out = frozenset() if ask.show_thinking else _THINKING
        self._start = Start()
        self._usage = Usage()
        self._finish = Finish("stop")
        self._opened = False
        self._ended = False
        self._called = False
        self._refused = False
        self._own_block = 0  # blocks that the hub has no number for count down from -1
        self._refusal: int | None = None  # the one that refusal text goes to
        self._delta = b""  # a delta's frame up to its text
        self._thinking_held = False  # started, but what kind of block it is shows with the next event
        self._no_args = False  # of the open call, so far
        self._frames: dict[type, Callable[..., bytes]] = {
            TextStart: self._text_start,
            TextDelta: self._text_delta,
            TextEnd: self._stop,
            ThinkingStart: self._thinking_start,
            ThinkingDelta: self._thinking_delta,
            ThinkingEnd: self._thinking_end,
            ToolStart: self._tool_start,
            ToolArgs: self._tool_args,
            ToolEnd: self._tool_end,
            Start: self._take_start,
            UsageUpdate: self._take_usage,
            Finish: self._take_finish,
        }

    def write(self, event: StreamEvent) -> bytes:
        if self._ended:
            return b""
        if (kind := type(event)) in _OFTEN:
            return self._write(event)
        if kind in _TOP:
            self._refusal = None
        if kind in self._left_out:
            return b""
        if isinstance(event, RefusalDelta):
            return self._refusal_delta(event.text)
        if isinstance(event, ImageOut):
            return self._own_text(_described(event.image))
        return self._write(event)

    def _write(self, event: StreamEvent) -> bytes:
        events = self._sequencer.feed(event)
        if len(events) == 1:
            frame = self._frames.get(type(events[0]))
            return b"" if frame is None else frame(events[0])
        return b"".join(self._frames[type(each)](each) for each in events)

    def end(self) -> bytes:
        if self._ended:
            return b""
        rest = b"".join(self._frames[type(event)](event) for event in self._sequencer.close())
        opening = self._open()
        self._ended = True
        reason, sequence = _stop_reason(self._finish, self._called, self._refused)
        delta: JsonObject = {"stop_reason": reason, "stop_sequence": sequence}
        ending = {"type": "message_delta", "delta": delta, "usage": write_usage(self._usage)}
        return (
            opening
            + rest
            + event_frame("message_delta", ending)
            + event_frame("message_stop", {"type": "message_stop"})
        )

    def error(self, failure: Failure) -> bytes:
        self._ended = True
        return event_frame("error", error_event(failure))

    def heartbeat(self) -> bytes:
        return b"" if self._ended else self._open() + _PING

    # --- what is remembered ---

    def _take_start(self, event: Start) -> bytes:
        self._start = event
        return b""

    def _take_usage(self, event: UsageUpdate) -> bytes:
        self._usage.update(event.usage)
        return b""

    def _take_finish(self, event: Finish) -> bytes:
        self._finish = event
        return self._open()

    # --- frames ---

    def _open(self) -> bytes:
        """The opening frame, once."""
        if self._opened:
            return b""
        self._opened = True
        message: JsonObject = {
            **_head(self._start, self._ask),
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": write_usage(self._usage),
        }
        return event_frame("message_start", {"type": "message_start", "message": message})

    def _begin(self, block: int, content: JsonObject, delta: str, field: str) -> bytes:
        """content_block_start; prepares the frame of the block's deltas, of which only the text is missing then."""
        self._delta = (
            f'event: content_block_delta\ndata: {{"type":"content_block_delta","index":{block},'
            f'"delta":{{"type":"{delta}","{field}":'
        ).encode()
        start: JsonObject = {"type": "content_block_start", "index": block, "content_block": content}
        return self._open() + event_frame("content_block_start", start)

    def _stop(self, event: TextEnd | ThinkingEnd | ToolEnd) -> bytes:
        return event_frame("content_block_stop", {"type": "content_block_stop", "index": event.block})

    def _text_start(self, event: TextStart) -> bytes:
        return self._begin(event.block, {"type": "text", "text": ""}, "text_delta", "text")

    def _text_delta(self, event: TextDelta) -> bytes:
        return self._delta + dumps(event.text) + _END_OF_DELTA

    def _thinking_start(self, event: ThinkingStart) -> bytes:
        self._thinking_held = True
        return b""

    def _thinking_begun(self, block: int) -> bytes:
        if not self._thinking_held:
            return b""
        self._thinking_held = False
        content: JsonObject = {"type": "thinking", "thinking": "", "signature": ""}
        return self._begin(block, content, "thinking_delta", "thinking")

    def _thinking_delta(self, event: ThinkingDelta) -> bytes:
        return self._thinking_begun(event.block) + self._delta + dumps(event.text) + _END_OF_DELTA

    def _thinking_end(self, event: ThinkingEnd) -> bytes:
        if self._thinking_held and event.token is not None and event.token.origin == "x":
            self._thinking_held = False
            content: JsonObject = {"type": "redacted_thinking", "data": event.token.value}
            return self._begin(event.block, content, "", "") + self._stop(event)
        signature: JsonObject = {"type": "signature_delta", "signature": _signature(event.token)}
        delta: JsonObject = {"type": "content_block_delta", "index": event.block, "delta": signature}
        return self._thinking_begun(event.block) + event_frame("content_block_delta", delta) + self._stop(event)

    def _tool_start(self, event: ToolStart) -> bytes:
        self._called = self._no_args = True
        content: JsonObject = {"type": "tool_use", "id": event.id, "name": event.name, "input": {}}
        return self._begin(event.block, content, "input_json_delta", "partial_json")

    def _tool_args(self, event: ToolArgs) -> bytes:
        if self._no_args and event.fragment.strip():
            self._no_args = False
        return self._delta + dumps(event.fragment) + _END_OF_DELTA

    def _tool_end(self, event: ToolEnd) -> bytes:
        empty = self._delta + dumps("{}") + _END_OF_DELTA if self._no_args else b""
        return empty + self._stop(event)

    # --- text that the hub has no block for ---

    def _refusal_delta(self, text: str) -> bytes:
        self._refused = True
        begun = b""
        if self._refusal is None:
            self._own_block -= 1
            self._refusal = self._own_block
            begun = self._write(TextStart(self._refusal))
        return begun + self._write(TextDelta(self._refusal, text))

    def _own_text(self, text: str) -> bytes:
        self._own_block -= 1
        block = self._own_block
        return self._write(TextStart(block)) + self._write(TextDelta(block, text)) + self._write(TextEnd(block))


# --- whole ---


def write_answer(answer: Answer, ask: Ask) -> JsonObject:
    content: list[Json] = [block for part in answer.parts if (block := _block(part, ask)) is not None]
    called = any(isinstance(part, AnswerCall) for part in answer.parts)
    refused = any(isinstance(part, AnswerRefusal) for part in answer.parts)
    reason, sequence = _stop_reason(answer.finish or Finish("stop"), called, refused)
    return {
        **_head(answer.start, ask),
        "content": content,
        "stop_reason": reason,
        "stop_sequence": sequence,
        "usage": write_usage(answer.usage),
    }


def _block(part: AnswerPart, ask: Ask) -> JsonObject | None:
    match part:
        case AnswerText(text) | AnswerRefusal(text):
            return {"type": "text", "text": text} if text else None
        case AnswerImage(image):
            return {"type": "text", "text": _described(image)}
        case AnswerCall(id_, name, args_text):
            args = arguments_object(ToolCall(id_, name, args_text=args_text), Loss())
            return {"type": "tool_use", "id": id_, "name": name, "input": args}
        case AnswerThinking(text, token):
            if not ask.show_thinking or not (text or token):
                return None
            if token is not None and token.origin == "x" and not text:
                return {"type": "redacted_thinking", "data": token.value}
            return {"type": "thinking", "thinking": text, "signature": _signature(token)}


def _head(start: Start, ask: Ask) -> JsonObject:
    id_ = start.id if start.id and start.id.startswith("msg_") else f"msg_{ask.new_id()[:24]}"
    return {"id": id_, "type": "message", "role": "assistant", "model": ask.model}


def _stop_reason(finish: Finish, called: bool, refused: bool) -> tuple[str, str | None]:
    """11: a call of the client's tools outweighs a plain stop, whatever the provider said."""
    reason = finish.reason
    if reason == "stop":
        reason = "tool_calls" if called else "refusal" if refused else reason
    return _STOP_REASONS[reason], finish.stop_sequence if reason == "stop_sequence" else None


def _signature(token: Token | None) -> str:
    """7.4: the provider's own where it is Anthropic's; else an envelope, which no Anthropic provider is ever sent."""
    if token is not None and token.origin == "a":
        return token.value
    return seal(token or Token("n", ""))


def _described(image: Base64) -> str:
    """3: this protocol has no place for a picture in an answer."""
    size = len(image.data) * 3 // 4 - image.data[-2:].count("=")
    return f"[image: {image.mime}, {size} bytes]"
