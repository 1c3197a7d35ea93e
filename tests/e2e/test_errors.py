"""What the client is told when the provider refuses, breaks off, or says nothing."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.e2e.clients import SDK_ERRORS, AnthropicClient, ChatClient, Client
from tests.e2e.conftest import Launch, Pair, Upstreams
from tests.e2e.proxy import Proxy, free_port
from tests.fakes.samples import ANTHROPIC_KEY, CLIENT_KEY, OPENAI_KEY
from tests.fakes.scripts import SCRIPTS

type StatusError = openai.APIStatusError | anthropic.APIStatusError


def refused(pair: Pair, script: str, *, stream: bool) -> StatusError:
    """Ask, and demand an HTTP error in the protocol's own shape."""
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as caught:
        pair.client.ask(pair.model(script), [pair.client.user("Hi")], stream=stream)
    assert isinstance(caught.value, openai.APIStatusError | anthropic.APIStatusError)
    error_of(pair.client.protocol, pair.client.raw)
    return caught.value


def error_of(protocol: str, raw: bytes) -> dict[str, Any]:
    """The error object of a body, which must have its protocol's shape."""
    body = json.loads(raw)
    error: dict[str, Any] = body["error"]
    if protocol == "chat":
        assert set(body) == {"error"}
        assert {"message", "type", "param", "code"} <= set(error)
    else:
        assert body["type"] == "error"
        assert {"message", "type"} <= set(error)
        assert isinstance(body["request_id"], str)
    assert error["message"]
    return error


# What the provider answers -> (chat status, chat class, anthropic status, anthropic class)
MAPPED: dict[str, tuple[set[int], str, set[int], str]] = {
    "e400": ({400}, "BadRequestError", {400}, "BadRequestError"),
    "etoolong": ({400}, "BadRequestError", {400}, "BadRequestError"),
    "e401": ({503}, "InternalServerError", {500}, "InternalServerError"),
    "e402": ({402}, "APIStatusError", {402}, "PaymentRequiredError"),
    "e403": ({503}, "InternalServerError", {500}, "InternalServerError"),
    "e404": ({404}, "NotFoundError", {404}, "NotFoundError"),
    "e413": ({413}, "APIStatusError", {413}, "ContentTooLargeError"),
    "e429": ({429}, "RateLimitError", {429}, "RateLimitError"),
    "e500": ({500}, "InternalServerError", {500}, "InternalServerError"),
    "e503": ({503}, "InternalServerError", {503, 529}, ""),
    "e529": ({503, 529}, "InternalServerError", {529}, "OverloadedError"),
    "ehtml": ({502}, "InternalServerError", {502}, "InternalServerError"),
    "nohead": ({502}, "InternalServerError", {502}, "InternalServerError"),
    "noheadreset": ({502}, "InternalServerError", {502}, "InternalServerError"),
    "nothttp": ({502}, "InternalServerError", {502}, "InternalServerError"),
}


@pytest.mark.parametrize("script", MAPPED)
def test_15_2_an_upstream_error_becomes_the_sdks_own_exception(pair: Pair, stream: bool, script: str) -> None:
    """15.2. And never a 401: the client would throw its own key away."""
    chat_statuses, chat_class, claude_statuses, claude_class = MAPPED[script]
    error = refused(pair, script, stream=stream)

    if pair.client.protocol == "chat":
        assert (error.status_code in chat_statuses, type(error).__name__) == (True, chat_class), error
    else:
        assert error.status_code in claude_statuses, error
        assert type(error).__name__ in (claude_class or "OverloadedError ServiceUnavailableError".split()), error
    for secret in (OPENAI_KEY, ANTHROPIC_KEY, CLIENT_KEY):
        assert secret not in pair.client.raw.decode()


def test_the_providers_words_are_kept(pair: Pair, stream: bool) -> None:
    refused(pair, "e400", stream=stream)
    assert "does not like this request" in pair.client.raw.decode()


def test_retry_after_is_kept(pair: Pair, stream: bool) -> None:
    error = refused(pair, "e429", stream=stream)
    assert error.response.headers["retry-after"] == "7"
    assert "Slow down." in pair.client.raw.decode()


