"""Stream events -> the Chat client's answer, streamed or whole (conversion rules 13 and 14.2)."""

from collections.abc import Callable
from typing import cast

from converters.data_url import write_data_url
from converters.errors import Failure
from converters.events import (
    Answer,
    AnswerCall,
    AnswerImage,
    AnswerRefusal,
    AnswerText,
    AnswerThinking,
    Citation,
    Finish,
    ImageOut,
    RefusalDelta,
    Start,
    StopReason,
    StreamEvent,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    ToolArgs,
    ToolEnd,
    ToolStart,
    Usage,
    UsageUpdate,
)
from converters.json_codec import Json, JsonObject, dumps
from converters.openai_chat.errors import write_error
from converters.openai_chat.reasoning_details import write_call_token, write_detail
from converters.openai_chat.usage import write_usage
from converters.sse import data_frame
from converters.turns import Base64
from converters.wire import Ask

_REASONS: dict[StopReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "stop",
    "pause": "stop",
    "other": "stop",
}
_CLOSE = b',"finish_reason":null}]}\n\n'  # ends every chunk but the last ones
_NO_ARGUMENTS = "{}"  # what a call without arguments sends: clients parse the text


class StreamWriter:
    """Stream events -> `chat.completion.chunk` frames, one `[DONE]` at the end.

    The opening chunk (role) goes out with the first content; the finish chunk waits for the end, because an answer that
    breaks after its Finish must not look complete. Nearly all frames are a constant head, the text, and a
    constant tail: only the text is serialised.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._start = Start()
        self._usage = Usage()
        self._finish: Finish | None = None
        self._opened = False
        self._opening = self._head = self._text_head = self._thinking_head = b""
        self._thought: list[str] = []  # text of the open thinking block, for its signature's entry
        self._details = 0
        self._calls: dict[int, _OpenCall] = {}
        # Keyed by the event's own type; `cast` because no type says "each method takes its key".
        self._write = cast(
            dict[type, Callable[[StreamEvent], bytes]],
            {
                TextDelta: self._text,
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
            },
        )

    def write(self, event: StreamEvent) -> bytes:
        write = self._write.get(type(event))
        return b"" if write is None else write(event)

    def end(self) -> bytes:
        assert self._finish is not None, "an answer is not over before its Finish"
        out = self._open() + self._head + b'{},"finish_reason":"' + _REASONS[self._finish.reason].encode() + b'"}]}\n\n'
        if self._ask.include_usage:
            out += self._opening + b'[],"usage":' + dumps(write_usage(self._usage)) + b"}\n\n"
        return out + b"data: [DONE]\n\n"

    def error(self, failure: Failure) -> bytes:
        return data_frame(write_error(failure, "")[1])

    def heartbeat(self) -> bytes:
        return b": keep-alive\n\n"

    # --- frames ---

    def _open(self) -> bytes:
        if self._opened:
            return b""
        self._opened = True
        start = self._start
        opening: JsonObject = {
            "id": "chatcmpl-" + self._ask.new_id()[:24],
            "object": "chat.completion.chunk",
            "created": self._ask.now() if start.created is None else start.created,
            "model": self._ask.model,
        }
        self._opening = b"data: " + dumps(opening)[:-1] + b',"choices":'
        self._head = self._opening + b'[{"index":0,"delta":'
        self._text_head = self._head + b'{"content":'
        self._thinking_head = self._head + b'{"reasoning_content":'
        return self._head + b'{"role":"assistant","content":""}' + _CLOSE

    def _delta(self, delta: JsonObject) -> bytes:
        out = self._open()
        return out + self._head + dumps(delta) + _CLOSE

    # --- events ---

    def _take_start(self, event: Start) -> bytes:
        self._start = event
        return b""

    def _take_usage(self, event: UsageUpdate) -> bytes:
        self._usage.update(event.usage)
        return b""

    def _text(self, event: TextDelta) -> bytes:
        if self._opened:
            return self._text_head + dumps(event.text) + b"}" + _CLOSE
        return self._open() + self._text(event)

    def _thinking(self, event: ThinkingDelta) -> bytes:
        if not self._ask.show_thinking:
            return b""
        out = self._open()
        self._thought.append(event.text)
        return out + self._thinking_head + dumps(event.text) + b"}" + _CLOSE

    def _thinking_end(self, event: ThinkingEnd) -> bytes:
        text = "".join(self._thought)
        self._thought.clear()
        detail = write_detail(text, event.token, self._details)
        if detail is None or not self._ask.show_thinking:
            return b""
        self._details += 1
        return self._delta({"reasoning_details": [detail]})

    def _tool_start(self, event: ToolStart) -> bytes:
        place = len(self._calls)
        out = self._open()
        self._calls[event.block] = _OpenCall(place, event.kind, self._head)
        return out + self._delta(
            {"tool_calls": [{"index": place, **call_object(event.id, event.name, "", event.kind)}]}
        )

    def _tool_args(self, event: ToolArgs) -> bytes:
        return self._calls[event.block].fragment(event.fragment)

    def _tool_end(self, event: ToolEnd) -> bytes:
        call = self._calls[event.block]
        out = b"" if call.any or call.kind == "custom" else call.fragment(_NO_ARGUMENTS)
        if extra := write_call_token(event.token):
            # Clients read the arguments of every entry, also where nothing is added to them.
            words: JsonObject = {"custom": {"input": ""}} if call.kind == "custom" else {"function": {"arguments": ""}}
            out += self._delta({"tool_calls": [{"index": call.place, **words, "extra_content": extra}]})
        return out

    def _refusal(self, event: RefusalDelta) -> bytes:
        return self._delta({"refusal": event.text})

    def _image(self, event: ImageOut) -> bytes:
        return self._delta({"images": [image_object(event.image)]})

    def _citation(self, event: Citation) -> bytes:
        return self._delta({"annotations": [citation_object(event)]})

    def _take_finish(self, event: Finish) -> bytes:
        self._finish = event
        return b""


class _OpenCall:
    """A call being streamed. place: its number among the calls. any: a fragment was sent."""

    __slots__ = ("_head", "any", "kind", "place")

    def __init__(self, place: int, kind: str, head: bytes) -> None:
        self.place, self.kind, self.any = place, kind, False
        field = b'"custom":{"input":' if kind == "custom" else b'"function":{"arguments":'
        self._head = head + b'{"tool_calls":[{"index":' + str(place).encode() + b"," + field

    def fragment(self, text: str) -> bytes:
        if not text:
            return b""
        self.any = True
        return self._head + dumps(text) + b"}}]}" + _CLOSE


def write_answer(answer: Answer, ask: Ask) -> JsonObject:
    """A whole `chat.completion`, as its stream would fold into it."""
    texts: list[str] = []
    thoughts: list[str] = []
    refusal = ""
    details: list[Json] = []
    calls: list[Json] = []
    images: list[Json] = []
    for part in answer.parts:
        match part:
            case AnswerText(text):
                texts.append(text)
            case AnswerThinking(text, token):
                thoughts.append(text)
                if (detail := write_detail(text, token, len(details))) is not None:
                    details.append(detail)
            case AnswerRefusal(text):
                refusal += text
            case AnswerCall():
                calls.append(_whole_call(part))
            case AnswerImage(image):
                images.append(image_object(image))
    text = "".join(texts)
    message: JsonObject = {"role": "assistant", "content": None if calls and not text else text}
    message["refusal"] = refusal or None
    optional: JsonObject = {"images": images, "annotations": [citation_object(c) for c in answer.citations]}
    if ask.show_thinking:
        optional |= {"reasoning_content": "".join(thoughts), "reasoning_details": details}
    optional["tool_calls"] = calls
    message.update({name: value for name, value in optional.items() if value})
    reason = _REASONS[answer.finish.reason if answer.finish else "other"]
    return {
        "id": "chatcmpl-" + ask.new_id()[:24],
        "object": "chat.completion",
        "created": ask.now() if answer.start.created is None else answer.start.created,
        "model": ask.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": reason}],
        "usage": write_usage(answer.usage),
    }


def _whole_call(call: AnswerCall) -> JsonObject:
    text = call.args_text or ("" if call.kind == "custom" else _NO_ARGUMENTS)
    written = call_object(call.id, call.name, text, call.kind)
    if extra := write_call_token(call.token):
        written["extra_content"] = extra
    return written


def call_object(id_: str, name: str, text: str, kind: str) -> JsonObject:
    if kind == "custom":
        return {"id": id_, "type": "custom", "custom": {"name": name, "input": text}}
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": text}}


def image_object(image: Base64) -> JsonObject:
    return {"type": "image_url", "image_url": {"url": write_data_url(image)}}


def citation_object(citation: Citation) -> JsonObject:
    cited: JsonObject = {"url": citation.url, "title": citation.title or ""}
    cited |= {"start_index": citation.start or 0, "end_index": citation.end or 0}
    return {"type": "url_citation", "url_citation": cited}
