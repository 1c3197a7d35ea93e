"""Qwen Code's tokens: rotated, shared with its own program through a lock file, and useless since its service ended."""
# ruff: noqa: ASYNC240 (small files, and nobody waits)

import asyncio
import base64
import json
import os
import re
import subprocess
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from creds.account import CredentialError, State
from creds.oauth import OAuthCredential
from creds.qwen import (
    BASE_URL,
    CLIENT_ID,
    ENDED,
    KEYS,
    LOGIN,
    QwenRefresh,
    note_refusal,
    qwen_base_url,
    qwen_credential,
    qwen_file,
    says_service_ended,
)
from creds.token import Dead, Token, Unavailable
from creds.token_file import FileSource
from tests.fakes.oauth import QWEN_PATH, OAuthFake, Scripted

ROOT = Path(__file__).resolve().parents[2]
OLD = Token("access-0", "refresh-0")
REFUSAL = '{"error": {"message": "Invalid access token or token expired", "code": "invalid_api_key"}}'


@pytest.fixture
def fake() -> Iterator[OAuthFake]:
    server = OAuthFake(rotates=True)
    server.alive = {"refresh-0"}
    server.more = {"resource_url": "portal.qwen.ai", "scope": None}
    with server:
        yield server


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "oauth_creds.json"


def put(path: Path, left: float, refresh: str = "refresh-0", **more: object) -> None:
    document = {
        "access_token": "access-0",
        "refresh_token": refresh,
        "token_type": "Bearer",
        "resource_url": "portal.qwen.ai",
        "expiry_date": int((time.time() + left) * 1000),
    }
    path.write_text(json.dumps(document | more))


# --- 2: the refresh ---


async def test_2_a_refresh_is_a_form_with_the_public_client(fake: OAuthFake) -> None:
    fake.more |= {"resource_url": "other.qwen.ai"}
    token = await QwenRefresh(fake.url + "/", now=lambda: 1000.0)(OLD)
    assert token == Token(
        "access-1-refresh-0", "refresh-0+1", 4599, {"resource_url": "other.qwen.ai", "token_type": "Bearer"}
    )
    (sent,) = fake.requests
    assert (sent.path, sent.header("accept")) == (QWEN_PATH, "application/json")
    assert sent.body == f"grant_type=refresh_token&refresh_token=refresh-0&client_id={CLIENT_ID}".encode()
    assert (sent.header("user-agent") or "").startswith("aiclient/")


async def test_2_an_answer_without_a_refresh_token_keeps_the_old_one(fake: OAuthFake, path: Path) -> None:
    put(path, 0)
    fake.rotates = False
    credential = qwen_credential("x", path, None, fake.url)
    await credential.ready()
    assert json.loads(path.read_text())["refresh_token"] == credential.token.refresh == "refresh-0"


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, {"error": "invalid_grant"}, Dead, "refused the refresh token (HTTP 400 invalid_grant)"),
        (400, {"error": "invalid_request", "error_description": "gone"}, Dead, "invalid_request: gone"),
        (401, {"error": "anything"}, Dead, "HTTP 401"),
        (200, {"error": "invalid_grant"}, Dead, "HTTP 200 invalid_grant"),
        (403, {"error": "x"}, CredentialError, "refused the request (HTTP 403 x)"),
        (429, {"error": "slow_down"}, Unavailable, "HTTP 429 slow_down"),
        (500, {}, Unavailable, "is not available (HTTP 500)"),
        (400, "<html>blocked</html>", Unavailable, "no JSON object"),
        (200, "<html>blocked</html>", Unavailable, "no JSON object"),
        (200, {"status": "success"}, Unavailable, "without an access token"),
    ],
    ids=str,
)
async def test_2_each_refusal_is_what_it_means(
    status: int, body: object, kind: type[CredentialError], words: str, fake: OAuthFake
) -> None:
    fake.scripted = [Scripted(status, body)]
    with pytest.raises(CredentialError) as caught:
        await QwenRefresh(fake.url)(OLD)
    assert (type(caught.value), len(fake.requests)) == (kind, 1)
    assert words in str(caught.value)


async def test_no_secret_is_in_what_is_said(fake: OAuthFake, path: Path) -> None:
    put(path, 0, "hunter2")
    before = path.read_bytes()
    credential = qwen_credential("x", path, None, fake.url)
    with pytest.raises(Dead, match=rf"Bad refresh token \*\*\*\); log in again: {re.escape(LOGIN)}") as caught:
        await credential.ready()
    assert "hunter2" not in "".join(traceback.format_exception(caught.value)) + repr(credential.status())
    assert (credential.status().state, path.read_bytes()) == (State.NEEDS_LOGIN, before), "nothing is deleted"


