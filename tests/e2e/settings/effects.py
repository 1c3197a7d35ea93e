"""What can be seen of settings from outside. Each takes a proxy that has all of them, and raises AssertionError."""

import json
import signal
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import suppress

import httpx

from tests.e2e.plain import PROVIDERS, plain
from tests.e2e.settings.ways import HOST, WORKERS, Started
from tests.fakes.samples import png
from tests.fakes.scripts import Delivery, Reply, Script
from tests.fakes.server import Recorded

PROMPT = "You answer as a lighthouse keeper."
KEEPER = "Mind the lamp."
CALM = {"x-aiclient-chaos": "none"}  # a request that meets no fault by chance

type Effect = Callable[[Started], None]


def ask(
    started: Started,
    provider: str,
    model: str,
    words: str = "Hi",
    /,
    *,
    protocol: str = "",
    headers: Mapping[str, str] = CALM,
    **more: object,
) -> httpx.Response:
    """protocol: the provider's own by default, Chat where that is none of the four. more: fields of the body."""
    asked = plain(protocol or PROVIDERS.get(provider, "chat"), model, words, **more)
    path = f"/{provider}{asked.path}" if provider else asked.path
    return started.web.post(path, json=asked.body, headers=headers)


def mark(started: Started, what: str) -> str:
    """Words that tell a request from those of the other proxies."""
    return f"mark of {started.place.way}, {what}."


def seen(started: Started, provider: str, words: str) -> list[Recorded]:
    return [request for request in started.place.upstreams.of(provider).requests if words.encode() in request.body]


def good(answer: httpx.Response) -> None:
    assert answer.status_code == 200, answer.text


def refused(answer: httpx.Response, *status: int) -> None:
    assert answer.status_code in status, answer.text


def until(true: Callable[[], object], seconds: float = 10) -> None:
    """Waits until it is. Raises AssertionError when it never is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.05)


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


def default_models(started: Started) -> None:
    """model_provider too: no other provider is named."""
    words = mark(started, "default")
    good(ask(started, "", "default", words))
    (sent,) = seen(started, "claude-custom", words)
    assert sent.json["model"] == "claude-sonnet-4-5-text"


def routes(started: Started) -> None:
    words = mark(started, "route")
    good(ask(started, "", "fast", words))
    (sent,) = seen(started, "openai-custom", words)
    assert sent.json["model"] == "gpt-4.1-text"


def system_prompt(started: Started) -> None:
    words = mark(started, "prompt")
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": words}]
    good(ask(started, "openai-custom", "gpt-4.1-text", messages=messages))
    (sent,) = seen(started, "openai-custom", words)
    body = sent.body.decode()
    assert 0 < body.index(PROMPT) < body.index("Be brief."), "prepend"


def _told(started: Started, what: str, own: str, agent: str = "") -> list[str]:
    """The system messages that the provider got for those of a client's own."""
    words = mark(started, what)
    messages = [{"role": "system", "content": own}, {"role": "user", "content": words}]
    headers = {"user-agent": agent} if agent else CALM
    good(ask(started, "openai-custom", "gpt-4.1-text", messages=messages, headers=headers))
    (sent,) = seen(started, "openai-custom", words)
    return [message["content"] for message in sent.json["messages"] if message["role"] == "system"]


def system_prompt_replacements(started: Started) -> None:
    assert _told(started, "replacements", "Feed the gulls; all.") == [PROMPT, "Feed the terns."]


def system_prompts(started: Started) -> None:
    """One client's rule, and another's."""
    assert _told(started, "keeper", "Be brief.", "Keeper/1.0 (tower)") == ["Be brief.", KEEPER]
    assert _told(started, "mate", "Feed the gulls; all.", "mate/2") == ["Feed the gulls; all."]


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


def fetch_hosts(started: Started) -> None:
    """A picture at a private address, for a provider that takes no URLs."""
    words = mark(started, "picture")
    picture = {"type": "image_url", "image_url": {"url": f"{started.place.beside.url}/picture.png"}}
    messages = [{"role": "user", "content": [{"type": "text", "text": words}, picture]}]
    answer = ask(started, "gemini-custom", "gemini-2.5-flash-text", protocol="chat", messages=messages)
    good(answer)
    (sent,) = seen(started, "gemini-custom", words)
    assert b64encode(png(1)) in sent.body


def stream_limit(started: Started) -> None:
    """Twice as much, in some hundred bytes."""
    reply = Reply(text=("x" * 10_000,) * 20)
    started.place.upstreams.of("openai-custom").scripts["packed"] = Script(reply, delivery=Delivery(packed=True))
    raw, _ = streamed(started, "gpt-4.1-packed")
    assert b'"error"' in raw
    assert b"[DONE]" not in raw


def first_byte_seconds(started: Started) -> None:
    began = time.monotonic()
    refused(ask(started, "gemini-custom", "gemini-2.5-flash-silent"), 504)
    assert time.monotonic() - began < 18


def streamed(started: Started, model: str, headers: Mapping[str, str] = CALM) -> tuple[bytes, float]:
    """(all that came, seconds)."""
    began = time.monotonic()
    raw = b""
    asked = plain("chat", model, "Hi", stream=True)
    url = f"/openai-custom{asked.path}"
    with (
        suppress(httpx.RemoteProtocolError),  # cut
        started.web.stream("POST", url, json=asked.body, headers=headers) as answer,
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
    good(ask(started, "openai-custom", "gpt-4.1-text"))


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


def workers(started: Started) -> None:
    if WORKERS != "1":
        assert str(started.web.get("/health").json()["workers"]) == WORKERS


def grace_seconds(started: Started) -> None:
    """A stream of ten seconds is under way when the proxy is told to end."""
    asked = plain("chat", "gpt-4.1-paced", "Hi", stream=True)
    with started.web.stream("POST", f"/openai-custom{asked.path}", json=asked.body, headers=CALM) as answer:
        parts = answer.iter_raw()
        raw = next(parts)
        began = time.monotonic()
        started.process.send_signal(signal.SIGTERM)
        raw += b"".join(parts)
    assert started.process.wait(20) == 0
    assert b'"error"' in raw
    assert 0.4 < time.monotonic() - began < 8
