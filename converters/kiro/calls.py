"""toolUseEvents -> events of calls, which may interleave (conversion rules 14.6)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from converters.errors import Kind, UpstreamError
from converters.events import StreamEvent, ToolArgs, ToolEnd, ToolStart
from converters.json_codec import JsonObject, dumps_text, loads


@dataclass(slots=True)
class _Call:
    """block None: its name is not known yet, fragments wait."""

    id: str
    block: int | None = None
    fragments: list[str] = field(default_factory=list)
    ended: bool = False


class Calls:
    """One answer's calls, by `toolUseId`. blocks: numbers for all blocks of the answer.

    `input` comes as fragments of one JSON text, or whole, as an object. found: there is a call. skipped: events of no use.
    """

    def __init__(self, blocks: Iterator[int]) -> None:
        self._blocks = blocks
        self._calls: dict[str, _Call] = {}
        self._last: _Call | None = None
        self.found = False
        self.skipped = 0

    def add(self, payload: JsonObject) -> Iterator[StreamEvent]:
        """Events of one toolUseEvent."""
        name = payload.get("name")
        call = self._of(payload.get("toolUseId"), name)
        if call is None or call.ended:
            self.skipped += 1
            return
        self._last = call
        waiting: list[str] = []
        if call.block is None and isinstance(name, str) and name:
            call.block = next(self._blocks)
            self.found = True
            waiting = call.fragments[:]
            yield ToolStart(call.block, call.id, name)
        if fragment := _fragment(payload.get("input")):
            call.fragments.append(fragment)
            waiting.append(fragment)
        if call.block is None:
            return
        for text in waiting:
            yield ToolArgs(call.block, text)
        if payload.get("stop") is True:
            yield from self._end(call, call.block)

    def close(self) -> Iterator[StreamEvent]:
        """The body is over. Raises UpstreamError(BROKEN_STREAM) when a call lacks its end and its arguments are not whole."""
        for call in self._calls.values():
            if call.block is None:
                self.skipped += 1  # its name never came
            elif not call.ended:
                if not _is_object("".join(call.fragments)):
                    raise UpstreamError(Kind.BROKEN_STREAM, "the provider's stream ended inside a tool call")
                yield from self._end(call, call.block)

    def cut(self) -> Iterator[StreamEvent]:
        """The provider gave up in the middle: open calls end with the arguments that came."""
        for call in self._calls.values():
            if call.block is not None and not call.ended:
                call.ended = True
                yield ToolEnd(call.block)

    def _of(self, id_: object, name: object) -> _Call | None:
        """An event without an id goes on with the last call, or begins one when it names another tool than nothing."""
        if not isinstance(id_, str) or not id_:
            last = self._last
            if last is not None and not last.ended:
                return last
            if not isinstance(name, str) or not name:
                return None
            id_ = "tooluse_" + hashlib.sha256(f"{len(self._calls)} {name}".encode()).hexdigest()[:24]
        call = self._calls.get(id_)
        if call is None:
            call = self._calls[id_] = _Call(id_)
        return call

    def _end(self, call: _Call, block: int) -> Iterator[StreamEvent]:
        call.ended = True
        if not call.fragments:
            yield ToolArgs(block, "{}")
        yield ToolEnd(block)


def _fragment(value: object) -> str:
    """An object is all of the arguments; an empty one may stand before fragments and says nothing yet."""
    if isinstance(value, str):
        return value
    return dumps_text(value) if isinstance(value, dict) and value else ""


def _is_object(text: str) -> bool:
    try:
        return isinstance(loads(text), dict)
    except ValueError:
        return False
