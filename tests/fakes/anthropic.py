"""A strict stand-in for api.anthropic.com: Messages, count_tokens and the model list.

Thinking signatures are keyed digests of the thinking text: a block that comes back altered, or from elsewhere, is refused.
Source: anthropic-sdk-python's request types (the installed version's), and the API's refusals as listed in docs and reports.
"""

import base64
import hashlib
import hmac
import json
from typing import Any, override

from anthropic.types.beta.message_create_params import MessageCreateParamsNonStreaming as BetaCreate
from anthropic.types.message_count_tokens_params import MessageCountTokensParams
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
from pydantic_core import core_schema

from tests.fakes.anthropic_models import thinking_on
from tests.fakes.anthropic_rules import blocks_of, complaint
from tests.fakes.provider import FakeProvider, JsonObject, Refused, bad_request
from tests.fakes.scripts import HttpError, Reply, script_of
from tests.fakes.server import Line, Recorded
from tests.fakes.strict import Problem, StrictType

ID = "msg_01FakeFakeFakeFakeFakeFake"
MODELS = ("claude-sonnet-4-5", "claude-opus-4-7", "claude-haiku-4-5")
_SECRET = b"only this fake can sign"
_NUMBER = core_schema.nullable_schema(core_schema.float_schema(strict=True))
_EXTRA = {  # taken by the API, no longer named by this SDK's types
    "stream": core_schema.bool_schema(strict=True),
    "temperature": _NUMBER,
    "top_p": _NUMBER,
    "top_k": core_schema.nullable_schema(core_schema.int_schema(strict=True)),
}
_CREATE = StrictType(MessageCreateParamsNonStreaming, _EXTRA)
_BETA = StrictType(BetaCreate, _EXTRA)
_COUNT = StrictType(MessageCountTokensParams)
_STOP = {
    "stop": "end_turn",
    "length": "max_tokens",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "pause": "pause_turn",
}
_LEVEL_UP = {400: "invalid_request_error", 401: "authentication_error", 404: "not_found_error"}


def sign(thinking: str) -> str:
    """The signature of a thinking text: long base64 with `+`, `/` and `=`, as the real ones have."""
    digests = b"".join(hmac.digest(_SECRET, b"%d" % i + thinking.encode(), "sha256") for i in range(8))
    return base64.b64encode(b"\xfb\xff\xbf" + digests + b"\x00").decode()


def redacted(seed: str) -> str:
    head = seed.encode().hex().encode()
    return base64.b64encode(head + b"." + hmac.digest(_SECRET, head, "sha256")).decode()


def _is_redacted(data: str) -> bool:
    head, dot, digest = base64.b64decode(data).partition(b".")
    return bool(dot) and hmac.compare_digest(digest, hmac.digest(_SECRET, head, hashlib.sha256))


class AnthropicFake(FakeProvider):
    """`POST /v1/messages`, `POST /v1/messages/count_tokens`, `GET /v1/models`, nothing else."""

    prelude = b'event: ping\ndata: {"type": "ping"}\n\n'
    own_headers = frozenset("x-api-key anthropic-version anthropic-beta".split())

    @override
    def check_credential(self, request: Recorded) -> None:
        key, bearer = request.header("x-api-key"), request.header("authorization")
        if key is None and bearer is None:
            raise Refused(HttpError(401, "authentication_error", "x-api-key header is required"))
        if (key or self.key) != self.key or (bearer or f"Bearer {self.key}") != f"Bearer {self.key}":
            raise Refused(HttpError(401, "authentication_error", "invalid x-api-key"))
        if request.header("anthropic-version") is None:
            raise bad_request("anthropic-version: header is required")

    @override
    async def route(self, request: Recorded, line: Line) -> None:
        if set(request.query) - ({"beta"} if request.method == "POST" else {"limit", "before_id", "after_id"}):
            self.violations.append(f"{request.target}: a query came along")
        match request.method, request.path:
            case "POST", "/v1/messages":
                body = self.json_body(request)
                beta = request.query.get("beta") or request.header("anthropic-beta")
                self._validate(body, _BETA if beta else _CREATE)
                await self.perform(body, self.script(body), line)
            case "POST", "/v1/messages/count_tokens":
                body = self.json_body(request)
                self._validate(body, _COUNT)
                self.script(body)
                await line.answer(200, {"content-type": "application/json"}, b'{"input_tokens": 2095}')
            case "GET", "/v1/models":
                await line.answer(200, {"content-type": "application/json"}, _models())
            case _:
                raise self.unknown_path(request)

    def _validate(self, body: JsonObject, types: StrictType) -> None:
        script = script_of(str(body.get("model")), self.scripts)
        lenient = script is not None and script.lenient
        if problem := types.problem(body, unknown_fields_pass=lenient):
            raise bad_request(_type_error(problem))
        if found := complaint(body, counting=types is _COUNT):
            raise bad_request(found)
        if not lenient:
            self._check_signatures(body)

    def _check_signatures(self, body: dict[str, Any]) -> None:
        for i, message in enumerate(body["messages"]):
            for j, block in enumerate(blocks_of(message)):
                if block["type"] == "thinking" and block["signature"] != sign(block["thinking"]):
                    raise bad_request(f"messages.{i}.content.{j}: Invalid `signature` in `thinking` block")
                if block["type"] == "redacted_thinking" and not _is_redacted(block["data"]):
                    raise bad_request(f"messages.{i}.content.{j}: Invalid `data` in `redacted_thinking` block")

    @override
    def error_answer(self, error: HttpError, param: str | None) -> tuple[dict[str, str], bytes]:
        message = (
            "prompt is too long: 210000 tokens > 200000 maximum"
            if error.code == "context_length_exceeded"
            else error.message
        )
        kind = _LEVEL_UP.get(error.status, error.kind)
        envelope = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_fake"}
        return {"content-type": "application/json", "request-id": "req_fake"}, json.dumps(envelope).encode()

    @override
    def error_frame(self) -> bytes:
        return _frame({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}})

    @override
    def tool_names(self, body: JsonObject) -> list[str]:
        tools = body.get("tools")
        return [t["name"] for t in tools if "name" in t] if isinstance(tools, list) else []  # a toolset has none

    @override
    def one_call_only(self, body: JsonObject) -> bool:
        choice = body.get("tool_choice")
        return isinstance(choice, dict) and bool(choice.get("disable_parallel_tool_use"))

    @override
    def ends_with_results(self, body: JsonObject) -> bool:
        messages = body["messages"]
        assert isinstance(messages, list)
        last_calls = max((i for i, m in enumerate(messages) if m["role"] == "assistant"), default=-1)
        return any(b["type"] == "tool_result" for m in messages[last_calls + 1 :] for b in blocks_of(m))

    @override
    def whole(self, body: JsonObject, reply: Reply) -> JsonObject:
        content = [{**start, **filled} for start, filled, _ in _blocks(body, reply)]
        return {**_head(body), "content": content, **_stop(body, reply), "usage": _usage(reply, reply.completion)}

    @override
    def frames(self, body: JsonObject, reply: Reply, *, done: bool) -> list[bytes]:
        message = {**_head(body), "content": [], "stop_reason": None, "stop_sequence": None, "usage": _usage(reply, 1)}
        frames = [_frame({"type": "message_start", "message": message})]
        for index, (start, _, deltas) in enumerate(_blocks(body, reply)):
            frames.append(_frame({"type": "content_block_start", "index": index, "content_block": start}))
            if index == 0:
                frames.append(_frame({"type": "ping"}))
            frames += [_frame({"type": "content_block_delta", "index": index, "delta": delta}) for delta in deltas]
            frames.append(_frame({"type": "content_block_stop", "index": index}))
        usage = _usage(reply, reply.completion)
        frames.append(_frame({"type": "message_delta", "delta": _stop(body, reply), "usage": usage}))
        return [*frames, _frame({"type": "message_stop"})] if done else frames


