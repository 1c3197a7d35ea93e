"""What a client understands of a stream: its frames, put together as the client would. One fold for each client protocol.

Apart from the converters on purpose: a fault that reader and writer of a protocol share must show. `events` of a folded stream is
the order in which things came, where what comes in pieces counts once.
"""

from collections.abc import Callable, Iterator, Mapping

from addons.replay.frames import frames
from converters.json_codec import Json, JsonObject, loads

type Frames = list[tuple[str, Json]]

_PIECES = frozenset(
    {"content", "reasoning_content", "reasoning", "refusal", "arguments", "text", "thinking", "summary"}
)


def understood(protocol: str, body: bytes, content_type: str, *, enclosed: bool = False) -> Json:
    """An answer, streamed or whole, as JSON; text where it is none. enclosed: in Code Assist's envelope, frame by frame."""
    if content_type == "text/event-stream":
        return _FOLDS[protocol]([(name, _opened(value, enclosed)) for name, value in frames(body)])
    try:
        found = loads(body)
    except ValueError:
        return body.decode(errors="replace")
    if protocol == "gemini" and isinstance(found, list):  # a stream as one array
        return _gemini([("", item) for item in found])
    return _opened(found, enclosed)


def _opened(value: Json, enclosed: bool) -> Json:
    """Errors stand outside of the envelope."""
    inner = value.get("response") if enclosed and isinstance(value, dict) else None
    return inner if isinstance(inner, dict) else value


def _objects(found: Frames, events: list[Json]) -> Iterator[tuple[str, JsonObject]]:
    """The others are events by themselves: `[DONE]`, and what should not be there."""
    for name, value in found:
        if isinstance(value, dict):
            yield name, value
        else:
            events.append(value)


def _note(events: list[Json], name: str) -> None:
    if name and events[-1:] != [name]:
        events.append(name)


def _filled(members: JsonObject) -> str:
    return " ".join(name for name in members if members[name])


def _named(name: str, kind: str) -> str:
    """Of a protocol whose frames are named by what they hold; some clients go by the one, some by the other."""
    return kind if name == kind else f"{kind} as {name!r}"


# --- Chat Completions ---


def _chat(found: Frames) -> Json:
    whole: JsonObject = {}
    choices: dict[int, JsonObject] = {}
    events: list[Json] = []
    for _, chunk in _objects(found, events):
        for name, value in chunk.items():
            if name != "choices" and value is not None:
                whole[name] = value
        for choice in _list(chunk, "choices"):
            index = choice.get("index")
            into = choices.setdefault(index if isinstance(index, int) else 0, {"message": {}})
            for name, value in choice.items():
                if name == "delta" and isinstance(value, dict):
                    into["message"] = _merged(into["message"], value)
                    _note(events, _filled(value))
                elif value is not None and name not in ("delta", "index"):
                    into[name] = value
                    _note(events, name)
        _note(events, _filled({name: chunk.get(name) for name in ("usage", "error")}))
    folded: list[Json] = [choices[index] for index in sorted(choices)]
    return whole | {"choices": folded, "events": events}


def _merged(before: Json, delta: JsonObject) -> JsonObject:
    """A delta on top of what came before: texts grow, lists by their entries' index."""
    whole: JsonObject = dict(before) if isinstance(before, dict) else {}
    for name, value in delta.items():
        old = whole.get(name)
        match value:
            case None:
                continue
            case str() if isinstance(old, str) and name in _PIECES:
                whole[name] = old + value
            case dict():
                whole[name] = _merged(old, value)
            case list():
                whole[name] = _merged_list(old, value)
            case "" if old:
                continue
            case _:
                whole[name] = value
    return whole


def _merged_list(old: Json, value: list[Json]) -> list[Json]:
    entries: list[Json] = list(old) if isinstance(old, list) else []
    for item in value:
        index = item.get("index") if isinstance(item, dict) else None
        place = next(
            (n for n, entry in enumerate(entries) if isinstance(entry, dict) and entry.get("index") == index), None
        )
        if isinstance(item, dict) and isinstance(index, int) and place is not None:
            entries[place] = _merged(entries[place], item)
        else:
            entries.append(item)
    return entries


def _list(holder: JsonObject, name: str) -> list[JsonObject]:
    value = holder.get(name)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


# --- Anthropic Messages ---

_ANTHROPIC_PIECES = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "signature_delta": ("signature", "signature"),
    "input_json_delta": ("partial_json", "arguments"),
}


