"""The authorization code flow for a program (RFC 8252): a login page, and its answer by way of a browser.

The answer comes to a listener on this machine. Where the browser is on another one, the redirect leads nowhere there, and the
person copies the address that the browser shows.
"""

import asyncio
import os
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field

from creds.account import CredentialError
from creds.loopback import Loopback, callback_host, callback_port, listening
from creds.pkce import Pkce, fresh_pkce, fresh_state
from creds.redirect import Foreign, Refused, code_of_pasted
from creds.terminal import Terminal, duration, shown

SECONDS = 300.0
TRIES = 3  # at pasting
PASTE_PORT = 8585  # stands in the redirect where nobody listens for it
ASK = "Then paste the address that the browser ends up at (it may say that the page cannot be reached), or the code in it:"


@dataclass(frozen=True, slots=True)
class Page:
    """A login page. url: of the redirect address, the state and the challenge. path, host: of the redirect, as the provider
    knows it."""

    url: Callable[[str, str, str], str]
    path: str
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Granted:
    """What a token server wants to see for the tokens."""

    code: str = field(repr=False)
    redirect: str
    pkce: Pkce


@dataclass(frozen=True, slots=True)
class Way:
    """How the answer comes back. paste: by the person alone, nothing listens. port 0: the environment's, else a free one."""

    paste: bool = False
    port: int = 0
    seconds: float = SECONDS
    environ: Mapping[str, str] = field(default_factory=lambda: os.environ, repr=False)


async def ask_browser(page: Page, terminal: Terminal, way: Way) -> Granted:
    """Show the page, wait for its answer. Raises CredentialError when it is a refusal, or when none comes in time."""
    pkce, state = fresh_pkce(), fresh_state()
    port = callback_port(way.environ, way.port)
    try:
        async with asyncio.timeout(way.seconds):
            if way.paste:
                redirect = _redirect(page, port or PASTE_PORT)
                _show(page.url(redirect, state, pkce.challenge), terminal)
                return Granted(await _pasted(terminal, state), redirect, pkce)
            async with listening(page.path, state, host=callback_host(way.environ), port=port) as loopback:
                redirect = _redirect(page, loopback.port)
                url = page.url(redirect, state, pkce.challenge)
                _show(url, terminal)
                return Granted(await _brought(url, loopback, terminal, state), redirect, pkce)
    except TimeoutError:
        raise CredentialError(f"nobody logged in within {duration(way.seconds)}; begin again") from None


def _redirect(page: Page, port: int) -> str:
    return f"http://{page.host}:{port}{page.path}"


def _show(url: str, terminal: Terminal) -> None:
    terminal.say(f"Open this page in a browser and log in:\n\n  {shown(url)}\n")


async def _brought(url: str, loopback: Loopback, terminal: Terminal, state: str) -> str:
    """By the browser to the listener, or by the person, if there is no browser here and somebody to paste it."""
    if await terminal.open(url):
        terminal.say("The page was opened in your browser. Waiting ...")
        return await loopback.code()
    terminal.say(f"Waiting on port {loopback.port} of this machine ...")
    if not terminal.interactive:
        return await loopback.code()
    return await _first(loopback.code(), _pasted(terminal, state))


async def _first(*ways: Coroutine[None, None, str]) -> str:
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task in done).result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pasted(terminal: Terminal, state: str) -> str:
    """What is not the answer may be tried again."""
    text = ASK
    for _ in range(TRIES - 1):
        line = await terminal.ask(text)
        try:
            return _code(line, state)
        except Foreign as e:
            text = f"That is not it: {e}. Paste the address once more:"
    return _code(await terminal.ask(text), state)


def _code(line: str | None, state: str) -> str:
    if line is None:
        raise Refused("nothing can be pasted here: in a container, start it with an input (`-it`)")
    return code_of_pasted(line, state)
