"""Which result answers which call (conversion rules 6.1): the Gemini API may leave ids out."""

import hashlib
from collections import deque
from collections.abc import Sequence

from converters.gemini.names import camel
from converters.json_codec import JsonObject

type Place = tuple[int, int]  # of a part: content index, part index


def match_ids(contents: Sequence[Sequence[JsonObject]]) -> dict[Place, str]:
    """Ids of all calls and results of a history, by place. contents: the parts of each content, keys in camelCase.

    Explicit ids win; a result without one belongs to the oldest unanswered call of its name. Made ids depend on the place
    and name alone: one that changed from request to request would void the provider's prompt cache.
    """
    found = [
        ((content, number), kind, camel(inner))
        for content, parts in enumerate(contents)
        for number, part in enumerate(parts)
        for kind in ("functionCall", "functionResponse")
        if isinstance(inner := part.get(kind), dict)
    ]
    called = {id_ for _, kind, inner in found if kind == "functionCall" and (id_ := _given(inner))}
    answered = {id_ for _, kind, inner in found if kind == "functionResponse" and (id_ := _given(inner))}
    ids: dict[Place, str] = {}
    waiting: dict[object, deque[str]] = {}
    for place, kind, inner in found:
        name, given = str(inner.get("name")), _given(inner)
        if kind == "functionCall":
            ids[place] = given or _made(place, name)
            if given is None or given not in answered:
                waiting.setdefault(name, deque()).append(ids[place])
        elif given is not None and given in called:
            ids[place] = given
        else:
            queue = waiting.get(name)
            ids[place] = queue.popleft() if queue else given or _made(place, name)
    return ids


def _given(inner: JsonObject) -> str | None:
    """What is no string is no id."""
    return id_ if isinstance(id_ := inner.get("id"), str) and id_ else None


def _made(place: Place, name: str) -> str:
    return "call_" + hashlib.sha256(f"{place[0]}:{place[1]}:{name}".encode()).hexdigest()[:24]
