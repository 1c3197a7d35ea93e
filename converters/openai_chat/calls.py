"""Tool calls of a stream, put together from what vendors make of them (conversion rules 14.6)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from converters.events import StreamEvent, ToolArgs, ToolEnd, ToolStart
from converters.json_codec import Json, JsonObject, dumps_text, loads
from converters.openai_chat.reasoning_details import read_call_token
from converters.turns import Token


@dataclass(slots=True)
class _Call:
    """block: None while id or name is still to come; what comes till then is held."""

    kind: Literal["function", "custom"]
    id: str = ""
    name: str = ""
    block: int | None = None
    held: list[str] = field(default_factory=list)
    token: Token | None = None
    ended: bool = False


class Calls:
    """Entries of `delta.tool_calls` -> tool events.

    An id or a name counts once, however often it is sent. A call waits until both are known; an id that never comes is
    made, a call whose name never comes is dropped. `found` says that the answer holds a call.
    skipped: entries of no use, and fragments for a call that is over.
    """

    def __init__(self, blocks: Iterator[int]) -> None:
        self.found = False
        self.skipped = 0
        self._blocks = blocks
        self._calls: list[_Call] = []
        self._by_index: dict[int, _Call] = {}

    @property
    def open(self) -> bool:
        return any(not call.ended for call in self._calls)

    def add(self, entry: Json) -> Iterator[StreamEvent]:
        if not isinstance(entry, dict):
            self.skipped += 1
            return
        kind: Literal["function", "custom"] = "custom" if isinstance(entry.get("custom"), dict) else "function"
        content = entry.get(kind)
        content = content if isinstance(content, dict) else {}
        id_, name = _string(entry.get("id")), _string(content.get("name"))
        fragment = _arguments(content.get("input" if kind == "custom" else "arguments"))
        call = self._call_for(entry, kind, id_, name, fragment)
        if call.ended:
            self.skipped += 1
            return
        call.token = call.token or read_call_token(entry)
        if call.block is not None:
            if fragment:
                yield ToolArgs(call.block, fragment)
            return
        call.id, call.name = call.id or id_, call.name or name
        if fragment:
            call.held.append(fragment)
        if call.id and call.name:
            yield from self._start(call)

    def end(self, answer: str) -> Iterator[StreamEvent]:
        """Close all calls, in order. answer: what tells this answer from others, for ids that have to be made."""
        for number, call in enumerate(self._calls):
            if call.ended:
                continue
            call.ended = True
            if call.block is None:
                if not call.name:
                    self.skipped += 1
                    continue
                call.id = call.id or _made_id(answer, number, call)
                yield from self._start(call)
            assert call.block is not None
            yield ToolEnd(call.block, call.token)

    def _start(self, call: _Call) -> Iterator[StreamEvent]:
        self.found = True
        call.block = next(self._blocks)
        yield ToolStart(call.block, call.id, call.name, call.kind)
        if held := "".join(call.held):
            yield ToolArgs(call.block, held)

    def _call_for(
        self, entry: JsonObject, kind: Literal["function", "custom"], id_: str, name: str, fragment: str
    ) -> _Call:
        index = entry.get("index")
        if isinstance(index, int):
            call = self._by_index.get(index)
        elif id_:
            call = next((call for call in self._calls if call.id == id_), None)
        else:
            call = self._calls[-1] if self._calls else None
        if call is None or _is_another(call, id_, name, fragment):
            call = _Call(kind)
            self._calls.append(call)
        if isinstance(index, int):
            self._by_index[index] = call
        return call


def _is_another(call: _Call, id_: str, name: str, fragment: str) -> bool:
    """Some vendors send every call with index 0: a new id with a name is a new call. Without ids, another name is, or a
    name that comes again with new arguments when those so far are whole."""
    if not name:
        return False
    if call.id:
        return bool(id_) and id_ != call.id
    if call.name and call.name != name:
        return True
    return bool(call.name) and fragment.startswith("{") and _is_object("".join(call.held))


def _is_object(text: str) -> bool:
    try:
        return isinstance(loads(text), dict)
    except ValueError:
        return False


def _string(value: Json) -> str:
    return value if isinstance(value, str) else ""


def _arguments(value: Json) -> str:
    """A fragment of JSON text; some vendors send the object itself."""
    if isinstance(value, str):
        return value
    return "" if value is None else dumps_text(value)


def _made_id(answer: str, number: int, call: _Call) -> str:
    """Deterministic, so that a replay gives the same, and different in every answer."""
    seed = "\n".join((answer, str(number), call.name, *call.held))
    return "call_" + hashlib.sha256(seed.encode()).hexdigest()[:24]
