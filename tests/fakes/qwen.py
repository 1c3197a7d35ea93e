"""A strict stand-in for portal.qwen.ai and DashScope's compatible mode: Chat Completions with their differences from OpenAI's.

Sources: QwenLM/qwen-code's DashScope provider and stream pipeline; refusals as its issues report them. That other fields than
those below are refused is stricter than the real service may be.
"""

import asyncio
import json
from dataclasses import replace
from typing import Any, override

from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic_core import CoreSchema, core_schema

from tests.fakes.openai import OpenAIFake
from tests.fakes.openai_rules import complaint
from tests.fakes.provider import JsonObject, Refused, bad_request
from tests.fakes.qwen_scripts import EXPIRED, QWEN_SCRIPTS, QwenReply, openai_error
from tests.fakes.scripts import HttpError, Reply, Script, script_of
from tests.fakes.server import Line, Recorded
from tests.fakes.strict import StrictType

TOKEN = "fake-qwen-access-token"
MODELS = ("coder-model", "vision-model", "qwen", "glm-")  # how the names of models begin
_FIELDS = frozenset(
    "model messages stream stream_options temperature top_p presence_penalty n max_tokens seed stop tools tool_choice"
    " parallel_tool_calls response_format logprobs top_logprobs".split()
)
_bool = core_schema.bool_schema(strict=True)
_EXTRAS: dict[str, CoreSchema] = {
    "stream": core_schema.nullable_schema(_bool),
    "enable_thinking": _bool,
    "preserve_thinking": _bool,
    "vl_high_resolution_images": _bool,
    "thinking_budget": core_schema.int_schema(strict=True, gt=0),
    "top_k": core_schema.int_schema(strict=True, ge=0),
    "repetition_penalty": core_schema.float_schema(gt=0),
    "enable_search": _bool,
    "search_options": core_schema.dict_schema(),
    "metadata": core_schema.dict_schema(),
}
_REQUEST = StrictType(CompletionCreateParamsNonStreaming, _EXTRAS)


class QwenFake(OpenAIFake):
    """`POST /v1/chat/completions`, nothing else: there is no model list. live: the access tokens that are taken, first `key` alone.
    ended: no token is, as since the end of the free service. late_refusals: so many next refusals take half a second."""

    own_headers = frozenset({"x-dashscope-authtype", "x-dashscope-cachecontrol"})

    def __init__(self, key: str = TOKEN) -> None:
        super().__init__(key)
        self.scripts |= QWEN_SCRIPTS
        self.live = {key}
        self.ended = False
        self.late_refusals = 0

    @override
    def check_credential(self, request: Recorded) -> None:
        if request.header("x-dashscope-authtype") != "qwen-oauth":
            self.violations.append(f"{request.path}: the kind of the token is not said")
        given = (request.header("authorization") or "").removeprefix("Bearer ")
        if self.ended or given not in self.live:
            raise Refused(openai_error(401, EXPIRED, "invalid_api_key"))

    @override
    async def route(self, request: Recorded, line: Line) -> None:
        if request.path.endswith("/models"):
            raise self.unknown_path(request)
        if b'"cache_control"' in request.body and request.header("x-dashscope-cachecontrol") != "enable":
            self.violations.append(f"{request.path}: cache marks that do not count without their header")
        await super().route(request, line)

    @override
    def _validate(self, body: JsonObject) -> None:
        if unknown := sorted(body.keys() - _FIELDS - _EXTRAS.keys()):
            raise bad_request(f"Unrecognized request argument supplied: {unknown[0]}", unknown[0], "InvalidParameter")
        if problem := _REQUEST.problem(plain := _plain(body)):
            raise bad_request(f"{'.'.join(map(str, problem.path))}: {problem.message}", None, "InvalidParameter")
        if found := _refused(plain) or complaint(plain):
            raise bad_request(*found)

    @override
    def script(self, body: JsonObject) -> Script:
        model = str(body["model"])
        script = script_of(model, self.scripts)
        if script is None or not model.startswith(MODELS):
            raise Refused(openai_error(404, f"The model `{model}` does not exist.", "model_not_found"))
        return script

    @override
    async def _refuse(self, refused: Refused, line: Line) -> None:
        if self.late_refusals:
            self.late_refusals -= 1
            await asyncio.sleep(0.5)
        await super()._refuse(refused, line)

    @override
    def fit(self, body: JsonObject, reply: Reply) -> Reply:
        thinks = body.get("enable_thinking") is not False
        return super().fit(body, reply if thinks else replace(reply, thinking=()))

    @override
    def frames(self, body: JsonObject, reply: Reply, *, done: bool) -> list[bytes]:
        more = reply if isinstance(reply, QwenReply) else QwenReply()
        sent = []
        for frame in super().frames(body, reply, done=done):
            payload = frame.removeprefix(b"data: ").strip()
            chunk = json.loads(payload) if payload != b"[DONE]" else {}
            finish = _changed(chunk, more)
            written = b"data: %s\n\n" % (json.dumps(chunk, ensure_ascii=False).encode() if chunk else payload)
            sent += [written, written] if finish and more.twice else [written]
        return sent

    @override
    def error_answer(self, error: HttpError, param: str | None) -> tuple[dict[str, str], bytes]:
        if error.code == "context_length_exceeded":
            error = openai_error(400, "Range of input length should be [1, 258048]", "invalid_parameter_error")
        return super().error_answer(error, param)


