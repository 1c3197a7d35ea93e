"""A strict stand-in for Kiro's servers, each under a path of its own: `/q`, `/runtime`, `/management`, `/social`, `/oidc`.

`/q` takes both wires, as the older hosts do; `/runtime` the AWS JSON wire alone, with a profile and without the agent's fields. Both
also stand for the management service, which `/management` is alone. Answers to requests are frames, asked to stream or not.
A refusal by a rule says which one in `x-fake-rule`; its body is as opaque as the real one.
Sources: models of the service in AWS's own clients; refusals as reported of it.
"""

import json
import re
from dataclasses import replace
from itertools import zip_longest
from typing import Any, override

from tests.fakes import kiro_frames as frames
from tests.fakes.kiro_auth import ARN, KiroAuth
from tests.fakes.kiro_rules import AGENT_FIELDS, complaint, declared_tools, user_messages
from tests.fakes.kiro_scripts import ARN_NEEDED, BEARER, KIRO_SCRIPTS, SUSPENDED, USAGE, KiroReply, refusal
from tests.fakes.provider import FakeProvider, Refused
from tests.fakes.scripts import Call, HttpError, Reply, Script, script_of
from tests.fakes.server import Line, Recorded

type JsonObject = dict[str, Any]

API_KEY = "ksk_fake-kiro-account-4715"
SIGNATURE = "fake-kiro-signature"
REDACTED = "ZmFrZS1yZWRhY3RlZA=="
AWS_JSON, JSON = "application/x-amz-json-1.0", "application/json"
STREAMING = "AmazonCodeWhispererStreamingService.GenerateAssistantResponse"
SERVICE = "AmazonCodeWhispererService."
HOSTS = ("q", "runtime", "management")
_REST = {
    ("GET", "/getUsageLimits"): "GetUsageLimits",
    ("GET", "/ListAvailableModels"): "ListAvailableModels",
    ("POST", "/ListAvailableProfiles"): "ListAvailableProfiles",
}
_ASKED = {
    "GetUsageLimits": {"profileArn", "origin", "resourceType", "isEmailRequired"},
    "ListAvailableModels": {"origin", "maxResults", "nextToken", "profileArn", "modelProvider"},
    "ListAvailableProfiles": {"maxResults", "nextToken"},
}
_MODEL = {"rateMultiplier": 1.3, "rateUnit": "credit", "supportedInputTypes": ["TEXT", "IMAGE"]}
_MODELS = {"claude-sonnet-4.5": 200_000, "claude-opus-4.8": 1_000_000, "auto": 200_000}
_NAMES = {
    401: "AccessDeniedException",
    402: "ServiceQuotaExceededException",
    403: "AccessDeniedException",
    404: "ResourceNotFoundException",
    429: "ThrottlingException",
    503: "ServiceUnavailableException",
}
_MACHINE = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


