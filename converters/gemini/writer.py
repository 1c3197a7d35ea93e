"""Stream events -> what a Gemini client reads (conversion tables 13 and 14.5).

Source: Gemini API reference, "streamGenerateContent"; python-genai 3.4, which knows an error by a text that begins with
`{"error"` and breaks on comments (read 2026-11).
"""

from collections.abc import Callable
from typing import cast

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
from converters.gemini.answer_schema import unwrapped
from converters.gemini.errors import write_error
from converters.gemini.tokens import write_signature
from converters.gemini.usage import write_usage
from converters.history import arguments_object
from converters.json_codec import Json, JsonObject, dumps
from converters.loss import Loss
from converters.sse import data_frame
from converters.turns import Base64, Token, ToolCall
from converters.wire import Ask

_REASONS: dict[StopReason, str] = {
    "stop": "STOP",
    "stop_sequence": "STOP",
    "length": "MAX_TOKENS",
    "tool_calls": "STOP",  # this protocol has no word for it
    "content_filter": "SAFETY",
    "refusal": "STOP",
    "pause": "STOP",
    "other": "OTHER",
}


class Writer:
    """Stream events -> generateContent stream, `alt=sse`.

    A call is one part with all its arguments, so its fragments wait for its end. The last chunk, with finish reason and
    usage, waits for `end`: an answer that breaks after its Finish must not look complete. Usage stands there alone, because
    clients sum what they find. There is no harmless byte to keep an idle client waiting with.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._usage = Usage()
        self._finish = Finish("stop")
        self._ended = False
        self._calls: dict[int, tuple[ToolStart, list[str]]] = {}  # block -> start and fragments, until it ends
        self._citations: list[Citation] = []
        self._wrapped: list[str] = []
        self._token: Token | None = None  # of the text that comes next
        self._frame = _Frame(ask)
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
                RefusalDelta: lambda event: self._frame.text(event.text),
                ImageOut: lambda event: self._frame.part(_image(event.image)),
                Citation: self._citation,
                UsageUpdate: self._take_usage,
                Finish: self._take_finish,
            },
        )

    def write(self, event: StreamEvent) -> bytes:
        write = self._write.get(type(event))
        return b"" if write is None or self._ended else write(event)

    def end(self) -> bytes:
        if self._ended:
            return b""
        out = b"".join(self._tool_end(ToolEnd(block)) for block in list(self._calls))
        if self._wrapped:
            out += self._frame.text(unwrapped("".join(self._wrapped)))
        self._ended = True
        last: JsonObject = {"text": ""}
        if (signature := write_signature(self._token)) is not None:
            last["thoughtSignature"] = signature
        candidate = _candidate([last], self._finish, self._citations)
        return out + data_frame({"candidates": [candidate], **self._frame.tail(self._usage)})

    def error(self, failure: Failure) -> bytes:
        self._ended = True
        return data_frame(write_error(failure, "")[1])

    def heartbeat(self) -> bytes:
        return b""

    # --- events ---

    def _text(self, event: TextDelta) -> bytes:
        if self._ask.unwrap:
            self._wrapped.append(event.text)
            return b""
        if self._token is not None:
            part: JsonObject = {"text": event.text, "thoughtSignature": write_signature(self._token)}
            self._token = None
            return self._frame.part(part)
        return self._frame.text(event.text)

    def _thinking(self, event: ThinkingDelta) -> bytes:
        return self._frame.part({"text": event.text, "thought": True}) if self._ask.show_thinking else b""

    def _thinking_end(self, event: ThinkingEnd) -> bytes:
        token = event.token
        if _is_of_text(token):
            self._token = token
            return b""
        signature = _own_signature(token) if self._ask.show_thinking else None
        if signature is None:
            return b""
        return self._frame.part({"text": "", "thought": True, "thoughtSignature": signature})

    def _tool_start(self, event: ToolStart) -> bytes:
        self._calls[event.block] = (event, [])
        return b""

    def _tool_args(self, event: ToolArgs) -> bytes:
        self._calls[event.block][1].append(event.fragment)
        return b""

    def _tool_end(self, event: ToolEnd) -> bytes:
        start, fragments = self._calls.pop(event.block)
        return self._frame.part(_call(start.id, start.name, "".join(fragments), event.token))

    def _citation(self, event: Citation) -> bytes:
        self._citations.append(event)
        return b""

    def _take_usage(self, event: UsageUpdate) -> bytes:
        self._usage.update(event.usage)
        return b""

    def _take_finish(self, event: Finish) -> bytes:
        self._finish = event
        return b""


class _Frame:
    """Chunks: nearly all are a constant head, a text, and a constant tail."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._id = ""
        self._tail = b""

    def text(self, text: str) -> bytes:
        return (
            b'data: {"candidates":[{"content":{"parts":[{"text":' + dumps(text) + b"}" + self._closing()
            if text
            else b""
        )

    def part(self, part: JsonObject) -> bytes:
        return b'data: {"candidates":[{"content":{"parts":[' + dumps(part) + self._closing()

    def tail(self, usage: Usage) -> JsonObject:
        """What the last chunk has beside its candidate."""
        return {"usageMetadata": write_usage(usage), "modelVersion": self._ask.model, "responseId": self._response_id()}

    def _closing(self) -> bytes:
        if not self._tail:
            named = dumps({"modelVersion": self._ask.model, "responseId": self._response_id()})
            self._tail = b'],"role":"model"},"index":0}],' + named[1:] + b"\n\n"
        return self._tail

    def _response_id(self) -> str:
        self._id = self._id or self._ask.new_id()[:24]
        return self._id


