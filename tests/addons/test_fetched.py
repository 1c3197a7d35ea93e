"""3.1 Through both legs: what is fetched stands in the provider's body, over real sockets, and nobody waits for another's file.

Loopback counts as public here; that it does not elsewhere is in test_fetch.py and in the tests against a running proxy.
"""

import asyncio
import base64
import ipaddress
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from addons import fetch
from tests.addons.legs_rig import CHAT, CHAT_PATH, MESSAGES, MESSAGES_PATH, Rig, body_of, call, status_of, with_accounts

PDF = b"%PDF-1.4 small"
PNG = b"\x89PNG\r\n\x1a\n"
FILES = {"/a.pdf": ("application/pdf", PDF), "/a.png": ("image/png", PNG)}
GEMINI = Rig(with_accounts("gemini"))
OPENAI = Rig(with_accounts("openai"))


class Site:
    """Serves FILES; `/slow/...` only once `go` is set; `/away` redirects to an address that counts as private."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.news = asyncio.Condition()
        self.go = asyncio.Event()
        self.url = ""

    async def has_been_asked(self, times: int) -> None:
        async with asyncio.timeout(5), self.news:
            await self.news.wait_for(lambda: len(self.asked) >= times)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
        async with self.news:
            self.asked.append(path)
            self.news.notify_all()
        if path.startswith("/slow/"):
            await self.go.wait()
        mime, body = FILES.get(path.removeprefix("/slow"), ("text/html", b"<html>"))
        status = "302 Found\r\nlocation: http://127.0.0.2/secret" if path == "/away" else "200 OK"
        head = f"HTTP/1.1 {status}\r\ncontent-type: {mime}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
        writer.write(head.encode() + body)
        writer.close()


@pytest.fixture
async def site(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    monkeypatch.setattr(fetch, "_is_public", lambda address: address == ipaddress.ip_address("127.0.0.1"))
    site = Site()
    server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
    site.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield site
    server.close()


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def said(*content: object) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(content)}]}


def image(url: str) -> dict[str, Any]:
    return {"type": "image", "source": {"type": "url", "url": url}}


def document(url: str) -> dict[str, Any]:
    return {"type": "document", "source": {"type": "url", "url": url}}


async def sent(rig: Rig, path: str, body: object) -> Any:
    flow = await rig.ask(call(path, body))
    assert flow.response is None, flow.response.content
    return json.loads(flow.request.content or b"")


async def test_3_1_pictures_and_documents_are_fetched_for_gemini(site: Site) -> None:
    content = said(image(f"{site.url}/a.png"), document(f"{site.url}/a.pdf"))
    body = await sent(GEMINI, MESSAGES_PATH, MESSAGES | content)
    assert body["contents"][0]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": encoded(PNG)}},
        {"inlineData": {"mimeType": "application/pdf", "data": encoded(PDF)}},
    ]
    assert sorted(site.asked) == ["/a.pdf", "/a.png"]


async def test_3_1_chat_takes_pictures_by_url_and_no_documents(site: Site) -> None:
    content = said(image(f"{site.url}/a.png"), document(f"{site.url}/a.pdf"))
    body = await sent(OPENAI, MESSAGES_PATH, MESSAGES | content)
    assert body["messages"][0]["content"] == [
        {"type": "image_url", "image_url": {"url": f"{site.url}/a.png"}},
        {
            "type": "file",
            "file": {"filename": "document.pdf", "file_data": f"data:application/pdf;base64,{encoded(PDF)}"},
        },
    ]
    assert site.asked == ["/a.pdf"]


async def test_3_1_a_picture_inside_a_tool_result_is_fetched(site: Site) -> None:
    turns = [
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": "f", "input": {}}]},
        {
            "role": "user",
            "content": [{"type": "tool_result", "tool_use_id": "a", "content": [image(f"{site.url}/a.png")]}],
        },
    ]
    asked = MESSAGES | {"model": "gemini-3-pro", "messages": [*MESSAGES["messages"], *turns]}
    body = await sent(GEMINI, MESSAGES_PATH, asked)
    assert body["contents"][-1]["parts"][0]["functionResponse"]["parts"] == [
        {"inlineData": {"mimeType": "image/png", "data": encoded(PNG)}}
    ]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/away", "what it leads to is not at a public address"),
        ("/page", "its type is 'text/html', needed is image/jpeg"),
    ],
)
async def test_3_1_a_file_that_cannot_be_had_is_a_400_that_names_url_and_place(site: Site, path: str, why: str) -> None:
    content = said({"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": site.url + path}})
    flow = await GEMINI.ask(call(CHAT_PATH, CHAT | content))
    assert status_of(flow) == 400
    error = body_of(flow)["error"]
    assert error["param"] == "messages[0].content[1]"
    assert site.url + path in error["message"]
    assert why in error["message"]


async def test_3_1_nobody_waits_for_anothers_file(site: Site) -> None:
    """While a site is slow, other requests go on, files of their own included, and the event loop never stands still."""
    slow = asyncio.create_task(GEMINI.ask(call(MESSAGES_PATH, MESSAGES | said(image(f"{site.url}/slow/a.png")))))
    await site.has_been_asked(1)
    longest = await longest_pause(
        sent(GEMINI, MESSAGES_PATH, MESSAGES | said(image(f"{site.url}/a.png"))), sent(OPENAI, CHAT_PATH, CHAT)
    )
    assert longest < 0.5
    assert not slow.done()
    site.go.set()
    flow = await slow
    assert json.loads(flow.request.content or b"")["contents"][0]["parts"][0]["inlineData"]["data"] == encoded(PNG)


async def test_3_1_files_of_one_request_are_fetched_side_by_side(site: Site) -> None:
    pictures = [image(f"{site.url}/slow/a.png") for _ in range(3)]
    asking = asyncio.create_task(GEMINI.ask(call(MESSAGES_PATH, MESSAGES | said(*pictures))))
    await site.has_been_asked(3)  # and none is answered yet
    site.go.set()
    assert (await asking).response is None


async def longest_pause(*works: Any) -> float:
    """Seconds that the event loop was away at most while the works were done."""
    working, longest, last = asyncio.gather(*works), 0.0, time.monotonic()
    while not working.done():
        await asyncio.sleep(0)
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
    await working
    return longest
