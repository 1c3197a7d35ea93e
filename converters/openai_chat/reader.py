"""A provider's Chat Completions answer -> stream events, streamed or whole.

Source: OpenAI API reference, "chat completion chunk object" (read 2026-11), and what compatible servers were seen to send.
"""

from collections.abc import Iterator

from converters.errors import Kind, UpstreamError
from converters.events import Finish, Start, StopReason, StreamEvent, TextDelta, UsageUpdate
from converters.json_codec import Json, JsonObject, loads
from converters.openai_chat.content import Content, items
from converters.openai_chat.errors import error_in_answer
from converters.openai_chat.usage import read_usage
from converters.profile import Profile
from converters.sse import DONE, SSEDecoder
from converters.thinking_tags import ThinkingTags

_REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "length": "length",
    "model_length": "length",  # Mistral: the context window is full
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
}
_FAILED = {
    "error": Kind.SERVER,
    "error_finish": Kind.RATE_LIMIT,  # DashScope: throttled inside a 200 stream, the words are in the content
    "insufficient_system_resource": Kind.OVERLOADED,  # DeepSeek
}
_UNREADABLE_LIMIT = 3


class StreamReader:
    """Chat Completions stream -> stream events.

    feed: any slice of the body, down to one byte; yields the events it completes. Raises UpstreamError for an error frame
    and for three unreadable frames in a row.
    close: the upstream ended. Raises UpstreamError(BROKEN_STREAM) when neither a finish reason nor `[DONE]` was seen: a cut
    stream is never passed off as a whole answer.
    Only choice 0 is read. What is of no use is counted: `skipped`.
    """

    def __init__(self, profile: Profile) -> None:
        self._sse = SSEDecoder()
        self._content = Content(ThinkingTags() if profile.think_tags else None)
        self._started = False
        self._finished = False
        self._done = False
        self._last_usage: Json = None
        self._unreadable = 0
        self._skipped = 0

    @property
    def skipped(self) -> int:
        return self._skipped + self._content.skipped

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        content = self._content
        for event, payload in self._sse.feed(data):
            if event or self._done or payload.startswith(DONE):
                yield from self._frame(event, payload)
            elif (chunk := self._load(payload)) is not None:
                if (block := content.text) is not None and (text := _plain_text(chunk)) and not self._finished:
                    yield TextDelta(block, text)
                else:
                    yield from self._chunk(chunk)

    def close(self) -> Iterator[StreamEvent]:
        for event, payload in self._sse.close():
            yield from self._frame(event, payload)
        if not self._finished:
            raise UpstreamError(Kind.BROKEN_STREAM, "the provider's stream ended before its finish reason")

    def whole(self, body: JsonObject) -> Iterator[StreamEvent]:
        """The events of a whole answer: one chunk whose delta is the message."""
        if not isinstance(body.get("choices"), list):
            raise error_in_answer(body)
        yield from self._chunk(body)
        yield from self._end()

    def _frame(self, event: bytes, payload: bytes) -> Iterator[StreamEvent]:
        if self._done:
            self._skipped += 1
        elif payload.startswith(DONE):
            self._done = True
            yield from self._end()
        elif (chunk := self._load(payload)) is not None:
            if event == b"error":
                raise error_in_answer(chunk)
            yield from self._chunk(chunk)

    def _load(self, payload: bytes) -> JsonObject | None:
        try:
            chunk = loads(payload)
        except ValueError:
            chunk = None
        if isinstance(chunk, dict):
            self._unreadable = 0
            return chunk
        self._skipped += 1
        self._unreadable += 1
        if self._unreadable == _UNREADABLE_LIMIT:
            raise UpstreamError(Kind.BROKEN_STREAM, f"{_UNREADABLE_LIMIT} unreadable stream frames in a row")
        return None

    def _chunk(self, chunk: JsonObject) -> Iterator[StreamEvent]:
        choice = _choice_0(chunk)
        if _is_error(chunk):
            raise error_in_answer(chunk)
        if choice.get("error"):
            raise error_in_answer(choice)
        reason = choice.get("finish_reason")
        reason = reason if isinstance(reason, str) else ""
        delta = choice.get("delta") or choice.get("message")
        delta = delta if isinstance(delta, dict) else {}
        if reason in _FAILED:
            said = delta.get("content")
            message = said if isinstance(said, str) and said else f"the provider ended its answer with `{reason}`"
            raise UpstreamError(_FAILED[reason], message, code=reason)
        if not self._started:
            yield self._start(chunk)
        if not self._finished:
            yield from self._content.delta(delta)
        yield from self._usage(chunk)
        if reason and not self._finished:
            yield from self._content.close()
            yield self._finish(reason)

    def _start(self, chunk: JsonObject) -> Start:
        self._started = True
        id_, model, created = chunk.get("id"), chunk.get("model"), chunk.get("created")
        start = Start(
            id_ if isinstance(id_, str) and id_ else None,
            model if isinstance(model, str) and model else None,
            created if isinstance(created, int) and created > 0 else None,
        )
        self._content.answer = f"{start.id} {start.created}"
        return start

    def _usage(self, chunk: JsonObject) -> Iterator[StreamEvent]:
        raw = chunk.get("usage")
        if raw is None and isinstance(groq := chunk.get("x_groq"), dict):
            raw = groq.get("usage")
        if raw != self._last_usage and (usage := read_usage(raw)) is not None:
            self._last_usage = raw
            yield UsageUpdate(usage)

    def _end(self) -> Iterator[StreamEvent]:
        """The answer is over by the provider's word. Some vendors never send a finish reason."""
        if self._finished:
            return
        yield from self._content.close()
        if not (self._content.found or self._content.has_calls):
            raise UpstreamError(Kind.BROKEN_STREAM, "the provider's answer is empty and has no finish reason")
        yield self._finish(None)

    def _finish(self, native: str | None) -> Finish:
        self._finished = True
        return Finish(self._reason(native), native)

    def _reason(self, native: str | None) -> StopReason:
        """A call makes any end but `length` and `content_filter` a `tool_calls`; where no call came there is none."""
        reason = "stop" if native is None else _REASONS.get(native, "other")
        if reason in ("length", "content_filter"):
            return reason
        if self._content.has_calls:
            return "tool_calls"
        if reason == "tool_calls":
            return "stop"
        return "refusal" if reason == "stop" and self._content.refused else reason