class KiroFake(FakeProvider):
    """auth: the two token servers. keys: the API keys that are taken. arn: the account's profile; profiles: those that are listed.
    usage: what the management service tells. asked: names of its calls, in order. suspended: the account is stopped.
    empty_tool_turns, bare_schemas: switches of the rules."""

    own_headers = frozenset(
        "x-amz-target tokentype x-amzn-codewhisperer-optout x-amzn-kiro-profile-arn x-amzn-kiro-agent-mode".split()
    )
    prelude = frames.frame({})

    def __init__(self, key: str = API_KEY) -> None:
        super().__init__(key)
        self.scripts |= KIRO_SCRIPTS
        self.auth = KiroAuth()
        self.keys = {key}
        self.arn = ARN
        self.profiles: list[JsonObject] = [{"arn": ARN, "profileName": "fake"}]
        self.usage: JsonObject = USAGE
        self.usage_refusals: list[HttpError] = []
        self.asked: list[str] = []
        self.suspended = False
        self.empty_tool_turns = False
        self.bare_schemas = False

    def base(self, server: str) -> str:
        """server: one of the paths, e.g. `q`."""
        return f"{self.url}/{server}"

    # --- who asks ---

    @override
    def check_credential(self, request: Recorded) -> None:
        server = request.path.split("/")[1]
        bearer = (request.header("authorization") or "").removeprefix("Bearer ")
        if server in ("social", "oidc"):
            if bearer:
                self.violations.append(f"{request.path}: header authorization is not for this server")
            return
        is_key, says_key = bearer.startswith("ksk_"), request.header("tokentype")
        if says_key != ("API_KEY" if is_key else None):
            raise _by_rule("2.1 tokentype", refusal(403, "AccessDeniedException", BEARER))
        if not (bearer in self.keys if is_key else self.auth.is_live(bearer)):
            raise Refused(refusal(403, "AccessDeniedException", BEARER))
        if self.suspended:
            raise Refused(refusal(403, "AccessDeniedException", SUSPENDED, "TEMPORARILY_SUSPENDED"))

    @override
    async def route(self, request: Recorded, line: Line) -> None:
        self._watch_disguise(request)
        _, server, path = [*request.path.split("/", 2), "", ""][:3]
        if server in ("social", "oidc") and request.method == "POST":
            return await self._token(request, line)
        if server not in HOSTS:
            raise self.unknown_path(request)
        path = "/" + path
        target, kind = request.header("x-amz-target"), (request.header("content-type") or "").lower()
        if path == "/" and request.method == "POST":
            if kind != AWS_JSON or target is None:
                raise _by_rule("2 wire", refusal(400, "SerializationException", "", "REQUEST_BODY_INVALID"))
            name = target.removeprefix(SERVICE)
            if target == STREAMING and server != "management":
                return await self._generate(request, line, server, is_rest=False)
            if name in _ASKED and target != name:
                return await self._manage(name, self._object(request), line)
            raise _by_rule("2 target", refusal(400, "UnknownOperationException", ""))
        if target is not None:
            self.violations.append(f"{request.path}: header x-amz-target is of the other wire")
        if server == "runtime":
            raise _by_rule(
                "2 REST on the runtime host", refusal(400, "ValidationException", "", "REQUEST_BODY_INVALID")
            )
        if path == "/generateAssistantResponse" and request.method == "POST" and server == "q":
            self._check_json(kind)
            return await self._generate(request, line, server, is_rest=True)
        name = _REST.get((request.method, path), "")
        if not name:
            raise self.unknown_path(request)
        if request.method == "POST":
            self._check_json(kind)
        asked: JsonObject = {**request.query} if request.method == "GET" else self._object(request)
        await self._manage(name, asked, line)

    def _check_json(self, kind: str) -> None:
        if kind.partition(";")[0] != JSON:
            raise _by_rule("2 content type", refusal(400, "SerializationException", "", "REQUEST_BODY_INVALID"))

    def _object(self, request: Recorded) -> JsonObject:
        try:
            body = json.loads(request.body)
        except ValueError:
            body = None
        if not isinstance(body, dict):
            raise _by_rule("2 JSON", refusal(400, "SerializationException", "", "REQUEST_BODY_INVALID"))
        return body

    def _watch_disguise(self, request: Recorded) -> None:
        """No imitated user agent (the fakes of all look at that) and no identity of a machine."""
        for name, value in request.headers:
            if "kiroide" in value.lower() or "aws-sdk" in value.lower() or _MACHINE.search(value):
                self.violations.append(f"{request.path}: header {name} says {value[:40]}")
        if b"machineId" in request.body:
            self.violations.append(f"{request.path}: a machine's id came along")

    # --- tokens ---

    async def _token(self, request: Recorded, line: Line) -> None:
        if self.auth.scripted:
            script = self.auth.scripted.pop(0)
            text = script.body if isinstance(script.body, str) else json.dumps(script.body)
            return await line.answer(script.status, {"content-type": JSON} | script.headers, text.encode())
        self._check_json((request.header("content-type") or "").lower())
        status, body = self.auth.answer(request.path, self._object(request))
        await line.answer(status, {"content-type": JSON}, json.dumps(body).encode())

    # --- the management service ---

    async def _manage(self, name: str, asked: JsonObject, line: Line) -> None:
        self.asked.append(name)
        if asked.keys() - _ASKED[name] or asked.get("profileArn", self.arn) != self.arn:
            raise _by_rule(f"6 {name}", refusal(400, "ValidationException", "Improperly formed request."))
        if name != "ListAvailableProfiles" and not asked.get("origin"):
            raise _by_rule(f"6 {name}", refusal(400, "ValidationException", "Improperly formed request."))
        if name == "GetUsageLimits" and self.usage_refusals:
            raise Refused(self.usage_refusals.pop(0))
        answers: dict[str, JsonObject] = {
            "GetUsageLimits": self.usage,
            "ListAvailableModels": {
                "models": [
                    {"modelId": model, "modelName": model, "tokenLimits": {"maxInputTokens": window}, **_MODEL}
                    for model, window in _MODELS.items()
                ]
            },
            "ListAvailableProfiles": {"profiles": self.profiles},
        }
        await line.answer(200, {"content-type": JSON}, json.dumps(answers[name]).encode())

    # --- the model ---

    async def _generate(self, request: Recorded, line: Line, server: str, *, is_rest: bool) -> None:
        body = self._object(request)
        arn, is_key = body.get("profileArn"), request.header("tokentype") is not None
        state = body.get("conversationState")
        named = body.keys() | (state.keys() if isinstance(state, dict) else set())
        if server == "runtime":
            if found := [name for name in AGENT_FIELDS if name in named]:
                raise _by_rule(f"7.2 {found[0]}", refusal(400, "ValidationException", "", "REQUEST_BODY_INVALID"))
            if arn is None and not is_key:
                raise _by_rule("7.2 profileArn", refusal(400, "ValidationException", ARN_NEEDED))
        if is_rest and "agentMode" in body:
            raise _by_rule("3 agentMode", refusal(400, "ValidationException", "", "REQUEST_BODY_INVALID"))
        if request.header("x-amzn-kiro-profile-arn") != arn:
            self.violations.append(f"{request.path}: the profile in the head is not that of the body")
        if arn is not None and arn != self.arn:
            message = "User is not authorized to make this call."
            raise _by_rule("5 profile", refusal(403, "AccessDeniedException", message))
        broken = complaint(body, empty_tool_turns=self.empty_tool_turns, bare_schemas=self.bare_schemas)
        if broken is not None:
            raise _by_rule(broken.rule, refusal(400, "ValidationException", broken.message, broken.reason))
        self._check_signatures(body)
        body["model"] = user_messages(body)[-1].get("modelId", "auto")
        await self.perform(body, self.script(body), line)

    def _check_signatures(self, body: JsonObject) -> None:
        for message in body["conversationState"].get("history", ()):
            reasoning = message.get("assistantResponseMessage", {}).get("reasoningContent")
            if reasoning is None:
                continue
            text = reasoning.get("reasoningText", {})
            if reasoning.get("redactedContent") != REDACTED and text.get("signature") != SIGNATURE:
                raise _by_rule(
                    "3 signature", refusal(400, "ValidationException", "Invalid signature in thinking block.")
                )

    @override
    def script(self, body: JsonObject) -> Script:
        script = script_of(body["model"], self.scripts)
        if script is None:
            raise Refused(refusal(400, "ValidationException", f"Invalid model: {body['model']}", "INVALID_MODEL_ID"))
        return script

    @override
    async def perform(self, body: JsonObject, script: Script, line: Line) -> None:
        """The deliveries of the text protocols, as far as frames have the like of them."""
        noisy = script.delivery.noise or script.delivery.comments
        delivery = replace(script.delivery, newline=b"\n", comments=False, noise=False, whole_json=False)
        await super().perform({**body, "stream": True, "noisy": noisy}, replace(script, delivery=delivery), line)

    @override
    def tool_names(self, body: JsonObject) -> list[str]:
        return [tool["name"] for tool in declared_tools(body)]

    @override
    def one_call_only(self, body: JsonObject) -> bool:
        return False

    @override
    def ends_with_results(self, body: JsonObject) -> bool:
        return bool(user_messages(body)[-1].get("userInputMessageContext", {}).get("toolResults"))

    # --- what goes ---

    @override
    def answer_headers(self, body: JsonObject) -> dict[str, str]:
        conversation = body["conversationState"].get("conversationId", "new")
        request = {"x-amzn-RequestId": "req_fake", "x-amzn-codewhisperer-conversation-id": conversation}
        return {"content-type": "application/vnd.amazon.eventstream", **request}

    @override
    def whole(self, body: JsonObject, reply: Reply) -> JsonObject:
        raise AssertionError("every answer is a stream")

    @override
    def frames(self, body: JsonObject, reply: Reply, *, done: bool) -> list[bytes]:
        more = reply if isinstance(reply, KiroReply) else KiroReply()
        if more.alone:
            return [*more.raw, *([more.tail] if more.tail else [])]
        sent = [frames.opening(body["conversationState"].get("conversationId", "new"))]
        sent += _thoughts(reply, in_words="<thinking_mode>" in user_messages(body)[0]["content"])
        sent += [frames.text(piece) for piece in reply.text + reply.refusal]
        sent += more.raw
        sent += _calls(reply)
        if reply.stop == "length":
            sent.append(frames.exception("ContentLengthExceededException", "The answer is too long."))
        sent += [frames.metering(), *_counts(reply, more)]
        if body.get("noisy"):
            sent = [piece for frame in sent for piece in (frames.event("unheardOfEvent", {"a": 1}), frame)]
        if more.pairs:
            sent = [first + second for first, second in zip_longest(sent[::2], sent[1::2], fillvalue=b"")]
        return sent

    @override
    def error_frame(self) -> bytes:
        return frames.exception("InternalServerException", "Internal error.")

    @override
    def error_answer(self, error: HttpError, param: str | None) -> tuple[dict[str, str], bytes]:
        """A refusal in no protocol's words, in Kiro's. Its own come whole."""
        if error.body is not None:
            return {}, error.body
        name = _NAMES.get(error.status, "InternalServerException" if error.status >= 500 else "ValidationException")
        message, reason = error.message, None
        if error.code == "context_length_exceeded":
            message, reason = "Input is too long.", "CONTENT_LENGTH_EXCEEDS_THRESHOLD"
        if error.status == 401:
            message = BEARER
        told = refusal(error.status, name, message, reason)
        return told.headers, told.body or b""


