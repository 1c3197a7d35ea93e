"""Messages of a Messages request -> turns (conversion tables 2.1, 3, 6 and 7.4)."""

from converters.anthropic.parse_blocks import parse_block, parse_texts
from converters.fields import at, malformed, missing, objects, string
from converters.json_codec import JsonObject
from converters.loss import Loss
from converters.turns import Part, Role, Text, ToolCall, ToolResult, Turn

_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def parse_turns(body: JsonObject, loss: Loss) -> list[Turn]:
    """Turns in the client's order. A `mid_conv_system` block splits its message in two around a system turn."""
    messages = objects(body, "messages")
    if not messages:
        raise missing("messages")
    turns: list[Turn] = []
    for path, message in messages:
        role = _ROLES.get(string(message, "role", path) or "")
        if role is None:
            raise malformed(at(path, "role"), "`user`, `assistant` or `system`")
        turns += _turns(message, role, path, loss)
    _name_results(turns)
    return turns


def _name_results(turns: list[Turn]) -> None:
    """Results of this protocol say which call they answer, not which tool."""
    names = {part.id: part.name for turn in turns for part in turn.parts if isinstance(part, ToolCall)}
    for turn in turns:
        for part in turn.parts:
            if isinstance(part, ToolResult):
                part.name = names.get(part.call_id)


def _turns(message: JsonObject, role: Role, path: str, loss: Loss) -> list[Turn]:
    content = message.get("content")
    if isinstance(content, str):
        return [Turn(role, [Text(content)])]
    if content is None:
        raise missing(at(path, "content"))
    if role == "system":
        return [Turn("system", [*parse_texts(message, path)])]
    turns = [Turn(role, parts := list[Part]())]
    for where, block in objects(message, "content", path):
        if block.get("type") == "mid_conv_system":
            turns += [Turn("system", [*parse_texts(block, where)]), Turn(role, parts := [])]
        else:
            parts.append(parse_block(block, role, where, loss))
    return [turn for turn in turns if turn.parts] or turns[:1]