def _anthropic(found: Frames) -> Json:
    message: JsonObject = {}
    blocks: dict[int, JsonObject] = {}
    events: list[Json] = []
    for name, event in _objects(found, events):
        kind, index = str(event.get("type")), event.get("index")
        place = index if isinstance(index, int) else -1
        match event:
            case {"type": "message_start", "message": dict(start)}:
                message = dict(start)
            case {"type": "content_block_start", "content_block": dict(block)}:
                blocks[place] = dict(block)
            case {"type": "content_block_delta", "delta": dict(delta)}:
                _grow(blocks.setdefault(place, {}), delta)
            case {"type": "message_delta"}:
                changed, usage, before = event.get("delta"), event.get("usage"), message.get("usage")
                message |= changed if isinstance(changed, dict) else {}
                message["usage"] = {
                    **(before if isinstance(before, dict) else {}),
                    **(usage if isinstance(usage, dict) else {}),
                }
            case {"type": "error", "error": dict(error)}:
                message["error"] = error
        if kind != "ping":
            _note(events, _named(name, kind) if place < 0 else f"{_named(name, kind)} {place}")
    content: list[Json] = [blocks[index] for index in sorted(blocks)]
    return message | {"content": content, "events": events}


def _grow(block: JsonObject, delta: JsonObject) -> None:
    kind = delta.get("type")
    if isinstance(kind, str) and kind in _ANTHROPIC_PIECES:
        name, member = _ANTHROPIC_PIECES[kind]
        block[member] = f"{block.get(member) or ''}{delta.get(name) or ''}"
    elif isinstance(kind, str) and isinstance(listed := block.setdefault(kind, []), list):
        listed.append({name: value for name, value in delta.items() if name != "type"})


# --- Responses ---

_ENDS = ("response.completed", "response.incomplete", "response.failed")
_OF_THE_EVENT = ("type", "sequence_number", "obfuscation")


def _responses(found: Frames) -> Json:
    items: dict[int, JsonObject] = {}
    folded: JsonObject = {}
    events: list[Json] = []
    for name, event in _objects(found, events):
        kind, number, delta = str(event.get("type")), event.get("output_index"), event.get("delta")
        part = event.get("content_index", event.get("summary_index"))
        place = " ".join(str(each) for each in (kind.removeprefix("response."), part) if each is not None)
        if kind in _ENDS:
            folded |= {"ends": kind, "final": event.get("response")}
        else:
            holder = items.setdefault(number, {}) if isinstance(number, int) else folded
            if isinstance(delta, str):
                holder[place] = f"{holder.get(place) or ''}{delta}"
            else:
                said: JsonObject = {each: value for each, value in event.items() if each not in _OF_THE_EVENT}
                holder[place] = said.get("response", said)
        _note(events, _named(name, kind) + "".join(f" {each}" for each in (number, part) if each is not None))
    streamed: list[Json] = [items[number] for number in sorted(items)]
    return folded | {"streamed": streamed, "events": events}


# --- Gemini ---


def _gemini(found: Frames) -> Json:
    whole: JsonObject = {}
    candidates: dict[int, JsonObject] = {}
    events: list[Json] = []
    for _, event in _objects(found, events):
        for name, value in event.items():
            if name != "candidates" and value is not None:
                whole[name] = value
        for each in _list(event, "candidates"):
            index, content = each.get("index"), each.get("content")
            candidate = candidates.setdefault(index if isinstance(index, int) else 0, {"parts": []})
            for part in _list(content, "parts") if isinstance(content, dict) else ():
                _join(candidate["parts"], part)
                _note(events, _filled(part))
            candidate |= {name: value for name, value in each.items() if name != "content" and value is not None}
            _note(events, "finishReason" if each.get("finishReason") else "")
        _note(events, "error" if event.get("error") else "")
    folded: list[Json] = [candidates[index] for index in sorted(candidates)]
    return whole | {"candidates": folded, "events": events}


def _join(parts: Json, part: JsonObject) -> None:
    """Pieces of one text are one part, whether it is thought or said."""
    assert isinstance(parts, list)
    last = parts[-1] if parts else None
    text = part.get("text")
    joins = (
        isinstance(last, dict)
        and isinstance(text, str)
        and isinstance(before := last.get("text"), str)
        and last.get("thought") == part.get("thought")
        and "thoughtSignature" not in last
    )
    if joins and isinstance(last, dict):
        parts[-1] = last | part | {"text": f"{before}{text}"}
    else:
        parts.append(dict(part))


_FOLDS: Mapping[str, Callable[[Frames], Json]] = {
    "chat": _chat,
    "anthropic": _anthropic,
    "responses": _responses,
    "gemini": _gemini,
}
