"""`contents` of a generateContent request -> turns (conversion tables 2.1, 3, 6 and 7.4)."""

from converters.fields import at, malformed, missing, objects, string
from converters.gemini.ids import match_ids
from converters.gemini.names import camel
from converters.gemini.parse_parts import parse_part
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.turns import Part, Role, Thinking, ToolCall, ToolResult, Turn

_ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "user", "": "user"}


def parse_turns(body: JsonObject, loss: Loss) -> list[Turn]:
    """Turns in the client's order. Neighbouring contents of the model are one turn: client libraries record each chunk of a
    stream as a content of its own."""
    contents = [(path, camel(content)) for path, content in _contents(body)]
    if not contents:
        raise missing("contents")
    parts = [[(where, camel(part)) for where, part in _parts(content, path)] for path, content in contents]
    ids = match_ids([[part for _, part in content] for content in parts])
    turns: list[Turn] = []
    for number, (path, content) in enumerate(contents):
        role = _ROLES.get(string(content, "role", path) or "")
        if role is None:
            raise malformed(at(path, "role"), "`user` or `model`")
        found: list[Part] = []
        for place, (where, part) in enumerate(parts[number]):
            found += parse_part(part, role, where, ids.get((number, place), ""), loss)
        if role == "assistant" and turns and turns[-1].role == "assistant":
            turns[-1].parts += found
        else:
            turns.append(Turn(role, found))
    for turn in turns:
        turn.parts = _joined(turn.parts)
    _name_results(turns)
    return turns


def _contents(body: JsonObject) -> list[tuple[str, JsonObject]]:
    """A list of contents; a single content and a plain text are taken as well."""
    contents = body.get("contents")
    if isinstance(contents, str):
        return [("contents", {"parts": [{"text": contents}]})]
    return [("contents", contents)] if isinstance(contents, dict) else objects(body, "contents")


def _parts(content: JsonObject, path: str) -> list[tuple[str, JsonObject]]:
    """The model's own content may be empty: an answer that was cut before its first word comes back as history."""
    if isinstance(part := content.get("parts"), dict):
        return [(at(path, "parts"), part)]
    if content.get("parts") is None and content.get("role") != "model":
        raise missing(at(path, "parts"))
    return objects(content, "parts", path)


def _joined(parts: list[Part]) -> list[Part]:
    """Thought comes in pieces, its signature on the last of them."""
    joined: list[Part] = []
    for part in parts:
        last = joined[-1] if joined else None
        if (
            isinstance(part, Thinking)
            and isinstance(last, Thinking)
            and last.token is None
            and (part.token is None or part.token.at == "thought")
        ):
            joined[-1] = Thinking(last.text + part.text, part.token)
        else:
            joined.append(part)
    return joined


def _name_results(turns: list[Turn]) -> None:
    """The name of the call counts: it is the one that the provider will compare."""
    names = {part.id: part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall)}
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, ToolResult):
                part.name = names.get(part.call_id, part.name)
