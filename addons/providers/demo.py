"""The demo provider: a small fake model inside the process, so that a first curl, SDK call or agent run needs no account.

It says plainly what it is. It calls a tool when the last user text asks for one ("use the tool ...", or its name) and then
reports what the tool answered, so that an agent's whole loop can be tried.
"""

import hashlib
import math
import re
from collections.abc import Iterator

from addons.providers.base import Provider
from converters.count import estimate_tokens
from converters.events import (
    Finish,
    Start,
    StreamEvent,
    TextDelta,
    TextEnd,
    TextStart,
    ToolArgs,
    ToolEnd,
    ToolStart,
    Usage,
    UsageUpdate,
)
from converters.json_codec import Json, JsonObject, dumps_text
from converters.turns import Chat, Part, Text, Tool, ToolResult
from creds.service import BUILT_IN

MODEL = "aiclient-demo"
_WORDS = re.compile(r"\S+\s*")
_QUOTE = 200  # characters of the user's own text that are repeated to him
_DEEPEST = 8  # levels of an example; a schema is what a client sent
_MOST_ITEMS = 3  # to the power of _DEEPEST
_MOST = 1000


class Demo(Provider):
    """A fake model without an account."""

    name = "demo"
    title = "A small fake model inside aiclient, for trying it out"
    status = BUILT_IN

    def answer(self, chat: Chat) -> Iterator[StreamEvent]:
        """Deterministic: the same chat gives the same answer, ids included."""
        yield Start(model=MODEL)
        # Instructions may follow the user's turn: agents put their environment there, tool names and all.
        parts = next((turn.parts for turn in reversed(chat.turns) if turn.role == "user"), [])
        results = [part for part in parts if isinstance(part, ToolResult)]
        asked = _last_text(parts)
        tool = None if results else _wanted_tool(asked, chat.tools)
        if tool is not None:
            yield from _call(tool, chat)
            written = 20
            reason = Finish("tool_calls")
        else:
            text = _after_tool(results) if results else _hello(asked)
            pieces = _WORDS.findall(text)
            yield TextStart(0)
            for piece in pieces:
                yield TextDelta(0, piece)
            yield TextEnd(0)
            written = len(pieces)
            reason = Finish("stop")
        yield UsageUpdate(Usage(input_total=estimate_tokens(chat), output_total=written))
        yield reason


def _hello(asked: str) -> str:
    quoted = f' You wrote: "{asked[:_QUOTE]}".' if asked else ""
    return (
        f"This is the demo model inside aiclient, not a real language model, and your request went nowhere.{quoted} "
        "To talk to a real one, set OPENAI_API_KEY, ANTHROPIC_API_KEY or GEMINI_API_KEY and start aiclient again."
    )


def _after_tool(results: list[ToolResult]) -> str:
    said = "; ".join(_last_text(list(result.parts))[:_QUOTE] or "(no text)" for result in results)
    return f"The demo model inside aiclient called a tool, and the tool answered: {said}"


def _last_text(parts: list[Part]) -> str:
    return next((part.text.strip() for part in reversed(parts) if isinstance(part, Text) and part.text.strip()), "")


def _wanted_tool(asked: str, tools: list[Tool]) -> Tool | None:
    words = set(re.findall(r"[\w-]+", asked.lower()))
    callable_ = [tool for tool in tools if tool.kind in ("function", "custom")]
    named = next((tool for tool in callable_ if tool.name.lower() in words), None)
    return named or (callable_[0] if callable_ and words & {"tool", "tools"} else None)


def _call(tool: Tool, chat: Chat) -> Iterator[StreamEvent]:
    id_ = "call_" + hashlib.sha256(f"{len(chat.turns)}.{tool.name}".encode()).hexdigest()[:24]
    arguments = "demo" if tool.kind == "custom" else dumps_text(example(tool.schema or {}))
    yield ToolStart(0, id_, tool.name, "custom" if tool.kind == "custom" else "function")
    yield ToolArgs(0, arguments)
    yield ToolEnd(0)


def example(schema: JsonObject, depth: int = 0) -> Json:
    """A small value that fits a JSON Schema's plain parts: required properties, enum, const, type, unions, least sizes."""
    if "const" in schema:
        return schema["const"]
    if isinstance(choices := schema.get("enum"), list) and choices:
        return choices[0]
    for union in (schema.get("anyOf"), schema.get("oneOf")):
        if isinstance(union, list) and union and isinstance(first := union[0], dict):
            return example(first, depth + 1)
    kind = schema.get("type", "object" if "properties" in schema or depth == 0 else "string")
    if isinstance(kind, list):
        kind = kind[0] if kind else "string"
    match kind:
        case "object":
            return _object(schema, depth)
        case "array":
            items = schema.get("items")
            item = example(items if isinstance(items, dict) else {"type": "string"}, depth + 1)
            return [item] * (min(_least(schema, "minItems"), _MOST_ITEMS) if depth <= _DEEPEST else 0)
        case "integer" | "number":
            return max(1, _least(schema, "minimum"), _least(schema, "exclusiveMinimum") + 1)
        case "boolean":
            return True
        case "null":
            return None
    return "demo".ljust(_least(schema, "minLength"), ".")


def _object(schema: JsonObject, depth: int) -> JsonObject:
    properties, required = schema.get("properties"), schema.get("required")
    if depth > _DEEPEST or not isinstance(properties, dict) or not isinstance(required, list):
        return {}
    names = dict.fromkeys(name for name in required if isinstance(name, str))  # once each, or it is work without end
    return {name: example(found, depth + 1) for name in names if isinstance(found := properties.get(name, {}), dict)}


def _least(schema: JsonObject, keyword: str) -> int:
    """A lower bound, and no more than a demonstration needs."""
    bound = schema.get(keyword)
    return min(max(math.ceil(bound), 0), _MOST) if isinstance(bound, int | float) and math.isfinite(bound) else 0
