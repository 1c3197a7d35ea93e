"""Turn after turn the operator's prompt stands in the same place, so that each request begins with the whole one before: the
provider finds its prompt cached."""

import json
from itertools import pairwise
from typing import Any

import pytest

from tests.addons.legs_rig import call, live
from tests.addons.prompt_rig import ATTRIBUTION, MARK, MODES, SAME, URLS, block, path_of, rig_of, split

TOOL_SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Zürich"}'}}
ASKED = {"type": "function_call", "call_id": "call_1", "name": "weather", "arguments": '{"city":"Zürich"}'}


def said(role: str, text: str) -> dict[str, Any]:
    return {"type": "message", "role": role, "content": text}


def content(role: str, *parts: dict[str, Any]) -> dict[str, Any]:
    return {"role": role, "parts": [*parts]}


# What stands before the turns, the member that holds them, and what each turn adds to it: as agents talk, each request with all
# that was said before.
HEADS: dict[str, dict[str, Any]] = {
    "chat": {"model": "m", "tools": [{"type": "function", "function": {"name": "weather", "parameters": TOOL_SCHEMA}}]},
    "responses": {"model": "m", "instructions": "You are a cat.",
                  "tools": [{"type": "function", "name": "weather", "parameters": TOOL_SCHEMA}]},
    "anthropic": {"model": "m", "max_tokens": 90, "tools": [{"name": "weather", "input_schema": TOOL_SCHEMA}],
                  "system": [ATTRIBUTION, block("You are a cat.", **MARK), block("Grüezi.", **MARK)]},
    "gemini": {"tools": [{"functionDeclarations": [{"name": "weather"}]}],
               "systemInstruction": {"parts": [{"text": "You are a cat."}]}},
}  # fmt: skip
MEMBERS = {"chat": "messages", "responses": "input", "anthropic": "messages", "gemini": "contents"}
TURNS: dict[str, list[list[dict[str, Any]]]] = {
    "chat": [
        [{"role": "system", "content": "You are a cat."}, {"role": "system", "content": "Grüezi."},
         {"role": "user", "content": "A cat?"}],
        [{"role": "assistant", "content": None, "tool_calls": [CALL]},
         {"role": "tool", "tool_call_id": "call_1", "content": "Rain."}],
        [{"role": "assistant", "content": "It rains."}, {"role": "user", "content": "And now?"}],
    ],
    "responses": [
        [said("developer", "Grüezi."), said("user", "A cat?")],
        [ASKED, {"type": "function_call_output", "call_id": "call_1", "output": "Rain."}],
        [said("assistant", "It rains."), said("user", "And now?")],
    ],
    "anthropic": [
        [{"role": "user", "content": "A cat?"}],
        [{"role": "assistant", "content": [{"type": "tool_use", "id": "call_1", "name": "weather",
                                            "input": {"city": "Zürich"}}]},
         {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "call_1", "content": "Rain."}]}],
        [{"role": "assistant", "content": "It rains."}, {"role": "user", "content": [block("And now?", **MARK)]}],
    ],
    "gemini": [
        [content("user", {"text": "A cat?"})],
        [content("model", {"functionCall": {"name": "weather", "args": {"city": "Zürich"}}}),
         content("user", {"functionResponse": {"name": "weather", "response": {"output": "Rain."}}})],
        [content("model", {"text": "It rains."}), content("user", {"text": "And now?"})],
    ],
}  # fmt: skip


def body_of(protocol: str, turns: int, *, own: bool) -> bytes:
    """With spaces and escapes of its own, which must stay; the turns come last, so that one body can begin with another."""
    head = HEADS[protocol]
    items = [item for turn in TURNS[protocol][:turns] for item in turn]
    if not own:
        head = {
            name: value for name, value in head.items() if name not in ("system", "instructions", "systemInstruction")
        }
        if protocol in ("chat", "responses"):
            items = [item for item in items if item.get("role") not in ("system", "developer")]
    return json.dumps({**head, MEMBERS[protocol]: items}, indent=1).encode()


async def sent(provider: str, mode: str, protocol: str, turns: int, *, own: bool = True) -> bytes:
    rig = rig_of(provider, mode)
    flow = await rig.ask(call(path_of(protocol, False), body_of(protocol, turns, own=own)))
    assert flow.response is None, flow.response.content
    assert live(flow).raw == body_of(protocol, turns, own=own)
    return flow.request.content or b""


def up_to_the_end_of_the_turns(body: bytes) -> bytes:
    return body.rstrip(b"]}\n ")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("provider", [name for name in SAME if name != "gemini-cli-oauth"])
async def test_between_same_protocols_each_body_begins_with_the_one_before(provider: str, mode: str) -> None:
    protocol = SAME[provider]
    bodies = [await sent(provider, mode, protocol, turns) for turns in (1, 2, 3)]
    for before, after in pairwise(bodies):
        assert after.startswith(up_to_the_end_of_the_turns(before))
        assert len(after) - len(before) > 100


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("provider", [name for name in SAME if name != "gemini-cli-oauth"])
async def test_between_same_protocols_the_turns_keep_their_bytes(provider: str, mode: str) -> None:
    """With the client's own prompt or without."""
    protocol = SAME[provider]
    for own in (True, False):
        plain = body_of(protocol, 3, own=own)
        upstream = await sent(provider, mode, protocol, 3, own=own)
        turns = up_to_the_end_of_the_turns(plain[plain.index(b'"A cat?"') :])
        assert len(turns) > 300
        assert upstream.count(turns) == 1


@pytest.mark.parametrize("mode", MODES)
async def test_marks_and_attribution_are_as_many_as_the_client_set(mode: str) -> None:
    upstream = json.loads(await sent("claude-custom", mode, "anthropic", 3))
    assert upstream["system"][0] == ATTRIBUTION
    marks = [block["text"] for block in upstream["system"] if "cache_control" in block]
    assert marks == (["Ours."] if mode == "overwrite" else ["You are a dog.", "Grüezi."])
    assert upstream["messages"][-1]["content"] == [block("And now?", **MARK)]


def said_in(provider: str, body: bytes) -> tuple[Any, list[Any]]:
    """(system part, turns)."""
    found = json.loads(body)
    if provider == "claude-kiro-oauth":
        state = found["conversationState"]
        turns = [*state.get("history", []), state["currentMessage"]]
        for turn in turns:  # the newest has the tools
            turn.get("userInputMessage", {}).get("userInputMessageContext", {}).pop("tools", None)
            if turn.get("userInputMessage", {}).get("userInputMessageContext") == {}:
                del turn["userInputMessage"]["userInputMessageContext"]
        return state["conversationId"], turns
    system, rest = split(provider, found)
    rest = rest.get("request", rest)
    return system, next(rest[name] for name in ("messages", "input", "contents") if name in rest)


@pytest.mark.parametrize("own", [False, True], ids=["none", "own"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("provider", URLS)
@pytest.mark.parametrize("protocol", ["chat", "responses", "anthropic", "gemini"])
async def test_between_any_protocols_system_part_and_earlier_turns_are_the_same(
    protocol: str, provider: str, mode: str, own: bool
) -> None:
    before = said_in(provider, await sent(provider, mode, protocol, 1, own=own))
    for turns in (2, 3):
        system, found = said_in(provider, await sent(provider, mode, protocol, turns, own=own))
        assert system == before[0]
        assert found[: len(before[1])] == before[1]
        assert len(found) > len(before[1])
        before = system, found
    told = json.dumps(before, ensure_ascii=False)
    assert told.count("Ours.") == (mode != "replace")
    assert ("You are a dog." in told) is (own and mode != "overwrite")
