"""The person who logs in: what he is told, what he types, and his browser, if there is one within reach."""

import asyncio
import os
import sys
import threading
import webbrowser
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

PIECE = 4096


class Terminal(Protocol):
    """interactive: somebody sits at it."""

    @property
    def interactive(self) -> bool: ...

    def say(self, text: str) -> None: ...

    async def ask(self, text: str) -> str | None:
        """The line that is typed; None when there is no more to come."""
        ...

    async def open(self, url: str) -> bool:
        """Show a page in a browser. Whether there is one."""
        ...


def has_browser(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a window can be opened from here: not over ssh or in a container without a display. `BROWSER` names one anyway
    (editors that work on another machine set it)."""
    if environ.get("BROWSER"):
        return True
    if platform in ("darwin", "win32"):
        return not any(environ.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"))
    return bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))


def is_page(url: str) -> bool:
    """Whether an address that a server named may be handed to a browser: https, or http on this machine."""
    try:
        parts = urlsplit(url)
        local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    except ValueError:
        return False
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


@dataclass(slots=True)
class StandardTerminal:
    """Implements Terminal with standard input and output. input: a descriptor."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    input: int = 0
    show: Callable[[str], bool] = webbrowser.open
    _rest: bytes = field(default=b"", init=False, repr=False)

    @property
    def interactive(self) -> bool:
        return os.isatty(self.input)

    def say(self, text: str) -> None:
        print(text, flush=True)

    async def ask(self, text: str) -> str | None:
        """Who waits may leave: the thread that reads does not keep the program alive."""
        self.say(text)
        loop = asyncio.get_running_loop()
        typed: asyncio.Future[str | None] = loop.create_future()

        def read() -> None:
            line = self._line()
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(lambda: None if typed.done() else typed.set_result(line))

        threading.Thread(target=read, daemon=True).start()
        return await typed

    async def open(self, url: str) -> bool:
        if not has_browser(self.environ) or not is_page(url):
            return False
        return await asyncio.to_thread(self.show, url)

    def _line(self) -> str | None:
        """Past Python's own buffer: a thread that holds it while the program ends would crash it."""
        while b"\n" not in self._rest:
            try:
                piece = os.read(self.input, PIECE)
            except OSError:
                piece = b""
            if not piece:
                break
            self._rest += piece
        if not self._rest:
            return None
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", "replace").strip()


def duration(seconds: float) -> str:
    """`15 minutes`, `90 seconds`."""
    return f"{round(seconds / 60)} minutes" if seconds >= 120 else f"{round(seconds)} seconds"


def shown(text: str) -> str:
    """What a server wants a person to see, without what would move his cursor."""
    return "".join(c for c in text if c.isprintable())
