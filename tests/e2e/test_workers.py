"""`aiclient serve --workers 2`: two processes on one port, and what they have in common."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e import sent
from tests.e2e.conftest import Upstreams
from tests.e2e.oauth.asking import ask_many, said
from tests.e2e.oauth.conftest import QUIET
from tests.e2e.oauth.logins import Stage
from tests.e2e.plain import REASONING_MODEL, RIGHT
from tests.e2e.proxy import ROOT, Proxy, launch
from tests.fakes.anthropic import sign
from tests.fakes.scripts import SCRIPTS, WEATHER, Reply, Script
from tests.grammar import check_chat_stream
from tests.soak.programs import serve

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="several processes share a port on Linux alone")
CHAT = "/openai-custom/v1/chat/completions"


@contextmanager
def workers(home: Path, settings: Mapping[str, str]) -> Iterator[Proxy]:
    proxy = serve(home, {"WORKERS": "2", **settings})
    try:
        yield proxy
    finally:
        proxy.stop()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory, upstreams: Upstreams) -> Iterator[Proxy]:
    with workers(tmp_path_factory.mktemp("workers") / "two", upstreams.settings) as proxy:
        yield proxy


def number_of(client: httpx.Client) -> int:
    """Of the worker that this client is connected to."""
    return int(client.get("/health").json()["worker"])


@contextmanager
def one_client_each(proxy: Proxy) -> Iterator[dict[int, httpx.Client]]:
    """By number of the worker. A client keeps its one connection, so it stays with its worker."""
    found: dict[int, httpx.Client] = {}
    with ExitStack() as stack:
        deadline = time.monotonic() + 20
        while len(found) < 2:
            assert time.monotonic() < deadline, found
            client = httpx.Client(
                base_url=proxy.url, headers=RIGHT, trust_env=False, timeout=20, limits=httpx.Limits(max_connections=1)
            )
            stack.enter_context(client)
            found.setdefault(number_of(client), client)
        yield found


def asked(model: str = "gpt-4.1-text", **more: object) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": "Hi"}], **more}


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def log_of(proxy: Proxy, *words: str) -> list[dict[str, Any]]:
    """What `aiclient log` finds in the records."""
    environment = os.environ | {"AICLIENT_HOME": str(proxy.log.parent / "aiclient"), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "addons", "log", "list", "-n", "0", "--json", *words]
    done = subprocess.run(command, env=environment, cwd=proxy.log.parent, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_both_serve_behind_one_banner_and_each_request_is_on_record(two: Proxy) -> None:
    with one_client_each(two) as clients:
        ids = set()
        for _ in range(5):
            for client in clients.values():
                answer = client.post(CHAT, json=asked())
                assert answer.status_code == 200, answer.text
                ids.add(answer.headers["x-request-id"])
    deadline = time.monotonic() + 10
    while not ids <= (kept := {row["id"] for row in log_of(two)}):
        assert time.monotonic() < deadline, ids - kept
        time.sleep(0.1)
    log = two.log.read_text()
    assert log.count("aiclient listens on") == 1
    assert "workers: 2" in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_reasoning_that_one_has_seen_is_put_back_by_the_other(two: Proxy, upstreams: Upstreams) -> None:
    """7.4: an agent that sends back nothing but calls; its next request comes to another process."""
    fake = upstreams.of("claude-custom")
    model = f"{REASONING_MODEL['claude-custom']}-forgetful"
    reply = Reply(thinking=("Remember", " me."), calls=(WEATHER,), stop="tool_calls")
    fake.scripts[model] = Script(reply, SCRIPTS["tool"].after_tools)
    tool = {"type": "function", "function": {"name": WEATHER.name, "parameters": {"type": "object"}}}
    body = asked(model, tools=[tool], reasoning_effort="low")
    with one_client_each(two) as clients:
        for here, there in ((1, 2), (2, 1)):
            first = clients[here].post("/claude-custom/v1/chat/completions", json=body)
            assert first.status_code == 200, first.text
            message = first.json()["choices"][0]["message"]
            call = {"role": "assistant", "content": message["content"], "tool_calls": message["tool_calls"]}
            result = {"role": "tool", "tool_call_id": WEATHER.id, "content": "sunny"}
            second = {**body, "messages": [*body["messages"], call, result]}
            answer = clients[there].post("/claude-custom/v1/chat/completions", json=second)
            assert answer.status_code == 200, answer.text
            assert sent.tokens("anthropic", fake.requests[-1].json) == [sign("Remember me.")]


@pytest.mark.slow
def test_one_that_is_killed_is_replaced_and_the_other_serves_on(tmp_path: Path, upstreams: Upstreams) -> None:
    with workers(tmp_path / "killed", upstreams.settings) as proxy:
        victim = children(proxy.process.pid)[0]
        os.kill(victim, signal.SIGKILL)
        time.sleep(0.1)  # for the kernel to close its sockets
        for _ in range(10):
            assert httpx.get(f"{proxy.url}/health", trust_env=False).status_code == 200
        deadline = time.monotonic() + 20
        while victim in (found := children(proxy.process.pid)) or len(found) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with one_client_each(proxy) as clients:
            assert [client.post(CHAT, json=asked()).status_code for client in clients.values()] == [200, 200]
        assert "worker 1 ended (killed by SIGKILL); it is started again in 0.5 s" in proxy.log.read_text()
        assert proxy.stop() == 0


@pytest.mark.slow
def test_22_sigterm_lets_the_streams_of_both_end(tmp_path: Path, upstreams: Upstreams) -> None:
    upstreams.of("openai-custom").scripts["thirty"] = replace(SCRIPTS["paced"], reply=Reply(text=("tick ",) * 30))
    with workers(tmp_path / "leaving", upstreams.settings) as proxy, one_client_each(proxy) as clients:
        seen = {number: bytearray() for number in clients}

        def listen(number: int) -> None:
            with clients[number].stream("POST", CHAT, json=asked("gpt-4.1-thirty", stream=True)) as answer:
                for part in answer.iter_raw():
                    seen[number] += part

        with ThreadPoolExecutor() as pool:
            listening = [pool.submit(listen, number) for number in clients]
            deadline = time.monotonic() + 5
            while not all(b"tick " in told for told in seen.values()):
                assert time.monotonic() < deadline
                time.sleep(0.005)
            for pid in (proxy.process.pid, *children(proxy.process.pid)):  # as a service manager ends all of a service
                os.kill(pid, signal.SIGTERM)
            assert proxy.process.wait(10) == 0
            for each in listening:
                each.result(5)
        assert {check_chat_stream(bytes(told)).text for told in seen.values()} == {"tick " * 30}


@pytest.mark.slow
def test_a_token_is_renewed_once_for_both(tmp_path: Path) -> None:
    with ExitStack() as stack:
        stage = Stage(tmp_path / "logins", stack)
        stage.qwen.log_in(ends_in=-10)
        stage.qwen.tokens.delay = 0.3
        with workers(tmp_path / "renewing", {**stage.settings, **QUIET}) as proxy:
            assert {said(answer) for answer in ask_many([proxy], stage.qwen, 24)} == {"Hello, world!"}
        assert (stage.qwen.refreshes, stage.qwen.refused) == (1, [])


@pytest.mark.slow
def test_both_read_changed_settings(tmp_path: Path, upstreams: Upstreams) -> None:
    home = tmp_path / "changing"
    with workers(home, upstreams.settings) as proxy, one_client_each(proxy) as clients:
        (home / "aiclient" / "aiclient.toml").write_text(
            'workers = 3\n[routes]\n"swift" = "openai-custom:gpt-4.1-text"\n'
        )
        deadline = time.monotonic() + 10
        while any(client.get("/v1/models/swift").status_code != 200 for client in clients.values()):
            assert time.monotonic() < deadline
            time.sleep(0.1)


@pytest.mark.slow
def test_they_end_with_a_parent_that_was_killed(
    tmp_path: Path, upstreams: Upstreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with workers(tmp_path / "orphaned", upstreams.settings) as proxy:
        orphans = children(proxy.process.pid)
        (folder,) = tmp_path.glob("aiclient-workers-*")
        assert folder.stat().st_mode & 0o777 == 0o700
        proxy.process.kill()
        proxy.process.wait()
        deadline = time.monotonic() + 10
        while any(Path(f"/proc/{pid}/stat").exists() for pid in orphans) or folder.exists():
            assert time.monotonic() < deadline
            time.sleep(0.05)


@pytest.mark.slow
def test_a_port_in_use_is_the_error_of_one_process(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = taken.getsockname()[1]
        environment = os.environ | {"AICLIENT_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
        command = [sys.executable, "-P", "-m", "addons", "serve", "--workers", "2", "--port", str(port)]
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"aiclient: port {port} on 127.0.0.1 is in use: ")


@pytest.mark.slow
def test_what_mitmproxy_refuses_ends_all_with_its_status(tmp_path: Path) -> None:
    environment = os.environ | {"AICLIENT_HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-P", "-m", "addons", "serve", "--workers", "2", "--port", "0", "--", "--bogus"]
    done = subprocess.run(
        command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 1
    assert "--bogus" in done.stderr
    assert "started again" not in done.stderr


@pytest.mark.slow
def test_plain_mitmdump_is_one_process_and_says_so(tmp_path: Path, upstreams: Upstreams) -> None:
    proxy = launch(tmp_path / "plain", {**upstreams.settings, "WORKERS": "2"})
    health = httpx.get(f"{proxy.url}/health", headers=RIGHT, trust_env=False).json()
    assert proxy.stop() == 0
    assert "worker" not in health
    assert proxy.log.read_text().count("workers = 2 counts with `aiclient serve`") == 1
