"""uvloop under the event loop that mitmproxy starts."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from addons.event_loop import without_eager_start

ROOT = Path(__file__).resolve().parents[2]


def test_a_factory_of_before_eager_start_is_called_without_it() -> None:
    seen: list[dict[str, object]] = []

    def factory(loop: asyncio.AbstractEventLoop, coro: Any, *, name: str | None = None, context: object = None) -> Any:
        seen.append({"name": name})
        return coro

    without_eager_start(factory)(None, "coro", name="x", context=None, eager_start=None)
    assert seen == [{"name": "x"}]


def test_a_factory_that_knows_eager_start_is_left_alone() -> None:
    def named(loop: object, coro: object, *, eager_start: object = None) -> Any: ...
    def open_(loop: object, coro: object, **kwargs: object) -> Any: ...

    assert without_eager_start(named) is named
    assert without_eager_start(open_) is open_


def test_mitmproxys_eager_tasks_run_on_uvloop() -> None:
    """In a process of its own: a policy is for the whole process."""
    pytest.importorskip("uvloop")
    program = """
import asyncio
from addons.event_loop import use_uvloop
assert use_uvloop()
async def answer(): return 42
async def main():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    task = asyncio.create_task(answer(), name="x")
    assert task.done() and task.get_name() == "x"
    loop.set_task_factory(None)
    assert loop.get_task_factory() is None
    return type(loop).__mro__[1].__module__
print(asyncio.run(main()))
"""
    command = [sys.executable, "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout) == ("", "uvloop\n")


def test_httpx_connects_under_eager_tasks_on_uvloop() -> None:
    """Model lists, token renewals and files by URL go through it: anyio starts its own tasks in another way when it finds the
    standard library's eager factory, which must not be hidden by ours."""
    pytest.importorskip("uvloop")
    program = """
import asyncio, httpx
from addons.event_loop import use_uvloop
assert use_uvloop()
async def serve(reader, writer):
    await reader.readuntil(b"\\r\\n\\r\\n")
    writer.write(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\nconnection: close\\r\\n\\r\\nok")
    await writer.drain()
    writer.close()
async def main():
    asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")).text
print(asyncio.run(main()))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "ok\n", done.stderr[-2000:]


def test_a_client_that_resets_before_it_is_taken_is_not_met() -> None:
    """mitmproxy asks for the address of everybody whom it meets, and uvloop does not know that of one who has gone."""
    pytest.importorskip("uvloop")
    program = """
import asyncio, socket, struct
from addons.event_loop import use_uvloop
assert use_uvloop()
async def main():
    loop = asyncio.get_running_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    met = []
    async def meet(reader, writer):
        met.append((writer.get_extra_info("peername") is not None, await reader.read()))
        writer.close()
    server = await asyncio.start_server(meet, "127.0.0.1", 0)
    address = server.sockets[0].getsockname()
    for linger in (1, 0):
        with socket.create_connection(address) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", linger, 0))
            if not linger:
                sock.sendall(b"x")
    await asyncio.sleep(0.2)
    return met
print(asyncio.run(main()))
"""
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stderr, done.stdout) == ("", "[(True, b'x')]\n")
