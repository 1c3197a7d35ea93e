"""What agents and models say in each protocol, as items of a request's history, and sessions made of it."""

import copy
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from addons.records.facts import Facts
from converters.json_codec import JsonObject, dumps
from converters.wires import WIRES
from tests.addons.records.samples import exchange

type Items = list[Any]
type Body = dict[str, Any]
type Step = Callable[[str, object], Items]  # (id of its call, a value in its arguments) -> items

HISTORY = {"chat": "messages", "anthropic": "messages", "responses": "input", "gemini": "contents"}
MARK = {"cache_control": {"type": "ephemeral"}}
PICTURE = "iVBORw0KGgo="
PICTURE_URL = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE}"}}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}}}


def arguments(value: object) -> Body:
    """A number alone, or fields that have an order."""
    return {"n": value} if isinstance(value, int | float) else {"n": value, "path": "a.py"}


def chat_message(role: str, content: object = None, **more: object) -> Items:
    return [{"role": role, "content": content, **more}]


def chat_call(id_: str, arguments: object, name: str = "look") -> JsonObject:
    return {"id": id_, "type": "function", "function": {"name": name, "arguments": arguments}}  # type: ignore[dict-item]


def block_message(role: str, *blocks: object) -> Items:
    return [{"role": role, "content": [*blocks]}]


def tool_use(id_: str, value: object, name: str = "look") -> Body:
    return {"type": "tool_use", "id": id_, "name": name, "input": arguments(value)}


def tool_result(id_: str, content: object = "done", **more: object) -> Body:
    return {"type": "tool_result", "tool_use_id": id_, "content": content, **more}


def message(role: str, content: object, **more: object) -> Items:
    return [{"type": "message", "role": role, "content": content, **more}]


def function_call(id_: str, arguments: object, name: str = "look") -> Body:
    return {"type": "function_call", "call_id": id_, "name": name, "arguments": arguments}


def call_output(id_: str, output: object = "done") -> Body:
    return {"type": "function_call_output", "call_id": id_, "output": output}


def content(role: str, *parts: object) -> Items:
    return [{"role": role, "parts": [*parts]}]


def function_part(kind: str, id_: str | None, value: object, name: str = "look") -> Body:
    inner = {"name": name, ("args" if kind == "functionCall" else "response"): arguments(value)}
    return {kind: inner if id_ is None else {"id": id_, **inner}}


THOUGHT: Body = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}
SEALED: Body = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2VhbGVk"}
SILENT: Body = {"type": "reasoning", "id": "rs_2", "summary": []}
SEARCH: Body = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"query": "rain"}}
MORE_TOOLS: Body = {"type": "additional_tools", "tools": [{"type": "function", "name": "found", "parameters": SCHEMA}]}
BLOCK: Body = {"type": "text", "text": "in a block"}
IN: Body = {"type": "input_text", "text": "in a part"}

