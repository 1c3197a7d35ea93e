"""A listener on this machine that a login page sends the browser back to (RFC 8252, section 7.3). Plain HTTP, one use."""

import asyncio
import errno
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from creds.account import CredentialError
from creds.redirect import Foreign, Refused, code_of

HOST = "127.0.0.1"
HOST_VARIABLE, PORT_VARIABLE = "OAUTH_CALLBACK_HOST", "OAUTH_CALLBACK_PORT"  # the Gemini CLI's own names
HEAD_BYTES = 16 * 1024
HEAD_SECONDS = 10.0  # a browser opens connections ahead of need, and says nothing on some of them

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>aiclient</title>
<style>body{{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:20vh auto;padding:0 1rem}}</style>
<h1>{title}</h1><p>{text}</p></html>
"""
_DONE = (200, "Logged in", "You can close this page. The program in your terminal has what it needs.")
_NOT_DONE = (400, "Not logged in", "The login was refused. The program in your terminal says why.")
_FOREIGN = (
    400,
    "Not this login",
    "This answer belongs to another login. The program in your terminal is still waiting: open the page that it names.",
)
_NOTHING = (404, "Nothing here", "This address waits for the end of a login.")
_ONLY_GET = (405, "Nothing here", "This address takes GET alone.")
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed"}


class Loopback:
    """Waits for one redirect to `path` with `state`. Other paths get 404, other states 400, and it waits on.

    port: where it listens.
    """

    def __init__(self, path: str, state: str) -> None:
        self.port = 0
        self._path, self._state = path, state
        self._code: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._code.add_done_callback(lambda done: done.cancelled() or done.exception())  # seen, though nobody may ask
        self._writers: set[asyncio.StreamWriter] = set()

    async def code(self) -> str:
        """The code that the browser brings. Raises Refused when it brings a refusal. Waits without limit."""
        return await asyncio.shield(self._code)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request."""
        self._writers.add(writer)
        try:
            with suppress(TimeoutError, OSError, EOFError, ValueError, asyncio.LimitOverrunError):
                async with asyncio.timeout(HEAD_SECONDS):
                    head = await reader.readuntil(b"\r\n\r\n")
                    (status, title, text), end = self._answer(head.decode("latin-1"))
                    writer.write(_response(status, _PAGE.format(title=title, text=text)))
                    await writer.drain()
                    self._finish(end)
        finally:
            writer.close()
            self._writers.discard(writer)

    def close(self) -> None:
        """Connections included: waiting for those of a browser could take minutes."""
        for writer in self._writers:
            writer.close()

    def _answer(self, head: str) -> tuple[tuple[int, str, str], str | Refused | None]:
        """What the browser is shown, and how the waiting ends, if it does."""
        method, _, rest = head.partition(" ")
        target = urlsplit(rest.partition(" ")[0])
        if target.path != self._path:
            return _NOTHING, None
        if method != "GET":
            return _ONLY_GET, None
        try:
            return _DONE, code_of(target.query, self._state)
        except Foreign:
            return _FOREIGN, None
        except Refused as refused:
            return _NOT_DONE, refused

    def _finish(self, end: str | Refused | None) -> None:
        if end is None or self._code.done():
            return
        if isinstance(end, str):
            self._code.set_result(end)
        else:
            self._code.set_exception(end)


def _response(status: int, page: str) -> bytes:
    """Nothing of the request is in it. The address holds the code: it is neither kept nor told to another page."""
    body = page.encode()
    lines = (
        f"HTTP/1.1 {status} {_REASONS[status]}",
        "content-type: text/html; charset=utf-8",
        f"content-length: {len(body)}",
        "cache-control: no-store",
        "content-security-policy: default-src 'none'; style-src 'unsafe-inline'",
        "referrer-policy: no-referrer",
        "connection: close",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@asynccontextmanager
async def listening(path: str, state: str, *, host: str = HOST, port: int = 0) -> AsyncIterator[Loopback]:
    """port 0: a free one. CredentialError when it cannot listen there."""
    loopback = Loopback(path, state)
    try:
        server = await asyncio.start_server(loopback.connected, host, port, limit=HEAD_BYTES)
    except OSError as e:
        if e.errno == errno.EADDRINUSE:
            raise CredentialError(
                f"port {port} on {host} is in use: take another with --port, or log in with --no-browser"
            ) from e
        raise CredentialError(f"cannot listen on {host} port {port}: {e.strerror or e}; try --no-browser") from e
    loopback.port = server.sockets[0].getsockname()[1]
    try:
        yield loopback
    finally:
        server.close()
        loopback.close()


def callback_host(environ: Mapping[str, str]) -> str:
    """The address to bind: a container's must be reachable from outside it. The redirect names 127.0.0.1 all the same."""
    return environ.get(HOST_VARIABLE, "").strip() or HOST


def callback_port(environ: Mapping[str, str], chosen: int = 0) -> int:
    """`chosen`, else the variable's, else 0 for a free one. CredentialError for what is no port."""
    text = environ.get(PORT_VARIABLE, "").strip()
    if chosen or not text:
        return chosen
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= 65535):
        raise CredentialError(f"{PORT_VARIABLE} must be a port from 1 to 65535")
    return int(text)