def _by_rule(rule: str, error: HttpError) -> Refused:
    return Refused(replace(error, headers={**error.headers, "x-fake-rule": rule}))


def _thoughts(reply: Reply, *, in_words: bool) -> list[bytes]:
    """In words they have neither signature nor a redacted form."""
    sent: list[bytes] = []
    if reply.thinking and in_words:
        pieces = ("<thinking>", *reply.thinking, "</thinking>\n\n")
        return [frames.text(piece) for piece in pieces]
    if reply.thinking:
        sent = [*(frames.thinking(piece) for piece in reply.thinking), frames.thinking(signature=SIGNATURE)]
    if reply.redacted and not in_words:
        sent.append(frames.thinking(redacted=REDACTED))
    return sent


def _calls(reply: Reply) -> list[bytes]:
    """A call that was cut off has no end."""
    whole = reply.stop != "length"
    calls = [_call(call) if whole else _call(call)[:-1] for call in reply.calls]
    if not reply.interleaved:
        return [frame for call in calls for frame in call]
    return [frame for turn in zip_longest(*calls) for frame in turn if frame is not None]


def _call(call: Call) -> list[bytes]:
    """Without arguments there is nothing between its beginning and its end."""
    fragments = () if call.text == "{}" else call.arguments
    return [frames.tool(call.id, call.name), *frames.call(call.id, call.name, *fragments)]


def _counts(reply: Reply, more: KiroReply) -> list[bytes]:
    if more.counts == "none":
        return []
    total = reply.prompt + reply.completion
    percentage = frames.context(100 * total / 200_000)
    if more.counts == "context":
        return [percentage]
    uncached = reply.prompt - reply.cached - reply.cache_written
    return [percentage, frames.usage(uncached, reply.completion, reply.cached, reply.cache_written)]
