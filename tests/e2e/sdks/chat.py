"""Chat Completions through the OpenAI SDK."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, override

import openai

from tests.e2e.sdks.base import LIMIT, Client, Message, Tokens, given
from tests.fakes.samples import OPENAI_TOOLS, PDF_URL, PNG_URL
from tests.grammar import Folded, check_chat_stream, fold_chat_answer


class ChatClient(Client):
    protocol = "chat"
    stops: ClassVar[Mapping[str, str]] = {
        "stop": "stop",
        "tool_calls": "tool_calls",
        "length": "length",
        "content_filter": "content_filter",
    }

    def __init__(self, url: str, provider: str, key: str, *, own: bool = False) -> None:
        super().__init__(own=own)
        self.sdk = openai.OpenAI(api_key=key, base_url=f"{url}/{provider}/v1", max_retries=0, http_client=self.http)

    @override
    def _request(
        self,
        model: str,
        messages: list[Message],
        tools: bool | str = False,
        thinking: bool = False,
        system: str = "",
        schema: Any = None,
        **more: Any,
    ) -> dict[str, Any]:
        declared = [{"type": "function", "function": {"name": tools}}] if isinstance(tools, str) else OPENAI_TOOLS
        wishes: dict[str, Any] = {"max_completion_tokens": LIMIT, "tools": declared if tools else None}
        wishes |= {"reasoning_effort": "medium" if thinking else None}
        if schema:
            wishes["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            }
        before = [{"role": "system", "content": system}] if system else []
        return {"model": model, "messages": [*before, *messages], **given({**wishes, **more})}

    @override
    def sdk_text(self, model: str) -> str:
        chunks = self.sdk.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)

    @override
    def _streamed(self, request: dict[str, Any]) -> tuple[Folded, list[Message]]:
        options = request.pop("stream_options", {"include_usage": True})
        chunks = list(self.sdk.chat.completions.create(**request, stream=True, stream_options=options))
        folded = check_chat_stream(self.raw, include_usage=options["include_usage"])
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == folded.text, "the SDK reads another text than the wire holds"
        extras = {
            delta.index: extra
            for chunk in chunks
            for choice in chunk.choices
            for delta in choice.delta.tool_calls or ()
            if (extra := (delta.model_extra or {}).get("extra_content"))
        }
        return folded, [_assistant(folded, extras)]

    @override
    def _whole(self, request: dict[str, Any]) -> tuple[Folded, list[Message]]:
        answer = self.sdk.chat.completions.create(**request)
        body = json.loads(self.raw)
        folded = fold_chat_answer(body)
        assert (answer.choices[0].message.content or "") == folded.text
        calls = body["choices"][0]["message"].get("tool_calls") or []
        extras = {i: call["extra_content"] for i, call in enumerate(calls) if "extra_content" in call}
        return folded, [_assistant(folded, extras)]

    @override
    def _tokens(self, usage: dict[str, Any]) -> Tokens:
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
        thinking = (usage.get("completion_tokens_details") or {}).get("reasoning_tokens") or 0
        return Tokens(usage.get("prompt_tokens", 0), cached, usage.get("completion_tokens", 0), thinking)

    @override
    def user(self, text: str, *, image: bool = False, document: bool = False) -> Message:
        if not image and not document:
            return {"role": "user", "content": text}
        parts: list[Message] = [{"type": "text", "text": text}]
        if image:
            parts.append({"type": "image_url", "image_url": {"url": PNG_URL}})
        if document:
            parts.append({"type": "file", "file": {"filename": "report.pdf", "file_data": PDF_URL}})
        return {"role": "user", "content": parts}

    @override
    def results(self, answers: dict[str, str], *, image: bool = False) -> list[Message]:
        return [{"role": "tool", "tool_call_id": id_, "content": text} for id_, text in answers.items()]

    @override
    def stop_at(self, word: str) -> dict[str, Any]:
        return {"stop": [word]}

    @override
    def choose(self, tool: str | None) -> dict[str, Any]:
        return {"tool_choice": {"type": "function", "function": {"name": tool}} if tool else "required"}

    @override
    def broken(self, raw: bytes) -> Folded:
        return check_chat_stream(raw, include_usage=True, broken=True)


def _assistant(folded: Folded, extras: dict[int, Any]) -> Message:
    """What agents send back: text, calls, and the reasoning fields of the answer as they came."""
    message: dict[str, Any] = {"role": "assistant", "content": folded.text or None}
    if folded.calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in folded.calls
        ]
        for index, extra in extras.items():
            message["tool_calls"][index]["extra_content"] = extra
    if folded.thinking:
        message["reasoning_content"] = folded.thinking
    if folded.details:
        message["reasoning_details"] = folded.details
    return message
