"""Starting and stopping: early clients do no harm, a stream that is stopped does not look complete."""

import resource
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.proxy import launch
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import SCRIPTS, Reply
from tests.grammar import check_chat_stream

RIGHT = {"authorization": f"Bearer {CLIENT_KEY}"}


def test_a_client_that_knocks_during_start_up_does_no_harm(tmp_path: Path, upstreams: Upstreams) -> None:
    """It is refused or served; it must not make the proxy exit."""
    proxy = launch(tmp_path / "early", upstreams.settings, knock_early=True)
    for _ in range(20):
        assert httpx.get(f"{proxy.url}/health", trust_env=False, timeout=5).status_code == 200
        time.sleep(0.02)
    log = proxy.log.read_text()
    assert proxy.stop() == 0
    assert "Traceback" not in log, log


def test_22_sigterm_lets_answers_end_and_those_that_do_not_end_with_an_error_event(
    start: Launch, upstreams: Upstreams
) -> None:
    """Of 200 words, one each 50 ms, a few more come within the grace time; of 40 all do. New clients are not taken."""
    upstreams.of("openai-custom").scripts["forty"] = replace(SCRIPTS["paced"], reply=Reply(text=("tick ",) * 40))
    proxy = start("leaving", {**upstreams.settings, "GRACE_SECONDS": "5"})
    seen: dict[str, bytearray] = {"forty": bytearray(), "paced": bytearray()}

    def listen(script: str) -> None:
        body = {"model": f"gpt-4.1-{script}", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
        url = f"{proxy.url}/v1/chat/completions"
        with httpx.stream("POST", url, json=body, headers=RIGHT, trust_env=False) as answer:
            for part in answer.iter_raw():
                seen[script] += part

    with ThreadPoolExecutor() as pool:
        listening = [pool.submit(listen, script) for script in seen]
        deadline = time.monotonic() + 5
        while not all(b"tick " in told for told in seen.values()):
            assert time.monotonic() < deadline
            time.sleep(0.005)
        began = time.monotonic()
        proxy.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{proxy.url}/health", trust_env=False)
        assert proxy.process.wait(10) == 0
        assert time.monotonic() - began < 6
        for each in listening:
            each.result(5)  # raises when the connection was cut instead of ended
    assert check_chat_stream(bytes(seen["forty"])).text == "tick " * 40
    assert b'"error"' in seen["paced"].rstrip().rpartition(b"\n\n")[2]
    assert b"[DONE]" not in seen["paced"]


def test_22_a_second_sigterm_does_not_wait(start: Launch, upstreams: Upstreams) -> None:
    proxy = start("hurried", upstreams.settings)
    body = {"model": "gpt-4.1-paced", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with httpx.stream("POST", f"{proxy.url}/v1/chat/completions", json=body, headers=RIGHT, trust_env=False) as answer:
        parts = answer.iter_raw()  # kept: httpx hangs up when it is thrown away
        next(parts)
        proxy.process.send_signal(signal.SIGTERM)
        time.sleep(0.2)
        assert proxy.process.poll() is None
        proxy.process.send_signal(signal.SIGTERM)
        assert proxy.process.wait(2) == 0


def test_17_descriptors_run_out_and_come_back(start: Launch, upstreams: Upstreams) -> None:
    """Alive, one warning, and serving again once they are back."""
    proxy = start("starved", upstreams.settings)
    resource.prlimit(proxy.process.pid, resource.RLIMIT_NOFILE, (40, 40))
    held = [socket.create_connection(("127.0.0.1", proxy.port)) for _ in range(60)]
    time.sleep(0.3)
    for each in held:
        each.close()
    assert httpx.get(f"{proxy.url}/health", trust_env=False, timeout=5).status_code == 200
    assert proxy.log.read_text().count("no file descriptors are left") == 1
