"""The request that a provider gets, to the byte, and nothing of the client's head that is not named."""

import json
import logging

import pytest
from mitmproxy.http import Response

from addons.relay import FailedAttempt
from addons.version import USER_AGENT
from converters.errors import Kind, UpstreamError
from tests.addons.legs_rig import (
    CHAT,
    CHAT_PATH,
    CLAUDE,
    CLAUDE_SECRET,
    COUNT_PATH,
    KEY,
    MESSAGES,
    MESSAGES_PATH,
    OPENAI,
    OPENAI_SECRET,
    Rig,
    answer_of,
    call,
    everything,
    live,
    pairs,
    sent,
    settings,
)

BROWSER = {
    "User-Agent": "OpenAI/Python 1.0",
    "X-Stainless-Lang": "python",
    "X-Forwarded-For": "10.0.0.1",
    "Forwarded": "for=10.0.0.1",
    "Referer": "https://app.test",
    "X-Unknown": "x",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, br",
    "Connection": "keep-alive, authorization",
    "Cookie": "a=b",
    "anthropic-dangerous-direct-browser-access": "true",
    "TE": "trailers",
}


async def test_26_the_head_sent_to_openai_is_this_and_nothing_more() -> None:
    flow = await OPENAI.ask(call(CHAT_PATH, headers=BROWSER))
    assert flow.request.url == "https://openai.test/v1/chat/completions"
    assert (flow.request.method, flow.request.authority) == ("POST", "")
    assert sent(flow) == {
        "host": "openai.test",
        "user-agent": USER_AGENT,
        "accept": "application/json",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": str(len(json.dumps(CHAT))),
    }


async def test_26_the_head_sent_to_anthropic_is_this_and_nothing_more() -> None:
    flow = await CLAUDE.ask(call(MESSAGES_PATH, MESSAGES | {"stream": True}, headers=BROWSER))
    assert flow.request.url == "https://claude.test/v1/messages"
    assert sent(flow) == {
        "host": "claude.test",
        "user-agent": USER_AGENT,
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "content-type": "application/json",
        "content-length": str(len(json.dumps(MESSAGES | {"stream": True}))),
        "anthropic-version": "2023-06-01",
    }


async def test_10_headers_of_the_protocol_go_up_in_the_same_protocol_alone() -> None:
    own = {
        "anthropic-version": "2024-01-01",
        "anthropic-beta": "a,b",
        "openai-organization": "org",
        "openai-project": "p",
    }
    straight = sent(await CLAUDE.ask(call(MESSAGES_PATH, headers=own)))
    assert (straight["anthropic-version"], straight["anthropic-beta"]) == ("2024-01-01", "a,b")
    assert "openai-organization" not in straight
    chat = sent(await OPENAI.ask(call(CHAT_PATH, headers=own)))
    assert (chat["openai-organization"], chat["openai-project"]) == ("org", "p")
    assert "anthropic-beta" not in chat
    crossed = sent(await CLAUDE.ask(call(CHAT_PATH, headers=own)))
    assert crossed["anthropic-version"] == "2023-06-01"
    assert not {"anthropic-beta", "openai-organization"} & crossed.keys()
    assert (
        not {"openai-organization", "anthropic-version"}
        & sent(await OPENAI.ask(call(MESSAGES_PATH, headers=own))).keys()
    )


