"""Every mode for every client protocol on every wire, with and without a prompt of the client's own: all of the system part.

What the provider gets besides is the same as without a prompt of ours.
"""

import json
from typing import Any

import pytest

from tests.addons.legs_rig import Rig, call, live
from tests.addons.prompt_rig import ATTRIBUTION, MARK, MODES, SAME, URLS, block, path_of, rig_of, split

OWN = ["You are a cat.", "Second."]
TEXTS = {  # "cat" is replaced by "dog" wherever something is left of the client's own
    "overwrite": ["Ours."],
    "append": ["You are a dog.", "Second.", "Ours."],
    "prepend": ["Ours.", "You are a dog.", "Second."],
    "replace": ["You are a dog.", "Second."],
}
USER = {"role": "user", "content": "A cat?"}


def body_of(protocol: str, own: bool, stream: bool) -> dict[str, Any]:
    """As a client of the protocol asks, with an own prompt of two texts or without any."""
    wish = {"stream": True} if stream else {}
    match protocol:
        case "chat":
            system = [{"role": "system", "content": text} for text in OWN] if own else []
            return {"model": "m", "messages": [*system, USER], **wish}
        case "responses":
            head = [{"type": "message", "role": "developer", "content": OWN[1]}] if own else []
            told = {"instructions": OWN[0]} if own else {}
            return {"model": "m", **told, "input": [*head, {"type": "message", **USER}], **wish}
        case "anthropic":
            blocks = {"system": [ATTRIBUTION, block(OWN[0], **MARK), block(OWN[1])]} if own else {}
            return {"model": "m", "max_tokens": 50, **blocks, "messages": [USER], **wish}
    parts = {"systemInstruction": {"parts": [{"text": text} for text in OWN]}} if own else {}
    return {**parts, "contents": [{"role": "user", "parts": [{"text": "A cat?"}]}]}


# --- what is expected ---


def crossed(provider: str, texts: list[str]) -> Any:
    """The system part that is built from texts."""
    joined = "\n\n".join(texts)
    match provider:
        case "openai-custom":
            return [{"role": "system", "content": text} for text in texts]
        case "openai-qwen-oauth":
            return [{"role": "system", "content": joined}] if texts else []
        case "openaiResponses-custom":
            return (joined or None, [])
        case "claude-custom":
            return [block(text) for text in texts] or None
        case "claude-kiro-oauth":
            return "\n\n".join([*texts, "A cat?"])
    return {"parts": [{"text": text} for text in texts]} if texts else None


def passed(protocol: str, mode: str) -> Any:
    """The system part of a client's own body that had one, edited."""
    texts = TEXTS[mode]
    match protocol:
        case "chat":
            return [{"role": "system", "content": text} for text in texts]
        case "responses":
            first = {"overwrite": "Ours.", "prepend": "Ours.\n\nYou are a dog."}.get(mode, "You are a dog.")
            behind = {"overwrite": [], "append": ["Second.", "Ours."]}.get(mode, ["Second."])
            return first, [{"type": "message", "role": "developer", "content": text} for text in behind]
        case "anthropic":
            marked = [block(text, **(MARK if "dog" in text else {})) for text in texts]
            return [ATTRIBUTION, *([block("Ours.", **MARK)] if mode == "overwrite" else marked)]
    return {"parts": [{"text": text} for text in texts]}


def expected(provider: str, protocol: str, mode: str, own: bool) -> Any:
    if own and SAME.get(provider) == protocol:
        return passed(protocol, mode)
    return crossed(provider, TEXTS[mode] if own else [] if mode == "replace" else ["Ours."])


# --- what was sent ---


async def sent(rig: Rig, protocol: str, own: bool, stream: bool) -> dict[str, Any]:
    body = body_of(protocol, own, stream)
    flow = await rig.ask(call(path_of(protocol, stream), body))
    assert flow.response is None, flow.response.content
    exchange = live(flow)
    assert json.loads(exchange.raw) == body, "the client's request stays its own"
    found: dict[str, Any] = json.loads(flow.request.content or b"")
    return found


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("own", [False, True], ids=["none", "own"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("provider", URLS)
@pytest.mark.parametrize("protocol", ["chat", "responses", "anthropic", "gemini"])
async def test_all_of_the_system_part(protocol: str, provider: str, mode: str, own: bool, stream: bool) -> None:
    system, rest = split(provider, await sent(rig_of(provider, mode), protocol, own, stream))
    plain, plain_rest = split(provider, await sent(rig_of(provider), protocol, own, stream))

    assert system == expected(provider, protocol, mode, own)
    assert rest == plain_rest
    assert (system != plain) is (own or mode != "replace")
