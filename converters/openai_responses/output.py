"""The output items of a provider's response, as they grow -> content events (conversion rules 7.3, 7.4, 14.4, 14.6)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from converters.events import (
    Citation,
    ImageOut,
    RefusalDelta,
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
)
from converters.json_codec import Json, JsonObject
from converters.openai_responses.parse_tools import flat_name
from converters.turns import Base64, Token

type _Place = tuple[Json, Json, Json]  # kind, output_index, content_index or summary_index

_CALLS: dict[str, tuple[Literal["function", "custom"], str]] = {
    "function_call": ("function", "arguments"),
    "custom_tool_call": ("custom", "input"),
}
_SUMMARY, _THOUGHT = "summary", "content"


@dataclass(slots=True)
class _Call:
    block: int
    any: bool = False  # a fragment was handed on
    ended: bool = False


class Output:
    """Takes the events that concern items; each method gives the events that one amounts to.

    Values of `*.done` events count where no delta came before: vendors, and replays of whole items, leave deltas out.
    called, refused: what the answer holds so far.
    """

    def __init__(self) -> None:
        self.called = False
        self.refused = False
        self._blocks = 0
        self._open: tuple[_Place, int] | None = None  # the one text or thinking block that is open
        self._calls: dict[Json, _Call] = {}  # by output_index
        self._said: set[_Place] = set()  # parts of which text was handed on
        self._thinks_in: dict[Json, str] = {}  # output_index -> summary or content: one repeats the other
        self._done: set[Json] = set()  # output_index and id of items that are over
        self._cited: set[Json] = set()

    def open_text(self, payload: JsonObject) -> int | None:
        """The block of a text delta, if it is the open one: nearly all events are such deltas."""
        if self._open is None:
            return None
        place, block = self._open
        if place[0] != "text" or place[1] != payload.get("output_index") or place[2] != payload.get("content_index"):
            return None
        return block

    def nothing(self, payload: JsonObject) -> Iterator[StreamEvent]:
        yield from ()

    # --- text ---

    def text_delta(self, payload: JsonObject) -> Iterator[StreamEvent]:
        yield from self._say(_place("text", payload), payload.get("delta"))

    def text_done(self, payload: JsonObject) -> Iterator[StreamEvent]:
        yield from self._say_once(_place("text", payload), payload.get("text"))

    def refusal_delta(self, payload: JsonObject) -> Iterator[StreamEvent]:
        yield from self._refuse(_place("refusal", payload), payload.get("delta"))

    def refusal_done(self, payload: JsonObject) -> Iterator[StreamEvent]:
        yield from self._refuse_once(_place("refusal", payload), payload.get("refusal"))

    def part_done(self, payload: JsonObject) -> Iterator[StreamEvent]:
        yield from self._part(_index(payload), payload.get("content_index"), payload.get("part"))
        if self.open_text(payload) is not None:
            yield from self._end_open()

    def annotation(self, payload: JsonObject) -> Iterator[StreamEvent]:
        self._cited.add(_index(payload))
        yield from _citation(payload.get("annotation"))

    # --- reasoning ---

    def thinking_delta(self, payload: JsonObject) -> Iterator[StreamEvent]:
        yield from self._think(_thought(payload), payload.get("delta"))

    def thinking_done(self, payload: JsonObject) -> Iterator[StreamEvent]:
        if (place := _thought(payload)) not in self._said:
            yield from self._think(place, payload.get("text"))

    # --- calls ---

    def args_delta(self, payload: JsonObject) -> Iterator[StreamEvent]:
        call, fragment = self._calls.get(_index(payload)), payload.get("delta")
        if call is not None and not call.ended and isinstance(fragment, str) and fragment:
            call.any = True
            yield ToolArgs(call.block, fragment)

    def args_done(self, payload: JsonObject) -> Iterator[StreamEvent]:
        whole = payload.get("arguments") if "arguments" in payload else payload.get("input")
        yield from self._args_once(_index(payload), whole)

    def _args_once(self, index: Json, whole: Json) -> Iterator[StreamEvent]:
        call = self._calls.get(index)
        if call is not None and not (call.any or call.ended) and isinstance(whole, str) and whole:
            call.any = True
            yield ToolArgs(call.block, whole)

    # --- items ---

    def item_added(self, payload: JsonObject) -> Iterator[StreamEvent]:
        item = payload.get("item")
        if isinstance(item, dict) and item.get("type") in _CALLS:
            yield from self._start_call(_index(payload), item)

    def item_done(self, payload: JsonObject) -> Iterator[StreamEvent]:
        item = payload.get("item")
        if isinstance(item, dict):
            yield from self._item(_index(payload), item)

    def close(self, output: Json) -> Iterator[StreamEvent]:
        """The response is over. output: its whole items; those of which nothing was seen before are handed on now."""
        for index, item in enumerate(output if isinstance(output, list) else ()):
            if isinstance(item, dict) and item.get("id") not in self._done:
                yield from self._item(index, item)
        yield from self._end_open()
        for call in self._calls.values():
            yield from _end_call(call)

    def _item(self, index: Json, item: JsonObject) -> Iterator[StreamEvent]:
        if index in self._done:
            return
        self._done.add(index)
        if isinstance(id_ := item.get("id"), str):
            self._done.add(id_)
        kind = item.get("type")
        if kind == "message":
            content = item.get("content")
            for number, part in enumerate(content if isinstance(content, list) else ()):
                yield from self._part(index, number, part)
            if self._open is not None and self._open[0][1] == index:
                yield from self._end_open()
        elif kind == "reasoning":
            yield from self._reasoning(index, item)
        elif isinstance(kind, str) and kind in _CALLS:
            yield from self._start_call(index, item)
            yield from self._args_once(index, item.get(_CALLS[kind][1]))
            if (call := self._calls.get(index)) is not None:
                yield from _end_call(call)
        elif kind == "image_generation_call" and isinstance(picture := item.get("result"), str) and picture:
            yield from self._end_open()
            format_ = item.get("output_format")
            yield ImageOut(Base64(f"image/{format_ if isinstance(format_, str) else 'png'}", picture))

    def _part(self, index: Json, number: Json, part: Json) -> Iterator[StreamEvent]:
        if not isinstance(part, dict):
            return
        if part.get("type") == "refusal":
            yield from self._refuse_once(("refusal", index, number), part.get("refusal"))
            return
        if part.get("type") != "output_text":
            return  # reasoning's own text comes with its item
        yield from self._say_once(("text", index, number), part.get("text"))
        annotations = part.get("annotations")
        if index not in self._cited and isinstance(annotations, list) and annotations:
            self._cited.add(index)
            for annotation in annotations:
                yield from _citation(annotation)

    def _reasoning(self, index: Json, item: JsonObject) -> Iterator[StreamEvent]:
        """What is encrypted is final only now: it may differ from what `output_item.added` said."""
        for kind in (_THOUGHT, _SUMMARY):
            texts = item.get(kind)
            for number, part in enumerate(texts if isinstance(texts, list) else ()):
                place: _Place = (kind, index, number)
                if isinstance(part, dict) and place not in self._said:
                    yield from self._think(place, part.get("text"))
        sealed, id_ = item.get("encrypted_content"), item.get("id")
        token = (
            Token("r", sealed, id=id_ if isinstance(id_, str) else None) if sealed and isinstance(sealed, str) else None
        )
        if self._open is not None and self._open[0][1] == index:
            yield from self._end_open(token)
        elif token is not None:
            yield from self._end_open()
            yield ThinkingStart(self._blocks)
            yield ThinkingEnd(self._blocks, token)
            self._blocks += 1

    def _start_call(self, index: Json, item: JsonObject) -> Iterator[StreamEvent]:
        name, id_ = item.get("name"), item.get("call_id") or item.get("id")
        if index in self._calls or not isinstance(name, str) or not name:
            return
        yield from self._end_open()
        kind, _ = _CALLS[str(item["type"])]
        call = self._calls[index] = _Call(self._blocks)
        self._blocks += 1
        self.called = True
        made = id_ if isinstance(id_, str) else f"call_{call.block}"
        yield ToolStart(call.block, made, flat_name(name, item.get("namespace")), kind)

    # --- blocks ---

    def _say(self, place: _Place, text: Json) -> Iterator[StreamEvent]:
        if not isinstance(text, str) or not text:
            return
        if self._open is None or self._open[0] != place:
            yield from self._end_open()
            self._open = (place, self._blocks)
            self._blocks += 1
            self._said.add(place)
            yield TextStart(self._open[1])
        yield TextDelta(self._open[1], text)

    def _say_once(self, place: _Place, text: Json) -> Iterator[StreamEvent]:
        if place not in self._said:
            yield from self._say(place, text)

    def _refuse(self, place: _Place, text: Json) -> Iterator[StreamEvent]:
        if isinstance(text, str) and text:
            self.refused = True
            self._said.add(place)
            yield from self._end_open()
            yield RefusalDelta(text)

    def _refuse_once(self, place: _Place, text: Json) -> Iterator[StreamEvent]:
        if place not in self._said:
            yield from self._refuse(place, text)

    def _think(self, place: _Place, text: Json) -> Iterator[StreamEvent]:
        """All parts of an item are one block, a blank line between them."""
        kind, index, _ = place
        if not isinstance(text, str) or not text or self._thinks_in.setdefault(index, str(kind)) != kind:
            return
        if self._open is None or self._open[0][0] != "thinking" or self._open[0][1] != index:
            yield from self._end_open()
            self._open = (("thinking", index, None), self._blocks)
            self._blocks += 1
            yield ThinkingStart(self._open[1])
        elif place not in self._said:
            text = "\n\n" + text
        self._said.add(place)
        yield ThinkingDelta(self._open[1], text)

    def _end_open(self, token: Token | None = None) -> Iterator[StreamEvent]:
        if self._open is None:
            return
        (kind, _, _), block = self._open
        self._open = None
        yield TextEnd(block) if kind == "text" else ThinkingEnd(block, token)


def _index(payload: JsonObject) -> Json:
    """The item's number; vendors that leave it out name its id."""
    index, item = payload.get("output_index"), payload.get("item")
    if isinstance(index, int):
        return index
    id_ = item.get("id") if isinstance(item, dict) else payload.get("item_id")
    return id_ if isinstance(id_, str) else None


def _place(kind: str, payload: JsonObject) -> _Place:
    return kind, _index(payload), payload.get("content_index")


def _thought(payload: JsonObject) -> _Place:
    if "summary_index" in payload:
        return _SUMMARY, _index(payload), payload.get("summary_index")
    return _place(_THOUGHT, payload)


def _end_call(call: _Call) -> Iterator[StreamEvent]:
    if not call.ended:
        call.ended = True
        yield ToolEnd(call.block)


def _citation(annotation: Json) -> Iterator[StreamEvent]:
    """Only citations of web pages have a place elsewhere (conversion rules 13)."""
    if isinstance(annotation, dict) and annotation.get("type") == "url_citation":
        url, title = annotation.get("url"), annotation.get("title")
        start, end = annotation.get("start_index"), annotation.get("end_index")
        if isinstance(url, str) and url:
            yield Citation(
                url,
                title if isinstance(title, str) else None,
                start if isinstance(start, int) else None,
                end if isinstance(end, int) else None,
            )
