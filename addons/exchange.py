"""An exchange: a client's request and its final answer, and all that happens between. One per flow."""

import math
import re
import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast
from weakref import WeakKeyDictionary

from mitmproxy.connection import ConnectionState
from mitmproxy.http import Headers, HTTPFlow, Response

from addons.account_pool import Claim, Lease
from addons.attempts import Attempt
from addons.candidates import Candidate
from addons.code_assist_ingress import CodeAssistCall
from addons.heard import Heard
from addons.providers.base import Action, Provider
from addons.relay import Pipe
from addons.routing import Match
from addons.settings import Settings
from addons.system_prompt import PromptFor
from converters.errors import Failure, UpstreamError, failure_of
from converters.events import Finish, Start, StreamEvent, Usage, UsageUpdate
from converters.json_codec import JsonObject, dumps
from converters.loss import Loss
from converters.memory import Observer
from converters.profile import DEFAULT, Profile
from converters.restore import Restore
from converters.system_prompt import SystemPrompt
from converters.turns import Chat
from converters.wire import Ask, ProviderWire, Wire
from creds.account import Account

JSON = "application/json"
EVENT_STREAM = "text/event-stream"
# Keys, also half-masked ones (`sk-ab***xyz`), organisations and projects, as OpenAI's error texts name them.
_OF_THE_ACCOUNT = re.compile(rb"\b(?:sk-[\w*.-]{6,}|(?:org-|proj_)[A-Za-z0-9]{8,})")
_REDACTED = b"[redacted]"
_live: WeakKeyDictionary[HTTPFlow, "Exchange"] = WeakKeyDictionary()


def tell_wait(headers: Headers, seconds: float) -> None:
    """When it is worth another try. Rounded up: who comes a moment early is refused again."""
    headers["retry-after"] = str(max(0, math.ceil(seconds)))
    if seconds > 60:  # an SDK would sleep that long, or ignore it and hammer
        headers["x-should-retry"] = "false"


def fresh_id() -> str:
    """24 letters and digits."""
    return secrets.token_hex(12)