def read_answer(body: JsonObject, profile: Profile) -> Iterator[StreamEvent]:
    """The events of a whole answer. Raises UpstreamError when the body is an error or no answer."""
    return StreamReader(profile).whole(body)


def _plain_text(chunk: JsonObject) -> str | None:
    """The text of a chunk that holds one text delta and nothing else that matters: nearly all chunks are such."""
    choices = chunk.get("choices")
    if type(choices) is not list or len(choices) != 1 or chunk.get("usage") or "error" in chunk or "x_groq" in chunk:
        return None
    choice = choices[0]
    if type(choice) is not dict or choice.get("finish_reason") or choice.get("index") or "error" in choice:
        return None
    delta = choice.get("delta")
    if type(delta) is not dict or len(delta) > 1 + ("role" in delta):
        return None
    text = delta.get("content")
    return text if type(text) is str else None


def _choice_0(chunk: JsonObject) -> JsonObject:
    for choice in items(chunk.get("choices")):
        if isinstance(choice, dict) and not choice.get("index"):
            return choice
    return {}


def _is_error(chunk: JsonObject) -> bool:
    """`error` in any chunk; vLLM's `{"object":"error"}`; DashScope's `{"code","message"}`; Groq's `x_groq.error`."""
    if chunk.get("error") or chunk.get("object") == "error":
        return True
    if "choices" not in chunk and isinstance(chunk.get("message"), str):
        return True
    groq = chunk.get("x_groq")
    return isinstance(groq, dict) and bool(groq.get("error"))