def _changed(chunk: dict[str, Any], reply: QwenReply) -> bool:
    """Writes a chunk as Qwen does. Whether it is the one with the finish_reason."""
    chunk.pop("obfuscation", None)
    finished = False
    for choice in chunk.get("choices", ()):
        for delta in choice["delta"].get("tool_calls", ()) if reply.bare else ():
            delta |= {"index": 0, "id": delta.get("id", "")}
        if choice["finish_reason"] is not None:
            finished = True
            choice["delta"] |= {"content": reply.last} if reply.last else {}
            choice["finish_reason"] = choice["finish_reason"] if reply.finish is None else reply.finish
    if usage := chunk.get("usage"):
        usage["prompt_tokens_details"] |= {"cache_creation_input_tokens": 0, "cache_type": "implicit"}
    return finished


def _plain(body: JsonObject) -> JsonObject:
    """As OpenAI's own types know it: what Qwen takes besides inside messages is left out."""
    plain: Any = json.loads(json.dumps(body))
    for message in _parts(plain.get("messages")):
        for part in _parts(message.get("content")):
            if part.get("cache_control") == {"type": "ephemeral"}:
                del part["cache_control"]
            if part.get("type") == "video_url" and isinstance(part.get("video_url"), dict):
                part |= {"type": "text", "text": part.pop("video_url").get("url")}
        if message.get("role") == "assistant" and isinstance(message.get("reasoning_content"), str):
            del message["reasoning_content"]
        if message.get("role") == "tool":
            message.pop("name", None)  # many clients repeat it there
    for tool in _parts(plain.get("tools")):
        if tool.get("cache_control") == {"type": "ephemeral"}:
            del tool["cache_control"]
    return dict(plain)


def _parts(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _refused(body: dict[str, Any]) -> tuple[str, str | None, str | None] | None:
    roles = [message["role"] for message in body["messages"]]
    if "developer" in roles:
        return "developer is not one of ['system', 'assistant', 'user', 'tool']", "messages", "invalid_parameter_error"
    if "system" in roles[1:]:
        return "System message must be at the beginning and only one.", "messages", "invalid_parameter_error"
    if any(message["role"] == "system" and not message["content"] for message in body["messages"]):
        return "The content of the system message is empty.", "messages", "invalid_parameter_error"
    if body.get("tool_choice") == "required" and body.get("enable_thinking") is not False:
        text = 'The tool_choice parameter does not support being set to "required" in thinking mode'
        return text, "tool_choice", "invalid_parameter_error"
    return None
