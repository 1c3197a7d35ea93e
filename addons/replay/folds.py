"""What a client understands of a stream: its frames, put together as the client would. One fold for each client protocol.

Apart from the converters on purpose: a fault that reader and writer of a protocol share must show.
"""

from collections.abc import Callable, Mapping

from addons.replay.frames import frames
from converters.json_codec import Json, JsonObject, loads

type Frames = list[tuple[str, Json]]

_PIECES = frozenset(
    {"content", "reasoning_content", "reasoning", "refusal", "arguments", "text", "thinking", "summary"}
)


def understood(protocol: str, body: bytes, content_type: str) -> Json:
    """An answer, streamed or whole, as JSON; text where it is none."""
    if content_type == "text/event-stream":
        return _FOLDS[protocol](frames(body))
    try:
        found = loads(body)
    except ValueError:
        return body.decode(errors="replace")
    if protocol == "gemini" and isinstance(found, list):  # a stream as one array
        return _gemini([("", item) for item in found])
    return found


def _objects(found: Frames) -> list[JsonObject]:
    return [value for _, value in found if isinstance(value, dict)]


def _foreign(found: Frames) -> JsonObject:
    """Frames that are no objects: `[DONE]`, and what should not be there."""
    said: list[Json] = [value for _, value in found if not isinstance(value, dict)]
    return {"besides": said} if said else {}


# --- Chat Completions ---


def _chat(found: Frames) -> Json:
    whole: JsonObject = {}
    choices: dict[int, JsonObject] = {}
    for chunk in _objects(found):
        for name, value in chunk.items():
            if name != "choices" and value is not None:
                whole[name] = value
        for choice in _list(chunk, "choices"):
            index = choice.get("index")
            into = choices.setdefault(index if isinstance(index, int) else 0, {"message": {}})
            for name, value in choice.items():
                if name == "delta" and isinstance(value, dict):
                    into["message"] = _merged(into["message"], value)
                elif value is not None and name not in ("delta", "index"):
                    into[name] = value
    folded: list[Json] = [choices[index] for index in sorted(choices)]
    return whole | {"choices": folded} | _foreign(found)


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
    marks: list[Json] = []
    for event in _objects(found):
        kind, index = event.get("type"), event.get("index")
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
        if kind not in ("content_block_delta", "ping"):
            marks.append(kind if place < 0 else f"{kind} {place}")
    content: list[Json] = [blocks[index] for index in sorted(blocks)]
    return message | {"content": content, "events": marks} | _foreign(found)


def _grow(block: JsonObject, delta: JsonObject) -> None:
    kind = delta.get("type")
    if isinstance(kind, str) and kind in _ANTHROPIC_PIECES:
        name, member = _ANTHROPIC_PIECES[kind]
        block[member] = f"{block.get(member) or ''}{delta.get(name) or ''}"
    elif isinstance(kind, str):
        listed = block.setdefault(kind, [])
        assert isinstance(listed, list)
        listed.append({name: value for name, value in delta.items() if name != "type"})


# --- Responses ---


def _responses(found: Frames) -> Json:
    items: dict[int, JsonObject] = {}
    folded: JsonObject = {}
    for event in _objects(found):
        kind = str(event.get("type"))
        number = event.get("output_index")
        if isinstance(number, int):
            item = items.setdefault(number, {})
            added, delta = event.get("item"), event.get("delta")
            if kind == "response.output_item.added" and isinstance(added, dict):
                item["added"] = added.get("type")
            elif kind == "response.output_item.done":
                item["done"] = added
            elif isinstance(delta, str):
                part = event.get("content_index", event.get("summary_index"))
                name = f"{kind.removeprefix('response.')} {part}" if part is not None else kind
                item[name] = f"{item.get(name) or ''}{delta}"
        elif kind in ("response.completed", "response.incomplete", "response.failed"):
            folded |= {"ends": kind, "final": event.get("response")}
        elif kind == "error":
            folded["error"] = {name: value for name, value in event.items() if name != "type"}
    streamed: list[Json] = [items[number] for number in sorted(items)]
    return folded | {"streamed": streamed} | _foreign(found)


# --- Gemini ---


def _gemini(found: Frames) -> Json:
    whole: JsonObject = {}
    candidate: JsonObject = {}
    parts: list[Json] = []
    for event in _objects(found):
        for name, value in event.items():
            if name != "candidates" and value is not None:
                whole[name] = value
        for each in _list(event, "candidates")[:1]:
            content = each.get("content")
            for part in _list(content, "parts") if isinstance(content, dict) else ():
                _join(parts, part)
            candidate |= {name: value for name, value in each.items() if name != "content" and value is not None}
    candidate["parts"] = parts
    return whole | {"candidate": candidate} | _foreign(found)


def _join(parts: list[Json], part: JsonObject) -> None:
    """Pieces of one text are one part, whether it is thought or said."""
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