STEPS: dict[str, list[Step]] = {
    "chat": [
        lambda i, v: chat_message("user", f"please {i}"),
        lambda i, v: chat_message("user", [{"type": "text", "text": i}, PICTURE_URL], name="ann"),
        lambda i, v: chat_message("assistant", f"words {i}", refusal=None, function_call=None, tool_calls=None),
        lambda i, v: (
            chat_message("assistant", "") + chat_message("assistant", [BLOCK, {"type": "refusal", "refusal": "no"}])
        ),
        lambda i, v: (
            chat_message("assistant", reasoning_content="hm", tool_calls=[chat_call(i, json.dumps({"n": v}))])
            + chat_message("tool", "done", tool_call_id=i)
        ),
        lambda i, v: (
            chat_message("assistant", tool_calls=[chat_call(i, arguments(v)), chat_call(f"{i}-b", "{oh", "edit")])
            + chat_message("tool", "one", tool_call_id=i, name="look")
            + chat_message("tool", [BLOCK], tool_call_id=f"{i}-b")
        ),
        lambda i, v: (
            chat_message("assistant", function_call={"name": "old", "arguments": "{}"})
            + chat_message("function", "done", name="old")
        ),
        lambda i, v: chat_message("system", f"remember {i}"),
        lambda i, v: chat_message("developer", [BLOCK]),
        lambda i, v: chat_message("tool", "late", tool_call_id=i),
    ],
    "anthropic": [
        lambda i, v: [{"role": "user", "content": f"please {i}"}],
        lambda i, v: block_message(
            "user", BLOCK, {"type": "image", "source": {"type": "url", "url": "https://a.test/b.png"}}
        ),
        lambda i, v: [{"role": "assistant", "content": f"words {i}"}],
        lambda i, v: (
            block_message("assistant", THOUGHT, BLOCK, tool_use(i, v))
            + block_message("user", tool_result(i, is_error=bool(v)))
        ),
        lambda i, v: (
            block_message("assistant", tool_use(i, v), tool_use(f"{i}-b", [{"m": v}], "edit"))
            + block_message("user", tool_result(f"{i}-b", [BLOCK]), tool_result(i, []), BLOCK)
        ),
        lambda i, v: block_message("assistant", BLOCK, {"type": "mid_conv_system", "content": "so"}, BLOCK),
        lambda i, v: block_message("assistant", {"type": "mid_conv_system", "content": "now"}),
        lambda i, v: (
            block_message("assistant")
            + block_message("assistant", {"type": "server_tool_use", "id": i, "name": "web_search"})
        ),
        lambda i, v: [{"role": "system", "content": f"remember {i}"}],
        lambda i, v: block_message("user", tool_result(i)),
    ],
    "responses": [
        lambda i, v: message("user", f"please {i}"),
        lambda i, v: [{"role": "user", "content": [IN, {"type": "input_image", "image_url": "https://a.test/b.png"}]}],
        lambda i, v: message("assistant", [{"type": "output_text", "text": f"words {i}"}], id="msg_1"),
        lambda i, v: [{"role": "assistant", "content": ""}],
        lambda i, v: [SEALED, function_call(i, json.dumps({"n": v})), call_output(i, [IN])],
        lambda i, v: [
            *(SILENT, function_call(i, arguments(v)), function_call(f"{i}-b", "{oh", "edit")),
            *(call_output(f"{i}-b"), call_output(i)),
        ],
        lambda i, v: [
            {"type": "custom_tool_call", "call_id": i, "name": "patch", "input": "*** x"},
            {"type": "custom_tool_call_output", "call_id": i, "output": "ok"},
        ],
        lambda i, v: [SEARCH, *message("assistant", f"it rains {i}")],
        lambda i, v: [{"type": "computer_call_output", "call_id": i, "output": {"text": "seen"}}],
        lambda i, v: [SILENT],
        lambda i, v: message("developer", [IN]),
        lambda i, v: message("system", f"remember {i}"),
        lambda i, v: [call_output(i)],
        lambda i, v: [MORE_TOOLS],
    ],
    "gemini": [
        lambda i, v: content("user", {"text": f"please {i}"}),
        lambda i, v: [{"parts": {"text": "no role"}}],
        lambda i, v: content("user", {"inlineData": {"mimeType": "image/png", "data": PICTURE}}, {"text": i}),
        lambda i, v: content(
            "model", {"text": "hm", "thought": True}, {"text": f"words {i}", "thoughtSignature": "cw=="}
        ),
        lambda i, v: content("model", {"text": "in"}) + content("model", {"text": "pieces"}) + [{"role": "model"}],
        lambda i, v: (
            content("model", function_part("functionCall", i, v))
            + content("user", function_part("functionResponse", i, v))
        ),
        lambda i, v: (
            content("model", function_part("functionCall", i, v), function_part("functionCall", f"{i}-b", 1, "edit"))
            + content(
                "user", function_part("functionResponse", f"{i}-b", 1, "edit"), function_part("functionResponse", i, v)
            )
        ),
        lambda i, v: (
            content("model", function_part("functionCall", None, v))
            + content("user", function_part("functionResponse", None, v))
        ),
        lambda i, v: content("model", function_part("functionCall", i, v)),
        lambda i, v: content("function", function_part("functionResponse", i, v)),
        lambda i, v: content(
            "model", {"executableCode": {"language": "PYTHON", "code": "1"}}, {"function_call": {"name": i}}
        ),
    ],
}
PLAIN = {"chat": 6, "anthropic": 5, "responses": 8, "gemini": 7}  # the first so many steps: what sessions are made of
BROKEN: dict[str, Items] = {
    "chat": [{"role": "model", "content": "x"}, {"role": "tool", "content": "no id"}, "text"],
    "anthropic": [
        {"role": "assistant"},
        {"role": "model", "content": "x"},
        *block_message("user", {"type": "tool_use"}),
        None,
    ],
    "responses": [{"type": "item_reference", "id": "x"}, {"type": ["x"]}, {"role": ["user"], "content": "x"}, 7],
    "gemini": [{"role": "assistant", "parts": []}, {"role": "user"}, {"role": "user", "parts": ["text"]}, []],
}
TOOLS: dict[str, list[Body]] = {
    "chat": [{"type": "function", "function": {"name": "look", "parameters": SCHEMA}}],
    "anthropic": [{"name": "look", "input_schema": SCHEMA}],
    "responses": [{"type": "function", "name": "look", "parameters": SCHEMA}],
    "gemini": [{"functionDeclarations": [{"name": "look", "parametersJsonSchema": SCHEMA}]}],
}
SYSTEM = {"anthropic": "system", "responses": "instructions", "gemini": "systemInstruction"}


def body_of(wire: str, items: Items, **more: object) -> Body:
    body: Body = {"model": "m", HISTORY[wire]: items, "tools": TOOLS[wire], **more}
    return {**body, "max_tokens": 9} if wire == "anthropic" else body


def facts_of(wire: str, body: Body, /, **more: object) -> Facts:
    return exchange(**{"wire": WIRES[wire], "body": dumps(body), "said": {}, "attempts": [], **more})


def turns_of(wire: str, count: int, value: object = 1) -> Items:
    """Calls and their results."""
    step = {"chat": 5, "anthropic": 3, "responses": 5, "gemini": 5}[wire]
    return [item for number in range(count) for item in STEPS[wire][step](f"t{number}", value)]


