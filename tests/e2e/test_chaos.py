"""Faults on purpose: each one, to the SDK of each protocol, is what a failing provider would be."""

import random
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from google.genai import types

from addons.chaos import HEADER
from addons.chaos_plan import FAULTS, STATUSES, read_rates
from addons.chaos_stream import PAGE
from tests.e2e.conftest import ClientOf, Launch, Pair, Upstreams
from tests.e2e.plain import PROTOCOLS, RIGHT, checked_stream, error_of, own_provider, plain
from tests.e2e.proxy import ROOT, Proxy, free_port
from tests.e2e.sdks.base import SDK_ERRORS, STATUS_ERRORS, Client, status_of
from tests.fakes.samples import CLIENT_KEY

STALL = 0.15
TOLD = {  # what the SDKs of OpenAI, Anthropic and Google raise: status, class
    "429": ((429, "RateLimitError"), (429, "RateLimitError"), (429, "ClientError")),
    "500": ((500, "InternalServerError"), (500, "InternalServerError"), (500, "ServerError")),
    "503": ((503, "InternalServerError"), (529, "OverloadedError"), (503, "ServerError")),
    "529": ((503, "InternalServerError"), (529, "OverloadedError"), (503, "ServerError")),
}
FAMILY = {"chat": 0, "responses": 0, "anthropic": 1, "gemini": 2}
TERMINALS = (
    *(b"[DONE]", b"message_stop", b'"finish_reason":"', b'"stop_reason":"', b'"finishReason":'),
    *(b"response.completed", b"response.incomplete"),
)
OWN_AND_OTHER = [
    (protocol, provider)
    for protocol in PROTOCOLS
    for provider in (own_provider(protocol), "openai-custom" if protocol == "anthropic" else "claude-custom")
]


@pytest.fixture(scope="module")
def chaotic(start: Launch, upstreams: Upstreams) -> Proxy:
    """Faults on demand alone."""
    return start("chaotic", {**upstreams.settings, "CHAOS_HEADER": "true", "CHAOS_STALL_SECONDS": str(STALL)})


@pytest.fixture(params=OWN_AND_OTHER, ids=lambda p: f"{p[0]}->{p[1]}")
def chaos(request: pytest.FixtureRequest, chaotic: Proxy, upstreams: Upstreams, client_of: ClientOf) -> Pair:
    """Each client, at its own provider and at another one."""
    protocol, provider = request.param
    return Pair(client_of(chaotic, protocol, provider), provider, upstreams.of(provider), chaotic)


def wish(protocol: str, fault: str) -> dict[str, Any]:
    """How the protocol's SDK is told to send our header."""
    if protocol == "gemini":
        return {"http_options": types.HttpOptions(headers={HEADER: fault})}
    return {"extra_headers": {HEADER: fault}}


def ask(client: Client, model: str, fault: str, *, stream: bool) -> None:
    client.ask(model, [client.user("Hi")], stream=stream, **wish(client.protocol, fault))


def log_of(proxy: Proxy, word: str) -> str:
    """The log since the last look, once `word` is in it."""
    news, until = "", time.monotonic() + 3
    while word not in news and time.monotonic() < until:
        news += proxy.news()
        time.sleep(0.01)
    return news


@pytest.mark.parametrize("fault", STATUSES)
def test_a_status_is_an_error_in_the_protocols_own_shape(chaos: Pair, stream: bool, fault: str) -> None:
    with pytest.raises(STATUS_ERRORS) as caught:
        ask(chaos.client, chaos.model("text"), fault, stream=stream)
    status, name = TOLD[fault][FAMILY[chaos.protocol]]
    assert (status_of(caught.value), type(caught.value).__name__) == (status, name)
    error_of(chaos.protocol, chaos.client.raw)
    headers = chaos.client.transport.headers
    assert headers[HEADER] == fault
    assert headers.get("retry-after") == ("2" if fault == "429" else None)
    assert chaos.sent == [], "no quota is spent"
    assert f"(injected by aiclient chaos: {fault})" in log_of(chaos.proxy, "injected")


def test_a_reset_leaves_no_byte(chaos: Pair, stream: bool) -> None:
    with pytest.raises(SDK_ERRORS) as caught:
        ask(chaos.client, chaos.model("text"), "reset", stream=stream)
    assert not isinstance(caught.value, STATUS_ERRORS)
    assert chaos.sent == []
    assert "| chaos: reset" in log_of(chaos.proxy, "| chaos:")


def test_a_stall_is_silence_and_then_a_closed_connection(chaos: Pair, stream: bool) -> None:
    began = time.monotonic()
    with pytest.raises(SDK_ERRORS) as caught:
        ask(chaos.client, chaos.model("text"), "stall", stream=stream)
    assert not isinstance(caught.value, STATUS_ERRORS)
    assert STALL <= time.monotonic() - began < STALL + 2
    assert chaos.sent == []
    assert "| chaos: stall;after=0" in log_of(chaos.proxy, "| chaos:")


