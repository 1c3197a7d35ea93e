"""The vendors' own SDKs as clients of the proxy, with one face: a test is written once and runs for both protocols.

Every raw byte of an answer is kept, and every answer goes through the grammar checker before a test sees it.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, override

import anthropic
import httpx2
import openai

from tests.fakes.samples import ANTHROPIC_TOOLS, OPENAI_TOOLS, PDF, PDF_URL, PNG, PNG_URL
from tests.grammar import (
    Folded,
    check_anthropic_stream,
    check_chat_stream,
    fold_anthropic_answer,
    fold_chat_answer,
)

type Message = dict[str, Any]

LIMIT = 3000  # max_tokens of every request
SDK_ERRORS = (openai.APIError, anthropic.APIError, httpx2.HTTPError)


class _Tee(httpx2.SyncByteStream):
    """Passes an answer's body on, and keeps it."""

    def __init__(self, stream: httpx2.SyncByteStream, kept: bytearray) -> None:
        self._stream, self._kept = stream, kept

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            self._kept += part
            yield part

    @override
    def close(self) -> None:
        self._stream.close()


class _Recording(httpx2.HTTPTransport):
    """raw and headers: of the latest answer."""

    def __init__(self) -> None:
        super().__init__()
        self.raw = bytearray()
        self.headers = httpx2.Headers()

    @override
    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        response = super().handle_request(request)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        self.raw, self.headers = bytearray(), response.headers
        response.stream = _Tee(response.stream, self.raw)
        return response


@dataclass
class Answer:
    """folded: what was said, checked. assistant: the message that a client sends back in the next turn. headers: of the answer."""

    folded: Folded
    assistant: Message
    headers: httpx2.Headers
    raw: bytes


class Client(ABC):
    """One SDK, one provider prefix. `ask` answers whole or streamed; the rest builds messages of its protocol."""

    protocol: str

    def __init__(self) -> None:
        self.transport = _Recording()
        self.http = httpx2.Client(transport=self.transport, trust_env=False, timeout=30)

    @property
    def raw(self) -> bytes:
        """The body of the latest answer, as far as it came."""
        return bytes(self.transport.raw)

    def ask(self, model: str, messages: Sequence[Message], *, stream: bool, **wishes: Any) -> Answer:
        """wishes: tools (bool), thinking (bool), system (str), schema (a JSON schema), and the protocol's own fields."""
        request = {"model": model, "messages": list(messages), **self._wishes(**wishes)}
        folded, assistant = self._streamed(request) if stream else self._whole(request)
        return Answer(folded, assistant, self.transport.headers, self.raw)

    @abstractmethod
    def sdk_text(self, model: str) -> str:
        """The text of a stream as the SDK reads it, unchecked: in bypass a provider's own form passes."""

    def close(self) -> None:
        self.http.close()

    @abstractmethod
    def _wishes(self, **wishes: Any) -> dict[str, Any]: ...

    @abstractmethod
    def _streamed(self, request: dict[str, Any]) -> tuple[Folded, Message]: ...

    @abstractmethod
    def _whole(self, request: dict[str, Any]) -> tuple[Folded, Message]: ...

    @abstractmethod
    def user(self, text: str, *, image: bool = False, document: bool = False) -> Message: ...

    @abstractmethod
    def results(self, answers: dict[str, str], *, image: bool = False) -> list[Message]:
        """The messages that answer calls. image: a picture in the first result, where the protocol has that."""

    @abstractmethod
    def broken(self, raw: bytes) -> Folded:
        """Check a stream that must end with an error."""