def test_a_prompt_that_is_too_long_is_named_as_agents_expect_it(pair: Pair, stream: bool) -> None:
    """15.2 Agents compact their history when they read this."""
    refused(pair, "etoolong", stream=stream)
    error = error_of(pair.client.protocol, pair.client.raw)
    if pair.client.protocol == "chat":
        assert error["code"] == "context_length_exceeded"
    else:
        assert error["message"].startswith("prompt is too long")


def test_client_errors_are_tried_once(pair: Pair, stream: bool) -> None:
    for script in ("e400", "e413", "e429", "e401"):
        refused(pair, script, stream=stream)
    assert len(pair.sent) == 4


@pytest.mark.parametrize("script", ["earlyerror", "earlyunfinished"])
def test_a_stream_that_fails_before_its_first_word_is_an_http_error(pair: Pair, script: str) -> None:
    assert refused(pair, script, stream=True).status_code >= 500


# --- breaks in the middle ---

BREAKS = ["midunfinished", "midcut", "midreset", "miderror", "midgarbage", "toolcut"]


def broken(client: Client, model: str, *, checked: bool = True, **wishes: Any) -> bytes:
    """Ask for a stream that breaks: the SDK must raise, the bytes must end with the error event."""
    with pytest.raises((*SDK_ERRORS, ValueError)):
        client.ask(model, [client.user("Hi")], stream=True, **wishes)
    raw = client.raw
    for terminal in (b"[DONE]", b"message_stop", b'"finish_reason":"', b'"stop_reason":"'):
        assert terminal not in raw
    if checked:
        client.broken(raw)
    return raw


@pytest.mark.parametrize("script", BREAKS)
def test_15_3_a_broken_stream_never_looks_complete(pair: Pair, script: str) -> None:
    """Promises 4 and 5. Text that was there before the break came through, once."""
    own_garbage = pair.same and script == "midgarbage"
    raw = broken(pair.client, pair.model(script), checked=not own_garbage, tools=script == "toolcut")
    if script != "toolcut":
        assert raw.count(b"Hello") == 1
    assert len(pair.sent) == 1, "no second attempt after the first word"


@pytest.mark.parametrize("script", ["midunfinished", "midcut", "midreset", "midgarbage"])
def test_a_whole_answer_that_breaks_off_is_an_error_and_not_half_an_answer(pair: Pair, script: str) -> None:
    assert refused(pair, script, stream=False).status_code == 502


def test_the_connection_of_the_client_survives_a_broken_stream(pair: Pair) -> None:
    """The error event ends the message, not the connection."""
    broken(pair.client, pair.model("midcut"))
    answer = pair.client.ask(pair.model("text"), [pair.client.user("Hi")], stream=True)
    assert answer.folded.text == "Hello, world!"


# --- silence ---


def test_14_7_a_provider_that_falls_silent_is_bridged_with_heartbeats_and_then_given_up(impatient_pair: Pair) -> None:
    client = impatient_pair.client
    began = time.monotonic()
    raw = broken(client, impatient_pair.model("midsilent"))
    assert 0.9 < time.monotonic() - began < 4
    heartbeat = {"chat": b": keep-alive\n\n", "anthropic": b"event: ping\n"}[client.protocol]
    assert raw.count(heartbeat) >= 2
    assert impatient_pair.sent[-1].gone.wait(1), "the silent provider's connection is closed"


def test_a_stream_that_stays_silent_from_its_head_on_is_bridged_too(impatient_pair: Pair) -> None:
    client = impatient_pair.client
    with pytest.raises(SDK_ERRORS):
        client.ask(impatient_pair.model("earlysilent"), [client.user("Hi")], stream=True)
    assert client.raw.count(b": keep-alive\n\n") + client.raw.count(b"event: ping\n") >= 2
    client.broken(client.raw)


def test_a_provider_that_never_begins_is_given_up(impatient_pair: Pair, stream: bool) -> None:
    began = time.monotonic()
    error = refused(impatient_pair, "silent", stream=stream)
    assert error.status_code == 504
    assert 0.5 < time.monotonic() - began < 4
    assert impatient_pair.sent[-1].gone.wait(1)


def test_heartbeats_do_not_disturb_a_slow_answer(impatient_pair: Pair) -> None:
    """A provider that takes 0.9 s before its head, within its deadline."""
    client = impatient_pair.client
    answer = client.ask(impatient_pair.model("slow"), [client.user("Hi")], stream=True)
    assert answer.folded.text == "Hello, world!"


# --- no connection at all ---


