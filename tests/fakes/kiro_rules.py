"""What Kiro refuses in a request body, each rule under its number in the list of them. Its own answer never says which one it was."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.fakes.media_rules import media_problem

type JsonObject = dict[str, Any]

IMPROPER = "Improperly formed request."
BAD_TOOL = "Invalid tool use format."
TOO_LONG = "Input is too long."
TOP = frozenset("conversationState profileArn agentMode systemPrompt additionalModelRequestFields".split())
AGENT_FIELDS = ("agentMode", "agentContinuationId", "agentTaskType")
_STATE = frozenset(
    "conversationId workspaceId history currentMessage chatTriggerType customizationArn agentContinuationId agentTaskType".split()
)
_USER = frozenset(
    "content modelId origin images userIntent cachePoint clientCacheConfig userInputMessageContext".split()
)
_CONTEXT = frozenset(
    "tools toolResults envState editorState gitState shellState diagnostic consoleState appStudioContext additionalContext"
    " userSettings".split()
)
_ASSISTANT = frozenset(
    "content messageId toolUses reasoningContent references supplementaryWebLinks followupPrompt cachePoint".split()
)
_TRIGGERS = ("MANUAL", "DIAGNOSTIC", "INLINE_CHAT")
_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_COMBINATORS = frozenset(("oneOf", "anyOf", "allOf"))
REMOVED = frozenset(
    "additionalProperties pattern format minimum maximum minLength maxLength minItems maxItems multipleOf uniqueItems $schema"
    " patternProperties propertyNames dependentSchemas dependentRequired if then else contains unevaluatedProperties".split()
)
MAX_DESCRIPTION, MAX_CONTENT, MAX_RESULT, MAX_HISTORY, MAX_IMAGES = 10_000, 600_000, 800_000, 10_000, 10


@dataclass(frozen=True)
class Broken:
    """A rule that a request breaks. reason: as the service's answer names it, None as a rule."""

    rule: str
    message: str = IMPROPER
    reason: str | None = None


def complaint(body: JsonObject, *, empty_tool_turns: bool = False, bare_schemas: bool = False) -> Broken | None:
    """The first rule broken. empty_tool_turns: messages of calls or results alone need no words. bare_schemas: the keywords that
    the newest client takes out of schemas are refused."""
    return next(_broken(body, empty_tool_turns, bare_schemas), None)


def user_messages(body: JsonObject) -> list[JsonObject]:
    """All of them in order, the current one last."""
    state = body["conversationState"]
    found = [message.get("userInputMessage") for message in [*state.get("history", []), state["currentMessage"]]]
    return [message for message in found if message is not None]


def context_of(message: JsonObject) -> JsonObject:
    context: JsonObject = message.get("userInputMessageContext", {})
    return context


def declared_tools(body: JsonObject) -> list[JsonObject]:
    tools = context_of(user_messages(body)[-1]).get("tools", [])
    return [tool["toolSpecification"] for tool in tools if "toolSpecification" in tool]


def _broken(body: JsonObject, empty_tool_turns: bool, bare_schemas: bool) -> Iterator[Broken]:
    state = body.get("conversationState")
    if body.keys() - TOP or not isinstance(state, dict) or state.keys() - _STATE:
        yield Broken("3 fields", reason="REQUEST_BODY_INVALID")
        return
    if state.get("chatTriggerType") not in _TRIGGERS:
        yield Broken("3 chatTriggerType")
    if not _UUID.fullmatch(state.get("conversationId", "00000000-0000-4000-8000-000000000000")):
        yield Broken("3 conversationId", "Invalid conversation id.", "INVALID_CONVERSATION_ID")
    history: list[JsonObject] = state.get("history", [])
    current: JsonObject = state.get("currentMessage") or {}
    yield from _order(history, current)
    yield from _empty_lists(body)
    for message in (*history, current):
        yield from _fields(message)
        yield from _sizes(message)
        yield from _words(message, empty_tool_turns)
        yield from _images(message)
    if len(history) > MAX_HISTORY:
        yield Broken("3.1.11 history", TOO_LONG, "CONTENT_LENGTH_EXCEEDS_THRESHOLD")
    yield from _pairs([*history, current])
    yield from _tools(history, current, bare_schemas)


def _order(history: list[JsonObject], current: JsonObject) -> Iterator[Broken]:
    """3.1.1, 3.1.10"""
    if current.keys() != {"userInputMessage"}:
        yield Broken("3.1.10 currentMessage")
        return
    for place, message in enumerate(history):
        if message.keys() != {"assistantResponseMessage" if place % 2 else "userInputMessage"}:
            yield Broken("3.1.1 alternation")
    if len(history) % 2:
        yield Broken("3.1.1 end")


def _empty_lists(value: object, name: str = "") -> Iterator[Broken]:
    """3.1.9: of the protocol's own; a schema or an argument may well be empty."""
    if name in ("inputSchema", "input"):
        return
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _empty_lists(item, key)
    elif isinstance(value, list):
        if not value and name != "history":
            yield Broken(f"3.1.9 {name}")
        for item in value:
            yield from _empty_lists(item)


