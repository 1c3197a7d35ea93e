"""A strict stand-in for cloudcode-pa.googleapis.com: the Gemini fake inside the envelope, and the calls that find the project.

`load` names what loadCodeAssist answers (LOADS). Onboarding takes `polls` looks, by GET of the operation or by asking again.
Sources: gemini-cli's types and converter; refusals as reported in its issue tracker.
"""

import json
import re
from collections import Counter
from typing import Any, override
from urllib.parse import unquote

from tests.fakes.code_assist_scripts import CODE_ASSIST_SCRIPTS, LOADS, PROJECT, reason, refused
from tests.fakes.gemini import COUNTED_TOKENS, GeminiFake
from tests.fakes.gemini_types import GENERATE
from tests.fakes.provider import Refused, bad_request
from tests.fakes.scripts import HttpError, Reply, script_of
from tests.fakes.server import Line, Recorded

type JsonObject = dict[str, Any]

TOKEN = "ya29.fake-code-assist-token"
TRACE = "fake-trace-1"
OPERATION = "operations/fake-onboarding-1"
_NOT_FOR_US = ("fetchAdminControls", "listExperiments", "recordCodeAssistMetrics", "setCodeAssistGlobalUserSetting")
_OUTER = frozenset("model project user_prompt_id request enabled_credit_types".split())
_NOT_INSIDE = frozenset("serviceTier service_tier store model sessionId userPromptId".split())
_METADATA = frozenset("ideType ideVersion ideName platform pluginType pluginVersion updateChannel duetProject".split())
_JSON = {"content-type": "application/json; charset=UTF-8"}