class Exchange:
    """Live state of one exchange; plain facts of it stand in `flow.metadata["aiclient"]` as well.

    request_headers: the client's, with lower-case names and without its credentials. body: its parsed request body, and for
    Gemini what the path says besides. model: the name the client asked for; target_model: the one its provider is asked for.
    chat: the same in the hub, where a provider of another protocol is asked; chat_is_asked: nothing was put into it.
    prompt_for: the operator's system prompt for a provider; prompt: that for the one it has turned to. raw and body never hold it.
    array: a stream as one JSON array (Gemini). code_assist: the call of a client that wants Code Assist's envelope. thread: the
    client's word for the conversation. left: the providers to try after this one. claim, lease: what it may do in pools, and the
    account it has; why: what decided on its provider. made: every attempt; sent_secrets: the credentials of all of them. keeps_bodies: somebody wants the bodies of attempts;
    heard: then also the answer, as its provider gave it. read: turns a whole answer into the
    client's; answered: that one, once it was read. on_answer: told when a stream has said something.
    secret_headers: what the relay adds to the copy of the request that it sends; nothing else ever holds them.
    sent: the request was written for a provider, so the answer is one; else it was made here.
    Times are `time.monotonic()` seconds.
    """

    def __init__(self, match: Match, wire: Wire, request_headers: Mapping[str, str], settings: Settings) -> None:
        self.id = "req_" + fresh_id()
        self.match = match
        self.wire = wire
        self.request_headers = request_headers
        self.query: Mapping[str, str] = {}
        self.origin: str | None = None
        self.settings = settings
        self.began = time.monotonic()
        self.first_byte: float | None = None
        self.quiet = match.action in (Action.QUIET, Action.HEALTH)

        self.raw = b""
        self.body: JsonObject = {}
        self.model = ""
        self.stream = False
        self.array = False
        self.code_assist: CodeAssistCall | None = None
        self.thread = ""

        self.prompt_for: PromptFor = lambda _: None
        self.prompt: SystemPrompt | None = None
        self.left: deque[Candidate] = deque()
        self.claim = Claim()
        self.lease: Lease | None = None
        self.made: list[Attempt] = []
        self.keeps_bodies = False
        self.heard: Heard | None = None
        self.why = ""
        self.sent_secrets: set[bytes] = set()
        self.read: Callable[[Exchange, Response], Response] | None = None
        self.answered: Response | None = None
        self.on_answer: Callable[[], None] | None = None
        self.provider: Provider | None = None
        self.account: Account | None = None
        self.target_model = ""
        self.bypass = False
        self.sent = False
        self.loss = Loss()
        self.chat: Chat | None = None
        self.chat_is_asked = False
        self.ask: Ask | None = None
        self.restore: Restore | None = None
        self.observer: Observer | None = None

        self.usage = Usage()
        self.finish: Finish | None = None
        self.served_model: str | None = None
        self.answer_id: str | None = None  # the provider's
        self.failure: Failure | None = None
        self.reasoning_stripped = False
        self.renewed = False  # this account's credential

        # What the relay asks of a call (see `relay.Call`).
        self.secret_headers: list[tuple[bytes, bytes]] = []
        self.pipe: Pipe | None = None
        self.first_byte_seconds = settings.first_byte_seconds
        self.idle_seconds = settings.idle_seconds
        self.heartbeat_seconds = settings.heartbeat_seconds
        self.total_seconds = settings.total_seconds
        self.client_left = False

    @classmethod
    def of(cls, flow: HTTPFlow) -> "Exchange | None":
        return _live.get(flow)

    @staticmethod
    def under_way() -> "list[Exchange]":
        """Those that are not answered yet, and whose client is there. (Of a client that left while it waited for a connection
        mitmproxy tells nobody.)"""
        gone = ConnectionState.CLOSED
        return [exchange for flow, exchange in _live.items() if flow.live and flow.client_conn.state is not gone]

    def attach(self, flow: HTTPFlow) -> None:
        _live[flow] = self
        flow.metadata["aiclient"] = {"id": self.id, "client": self.wire.name}

    def over(self) -> None:
        """The client has its answer. A finished flow lives until the garbage collector comes; its bodies need not wait."""
        self.raw, self.body, self.chat, self.answered, self.made, self.heard = b"", {}, None, None, [], None

    def turn_to(self, provider: Provider, account: Account | None, model: str) -> None:
        """Everything that belongs to one provider, begun anew."""
        self.provider, self.account, self.target_model = provider, account, model
        self.prompt = self.prompt_for(provider.name)
        same = provider.wire is not None and provider.wire.name == self.wire.name
        self.bypass = same and provider.takes_as_sent(self.body)
        self.sent, self.loss, self.reasoning_stripped, self.renewed = False, Loss(), False, False
        self.chat, self.ask, self.restore, self.observer = None, None, None, None
        self.secret_headers = []
        self.forget_answer()

    def forget_answer(self) -> None:
        """What was read of an answer that came to nothing."""
        self.usage, self.finish, self.served_model, self.first_byte = Usage(), None, None, None
        self.answered, self.answer_id, self.on_answer, self.heard = None, None, None, None

    def snapshot(self) -> dict[str, Any]:
        """To come back to when no other provider can be turned to."""
        return vars(self).copy()

    def return_to(self, snapshot: dict[str, Any]) -> None:
        vars(self).update(snapshot)

    # --- answers made here ---

    def refuse(self, flow: HTTPFlow, failure: Failure) -> None:
        """Answer with an error in the client's protocol, upstream untouched."""
        flow.response = self.failure_for(failure)

    def failure_response(self, error: UpstreamError) -> Response:
        """An upstream error as a whole answer in the client's protocol."""
        return self.failure_for(failure_of(error))

    def failure_for(self, failure: Failure) -> Response:
        """Remembers the failure for the log."""
        failure = replace(failure, message=self.scrub(failure.message.encode(errors="replace")).decode())
        self.failure = failure
        status, body = self.wire.write_error(failure, self.id)
        response = self.answer(status, dumps(body))
        if failure.retry_after is not None:
            tell_wait(response.headers, failure.retry_after)
        return response

    def scrub(self, text: bytes) -> bytes:
        """What a provider wrote of an error, without our credential and names of our account there: some repeat them."""
        for secret in self.sent_secrets:
            text = text.replace(secret, _REDACTED)
        return _OF_THE_ACCOUNT.sub(_REDACTED, text)

    def answer(self, status: int, body: bytes, content_type: str = JSON) -> Response:
        headers = Headers(content_type=content_type)
        self.stamp(headers)
        return Response.make(status, body, headers)

    def stamp(self, headers: Headers) -> None:
        """Our own headers on an answer."""
        headers["x-request-id"] = self.id
        if self.wire.name == "anthropic" and "request-id" not in headers:
            headers["request-id"] = self.id  # where Anthropic's SDK looks for it
        if self.crossed or self.loss.dropped or self.loss.changed:
            target = self.target.name if self.target else self.wire.name
            headers["x-aiclient-conversion"] = self.loss.header(self.wire.name, target)
        if self.origin is not None:
            headers["access-control-allow-origin"] = self.origin
            headers["access-control-expose-headers"] = "x-request-id, x-aiclient-conversion, retry-after"
            headers["vary"] = "origin"

    def fault_in(self, answer: Response) -> UpstreamError | None:
        """Reads the answer for the client, as long as another one could be had."""
        if self.read is None:
            return None
        try:
            self.answered = self.read(self, answer)
        except UpstreamError as error:
            return error
        except Exception:  # a fault of ours: told when the answer is read once more
            self.forget_answer()
        return None

    @property
    def attempts(self) -> int:
        """How often a provider was asked."""
        return len(self.made)

    # --- what the answer says of itself ---

    @property
    def target(self) -> ProviderWire | None:
        """The provider's wire; None for a provider that answers in here."""
        return self.provider.wire if self.provider else None

    @property
    def profile(self) -> Profile:
        """How the account's endpoint differs from its protocol."""
        if self.provider is None:
            return DEFAULT
        return self.provider.profile_of(self.account) if self.account else self.provider.profile

    @property
    def target_name(self) -> str:
        """`provider/model`, for logs."""
        return f"{self.provider.name if self.provider else '-'}/{self.target_model}"

    @property
    def crossed(self) -> bool:
        """Client and provider speak different protocols."""
        return self.target is not None and not self.bypass and self.match.action is Action.GENERATE

    def watch(self, event: StreamEvent) -> None:
        """Every event of the answer but its text deltas."""
        kind = type(event)
        if kind is UsageUpdate:
            self.usage.update(cast(UsageUpdate, event).usage)
            return
        if kind is Start:
            self.served_model = cast(Start, event).model or self.served_model
            self.answer_id = cast(Start, event).id or self.answer_id
        elif kind is Finish:
            self.finish = cast(Finish, event)
        elif self.first_byte is None:
            self.first_byte = time.monotonic()
            if self.on_answer is not None:
                self.on_answer()
        if self.observer is not None:
            self.observer.add(event)
