"""Requests, read. An agent sends its whole history again with every call: what was read before is not read anew, where the rest can be
read without it."""

import marshal
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, pairwise, takewhile
from operator import ne

from addons.alike import first_different
from addons.records.facts import Facts
from addons.records.fold import parsed, read_chat
from converters.errors import ConversionError
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.turns import Chat, ToolCall, ToolResult, Turn
from converters.wire import Wire

type _Seam = tuple[int, int]  # item, turn

_HISTORY = {"chat": "messages", "anthropic": "messages", "responses": "input", "gemini": "contents"}
_LED_BY_SYSTEM = ("chat", "responses")  # the system prompt is the beginning of the history, or goes on there
_NAMED_BY_CALL = ("anthropic", "gemini")  # a result gets its name, or even its id, from wherever its call stands
_TOOLS = ("tools", "functions")
_MODEL, _SYSTEM = ("assistant", "model"), ("system", "developer")
_CALLS, _RESULTS = ("function_call", "custom_tool_call"), ("function_call_output", "custom_tool_call_output")
_IN_ORDER = frozenset({"input", "arguments", "parts"})  # objects inside them are shown as they were written
_FEWEST = 8  # items that are worth it
_LARGEST, _MOST = 1 << 21, 1 << 24  # bytes of a body, and of all that are remembered
_KEPT = 16  # conversations that go on side by side
_SEAMS = 3  # the last items of a request may change: clients move their cache marks
_NEW_SEAMS = 2  # that a call adds: the last one is often of no use to the next


@dataclass(slots=True, eq=False, repr=False)
class _Read:
    """tools, exact: as bytes, which differ where Python takes other JSON for the same. exact: of the items where it might, by number.
    seams: where an answer of the model begins, and from where on all can be read without what stands before. size: bytes of the body."""

    wire: Wire
    items: list[Json]
    tools: bytes
    exact: dict[int, bytes]
    chat: Chat
    seams: list[_Seam]
    size: int


class Reading:
    """Remembers the last requests. Not for several threads at once."""

    def __init__(self) -> None:
        self._kept: deque[_Read] = deque(maxlen=_KEPT)

    def chat(self, facts: Facts) -> Chat:
        """What `read_chat` gives, and what it raises; turns and tools may be those of an earlier request. The loss list is not told
        anything, and whether a hosted tool was chosen may be missing."""
        if facts.chat is not None or facts.action != "generate" or len(facts.body) > _LARGEST:
            return read_chat(facts)
        body = parsed(facts)
        items = body.get(_HISTORY[facts.wire.name])
        if not isinstance(items, list) or len(items) < _FEWEST:
            return read_chat(facts)
        tools = _exact([body.get(name) for name in _TOOLS])
        before, known = self._most_alike(facts.wire, items)
        read = None if before is None else _continued(before, known, body, tools)
        chat, seams = read or _begun(facts, body)
        exact = {} if before is None else {number: form for number, form in before.exact.items() if number < known}
        exact |= {number: _exact(items[number]) for number in range(known, len(items)) if _is_loose(items[number])}
        if before is not None and known + 2 * _SEAMS >= len(before.items):  # it goes on from there
            self._kept.remove(before)
        self._kept.appendleft(_Read(facts.wire, items, tools, exact, chat, seams[-2 * _SEAMS :], len(facts.body)))
        while sum(read.size for read in self._kept) > _MOST:
            self._kept.pop()
        return chat

    def _most_alike(self, wire: Wire, items: list[Json]) -> tuple[_Read | None, int]:
        """And how many of the first items are the same."""
        found: tuple[_Read | None, int] = None, 0
        kin = [kept for kept in self._kept if kept.wire is wire]
        for kept in sorted(kin, key=lambda kept: not _may_go_on(kept.items, items)):
            known = first_different(kept.items, items, ne)
            for number, form in kept.exact.items():
                if number >= known or _exact(items[number]) != form:
                    known = min(known, number)
                    break
            if known > found[1]:
                found = kept, known
            if 2 * known > len(items):  # the request before
                break
        return found


def _may_go_on(before: Sequence[Json], items: Sequence[Json]) -> bool:
    """Whether its last item stands where it stood."""
    return len(before) <= len(items) and before[-1] == items[len(before) - 1]


def _begun(facts: Facts, body: JsonObject) -> tuple[Chat, list[_Seam]]:
    """All of it. Seams are where what stands behind can be read by itself and is the same then."""
    wire, chat = facts.wire, read_chat(facts)
    items = _items(wire, body)
    places = _places(wire, items, 1, _SEAMS)
    read = _alone(wire, _without_tools(body), places) if places and _is_complete(items[: places[0]]) else None
    if read is None:
        return chat, []
    rest, starts = read
    turn = len(chat.turns) - len(rest.turns)
    seams = [(place, turn + start) for place, start in zip(places, starts, strict=True)]
    is_same = rest.system == chat.system and rest.turns == chat.turns[turn:]
    return chat, seams if is_same and _are_apart(wire, chat.turns, seams) else []