def test_a_whole_answer_is_cut_half_way(chaos: Pair) -> None:
    with pytest.raises(SDK_ERRORS) as caught:
        ask(chaos.client, chaos.model("text"), "cut", stream=False)
    assert not isinstance(caught.value, STATUS_ERRORS)
    headers = chaos.client.transport.headers
    assert 0 < len(chaos.client.raw) < int(headers["content-length"])
    assert headers[HEADER].startswith("cut")
    assert "| chaos: cut" in log_of(chaos.proxy, "| chaos:")


def test_a_whole_answer_is_garbage(chaos: Pair) -> None:
    with pytest.raises((*SDK_ERRORS, ValueError, AttributeError)):
        ask(chaos.client, chaos.model("text"), "garbage", stream=False)
    assert chaos.client.raw == PAGE
    assert chaos.client.transport.headers[HEADER].startswith("garbage")
    assert chaos.sent == []


@pytest.mark.parametrize("fault", ["cut", "cut;after=1", "cut;after=99", "cut;after=300b", "stall;after=2", "garbage"])
def test_a_stream_that_is_struck_never_looks_complete(chaos: Pair, fault: str) -> None:
    with pytest.raises((*SDK_ERRORS, ValueError)) as caught:
        ask(chaos.client, chaos.model("text"), fault, stream=True)
    assert not isinstance(caught.value, AssertionError)
    raw = chaos.client.raw
    assert len(raw) > 20, "it had begun"
    assert (PAGE in raw) == (fault == "garbage")
    if fault == "cut;after=300b":
        assert len(raw) == 300
    if fault != "cut;after=99":  # there the last event alone is missing
        assert [word for word in TERMINALS if word in raw] == []
    assert chaos.client.transport.headers[HEADER].startswith(fault)
    assert len(chaos.sent) == 1
    assert f"| chaos: {fault}" in log_of(chaos.proxy, "| chaos:")


def test_the_connection_of_the_client_works_after_a_fault(chaos: Pair) -> None:
    for fault in ("429", "cut", "garbage"):
        with pytest.raises((*SDK_ERRORS, ValueError)):
            ask(chaos.client, chaos.model("text"), fault, stream=True)
        answer = chaos.client.ask(chaos.model("text"), [chaos.client.user("Hi")], stream=True)
        assert answer.folded.text == "Hello, world!"
        assert HEADER not in answer.headers


def test_a_silent_stream_is_for_the_client_to_give_up(chaotic: Proxy) -> None:
    """And its end is in the log before the stall would be over."""
    asked = plain("chat", "gpt-4.1-text", stream=True)
    with httpx.Client(trust_env=False, timeout=0.1) as impatient, pytest.raises(httpx.ReadTimeout):
        impatient.post(f"{chaotic.url}{asked.path}", json=asked.body, headers={**RIGHT, HEADER: "stall;after=2"})
    assert "chaos: stall;after=2" in log_of(chaotic, "| chaos:")


def test_an_array_of_gemini_is_cut(web: httpx.Client, chaotic: Proxy) -> None:
    asked = plain("gemini", "gemini-2.5-flash-text", stream=True)
    url, parts = f"{chaotic.url}/gemini-custom{asked.path.partition('?')[0]}", list[bytes]()
    struck = web.stream("POST", url, json=asked.body, headers={**RIGHT, HEADER: "cut;after=2"})
    with pytest.raises(httpx.RemoteProtocolError), struck as answer:
        parts.extend(answer.iter_raw())
    seen = b"".join(parts)
    assert seen.startswith(b"[{")
    assert seen.count(b",\r\n") == 2
    assert b'"Hello"' in seen


def test_what_is_no_fault_is_refused_and_other_calls_are_spared(web: httpx.Client, chaotic: Proxy) -> None:
    asked = plain("anthropic", "claude-sonnet-4-5-text")
    wrong = web.post(f"{chaotic.url}{asked.path}", json=asked.body, headers={**RIGHT, HEADER: "cuts"})
    assert wrong.status_code == 400
    assert "did you mean cut?" in error_of("anthropic", wrong.content)["message"]
    for path in ("/health", "/v1/models"):
        spared = web.get(chaotic.url + path, headers={**RIGHT, HEADER: "500"})
        assert (spared.status_code, HEADER in spared.headers) == (200, False)


# --- by rate ---

TABLE = "429=0.1, 500=0.05, 503=0.03, reset=0.05, stall=0.02, cut=0.05, garbage=0.05"


@pytest.fixture(scope="module")
def random_faults(start: Launch) -> Proxy:
    settings = {"CHAOS": TABLE, "CHAOS_SEED": "7", "CHAOS_STALL_SECONDS": "0.02"}
    return start("random", {"API_KEY": CLIENT_KEY, **settings})