ASK: dict[str, Items] = {wire: STEPS[wire][0]("more", 0) for wire in WIRES}
SAY: dict[str, Items] = {wire: STEPS[wire][2 if wire != "gemini" else 3]("more", 0) for wire in WIRES}
TALK = {wire: (ASK[wire] + SAY[wire]) * 2 for wire in WIRES}


def grown(wire: str, *growth: Items, **more: object) -> list[tuple[str, Body]]:
    """A request with four calls behind it, then each time some items more."""
    items = STEPS[wire][0]("start", 0) + turns_of(wire, 4)
    made = [(wire, body_of(wire, [*items], **more))]
    for added in growth:
        items = items + added
        made.append((wire, body_of(wire, [*items], **more)))
    return made


def instead(wire: str, tail: Items, other: Items) -> list[tuple[str, Body]]:
    """A request, then the same with another end."""
    start = STEPS[wire][0]("start", 0) + turns_of(wire, 3)
    return [(wire, body_of(wire, start + end)) for end in (tail, other)]


# --- the same, a little different ---

ALIKE: dict[str, object] = {"1": 1.0, "1.0": True, "True": 1, "0": -0.0, "-0.0": False, "False": 0}


def retyped(value: Any) -> Any:
    """What Python takes for the same."""
    if isinstance(value, dict):
        return {key: retyped(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [retyped(inner) for inner in value]
    return ALIKE.get(repr(value), value)


def reordered(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reordered(inner) for key, inner in reversed(value.items())}
    return [reordered(inner) for inner in value] if isinstance(value, list) else value


def marked(item: Any) -> Any:
    """A cache mark on its last block, or none where there was one."""
    if isinstance(item, dict) and isinstance(blocks := item.get("content"), list) and blocks:
        last = {key: value for key, value in blocks[-1].items() if key != "cache_control"}
        return {**item, "content": [*blocks[:-1], last if len(last) < len(blocks[-1]) else {**last, **MARK}]}
    return item


CHANGES: dict[str, Callable[[Any], Any]] = {"retype": retyped, "reorder": reordered, "mark": marked}


# --- sessions that grow, and that are changed ---


@dataclass
class Session:
    """script: all that is ever said. length: how much of it has been. system, tools: which."""

    wire: str
    script: Items
    length: int
    more: Body

    def act(self, act: str, number: int, step: Items) -> Body:
        """The next request. number: of an item, counted from the last."""
        at, items = max(self.length - 1 - number, 0), self.script
        if act in CHANGES:
            items[at] = CHANGES[act](items[at])
        elif act == "replace":
            items[at : at + 1] = step
        elif act == "drop" and self.length > 1:
            del items[at]
            self.length -= 1
        elif act == "cut":
            self.length = at + 1
        elif act == "system":
            self.more[SYSTEM.get(self.wire, "user")] = f"Be {number}."
        elif act == "tools":
            self.more["tools"] = [retyped, reordered, list, lambda tools: tools * 2][number % 4](TOOLS[self.wire])
        elif act == "grow":
            self.length = min(self.length + number, len(items))
        body = body_of(self.wire, copy.deepcopy(items[: self.length]), **self.more)
        if act == "break":
            body[HISTORY[self.wire]].insert(at, BROKEN[self.wire][number % len(BROKEN[self.wire])])
        return body


ACTS = st.sampled_from(["grow"] * 6 + [*CHANGES, "replace", "drop", "cut", "system", "tools", "again", "break"])
VALUES = st.sampled_from([1, 1.0, True, 0, -0.0, "x", None, {"b": 1, "a": 2}])


@st.composite
def steps(draw: st.DrawFn, wire: str, id_: str) -> Items:
    """Mostly what real sessions are made of, with ids of their own."""
    kinds = STEPS[wire] if draw(st.integers(0, 9)) == 9 else STEPS[wire][: PLAIN[wire]]
    return draw(st.sampled_from(kinds))(id_ if draw(st.integers(0, 29)) < 29 else "c0", draw(VALUES))


@st.composite
def requests(draw: st.DrawFn, wire: str) -> list[tuple[str, Body]]:
    """Of two sessions of one protocol that begin alike, and of one of another."""
    head: Items = [item for step in draw(st.lists(st.sampled_from(STEPS[wire]), max_size=2)) for item in step("h", 1)]
    sessions = []
    for name in (wire, wire, draw(st.sampled_from(sorted(WIRES)))):
        script = copy.deepcopy(head) if name == wire else []
        for number in range(14):
            script += draw(steps(name, f"c{number}"))
        sessions.append(Session(name, script, draw(st.integers(6, 12)), {}))
    made = []
    for number in range(draw(st.integers(3, 10))):
        session = sessions[draw(st.sampled_from([0, 0, 0, 0, 1, 2]))]
        step = draw(steps(session.wire, f"n{number}"))
        made.append((session.wire, session.act(draw(ACTS), draw(st.integers(0, 5)), step)))
    return made