def _continued(before: _Read, known: int, body: JsonObject, tools: bytes) -> tuple[Chat, list[_Seam]] | None:
    """Only what is new of it; None where it must be read from its beginning."""
    wire, items = before.wire, _items(before.wire, body)
    seams = [seam for seam in before.seams if seam[0] <= known and _begins(wire, items, seam[0])]
    if not seams:
        return None
    item, turn = seams.pop()
    places = [item, *_places(wire, items, item + 1, _NEW_SEAMS)]
    same_tools = tools == before.tools
    read = _alone(wire, _without_tools(body) if same_tools else body, places)
    if read is None:
        return None
    chat, starts = read
    if same_tools:
        chat.tools = before.chat.tools
    chat.turns = [*before.chat.turns[:turn], *chat.turns]
    seams += [(place, turn + start) for place, start in zip(places, starts, strict=True)]
    return (chat, seams) if _are_apart(wire, chat.turns, seams) else None


def _items(wire: Wire, body: JsonObject) -> list[Json]:
    items = body[_HISTORY[wire.name]]
    assert isinstance(items, list)
    return items


def _alone(wire: Wire, body: JsonObject, places: Sequence[int]) -> tuple[Chat, list[int]] | None:
    """What stands from each place to the next, read as if there was nothing else but the system prompt, and at which turns they
    begin; None if they cannot be read."""
    items = _items(wire, body)
    head = list(takewhile(_is_system, items)) if wire.name in _LED_BY_SYSTEM else []
    stretches = [items[place:end] for place, end in pairwise([*places, len(items)])]
    if not all(map(_is_complete, stretches)):
        return None
    try:
        stretches[0] = head + stretches[0]  # once is enough
        chats = [wire.parse_request(body | {_HISTORY[wire.name]: said}, Loss()) for said in stretches]
    except ConversionError:
        return None
    starts = list(accumulate((len(chat.turns) for chat in chats[:-1]), initial=0))
    chats[0].turns = [turn for chat in chats for turn in chat.turns]
    return chats[0], starts


# --- where it can be cut ---


def _places(wire: Wire, items: Sequence[Json], first: int, most: int) -> list[int]:
    """The last ones from `first` on where answers of the model begin."""
    found = (at for at in range(len(items) - 1, first - 1, -1) if _begins(wire, items, at))
    return list(islice(found, most))[::-1]


def _begins(wire: Wire, items: Sequence[Json], at: int) -> bool:
    """Whether a turn of the model begins there, whatever stands before. Reasoning alone may be no turn at all."""
    if _side(wire, items[at - 1]) != "client":
        return False
    while at < len(items) and _side(wire, items[at]) == "reasoning":
        at += 1
    return at < len(items) and _side(wire, items[at]) == "model"


def _side(wire: Wire, item: Json) -> str:
    """Who says it: "model", "client", "reasoning", or "" where it is not plain."""
    if not isinstance(item, dict):
        return ""
    kind = item.get("type") if wire.name == "responses" else None
    if kind is None or kind == "message":
        return "model" if item.get("role") in _MODEL else "client"
    if kind in _CALLS:
        return "model"
    return "client" if kind in _RESULTS else "reasoning" if kind == "reasoning" else ""


def _is_system(item: Json) -> bool:
    return isinstance(item, dict) and item.get("role") in _SYSTEM and item.get("type") in (None, "message")


def _is_complete(items: Sequence[Json]) -> bool:
    """Nothing in them gets its id from its place, or adds to the tools; what Gemini's results answer is there and says its id."""
    calls, results = set[str](), set[str]()
    for item in items:
        if not isinstance(item, dict) or item.get("role") == "function" or item.get("type") == "additional_tools":
            return False
        if item.get("function_call") is not None:
            return False
        parts = item.get("parts")
        for part in parts if isinstance(parts, list) else (parts,):
            if not isinstance(part, dict):
                continue
            if "function_call" in part or "function_response" in part:
                return False
            for name, ids in (("functionCall", calls), ("functionResponse", results)):
                if isinstance(inner := part.get(name), dict):
                    if not isinstance(id_ := inner.get("id"), str) or not id_:
                        return False
                    ids.add(id_)
    return results <= calls


def _are_apart(wire: Wire, turns: Sequence[Turn], seams: Sequence[_Seam]) -> bool:
    """Whether no id stands on both sides of a seam."""
    if wire.name not in _NAMED_BY_CALL:
        return True
    seen: dict[str, int] = {}
    for stretch, (start, end) in enumerate(pairwise([0, *(turn for _, turn in seams), len(turns)])):
        for turn in turns[start:end]:
            for part in turn.parts:
                if type(part) is ToolCall:
                    id_ = part.id
                elif type(part) is ToolResult:
                    id_ = part.call_id
                else:
                    continue
                if seen.setdefault(id_, stretch) != stretch:
                    return False
    return True


# --- what is the same ---


def _without_tools(body: JsonObject) -> JsonObject:
    return {key: value for key, value in body.items() if key not in _TOOLS}


def _is_loose(value: Json, *, in_order: bool = False) -> bool:
    """Whether Python takes other JSON for the same: 1 for 1.0 and true, and fields in any order."""
    if isinstance(value, dict):
        return (in_order and len(value) > 1) or any(
            _is_loose(inner, in_order=in_order or name in _IN_ORDER) for name, inner in value.items()
        )
    if isinstance(value, list):
        return any(_is_loose(inner, in_order=in_order) for inner in value)
    return isinstance(value, bool | int | float)


def _exact(value: Json) -> bytes:
    """Version 2 writes the same for the same JSON; later ones look at who else holds it."""
    return marshal.dumps(value, 2)
