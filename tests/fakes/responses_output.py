"""A Reply as the Responses API gives it: the response object, its items, and the events that build them (conversion rules 14.4)."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.openai_host import CREATED
from tests.fakes.provider import JsonObject
from tests.fakes.responses_memory import Memory
from tests.fakes.responses_rules import ENCRYPTED, reasons
from tests.fakes.scripts import Call, Reply

FAILURE = {"code": "server_error", "message": "The server had an error while processing your request."}
_CUT = {"length": "max_output_tokens", "content_filter": "content_filter"}
_ECHOED: JsonObject = {  # fields of the request and what the response says when they are not there
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


@dataclass(frozen=True)
class Played:
    """An item as it begins, as it is in the end, and the events between: (name without `response.`, fields)."""

    begun: JsonObject
    done: JsonObject
    events: list[tuple[str, JsonObject]] = field(default_factory=list)


def new_id(prefix: str, number: object) -> str:
    return prefix + hashlib.sha256(f"{prefix}{number}".encode()).hexdigest()[:48]


def response_object(body: dict[str, Any], id_: str) -> JsonObject:
    """As it is at the start. The fields of the request come back, defaults filled in."""
    echoed = {name: default if body.get(name) is None else body[name] for name, default in _ECHOED.items()}
    reasoning, text = body.get("reasoning") or {}, body.get("text") or {}
    return {
        "id": id_,
        "object": "response",
        "created_at": CREATED,
        "completed_at": None,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": body["model"],
        "output": [],
        **echoed,
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "service_tier": body.get("service_tier") or "auto",
        "text": {"format": {"type": "text"}, "verbosity": "medium", **text},
        "tools": [_echoed_tool(tool) for tool in body.get("tools") or ()],
        "usage": None,
    }


def finished(begun: JsonObject, items: Iterable[JsonObject], reply: Reply) -> JsonObject:
    """The response at its end: completed, or incomplete for one of the two reasons."""
    reason = _CUT.get(reply.stop)
    return {
        **begun,
        "status": "incomplete" if reason else "completed",
        "completed_at": None if reason else CREATED + 2,
        "incomplete_details": {"reason": reason} if reason else None,
        "output": list(items),
        "service_tier": "default",
        "usage": usage_of(reply),
    }


def failed(begun: JsonObject, items: Iterable[JsonObject]) -> JsonObject:
    return {**begun, "status": "failed", "error": FAILURE, "output": list(items)}


def usage_of(reply: Reply) -> JsonObject:
    return {
        "input_tokens": reply.prompt,
        "input_tokens_details": {"cached_tokens": reply.cached, "cache_write_tokens": reply.cache_written},
        "output_tokens": reply.completion,
        "output_tokens_details": {"reasoning_tokens": 5 if reply.thinking else 0},
        "total_tokens": reply.prompt + reply.completion,
    }


def played(body: dict[str, Any], reply: Reply, id_: str, memory: Memory) -> list[Played]:
    """Reasoning if the model does that, then what is said, then the calls. The last item of a cut answer is incomplete."""
    items = _reasoning(body, reply, id_, memory)
    if reply.text or reply.refusal:
        items.append(_message(body, reply, id_))
    declared = declared_tools(body)
    items += [_call(body, call, f"{id_}{n}", declared[call.name]) for n, call in enumerate(reply.calls)]
    if items and reply.stop in _CUT and "status" in items[-1].done:
        items[-1].done["status"] = "incomplete"
    return items


def declared_tools(body: dict[str, Any]) -> dict[str, tuple[str, str | None]]:
    """The tools that the client runs: name -> (`function` or `custom`, namespace)."""
    declared: dict[str, tuple[str, str | None]] = {}
    for tool in body.get("tools") or ():
        if tool["type"] in ("function", "custom"):
            declared[tool["name"]] = (tool["type"], None)
        elif tool["type"] == "namespace":
            declared |= {inner["name"]: (inner["type"], tool["name"]) for inner in tool["tools"]}
    return declared


def _echoed_tool(tool: dict[str, Any]) -> JsonObject:
    return {**tool, "strict": tool.get("strict") is not False} if tool["type"] == "function" else tool


def _deltas(body: dict[str, Any], pieces: Iterable[str]) -> list[JsonObject]:
    padded = (body.get("stream_options") or {}).get("include_obfuscation") is not False
    return [{"delta": piece, **({"obfuscation": "x7Q"} if padded else {})} for piece in pieces]


def _reasoning(body: dict[str, Any], reply: Reply, id_: str, memory: Memory) -> list[Played]:
    asked = body.get("reasoning") or {}
    if not reply.thinking or not reasons(body["model"]) or asked.get("effort") == "none":
        return []
    items = []
    # Reasoning that the model keeps to itself is an item without a summary.
    for number, pieces in enumerate((reply.thinking, ()) if reply.redacted else (reply.thinking,)):
        shown = pieces if asked.get("summary") else ()
        text = "".join(shown)
        sealed = memory.seal(f"{number}{reply.whole_thinking}") if ENCRYPTED in (body.get("include") or ()) else None
        head: JsonObject = {"id": new_id("rs_", f"{id_}{number}"), "type": "reasoning"}
        part = {"type": "summary_text", "text": text}
        events: list[tuple[str, JsonObject]] = []
        if shown:
            at = {"summary_index": 0}
            events.append(("reasoning_summary_part.added", {**at, "part": {**part, "text": ""}}))
            events += [("reasoning_summary_text.delta", {**at, **delta}) for delta in _deltas(body, shown)]
            events.append(("reasoning_summary_text.done", {**at, "text": text}))
            events.append(("reasoning_summary_part.done", {**at, "part": part}))
        begun = {**head, "summary": [], "encrypted_content": sealed and sealed[:64]}  # final only when done
        done = {**head, "summary": [part] if shown else [], "encrypted_content": sealed}
        items.append(Played(begun, done, events))
    return items


def _message(body: dict[str, Any], reply: Reply, id_: str) -> Played:
    head: JsonObject = {"id": new_id("msg_", id_), "type": "message", "role": "assistant"}
    parts: list[JsonObject] = []
    events: list[tuple[str, JsonObject]] = []
    for kind, name, pieces in (("output_text", "text", reply.text), ("refusal", "refusal", reply.refusal)):
        if not pieces:
            continue
        extra: JsonObject = {"annotations": [], "logprobs": []} if kind == "output_text" else {}
        more: JsonObject = {"logprobs": []} if kind == "output_text" else {}
        at = {"content_index": len(parts)}
        part: JsonObject = {"type": kind, name: "".join(pieces), **extra}
        events.append(("content_part.added", {**at, "part": {**part, name: ""}}))
        events += [(f"{kind}.delta", {**at, **delta, **more}) for delta in _deltas(body, pieces)]
        events.append((f"{kind}.done", {**at, name: "".join(pieces), **more}))
        events.append(("content_part.done", {**at, "part": part}))
        parts.append(part)
    return Played(
        {**head, "status": "in_progress", "content": []}, {**head, "status": "completed", "content": parts}, events
    )


def _call(body: dict[str, Any], call: Call, number: str, declared: tuple[str, str | None]) -> Played:
    kind, namespace = declared
    custom = kind == "custom"
    field_, event = ("input", "custom_tool_call_input") if custom else ("arguments", "function_call_arguments")
    head: JsonObject = {
        "id": new_id("ctc_" if custom else "fc_", number),
        "type": "custom_tool_call" if custom else "function_call",
        "call_id": call.id,
        "name": call.name,
    }
    if namespace is not None:
        head["namespace"] = namespace
    end: JsonObject = {field_: call.text} if custom else {field_: call.text, "name": call.name}
    events = [(f"{event}.delta", delta) for delta in _deltas(body, call.arguments)]
    begun = {**head, "status": "in_progress", field_: ""}
    return Played(begun, {**head, "status": "completed", field_: call.text}, [*events, (f"{event}.done", end)])


def frame(payload: JsonObject) -> bytes:
    data = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return b"event: " + str(payload["type"]).encode() + b"\ndata: " + data + b"\n\n"
