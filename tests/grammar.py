"""Stream grammar checkers: is this client stream, byte for byte, what its protocol promises? They share no code with the product.

Both take the raw body, raise AssertionError that names the frame, and return what a right reader assembles, so that a test can
also demand stream = whole. `broken`: the stream must end with the protocol's error event and must not look complete.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

type JsonObject = dict[str, Any]

_FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
_STOP_REASONS = frozenset({"end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal"})
_KEEP_ALIVE = re.compile(rb":[^\n]*(\n|$)")


@dataclass
class Call:
    id: str
    name: str
    arguments: str


@dataclass
class Folded:
    """An answer, assembled. parts: the order of content, `(kind, text)`; neighbours of a kind are one part in chat.

    signatures, redacted: what a client must carry back, in order; details: the same as chat writes it. error: the error object of a broken stream.
    """

    id: str = ""
    model: str = ""
    text: str = ""
    thinking: str = ""
    refusal: str = ""
    signatures: list[str] = field(default_factory=list)
    redacted: list[str] = field(default_factory=list)
    details: list[JsonObject] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    parts: list[tuple[str, str]] = field(default_factory=list)
    stop: str | None = None
    stop_sequence: str | None = None
    usage: JsonObject | None = None
    error: JsonObject | None = None

    @property
    def content(self) -> JsonObject:
        """What stream and whole must agree on: all but the ids, which are fresh in each answer."""
        calls = [(call.name, _json_or_text(call.arguments or "{}")) for call in self.calls]
        return {
            "text": self.text,
            "thinking": self.thinking,
            "refusal": self.refusal,
            "signatures": self.signatures,
            "redacted": self.redacted,
            "calls": calls,
            "stop": self.stop,
            "stop_sequence": self.stop_sequence,
            "usage": self.usage,
        }


def _json_or_text(arguments: str) -> object:
    """Arguments that max_tokens cut off stay the text they are."""
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


# --- frames ---


def _blocks(raw: bytes) -> list[bytes]:
    """The frames, without keep-alive comments. Every frame must be closed by its blank line and be UTF-8 in itself."""
    assert b"\r" not in raw, "line ends must be LF"
    assert not raw or raw.endswith(b"\n\n"), f"the stream ends inside a frame: {raw[-80:]!r}"
    blocks = []
    for block in raw.split(b"\n\n"):
        block = _KEEP_ALIVE.sub(b"", block) if block.startswith(b":") else block
        if block:
            block.decode()
            blocks.append(block)
    return blocks


def _json(data: bytes, where: str) -> JsonObject:
    try:
        value = json.loads(data)
    except ValueError as error:
        raise AssertionError(f"{where}: not JSON: {data[:120]!r}") from error
    assert isinstance(value, dict), f"{where}: not an object"
    return value


def _is_text(value: object) -> bool:
    return isinstance(value, str) and value != ""


# --- Chat Completions ---


def check_chat_stream(raw: bytes, *, include_usage: bool = False, broken: bool = False) -> Folded:
    """A Chat Completions stream: role first, deltas, one finish chunk, usage only if asked, `[DONE]` last."""
    checker = _Chat(include_usage)
    for number, block in enumerate(_blocks(raw)):
        assert block.startswith(b"data: "), f"frame {number}: only `data:` lines belong here: {block[:80]!r}"
        assert b"\n" not in block, f"frame {number}: more than one line: {block[:120]!r}"
        checker.frame(f"frame {number}", block[6:])
    return checker.end(broken)


class _Chat:
    def __init__(self, include_usage: bool) -> None:
        self.folded = Folded()
        self._include_usage = include_usage
        self._head: JsonObject | None = None
        self._done = False
        self._open_call: set[int] = set()
        self._custom: set[int] = set()  # calls of free-text tools

    def frame(self, where: str, data: bytes) -> None:
        assert not self._done, f"{where}: something follows [DONE]"
        assert self.folded.error is None, f"{where}: something follows the error"
        if data == b"[DONE]":
            assert self.folded.stop, f"{where}: [DONE] before any finish_reason"
            assert self.folded.usage or not self._include_usage, (
                f"{where}: [DONE] and no usage chunk, which was asked for"
            )
            self._done = True
            return
        chunk = _json(data, where)
        if chunk.get("error"):
            assert isinstance(chunk["error"], dict), f"{where}: error must be an object"
            assert chunk["error"].get("message"), f"{where}: an error needs its message"
            assert {"type", "code", "param"} <= set(chunk["error"]), f"{where}: an error has type, code and param"
            assert self.folded.stop is None, f"{where}: an error after the finish chunk"
            self.folded.error = chunk["error"]
            return
        self._chunk(where, chunk)

    def _chunk(self, where: str, chunk: JsonObject) -> None:
        head: JsonObject = {name: chunk.get(name) for name in ("id", "object", "created", "model")}
        if self._head is None:
            assert head["object"] == "chat.completion.chunk", f"{where}: object is {head['object']!r}"
            assert _is_text(head["id"]), f"{where}: no id"
            assert isinstance(head["created"], int), f"{where}: created is {head['created']!r}"
            assert _is_text(head["model"]), f"{where}: no model"
            self._head = head
            self.folded.id, self.folded.model = head["id"], head["model"]
        assert head == self._head, f"{where}: id, object, created and model must not change: {head} after {self._head}"
        choices = chunk["choices"]
        if not choices:
            return self._usage(where, chunk)
        assert chunk.get("usage") is None, f"{where}: usage beside choices"
        assert [choice["index"] for choice in choices] == [0], f"{where}: one choice, index 0"
        choice = choices[0]
        assert "finish_reason" in choice, f"{where}: finish_reason must be there, null until the end"
        assert self.folded.stop is None, f"{where}: a choice after the finish chunk"
        self._delta(where, choice["delta"])
        if choice["finish_reason"] is not None:
            assert choice["finish_reason"] in _FINISH_REASONS, f"{where}: finish_reason {choice['finish_reason']!r}"
            assert choice["delta"] == {}, f"{where}: the finish chunk has an empty delta, not {choice['delta']}"
            self.folded.stop = choice["finish_reason"]

    def _usage(self, where: str, chunk: JsonObject) -> None:
        usage = chunk.get("usage")
        assert isinstance(usage, dict), f"{where}: no choices and no usage"
        assert self._include_usage, f"{where}: a usage chunk nobody asked for"
        assert self.folded.stop, f"{where}: the usage chunk comes after the finish chunk"
        assert self.folded.usage is None, f"{where}: a second usage chunk"
        self.folded.usage = _checked_chat_usage(usage, where)

    def _delta(self, where: str, delta: JsonObject) -> None:
        first = not self.folded.parts and "role" in delta
        if not self.folded.parts:
            assert first, f"{where}: the first delta has the role"
            assert delta["role"] == "assistant", f"{where}: role {delta['role']!r}"
            assert delta.get("content") in ("", None), f"{where}: the first delta has no text yet"
            self.folded.parts.append(("role", "assistant"))
            return
        assert "role" not in delta, f"{where}: the role comes once"
        if "tool_calls" in delta:
            assert "content" not in delta, f"{where}: no content beside tool deltas"
        for name, kind in (("reasoning_content", "thinking"), ("content", "text"), ("refusal", "refusal")):
            if name in delta:
                assert isinstance(delta[name], str), f"{where}: {name} is {delta[name]!r}"
                setattr(self.folded, kind, getattr(self.folded, kind) + delta[name])
                self._part(kind, delta[name])
        for detail in delta.get("reasoning_details", []):
            _take_detail(self.folded, detail)
        for call in delta.get("tool_calls", []):
            self._call(where, call)

    def _call(self, where: str, call: JsonObject) -> None:
        index = call["index"]
        calls = self.folded.calls
        if index not in self._open_call:
            assert index == len(calls), f"{where}: calls are numbered 0, 1, 2 ...: {index} after {len(calls)} calls"
            self._first_delta(where, call)
            self._open_call.add(index)
            return
        function, custom = call.get("function", {}), call.get("custom", {})
        extra = (set(call) - {"index", "function", "custom", "extra_content"}) | (set(function) - {"arguments"})
        extra |= set(custom) - {"input"}
        assert not extra, f"{where}: only the first delta of a call has {sorted(extra)}"
        assert ("function" in call) != ("custom" in call), f"{where}: clients read the words of each delta of a call"
        assert not custom or index in self._custom, f"{where}: input of a call that is none of a custom tool"
        assert not function or index not in self._custom, f"{where}: arguments of a call of a custom tool"
        calls[index].arguments += function.get("arguments", "") + custom.get("input", "")
        if "extra_content" in call:
            _take_call_token(self.folded, call["extra_content"], where)

    def _first_delta(self, where: str, call: JsonObject) -> None:
        kind = call.get("type")
        assert kind in ("function", "custom"), f"{where}: a call begins with its type"
        named, field = call[kind], "arguments" if kind == "function" else "input"
        assert all((call.get("id"), named.get("name"))), f"{where}: a call begins with its id and name"
        assert named.get(field) == "", f"{where}: a call begins with empty {field}"
        assert call["id"] not in [c.id for c in self.folded.calls], f"{where}: two calls with the id {call['id']}"
        if kind == "custom":
            self._custom.add(call["index"])
        self.folded.calls.append(Call(call["id"], named["name"], ""))
        self.folded.parts.append(("call", named["name"]))
        if "extra_content" in call:
            _take_call_token(self.folded, call["extra_content"], where)

    def _part(self, kind: str, text: str) -> None:
        last = self.folded.parts[-1]
        if last[0] == kind:
            self.folded.parts[-1] = (kind, last[1] + text)
        else:
            self.folded.parts.append((kind, text))

    def end(self, broken: bool) -> Folded:
        if broken:
            assert not self._done, "a broken stream must not send [DONE]"
            assert self.folded.error, "a broken stream must end with an error frame"
            return self.folded
        assert self.folded.error is None, f"the stream ends with an error: {self.folded.error}"
        assert self._done, "the stream does not end with [DONE]"
        if self.folded.stop != "length":
            functions = [call for place, call in enumerate(self.folded.calls) if place not in self._custom]
            _arguments_are_json(Folded(calls=functions))
        self.folded.parts = self.folded.parts[1:]
        return self.folded


def fold_chat_answer(answer: Mapping[str, Any]) -> Folded:
    """A whole Chat Completions answer, checked (13) and folded."""
    assert answer["object"] == "chat.completion", f"object is {answer['object']!r}"
    assert isinstance(answer["created"], int)
    assert answer["id"]
    assert answer["model"]
    (choice,) = answer["choices"]
    assert choice["index"] == 0
    assert choice["finish_reason"] in _FINISH_REASONS
    message = choice["message"]
    assert message["role"] == "assistant"
    assert "content" in message
    assert "refusal" in message
    folded = Folded(id=answer["id"], model=answer["model"], stop=choice["finish_reason"])
    folded.text, folded.refusal = message["content"] or "", message["refusal"] or ""
    folded.thinking = message.get("reasoning_content") or ""
    for detail in message.get("reasoning_details") or []:
        _take_detail(folded, detail)
    for call in message.get("tool_calls") or []:
        assert call["type"] in ("function", "custom"), f"a call of type {call['type']!r}"
        named, field = call[call["type"]], "arguments" if call["type"] == "function" else "input"
        folded.calls.append(Call(call["id"], named["name"], named[field]))
        if "extra_content" in call:
            _take_call_token(folded, call["extra_content"], "tool_calls")
    if not folded.calls and not folded.refusal:
        assert isinstance(message["content"], str), "content is null and there are no calls"
    folded.usage = _checked_chat_usage(answer["usage"], "usage")
    return folded


def _take_call_token(folded: Folded, extra: JsonObject, where: str) -> None:
    """Gemini's signature of a call, as its own OpenAI-compatible interface writes it."""
    signature = extra["google"]["thought_signature"]
    assert _is_text(signature), f"{where}: thought_signature is {signature!r}"
    folded.signatures.append(signature)


