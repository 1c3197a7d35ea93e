"""A strict stand-in for api.openai.com: Chat Completions and the model list.

Source: openai-python's request types (the installed version's), and the API's refusals as listed in docs and reports.
"""

import json
from typing import override

from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from pydantic_core import core_schema

from tests.fakes.openai_host import CREATED, OpenAIHost, dotted
from tests.fakes.openai_rules import complaint
from tests.fakes.provider import JsonObject, Refused, bad_request
from tests.fakes.scripts import Reply, script_of
from tests.fakes.server import Line, Recorded
from tests.fakes.strict import Problem, StrictType

ID = "chatcmpl-Fake0123456789abcdefABCD"
MODELS = ("gpt-4.1", "gpt-5.4", "o4-mini")
_STREAM = {"stream": core_schema.nullable_schema(core_schema.bool_schema(strict=True))}
_REQUEST = StrictType(CompletionCreateParamsNonStreaming, _STREAM)
_FINISH = {"stop_sequence": "stop", "refusal": "stop", "pause": "stop"}


class OpenAIFake(OpenAIHost):
    """`GET /v1/models`, `POST /v1/chat/completions`, nothing else."""

    models = MODELS

    @override
    async def route(self, request: Recorded, line: Line) -> None:
        if "?" in request.target:
            self.violations.append(f"{request.target}: a query came along")
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                body = self.json_body(request)
                self._validate(body)
                await self.perform(body, self.script(body), line)
            case "GET", "/v1/models":
                await line.answer(200, {"content-type": "application/json"}, self.model_list())
            case _:
                raise self.unknown_path(request)

    def _validate(self, body: JsonObject) -> None:
        script = script_of(str(body.get("model")), self.scripts)
        lenient = script is not None and script.lenient
        if problem := _REQUEST.problem(body, unknown_fields_pass=lenient):
            raise _type_error(problem)
        if found := complaint(body):
            raise bad_request(*found)

    @override
    def error_frame(self) -> bytes:
        error = {
            "message": "The server had an error while processing your request.",
            "type": "server_error",
            "param": None,
            "code": None,
        }
        return _frame({"error": error})

    @override
    def tool_names(self, body: JsonObject) -> list[str]:
        tools = body.get("tools")
        return [t[t["type"]]["name"] for t in tools] if isinstance(tools, list) else []

    @override
    def one_call_only(self, body: JsonObject) -> bool:
        return body.get("parallel_tool_calls") is False

    @override
    def ends_with_results(self, body: JsonObject) -> bool:
        """The last message but trailing user messages (pictures of a result travel in one) is a tool's."""
        messages = body["messages"]
        assert isinstance(messages, list)
        last_calls = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=-1)
        return any(m["role"] == "tool" for m in messages[last_calls + 1 :])

    @override
    def whole(self, body: JsonObject, reply: Reply) -> JsonObject:
        message: JsonObject = {
            "role": "assistant",
            "content": reply.whole_text,
            "refusal": None,
            "annotations": [],
        }
        if not reply.text and (reply.calls or reply.refusal):
            message["content"] = None
        if reply.thinking:
            message["reasoning_content"] = reply.whole_thinking
        if reply.refusal:
            message["refusal"] = "".join(reply.refusal)
        if reply.calls:
            message["tool_calls"] = [
                {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.text}}
                for call in reply.calls
            ]
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(reply)}
        head = {"id": ID, "object": "chat.completion", "created": CREATED, "model": body["model"]}
        return {
            **head,
            "choices": [choice],
            "usage": _usage(reply),
            "service_tier": "default",
            "system_fingerprint": "fp_fake",
        }

    @override
    def frames(self, body: JsonObject, reply: Reply, *, done: bool) -> list[bytes]:
        options = body.get("stream_options")
        with_usage = isinstance(options, dict) and bool(options.get("include_usage")) and reply.usage == "asked"
        head = {"id": ID, "object": "chat.completion.chunk", "created": CREATED, "model": body["model"]}
        head |= {"service_tier": "default", "system_fingerprint": "fp_fake"}
        extra: JsonObject = {"usage": None} if with_usage else {}

        def chunk(delta: JsonObject, finish: str | None = None) -> bytes:
            choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
            if reply.usage == "every" or (finish and reply.usage == "finish"):
                return _frame({**head, "choices": [choice], "usage": _usage(reply)})
            return _frame({**head, "choices": [choice], **extra, "obfuscation": "x7Q"})

        frames = [chunk({"role": "assistant", "content": "", "refusal": None})]
        frames += [chunk({"reasoning_content": piece}) for piece in reply.thinking]
        frames += [chunk({"content": piece}) for piece in reply.text]
        frames += [chunk({"refusal": piece}) for piece in reply.refusal]
        frames += [chunk({"tool_calls": [delta]}) for delta in _call_deltas(reply)]
        frames.append(chunk({}, _finish(reply)))
        if with_usage:
            frames.append(_frame({**head, "choices": [], "usage": _usage(reply), "obfuscation": "x7Q"}))
        return [*frames, b"data: [DONE]\n\n"] if done else frames


def _call_deltas(reply: Reply) -> list[JsonObject]:
    runs: list[list[JsonObject]] = []
    for index, call in enumerate(reply.calls):
        function = {"name": call.name, "arguments": ""}
        start: JsonObject = {"index": index, "id": call.id, "type": "function", "function": function}
        runs.append([start, *({"index": index, "function": {"arguments": piece}} for piece in call.arguments)])
    if not reply.interleaved:
        return [delta for run in runs for delta in run]
    longest = max(map(len, runs), default=0)
    return [run[i] for i in range(longest) for run in runs if i < len(run)]


def _finish(reply: Reply) -> str:
    return _FINISH.get(reply.stop, reply.stop)


def _usage(reply: Reply) -> JsonObject:
    reasoning = 5 if reply.thinking else 0
    return {
        "prompt_tokens": reply.prompt,
        "completion_tokens": reply.completion,
        "total_tokens": reply.prompt + reply.completion,
        "prompt_tokens_details": {"cached_tokens": reply.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reasoning, "audio_tokens": 0},
    }


def _frame(payload: JsonObject) -> bytes:
    return b"data: " + json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"


def _type_error(problem: Problem) -> Refused:
    path = dotted(problem)
    match problem.kind:
        case "missing":
            return bad_request(f"Missing required parameter: '{path}'.", path, "missing_required_parameter")
        case "extra_forbidden" if "." not in path and "[" not in path:
            return bad_request(f"Unrecognized request argument supplied: {path}", None, None)
        case "extra_forbidden":
            return bad_request(f"Unknown parameter: '{path}'.", path, "unknown_parameter")
        case _:
            return bad_request(f"Invalid type or value for '{path}': {problem.message}", path, "invalid_value")
