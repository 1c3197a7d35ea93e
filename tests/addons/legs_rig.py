"""Both legs of one flow, without a proxy: what the client sent goes in, what the provider would get comes out, and back."""

import json
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from mitmproxy.http import Headers, HTTPFlow, Request, Response
from mitmproxy.test.tflow import tclient_conn, tserver_conn

from addons.access_log import AccessLog
from addons.account_pool import AccountPool
from addons.accounts import Accounts, read_accounts
from addons.client_leg import ClientLeg
from addons.exchange import Exchange, fresh_id
from addons.model_lists import ModelLists
from addons.providers import catalogue
from addons.providers.base import Provider
from addons.settings import Settings
from addons.stored_answers import StoredAnswers
from addons.system_prompt import SystemPrompts
from addons.upstream_leg import UpstreamLeg
from converters.errors import Kind, UpstreamError
from converters.memory import LatestSteps, ReasoningMemory
from converters.model_list import Model
from creds.account import Account
from creds.pool_state import PoolState

KEY = b"aic-client-key"
OPENAI_SECRET = "sk-provider-secret-1"
CLAUDE_SECRET = "ant-provider-secret-2"
RESPONSES_SECRET = "sk-provider-secret-3"
GEMINI_SECRET = "goog-provider-secret-4"

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
MESSAGES: dict[str, Any] = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Hi"}]}
BODIES = {"/v1/chat/completions": CHAT, "/v1/messages": MESSAGES, "/v1/messages/count_tokens": MESSAGES}

CHAT_ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5-2026",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}
MESSAGE_ANSWER: dict[str, Any] = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-2026",
    "content": [{"type": "text", "text": "Hello"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 3, "output_tokens": 2},
}
CHAT_STREAM = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-5-2026",'
    b'"choices":[{"index":0,"delta":{"role":"assistant","content":"Hello"},"finish_reason":null}]}\n\n'
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-5-2026",'
    b'"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b"data: [DONE]\n\n"
)
MESSAGE_STREAM = (
    b'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant",'
    b'"model":"claude-2026","content":[],"stop_reason":null,"stop_sequence":null,'
    b'"usage":{"input_tokens":3,"output_tokens":1}}}\n\n'
    b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'
    b'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}\n\n'
    b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'
    b'event: message_delta\ndata: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
    b'"usage":{"output_tokens":2}}\n\n'
    b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)


def settings(**given: object) -> Settings:
    """openai, claude: short for the accounts' keys."""
    return Settings(**given)  # type: ignore[arg-type]


def with_accounts(*names: str, **given: object) -> Settings:
    """names: `openai`, `responses`, `claude`, `gemini`, on made-up hosts."""
    if "openai" in names:
        given |= {"openai_api_key": OPENAI_SECRET, "openai_base_url": "https://openai.test/v1"}
    if "responses" in names:
        given |= {
            "openai_responses_api_key": RESPONSES_SECRET,
            "openai_responses_base_url": "https://responses.test/v1",
        }
    if "gemini" in names:
        given |= {"gemini_api_key": GEMINI_SECRET, "gemini_base_url": "https://gemini.test/v1beta"}
    if "claude" in names:
        given |= {"claude_api_key": CLAUDE_SECRET, "claude_base_url": "https://claude.test/v1"}
    return settings(**given)


@dataclass
class Rig:
    """settings: of every exchange. models: what providers list, by name; the others have no list. now: the pool's clock."""

    settings: Settings = field(default_factory=settings)
    memory: ReasoningMemory = field(default_factory=lambda: ReasoningMemory(LatestSteps(lambda: 0.0)))
    models: dict[str, list[str]] = field(default_factory=dict)
    now: float = 1_700_000_000.0

    def __post_init__(self) -> None:
        self.client_leg = ClientLeg(lambda: self.settings, lambda: KEY)
        self.access_log = AccessLog()
        self.begin()

    def begin(self, accounts: Accounts | None = None) -> None:
        """As after a start: nothing is known of any account. accounts: in place of those that the settings name."""
        self.accounts = read_accounts(self.settings, catalogue()) if accounts is None else accounts
        folder = Path(tempfile.gettempdir()) / f"aiclient-rig-{fresh_id()}"  # made when something is saved
        self.states = PoolState(folder / "pool_state.json", lambda: self.now)
        self.pool = AccountPool(self.states, lambda: self.now, lambda: 1.0)
        self.pool.use(self.settings, self.accounts)
        self.upstream_leg = UpstreamLeg(
            lambda: self.accounts,
            self.memory,
            lambda: 1_700_000_000.0,
            ModelLists(self.list_models, lambda: 0.0),
            self.pool,
            SystemPrompts(),
            StoredAnswers(),
        )

    def read_again(self, accounts: Accounts) -> None:
        """The settings have changed while requests are under way."""
        self.accounts = accounts
        self.pool.use(self.settings, accounts)

    async def list_models(self, provider: Provider, account: Account) -> list[Model]:
        if (found := self.models.get(provider.name)) is None:
            raise UpstreamError(Kind.NOT_FOUND, "no list", status=404)
        return [Model(id_) for id_ in found]

    def head(self, flow: HTTPFlow) -> HTTPFlow:
        self.client_leg.requestheaders(flow)
        return flow

    async def ask(self, flow: HTTPFlow) -> HTTPFlow:
        """All hooks up to the moment when the relay sends the request, or answers with flow.response."""
        content, flow.request.data.content = flow.request.data.content, b""
        self.client_leg.requestheaders(flow)
        flow.request.data.content = content
        self.client_leg.request(flow)
        await self.upstream_leg.request(flow)
        if flow.response is not None:
            await self.end(flow)
        return flow

    async def end(self, flow: HTTPFlow) -> None:
        self.upstream_leg.responseheaders(flow)
        self.client_leg.response(flow)
        await self.upstream_leg.response(flow)

    async def answer(
        self, flow: HTTPFlow, body: object, status: int = 200, content_type: str = "application/json", **headers: str
    ) -> Response:
        """The provider's answer; gives what the client gets. Names of headers with `_` for `-`."""
        assert flow.response is None
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        fields = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        flow.response = response = Response.make(
            status, b"", Headers([(b"content-type", content_type.encode()), *fields])
        )
        response.data.content = content
        self.upstream_leg.responseheaders(flow)
        assert flow.response is response, "a body that is still to be read would overwrite another response"
        if (pipe := live(flow).pipe) is not None:
            flow.response.data.content = pipe.feed(content) + pipe.close()
        self.client_leg.response(flow)
        await self.upstream_leg.response(flow)
        assert flow.response is not None
        return flow.response


