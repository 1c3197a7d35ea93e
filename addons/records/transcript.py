"""A record as people read it: who said what, tools, thinking, the answer."""

from collections.abc import Iterator
from datetime import UTC, datetime
from textwrap import indent

from addons.records.prompt import NAME
from addons.records.reader import member
from converters.json_codec import Json, JsonObject, dumps_text

_HARMLESS = "\n\t\N{ZERO WIDTH JOINER}\N{ZERO WIDTH NON-JOINER}"
_LONGEST_RESULT = 4000  # characters of what a tool answered, where not all is asked for


def transcript(record: JsonObject, *, new_only: bool = False) -> str:
    """new_only: without what the conversation's earlier requests held, which ends with the last message of the assistant."""
    return printable("\n".join([heading(record), *_talk(record, new_only), *_end(record)])) + "\n"


def heading(record: JsonObject) -> str:
    """`--- 2026-11-23 10:15:00 req_... anthropic claude-opus-5 -> claude-custom/claude-opus-5 (claude-custom:default) 200 complete`"""
    route, client = member(record, "route"), member(record, "client")
    model = "/".join(str(route[name]) for name in ("provider", "target") if route.get(name)) or "-"
    words = [
        "---",
        when(record.get("began")),
        str(record.get("id")),
        str(client.get("protocol")),
        str(route.get("asked") or "-"),
        "->",
        model,
        f"({route['account']})" if route.get("account") else "",
        str(member(record, "answer").get("status") or ""),
        str(record.get("state")),
    ]
    return " ".join(word for word in words if word)


def when(seconds: Json) -> str:
    """Unix seconds -> local time; "-" for what is none."""
    if not isinstance(seconds, int | float):
        return "-"
    try:
        return datetime.fromtimestamp(seconds, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "-"


def printable(text: str) -> str:
    """What others wrote cannot move a terminal's cursor; lines and tabs stay, and what joins letters and emoji."""
    return "".join(c if c.isprintable() or c in _HARMLESS else "\N{REPLACEMENT CHARACTER}" for c in text)


def _talk(record: JsonObject, new_only: bool) -> Iterator[str]:
    talk = record.get("conversation")
    if not isinstance(talk, dict):
        if reason := record.get("no_conversation"):
            yield f"(no conversation: {reason})"
        return
    messages = [message for message in _list(talk.get("messages")) if isinstance(message, dict)]
    skipped = _last_of_assistant(messages) if new_only else 0
    system = "\n".join(str(part.get("text", "")) for part in _objects(talk.get("system")))
    names = [str(tool.get("name")) for tool in _objects(talk.get("tools"))]
    if system:
        yield from ("[system]", f"({len(system)} characters)" if skipped else system)
    if prompt := member(record, NAME):
        yield f"[the operator's system prompt: {prompt.get('mode')}]"
        if isinstance(text := prompt.get("text"), str) and text:
            yield f"({len(text)} characters)" if skipped else text
        for pair in () if skipped else _objects(prompt.get("replacements")):
            yield f"{dumps_text(pair.get('old'))} -> {dumps_text(pair.get('new'))}"
    if names:
        yield f"[tools] {', '.join(names)}"
    if skipped:
        yield f"({skipped} earlier messages)"
    for message in messages[skipped:]:
        yield from _message(message, new_only)
    if isinstance(answer := talk.get("answer"), dict):
        yield from _message(answer, new_only)


def _last_of_assistant(messages: list[JsonObject]) -> int:
    """How many messages the last one of the assistant ends."""
    return next((n for n in range(len(messages), 0, -1) if messages[n - 1].get("role") == "assistant"), 0)


def _message(message: JsonObject, short: bool) -> Iterator[str]:
    role, last = str(message.get("role")), ""
    for part in _objects(message.get("parts")):
        title, text = _part(part, role, short)
        if title != last:
            yield f"[{title}]"
            last = title
        if text:
            yield text


def _part(part: JsonObject, role: str, short: bool) -> tuple[str, str]:
    """(title, text)"""
    match part:
        case {"type": "text", "text": str(text)}:
            return role, text
        case {"type": "thinking", "text": str(text)}:
            return f"{role}: thinking", text or "(hidden)"
        case {"type": "tool_call", "name": name, "id": id_}:
            arguments = part.get("arguments")
            text = str(part.get("arguments_text", "")) if arguments is None else dumps_text(arguments)
            return f"{role}: calls {name} ({id_})", text
        case {"type": "tool_result", "id": id_, "content": content}:
            text = "\n".join(_part(piece, role, short)[1] for piece in _objects(content))
            if short and len(text) > _LONGEST_RESULT:
                text = f"{text[:_LONGEST_RESULT]}\n({len(text) - _LONGEST_RESULT} more characters)"
            failed = " failed" if part.get("error") is True else ""
            return f"tool {part.get('name') or ''} ({id_}){failed}".replace("  ", " "), text
        case {"type": "refusal", "text": str(text)}:
            return f"{role}: refuses", text
        case {"type": "hosted", "kind": kind, "text": str(text)}:
            return f"{role}: {kind}", text
        case {"type": str(kind)}:
            return role, f"({_described(kind, part)})"
    return role, "(?)"


def _described(kind: str, part: JsonObject) -> str:
    if isinstance(text := part.get("text"), str):
        return f"{kind}:\n{indent(text, '  ')}"
    where = part.get("url") or part.get("file_id")
    named = part.get("name") or part.get("title")
    words = [kind, named, where or f"{part.get('media_type')}, {part.get('bytes')} bytes"]
    return " ".join(str(word) for word in words if word)


def _end(record: JsonObject) -> Iterator[str]:
    usage = member(record, "usage")
    words = [f"stop: {record['stop_reason']}"] if record.get("stop_reason") else []
    words += [
        f"{usage[name]} {text}"
        for name, text in (
            ("input_tokens", "tokens in"),
            ("cache_read_tokens", "from cache"),
            ("output_tokens", "tokens out"),
            ("reasoning_tokens", "for reasoning"),
        )
        if usage.get(name) is not None
    ]
    began, ended = record.get("began"), record.get("ended")
    if isinstance(began, int | float) and isinstance(ended, int | float):
        words.append(f"{ended - began:.2f} s")
    if words:
        yield f"({', '.join(words)})"
    if error := record.get("error"):
        yield f"[error] {error}"
    loss = member(record, "loss")
    for verb in ("dropped", "changed"):
        if names := member(loss, verb):
            yield f"[{verb}] " + "; ".join(f"{name}: {why}" for name, why in names.items())


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _objects(value: Json) -> Iterator[JsonObject]:
    yield from (item for item in _list(value) if isinstance(item, dict))