# --- 3: the file ---


@pytest.mark.parametrize("form", ["milliseconds", "seconds", "text"])
async def test_3_the_end_in_each_form_is_kept_in_that_form(form: str, fake: OAuthFake, path: Path) -> None:
    expired = {"milliseconds": 1_700_000_000_000, "seconds": 1_700_000_000, "text": "2023-11-15T06:13:20+08:00"}[form]
    put(path, 0, expiry_date=expired)
    await qwen_credential("x", path, None, fake.url).ready()
    document = json.loads(path.read_text())
    assert type(document["expiry_date"]) is type(expired)
    assert document == {
        "access_token": "access-1-refresh-0",
        "refresh_token": "refresh-0+1",
        "token_type": "Bearer",
        "resource_url": "portal.qwen.ai",
        "expiry_date": document["expiry_date"],
    }
    assert KEYS.load(document, "x").expires_at == pytest.approx(time.time() + 3599, abs=5)


OFFICIAL = """
import json, os, sys, time
path, lock = sys.argv[1], sys.argv[1].replace(".json", ".lock")
fd = os.open(lock, os.O_CREAT | os.O_EXCL)
print("held", flush=True)
sys.stdin.readline()
time.sleep(0.15)
document = json.load(open(path)) | {"access_token": "his", "expiry_date": (time.time() + 3600) * 1000}
json.dump(document, open(path + ".new", "w"))
os.rename(path + ".new", path)
os.unlink(lock)
"""


def test_3_the_official_tools_lock_is_waited_for_and_its_file_used(fake: OAuthFake, path: Path) -> None:
    """Another process holds the lock, writes its token and lets go."""
    put(path, 0)
    pipe = subprocess.PIPE
    official = subprocess.Popen([sys.executable, "-c", OFFICIAL, str(path)], stdin=pipe, stdout=pipe, text=True)
    assert official.stdin
    assert official.stdout
    assert official.stdout.readline() == "held\n"
    official.stdin.write("go\n")
    official.stdin.flush()
    credential = qwen_credential("x", path, None, fake.url)
    asyncio.run(credential.ready())
    official.communicate(timeout=5)
    assert (credential.token.access, fake.requests, os.listdir(path.parent)) == ("his", [], [path.name])


async def test_3_a_dead_programs_lock_does_not_hold_us_up(fake: OAuthFake, path: Path) -> None:
    put(path, 0)
    lock = path.with_suffix(".lock")
    lock.write_text("a dead program's")
    os.utime(lock, (1, 1))
    await qwen_credential("x", path, None, fake.url).ready()
    assert (fake.refreshes, os.listdir(path.parent)) == (1, [path.name])


async def test_3_base64_stays_in_memory(fake: OAuthFake, tmp_path: Path) -> None:
    text = base64.b64encode(b'{"access_token": "a", "refresh_token": "refresh-0", "expiry_date": 1}').decode()
    credential = qwen_credential("x", None, text, fake.url)
    await credential.ready()
    assert (credential.source, credential.token.refresh, os.listdir(tmp_path)) == ("base64", "refresh-0+1", [])


RACING = """
import asyncio, sys, time
from pathlib import Path
from creds.lock_file import LockFile
from creds.oauth import OAuthCredential
from creds.qwen import KEYS, QwenRefresh
from creds.token_file import FileSource, beside

async def main() -> None:
    folder, url, me, other, rounds = Path(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5])
    refresh = QwenRefresh(url)
    for n in range(rounds):
        path = folder / f"{n}.json"
        lock = LockFile(beside(path), first_wait=0.002, longest_wait=0.01, attempts=2000)
        credential = OAuthCredential(me, FileSource(path, KEYS, lock=lock), refresh, time.time)
        credential.status()
        (folder / f"{n}.{me}").touch()
        deadline = time.monotonic() + 20
        while not (folder / f"{n}.{other}").exists():
            assert time.monotonic() < deadline, "the other one failed"
            time.sleep(0)
        await credential.ready()
        print(credential.token.access, flush=True)

asyncio.run(main())
"""


