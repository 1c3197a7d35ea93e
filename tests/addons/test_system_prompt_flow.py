"""The operator's prompt on the whole way of a request: whom it is for, what is asked besides generating, and what is tried again."""

import json
from typing import Any

import pytest
from mitmproxy.http import HTTPFlow

from addons.affinity import affinity_of
from addons.providers.demo import Demo
from converters.count import text_tokens
from tests.addons.legs_rig import (
    CHAT,
    CHAT_ANSWER,
    CHAT_PATH,
    COUNT_PATH,
    MESSAGES,
    MESSAGES_PATH,
    Rig,
    body_of,
    call,
    live,
    with_accounts,
)
from tests.addons.pool_rig import CLAUDE, OPENAI, accounts_of, member, refused, rig_of

INPUT: dict[str, Any] = {"model": "m", "instructions": "Own.", "input": [{"role": "user", "content": "Hi"}]}
OURS = {"client:*": {"mode": "overwrite", "text": "Ours."}}
CONTENTS = {
    "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
    "systemInstruction": {"parts": [{"text": "Own."}]},
}


def rig_with(*accounts: str, rules: dict[str, Any] | None = None, **given: object) -> Rig:
    return Rig(with_accounts(*accounts, system_prompts=OURS if rules is None else rules, **given))


def system_in(flow: HTTPFlow) -> Any:
    """What stands first in a Chat body, or in Anthropic's `system`."""
    assert flow.response is None, flow.response.content
    body = json.loads(flow.request.content or b"")
    if "system" in body:
        return body["system"][0]["text"]
    return body["messages"][0]["content"] if body["messages"][0]["role"] == "system" else None


# --- whom it is for ---

RULES = {
    "client:claude-cli+provider:openai-custom": {"mode": "overwrite", "text": "Claude on OpenAI."},
    "client:claude-cli": {"mode": "overwrite", "text": "Claude."},
    "route:fast": {"mode": "overwrite", "text": "Fast."},
    "route:*": {"mode": "overwrite", "text": "Some route."},
    "provider:claude-custom": {"mode": "overwrite", "text": "Anthropic."},
}
ROUTES = {"fast": ["openai-custom:gpt-5"], "big-*": ["openai-custom:gpt-5"]}


@pytest.mark.parametrize(
    ("path", "model", "agent", "expected"),
    [
        (CHAT_PATH, "gpt-5", "Claude-CLI/2.1.5 (external, cli)", "Claude on OpenAI."),
        (MESSAGES_PATH, "claude-x", "claude-cli/2.1.5", "Claude."),
        (CHAT_PATH, "fast", "codex_exec/0.169.0", "Fast."),
        (CHAT_PATH, "fast", "claude-cli/2", "Claude on OpenAI."),
        (CHAT_PATH, "big-one", "", "Some route."),
        ("/openai-custom" + CHAT_PATH, "fast", "", "Fast."),  # the route's own target there
        ("/claude-custom" + CHAT_PATH, "fast", "", "Anthropic."),  # which the route does not lead to
        (CHAT_PATH, "claude-custom:x", "", "Anthropic."),
        (CHAT_PATH, "gpt-5", "", None),
    ],
)
async def test_a_rule_for_client_provider_or_route(path: str, model: str, agent: str, expected: str | None) -> None:
    rig = rig_with("openai", "claude", rules=RULES, routes=ROUTES)
    body = (MESSAGES if MESSAGES_PATH in path else CHAT) | {"model": model}
    flow = await rig.ask(call(path, body, headers={"User-Agent": agent} if agent else None))
    assert system_in(flow) == expected


async def test_a_client_in_code_assists_envelope() -> None:
    rig = rig_with("gemini", rules={"client:GeminiCLI-tui": OURS["client:*"]})
    body = {"model": "m", "project": "p", "request": CONTENTS}
    agent = {"User-Agent": "GeminiCLI-tui/0.61.0/gemini-2.5-pro (linux; x64; terminal)"}
    flow = await rig.ask(call("/v1internal:generateContent", body, headers=agent))
    assert json.loads(flow.request.content or b"") == CONTENTS | {"systemInstruction": {"parts": [{"text": "Ours."}]}}


async def test_conversations_are_told_apart_by_the_clients_own_words() -> None:
    """Else all of one provider would look the same."""
    flow = await rig_with("openai").ask(call(CHAT_PATH))
    assert affinity_of(live(flow)) == affinity_of(live(await Rig(with_accounts("openai")).ask(call(CHAT_PATH))))


# --- what is asked besides ---


async def test_compacting_is_told_what_generating_is() -> None:
    flow = await rig_with("responses").ask(call("/v1/responses/compact", INPUT))
    assert json.loads(flow.request.content or b"") == INPUT | {"instructions": "Ours."}


@pytest.mark.parametrize("provider", ["claude", "gemini"])
async def test_a_count_counts_it(provider: str) -> None:
    flow = await rig_with(provider).ask(call(COUNT_PATH, MESSAGES | {"system": "Own."}))
    body = json.loads(flow.request.content or b"")
    whole = body.get("generateContentRequest", body)
    system = whole.get("system") or whole["systemInstruction"]["parts"]
    assert [block["text"] for block in system] == ["Ours."]


