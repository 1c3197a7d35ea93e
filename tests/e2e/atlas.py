"""An MCP server as agents meet it: streamable HTTP on 127.0.0.1, in a thread, with tools that are hard on schemas and results."""

import base64
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated, Any, Literal

import uvicorn
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.server.mcpserver import Image, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field

from tests.fakes.samples import PNG
from tests.fakes.scripts import Call, Reply, Script

MAP = PNG  # what `draw_map` draws
FOUND = "2 cafés near 47.4, 8.5 ☂"
MISSING = "Error executing tool delete_place: there is no Zürich"
DONE = "Two cafés, one map, nothing deleted."
ARGUMENTS: dict[str, dict[str, Any]] = {  # what the model calls the tools with
    "find_places": {"query": "coffee ☂", "near": {"latitude": 47.4, "longitude": 8.5}, "limit": 2},
    "draw_map": {"center": {"latitude": 47.4, "longitude": 8.5}},
    "delete_place": {"name": "Zürich"},
}
IDS = {"find_places": "toolu_01Find", "draw_map": "toolu_02Draw", "delete_place": "toolu_03Delete"}


class Point(BaseModel):
    """A place on the globe."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: float


def served(called: list[str]) -> MCPServer:
    """called: gets the name of each tool that is called."""
    server = MCPServer("atlas", log_level="CRITICAL")

    @server.tool()
    def find_places(
        query: str,
        kind: Literal["café", "museum"] = "café",
        near: Point | None = None,
        limit: Annotated[int, Field(gt=0, description="How many")] = 5,
        zone: int | str = "local",
    ) -> str:
        """Places that match. Größe egal."""
        assert (kind, zone) == ("café", "local")
        assert near is not None
        called.append("find_places")
        return f"{limit} {kind}s near {near.latitude}, {near.longitude} {query[-1]}"

    @server.tool()
    def draw_map(center: Point) -> Image:
        """A map as a picture."""
        called.append("draw_map")
        return Image(data=base64.b64decode(MAP), format="png")

    @server.tool()
    def delete_place(name: str) -> str:
        """Take a place off the map."""
        called.append("delete_place")
        raise ToolError(f"there is no {name}")

    return server


@contextmanager
def running(called: list[str]) -> Iterator[str]:
    """The address of a server that runs."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(served(called).streamable_http_app(), log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    deadline = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < deadline, "the MCP server did not come up"
        time.sleep(0.01)
    yield f"http://127.0.0.1:{sock.getsockname()[1]}/mcp"
    server.should_exit = True
    thread.join(10)


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[ClientSession]:
    """The official client, over the wire."""
    async with streamable_http_client(url) as (reading, writing, *_), ClientSession(reading, writing) as client:
        await client.initialize()
        yield client


def script() -> Script:
    """A model that calls all three tools at once, and then says DONE."""
    calls = tuple(Call(IDS[name], name, (_json(arguments),)) for name, arguments in ARGUMENTS.items())
    return Script(Reply(calls=calls, stop="tool_calls"), Reply(text=(DONE,)))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