class ChatClient(Client):
    """The OpenAI SDK."""

    protocol = "chat"

    def __init__(self, url: str, provider: str, key: str) -> None:
        super().__init__()
        self.sdk = openai.OpenAI(api_key=key, base_url=f"{url}/{provider}/v1", max_retries=0, http_client=self.http)

    @override
    def _wishes(
        self, tools: bool = False, thinking: bool = False, system: str = "", schema: Any = None, **more: Any
    ) -> dict[str, Any]:
        wishes: dict[str, Any] = {"max_completion_tokens": LIMIT, "tools": OPENAI_TOOLS if tools else None}
        wishes |= {"reasoning_effort": "medium" if thinking else None}
        if schema:
            wishes["response_format"] = {
                "type": "json_schema",
                "json_schema": {"name": "answer", "strict": True, "schema": schema},
            }
        if system:
            wishes["system"] = system
        return {k: v for k, v in {**wishes, **more}.items() if v is not None}

    @override
    def sdk_text(self, model: str) -> str:
        chunks = self.sdk.chat.completions.create(
            model=model, messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        return "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)

    @override
    def _streamed(self, request: dict[str, Any]) -> tuple[Folded, Message]:
        request = _system_first(request)
        options = request.pop("stream_options", {"include_usage": True})
        chunks = list(self.sdk.chat.completions.create(**request, stream=True, stream_options=options))
        folded = check_chat_stream(self.raw, include_usage=options["include_usage"])
        text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
        assert text == folded.text, "the SDK reads another text than the wire holds"
        return folded, _chat_assistant(folded)

    @override
    def _whole(self, request: dict[str, Any]) -> tuple[Folded, Message]:
        answer = self.sdk.chat.completions.create(**_system_first(request))
        folded = fold_chat_answer(json.loads(self.raw))
        assert (answer.choices[0].message.content or "") == folded.text
        return folded, _chat_assistant(folded)

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
    def broken(self, raw: bytes) -> Folded:
        return check_chat_stream(raw, include_usage=True, broken=True)


def _system_first(request: dict[str, Any]) -> dict[str, Any]:
    request = dict(request)
    if text := request.pop("system", None):
        request["messages"] = [{"role": "system", "content": text}, *request["messages"]]
    return request


def _chat_assistant(folded: Folded) -> Message:
    """What agents send back: text, calls, and the reasoning fields of the answer as they came."""
    message: Message = {"role": "assistant", "content": folded.text or None}
    if folded.calls:
        message["tool_calls"] = [
            {"id": c.id, "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in folded.calls
        ]
    if folded.thinking:
        message["reasoning_content"] = folded.thinking
    if folded.details:
        message["reasoning_details"] = folded.details
    return message


class AnthropicClient(Client):
    """The Anthropic SDK."""

    protocol = "anthropic"

    def __init__(self, url: str, provider: str, key: str) -> None:
        super().__init__()
        self.sdk = anthropic.Anthropic(api_key=key, base_url=f"{url}/{provider}", max_retries=0, http_client=self.http)

    @override
    def _wishes(
        self, tools: bool = False, thinking: bool = False, system: str = "", schema: Any = None, **more: Any
    ) -> dict[str, Any]:
        wishes: dict[str, Any] = {"max_tokens": LIMIT, "tools": ANTHROPIC_TOOLS if tools else None}
        wishes |= {
            "thinking": {"type": "enabled", "budget_tokens": 2000} if thinking else None,
            "system": system or None,
        }
        if schema:
            wishes["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
        return {k: v for k, v in {**wishes, **more}.items() if v is not None}

    @override
    def sdk_text(self, model: str) -> str:
        messages: Any = [{"role": "user", "content": "Hi"}]
        with self.sdk.messages.stream(model=model, max_tokens=LIMIT, messages=messages) as stream:
            return stream.get_final_text()

    @override
    def _streamed(self, request: dict[str, Any]) -> tuple[Folded, Message]:
        with self.sdk.messages.stream(**request) as stream:
            message = stream.get_final_message()
        folded = check_anthropic_stream(self.raw)
        if message.stop_reason != "max_tokens":  # the SDK mends a call that was cut off
            assert fold_anthropic_answer(message.to_dict()).content == folded.content, "the SDK reads another answer"
        return folded, {"role": "assistant", "content": message.content}

    @override
    def _whole(self, request: dict[str, Any]) -> tuple[Folded, Message]:
        message = self.sdk.messages.create(**request)
        folded = fold_anthropic_answer(json.loads(self.raw))
        return folded, {"role": "assistant", "content": message.content}

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
    def broken(self, raw: bytes) -> Folded:
        return check_anthropic_stream(raw, broken=True)


def _picture() -> Message:
    return {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}


PROTOCOLS = ("chat", "anthropic")


def connect(protocol: str, url: str, provider: str, key: str) -> Client:
    """A client of a protocol, for the paths under a provider's prefix."""
    return (ChatClient if protocol == "chat" else AnthropicClient)(url, provider, key)