async def test_a_gemini_count_without_a_prompt_becomes_one_with_ours() -> None:
    body = {"contents": CONTENTS["contents"]}
    flow = await rig_with("gemini").ask(call("/v1beta/models/m:countTokens", body))
    whole = json.loads(flow.request.content or b"")["generateContentRequest"]
    assert whole["systemInstruction"] == {"parts": [{"text": "Ours."}]}


@pytest.mark.parametrize("accounts", [("openai",), ()], ids=["openai", "demo"])
async def test_an_estimate_counts_it(accounts: tuple[str, ...]) -> None:
    own = "word " * 500
    counted = body_of(await rig_with(*accounts).ask(call(COUNT_PATH, MESSAGES | {"system": own})))["input_tokens"]
    plain = body_of(await rig_with(*accounts, rules={}).ask(call(COUNT_PATH, MESSAGES | {"system": own})))[
        "input_tokens"
    ]
    assert plain - counted == pytest.approx(text_tokens(own) - text_tokens("Ours."), abs=2)


async def test_the_demo_is_told_it_and_the_client_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    answer = Demo.answer
    monkeypatch.setattr(
        Demo, "answer", lambda self, chat: told.extend(text.text for text in chat.system) or answer(self, chat)
    )
    flow = await rig_with().ask(call("/v1/responses", INPUT))
    assert told == ["Ours."]
    assert body_of(flow)["instructions"] == "Own."


async def test_an_answer_repeats_the_clients_own_instructions() -> None:
    rig = rig_with("openai")
    flow = await rig.ask(call("/v1/responses", INPUT))
    assert system_in(flow) == "Ours."
    await rig.answer(flow, CHAT_ANSWER)
    assert body_of(flow)["instructions"] == "Own."


# --- what is tried again ---

CHAIN = {"fast": [f"{OPENAI}:a", f"{CLAUDE}:b", "gemini-custom:c"]}
BY_PROVIDER = {
    f"provider:{OPENAI}": {"mode": "overwrite", "text": "For OpenAI."},
    f"provider:{CLAUDE}": {"mode": "append", "text": "For Anthropic."},
    "provider:gemini-custom": "none",
}


async def test_the_next_provider_of_a_chain_gets_its_own_prompt() -> None:
    members = (member("x"), member("y", CLAUDE), member("z", "gemini-custom"))
    rig = rig_of(*members, routes=CHAIN, system_prompts=BY_PROVIDER, request_max_retries=0)
    body = {"model": "fast", "messages": [{"role": "system", "content": "Own."}, *CHAT["messages"]]}
    flow = await rig.ask(call(CHAT_PATH, body))
    assert system_in(flow) == "For OpenAI."

    assert (await refused(rig, flow, 503)).again
    assert [block["text"] for block in json.loads(flow.request.content or b"")["system"]] == ["Own.", "For Anthropic."]

    assert (await refused(rig, flow, 503)).again
    assert json.loads(flow.request.content or b"")["systemInstruction"] == {"parts": [{"text": "Own."}]}

    exchange = live(flow)
    assert [made.prompt and made.prompt.text for made in exchange.made] == ["For OpenAI.", "For Anthropic.", None]
    assert json.loads(exchange.raw) == body


async def test_when_no_other_can_be_asked_the_prompt_is_that_of_the_one_that_was() -> None:
    rig = rig_of(member("x"), member("y", CLAUDE), routes=CHAIN, system_prompts=BY_PROVIDER, request_max_retries=0)
    flow = await rig.ask(call(CHAT_PATH, CHAT | {"model": "fast"}))
    first = live(flow).prompt
    rig.read_again(accounts_of(member("x")))
    assert not (await refused(rig, flow, 503)).again
    assert live(flow).prompt is first is not None


@pytest.mark.parametrize("times", [1, 3])
async def test_another_account_of_a_provider_gets_it_once(times: int) -> None:
    rig = rig_of("a", "b", "c", "d", system_prompts={"client:*": {"mode": "append", "text": "Ours."}})
    flow = await rig.ask(call(CHAT_PATH, {"model": "m", "messages": [{"role": "system", "content": "Own."}]}))
    before = flow.request.content
    for _ in range(times):
        assert (await refused(rig, flow, 429)).again
    assert flow.request.content == before
    assert (before or b"").count(b"Ours.") == 1


async def test_a_request_without_the_reasoning_of_earlier_turns_has_it_once() -> None:
    thought = {"type": "thinking", "thinking": "Hm", "signature": "sig-of-another-account"}
    turns = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [thought, {"type": "text", "text": "x"}]},
    ]
    body = MESSAGES | {"system": "Own.", "messages": [*turns, {"role": "user", "content": "Again"}]}
    for mode, expected in (("append", ["Own.", "Ours."]), ("prepend", ["Ours.", "Own."]), ("overwrite", ["Ours."])):
        rig = rig_with("claude", rules={"client:*": {"mode": mode, "text": "Ours."}})
        flow = await rig.ask(call(MESSAGES_PATH, body))
        assert (await refused(rig, flow, 400, "messages.1: Invalid `signature` in `thinking` block")).again
        found = json.loads(flow.request.content or b"")
        assert [block["text"] for block in found["system"]] == expected
        assert found["messages"][1]["content"] == [{"type": "text", "text": "x"}]