def _fields(message: JsonObject) -> Iterator[Broken]:
    user, assistant = message.get("userInputMessage"), message.get("assistantResponseMessage")
    if user is not None:
        if user.keys() - _USER or context_of(user).keys() - _CONTEXT:
            yield Broken("3 fields", reason="REQUEST_BODY_INVALID")
        for result in context_of(user).get("toolResults", ()):
            content = result.get("content")
            if result.keys() - {"toolUseId", "content", "status"} or result.get("status") not in (
                "success",
                "error",
                None,
            ):
                yield Broken("3 toolResults")
            if not content or any(item.keys() not in ({"text"}, {"json"}) for item in content):
                yield Broken("3 toolResults.content")
    if assistant is not None and assistant.keys() - _ASSISTANT:
        yield Broken("3 fields", reason="REQUEST_BODY_INVALID")


def _words(message: JsonObject, empty_tool_turns: bool) -> Iterator[Broken]:
    """3.1.2"""
    body = message.get("userInputMessage") or message["assistantResponseMessage"]
    content = body.get("content")
    if not isinstance(content, str) or (
        not content and not (empty_tool_turns and (context_of(body).get("toolResults") or body.get("toolUses")))
    ):
        yield Broken("3.1.2 content")


def _sizes(message: JsonObject) -> Iterator[Broken]:
    """3.1.11"""
    user = message.get("userInputMessage")
    if user is None:
        return
    too_long = len(user.get("content") or "") > MAX_CONTENT
    for result in context_of(user).get("toolResults", ()):
        too_long |= sum(len(item.get("text", "")) for item in result.get("content", ())) > MAX_RESULT
    if too_long or len(user.get("images", ())) > MAX_IMAGES:
        yield Broken("3.1.11 size", TOO_LONG, "CONTENT_LENGTH_EXCEEDS_THRESHOLD")


def _images(message: JsonObject) -> Iterator[Broken]:
    """3.1.12"""
    for image in (message.get("userInputMessage") or {}).get("images", ()):
        source = image.get("source")
        data = source.get("bytes") if isinstance(source, dict) and source.keys() == {"bytes"} else None
        if (
            image.get("format") not in ("gif", "jpeg", "png", "webp")
            or not isinstance(data, str)
            or media_problem(f"image/{image['format']}", data)
        ):
            yield Broken("3.1.12 image")


def _pairs(messages: list[JsonObject]) -> Iterator[Broken]:
    """3.1.3, 3.1.5, 3.1.8"""
    waiting: list[str] = []
    for message in messages:
        if "userInputMessage" in message:
            results = [r.get("toolUseId") for r in context_of(message["userInputMessage"]).get("toolResults", ())]
            if sorted(map(str, results)) != sorted(waiting) or len(set(results)) != len(results):
                yield Broken("3.1.3 pairs")
            waiting = []
            continue
        for call in message["assistantResponseMessage"].get("toolUses", ()):
            if not _NAME.fullmatch(str(call.get("toolUseId"))) or not _NAME.fullmatch(str(call.get("name"))):
                yield Broken("3.1.5 names")
            if not isinstance(call.get("input"), dict) or _has_holes(call["input"]):
                yield Broken("3.1.8 input", BAD_TOOL)
            waiting.append(str(call.get("toolUseId")))


def _has_holes(value: object) -> bool:
    if isinstance(value, dict):
        return any(not key or item is None or _has_holes(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_has_holes, value))


def _tools(history: list[JsonObject], current: JsonObject, bare_schemas: bool) -> Iterator[Broken]:
    """3.1.4 to 3.1.7"""
    if any("tools" in context_of(message.get("userInputMessage", {})) for message in history):
        yield Broken("3.1.4 place")
    declared = set()
    for tool in context_of(current["userInputMessage"]).get("tools", ()):
        if tool.keys() == {"cachePoint"}:
            continue
        specified = tool.get("toolSpecification")
        if tool.keys() != {"toolSpecification"} or specified.keys() - {"name", "description", "inputSchema"}:
            yield Broken("3 tools", BAD_TOOL)
            return
        declared.add(str(specified.get("name")).lower())
        yield from _tool(specified, bare_schemas)
    for message in history:
        for call in message.get("assistantResponseMessage", {}).get("toolUses", ()):
            if call["name"].lower() not in declared:
                yield Broken("3.1.4 undeclared")


def _tool(specified: JsonObject, bare_schemas: bool) -> Iterator[Broken]:
    if not _NAME.fullmatch(str(specified.get("name"))):
        yield Broken("3.1.5 names")
    if not 0 < len(specified.get("description") or "") <= MAX_DESCRIPTION:
        yield Broken("3.1.6 description")
    holder = specified.get("inputSchema")
    schema = holder.get("json") if isinstance(holder, dict) and holder.keys() == {"json"} else None
    if not isinstance(schema, dict) or schema.get("type") != "object" or schema.keys() & _COMBINATORS:
        yield Broken("3.1.7 root", BAD_TOOL)
    elif any(found.get(key, 0) is None for found in _schemas(schema) for key in ("required", "properties")):
        yield Broken("3.1.7 null", BAD_TOOL)
    elif bare_schemas and any(found.keys() & REMOVED or found.get("required") == [] for found in _schemas(schema)):
        yield Broken("3.1.7 keywords", BAD_TOOL)


def _schemas(schema: object) -> Iterator[JsonObject]:
    """Every schema in one, itself first."""
    if isinstance(schema, list):
        for item in schema:
            yield from _schemas(item)
    elif isinstance(schema, dict):
        yield schema
        for keyword, value in schema.items():
            if keyword in ("properties", "$defs", "definitions") and isinstance(value, dict):
                for item in value.values():
                    yield from _schemas(item)
            elif keyword in ("items", "anyOf", "oneOf", "allOf", "not", "prefixItems"):
                yield from _schemas(value)
