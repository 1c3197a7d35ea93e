"""What both fakes do: look at the headers, find the script, play it; and remember what should never have come."""

import asyncio
import json
from abc import abstractmethod
from dataclasses import replace
from typing import override

from tests.fakes.delivery import deliver
from tests.fakes.scripts import Delivery, HttpError, Reply, Script, script_of
from tests.fakes.server import FakeServer, Line, Recorded

type JsonObject = dict[str, object]

NEEDED = frozenset(
    "host connection content-type content-length transfer-encoding accept accept-encoding user-agent authorization".split()
)
MAX_BODY = 32 * 1024 * 1024


class Refused(Exception):
    """The request is answered with this error."""

    def __init__(self, error: HttpError, param: str | None = None) -> None:
        super().__init__(error.message)
        self.error, self.param = error, param


def bad_request(message: str, param: str | None = None, code: str | None = None) -> Refused:
    return Refused(HttpError(400, "invalid_request_error", message, code=code), param)


class FakeProvider(FakeServer):
    """scripts: registered by a test, by model or by last word. violations: what a good proxy never sends, in words.

    secrets: strings that must never arrive (the client's proxy key).
    """

    own_headers: frozenset[str] = frozenset()
    prelude = b": processing\n\n"

    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key
        self.scripts: dict[str, Script] = {}
        self.secrets: list[str] = []
        self.violations: list[str] = []
        self._errors_sent: dict[str, int] = {}

    # --- what a protocol fills in ---

    @abstractmethod
    def check_credential(self, request: Recorded) -> None: ...

    @abstractmethod
    async def route(self, request: Recorded, line: Line) -> None: ...

    @abstractmethod
    def error_answer(self, error: HttpError, param: str | None) -> tuple[dict[str, str], bytes]: ...

    @abstractmethod
    def whole(self, body: JsonObject, reply: Reply) -> JsonObject: ...

    @abstractmethod
    def frames(self, body: JsonObject, reply: Reply, *, done: bool) -> list[bytes]: ...

    @abstractmethod
    def error_frame(self) -> bytes: ...

    @abstractmethod
    def ends_with_results(self, body: JsonObject) -> bool: ...

    @abstractmethod
    def tool_names(self, body: JsonObject) -> list[str]: ...

    @abstractmethod
    def one_call_only(self, body: JsonObject) -> bool: ...

    def error_after(self, frames: list[bytes], delivery: Delivery) -> bytes:
        """The error after the frames that `delivery` lets out; where errors are not numbered, the same after any."""
        return self.error_frame()

    def answer_headers(self, body: JsonObject) -> dict[str, str]:
        """Of an answer that is no error. A content type counts more than that of the delivery."""
        return {"request-id": "req_fake", "x-request-id": "req_fake"}

    # --- what is the same ---

    @override
    async def play(self, request: Recorded, line: Line) -> None:
        self._watch(request)
        try:
            if len(request.body) > MAX_BODY:
                raise Refused(HttpError(413, "request_too_large", "Request exceeds the maximum size"))
            self.check_credential(request)
            await self.route(request, line)
        except Refused as refused:
            await self._refuse(refused, line)

    def json_body(self, request: Recorded) -> JsonObject:
        if not (request.header("content-type") or "").startswith("application/json"):
            raise bad_request("Expected request with `Content-Type: application/json`.")
        try:
            body = json.loads(request.body, parse_constant=_no_constant)
        except ValueError as error:
            raise bad_request(f"We could not parse the JSON body of your request: {error}") from error
        if not isinstance(body, dict):
            raise bad_request("The body must be a JSON object.")
        return body

    def script(self, body: JsonObject) -> Script:
        script = script_of(str(body["model"]), self.scripts)
        if script is None:
            message = f"The model `{body['model']}` does not exist or you do not have access to it."
            raise Refused(HttpError(404, "not_found_error", message, code="model_not_found"), "model")
        return script

    async def perform(self, body: JsonObject, script: Script, line: Line) -> None:
        """Play a script whose request was found right."""
        if script.no_head:
            return await self._break_before_head(script.no_head, line)
        if script.error and self._still_failing(str(body["model"]), script):
            raise Refused(script.error)
        reply = script.reply
        if script.after_tools is not None and self.ends_with_results(body):
            reply = script.after_tools
        reply = self.fit(body, reply)
        headers = self.answer_headers(body)
        if body.get("stream") and not script.delivery.whole_json:
            frames = self.frames(body, reply, done=script.delivery.done)
            if script.delivery.prelude:
                frames = [self.prelude, *frames]
            await deliver(line, frames, self.error_after(frames, script.delivery), script.delivery, headers)
        else:
            await asyncio.sleep(script.delivery.head_delay)
            answer = json.dumps(self.whole(body, reply), ensure_ascii=False).encode()
            if script.delivery.stop_after is not None:
                return await self._break_whole(answer, script, line, headers)
            await line.answer(200, {"content-type": "application/json", **headers}, answer)

    def fit(self, body: JsonObject, reply: Reply) -> Reply:
        """The reply as this request allows it: calls bear declared names, one call if no more are wanted, none without tools."""
        declared = self.tool_names(body)
        if not reply.calls or declared:
            calls = tuple(
                call if call.name in declared else replace(call, name=declared[i % len(declared)])
                for i, call in enumerate(reply.calls)
            )
            return replace(reply, calls=calls[:1] if self.one_call_only(body) else calls)
        return replace(reply, calls=(), stop="stop", text=reply.text or ("No tools.",))

    def _still_failing(self, model: str, script: Script) -> bool:
        sent = self._errors_sent[model] = self._errors_sent.get(model, 0) + 1
        return script.first_errors is None or sent <= script.first_errors

    async def _refuse(self, refused: Refused, line: Line) -> None:
        headers, body = self.error_answer(refused.error, refused.param)
        if refused.error.body is not None:
            body = refused.error.body
        await line.answer(refused.error.status, {**headers, **refused.error.headers}, body)

    async def _break_before_head(self, how: str, line: Line) -> None:
        match how:
            case "cut":
                line.cut()
            case "reset":
                line.reset()
            case "silent":
                await asyncio.sleep(3600)
            case "garbage":
                await line.raw(b"\x16\x03\x01\x02\x00\x01\x00 this is not HTTP\r\n\r\n")
                line.cut()

    async def _break_whole(self, answer: bytes, script: Script, line: Line, headers: dict[str, str]) -> None:
        """The same breaks for an answer that is not a stream: half of it, then the end."""
        if script.delivery.ending == "error":
            raise Refused(HttpError(500, "api_error", "Internal error."))
        await line.head(200, {"content-type": "application/json", **headers})
        await line.chunk(answer[: len(answer) // 2])
        match script.delivery.ending:
            case "silent":
                await asyncio.sleep(3600)
            case "cut":
                line.cut()
            case "reset":
                await asyncio.sleep(0.05)
                line.reset()
            case _:
                await line.end()

    def _watch(self, request: Recorded) -> None:
        def wrong(text: str) -> None:
            self.violations.append(f"{request.method} {request.target.partition('?')[0]}: {text}")

        for name, value in request.headers:
            if name.lower() not in NEEDED | self.own_headers:
                wrong(f"header {name} is not needed here")
            if name.lower() == "user-agent" and not value.startswith("aiclient/"):
                wrong(f"User-Agent is {value}")
        if request.header("host") != f"127.0.0.1:{self.port}":
            wrong(f"Host is {request.header('host')}")
        everything = request.target.encode() + repr(request.headers).encode() + request.body
        for secret in self.secrets:
            if secret.encode() in everything:
                wrong(f"a secret of the client side came along: {secret[:6]}...")

    def unknown_path(self, request: Recorded) -> Refused:
        self.violations.append(f"{request.method} {request.target}: no such path here")
        return Refused(HttpError(404, "not_found_error", f"Invalid URL ({request.method} {request.path})"))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