def test_two_processes_that_race_for_one_rotating_refresh_token_refresh_once(fake: OAuthFake, tmp_path: Path) -> None:
    """100 rounds; a second use of any refresh token would be refused, and counted."""
    rounds, fake.delay = 100, 0.003
    fake.alive = {f"r{n}" for n in range(rounds)}
    for n in range(rounds):
        put(tmp_path / f"{n}.json", 0, f"r{n}")
    racers = [
        subprocess.Popen(
            [sys.executable, "-c", RACING, str(tmp_path), fake.url, *names, str(rounds)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for names in (("a", "b"), ("b", "a"))
    ]
    outputs = [racer.communicate(timeout=90) for racer in racers]
    assert [error for _, error in outputs] == ["", ""]
    expected = [json.loads((tmp_path / f"{n}.json").read_text()) for n in range(rounds)]
    assert [document["refresh_token"].partition("+")[0] for document in expected] == [f"r{n}" for n in range(rounds)]
    assert [out.split() for out, _ in outputs] == [[document["access_token"] for document in expected]] * 2
    assert (fake.refreshes, fake.refused, len(fake.requests)) == (rounds, [], rounds)
    assert not list(tmp_path.glob("*.lock*"))


# --- 4: the base URL ---


@pytest.mark.parametrize(
    ("resource", "url"),
    [
        ("portal.qwen.ai", "https://portal.qwen.ai/v1"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
        ("https://dashscope.aliyuncs.com/compatible-mode/v1/", "https://dashscope.aliyuncs.com/compatible-mode/v1"),
        ("x.qwen.ai/", "https://x.qwen.ai/v1"),
        ("https://Portal.Qwen.AI:8443", "https://Portal.Qwen.AI:8443/v1"),
        ("qwen.ai", "https://qwen.ai/v1"),
        (None, BASE_URL),
        ("", BASE_URL),
        ("  ", BASE_URL),
        (5, BASE_URL),
    ],
    ids=str,
)
def test_4_the_token_names_its_server(resource: object, url: str) -> None:
    assert qwen_base_url({"resource_url": resource}) == url
    assert qwen_base_url({}) == BASE_URL


@pytest.mark.parametrize(
    "resource",
    [
        *(
            "http://portal.qwen.ai",
            "evil.example",
            "qwen.ai.evil.example",
            "notqwen.ai",
            "https://portal.qwen.ai@evil.example",
        ),
        *(
            "https://evil.example\\.qwen.ai",
            "https://portal.qwen.ai?x=.qwen.ai",
            "https://portal.qwen.ai#x",
            "https://[::1",
        ),
        *("https://portal.qwen.ai:99999", "https://pörtal.qwen.ai", "file:///etc/passwd", "127.0.0.1", "https://"),
    ],
)
def test_4_a_token_does_not_go_wherever_a_file_says(resource: str) -> None:
    with pytest.raises(
        CredentialError, match=r"not an https address under qwen\.ai or aliyuncs\.com.*set qwen_base_url"
    ):
        qwen_base_url({"resource_url": resource})


# --- 0: the end of the service ---


@pytest.mark.parametrize(
    ("status", "text", "ended"),
    [
        (401, REFUSAL, True),
        (401, "invalid access token or token expired", True),
        (403, REFUSAL, False),
        (401, '{"error": {"code": "invalid_api_key"}}', False),
    ],
)
def test_0_the_words_that_every_token_gets(status: int, text: str, ended: bool) -> None:
    assert says_service_ended(status, text) is ended


async def test_0_a_fresh_token_that_is_refused_suspends_the_account(fake: OAuthFake, path: Path) -> None:
    put(path, 3600)
    credential = qwen_credential("x", path, None, fake.url)
    await credential.ready()
    assert not note_refusal(credential, 401, REFUSAL), "the token may really be at its end"
    assert await credential.renew()
    assert not note_refusal(credential, 429, REFUSAL)
    assert note_refusal(credential, 401, REFUSAL)
    assert (credential.status().state, credential.status().advice) == (State.SUSPENDED, ENDED)
    for words in ("2026-04-15", "API key", "openai-custom"):
        assert words in ENDED
    with pytest.raises(CredentialError, match="ended on 2026-04-15"):
        await credential.ready()
    assert (await credential.renew(), fake.refreshes) == (False, 1)


# --- accounts ---


def test_the_same_arguments_are_the_same_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = qwen_credential("x", tmp_path / "a")
    assert qwen_credential("x", tmp_path / "a") is one
    assert qwen_credential("x", tmp_path / "b") is not one
    monkeypatch.setenv("HOME", str(tmp_path))
    assert qwen_file() == tmp_path / ".qwen" / "oauth_creds.json"
    assert qwen_credential("x").source == str(qwen_file())


async def test_a_folder_that_cannot_be_written_keeps_the_login_of_its_owner(
    fake: OAuthFake, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(path, 0)

    def read_only(*_: object) -> int:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("creds.lock_file.os.open", read_only)
    credential = OAuthCredential("x", FileSource(path, KEYS), QwenRefresh(fake.url), time.time)
    with pytest.raises(CredentialError, match="Read-only file system"):
        await credential.ready()
    assert fake.requests == []