@pytest.fixture(scope="module")
def closing_door() -> Iterator[tuple[int, list[float]]]:
    """A port that accepts and closes at once: (port, times of the visits)."""
    visits: list[float] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def close_all() -> None:
        while True:
            try:
                visitor, _ = listener.accept()
            except OSError:
                return
            visits.append(time.monotonic())
            visitor.close()

    threading.Thread(target=close_all, daemon=True).start()
    yield listener.getsockname()[1], visits
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


@pytest.fixture(scope="module")
def nowhere(start: Launch, upstreams: Upstreams, closing_door: tuple[int, list[float]]) -> Proxy:
    """OpenAI's port is closed, Anthropic's closes every connection."""
    urls = {
        "OPENAI_BASE_URL": f"http://127.0.0.1:{free_port()}/v1",
        "CLAUDE_BASE_URL": f"http://127.0.0.1:{closing_door[0]}",
    }
    return start("nowhere", {**upstreams.settings, **urls})


@pytest.mark.parametrize("protocol", [ChatClient, AnthropicClient], ids=["chat", "anthropic"])
@pytest.mark.parametrize("provider", ["openai-custom", "claude-custom"])
def test_a_provider_that_cannot_be_reached_is_tried_once_more_and_then_502(
    nowhere: Proxy,
    closing_door: tuple[int, list[float]],
    protocol: type[ChatClient | AnthropicClient],
    provider: str,
    stream: bool,
) -> None:
    before, began = len(closing_door[1]), time.monotonic()
    client = protocol(nowhere.url, provider, CLIENT_KEY)
    with pytest.raises((openai.InternalServerError, anthropic.InternalServerError)) as caught:
        client.ask("claude-sonnet-4-5", [client.user("Hi")], stream=stream)
    client.close()
    assert isinstance(caught.value, openai.APIStatusError | anthropic.APIStatusError)
    assert caught.value.status_code == 502
    assert time.monotonic() - began < 5
    if provider == "claude-custom":
        assert len(closing_door[1]) - before == 2


# --- the client leaves ---


def leave(pair: Pair, script: str, *, stream: bool, after: bytes | None) -> float:
    """Send a request, wait until the provider has it (and until `after` has come back), hang up.

    Gives the seconds until the provider saw its connection closed.
    """
    path = {"chat": "/v1/chat/completions", "anthropic": "/v1/messages"}[pair.client.protocol]
    request = {"model": pair.model(script), "max_tokens": 100, "stream": stream, "messages": [pair.client.user("Hi")]}
    body = json.dumps(request).encode()
    head = f"POST /{pair.provider}{path} HTTP/1.1\r\nHost: 127.0.0.1:{pair.proxy.port}\r\nx-api-key: {CLIENT_KEY}\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    before = len(pair.fake.requests)
    with socket.create_connection(("127.0.0.1", pair.proxy.port), timeout=5) as sock:
        sock.sendall(head.encode() + body)
        upstream = pair.fake.wait_for(before + 1)[before]
        seen = b""
        while after is not None and after not in seen:
            part = sock.recv(65536)
            assert part, f"closed after {seen[-200:]!r}"
            seen += part
        time.sleep(0.02)
    left = time.monotonic()
    assert upstream.gone.wait(1), "the provider goes on for nobody"
    assert upstream.gone_at is not None
    return upstream.gone_at - left


@pytest.mark.parametrize(
    ("script", "streams", "after"),
    [("silent", True, None), ("paced", True, b"tick "), ("silent", False, None), ("midsilent", False, None)],
    ids=["before the head", "mid-stream", "whole, before the head", "whole, in the body"],
)
def test_18_when_the_client_leaves_the_provider_is_left_at_once(
    pair: Pair, script: str, streams: bool, after: bytes | None
) -> None:
    """Promise 18: within 1 s, aim 100 ms, no retry, and the account goes on serving."""
    seconds = [leave(pair, script, stream=streams, after=after) for _ in range(3)]
    assert min(seconds) < 0.1
    time.sleep(0.05)
    assert len(pair.sent) == 3, "nothing is asked again for a client that has gone"
    assert pair.client.ask(pair.model("text"), [pair.client.user("Hi")], stream=True).folded.text == "Hello, world!"


def test_scripts_named_here_exist() -> None:
    assert {*MAPPED, *BREAKS, "silent", "paced", "midsilent"} <= set(SCRIPTS)