type _Played = tuple[JsonObject, JsonObject, list[JsonObject]]  # block at its start, what the whole one adds, deltas


def _blocks(body: dict[str, Any], reply: Reply) -> list[_Played]:
    blocks: list[_Played] = []
    if reply.thinking and thinking_on(body):
        shown = () if body["thinking"].get("display") == "omitted" else reply.thinking
        text = "".join(shown)
        signature = {"signature": sign(text)}
        deltas: list[JsonObject] = [{"type": "thinking_delta", "thinking": piece} for piece in shown]
        deltas.append({"type": "signature_delta", **signature})
        blocks.append(({"type": "thinking", "thinking": "", "signature": ""}, {"thinking": text, **signature}, deltas))
    if reply.redacted and thinking_on(body):
        blocks.append(({"type": "redacted_thinking", "data": redacted("r1")}, {}, []))
    if text_pieces := reply.text + reply.refusal:
        pieces: list[JsonObject] = [{"type": "text_delta", "text": piece} for piece in text_pieces]
        blocks.append(({"type": "text", "text": ""}, {"text": "".join(text_pieces)}, pieces))
    for call in reply.calls:
        start: JsonObject = {"type": "tool_use", "id": call.id, "name": call.name, "input": {}}
        fragments = ("", *(() if call.text == "{}" else call.arguments))  # the real one: "" first, and no more for {}
        inputs: list[JsonObject] = [{"type": "input_json_delta", "partial_json": piece} for piece in fragments]
        blocks.append((start, {"input": _object(call.text)}, inputs))
    return blocks


def _object(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return {}


def _head(body: JsonObject) -> JsonObject:
    return {"id": ID, "type": "message", "role": "assistant", "model": body["model"]}


def _stop(body: dict[str, Any], reply: Reply) -> JsonObject:
    sequence = next(iter(body.get("stop_sequences") or ["END"])) if reply.stop == "stop_sequence" else None
    stop: JsonObject = {"stop_reason": _STOP.get(reply.stop, reply.stop), "stop_sequence": sequence}
    if reply.stop == "refusal":
        stop["stop_details"] = {"type": "refusal", "category": "cyber", "explanation": "No."}
    return stop


def _usage(reply: Reply, output: int) -> JsonObject:
    return {
        "input_tokens": reply.prompt - reply.cached - reply.cache_written,
        "cache_creation_input_tokens": reply.cache_written,
        "cache_read_input_tokens": reply.cached,
        "output_tokens": output,
    }


def _models() -> bytes:
    data = [
        {"type": "model", "id": m, "display_name": m, "created_at": "2026-01-01T00:00:00Z", "lifecycle": "active"}
        for m in MODELS
    ]
    return json.dumps({"data": data, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}).encode()


def _frame(payload: JsonObject) -> bytes:
    data = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
    return b"event: " + str(payload["type"]).encode() + b"\ndata: " + data + b"\n\n"


def _type_error(problem: Problem) -> str:
    steps = [str(step) for step in problem.path if not str(step).startswith("<|")]
    return f"{'.'.join(steps).replace('<', '').replace('>', '')}: {problem.message}"
