"""A rig for each provider with an operator's system prompt in each mode, and the system part of what is sent to it."""

import json
from dataclasses import replace
from functools import cache
from itertools import takewhile
from typing import Any

from addons.accounts import Accounts, Member
from addons.providers import catalogue
from addons.providers.base import Action
from addons.replay.accounts import stand_in
from addons.replay.captured import Sent, Tried
from creds.code_assist import CodeAssistCredential
from creds.slot import Slot
from tests.addons.legs_rig import Rig, settings

MODES = ("overwrite", "append", "prepend", "replace")
URLS = {
    "openai-custom": "https://p.test/v1/chat/completions",
    "openai-qwen-oauth": "https://p.test/v1/chat/completions",
    "openaiResponses-custom": "https://p.test/v1/responses",
    "claude-custom": "https://p.test/v1/messages",
    "gemini-custom": "https://p.test/v1beta/models/m:generateContent",
    "gemini-cli-oauth": "https://p.test/v1internal:generateContent",
    "claude-kiro-oauth": "https://p.test/generateAssistantResponse",
}
SAME = {  # but for Qwen, which takes one system message alone and so gets no client's own bytes
    "openai-custom": "chat",
    "openaiResponses-custom": "responses",
    "claude-custom": "anthropic",
    "gemini-custom": "gemini",
    "gemini-cli-oauth": "gemini",
}
ATTRIBUTION = {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1; cat"}
MARK = {"cache_control": {"type": "ephemeral"}}


def block(text: str, **more: object) -> dict[str, object]:
    return {"type": "text", "text": text, **more}


def path_of(protocol: str, stream: bool) -> str:
    if protocol == "gemini":
        return f"/v1beta/models/m:{'streamGenerateContent?alt=sse' if stream else 'generateContent'}"
    return {"chat": "/v1/chat/completions", "responses": "/v1/responses", "anthropic": "/v1/messages"}[protocol]


def _is_system(message: dict[str, Any]) -> bool:
    return message.get("role") in ("system", "developer")


def split(provider: str, body: dict[str, Any]) -> tuple[Any, Any]:
    """(system part, the rest)."""
    rest = json.loads(json.dumps(body))
    match provider:
        case "openai-custom" | "openai-qwen-oauth":
            messages = rest.pop("messages")
            head = [*takewhile(_is_system, messages)]
            return head, {**rest, "messages": messages[len(head) :]}
        case "openaiResponses-custom":
            items = rest.pop("input")
            items = [{"type": "message", "role": "user", "content": items}] if isinstance(items, str) else items
            head = [*takewhile(_is_system, items)]
            return (rest.pop("instructions", None), head), {**rest, "input": items[len(head) :]}
        case "claude-custom":
            return rest.pop("system", None), rest
        case "gemini-custom":
            return rest.pop("systemInstruction", None), rest
        case "gemini-cli-oauth":
            request = rest["request"]
            rest.pop("user_prompt_id")
            return request.pop("systemInstruction", None), rest
    state = rest["conversationState"]
    del state["conversationId"]  # made of how the conversation begins
    return state["currentMessage"]["userInputMessage"].pop("content"), rest


class _KnownProject(CodeAssistCredential):
    """Nobody is asked for it."""

    async def ready(self) -> None:
        pass


def account(provider: str) -> Member:
    sent = Sent("POST", URLS[provider], [], b'{"project": "p"}')
    tried = Tried(provider, f"{provider}:one", "m", sent, None, "")
    made = stand_in(catalogue()[provider], tried, Action.GENERATE, stream=False)
    if isinstance(known := made.credential, CodeAssistCredential):
        made = replace(made, credential=_KnownProject(known.tokens, known.project))
    return Member(made, Slot(provider, made.label))


@cache
def rig_of(provider: str, mode: str = "") -> Rig:
    """mode: "" for no prompt of ours."""
    rule = {"mode": mode} if mode == "replace" else {"mode": mode, "text": "Ours."}
    rules = {"system_prompts": {"client:*": rule}, "system_prompt_replacements": [["cat", "dog"]]} if mode else {}
    rig = Rig(settings(**rules))
    rig.begin(Accounts({provider: (account(provider),)}))
    return rig
