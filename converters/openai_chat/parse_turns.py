"""`messages` of a client's request -> system texts and turns (conversion tables 2.1, 3, 6 and 7.4)."""

import hashlib
from collections.abc import Callable

from converters.errors import ConversionError
from converters.fields import at, malformed, missing, obj, objects, required_obj, required_string, string
from converters.json_codec import Json, JsonObject
from converters.loss import Loss
from converters.openai_chat.parse_parts import (
    assistant_parts,
    mark_last,
    read_cache,
    read_images,
    result_parts,
    text_parts,
    user_parts,
)
from converters.openai_chat.reasoning_details import read_call_token, read_thinking
from converters.turns import Chat, Part, Refusal, SystemText, Text, ToolCall, ToolResult, Turn


def parse_turns(messages: Json, chat: Chat, loss: Loss) -> None:
    """Fill `chat.system` and `chat.turns`. Raises ConversionError for what is malformed, with its path."""
    if messages is None:
        raise missing("messages")
    if not isinstance(messages, list) or not messages:
        raise malformed("messages", "a list with at least one message")
    turns = _Turns(chat, loss)
    for index, message in enumerate(messages):
        path = f"messages[{index}]"
        if not isinstance(message, dict):
            raise malformed(path, "an object")
        turns.add(message, path)


class _Turns:
    """Takes the messages in order. `_run`: the user turn that collects an uninterrupted run of tool results."""

    def __init__(self, chat: Chat, loss: Loss) -> None:
        self._chat = chat
        self._loss = loss
        self._leading = True  # only system and developer messages so far
        self._run: Turn | None = None
        self._legacy: list[ToolCall] = []  # `function_call`s still without their `function` message
        self._roles: dict[str, Callable[[JsonObject, str], None]] = {
            "system": self._system,
            "developer": self._system,
            "user": self._user,
            "assistant": self._assistant,
            "tool": self._tool,
            "function": self._function,
        }

    def add(self, message: JsonObject, path: str) -> None:
        role = required_string(message, "role", path)
        if (read := self._roles.get(role)) is None:
            known = ", ".join(self._roles)
            raise ConversionError(f"`{path}.role` is `{role}`, known are {known}", param=f"{path}.role")
        if read not in (self._tool, self._function):
            self._run = None
        if read != self._system:
            self._leading = False
        read(message, path)

    def _system(self, message: JsonObject, path: str) -> None:
        texts = text_parts(message, path)
        mark_last(texts, read_cache(message, path))
        name = string(message, "name", path)
        if not self._leading:
            self._chat.turns.append(Turn("system", [*texts], name))
            return
        if name is not None:
            self._loss.drop("messages.name", "a leading system text has no name")
        self._chat.system += [SystemText(text.text, text.cache) for text in texts]

    def _user(self, message: JsonObject, path: str) -> None:
        parts = user_parts(message, path)
        mark_last(parts, read_cache(message, path))
        self._chat.turns.append(Turn("user", parts, string(message, "name", path)))

    def _assistant(self, message: JsonObject, path: str) -> None:
        parts: list[Part] = [*read_thinking(message, path)]
        parts += assistant_parts(message, path, self._loss.drop)
        parts += read_images(message, path)
        if refusal := string(message, "refusal", path):
            parts.append(Refusal(refusal))
        parts += [_call(call, here) for here, call in objects(message, "tool_calls", path)]
        if (legacy := obj(message, "function_call", path)) is not None:
            parts.append(self._legacy_call(legacy, at(path, "function_call")))
        if message.get("audio") is not None:
            self._loss.drop("messages.audio", "a spoken answer exists only where it was given")
        if not parts and message.get("content") == "":
            parts.append(Text(""))
        mark_last(parts, read_cache(message, path))
        self._chat.turns.append(Turn("assistant", parts, string(message, "name", path)))

    def _tool(self, message: JsonObject, path: str) -> None:
        self._result(message, path, required_string(message, "tool_call_id", path))

    def _function(self, message: JsonObject, path: str) -> None:
        """Legacy: a result is found by its function's name, oldest unanswered call first."""
        name = required_string(message, "name", path)
        call = next((call for call in self._legacy if call.name == name), None)
        if call:
            self._legacy.remove(call)
        self._result(message, path, call.id if call else _synthesised_id(path, name))

    def _result(self, message: JsonObject, path: str, call_id: str) -> None:
        parts, name = result_parts(message, path), string(message, "name", path)
        result = ToolResult(call_id, parts, name, cache=read_cache(message, path))
        if self._run is None:
            self._run = Turn("user", [])
            self._chat.turns.append(self._run)
        self._run.parts.append(result)

    def _legacy_call(self, call: JsonObject, path: str) -> ToolCall:
        name = required_string(call, "name", path)
        made = ToolCall(_synthesised_id(path, name), name, args_text=string(call, "arguments", path) or "")
        self._legacy.append(made)
        return made


def _call(call: JsonObject, path: str) -> ToolCall:
    id_, token, cache = required_string(call, "id", path), read_call_token(call), read_cache(call, path)
    kind = string(call, "type", path) or "function"
    if kind == "custom":
        here = at(path, "custom")
        custom = required_obj(call, "custom", path)
        name, text = required_string(custom, "name", here), string(custom, "input", here) or ""
        return ToolCall(id_, name, args_text=text, kind="custom", token=token, cache=cache)
    if kind != "function":
        raise malformed(at(path, "type"), "`function` or `custom`")
    here = at(path, "function")
    function = required_obj(call, "function", path)
    name = required_string(function, "name", here)
    if isinstance(args := function.get("arguments"), dict):  # not the API, but seen: an object in place of its text
        return ToolCall(id_, name, args=args, token=token, cache=cache)
    return ToolCall(id_, name, args_text=string(function, "arguments", here) or "", token=token, cache=cache)


def _synthesised_id(path: str, name: str) -> str:
    """The same for the same history: a changing id would destroy the provider's prompt cache."""
    return "call_" + hashlib.sha256(f"{path}:{name}".encode()).hexdigest()[:24]
