"""Messages through the Anthropic SDK."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, override

import anthropic

from tests.e2e.sdks.base import LIMIT, Client, Message, Tokens, given
from tests.fakes.samples import ANTHROPIC_TOOLS, PDF, PNG, TIME_SCHEMA
from tests.grammar import Folded, check_anthropic_stream, fold_anthropic_answer


class AnthropicClient(Client):
    protocol = "anthropic"
    stops: ClassVar[Mapping[str, str]] = {
        "end_turn": "stop",
        "stop_sequence": "stop",
        "tool_use": "tool_calls",
        "max_tokens": "length",
        "refusal": "content_filter",
    }

    def __init__(self, url: str, provider: str, key: str, *, own: bool = False) -> None:
        super().__init__(own=own)
        self.sdk = anthropic.Anthropic(api_key=key, base_url=f"{url}/{provider}", max_retries=0, http_client=self.http)

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
        declared = [{"name": tools, "input_schema": TIME_SCHEMA}] if isinstance(tools, str) else ANTHROPIC_TOOLS
        wishes: dict[str, Any] = {"max_tokens": LIMIT, "tools": declared if tools else None}
        wishes |= {
            "thinking": {"type": "enabled", "budget_tokens": 2000} if thinking else None,
            "system": system or None,
        }
        if schema:
            wishes["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        return {"model": model, "messages": messages, **given({**wishes, **more})}

    @override
    def sdk_text(self, model: str) -> str:
        messages: Any = [{"role": "user", "content": "Hi"}]
        with self.sdk.messages.stream(model=model, max_tokens=LIMIT, messages=messages) as stream:
            return stream.get_final_text()

    @override
    def _streamed(self, request: dict[str, Any]) -> tuple[Folded, list[Message]]:
        with self.sdk.messages.stream(**request) as stream:
            message = stream.get_final_message()
        folded = check_anthropic_stream(self.raw)
        if message.stop_reason != "max_tokens":  # the SDK mends a call that was cut off
            assert fold_anthropic_answer(message.to_dict()).content == folded.content, "the SDK reads another answer"
        return folded, [{"role": "assistant", "content": message.content}]

    @override
    def _whole(self, request: dict[str, Any]) -> tuple[Folded, list[Message]]:
        message = self.sdk.messages.create(**request)
        folded = fold_anthropic_answer(json.loads(self.raw))
        return folded, [{"role": "assistant", "content": message.content}]

    @override
    def _tokens(self, usage: dict[str, Any]) -> Tokens:
        cached = usage.get("cache_read_input_tokens") or 0
        read = usage.get("input_tokens", 0) + cached + (usage.get("cache_creation_input_tokens") or 0)
        thinking = (usage.get("output_tokens_details") or {}).get("thinking_tokens") or 0
        return Tokens(read, cached, usage.get("output_tokens", 0), thinking)

    @override
    def user(self, text: str, *, image: bool = False, document: bool = False) -> Message:
        blocks: list[Message] = [{"type": "text", "text": text}]
        if image:
            blocks.append(_picture())
        if document:
            source = {"type": "base64", "media_type": "application/pdf", "data": PDF}
            blocks.append({"type": "document", "source": source, "title": "report.pdf"})
        return {"role": "user", "content": blocks if len(blocks) > 1 else text}

    @override
    def results(self, answers: dict[str, str], *, image: bool = False) -> list[Message]:
        blocks: list[Message] = [
            {"type": "tool_result", "tool_use_id": id_, "content": text} for id_, text in answers.items()
        ]
        if image:
            blocks[0]["content"] = [{"type": "text", "text": blocks[0]["content"]}, _picture()]
        return [{"role": "user", "content": blocks}]

    @override
    def stop_at(self, word: str) -> dict[str, Any]:
        return {"stop_sequences": [word]}

    @override
    def choose(self, tool: str | None) -> dict[str, Any]:
        return {"tool_choice": {"type": "tool", "name": tool} if tool else {"type": "any"}}

    @override
    def broken(self, raw: bytes) -> Folded:
        return check_anthropic_stream(raw, broken=True)


def _picture() -> Message:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
