"""A provider's Responses answer -> stream events, streamed or whole.

Source: OpenAI API reference, "streaming events" and "response object" (read 2026-11), and streams that were recorded.
"""

from collections.abc import Callable, Iterable, Iterator

from converters.errors import Kind, UpstreamError
from converters.events import Finish, Start, StopReason, StreamEvent, TextDelta, UsageUpdate
from converters.json_codec import Json, JsonObject, loads
from converters.openai_responses.errors import error_in_answer, error_object
from converters.openai_responses.output import Output
from converters.openai_responses.usage import read_usage
from converters.profile import Profile
from converters.sse import DONE, Frame, SSEDecoder

_MAX_UNREADABLE = 3  # in a row
_TERMINAL = {
    "response.completed": "completed",
    "response.incomplete": "incomplete",
    "response.cancelled": "cancelled",
}
_INCOMPLETE: dict[str, StopReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}


class StreamReader:
    """Responses stream -> stream events.

    feed:  any slice of the body; the events it completes. Raises UpstreamError for an error event, for `response.failed`,
           and for three frames in a row that are no JSON object.
    close: raises UpstreamError(BROKEN_STREAM) unless a terminal event was seen: a cut stream is never passed off as a whole
           answer.
    What the provider ran itself (searches, shells, remote tools) has no place in the hub and is skipped, and so are unknown
    events: `skipped` counts them.
    """

    def __init__(self) -> None:
        self.skipped = 0
        self._sse = SSEDecoder()
        self._output = Output()
        self._started = False
        self._finished = False
        self._unreadable = 0

    def feed(self, data: bytes) -> Iterator[StreamEvent]:
        return self._read(self._sse.feed(data))

    def close(self) -> Iterator[StreamEvent]:
        yield from self._read(self._sse.close())
        if not self._finished:
            raise UpstreamError(Kind.BROKEN_STREAM, "the provider's stream ended before its terminal event")

    def step(self, payload: JsonObject, kind: str) -> Iterator[StreamEvent]:
        """One event of the protocol. Raises UpstreamError if it is an error."""
        if self._finished:
            return
        if (error := error_object(payload)) is not None:
            raise error_in_answer(error)
        if not self._started:
            self._started = True
            yield _start(payload.get("response"))
        if kind in _TERMINAL:
            yield from self._finish(payload.get("response"), _TERMINAL[kind])
        elif (step := _STEPS.get(kind)) is not None:
            yield from step(self._output, payload)
        else:
            self.skipped += 1

    def _read(self, frames: Iterable[Frame]) -> Iterator[StreamEvent]:
        for event, data in frames:
            try:
                payload = loads(data)
            except ValueError:
                payload = None
            if not isinstance(payload, dict):
                self._skip(data)
                continue
            self._unreadable = 0
            kind = payload.get("type")
            if (
                kind == "response.output_text.delta"
                and not self._finished
                and (block := self._output.open_text(payload)) is not None
            ):
                if isinstance(text := payload.get("delta"), str) and text:
                    yield TextDelta(block, text)
                continue
            yield from self.step(payload, kind if isinstance(kind, str) else event.decode(errors="replace"))

    def _skip(self, data: bytes) -> None:
        if data == DONE:  # of the other protocol, and harmless
            return
        self.skipped += 1
        self._unreadable += 1
        if self._unreadable >= _MAX_UNREADABLE:
            raise UpstreamError(Kind.BROKEN_STREAM, f"{_MAX_UNREADABLE} frames in a row are not JSON objects")

    def _finish(self, response: Json, native: str) -> Iterator[StreamEvent]:
        response = response if isinstance(response, dict) else {}
        status = response.get("status")
        if isinstance(status, str) and status in _TERMINAL.values():  # some vendors say `completed` for both
            native = status
        if native == "cancelled":
            raise UpstreamError(Kind.SERVER, "the provider cancelled its answer", code="cancelled")
        yield from self._output.close(response.get("output"))
        self._finished = True
        if (usage := read_usage(response.get("usage"))) is not None:
            yield UsageUpdate(usage)
        yield Finish(self._reason(response, native), native)

    def _reason(self, response: JsonObject, native: str) -> StopReason:
        """11: a call of the client's tools outweighs a plain stop."""
        if native == "incomplete":
            details = response.get("incomplete_details")
            reason = details.get("reason") if isinstance(details, dict) else None
            return _INCOMPLETE.get(reason, "other") if isinstance(reason, str) else "other"
        if self._output.called:
            return "tool_calls"
        return "refusal" if self._output.refused else "stop"


_STEPS: dict[str, Callable[[Output, JsonObject], Iterator[StreamEvent]]] = {
    "response.created": Output.nothing,
    "response.in_progress": Output.nothing,
    "response.queued": Output.nothing,
    "response.output_item.added": Output.item_added,
    "response.output_item.done": Output.item_done,
    "response.content_part.added": Output.nothing,
    "response.content_part.done": Output.part_done,
    "response.output_text.delta": Output.text_delta,
    "response.output_text.done": Output.text_done,
    "response.output_text.annotation.added": Output.annotation,
    "response.refusal.delta": Output.refusal_delta,
    "response.refusal.done": Output.refusal_done,
    "response.reasoning_summary_part.added": Output.nothing,
    "response.reasoning_summary_part.done": Output.nothing,
    "response.reasoning_summary_text.delta": Output.thinking_delta,
    "response.reasoning_summary_text.done": Output.thinking_done,
    "response.reasoning_text.delta": Output.thinking_delta,
    "response.reasoning_text.done": Output.thinking_done,
    "response.function_call_arguments.delta": Output.args_delta,
    "response.function_call_arguments.done": Output.args_done,
    "response.custom_tool_call_input.delta": Output.args_delta,
    "response.custom_tool_call_input.done": Output.args_done,
}


def read_answer(body: JsonObject, profile: Profile) -> Iterator[StreamEvent]:
    """The events of a whole answer. Raises UpstreamError when the body is an error or no finished response."""
    if (error := error_object(body)) is not None:
        raise error_in_answer(error)
    output, status = body.get("output"), body.get("status") or "completed"
    if not isinstance(output, list) or status not in _TERMINAL.values():
        raise UpstreamError(Kind.BROKEN_STREAM, "the provider's answer is not a finished response")
    reader = StreamReader()
    yield from reader.step({"response": body}, "response.created")
    yield from reader.step({"response": body}, f"response.{status}")


def _start(response: Json) -> Start:
    response = response if isinstance(response, dict) else {}
    id_, model, created = response.get("id"), response.get("model"), response.get("created_at")
    return Start(
        id_ if isinstance(id_, str) and id_ else None,
        model if isinstance(model, str) and model else None,
        int(created) if isinstance(created, int | float) and created > 0 else None,
    )