def _take_detail(folded: Folded, detail: JsonObject) -> None:
    folded.details.append(detail)
    if detail["type"] == "reasoning.encrypted":
        folded.redacted.append(detail["data"])
    elif detail.get("signature"):
        folded.signatures.append(detail["signature"])


def _checked_chat_usage(usage: JsonObject, where: str) -> JsonObject:
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        assert isinstance(usage.get(name), int), f"{where}: {name} is {usage.get(name)!r}"
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"], (
        f"{where}: total is not the sum: {usage}"
    )
    return usage


def _arguments_are_json(folded: Folded) -> None:
    for call in folded.calls:
        _json(call.arguments.encode(), f"arguments of {call.name}")


# --- Anthropic Messages ---

_DELTA_OF: dict[str, set[str]] = {
    "text": {"text_delta", "citations_delta"},
    "thinking": {"thinking_delta", "signature_delta"},
    "tool_use": {"input_json_delta"},
    "redacted_thinking": set(),
}
_START_FIELDS: dict[str, JsonObject] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"input": {}},
    "redacted_thinking": {},
}


def check_anthropic_stream(raw: bytes, *, broken: bool = False) -> Folded:
    """An Anthropic Messages stream: message_start, blocks one after another, one message_delta, message_stop."""
    checker = _Anthropic()
    for number, block in enumerate(_blocks(raw)):
        lines = block.split(b"\n")
        assert [line.partition(b": ")[0] for line in lines] == [b"event", b"data"], (
            f"frame {number}: one `event:` and one `data:` line make a frame: {block[:120]!r}"
        )
        payload = _json(lines[1][6:], f"frame {number}")
        assert payload.get("type") == lines[0][7:].decode(), f"frame {number}: event and type differ: {block[:120]!r}"
        checker.event(f"frame {number} ({payload['type']})", payload)
    return checker.end(broken)


