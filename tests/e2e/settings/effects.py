"""What can be seen of settings from outside. Each takes a proxy that has all of them, and raises AssertionError."""

import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

import httpx

from tests.e2e.plain import PROVIDERS, plain
from tests.e2e.settings.ways import HOST, Started
from tests.fakes.kiro_auth import ARN
from tests.fakes.server import Recorded

PROMPT = "You answer as a lighthouse keeper."
OTHER_PROJECT = "a-project-of-mine"
MAIL = "jo.doe@example.com"

type Effect = Callable[[Started], None]


def ask(started: Started, provider: str, model: str, words: str = "Hi", **more: object) -> httpx.Response:
    protocol = PROVIDERS.get(provider, "chat")
    headers: dict[str, str] = more.pop("headers", {})  # type: ignore[assignment]
    asked = plain(protocol, model, words, **more)  # type: ignore[arg-type]
    path = f"/{provider}{asked.path}" if provider else asked.path
    return started.web.post(path, json=asked.body, headers=headers)


def mark(started: Started, what: str) -> str:
    """Words that tell a request from those of the other proxies."""
    return f"mark of {started.place.way}, {what}."


def seen(started: Started, provider: str, words: str) -> list[Recorded]:
    return [request for request in started.place.upstreams.of(provider).requests if words.encode() in request.body]


def refused(answer: httpx.Response, *status: int) -> None:
    assert answer.status_code in status, answer.text


def port(started: Started) -> None:
    assert started.web.get("/health").status_code == 200


def host(started: Started) -> None:
    if HOST != "127.0.0.1":
        with socket.socket() as other:
            assert other.connect_ex(("127.0.0.1", started.place.port)) != 0, "it listens on another address as well"


def api_key(started: Started) -> None:
    assert started.web.get("/v1/models").status_code == 200
    refused(started.web.get("/v1/models", headers={"authorization": "Bearer another-key"}), 401)


def allowed_hosts(started: Started) -> None:
    assert started.web.get("/v1/models", headers={"host": "llm.lan"}).status_code == 200
    refused(started.web.get("/v1/models", headers={"host": "other.lan"}), 400, 403, 421)


def cors_origins(started: Started) -> None:
    origin = "https://app.example.com"
    answer = started.web.get("/v1/models", headers={"origin": origin})
    assert answer.headers["access-control-allow-origin"] == origin
    refused(started.web.get("/v1/models", headers={"origin": "https://other.example.com"}), 403)


def account(provider: str, model: str) -> Effect:
    """Key and base URL: the fake takes its own key alone."""

    def effect(started: Started) -> None:
        words = mark(started, f"account {provider}")
        assert ask(started, provider, model, words).status_code == 200
        assert len(seen(started, provider, words)) == 1

    return effect


def login(provider: str) -> Effect:
    """A login that is over is renewed where the settings say, then its provider is asked where they say."""

    def effect(started: Started) -> None:
        found = started.place.stage.of(provider)
        found.log_in(ends_in=-10)
        before = found.refreshes, len(found.generated)
        answer = ask(started, provider, f"{found.model}-text")
        assert answer.status_code == 200, answer.text
        assert (found.refreshes, len(found.generated)) == (before[0] + 1, before[1] + 1)

    return effect


def code_assist(started: Started) -> None:
    """The same with Google's login; and the project that is set is the one that Code Assist is asked for."""
    login("gemini-cli-oauth")(started)
    loads = [request.json for request in started.place.stage.gemini.fake.requests if "loadCodeAssist" in request.path]
    assert [asked.get("cloudaicompanionProject") for asked in loads] == [OTHER_PROJECT]


def kiro(started: Started) -> None:
    """kiro_wire, kiro_profile_arn and kiro_thinking, in one request."""
    found = started.place.stage.kiro
    answer = ask(started, "claude-kiro-oauth", f"{found.model}-text", reasoning_effort="high")
    assert answer.status_code == 200, answer.text
    sent = next(request for request in reversed(found.fake.requests) if b"conversationState" in request.body)
    assert sent.header("content-type") == "application/x-amz-json-1.0"
    assert sent.json["profileArn"] == ARN
    assert b"<thinking_mode>" in sent.body


def provider_pools_file(started: Started) -> None:
    rows = started.web.get("/health").json()["providers"]["claude-custom"]["accounts"]
    assert "claude-custom:pooled" in [row["label"] for row in rows]


def request_max_retries(started: Started) -> None:
    words = mark(started, "retries")
    refused(ask(started, "openaiResponses-custom", "gpt-4.1-e500", words), 500, 503)
    assert len(seen(started, "openaiResponses-custom", words)) == 2, "one retry"


def default_models(started: Started) -> None:
    """model_provider too: no other provider is named."""
    words = mark(started, "default")
    assert ask(started, "", "default", words).status_code == 200
    (sent,) = seen(started, "claude-custom", words)
    assert sent.json["model"] == "claude-sonnet-4-5-text"


def routes(started: Started) -> None:
    words = mark(started, "route")
    assert ask(started, "", "fast", words).status_code == 200
    (sent,) = seen(started, "openai-custom", words)
    assert sent.json["model"] == "gpt-4.1-text"