class CodeAssistFake(GeminiFake):
    """`POST {prefix}:{method}` and `GET {prefix}/operations/...`. key: the access token that is taken.

    projects: those that requests may name. onboarded: what onboarding gives. asked: calls by method. own_ids: answers have
    a `responseId` of their own beside the envelope's trace.
    """

    own_headers = frozenset()

    def __init__(self, key: str = TOKEN, prefix: str = "/v1internal") -> None:
        super().__init__(key)
        self.prefix = prefix
        self.scripts |= CODE_ASSIST_SCRIPTS
        self.load = "standard"
        self.projects = {PROJECT}
        self.polls = 0
        self.onboarded: JsonObject = {"response": {"cloudaicompanionProject": {"id": PROJECT, "name": "projects/1"}}}
        self.asked: Counter[str] = Counter()
        self.own_ids = True
        self._looked = 0

    @property
    def base_url(self) -> str:
        return self.url + self.prefix

    @override
    def check_credential(self, request: Recorded) -> None:
        for name in ("x-goog-api-key", "x-goog-api-client"):
            if request.header(name) is not None:
                self.violations.append(f"{request.path}: header {name} is not for this API")
        given = request.header("authorization")
        if given != f"Bearer {self.key}":
            word = "ACCESS_TOKEN_EXPIRED" if given else "CREDENTIALS_MISSING"
            message = "Request had invalid authentication credentials. Expected OAuth 2 access token."
            raise Refused(refused(401, message, "UNAUTHENTICATED", reason(word)))

    @override
    async def route(self, request: Recorded, line: Line) -> None:
        path = unquote(request.path).removeprefix(self.prefix)
        if unquote(request.path) == path:
            raise self.unknown_path(request)
        if path == f"/{OPERATION}" and request.method == "GET":
            self.asked["operation"] += 1
            return await self._say(line, self._operation())
        method = path.removeprefix(":")
        if request.method != "POST" or not path.startswith(":"):
            raise self.unknown_path(request)
        self.asked[method] += 1
        if method in ("generateContent", "streamGenerateContent"):
            return await self._generate(request, line, streamed=method.startswith("stream"))
        if request.query:
            self.violations.append(f"{request.target}: a query came along")
        if method in _NOT_FOR_US:
            self.violations.append(f"{method} is for the official client alone")
        found = {
            "loadCodeAssist": self._load,
            "onboardUser": self._onboard,
            "countTokens": self._count,
            "retrieveUserQuota": self._quota,
        }.get(method)
        if found is None:
            raise self.unknown_path(request)
        await self._say(line, found(self.json_body(request)))

    async def _say(self, line: Line, answer: JsonObject) -> None:
        await line.answer(200, _JSON, json.dumps(answer).encode())

    # --- the account ---

    def _load(self, body: JsonObject) -> JsonObject:
        _only(body, frozenset(("cloudaicompanionProject", "metadata", "mode")))
        self._check_metadata(body)
        answer = LOADS[self.load]
        if isinstance(answer, HttpError):
            raise Refused(answer)
        return answer

    def _onboard(self, body: JsonObject) -> JsonObject:
        _only(body, frozenset(("tierId", "cloudaicompanionProject", "metadata")))
        named = self._check_metadata(body)
        if body.get("tierId") == "free-tier" and named:
            raise Refused(refused(400, "Precondition check failed.", "FAILED_PRECONDITION"))
        if not body.get("tierId"):
            raise bad_request("tier_id must be set.")
        return self._operation()

    def _operation(self) -> JsonObject:
        """A failed operation has `error` in the place of `response`."""
        self._looked += 1
        if self._looked <= self.polls:
            return {"name": OPERATION, "done": False}
        return {"name": OPERATION, "done": True, **self.onboarded}

    def _check_metadata(self, body: JsonObject) -> str:
        """The project that is named, in both places or in none."""
        metadata = body.get("metadata")
        if not isinstance(metadata, dict) or metadata.get("pluginType") != "GEMINI":
            raise bad_request("metadata.plugin_type must be set.")
        _only(metadata, _METADATA, "metadata")
        named: str = body.get("cloudaicompanionProject", "")
        if metadata.get("duetProject", "") != named:
            raise bad_request("metadata.duet_project is another project.")
        return named

    def _quota(self, body: JsonObject) -> JsonObject:
        _only(body, frozenset(("project", "userAgent")))
        self._check_project(body)
        bucket = {"modelId": "gemini-2.5-pro", "tokenType": "REQUESTS", "resetTime": "2026-11-24T08:00:00Z"}
        return {"buckets": [{**bucket, "remainingAmount": "950", "remainingFraction": 0.95}]}

    def _check_project(self, body: JsonObject) -> None:
        if body.get("project") not in self.projects:
            message = f"Permission denied on resource project {body.get('project')}."
            raise Refused(refused(403, message, "PERMISSION_DENIED", reason("CONSUMER_INVALID")))

    # --- the model ---

    async def _generate(self, request: Recorded, line: Line, *, streamed: bool) -> None:
        if request.query != ({"alt": "sse"} if streamed else {}):
            self.violations.append(f"{request.target}: the query is not `alt=sse` of a stream")
        outer = self.json_body(request)
        _only(outer, _OUTER)
        if outer.get("enabled_credit_types"):
            self.violations.append("a request offers to spend the user's credits")
        model, inner = outer.get("model"), outer.get("request")
        if not isinstance(model, str) or not model or model.startswith("models/"):
            raise bad_request("Request contains an invalid argument: model.")
        if not isinstance(inner, dict):
            raise bad_request("request must be set.")
        self._check_project(outer)
        if script_of(model, self.scripts) is None:
            raise Refused(refused(404, "Requested entity was not found.", "NOT_FOUND"))
        body = self._read({**self._inner(inner)}, GENERATE, model)
        played: dict[str, object] = {**body, "model": model, "stream": streamed, "sse": True}
        await self.perform(played, self.script(played), line)

    def _inner(self, inner: JsonObject) -> JsonObject:
        for name in inner.keys() & _NOT_INSIDE:
            raise _unknown_name(name, "request")
        if inner.get("cachedContent") or inner.get("cached_content"):
            raise bad_request("CachedContent not found (or permission denied)")
        if not isinstance(inner.get("session_id", ""), str):
            raise bad_request("Invalid value at 'request.session_id'")
        return {name: value for name, value in inner.items() if name != "session_id"}

    def _count(self, body: JsonObject) -> JsonObject:
        _only(body, frozenset(("request",)))
        inner = body.get("request")
        if not isinstance(inner, dict):
            raise bad_request("request must be set.")
        _only(inner, frozenset(("model", "contents")), "request")
        model = inner.get("model")
        if not isinstance(model, str) or not model.startswith("models/"):
            raise bad_request("request.model: unexpected model name format")
        if (contents := inner.get("contents", [])) == []:
            return {}  # protobuf leaves out what is 0
        self._read({"contents": contents}, GENERATE, model.removeprefix("models/"))
        if any("thought" in part for content in contents for part in content.get("parts", ())):
            raise bad_request("Invalid value at 'request.contents.parts.thought'")
        return {"totalTokens": COUNTED_TOKENS}

    # --- what goes ---

    def _enveloped(self, answer: JsonObject) -> JsonObject:
        if not self.own_ids:
            answer.pop("responseId", None)
        return {"response": answer, "traceId": TRACE, "consumedCredits": [], "remainingCredits": []}

    @override
    def whole(self, body: JsonObject, reply: Reply) -> JsonObject:
        return self._enveloped(super().whole(body, reply))

    @override
    def frames(self, body: JsonObject, reply: Reply, *, done: bool) -> list[bytes]:
        frames = [self._enveloped_frame(frame) for frame in super().frames(body, reply, done=done)]
        if body["model"].endswith("-trailing"):
            frames.append(b'data: {"traceId": "%s", "remainingCredits": []}\n\n' % TRACE.encode())
        return frames

    def _enveloped_frame(self, frame: bytes) -> bytes:
        """Framed as it was: one line or several, with the blank line at its end or without."""
        data = b"\n".join(row.removeprefix(b"data: ") for row in frame.rstrip().split(b"\n"))
        answer = self._enveloped(json.loads(data))
        written = json.dumps(answer, ensure_ascii=False, indent=1 if b"\n" in data else None).encode()
        rows = b"".join(b"data: " + row + b"\n" for row in written.split(b"\n"))
        return rows + b"\n" if frame.endswith(b"\n\n") else rows.rstrip()


def _only(body: JsonObject, known: frozenset[str], where: str = "") -> None:
    for name in sorted(body.keys() - known):
        raise _unknown_name(name, where)
    for name, value in body.items():
        if value is None:
            raise bad_request(f"{name} is null.")


def _unknown_name(name: str, where: str) -> Refused:
    snake = re.sub(r"(?<=[a-z])([A-Z])", lambda hump: "_" + hump[1].lower(), name)
    at = f" at '{where}'" if where else ""
    return bad_request(f'Invalid JSON payload received. Unknown name "{snake}"{at}: Cannot find field.')