class _Anthropic:
    def __init__(self) -> None:
        self.folded = Folded()
        self._state = "new"  # new, open, delta, stopped
        self._next_index = 0
        self._block: JsonObject | None = None
        self._pieces: list[str] = []
        self._signatures = 0

    def event(self, where: str, payload: JsonObject) -> None:
        assert self._state != "stopped", f"{where}: something follows message_stop"
        assert self.folded.error is None, f"{where}: something follows the error"
        kind = payload["type"]
        if kind == "error":
            assert {"type", "message"} <= set(payload["error"]), f"{where}: an error has type and message"
            self.folded.error = payload["error"]
            return
        if kind == "message_start":
            return self._start(where, payload["message"])
        assert self._state != "new", f"{where}: message_start comes first"
        if kind == "ping":
            return
        assert self._state == "open" or kind == "message_stop", f"{where}: only message_stop follows message_delta"
        getattr(self, f"_on_{kind}", self._on_unknown)(where, payload)

    def _on_unknown(self, where: str, payload: JsonObject) -> None:
        raise AssertionError(f"{where}: unknown event {payload['type']!r}")

    def _start(self, where: str, message: JsonObject) -> None:
        assert self._state == "new", f"{where}: a second message_start"
        expected: JsonObject = {
            "type": "message",
            "role": "assistant",
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
        }
        for name, value in expected.items():
            assert message.get(name, "absent") == value, f"{where}: {name} is {message.get(name)!r}, not {value!r}"
        assert message["id"].startswith("msg_"), f"{where}: id {message['id']!r}"
        assert _is_text(message["model"]), f"{where}: no model"
        self.folded.usage = _checked_anthropic_usage(message["usage"], where, need_input=True)
        self.folded.id, self.folded.model = message["id"], message["model"]
        self._state = "open"

    def _on_content_block_start(self, where: str, payload: JsonObject) -> None:
        assert self._block is None, f"{where}: block {self._next_index - 1} is still open"
        assert payload["index"] == self._next_index, f"{where}: index {payload['index']}, expected {self._next_index}"
        block = payload["content_block"]
        assert block["type"] in _START_FIELDS, f"{where}: block type {block['type']!r}"
        for name, value in _START_FIELDS[block["type"]].items():
            assert block.get(name) == value, f"{where}: a block starts with {name} {value!r}, not {block.get(name)!r}"
        if block["type"] == "tool_use":
            assert all((block["id"], block["name"])), f"{where}: a call has id and name from the start"
            assert block["id"] not in [call.id for call in self.folded.calls], (
                f"{where}: two calls with the id {block['id']}"
            )
        if block["type"] == "redacted_thinking":
            assert block["data"], f"{where}: redacted thinking without data"
            self.folded.redacted.append(block["data"])
        self._block, self._pieces, self._signatures = block, [], 0
        self._next_index += 1

    def _on_content_block_delta(self, where: str, payload: JsonObject) -> None:
        block, delta = self._block, payload["delta"]
        assert block is not None, f"{where}: a delta and no open block"
        assert payload["index"] == self._next_index - 1, f"{where}: index {payload['index']} is not the open block's"
        assert delta["type"] in _DELTA_OF[block["type"]], f"{where}: {delta['type']} in a {block['type']} block"
        match delta["type"]:
            case "text_delta":
                self._pieces.append(delta["text"])
            case "thinking_delta":
                assert not self._signatures, f"{where}: thinking after its signature"
                self._pieces.append(delta["thinking"])
            case "signature_delta":
                assert not self._signatures, f"{where}: a second signature_delta"
                assert delta["signature"], f"{where}: an empty signature"
                self._signatures += 1
                self.folded.signatures.append(delta["signature"])
            case "input_json_delta":
                self._pieces.append(delta["partial_json"])

    def _on_content_block_stop(self, where: str, payload: JsonObject) -> None:
        block = self._block
        assert block is not None, f"{where}: no block is open"
        assert payload["index"] == self._next_index - 1, f"{where}: index {payload['index']} is not the open block's"
        joined = "".join(self._pieces)
        match block["type"]:
            case "text":
                self.folded.text += joined
                self.folded.parts.append(("text", joined))
            case "thinking":
                assert self._signatures == 1, f"{where}: a thinking block stops after exactly one signature_delta"
                self.folded.thinking += joined
                self.folded.parts.append(("thinking", joined))
            case "tool_use":
                self.folded.calls.append(Call(block["id"], block["name"], joined))
                self.folded.parts.append(("call", block["name"]))
            case "redacted_thinking":
                self.folded.parts.append(("redacted", block["data"]))
        self._block = None

    def _on_message_delta(self, where: str, payload: JsonObject) -> None:
        assert self._block is None, f"{where}: block {self._next_index - 1} is still open"
        delta = payload["delta"]
        assert delta["stop_reason"] in _STOP_REASONS, f"{where}: stop_reason {delta['stop_reason']!r}"
        assert "stop_sequence" in delta, f"{where}: no stop_sequence"
        self.folded.stop, self.folded.stop_sequence = delta["stop_reason"], delta["stop_sequence"]
        later = _checked_anthropic_usage(payload["usage"], where, need_input=False)
        self.folded.usage = {**(self.folded.usage or {}), **{k: v for k, v in later.items() if v is not None}}
        self._state = "delta"

    def _on_message_stop(self, where: str, payload: JsonObject) -> None:
        assert self._state == "delta", f"{where}: message_stop before message_delta"
        self._state = "stopped"

    def end(self, broken: bool) -> Folded:
        if broken:
            assert self._state != "stopped", "a broken stream must not send message_stop"
            assert self.folded.error, "a broken stream must end with an error event"
            return self.folded
        assert self.folded.error is None, f"the stream ends with an error: {self.folded.error}"
        assert self._state == "stopped", "the stream does not end with message_stop"
        if self.folded.stop != "max_tokens":
            for call in self.folded.calls:
                _json((call.arguments or "{}").encode(), f"input of {call.name}")
        return self.folded