def test_a_seed_makes_300_answers_fail_as_the_table_says(web: httpx.Client, random_faults: Proxy) -> None:
    """The demo answers. Health and model lists in between change nothing."""
    chance, rates = random.Random(7), read_rates(TABLE)
    picked = [rates.pick(chance.random(), chance.random()) for _ in range(300)]
    expected = [str(strike.fault) if strike else "" for strike in picked]

    met = []
    for number in range(300):
        if number % 50 == 0:
            assert web.get(f"{random_faults.url}/v1/models", headers=RIGHT).status_code == 200
        asked = plain("chat", "demo", stream=number % 2 == 0)
        try:
            answer = web.post(f"{random_faults.url}{asked.path}", json=asked.body, headers=RIGHT)
        except httpx.RemoteProtocolError as error:
            met.append("cut" if "complete message body" in str(error) else "gone")
        else:
            met.append(answer.headers.get(HEADER, "").partition(";")[0])
            assert (answer.status_code == 200) == (met[-1] in ("", "cut", "garbage"))
            if not met[-1] and asked.body["stream"]:
                checked_stream("chat", answer.content)
    assert met == ["gone" if fault in ("reset", "stall") else fault for fault in expected]
    assert set(expected) == {"", *FAULTS} - {"529"}
    assert 80 <= 300 - expected.count("") <= 130, "35 % of 300 are 105"


def test_faults_are_announced_at_start(random_faults: Proxy) -> None:
    announced = random_faults.log.read_text()
    assert "chaos: faults are injected: 35 % of the answers fail on purpose (429 10 %, 500 5 %," in announced


# --- at the upstream's place ---


@pytest.fixture(scope="module")
def upstream_faults(start: Launch, upstreams: Upstreams) -> Proxy:
    """Accounts do not rest: each test finds them fresh."""
    settings = {"CHAOS_HEADER": "true", "CHAOS_PLACE": "upstream"}
    settings |= {"REQUEST_MAX_RETRIES": "0", "REQUEST_BASE_DELAY": "0", "LONGEST_REST_SECONDS": "0"}
    routes = "best=openai-custom:gpt-4.1-text,claude-custom:claude-sonnet-4-5-text"
    return start("upstream", {**upstreams.settings, **settings, "ROUTES": routes})


@pytest.mark.parametrize("fault", FAULTS)
def test_our_own_failover_hides_a_fault_of_one_provider(
    web: httpx.Client, upstream_faults: Proxy, upstreams: Upstreams, stream: bool, fault: str
) -> None:
    before = upstreams.asked
    asked = plain("chat", "best", stream=stream)
    strike = f"{fault};after=0" if fault in ("cut", "garbage") else fault
    answer = web.post(f"{upstream_faults.url}{asked.path}", json=asked.body, headers={**RIGHT, HEADER: strike})
    assert answer.status_code == 200, answer.text
    assert answer.headers[HEADER].startswith(fault)
    assert "Hello" in answer.text
    assert upstreams.asked == before + 2


@pytest.mark.parametrize("fault", ["cut;after=4", "garbage;after=4", "stall;after=4"])
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_providers_stream_that_is_struck_ends_with_the_protocols_own_error_event(
    upstream_faults: Proxy, client_of: ClientOf, protocol: str, fault: str
) -> None:
    provider = "openai-custom" if protocol == "anthropic" else "claude-custom"
    client = client_of(upstream_faults, protocol, provider)
    model = "gpt-4.1-text" if protocol == "anthropic" else "claude-sonnet-4-5-text"
    with pytest.raises((*SDK_ERRORS, ValueError)):
        ask(client, model, fault, stream=True)
    client.broken(client.raw)
    assert client.transport.headers[HEADER] == fault


# --- the command ---


@pytest.fixture
def command(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], int]]:
    port = free_port()
    environment = {"AICLIENT_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    process = subprocess.Popen(
        [sys.executable, "-m", "addons", "chaos", "--port", str(port), "--api-key", CLIENT_KEY],
        env={**environment, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process, port
    process.kill()
    process.communicate(timeout=25)


def test_the_command_serves_and_says_that_answers_will_fail(
    command: tuple[subprocess.Popen[str], int], web: httpx.Client
) -> None:
    process, port = command
    assert process.stdout is not None
    announced = next(line for line in process.stdout if "chaos:" in line)
    assert re.search(r"20 % of the answers fail on purpose .*x-aiclient-chaos: FAULT", announced)
    asked, until = plain("anthropic", "demo"), time.monotonic() + 10
    while True:
        try:
            answer = web.post(f"http://127.0.0.1:{port}{asked.path}", json=asked.body, headers={**RIGHT, HEADER: "529"})
            break
        except httpx.ConnectError:
            assert time.monotonic() < until
            time.sleep(0.05)
    assert answer.status_code == 529
