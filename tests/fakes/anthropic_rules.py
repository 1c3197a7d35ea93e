"""What Anthropic refuses although the types allow it: turns, blocks, tools, marks. Each rule yields a message."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from tests.fakes.anthropic_models import thinking_and_sampling
from tests.fakes.media_rules import media_problem
from tests.fakes.schema_rules import anthropic_strict_problem, root_problem

type Body = dict[str, Any]
type Block = dict[str, Any]

_ID = re.compile(r"[a-zA-Z0-9_-]+")
_TOOL_NAME = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_ONLY_USER = frozenset("image document search_result tool_result container_upload".split())
_ONLY_ASSISTANT = frozenset("thinking redacted_thinking tool_use server_tool_use".split())


def complaint(body: Body, *, counting: bool = False) -> str | None:
    """The first rule that `body` breaks. counting: a count_tokens request, which has no max_tokens."""
    rules = _RULES if counting else (*_RULES, thinking_and_sampling)
    return next((found for rule in rules for found in rule(body)), None)


def blocks_of(message: Body) -> list[Block]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def merged_turns(body: Body) -> list[tuple[str, list[Block]]]:
    """(role, blocks) with same-role neighbours joined, as the server does it."""
    turns: list[tuple[str, list[Block]]] = []
    for message in body["messages"]:
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks_of(message))
        else:
            turns.append((message["role"], list(blocks_of(message))))
    return turns


def _turns(body: Body) -> Iterator[str]:
    messages = body["messages"]
    if not messages:
        yield "messages: at least one message is required"
        return
    if messages[0]["role"] != "user":
        yield "messages.0: the first message must use the `user` role"
    for i, message in enumerate(messages):
        last_prefill = i == len(messages) - 1 and message["role"] == "assistant"
        if not message["content"] and not last_prefill:
            yield f"messages.{i}: all messages must have non-empty content except for the optional final assistant message"
    texts = [b["text"] for b in blocks_of(messages[-1]) if b["type"] == "text"]
    if messages[-1]["role"] == "assistant" and texts and texts[-1] != texts[-1].rstrip():
        yield "messages: final assistant content cannot end with trailing whitespace"


def _texts(body: Body) -> Iterator[str]:
    system = body.get("system", [])
    blocks = [] if isinstance(system, str) else list(system)
    for block in blocks:
        if not block["text"]:
            yield "system: text content blocks must be non-empty"
    for message in body["messages"]:
        for block in blocks_of(message) if message["content"] else []:
            inner = block.get("content") if block["type"] == "tool_result" else None
            for text in (block, *(inner if isinstance(inner, list) else [])):
                if text["type"] == "text" and not text["text"]:
                    yield "messages: text content blocks must be non-empty"
                elif text["type"] == "text" and not text["text"].strip():
                    yield "messages: text content blocks must contain non-whitespace text"


def _places(body: Body) -> Iterator[str]:
    for i, message in enumerate(body["messages"]):
        banned = {"user": _ONLY_ASSISTANT, "assistant": _ONLY_USER}.get(message["role"], frozenset())
        for j, block in enumerate(blocks_of(message)):
            if block["type"] in banned:
                other = "assistant" if message["role"] == "user" else "user"
                yield f"messages.{i}.content.{j}: `{block['type']}` blocks can only be in `{other}` messages"
            if wrong := _media(block):
                yield f"messages.{i}.content.{j}.{block['type']}.source.{wrong}"


def _media(block: Block) -> str | None:
    inner = block.get("content")
    if block["type"] == "tool_result" and isinstance(inner, list):
        return next((wrong for part in inner if (wrong := _media(part))), None)
    source = block.get("source")
    if not isinstance(source, dict):  # of a search result it is a name
        return None
    if source.get("type") == "base64" and (wrong := media_problem(source["media_type"], source["data"])):
        return f"base64.data: {wrong}"
    if source.get("type") == "url" and not source["url"].startswith(("https://", "http://")):
        return "url.url: Only HTTP and HTTPS URLs are supported."
    return None


def _tool_pairs(body: Body) -> Iterator[str]:
    """Every tool_use is answered in the next turn, results first, and nothing else is answered."""
    turns = merged_turns(body)
    seen: set[str] = set()
    expected: list[str] = []
    for i, (role, blocks) in enumerate(turns):
        results = [b["tool_use_id"] for b in blocks if b["type"] == "tool_result"]
        if missing := [id_ for id_ in expected if id_ not in results]:
            yield (
                f"messages.{i}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(missing)}. "
                "Each `tool_use` block must have a corresponding `tool_result` block in the next message."
            )
        for id_ in results:
            if id_ not in expected:
                yield (
                    f"messages.{i}.content: unexpected `tool_use_id` found in `tool_result` blocks: {id_}. "
                    "Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
        if len(set(results)) < len(results):
            yield f"messages.{i}.content: each tool_use must have a single result. Found multiple `tool_result` blocks."
        kinds = [b["type"] == "tool_result" for b in blocks]
        if kinds != sorted(kinds, reverse=True):
            yield f"messages.{i}.content: `tool_result` blocks must come first in the content of the message"
        expected = [b["id"] for b in blocks if b["type"] == "tool_use"] if role == "assistant" else []
        if len(set(expected)) < len(expected) or seen & set(expected):
            yield f"messages.{i}.content: `tool_use` ids must be unique"
        seen.update(expected)
    if expected:
        yield (
            f"messages.{len(turns) - 1}: `tool_use` ids were found without `tool_result` blocks immediately after: "
            f"{', '.join(expected)}."
        )


def _ids(body: Body) -> Iterator[str]:
    for i, message in enumerate(body["messages"]):
        for j, block in enumerate(blocks_of(message)):
            field = {"tool_use": "id", "tool_result": "tool_use_id"}.get(block["type"])
            if field and not _ID.fullmatch(block[field]):
                where = f"messages.{i}.content.{j}.{block['type']}.{field}"
                yield f"{where}: String should match pattern '^[a-zA-Z0-9_-]+$'"
            if block["type"] == "tool_use" and not _TOOL_NAME.fullmatch(block["name"]):
                yield f"messages.{i}.content.{j}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"


def _tools(body: Body) -> Iterator[str]:
    tools = body.get("tools") or []
    names = [tool["name"] for tool in tools if "name" in tool]
    if len(set(names)) < len(names):
        yield "tools: Tool names must be unique."
    for i, tool in enumerate(tools):
        if tool.get("type") not in (None, "custom"):
            continue
        where = f"tools.{i}.custom"
        if not _TOOL_NAME.fullmatch(tool["name"]):
            yield f"{where}.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
        if wrong := root_problem(tool["input_schema"], ("oneOf", "allOf", "anyOf")):
            yield f"{where}.input_schema: {wrong}"
        if tool.get("strict") and (wrong := anthropic_strict_problem(tool["input_schema"])):
            yield f"{where}.input_schema: {wrong}"
    used = any(b["type"] in ("tool_use", "tool_result") for m in body["messages"] for b in blocks_of(m))
    if used and not tools:
        yield "Requests which have `tool_use` or `tool_result` blocks in `messages` must define the tools."
    choice = body.get("tool_choice")
    if choice and not tools:
        yield "tool_choice may only be specified while providing tools."
    if choice and choice["type"] == "tool" and choice["name"] not in names:
        yield f"tool_choice.tool.name: Tool '{choice['name']}' not found in provided tools"


def _cache_marks(body: Body) -> Iterator[str]:
    """At most four marks; the longer lived ones stand before the shorter lived. Order: tools, system, messages."""
    system = body.get("system") or []
    places: list[Block] = [*(body.get("tools") or []), *(system if isinstance(system, list) else [])]
    for message in body["messages"]:
        for block in blocks_of(message):
            inner = block.get("content")
            places += [*(inner if block["type"] == "tool_result" and isinstance(inner, list) else []), block]
    marks = [place["cache_control"] for place in places if place.get("cache_control")]
    if len(marks) > 4:
        yield f"A maximum of 4 blocks with cache_control may be provided. Found {len(marks)}."
    lives = [mark.get("ttl", "5m") == "1h" for mark in marks]
    if lives != sorted(lives, reverse=True):
        yield "a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block."


def _output_format(body: Body) -> Iterator[str]:
    wanted = (body.get("output_config") or {}).get("format")
    if wanted and (wrong := anthropic_strict_problem(wanted["schema"])):
        yield f"output_config.format.schema: {wrong}"


def _small_fields(body: Body) -> Iterator[str]:
    if len((body.get("metadata") or {}).get("user_id") or "") > 256:
        yield "metadata.user_id: String should have at most 256 characters"
    if not all(stop.strip() for stop in body.get("stop_sequences") or []):
        yield "stop_sequences: each stop sequence must contain non-whitespace"


_RULES: tuple[Callable[[Body], Iterator[str]], ...] = (
    _turns,
    _texts,
    _places,
    _ids,
    _tool_pairs,
    _tools,
    _cache_marks,
    _output_format,
    _small_fields,
)