def fold_anthropic_answer(answer: Mapping[str, Any]) -> Folded:
    """A whole Anthropic answer, checked (13) and folded."""
    assert answer["type"] == "message"
    assert answer["role"] == "assistant"
    assert answer["id"].startswith("msg_")
    assert answer["model"]
    assert answer["stop_reason"] in _STOP_REASONS
    assert "stop_sequence" in answer
    folded = Folded(id=answer["id"], model=answer["model"], stop=answer["stop_reason"])
    folded.stop_sequence = answer["stop_sequence"]
    for block in answer["content"]:
        match block["type"]:
            case "text":
                folded.text += block["text"]
                folded.parts.append(("text", block["text"]))
            case "thinking":
                folded.thinking += block["thinking"]
                folded.signatures.append(block["signature"])
                folded.parts.append(("thinking", block["thinking"]))
            case "redacted_thinking":
                folded.redacted.append(block["data"])
                folded.parts.append(("redacted", block["data"]))
            case "tool_use":
                assert isinstance(block["input"], dict), "tool_use.input must be an object"
                arguments = json.dumps(block["input"], ensure_ascii=False)
                folded.calls.append(Call(block["id"], block["name"], arguments))
                folded.parts.append(("call", block["name"]))
            case kind:
                raise AssertionError(f"block type {kind!r}")
    folded.usage = _checked_anthropic_usage(answer["usage"], "usage", need_input=True)
    return folded


def _checked_anthropic_usage(usage: JsonObject, where: str, *, need_input: bool) -> JsonObject:
    for name in ("input_tokens", "output_tokens") if need_input else ("output_tokens",):
        assert isinstance(usage.get(name), int), f"{where}: {name} is {usage.get(name)!r}"
        assert usage[name] >= 0, f"{where}: {name} is {usage[name]}"
    return usage