# --- whole ---


def write_answer(answer: Answer, ask: Ask) -> JsonObject:
    """A whole GenerateContentResponse, as its stream would fold into it."""
    parts: list[Json] = []
    token: Token | None = None
    for part in answer.parts:
        match part:
            case AnswerText(text) | AnswerRefusal(text):
                if not text:
                    continue
                words: JsonObject = {"text": unwrapped(text) if ask.unwrap else text}
                if token is not None and isinstance(part, AnswerText):
                    words["thoughtSignature"] = write_signature(token)
                    token = None
                parts.append(words)
            case AnswerImage(image):
                parts.append(_image(image))
            case AnswerCall(id_, name, args_text, _, call_token):
                parts.append(_call(id_, name, args_text, call_token))
            case AnswerThinking(text, own):
                token = own if _is_of_text(own) else token
                if ask.show_thinking and (made := _thought(text, own)):
                    parts.append(made)
    if token is not None or not parts:
        last: JsonObject = {"text": ""}
        if (signature := write_signature(token)) is not None:
            last["thoughtSignature"] = signature
        parts.append(last)
    candidate = _candidate(parts, answer.finish or Finish("stop"), answer.citations)
    return {"candidates": [candidate], **_Frame(ask).tail(answer.usage)}


def _candidate(parts: list[Json], finish: Finish, citations: list[Citation]) -> JsonObject:
    content: JsonObject = {"parts": parts, "role": "model"}
    candidate: JsonObject = {"content": content, "finishReason": _REASONS[finish.reason], "index": 0}
    if citations:
        chunks: list[Json] = [{"web": {"uri": cited.url, "title": cited.title or cited.url}} for cited in citations]
        candidate["groundingMetadata"] = {"groundingChunks": chunks}
    return candidate


def _call(id_: str, name: str, args_text: str, token: Token | None) -> JsonObject:
    args = arguments_object(ToolCall(id_, name, args_text=args_text), Loss())
    part: JsonObject = {"functionCall": {"id": id_, "name": name, "args": args}}
    if (signature := write_signature(token)) is not None:
        part["thoughtSignature"] = signature
    return part


def _thought(text: str, token: Token | None) -> JsonObject:
    signature = None if _is_of_text(token) else _own_signature(token)
    if not (text or signature):
        return {}
    part: JsonObject = {"text": text, "thought": True}
    return part if signature is None else {**part, "thoughtSignature": signature}


def _image(image: Base64) -> JsonObject:
    return {"inlineData": {"mimeType": image.mime, "data": image.data}}


def _is_of_text(token: Token | None) -> bool:
    return token is not None and token.origin == "g" and token.at == "text"


def _own_signature(token: Token | None) -> str | None:
    """What a thought part carries itself: not the token that the call behind it has."""
    return None if token is not None and token.origin == "g" and token.at == "call" else write_signature(token)
