"""Records as short as they can be, and an agent that makes them: it sends the whole history with every call."""

from typing import Any

type Record = dict[str, Any]
type Message = dict[str, Any]

READ = {
    "name": "read",
    "description": "Read a file.",
    "parameters": {"type": "object", "properties": {"path": {"type": "string"}}},
}


def text(words: str) -> Message:
    return {"type": "text", "text": words}


def user(*parts: str | Message) -> Message:
    return {"role": "user", "parts": [text(part) if isinstance(part, str) else part for part in parts]}


def assistant(*parts: str | Message) -> Message:
    return user(*parts) | {"role": "assistant"}


def thinking(words: str) -> Message:
    return {"type": "thinking", "text": words}


def call(name: str, id_: str = "c1", **arguments: object) -> Message:
    return {"type": "tool_call", "id": id_, "name": name, "arguments": arguments}


def result(words: str, id_: str = "c1", **more: object) -> Message:
    return {"type": "tool_result", "id": id_, "content": [text(words)], "error": False, **more}


def record(id_: str, messages: list[Message], answer: Message | None, **more: Any) -> Record:
    """more: system (a text), tools, model, provider, protocol, agent, began, state, stop, usage."""
    began = more.get("began", 1_795_000_000.0 + 60 * sum(map(ord, id_)))
    model = more.get("model", "m-1")
    return {
        "schema": "aiclient.record/1",
        "id": id_,
        "began": began,
        "first_byte": began + 0.5,
        "ended": began + 2,
        "state": more.get("state", "complete"),
        "client": {
            "protocol": more.get("protocol", "chat"),
            "agent": more.get("agent", "agent/1"),
            "action": "generate",
        },
        "route": {
            "asked": model,
            "provider": more.get("provider", "openai-custom"),
            "account": "openai-custom:default",
            "target": model,
            "served": model,
        },
        "usage": more.get("usage", {"input_tokens": 10, "output_tokens": 2}),
        "stop_reason": more.get("stop", "stop"),
        "loss": {"dropped": {}, "changed": {}, "noted": {}},
        "conversation": {
            "system": [text(more["system"])] if more.get("system") else [],
            "tools": more.get("tools", []),
            "messages": list(messages),
            "answer": answer,
        },
    }


class Agent:
    """history: what it will send next time. Ids of records are NAME-1, NAME-2 ..."""

    def __init__(self, name: str, history: list[Message] | None = None, **more: Any) -> None:
        self.name, self.history, self.more = name, list(history or []), more
        self.made: list[Record] = []

    def ask(self, question: str | Message, answer: str | Message, **more: Any) -> Record:
        self.history.append(user(question) if isinstance(question, str) or "type" in question else question)
        said = assistant(answer) if isinstance(answer, str) else answer
        made = record(f"{self.name}-{len(self.made) + 1}", self.history, said, **(self.more | more))
        self.history.append(said)
        self.made.append(made)
        return made
