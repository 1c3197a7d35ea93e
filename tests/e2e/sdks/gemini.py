"""generateContent through google-genai. What it gives is what it sends back: Content objects with their signatures."""

import base64
import json
import sys
from collections.abc import Mapping
from typing import Any, ClassVar, override

import pytest
from google import genai
from google.genai import types

from tests.e2e.sdks.base import LIMIT, Client, Message, Tokens, given
from tests.fakes.samples import PDF, PNG, WEATHER_SCHEMA
from tests.grammar import Call, Folded
from tests.grammar_gemini import check_gemini_stream, fold_gemini_answer

_NO_ID = "#"  # what a call is called here whose provider gave it no id
_TOOLS = [
    types.FunctionDeclaration(name="get_weather", description="Weather", parameters_json_schema=WEATHER_SCHEMA),
    types.FunctionDeclaration(name="get_time", description="Time now"),  # an object without properties is refused
]


class GeminiClient(Client):
    protocol = "gemini"
    stops: ClassVar[Mapping[str, str]] = {"STOP": "stop", "MAX_TOKENS": "length", "SAFETY": "content_filter"}

    def __init__(self, url: str, provider: str, key: str, *, own: bool = False) -> None:
        super().__init__(own=own)
        if sys.version_info < (3, 13):
            pytest.skip("on Python 3.12 the newest google-genai that goes together with mitmproxy is 2.8, another API")
        options = types.HttpOptions(base_url=f"{url}/{provider}", httpx_client=self.http)
        self.sdk = genai.Client(api_key=key, http_options=options)
        self._named: dict[str, str] = {}  # a result bears the name of its call

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
        wishes: dict[str, Any] = {"max_output_tokens": LIMIT, "system_instruction": system or None}
        declared = [types.FunctionDeclaration(name=tools)] if isinstance(tools, str) else _TOOLS
        wishes["tools"] = [types.Tool(function_declarations=declared)] if tools else None
        wishes["thinking_config"] = {"include_thoughts": True, "thinking_level": "LOW"} if thinking else None
        if schema:
            wishes |= {"response_mime_type": "application/json", "response_json_schema": schema}
        return {"model": model, "contents": messages, "config": given({**wishes, **more})}

    @override
    def sdk_text(self, model: str) -> str:
        return "".join(
            chunk.text or "" for chunk in self.sdk.models.generate_content_stream(model=model, contents="Hi")
        )

    @override
    def _streamed(self, request: dict[str, Any]) -> tuple[Folded, list[Message]]:
        chunks = list(self.sdk.models.generate_content_stream(**request))
        read = _read(chunks)
        folded = read if self.own else check_gemini_stream(self.raw)
        assert _said(read) == _said(folded), "the SDK reads another answer than the wire holds"
        return folded, self._assistant(chunks)

    @override
    def _whole(self, request: dict[str, Any]) -> tuple[Folded, list[Message]]:
        answer = self.sdk.models.generate_content(**request)
        read = _read([answer])
        folded = read if self.own else fold_gemini_answer(json.loads(self.raw))
        assert _said(read) == _said(folded)
        return folded, self._assistant([answer])

    def _assistant(self, chunks: list[types.GenerateContentResponse]) -> list[Message]:
        """One Content with all parts as they came, but for the empty ones, which are refused when they say nothing."""
        parts = [part for chunk in chunks for part in _parts(chunk) if part.text != "" or part.thought_signature]
        for number, call in enumerate(part.function_call for part in parts if part.function_call):
            self._named[call.id or f"{_NO_ID}{number}"] = call.name or ""
        return [types.Content(role="model", parts=parts)]

    @override
    def _tokens(self, usage: dict[str, Any]) -> Tokens:
        thinking = usage.get("thoughtsTokenCount") or 0
        read = usage.get("promptTokenCount", 0) + (usage.get("toolUsePromptTokenCount") or 0)
        written = (usage.get("candidatesTokenCount") or 0) + thinking
        return Tokens(read, usage.get("cachedContentTokenCount") or 0, written, thinking)

    @override
    def user(self, text: str, *, image: bool = False, document: bool = False) -> Message:
        parts = [types.Part(text=text)]
        if image:
            parts.append(types.Part.from_bytes(data=base64.b64decode(PNG), mime_type="image/png"))
        if document:
            parts.append(types.Part.from_bytes(data=base64.b64decode(PDF), mime_type="application/pdf"))
        return types.Content(role="user", parts=parts)

    @override
    def results(self, answers: dict[str, str], *, image: bool = False) -> list[Message]:
        parts = []
        for number, (id_, text) in enumerate(answers.items()):
            own = None if id_.startswith(_NO_ID) else id_
            result = types.FunctionResponse(id=own, name=self._named[id_], response={"output": text})
            if image and number == 0:
                picture = types.FunctionResponseBlob(mime_type="image/png", data=base64.b64decode(PNG))
                result.parts = [types.FunctionResponsePart(inline_data=picture)]
            parts.append(types.Part(function_response=result))
        return [types.Content(role="user", parts=parts)]

    @override
    def stop_at(self, word: str) -> dict[str, Any]:
        return {"stop_sequences": [word]}

    @override
    def choose(self, tool: str | None) -> dict[str, Any]:
        names = {"allowed_function_names": [tool]} if tool else {}
        return {"tool_config": {"function_calling_config": {"mode": "ANY", **names}}}

    @override
    def broken(self, raw: bytes) -> Folded:
        return check_gemini_stream(raw, broken=True)


def _said(folded: Folded) -> object:
    calls = [(call.id, call.name, json.loads(call.arguments)) for call in folded.calls]
    return folded.text, folded.thinking, calls, folded.signatures, folded.stop


def _read(chunks: list[types.GenerateContentResponse]) -> Folded:
    """What the SDK understood."""
    folded = Folded()
    for chunk in chunks:
        folded.id = chunk.response_id or folded.id
        folded.model = chunk.model_version or folded.model
        if chunk.usage_metadata:
            folded.usage = chunk.usage_metadata.model_dump(mode="json", by_alias=True, exclude_none=True)
        for candidate in chunk.candidates or ():
            if candidate.finish_reason:
                folded.stop = candidate.finish_reason.value
        for part in _parts(chunk):
            _take(folded, part)
    return folded


def _parts(chunk: types.GenerateContentResponse) -> list[types.Part]:
    contents = [candidate.content for candidate in chunk.candidates or ()]
    return [part for content in contents if content for part in content.parts or ()]


def _take(folded: Folded, part: types.Part) -> None:
    if part.thought_signature:
        folded.signatures.append(base64.b64encode(part.thought_signature).decode())
    if part.function_call:
        call = part.function_call
        id_ = call.id or f"{_NO_ID}{len(folded.calls)}"
        folded.calls.append(Call(id_, call.name or "", json.dumps(call.args or {}, ensure_ascii=False)))
    elif part.thought:
        folded.thinking += part.text or ""
    else:
        folded.text += part.text or ""
