"""What a coding agent asks: requests of about 100 KB, in the proportions of real ones.

40 KB are 15 tools with their descriptions and schemas, 12 KB the system prompt and 50 KB the history: what the user wants, then calls
of tools and their results. Each request of a conversation has one more call and result than the one before, 2 KB. An agent's
conversations all begin with the same 50 KB, which soon are on record like the earlier calls of a real one; what is added is new.

Prose and code are those that Python comes with: a repeated sentence would be compressed to nothing, and never look like a secret.
"""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from pydoc_data.topics import topics

from bench.answers import CHAT, MESSAGES

type JsonObject = dict[str, object]

_SYSTEM, _DESCRIPTION, _PROPERTY, _RESULT = 11_700, 1500, 120, 1600  # characters
_BEGUN = 24  # steps that an agent's conversations have in common
_TOOLS = (
    *("read_file", "write_file", "edit_file", "list_files", "find_files", "search_text", "run_command", "read_output"),
    *("stop_command", "fetch_page", "search_web", "ask_user", "plan_steps", "note_progress", "delegate_task"),
)
_PROPERTIES = {
    "path": "string",
    "offset": "integer",
    "limit": "integer",
    "pattern": "string",
    "recursive": "boolean",
    "description": "string",
}
_PROSE = "\n".join(topics.values())
_CODE = Path(argparse.__file__).read_text()
_conversations = count(1000)  # behind the numbers of agents


@dataclass(frozen=True, slots=True)
class Step:
    """A call of the tool `read_file`, and its result. id: without the protocol's own beginning."""

    id: str
    arguments: JsonObject
    result: str


def conversation(protocol: str, model: str, agent: int, *, stream: bool) -> Iterator[bytes]:
    """The bodies of its requests, one after the other, without end. protocol: the path of the client's. agent: which one of those
    that work side by side; they have tools and system prompt in common."""
    body = _BODIES[protocol]
    number = next(_conversations)
    steps = [_step(agent, at) for at in range(_BEGUN)]
    for at in count(_BEGUN):
        whole = body(model, steps, stream)
        yield json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
        steps.append(_step(number, at))


def _part(text: str, number: int, length: int) -> str:
    """Another one for each number, for a while."""
    start = number * length % (len(text) - length)
    return text[start : start + length]


def _step(number: int, at: int) -> Step:
    path = f"/srv/project/source_{number}/parser_{at}.py"
    arguments: JsonObject = {"path": path, "offset": at * 40, "limit": 40, "recursive": False}
    return Step(f"{number:08}{at:016}", arguments, f"{path}:\n{_part(_CODE, number * _BEGUN + at, _RESULT)}")


def _tools(schema_name: str) -> list[JsonObject]:
    tools: list[JsonObject] = []
    for number, name in enumerate(_TOOLS):
        properties = {
            word: {"type": kind, "description": _part(_PROSE, 2000 + number * 10 + at, _PROPERTY)}
            for at, (word, kind) in enumerate(_PROPERTIES.items())
        }
        schema = {"type": "object", "properties": properties, "required": ["path"], "additionalProperties": False}
        description = _part(_PROSE, 20 + number, _DESCRIPTION)
        tools.append({"name": name, "description": description, schema_name: schema})
    return tools


_INSTRUCTIONS = _part(_PROSE, 0, _SYSTEM)
_TASK = "The parser takes an option twice without a word. Find where, and make it an error with a test."
_SAID = "Let me look at the next part of the file."
_CHAT_TOOLS = [{"type": "function", "function": tool} for tool in _tools("parameters")]
_MESSAGES_TOOLS = _tools("input_schema")


def _chat(model: str, steps: list[Step], stream: bool) -> JsonObject:
    """Members in the SDK's order."""
    messages: list[JsonObject] = [{"role": "system", "content": _INSTRUCTIONS}, {"role": "user", "content": _TASK}]
    for step in steps:
        call, function = f"call_{step.id}", {"name": _TOOLS[0], "arguments": json.dumps(step.arguments)}
        messages += [
            {
                "role": "assistant",
                "content": _SAID,
                "tool_calls": [{"id": call, "type": "function", "function": function}],
            },
            {"role": "tool", "tool_call_id": call, "content": step.result},
        ]
    streamed = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return {"messages": messages, "model": model, "max_completion_tokens": 32000} | streamed | {"tools": _CHAT_TOOLS}


def _messages(model: str, steps: list[Step], stream: bool) -> JsonObject:
    """Members in the SDK's order."""
    messages: list[JsonObject] = [{"role": "user", "content": [{"type": "text", "text": _TASK}]}]
    for step in steps:
        call = f"toolu_{step.id}"
        use = {"type": "tool_use", "id": call, "name": _TOOLS[0], "input": step.arguments}
        result = {"type": "tool_result", "tool_use_id": call, "content": step.result}
        messages += [
            {"role": "assistant", "content": [{"type": "text", "text": _SAID}, use]},
            {"role": "user", "content": [result]},
        ]
    system = [{"type": "text", "text": _INSTRUCTIONS}]
    streamed = {"stream": True} if stream else {}
    return (
        {"max_tokens": 32000, "messages": messages, "model": model}
        | streamed
        | {"system": system, "tools": _MESSAGES_TOOLS}
    )


_BODIES = {CHAT: _chat, MESSAGES: _messages}
