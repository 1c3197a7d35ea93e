"""The request as it goes to a provider: target, head and body. Nothing of the client's head is sent that is not named here."""

import re
import time
from urllib.parse import urlencode, urlsplit

from mitmproxy.http import Headers, HTTPFlow, Request, Response

from addons.attempts import Attempt
from addons.exchange import JSON, Exchange
from addons.providers.base import Action, Call
from addons.version import USER_AGENT
from converters.client_words import client_word
from converters.errors import ConversionError
from converters.json_codec import dumps, loads
from converters.strip import strip_reasoning
from converters.wire import ProviderWire

# Client headers that mean something to a provider of the same protocol.
_OPENAI = ("openai-organization", "openai-project", "openai-beta")
_PASSED_UP = {"chat": _OPENAI, "responses": _OPENAI, "anthropic": ("anthropic-version", "anthropic-beta")}
ALWAYS_UP = {"anthropic": (("anthropic-version", "2023-06-01"),)}
_QUERY_UP = {
    ("anthropic", Action.GENERATE): ("beta",),
    ("anthropic", Action.COUNT): ("beta",),
    ("responses", Action.STORED): ("include[]", "include", "after", "limit", "order", "stream", "starting_after"),
}
_THREAD_HEADERS = ("x-claude-code-session-id", "session_id", "session-id", "x-session-id", "conversation_id")
_PORTS = {"http": 80, "https": 443}
_ABOUT_REASONING = re.compile(
    rb"signature|thinking block|thinking` block|thinking_blocks|encrypted_content|encrypted content|reasoning'? item"
    rb"|reasoning_content|reasoning_details|extra_content",
    re.IGNORECASE,
)


def address(exchange: Exchange, flow: HTTPFlow, body: bytes | None) -> None:
    """Puts the provider's request in the place of the client's. The credential stays beside it, for the relay alone."""
    provider, account, wire = exchange.provider, exchange.account, exchange.target
    assert provider is not None and account is not None and wire is not None
    action = exchange.match.action
    name = (exchange.match.name or "") if action is Action.STORED else exchange.target_model
    url = provider.url(account, action, name, stream=exchange.stream)
    if url is None:
        raise ConversionError(f"{provider.name} has no {action} call", status=404)
    if query := _query(exchange, wire):
        url += ("&" if "?" in url else "?") + urlencode(query)
    call = Call(action, name, exchange.stream, thread_of(exchange), exchange.id)
    if body is not None:
        body = provider.enclose(account, call, body)
    parts = urlsplit(url)
    asked = flow.request
    # A new one: mitmproxy reads the client's own head again, to know whether its connection stays open.
    flow.request = Request(
        host=str(parts.hostname),
        port=parts.port or _PORTS[parts.scheme],
        method=asked.data.method if action is Action.STORED else b"POST",
        scheme=parts.scheme.encode(),
        authority=b"",
        path=(parts.path + (f"?{parts.query}" if parts.query else "")).encode(),
        http_version=b"HTTP/1.0" if asked.http_version == "HTTP/1.0" else b"HTTP/1.1",  # 1.0 knows no chunked answer
        headers=_headers(exchange, wire, parts.netloc, body, provider.more_headers(account, call)),
        content=body or b"",
        trailers=None,
        timestamp_start=asked.timestamp_start,
        timestamp_end=asked.timestamp_end,
    )
    exchange.secret_headers = provider.headers(account)
    exchange.sent = True
    begin_attempt(exchange, flow)
    flow.metadata["aiclient"] |= {
        "provider": provider.name,
        "account": account.label,
        "model": exchange.target_model,
        "dropped": dict(exchange.loss.dropped),
        "changed": dict(exchange.loss.changed),
        "noted": dict(exchange.loss.noted),
    }


def begin_attempt(exchange: Exchange, flow: HTTPFlow) -> None:
    """One more try, with the request as it stands. A field of the head that holds the credential is never in the flow."""
    account, wire = exchange.account, exchange.target
    assert account is not None and wire is not None
    exchange.sent_secrets |= {
        secret for _, value in exchange.secret_headers if (secret := value.removeprefix(b"Bearer "))
    }
    exchange.made.append(
        Attempt(
            account.provider,
            account.label,
            exchange.target_model,
            wire.name,
            time.time(),
            flow.request.method,
            flow.request.url,
            flow.request.headers.fields,
            (flow.request.raw_content or b"") if exchange.keeps_bodies else b"",
            prompt=exchange.prompt,
        )
    )


def thread_of(exchange: Exchange) -> str:
    """What tells the client's conversation from its others, "" if it says nothing of the kind."""
    if exchange.thread:
        return exchange.thread
    for name in _THREAD_HEADERS:
        if found := exchange.request_headers.get(name):
            return found
    metadata = exchange.body.get("metadata")
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    for value in (exchange.body.get("prompt_cache_key"), user):
        if isinstance(value, str) and value:
            return value
    return ""


def _headers(
    exchange: Exchange, wire: ProviderWire, host: str, body: bytes | None, more: list[tuple[str, str]]
) -> Headers:
    headers = Headers([(b"host", host.encode()), (b"user-agent", USER_AGENT.encode())])
    headers["accept"] = wire.stream_type if exchange.stream else JSON
    headers["accept-encoding"] = "identity"
    if body is not None:
        headers["content-type"] = JSON
        headers["content-length"] = str(len(body))
    for name, value in ALWAYS_UP.get(wire.name, ()):
        headers[name] = value
    if exchange.bypass:
        for name in _PASSED_UP.get(wire.name, ()):
            if name in exchange.request_headers:
                headers[name] = exchange.request_headers[name]
    for name, value in more:
        headers[name] = value
    return headers


def _query(exchange: Exchange, wire: ProviderWire) -> dict[str, str]:
    """The client's own, as far as we know the names; none of it in another protocol."""
    known = _QUERY_UP.get((wire.name, exchange.match.action), ()) if exchange.bypass else ()
    return {name: value for name, value in exchange.query.items() if name in known}


def leave_out_reasoning(exchange: Exchange, flow: HTTPFlow, answer: Response) -> bool:
    """Whether to try again without the reasoning of earlier turns: once, when the provider refused just that.

    A token belongs to the account or model that issued it; agents carry old ones along after either has changed.
    """
    target = exchange.target
    if target is None or answer.status_code != 400 or exchange.reasoning_stripped:
        return False
    if not _ABOUT_REASONING.search(answer.raw_content or b""):
        return False
    body = loads(flow.request.raw_content or b"{}")
    if not isinstance(body, dict) or not strip_reasoning(
        target.name, body, exchange.target_model, answer.raw_content or b""
    ):
        return False
    exchange.reasoning_stripped = True
    field = client_word(exchange.wire.name, "messages.thinking")
    exchange.loss.change(field, "the provider refused the reasoning of earlier turns, so it was left out")
    flow.request.data.content = dumps(body)
    flow.request.headers["content-length"] = str(len(flow.request.data.content))
    begin_attempt(exchange, flow)
    return True