def system_prompt(started: Started) -> None:
    words = mark(started, "prompt")
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": words}]
    assert ask(started, "openai-custom", "gpt-4.1-text", messages=messages).status_code == 200
    (sent,) = seen(started, "openai-custom", words)
    body = sent.body.decode()
    assert 0 < body.index(PROMPT) < body.index("Be brief."), "prepend"


def strict_conversion(started: Started) -> None:
    asked = plain("chat", "claude-sonnet-4-5-text", "Hi", logit_bias={"50256": -100})
    refused(started.web.post(f"/claude-custom{asked.path}", json=asked.body), 400)


def body_limit(started: Started) -> None:
    refused(ask(started, "openai-custom", "gpt-4.1-text", "x" * 70_000), 413)


def header_limit(started: Started) -> None:
    refused(started.web.get("/v1/models", headers={"x-long": "x" * 20_000}), 431)


def json_depth(started: Started) -> None:
    deep = json.loads("[" * 80 + "]" * 80)
    refused(ask(started, "openai-custom", "gpt-4.1-text", metadata=deep), 400)


def header_seconds(started: Started) -> None:
    _ends_soon(started, b"GET /health HTTP/1.1\r\nhost:")


def body_seconds(started: Started) -> None:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: {HOST}:{started.place.port}\r\ncontent-length: 50\r\n"
    key = started.web.headers["authorization"]
    _ends_soon(started, f"{head}authorization: {key}\r\ncontent-type: application/json\r\n\r\n{{".encode())


def _ends_soon(started: Started, sent: bytes) -> None:
    """What was begun is ended after a second, and not at once. (A busy machine is late, the defaults are later still.)"""
    with socket.create_connection((HOST, started.place.port), timeout=20) as connection:
        connection.sendall(sent)
        began = time.monotonic()
        while connection.recv(4096):
            pass
        assert 0.5 < time.monotonic() - began < 20


def first_byte_seconds(started: Started) -> None:
    began = time.monotonic()
    refused(ask(started, "gemini-custom", "gemini-2.5-flash-silent"), 504)
    assert time.monotonic() - began < 18


def streamed(started: Started, model: str, headers: dict[str, str] | None = None) -> tuple[bytes, float]:
    """(all that came, seconds)."""
    began = time.monotonic()
    raw = b""
    asked = plain("chat", model, "Hi", stream=True)
    url = f"/openai-custom{asked.path}"
    with (
        suppress(httpx.RemoteProtocolError),  # cut
        started.web.stream("POST", url, json=asked.body, headers=headers or {}) as answer,
    ):
        for part in answer.iter_raw():
            raw += part
    return raw, time.monotonic() - began


def silence(started: Started) -> None:
    """heartbeat_seconds and idle_seconds."""
    raw, seconds = streamed(started, "gpt-4.1-midsilent")
    assert raw.count(b"\n:") + raw.startswith(b":") >= 2
    assert b'"error"' in raw
    assert seconds < 15


def total_seconds(started: Started) -> None:
    """Its 200 words take ten seconds."""
    raw, seconds = streamed(started, "gpt-4.1-paced")
    assert b'"error"' in raw
    assert 2 < seconds < 9.5


def chaos_header(started: Started) -> None:
    refused(ask(started, "openai-custom", "gpt-4.1-text", headers={"x-aiclient-chaos": "429"}), 429)
    assert ask(started, "openai-custom", "gpt-4.1-text").status_code == 200


def chaos_stall_seconds(started: Started) -> None:
    raw, seconds = streamed(started, "gpt-4.1-text", {"x-aiclient-chaos": "stall"})
    assert b"[DONE]" not in raw
    assert 0.3 < seconds < 18


def concurrent_requests(started: Started) -> None:
    """Eight may be under way."""
    begun = threading.Barrier(9)
    done = threading.Event()

    def hold() -> None:
        asked = plain("chat", "gpt-4.1-paced", "Hi", stream=True)
        with started.web.stream("POST", f"/openai-custom{asked.path}", json=asked.body) as answer:
            parts = answer.iter_raw()  # kept: httpx hangs up when it is thrown away
            next(parts)
            begun.wait(10)
            done.wait(10)

    threads = [threading.Thread(target=hold) for _ in range(8)]
    for thread in threads:
        thread.start()
    begun.wait(10)
    try:
        refused(ask(started, "openai-custom", "gpt-4.1-text"), 503)
    finally:
        done.set()
        for thread in threads:
            thread.join(10)


def record_dir(started: Started) -> None:
    words = mark(started, "record")
    assert ask(started, "openai-custom", "gpt-4.1-text", f"{words} Write to {MAIL}").status_code == 200
    folder = started.place.folder / "kept"
    text = _until(lambda: "".join(path.read_text() for path in folder.glob("**/*.jsonl")), words)
    assert MAIL not in text, "redact_patterns: emails"


def log_prompts(started: Started) -> None:
    words = mark(started, "transcript")
    assert ask(started, "openai-custom", "gpt-4.1-text", words).status_code == 200
    _until(lambda: "".join(path.read_text() for path in started.place.folder.glob("said-*.log")), words)


def _until(read: Callable[[], str], words: str) -> str:
    deadline = time.monotonic() + 5
    while words not in (text := read()):
        assert time.monotonic() < deadline, f"{words!r} is not in {text[:500]!r}"
        time.sleep(0.05)
    return text
