"""The strict fakes with several accounts each: every key is an account, and may have a fault of its own."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import override

from tests.fakes.anthropic import AnthropicFake
from tests.fakes.gemini import GeminiFake
from tests.fakes.openai import OpenAIFake
from tests.fakes.provider import FakeProvider, JsonObject, Refused
from tests.fakes.responses import ResponsesFake
from tests.fakes.responses_memory import Memory
from tests.fakes.scripts import HttpError, Script
from tests.fakes.server import Line, Recorded

# Each request is played in a task of its own, which has a context of its own.
_account: ContextVar[str] = ContextVar("account", default="")

# A vendor's word, where it has one, counts more than the status.
_KINDS = {402: "billing_error", 403: "permission_error", 404: "not_found_error", 408: "timeout_error"}
_KINDS |= {400: "invalid_request_error", 413: "request_too_large", 422: "invalid_request_error"}
_KINDS |= {429: "rate_limit_error", 503: "overloaded_error", 529: "overloaded_error"}


@dataclass(frozen=True)
class Answer:
    """An answer whatever was asked. body: None for the vendor's own words for this status."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


type Fault = Script | Answer | Iterator[Script | Answer]  # one for each request


class Pooled(FakeProvider):
    """keys: the accounts. ill: what an account does instead of the model's script, by key; the request must be right all the
    same. most: how many requests an account had at once, at most."""

    def __init__(self) -> None:
        super().__init__("no account")
        self.keys: set[str] = set()
        self.ill: dict[str, Fault] = {}
        self.most: Counter[str] = Counter()
        self._inside: Counter[str] = Counter()

    @override
    def check_credential(self, request: Recorded) -> None:
        given = key_of(request)
        self.key = given if given in self.keys else "no account"
        _account.set(given)
        super().check_credential(request)  # type: ignore[safe-super]  # the protocol's own

    @override
    async def perform(self, body: JsonObject, script: Script, line: Line) -> None:
        key = _account.get()
        self._inside[key] += 1
        self.most[key] = max(self.most[key], self._inside[key])
        try:
            await self._perform(body, self.ill.get(key, script), line)
        finally:
            self._inside[key] -= 1

    async def _perform(self, body: JsonObject, fault: Fault, line: Line) -> None:
        if isinstance(fault, Iterator):
            fault = next(fault)
        if isinstance(fault, Answer):
            headers, words = self.error_answer(HttpError(fault.status, _KINDS.get(fault.status, "api_error")), None)
            await line.answer(fault.status, {**headers, **fault.headers}, words if fault.body is None else fault.body)
        else:
            await super().perform(body, fault, line)

    def asked(self, *keys: str) -> list[Recorded]:
        """The requests for an answer that came with one of these keys."""
        return [each for each in self.requests if each.method == "POST" and key_of(each) in keys]


def key_of(request: Recorded) -> str:
    """The account that a request names, whatever the protocol."""
    bearer = (request.header("authorization") or "").removeprefix("Bearer ")
    return request.header("x-api-key") or request.header("x-goog-api-key") or bearer


class PooledOpenAI(Pooled, OpenAIFake):
    """Chat Completions."""


class PooledAnthropic(Pooled, AnthropicFake):
    """Messages."""


class PooledGemini(Pooled, GeminiFake):
    """generateContent."""

    def __init__(self) -> None:
        Pooled.__init__(self)


class PooledResponses(Pooled, ResponsesFake):
    """Responses. What one account keeps and encrypts, another one does not know."""

    def __init__(self) -> None:
        self._memories: dict[str, Memory] = {}
        super().__init__()

    @property
    def memory(self) -> Memory:
        """Of the account that asks."""
        return self._memories.setdefault(_account.get(), Memory(_account.get()))

    @memory.setter
    def memory(self, _: Memory) -> None:
        """There is one for each account."""

    @override
    async def route(self, request: Recorded, line: Line) -> None:
        """Also `GET /v1/responses/ID`."""
        found = re.fullmatch(r"/v1/responses/(resp_\w+)", request.path)
        if request.method != "GET" or found is None:
            return await super().route(request, line)
        if not self.memory.turns({"previous_response_id": found[1]}, []):
            raise Refused(HttpError(404, "", f"Response with id '{found[1]}' not found."))
        await line.answer(200, {"content-type": "application/json"}, json.dumps({"id": found[1]}).encode())


POOLED: Mapping[str, type[Pooled]] = {
    "openai-custom": PooledOpenAI,
    "openaiResponses-custom": PooledResponses,
    "claude-custom": PooledAnthropic,
    "gemini-custom": PooledGemini,
}
