"""Responses through the OpenAI SDK, stateless: nothing is stored, every turn sends the output items back as they came."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar, override

import openai

from tests.e2e.sdks.base import LIMIT, Client, Failed, Message, Tokens, given
from tests.fakes.samples import PDF_URL, PNG_URL, RESPONSES_TOOLS, TIME_SCHEMA
from tests.grammar import Folded
from tests.grammar_responses import check_responses_stream, fold_responses_answer

_TERMINAL = ("response.completed", "response.incomplete", "response.failed")


class ResponsesClient(Client):
    protocol = "responses"
    stops: ClassVar[Mapping[str, str]] = {
        "completed": "stop",
        "max_output_tokens": "length",
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
        wishes: dict[str, Any] = {"max_output_tokens": LIMIT, "store": False, "instructions": system or None}
        bare = {"type": "function", "name": tools, "parameters": TIME_SCHEMA, "strict": False}
        wishes["tools"] = ([bare] if isinstance(tools, str) else RESPONSES_TOOLS) if tools else None
        if thinking:
            wishes |= {
                "reasoning": {"effort": "medium", "summary": "auto"},
                "include": ["reasoning.encrypted_content"],
            }
        if schema:
            wishes["text"] = {"format": {"type": "json_schema", "name": "answer", "strict": True, "schema": schema}}
        return {"model": model, "input": messages, **given({**wishes, **more})}

    @override
    def sdk_text(self, model: str) -> str:
        with self.sdk.responses.stream(model=model, input="Hi", store=False) as stream:
            return stream.get_final_response().output_text

    @override
    def _streamed(self, request: dict[str, Any]) -> tuple[Folded, list[Message]]:
        ends = []
        with self.sdk.responses.stream(**request) as stream:
            event: Any
            for event in stream:
                ends += [event.response] if event.type in _TERMINAL else []
        (response,) = ends
        if response.status == "failed":
            raise Failed(response.error)
        folded = check_responses_stream(self.raw)
        assert response.output_text == folded.text, "the SDK reads another text than the wire holds"
        return folded, list(response.output)

    @override
    def _whole(self, request: dict[str, Any]) -> tuple[Folded, list[Message]]:
        response = self.sdk.responses.create(**request)
        body = json.loads(self.raw)
        if body["status"] == "failed":
            raise Failed(body["error"])
        folded = fold_responses_answer(body)
        assert response.output_text == folded.text
        return folded, list(response.output)

    @override
    def _tokens(self, usage: dict[str, Any]) -> Tokens:
        cached = usage["input_tokens_details"]["cached_tokens"]
        thinking = usage["output_tokens_details"]["reasoning_tokens"]
        return Tokens(usage["input_tokens"], cached, usage["output_tokens"], thinking)

    @override
    def user(self, text: str, *, image: bool = False, document: bool = False) -> Message:
        parts: list[Message] = [{"type": "input_text", "text": text}]
        if image:
            parts.append(_picture())
        if document:
            parts.append({"type": "input_file", "filename": "report.pdf", "file_data": PDF_URL})
        return {"role": "user", "content": parts if len(parts) > 1 else text}

    @override
    def results(self, answers: dict[str, str], *, image: bool = False) -> list[Message]:
        items: list[Message] = [
            {"type": "function_call_output", "call_id": id_, "output": text} for id_, text in answers.items()
        ]
        if image:
            items[0]["output"] = [{"type": "input_text", "text": items[0]["output"]}, _picture()]
        return items

    @override
    def stop_at(self, word: str) -> None:
        return None

    @override
    def choose(self, tool: str | None) -> dict[str, Any]:
        return {"tool_choice": {"type": "function", "name": tool} if tool else "required"}

    @override
    def broken(self, raw: bytes) -> Folded:
        return check_responses_stream(raw, broken=True)


def _picture() -> Message:
    return {"type": "input_image", "image_url": PNG_URL, "detail": "auto"}
