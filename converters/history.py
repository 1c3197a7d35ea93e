"""Tool calls and their results put into the order that every provider accepts (conversion rules 6).

The order made here fits all targets: an assistant turn with calls, directly followed by one user turn that begins with
all results in call order. Deterministic, and an added turn never changes what was made of the earlier ones.
"""

import hashlib
import re
from dataclasses import dataclass, field, replace

from converters.json_codec import JsonObject, dumps_text, loads
from converters.loss import Loss
from converters.turns import Part, Text, ToolCall, ToolResult, Turn
from converters.wire import Limits

_NO_RESULT = "No result was recorded for this call."


def legal_id(id_: str, limits: Limits) -> str:
    """6.1: the same id when the wire takes it, else one made of it; equal for a call and its result."""
    legal = id_
    if limits.id_chars is not None:
        legal = re.sub(f"[^{limits.id_chars}]", "_", id_) or "_"
    if len(legal) > limits.id_max:
        digest = hashlib.sha256(id_.encode()).hexdigest()[:32]
        legal = f"{legal[:31]}_{digest}"
    return legal


def arguments_object(call: ToolCall, loss: Loss) -> JsonObject:
    """6.2: the arguments for a wire that takes an object. A text that is no JSON object is kept as `_raw_arguments`."""
    if call.args is not None:
        return call.args
    text = call.args_text or ""
    if not text.strip():
        return {}
    try:
        value = loads(text)
    except ValueError:
        value = None
    if isinstance(value, dict):
        return value
    loss.change("messages.tool_calls.arguments", "not a JSON object, sent as `_raw_arguments`")
    return {"_raw_arguments": text}


def arguments_text(call: ToolCall) -> str:
    """6.2: the arguments for a wire that takes a text: as it came, or the object in compact JSON."""
    return call.args_text if call.args_text is not None else dumps_text(call.args)


@dataclass(slots=True)
class _Call:
    """A call of the history. turn: its place; id: as it is sent; result: the last one for it."""

    part: ToolCall
    turn: int
    id: str
    result: ToolResult | None = None


@dataclass(slots=True)
class _Matched:
    by_turn: dict[int, list[_Call]] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)  # id() of the results that belong to a call


def order_results(turns: list[Turn], limits: Limits, loss: Loss) -> list[Turn]:
    """6.3: the same history with legal ids and with every result behind its call. The turns given are not changed."""
    matched = _match(turns, limits, loss)
    ordered: list[Turn] = []
    results_open = False  # the last turn made holds results, and the next user turn continues it
    for place, turn in enumerate(turns):
        calls = matched.by_turn.get(place, ())
        turn = _without_results(turn, matched, loss)
        if calls:
            turn = _with_ids(turn, {id(call.part): call.id for call in calls})
        if turn.role == "user" and results_open:
            ordered[-1] = Turn("user", ordered[-1].parts + turn.parts, turn.name)
            results_open = not turn.parts
        elif turn.parts:
            ordered.append(turn)
            results_open = False
        if calls:
            ordered.append(Turn("user", [_result(call, loss) for call in calls]))
            results_open = True
    return ordered


def _match(turns: list[Turn], limits: Limits, loss: Loss) -> _Matched:
    """Pairs each result with its call: the latest of that id before it, else the first behind it."""
    matched = _Matched()
    calls: dict[str, list[_Call]] = {}
    sent: set[str] = set()
    for place, turn in enumerate(turns):
        for part in turn.parts:
            if isinstance(part, ToolCall):
                call = _Call(part, place, _unused(legal_id(part.id, limits), sent, limits))
                sent.add(call.id)
                calls.setdefault(part.id, []).append(call)
                matched.by_turn.setdefault(place, []).append(call)
    for place, turn in enumerate(turns):
        for part in turn.parts:
            if isinstance(part, ToolResult) and (same := calls.get(part.call_id)):
                earlier = [call for call in same if call.turn < place] or same[:1]
                latest = [call for call in earlier if call.turn == earlier[-1].turn]
                call = next((call for call in latest if call.result is None), latest[-1])
                if call.result is not None:
                    loss.change("messages.tool_results", "two results for one call, the last is kept")
                call.result = part
                matched.taken.add(id(part))
    return matched


def _unused(id_: str, sent: set[str], limits: Limits) -> str:
    """Some vendors number their calls from 0 in every answer; others refuse a history in which an id comes twice."""
    unused, count = id_, 1
    while unused in sent:
        count += 1
        unused = legal_id(f"{id_}_{count}", limits)
    return unused


def _with_ids(turn: Turn, ids: dict[int, str]) -> Turn:
    """The turn with each call under the id it is sent with; `ids` by identity of the part."""
    if all(ids.get(id(part), part.id) == part.id for part in turn.parts if isinstance(part, ToolCall)):
        return turn
    parts = [replace(part, id=ids[id(part)]) if isinstance(part, ToolCall) else part for part in turn.parts]
    return replace(turn, parts=parts)


def _without_results(turn: Turn, matched: _Matched, loss: Loss) -> Turn:
    """The turn without the results that go behind their calls; one without a call becomes text where it stood."""
    if not any(isinstance(part, ToolResult) for part in turn.parts):
        return turn
    parts: list[Part] = []
    for part in turn.parts:
        if not isinstance(part, ToolResult):
            parts.append(part)
        elif id(part) not in matched.taken:
            loss.change("messages.tool_results", "a result without its call is sent as text")
            parts += _as_text(part)
    return replace(turn, parts=parts)


def _as_text(result: ToolResult) -> list[Part]:
    words = [part.text for part in result.parts if isinstance(part, Text)]
    others: list[Part] = [part for part in result.parts if not isinstance(part, Text)]
    text = "\n".join((f"[Result of an earlier tool call {result.call_id}]", *words))
    return [Text(text, cache=result.cache), *others]


def _result(call: _Call, loss: Loss) -> ToolResult:
    if call.result is None:
        loss.change("messages.tool_results", "a call without a result is given one that says so")
        return ToolResult(call.id, [Text(_NO_RESULT)], call.part.name, is_error=True)
    return replace(call.result, call_id=call.id, name=call.result.name or call.part.name)
