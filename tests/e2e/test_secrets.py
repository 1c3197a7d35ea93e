"""28 Keys stand nowhere but where they belong: not in the dump, not on stdout, not in an answer; and SIGTERM ends in good order."""

import os
import subprocess
import sys
from pathlib import Path

import httpx

from tests.e2e.conftest import Launch, Upstreams
from tests.e2e.plain import ALL_KEYS, KEYS, PLAIN_MODEL, PROTOCOLS, RIGHT, plain
from tests.e2e.proxy import Proxy
from tests.fakes.samples import CLIENT_KEY
from tests.fakes.scripts import HttpError, Script

WRONG_KEY = "a-key-somebody-mistyped-0815"
WRONG_HEADERS = {"authorization": f"Bearer {WRONG_KEY}", "x-api-key": WRONG_KEY, "x-goog-api-key": WRONG_KEY}


def test_28_no_key_is_in_the_dump_on_stdout_or_in_an_answer(
    start: Launch, upstreams: Upstreams, web: httpx.Client
) -> None:
    """Also when a provider repeats the key it was given in its error, and when a client sends its key in the URL."""
    proxy = start("secrets", upstreams.settings)
    answers = []
    for provider, model in PLAIN_MODEL.items():
        fake, key = upstreams.of(provider), KEYS[provider]
        for status in (400, 401, 429, 500):
            message = f"Incorrect API key provided: {key}. Find it at https://provider.example/{key}"
            fake.scripts[f"echo{status}"] = Script(error=HttpError(status, "api_error", message))
        for protocol in PROTOCOLS:
            for script in ("text", "parallel", "midcut", "e500", "nohead", "echo400", "echo401", "echo429", "echo500"):
                for stream in (False, True):
                    asked = plain(protocol, f"{model}-{script}", stream=stream)
                    url = f"{proxy.url}/{provider}{asked.path}"
                    answers.append(web.post(url, json=asked.body, headers={"x-api-key": CLIENT_KEY}))
            asked = plain(protocol, model)
            url = f"{proxy.url}/{provider}{asked.path}"
            answers.append(web.post(f"{url}?a=1&key={CLIENT_KEY}", json=asked.body))
            answers.append(web.post(url, json=asked.body, headers={"cookie": f"k={CLIENT_KEY}", **RIGHT}))
            answers.append(web.post(f"{url}?key={WRONG_KEY}", json=asked.body))
            for header, value in WRONG_HEADERS.items():
                answers.append(web.post(url, json=asked.body, headers={header: value}))
    answers.append(web.get(f"{proxy.url}/v1/models?key={CLIENT_KEY}"))
    assert len([a for a in answers if a.status_code == 200]) > 80

    told = b"".join(repr(list(a.headers.raw)).encode() + a.content for a in answers)
    command_line = Path(f"/proc/{proxy.process.pid}/cmdline").read_bytes()
    assert proxy.stop() == 0, "SIGTERM ends in good order"
    written = {
        "the dump": proxy.dump.read_bytes(),
        "the log": proxy.log.read_bytes(),
        "an answer": told,
        "the command line": command_line,
    }
    for name, content in written.items():
        for key in (*ALL_KEYS, WRONG_KEY):
            assert key.encode() not in content, f"{name} holds a key: ...{_around(content, key.encode())!r}"
    assert b"gpt-4.1" in written["the dump"], "the dump was written at all"


def _around(content: bytes, key: bytes) -> bytes:
    at = content.index(key)
    return content[max(0, at - 200) : at]


def test_29_what_is_written_is_for_its_owner_alone(start: Launch, web: httpx.Client) -> None:
    """The generated client key works, and its file is nobody else's to read."""
    proxy = start("fresh", {})
    home = proxy.log.parent / "aiclient"
    files = [path for path in home.rglob("*") if path.is_file()]
    keys = [path.read_text().strip() for path in files]
    url = f"{proxy.url}/v1/models"
    assert web.get(url).status_code == 401
    (key,) = [key for key in keys if web.get(url, headers={"x-api-key": key}).status_code == 200]
    assert len(key) >= 32
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}
    assert oct(home.stat().st_mode & 0o777) == "0o700"


def test_29_a_dump_is_for_its_owner_alone(proxy: Proxy) -> None:
    """It holds whole conversations."""
    assert oct(proxy.dump.stat().st_mode & 0o777) == "0o600"


def test_a_dump_can_be_read_again(start: Launch, upstreams: Upstreams, web: httpx.Client) -> None:
    """What we keep of an exchange is plain data, so that `mitmdump -r` reads it."""
    proxy = start("reread", upstreams.settings)
    body = {"model": "claude-sonnet-4-5-parallel", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    headers = {"authorization": f"Bearer {CLIENT_KEY}"}
    assert web.post(f"{proxy.url}/claude-custom/v1/chat/completions", json=body, headers=headers).status_code == 200
    proxy.stop()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AICLIENT_")}
    command = [str(Path(sys.executable).parent / "mitmdump"), "-n", "-r", str(proxy.dump)]
    shown = subprocess.run(command, capture_output=True, env=environment, cwd=proxy.log.parent, timeout=30, check=True)
    assert b"/v1/messages" in shown.stdout
