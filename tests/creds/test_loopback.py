"""The listener that a browser is sent back to."""

import asyncio
import socket

import httpx
import pytest

from creds.account import CredentialError
from creds.loopback import HEAD_BYTES, Loopback, callback_host, callback_port, listening
from creds.redirect import Refused

STATE = "s" * 64
PATH = "/oauth2callback"


async def get(loopback: Loopback, target: str, method: str = "GET") -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, f"http://127.0.0.1:{loopback.port}{target}")


async def test_the_code_comes_with_the_redirect_and_the_browser_is_thanked() -> None:
    async with listening(PATH, STATE) as loopback:
        answer = await get(loopback, f"{PATH}?code=4%2F0A&state={STATE}")
        assert await asyncio.wait_for(loopback.code(), 1) == "4/0A"
    assert answer.status_code == 200
    assert "Logged in" in answer.text
    assert "4/0A" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("target", "method", "status"),
    [
        ("/favicon.ico", "GET", 404),
        (f"{PATH}/x?code=y&state={STATE}", "GET", 404),
        (f"{PATH}?code=y&state=other", "GET", 400),
        (f"{PATH}?code=y", "GET", 400),
        ("/oauth2callback?error=access_denied", "GET", 400),
        (f"{PATH}?code=y&state={STATE}", "POST", 405),
        (f"{PATH}?code=y&state={STATE}", "HEAD", 405),
    ],
)
async def test_what_is_not_the_answer_is_turned_away_and_it_waits_on(target: str, method: str, status: int) -> None:
    async with listening(PATH, STATE) as loopback:
        waiting = asyncio.create_task(loopback.code())
        assert (await get(loopback, target, method)).status_code == status
        assert not waiting.done()
        await get(loopback, f"{PATH}?code=good&state={STATE}")
        assert await asyncio.wait_for(waiting, 1) == "good"


async def test_a_refusal_ends_it_and_is_shown() -> None:
    async with listening(PATH, STATE) as loopback:
        answer = await get(loopback, f"{PATH}?error=access_denied&error_description=<b>no&state={STATE}")
        with pytest.raises(Refused, match=r"access_denied: <b>no"):
            await asyncio.wait_for(loopback.code(), 1)
    assert answer.status_code == 400
    assert "<b>" not in answer.text


async def test_the_first_answer_counts() -> None:
    async with listening(PATH, STATE) as loopback:
        await get(loopback, f"{PATH}?code=one&state={STATE}")
        await get(loopback, f"{PATH}?code=two&state={STATE}")
        assert await loopback.code() == "one"


async def test_garbage_and_silent_connections_hold_nothing_up(caplog: pytest.LogCaptureFixture) -> None:
    """A browser opens connections ahead of need; some of them never say a word, and the end must not wait for them."""
    async with listening(PATH, STATE) as loopback:
        silent = await asyncio.open_connection("127.0.0.1", loopback.port)
        for junk in (b"\x16\x03\x01\r\n\r\n", b"GET http://[ HTTP/1.1\r\n\r\n", b"a" * (HEAD_BYTES * 2)):
            reader, writer = await asyncio.open_connection("127.0.0.1", loopback.port)
            writer.write(junk)
            writer.write_eof()
            await reader.read()
            writer.close()
        await get(loopback, f"{PATH}?code=good&state={STATE}")
        assert await asyncio.wait_for(loopback.code(), 1) == "good"
    assert caplog.text == ""
    assert await asyncio.wait_for(silent[0].read(), 1) == b""
    silent[1].close()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", loopback.port)


async def test_a_port_in_use_is_told_with_the_cure() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(CredentialError, match=f"port {port} on 127.0.0.1 is in use: take another with --port"):
            async with listening(PATH, STATE, port=port):
                pass


async def test_an_address_that_is_not_here_is_told_with_the_cure() -> None:
    with pytest.raises(CredentialError, match=r"cannot listen on 192\.0\.2\.1 port 0: .*--no-browser"):
        async with listening(PATH, STATE, host="192.0.2.1"):
            pass


async def test_a_chosen_port_is_taken() -> None:
    async with listening(PATH, STATE) as free:
        port = free.port
    async with listening(PATH, STATE, port=port) as loopback:
        assert loopback.port == port


def test_the_environment_chooses_address_and_port() -> None:
    assert callback_host({}) == "127.0.0.1"
    assert callback_host({"OAUTH_CALLBACK_HOST": "0.0.0.0"}) == "0.0.0.0"
    assert callback_port({}) == 0
    assert callback_port({"OAUTH_CALLBACK_PORT": "8085"}) == 8085
    assert callback_port({"OAUTH_CALLBACK_PORT": "8085"}, 9000) == 9000


@pytest.mark.parametrize("text", ["0", "65536", "x", "-1", "80.5", "٣"])
def test_a_variable_that_is_no_port_is_an_error(text: str) -> None:
    with pytest.raises(CredentialError, match="OAUTH_CALLBACK_PORT must be a port from 1 to 65535"):
        callback_port({"OAUTH_CALLBACK_PORT": text})
