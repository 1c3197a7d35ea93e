"""A strict stand-in for generativelanguage.googleapis.com: generateContent in its three forms, and the model list.

Gemini 3 signs the first call of a step and the end of a text, and wants the signature of a running step's call back.
`snake_case` collects the names that came in that spelling, which Google takes from anyone and we never write.
Source: python-genai's types (the installed version's), and the API's refusals as listed in docs and reports.
"""

import json
import re
from typing import Any, override
from urllib.parse import unquote

from tests.fakes.gemini_models import functions_of, model_of, shows_thoughts
from tests.fakes.gemini_rules import complaint
from tests.fakes.gemini_scripts import BAD_KEY_REASON, GEMINI_SCRIPTS, GeminiReply, google_error
from tests.fakes.gemini_turns import sign, signature_problem
from tests.fakes.gemini_types import COUNT, COUNTED, GENERATE, Request, path_of
from tests.fakes.provider import FakeProvider, Refused, bad_request
from tests.fakes.scripts import Call, Delivery, HttpError, Reply, Script, script_of
from tests.fakes.server import Line, Recorded
from tests.fakes.strict import Problem

type JsonObject = dict[str, Any]

ID = "FakeFakeFakeFakeFakeFa"
MODELS = {"gemini-2.5-flash": 65_536, "gemini-2.5-pro": 65_536, "gemini-3.1-pro-preview": 65_536}  # output limits
INPUT_LIMIT = 1_048_576
COUNTED_TOKENS = 2095
_THOUGHTS = 5  # tokens of any thinking
_METHOD = re.compile(r"/v1beta/models/([^:]+):(generateContent|streamGenerateContent|countTokens)")
_QUERY = {"streamGenerateContent": {"alt"}, "list": {"pageSize", "pageToken"}}
_FINISH = {"length": "MAX_TOKENS", "content_filter": "SAFETY"}
_NAMES = {401: "UNAUTHENTICATED", 402: "FAILED_PRECONDITION", 403: "PERMISSION_DENIED", 404: "NOT_FOUND"}
_NAMES |= {429: "RESOURCE_EXHAUSTED", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED", 529: "UNAVAILABLE"}
_TOO_LONG = f"The input token count (1200000) exceeds the maximum number of tokens allowed ({INPUT_LIMIT})."
_NO_KEY = "Method doesn't allow unregistered callers (callers without established identity). Please use API Key."
_JSON = {"content-type": "application/json; charset=UTF-8"}


class _InList(Refused):
    """Told in a list, as a stream without `alt=sse` tells all it has."""


class GeminiFake(FakeProvider):
    """`POST /v1beta/models/{m}:generateContent`, `:streamGenerateContent`, `:countTokens`, `GET /v1beta/models` and
    `/v1beta/models/{m}`, nothing else. Its own scripts stand in GEMINI_SCRIPTS; its rate limits are told in RetryInfo."""

    own_headers = frozenset({"x-goog-api-key"})

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.scripts |= GEMINI_SCRIPTS
        self.snake_case: list[str] = []

    @override
    def check_credential(self, request: Recorded) -> None:
        given, asked = request.header("x-goog-api-key"), request.query.get("key")
        if asked is not None:
            self.violations.append(f"{request.path}: the key stands in the query")
        if request.header("authorization") is not None:
            self.violations.append(f"{request.path}: header authorization is not for this API")
        if given is None and asked is None:
            raise Refused(HttpError(403, "PERMISSION_DENIED", _NO_KEY))
        if (given or self.key) != self.key or (asked or self.key) != self.key:
            body = google_error(
                400, "API key not valid. Please pass a valid API key.", "INVALID_ARGUMENT", BAD_KEY_REASON
            )
            raise Refused(HttpError(400, body=json.dumps(body).encode()))

    @override
    async def route(self, request: Recorded, line: Line) -> None:
        found = _METHOD.fullmatch(path := unquote(request.path))
        kind = found[2] if found else "list" if path == "/v1beta/models" else "one"
        if set(request.query) - _QUERY.get(kind, set()) - {"key"} or request.query.get("alt", "sse") != "sse":
            self.violations.append(f"{request.target}: a query came along")
        if request.method == "POST" and found:
            await self._asked(request, line, *found.groups())
        elif request.method == "GET" and path == "/v1beta/models":
            await line.answer(200, _JSON, json.dumps({"models": [_model(name) for name in MODELS]}).encode())
        elif request.method == "GET" and path.startswith("/v1beta/models/") and not found:
            name = path.removeprefix("/v1beta/models/")
            if name not in MODELS:
                raise _unknown(name, "getModel")
            await line.answer(200, _JSON, json.dumps(_model(name)).encode())
        else:
            raise self.unknown_path(request)

    async def _asked(self, request: Recorded, line: Line, model: str, method: str) -> None:
        streamed, sse = method == "streamGenerateContent", request.query.get("alt") == "sse"
        try:
            if script_of(model, self.scripts) is None:
                raise _unknown(model, method)
            raw = self.json_body(request)
            body = self._counted(raw, model) if method == "countTokens" else self._read(raw, GENERATE, model)
            if method == "countTokens":
                details = [{"modality": "TEXT", "tokenCount": COUNTED_TOKENS}]
                answer = {"totalTokens": COUNTED_TOKENS, "promptTokensDetails": details}
                return await line.answer(200, _JSON, json.dumps(answer).encode())
            played: dict[str, object] = {**body, "model": model, "stream": streamed, "sse": sse}
            await self.perform(played, self.script(played), line)
        except Refused as refused:
            if streamed and not sse:
                raise _InList(refused.error, refused.param) from refused
            raise

    # --- what came ---

    def _counted(self, raw: JsonObject, model: str) -> JsonObject:
        """The request whose tokens are counted."""
        body = self._typed(raw, COUNT, model)
        whole = body.get("generateContentRequest")
        if whole is None:
            return self._checked({"contents": [], **body}, model)
        if body.get("contents"):
            raise bad_request("Only one of contents and generateContentRequest may be set.")
        inner = self._typed(whole, COUNTED, model)
        if inner["model"] != f"models/{model}":
            raise bad_request(
                f"* CountTokensRequest.generate_content_request.model: unexpected model name format: {inner['model']}"
            )
        return self._checked(inner, model)

    def _read(self, raw: object, types: Request, model: str) -> JsonObject:
        return self._checked(self._typed(raw, types, model), model)

    def _typed(self, raw: object, types: Request, model: str) -> JsonObject:
        if self._is_lenient(model):
            read = types.lenient.read(raw)
        elif (read := types.strict.read(raw)).problem is not None:
            spelled = ".".join(map(str, read.problem.path))
            read = types.google.read(raw)
            if read.problem is None:
                self.snake_case.append(spelled)
        if read.problem is not None:
            raise bad_request(_type_error(read.problem))
        return read.body

    def _checked(self, body: JsonObject, model: str) -> JsonObject:
        lenient = self._is_lenient(model)
        found = complaint(body, model, lenient=lenient)
        if found is None and not lenient:
            found = signature_problem(body, needed=model_of(model).newer)
        if found:
            raise bad_request(found)
        return body

    def _is_lenient(self, model: str) -> bool:
        script = script_of(model, self.scripts)
        return script is not None and script.lenient

    @override
    def tool_names(self, body: JsonObject) -> list[str]:
        config = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
        if config.get("mode") == "NONE":
            return []
        return config.get("allowedFunctionNames") or [function["name"] for function in functions_of(body)]

    @override
    def one_call_only(self, body: JsonObject) -> bool:
        return False

    @override
    def ends_with_results(self, body: JsonObject) -> bool:
        return any(part.get("functionResponse") for part in body["contents"][-1]["parts"])

    # --- what goes ---

    @override
    def answer_headers(self, body: JsonObject) -> dict[str, str]:
        return _JSON if body.get("stream") and not body.get("sse") else {}

    @override
    def whole(self, body: JsonObject, reply: Reply) -> JsonObject:
        """The parts of a stream, neighbours of a kind joined."""
        joined: list[JsonObject] = []
        for part in (part for parts in (*_played(body, reply), _last(body, reply)) for part in parts):
            before = joined[-1] if joined else {}
            if "text" in part and "text" in before and bool(part.get("thought")) == bool(before.get("thought")):
                joined[-1] = {**before, **part, "text": before["text"] + part["text"]}
            elif part != {"text": ""} or not joined:
                joined.append(part)
        return _answer(body, reply, joined, is_last=True)

    @override
    def frames(self, body: JsonObject, reply: Reply, *, done: bool) -> list[bytes]:
        pieces = _played(body, reply)
        if reply.usage == "finish" and pieces:  # the last word and the reason in one chunk
            pieces[-1][-1] |= {name: value for name, value in _last(body, reply)[0].items() if name != "text"}
            chunks = [_answer(body, reply, parts, is_last=parts is pieces[-1]) for parts in pieces]
        else:
            chunks = [_answer(body, reply, parts, is_last=False) for parts in pieces]
            chunks.append(_answer(body, reply, _last(body, reply), is_last=True))
        if body.get("sse"):
            return _events(chunks, reply.framing if isinstance(reply, GeminiReply) else "frames")
        frames = [(b",\r\n" if i else b"[") + _dumped(chunk) for i, chunk in enumerate(chunks)]
        return [*frames, b"]"] if done else frames

    @override
    def error_answer(self, error: HttpError, param: str | None) -> tuple[dict[str, str], bytes]:
        message = _TOO_LONG if error.code == "context_length_exceeded" else error.message
        details = [
            {"@type": "RetryInfo", "retryDelay": f"{wait}s"} for wait in [error.headers.get("retry-after")] if wait
        ]
        name = _NAMES.get(error.status, "INTERNAL" if error.status >= 500 else "INVALID_ARGUMENT")
        return _JSON, json.dumps(google_error(error.status, message, name, *details), indent=2).encode()

    @override
    async def _refuse(self, refused: Refused, line: Line) -> None:
        """Google names the wait in the body and nowhere else."""
        error = refused.error
        headers, body = self.error_answer(error, refused.param)
        headers = {**headers, **{name: value for name, value in error.headers.items() if name != "retry-after"}}
        body = error.body or body
        if isinstance(refused, _InList) and body.startswith(b"{"):
            body = b"[" + body + b"\n]"
        await line.answer(error.status, headers, body)

    @override
    def error_frame(self) -> bytes:
        return b"data: " + _dumped(_BROKEN) + b"\n\n"

    @override
    def error_after(self, frames: list[bytes], delivery: Delivery) -> bytes:
        if frames[0].startswith(b"["):
            return (b"[" if delivery.stop_after == 0 else b",\r\n") + _dumped(_BROKEN) + b"]"
        return self.error_frame()

    @override
    def script(self, body: JsonObject) -> Script:
        found = script_of(body["model"], self.scripts)
        assert found is not None, "an unknown model was refused before"
        return found


_BROKEN = google_error(503, "The model is overloaded. Please try again later.", "UNAVAILABLE")


def _played(body: JsonObject, reply: Reply) -> list[list[JsonObject]]:
    """The parts of each chunk but the last one."""
    newer, chunks = model_of(body["model"]).newer, []
    if shows_thoughts(body):
        chunks += [[{"text": piece, "thought": True}] for piece in reply.thinking]
    chunks += [[{"text": piece}] for piece in reply.text + reply.refusal]
    if isinstance(reply, GeminiReply):
        chunks += [[part] for part in reply.parts]
    calls = [call for call in reply.calls if _args(call) is not None]
    for i, call in enumerate(calls):
        part: JsonObject = {"functionCall": {"name": call.name, "args": _args(call)}}
        if newer:
            part["functionCall"]["id"] = call.id
            if i == 0:
                part["thoughtSignature"] = sign("call", call.name)
        chunks.append([part])
    return chunks


def _last(body: JsonObject, reply: Reply) -> list[JsonObject]:
    """Of the chunk with the reason: an empty text, and after a text of the newer models its signature."""
    bare = isinstance(reply, GeminiReply) and reply.bare
    signed = model_of(body["model"]).newer and reply.text and not reply.calls and not bare
    return [{"text": "", "thoughtSignature": sign("text")}] if signed else [{"text": ""}]


def _args(call: Call) -> JsonObject | None:
    """None for arguments that were cut off: this protocol cannot say half of an object."""
    try:
        args: JsonObject = json.loads(call.text)
    except ValueError:
        return None
    return args


def _answer(body: JsonObject, reply: Reply, parts: list[JsonObject], *, is_last: bool) -> JsonObject:
    more = reply if isinstance(reply, GeminiReply) else GeminiReply()
    answer: JsonObject = {}
    candidate: JsonObject = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if is_last:
        if more.bare and all(part == {"text": ""} for part in parts):
            del candidate["content"]
        candidate["finishReason"] = more.finish or _FINISH.get(reply.stop, "STOP")
        if more.grounding is not None:
            candidate["groundingMetadata"] = more.grounding
    if more.blocked is not None:
        answer["promptFeedback"] = {"blockReason": more.blocked}
    else:
        answer["candidates"] = [candidate]
    if is_last or reply.usage == "every":
        answer["usageMetadata"] = _usage(body, reply, is_last=is_last)
    return {**answer, "modelVersion": body["model"], "responseId": ID}


def _usage(body: JsonObject, reply: Reply, *, is_last: bool) -> JsonObject:
    """Running counts have half of the words. What is not there is left out, not 0."""
    thoughts = _THOUGHTS if reply.thinking and model_of(body["model"]).thinks else 0
    said = reply.completion - thoughts if is_last else reply.completion // 2
    usage: JsonObject = {"promptTokenCount": reply.prompt, "candidatesTokenCount": said}
    usage["totalTokenCount"] = reply.prompt + said + thoughts
    usage["promptTokensDetails"] = [{"modality": "TEXT", "tokenCount": reply.prompt}]
    if reply.cached:
        usage["cachedContentTokenCount"] = reply.cached
        usage["cacheTokensDetails"] = [{"modality": "TEXT", "tokenCount": reply.cached}]
    if thoughts:
        usage["thoughtsTokenCount"] = thoughts
    return usage


def _events(chunks: list[JsonObject], framing: str) -> list[bytes]:
    if framing == "lines":
        return [
            b"".join(b"data: " + row + b"\n" for row in json.dumps(chunk, indent=1).encode().split(b"\n")) + b"\n"
            for chunk in chunks
        ]
    events = [b"data: " + _dumped(chunk) + b"\n\n" for chunk in chunks]
    return [*events[:-1], events[-1].rstrip()] if framing == "open" else events


def _dumped(payload: JsonObject) -> bytes:
    return json.dumps(payload, ensure_ascii=False).encode()


def _model(name: str) -> JsonObject:
    model: JsonObject = {"name": f"models/{name}", "version": "001", "displayName": name, "description": "A fake."}
    model |= {"inputTokenLimit": INPUT_LIMIT, "outputTokenLimit": MODELS[name]}
    model["supportedGenerationMethods"] = ["generateContent", "countTokens", "createCachedContent"]
    return {**model, "temperature": 1, "topP": 0.95, "topK": 64, "maxTemperature": 2, "thinking": True}


def _unknown(model: str, method: str) -> Refused:
    message = (
        f"models/{model} is not found for API version v1beta, or is not supported for {method}. Call ListModels to see the"
        " list of available models and their supported methods."
    )
    return Refused(HttpError(404, "NOT_FOUND", message))


def _type_error(problem: Problem) -> str:
    path = path_of(problem)
    match problem.kind:
        case "missing":
            return f"* GenerateContentRequest.{path}: {path} is not specified"
        case "extra_forbidden":
            at = f" at '{path}'" if path else ""
            return f'Invalid JSON payload received. Unknown name "{problem.path[-1]}"{at}: Cannot find field.'
        case _:
            return f"Invalid value at '{path}': {problem.message}"