@pairs
async def test_28_the_accounts_secret_is_handed_to_the_relay_and_to_nothing_else(
    path: str, rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    flow = await rig.ask(call(path))
    if rig is CLAUDE:
        assert live(flow).secret_headers == [(b"x-api-key", CLAUDE_SECRET.encode())]
    else:
        assert live(flow).secret_headers == [(b"authorization", b"Bearer " + OPENAI_SECRET.encode())]
    await rig.answer(flow, answer_of(rig))
    rig.access_log.response(flow)
    for secret in (OPENAI_SECRET, CLAUDE_SECRET, KEY.decode()):
        assert secret.encode() not in everything(flow)
        assert secret not in caplog.text


@pytest.mark.parametrize(
    ("path", "rig", "url"),
    [
        (CHAT_PATH, OPENAI, "https://openai.test/v1/chat/completions"),
        (CHAT_PATH, CLAUDE, "https://claude.test/v1/messages"),
        (MESSAGES_PATH, OPENAI, "https://openai.test/v1/chat/completions"),
        (COUNT_PATH, CLAUDE, "https://claude.test/v1/messages/count_tokens"),
    ],
)
async def test_27_upstream_urls_are_ours(path: str, rig: Rig, url: str) -> None:
    assert (await rig.ask(call(path))).request.url == url


@pytest.mark.parametrize(
    ("path", "rig", "query"),
    [
        (MESSAGES_PATH + "?beta=true&key=s&x=1&limit=5", CLAUDE, "?beta=true"),
        (COUNT_PATH + "?beta=true", CLAUDE, "?beta=true"),
        (CHAT_PATH + "?beta=true&api_base=http://evil.test", CLAUDE, ""),
        (MESSAGES_PATH + "?beta=true", OPENAI, ""),
        (CHAT_PATH + "?beta=true", OPENAI, ""),
    ],
)
async def test_27_of_the_query_only_known_names_go_up(path: str, rig: Rig, query: str) -> None:
    assert "?" + (await rig.ask(call(path))).request.path.partition("?")[2] == (query or "?")


@pytest.mark.parametrize(
    ("version", "sent_as"), [("HTTP/1.0", "HTTP/1.0"), ("HTTP/1.1", "HTTP/1.1"), ("HTTP/2.0", "HTTP/1.1")]
)
async def test_the_clients_own_head_stays_as_it_was(version: str, sent_as: str) -> None:
    """mitmproxy reads it again when the answer is out: `Connection: close` and HTTP/1.0 end the connection."""
    flow = call(CHAT_PATH, headers={"Connection": "close"})
    flow.request.http_version, flow.request.data.authority = version, b"localhost"
    own = flow.request
    await OPENAI.ask(flow)
    assert flow.request is not own
    assert (own.http_version, own.headers["connection"], own.path) == (version, "close", CHAT_PATH)
    assert flow.request.http_version == sent_as
    assert (flow.request.timestamp_start, flow.request.timestamp_end) == (own.timestamp_start, own.timestamp_end)
    assert KEY not in everything(flow)
    assert "authorization" not in own.headers


@pytest.mark.parametrize(
    ("base", "scheme", "host", "port", "header"),
    [
        ("http://127.0.0.1:8080", "http", "127.0.0.1", 8080, "127.0.0.1:8080"),
        ("http://localhost/v1", "http", "localhost", 80, "localhost"),
        ("https://[::1]:8443/x/v1/", "https", "::1", 8443, "[::1]:8443"),
    ],
)
async def test_the_destination_is_the_settings_alone(base: str, scheme: str, host: str, port: int, header: str) -> None:
    body = CHAT | {
        "api_base": "http://evil.test",
        "base_url": "http://evil.test",
        "extra_headers": {"host": "evil.test"},
    }
    flow = await Rig(settings(openai_api_key="k", openai_base_url=base)).ask(call(CHAT_PATH, body))
    assert (flow.request.scheme, flow.request.host, flow.request.port) == (scheme, host, port)
    assert sent(flow)["host"] == header


# --- reasoning that a provider refuses ---

REFUSALS = [
    b'{"type":"error","error":{"type":"invalid_request_error","message":"messages.1: Invalid `signature` in `thinking` block"}}',
    b'{"error":{"message":"The encrypted content could not be verified","code":"invalid_encrypted_content"}}',
]
THOUGHT = {"type": "thinking", "thinking": "Hm", "signature": "sig-of-another-account"}
REMEMBERED = {
    **MESSAGES,
    "messages": [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": [THOUGHT, {"type": "text", "text": "Hello"}]},
        {"role": "user", "content": "Again"},
    ],
}


@pytest.mark.parametrize("said", REFUSALS)
async def test_7_4_refused_reasoning_is_left_out_and_the_request_sent_once_more(said: bytes) -> None:
    flow = await CLAUDE.ask(call(MESSAGES_PATH, REMEMBERED))
    attempt = FailedAttempt(flow, UpstreamError(Kind.BAD_REQUEST, "x"), answer=Response.make(400, said))

    await CLAUDE.upstream_leg.attempt_failed(attempt)

    assert attempt.again
    body = flow.request.raw_content or b""
    assert json.loads(body)["messages"][1]["content"] == [{"type": "text", "text": "Hello"}]
    assert flow.request.headers["content-length"] == str(len(body))
    assert "messages.thinking" in live(flow).loss.changed

    again = FailedAttempt(flow, UpstreamError(Kind.BAD_REQUEST, "x"), answer=Response.make(400, said))
    await CLAUDE.upstream_leg.attempt_failed(again)
    assert not again.again


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (MESSAGES, 400, REFUSALS[0]),  # there is none to leave out
        (REMEMBERED, 400, b'{"error":{"message":"max_tokens is too large"}}'),
        (REMEMBERED, 401, REFUSALS[0]),
        (REMEMBERED, 500, REFUSALS[0]),
    ],
)
async def test_8_other_refusals_are_the_clients_own(body: dict[str, object], status: int, said: bytes) -> None:
    flow = await CLAUDE.ask(call(MESSAGES_PATH, body))
    before = flow.request.raw_content
    attempt = FailedAttempt(flow, UpstreamError(Kind.BAD_REQUEST, "x"), answer=Response.make(status, said))

    await CLAUDE.upstream_leg.attempt_failed(attempt)

    assert not attempt.again
    assert flow.request.raw_content == before