def live(flow: HTTPFlow) -> Exchange:
    exchange = Exchange.of(flow)
    assert exchange is not None
    return exchange


def call(
    path: str,
    body: object = None,
    method: str = "",
    headers: dict[str, str] | None = None,
    key: bytes | None = KEY,
    host: str | None = "127.0.0.1:3000",
) -> HTTPFlow:
    """A client's request. body None: the path's own example. key None: shows none."""
    flow = HTTPFlow(tclient_conn(), tserver_conn(), True)
    flow.client_conn.sockname = ("192.168.1.5", 3000)
    bare = path.partition("?")[0]
    body = BODIES.get(bare) if body is None else body
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    fields = [] if host is None else [(b"Host", host.encode())]
    if key is not None:
        fields.append((b"Authorization", b"Bearer " + key))
    fields += [(name.encode(), value.encode()) for name, value in (headers or {}).items()]
    if content and not any(name.lower() == b"content-length" for name, _ in fields):
        fields.append((b"Content-Length", str(len(content)).encode()))
    flow.request = Request(
        host="placeholder.test",
        port=443,
        method=(method or ("POST" if content else "GET")).encode(),
        scheme=b"https",
        authority=b"",
        path=path.encode(),
        http_version=b"HTTP/1.1",
        headers=Headers(fields),
        content=content,
        trailers=None,
        timestamp_start=0.0,
        timestamp_end=0.0,
    )
    return flow


def body_of(flow: HTTPFlow) -> Any:
    """The JSON body of the client's answer."""
    assert flow.response is not None
    assert flow.response.headers["content-type"] == "application/json"
    return json.loads(flow.response.get_content(strict=False) or b"null")


def status_of(flow: HTTPFlow) -> int:
    assert flow.response is not None, "nothing was answered"
    return flow.response.status_code


def everything(flow: HTTPFlow) -> bytes:
    """All bytes that a flow keeps: what mitmweb, `-w` and HAR would show."""
    parts = [flow.request.data.path, flow.request.data.content or b"", repr(flow.metadata).encode()]
    parts += [part for pair in flow.request.headers.fields for part in pair]
    if flow.response is not None:
        parts += [part for pair in flow.response.headers.fields for part in pair] + [flow.response.data.content or b""]
    return b"\n".join(parts)


OPENAI, CLAUDE, BOTH = (
    Rig(with_accounts("openai")),
    Rig(with_accounts("claude")),
    Rig(with_accounts("openai", "claude")),
)
CHAT_PATH, MESSAGES_PATH, COUNT_PATH = BODIES
PAIRS = [(CHAT_PATH, OPENAI), (CHAT_PATH, CLAUDE), (MESSAGES_PATH, OPENAI), (MESSAGES_PATH, CLAUDE)]
pairs = pytest.mark.parametrize(
    ("path", "rig"), PAIRS, ids=["chat-chat", "chat-claude", "claude-chat", "claude-claude"]
)


def sent(flow: HTTPFlow) -> dict[str, str]:
    """The head that goes upstream, without what the relay adds."""
    assert flow.response is None, flow.response.content
    names = [name.lower() for name, _ in flow.request.headers.fields]
    assert len(names) == len(set(names))
    return {name.lower().decode(): value.decode() for name, value in flow.request.headers.fields}


def answer_of(rig: Rig, stream: bool = False) -> Any:
    claude = rig is CLAUDE
    if stream:
        return MESSAGE_STREAM if claude else CHAT_STREAM
    return MESSAGE_ANSWER if claude else CHAT_ANSWER


def text_of(body: dict[str, Any]) -> str:
    found = body["content"][0]["text"] if "content" in body else body["choices"][0]["message"]["content"]
    return str(found)


def head(flow: HTTPFlow, **given: object) -> HTTPFlow:
    return Rig(settings(**given)).head(flow)


def code_of(flow: HTTPFlow) -> str:
    body = body_of(flow)
    return str(body["error"].get("code") or body["error"]["type"])
